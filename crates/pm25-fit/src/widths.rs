//! Chooses what intervals are made of: the error that is expected of each row, or quantiles that are.
//!
//! Each way is calibrated on all folds but one and judged by its interval score on that one, in turn, so that none is praised for
//! rows that it was fitted to. What is chosen is then calibrated on all folds.

use std::str::FromStr;

use pm25_artifact::model::{Expected, HeadsBase, Intervals, Measure, Model, Said};
use pm25_artifact::train::{IntervalsFact, IntervalsTried};
use pm25_file::Result;
use pm25_learn::tree::Ensemble;
use pm25_stats::promise::coverage;

use crate::calibrate::{COVERAGE, calibrate};
use crate::oof::OutOfFold;
use crate::sample::Sample;
use crate::{heads, spread};

/// What `--set intervals` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// The smallest interval score out of fold.
    #[default]
    Best,
    /// Scaled by the error that is expected.
    Spread,
    /// Between quantiles that are expected.
    Heads,
}

/// How intervals are made.
#[derive(Clone)]
pub(crate) enum Way {
    /// By levels of the prediction.
    Levels,
    /// By the error that these trees expect.
    Spread(Ensemble),
    /// Between quantiles that are learned from all rows in the end.
    Heads(HeadsBase),
}

/// Intervals that were chosen.
pub(crate) struct Chosen {
    pub(crate) way: Way,
    /// What was said of each judged row.
    pub(crate) said: Vec<Said>,
    pub(crate) intervals: Intervals,
    pub(crate) fact: IntervalsFact,
}

/// One way with what it said of each judged row.
struct Tried {
    way: Way,
    said: Vec<Said>,
    winkler_ug_m3: f64,
}

impl Wanted {
    /// As they are typed.
    pub(crate) const WORDS: [&str; 3] = ["best", "spread", "heads"];

    /// As it is typed.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        let all = [Self::Best, Self::Spread, Self::Heads];
        let found = all.into_iter().find(|wanted| wanted.word() == word);
        found.ok_or_else(|| format!("`{word}` is none of {}", Self::WORDS.join(", ")))
    }
}

impl Way {
    fn measure(&self) -> Measure {
        match self {
            Self::Levels => Measure::UgM3,
            Self::Spread(_) => Measure::Spread,
            Self::Heads(_) => Measure::Heads,
        }
    }

    /// As train.json says it.
    fn words(&self) -> &'static str {
        match self {
            Self::Levels => "levels of the prediction",
            Self::Spread(_) => "the error that a booster expects",
            Self::Heads(HeadsBase::Value) => "the 5 % and 95 % quantiles that boosters expect",
            Self::Heads(HeadsBase::Linear) => {
                "the 5 % and 95 % quantiles that boosters expect of what the ridge leaves"
            }
        }
    }

    /// What the model will expect of a row, learned from all rows.
    pub(crate) fn complete(self, sample: &Sample, model: &Model) -> Result<Option<Expected>> {
        Ok(match self {
            Self::Levels => None,
            Self::Spread(trees) => Some(Expected::Error(trees)),
            Self::Heads(base) => Some(Expected::Heads(heads::refit(sample, base, model)?)),
        })
    }
}

/// Tries what is wanted; the first of equals. From few rows there are only levels of the prediction.
pub(crate) fn choose(of: &OutOfFold, predictions: &[f64], wanted: Wanted) -> Result<Chosen> {
    let mut all = ways(of, predictions, wanted)?;
    if all.is_empty() {
        let said: Vec<Said> = predictions.iter().copied().map(Said::plain).collect();
        all.push(Tried::of(of, Way::Levels, said));
    }
    let tried = all.iter().map(|tried| IntervalsTried {
        by: tried.way.words().to_owned(),
        winkler_ug_m3: tried.winkler_ug_m3,
    });
    let tried: Vec<IntervalsTried> = tried.collect();
    let best = (0..all.len())
        .min_by(|&a, &b| all[a].winkler_ug_m3.total_cmp(&all[b].winkler_ug_m3))
        .expect("at least one way was tried");
    let Tried { way, said, .. } = all.swap_remove(best);
    Ok(Chosen {
        intervals: calibrate(way.measure(), &said, &of.target),
        fact: IntervalsFact {
            by: way.words().to_owned(),
            tried,
        },
        way,
        said,
    })
}

fn ways(of: &OutOfFold, predictions: &[f64], wanted: Wanted) -> Result<Vec<Tried>> {
    let mut all = Vec::new();
    if wanted != Wanted::Heads
        && let Some(spread) = spread::learn(&of.judged(), predictions)?
    {
        let said = predictions.iter().zip(&spread.out_of_fold);
        let said = said.map(|(&prediction, &error)| Said::of_error(prediction, error));
        all.push(Tried::of(of, Way::Spread(spread.trees), said.collect()));
    }
    if wanted != Wanted::Spread && heads::ROWS_MIN <= predictions.len() {
        for base in [HeadsBase::Value, HeadsBase::Linear] {
            let ends = heads::out_of_fold(of, base)?;
            let said = predictions.iter().zip(ends);
            let said = said.map(|(&prediction, ends)| Said::of_ends(prediction, ends));
            all.push(Tried::of(of, Way::Heads(base), said.collect()));
        }
    }
    Ok(all)
}

impl Tried {
    fn of(of: &OutOfFold, way: Way, said: Vec<Said>) -> Self {
        let folds: Vec<usize> = of.fold_rows().collect();
        Self {
            winkler_ug_m3: judged(way.measure(), (&said, &of.target), &folds),
            way,
            said,
        }
    }
}

/// The mean interval score of each fold's rows with ends from the other folds, µg/m³.
fn judged(measure: Measure, (said, target): (&[Said], &[f64]), folds: &[usize]) -> f64 {
    let mut rows: Vec<(f64, [f64; 2])> = Vec::with_capacity(target.len());
    let mut from = 0;
    for n_rows in folds {
        let until = from + n_rows;
        let said_elsewhere = [&said[..from], &said[until..]].concat();
        let came_elsewhere = [&target[..from], &target[until..]].concat();
        let intervals = calibrate(measure, &said_elsewhere, &came_elsewhere);
        let ends = intervals.around(&said[from..until]);
        rows.extend(target[from..until].iter().copied().zip(ends));
        from = until;
    }
    coverage(&rows, 1.0 - COVERAGE).winkler.unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_judged_on_rows_that_did_not_calibrate_it() {
        // Two folds whose truths lie 10 and 30 above: each is calibrated by the other.
        let said = vec![Said::plain(50.0); 200];
        let target: Vec<f64> = (0..200)
            .map(|row| if row < 100 { 60.0 } else { 80.0 })
            .collect();
        let score = judged(Measure::UgM3, (&said, &target), &[100, 100]);
        // 50 to 80 for 60, and 50 to 60 for 80: the prediction is always inside.
        assert_eq!(score, (30.0 + 10.0 + 20.0 * 20.0) / 2.0);
        let same = judged(Measure::UgM3, (&said[..100], &target[..100]), &[50, 50]);
        assert_eq!(same, 10.0);
    }

    #[test]
    fn a_wanted_way_reads_as_it_is_written() {
        for word in Wanted::WORDS {
            assert_eq!(word.parse::<Wanted>().unwrap().word(), word);
        }
        assert!("widest".parse::<Wanted>().unwrap_err().contains("heads"));
    }
}
