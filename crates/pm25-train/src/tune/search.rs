//! Random search, then successive halving: everyone is judged on the first fold, the better third on more.
//!
//! ```text
//! folds  1      all trials                       40
//!        1-2    the better third                 14    and always trial 0, the defaults
//!        1-4    the better third of these         5
//! ```
//!
//! (Jamieson and Talwalkar 2016, with folds as the budget.) A trial's place depends on nothing but its own errors and
//! those of its rivals, so neither threads nor interruptions change the result.

use pm25_artifact::tune::{Rung, TrialFile};
use pm25_file::{Fault, Result};
use pm25_fit::{Fold, Sample};
use pm25_tool::Progress;
use rayon::prelude::*;

use super::trials::Trials;

/// How a fit of one trial on one fold is made.
pub(super) type FitOne<'a> = &'a (dyn Fn(u64, (&Sample, &Sample)) -> Result<Judged> + Sync);

/// What a fit was worth.
pub(super) struct Judged {
    pub(super) settings: std::collections::BTreeMap<String, f64>,
    pub(super) squares_ug2_m6: f64,
    pub(super) trees: Option<u64>,
}

/// A trial with its finished fits, a fold each, oldest first.
pub(super) struct Runner {
    pub(super) trial: u64,
    pub(super) fits: Vec<TrialFile>,
}

impl Runner {
    /// Over the judged rows of its folds, µg/m³.
    pub(super) fn rmse_ug_m3(&self) -> f64 {
        self.rmse_of_first_ug_m3(self.fits.len())
    }

    /// Over the judged rows of its oldest folds, µg/m³.
    pub(super) fn rmse_of_first_ug_m3(&self, n_folds: usize) -> f64 {
        let fits = &self.fits[..n_folds.min(self.fits.len())];
        let squares = fits.iter().fold(0.0, |sum, fit| sum + fit.squares_ug2_m6);
        let rows: u64 = fits.iter().map(|fit| fit.rows).sum();
        (squares / rows.max(1) as f64).sqrt()
    }

    pub(super) fn rows(&self) -> u64 {
        self.fits.iter().map(|fit| fit.rows).sum()
    }
}

/// How many folds judge in each round: 1, 2, 4, ... or all at once.
pub(super) fn rungs(n_trials: u64, n_folds: usize, halving: u64) -> Vec<Rung> {
    let rung = |folds: usize, trials| Rung {
        folds: folds as u64,
        trials,
    };
    if halving < 2 {
        return vec![rung(n_folds, n_trials)];
    }
    let mut rungs = vec![rung(1, n_trials)];
    let (mut folds, mut trials) = (1, n_trials);
    while folds < n_folds {
        folds = (2 * folds).min(n_folds);
        trials = trials.div_ceil(halving);
        rungs.push(rung(folds, trials));
    }
    rungs
}

/// Fits that a search makes.
pub(super) fn n_fits(rungs: &[Rung]) -> u64 {
    let mut before = 0;
    rungs
        .iter()
        .map(|rung| {
            let new = rung.folds - std::mem::replace(&mut before, rung.folds);
            new * rung.trials
        })
        .sum()
}

/// Runs all rounds; every trial that took part is there, those of the last round first, best first.
pub(super) fn search(
    (sample, folds): (&Sample, &[Fold]),
    rungs: &[Rung],
    trials: &Trials,
    fit_one: FitOne,
    progress: &Progress,
) -> Result<Vec<Runner>> {
    let n_trials = rungs.first().map_or(0, |rung| rung.trials);
    let mut racing: Vec<Runner> = (0..n_trials)
        .map(|trial| Runner {
            trial,
            fits: Vec::new(),
        })
        .collect();
    let mut fallen = Vec::new();
    for rung in rungs {
        let rest = racing.split_off((rung.trials as usize).min(racing.len()));
        fallen.splice(0..0, rest);
        let done = racing.first().map_or(0, |runner| runner.fits.len());
        for (fold_idx, fold) in folds
            .iter()
            .enumerate()
            .take(rung.folds as usize)
            .skip(done)
        {
            run_fold(
                (sample, fold_idx, fold),
                &mut racing,
                trials,
                fit_one,
                progress,
            )?;
        }
        rank(&mut racing);
    }
    racing.extend(fallen);
    Ok(racing)
}

/// Every trial of the round on one more fold.
fn run_fold(
    (sample, fold_idx, fold): (&Sample, usize, &Fold),
    racing: &mut [Runner],
    trials: &Trials,
    fit_one: FitOne,
    progress: &Progress,
) -> Result<()> {
    let known: Vec<Option<TrialFile>> = racing
        .iter()
        .map(|runner| trials.read(runner.trial, fold_idx))
        .collect::<Result<_>>()?;
    progress.advance(known.iter().flatten().count() as u64);
    let rows = known
        .iter()
        .any(Option::is_none)
        .then(|| (sample.take(&fold.train), sample.take(&fold.judged)));
    let fits: Vec<TrialFile> = racing
        .par_iter()
        .zip(known)
        .map(|(runner, known)| match (known, &rows) {
            (Some(known), _) => Ok(known),
            (None, None) => Err(Fault::unforeseen("rows of a fold were not taken")),
            (None, Some((train, judged))) => {
                let found = fit_one(runner.trial, (train, judged))?;
                let kept = trials.keep(TrialFile {
                    pm25: trials.header(),
                    trial: runner.trial,
                    fold: fold_idx as u64 + 1,
                    settings: found.settings,
                    rows: judged.n_rows() as u64,
                    squares_ug2_m6: found.squares_ug2_m6,
                    trees: found.trees,
                })?;
                progress.advance(1);
                Ok(kept)
            }
        })
        .collect::<Result<_>>()?;
    for (runner, fit) in racing.iter_mut().zip(fits) {
        runner.fits.push(fit);
    }
    Ok(())
}

/// Best first; of two equals the earlier. The defaults may win or lose, but they stay in the race until its end: right
/// behind the leader at the latest, for comparison.
fn rank(racing: &mut Vec<Runner>) {
    racing.sort_by(|a, b| {
        a.rmse_ug_m3()
            .total_cmp(&b.rmse_ug_m3())
            .then(a.trial.cmp(&b.trial))
    });
    if let Some(at) = racing.iter().position(|runner| runner.trial == 0)
        && 1 < at
    {
        let defaults = racing.remove(at);
        racing.insert(1, defaults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(rungs: &[Rung]) -> Vec<(u64, u64)> {
        rungs.iter().map(|rung| (rung.folds, rung.trials)).collect()
    }

    #[test]
    fn each_round_keeps_a_share_and_sees_more() {
        assert_eq!(pairs(&rungs(40, 4, 3)), [(1, 40), (2, 14), (4, 5)]);
        assert_eq!(pairs(&rungs(40, 5, 2)), [(1, 40), (2, 20), (4, 10), (5, 5)]);
        assert_eq!(pairs(&rungs(40, 4, 1)), [(4, 40)]);
        assert_eq!(n_fits(&rungs(40, 4, 3)), 40 + 14 + 2 * 5);
        assert_eq!(n_fits(&rungs(40, 4, 1)), 160);
    }
}
