//! How sure a score is: intervals from weeks drawn anew, and whether two models differ by more than luck.
//!
//! The methods are `pm25-stats`'; here test rows become sums per hour over all stations. It is not used where a table
//! has no times.

use pm25_artifact::eval::{Baselines, Bootstrap, DieboldMarianoFact, DuelFact, Verdict};
use pm25_artifact::model::Model;
use pm25_stats::blocks::block_h;
use pm25_stats::{Alarms, BlockPlan, HourlySums, diebold_mariano};

use crate::answers::Answers;
use crate::exam::Exam;

/// Share of the draws inside an interval.
const LEVEL: f64 = 0.95;
/// Draws; the ends of a 95 % interval then stand on 50 draws each.
const REPLICATES: usize = 2000;
const SEED: u64 = 1;
/// A p-value below it, together with the interval, makes a verdict.
const P_MAX: f64 = 0.05;
/// Two hundred years; a longer record has a broken clock, and would only fill memory.
const HOURS_MAX: i64 = 200 * 366 * 24;
const HOUR_S: i64 = 3600;

/// The hours of an exam.
pub(crate) struct Bounds<'a> {
    target: &'a [f64],
    /// Of each row, from the first row's hour on.
    hour: Vec<u32>,
    n_hours: usize,
    horizon_h: u16,
    plan: BlockPlan,
}

impl<'a> Bounds<'a> {
    /// None where the table does not say when its rows were.
    pub(crate) fn of(exam: &'a Exam<'_>, model: &Model) -> Option<Self> {
        let horizon_h = pm25_air::Task::from(model.task()).horizon_h();
        Self::at(&exam.target_ug_m3, exam.time_s?, horizon_h)
    }

    /// Of targets with the stamps t of their rows; none without rows, or where they span more than two hundred years.
    pub(crate) fn at(target: &'a [f64], time_s: &[i64], horizon_h: u16) -> Option<Self> {
        let (first, last) = (*time_s.iter().min()?, *time_s.iter().max()?);
        let n_hours = last.checked_sub(first)? / HOUR_S + 1;
        if HOURS_MAX < n_hours {
            return None;
        }
        let hour = |time: &i64| u32::try_from((time - first) / HOUR_S).ok();
        Some(Self {
            target,
            hour: time_s.iter().map(hour).collect::<Option<_>>()?,
            n_hours: usize::try_from(n_hours).ok()?,
            horizon_h,
            plan: BlockPlan {
                block_h: block_h(horizon_h),
                replicates: REPLICATES,
                seed: SEED,
            },
        })
    }

    /// Intervals of the model's own scores; none where there are too few blocks.
    pub(crate) fn bootstrap(&self, answers: &Answers) -> Option<Bootstrap> {
        let skill = |theirs: &[f64]| self.skill(&answers.model, theirs);
        Some(Bootstrap {
            level: LEVEL,
            block_h: self.plan.block_h as u64,
            replicates: REPLICATES as u64,
            seed: SEED,
            hours: self.n_hours as u64,
            rmse_ug_m3: Some(self.rmse(&answers.model)?),
            skill_over: Baselines {
                persistence: skill(&answers.persistence),
                persistence_24h: answers.persistence_24h.as_deref().map(skill),
                climatology: skill(&answers.climatology),
                linear: skill(&answers.linear),
            },
        })
    }

    /// Whether one model is better than another that answered every row, too.
    pub(crate) fn duel(&self, ours: &[f64], theirs: &[f64]) -> Option<DuelFact> {
        let sums = self.squares(ours, theirs);
        let difference = sums.interval(&self.plan, LEVEL, |sums| {
            Some((sums[0] / sums[2]).sqrt() - (sums[1] / sums[2]).sqrt())
        })?;
        let test = diebold_mariano(&self.hourly_difference(ours, theirs), self.horizon_h);
        let is_sure = test.is_some_and(|test| test.p_value < P_MAX);
        let verdict = match difference {
            [_, high] if high < 0.0 && is_sure => Verdict::Better,
            [low, _] if 0.0 < low && is_sure => Verdict::Worse,
            _ => Verdict::Undecided,
        };
        Some(DuelFact {
            verdict,
            rmse_difference_ug_m3: Some(difference),
            skill: sums.interval(&self.plan, LEVEL, skill_of),
            diebold_mariano: test.map(DieboldMarianoFact::from),
        })
    }

    /// Of the CSI of warnings above a line, and of its lead over another's with a line of its own.
    pub(crate) fn csi(
        &self,
        threshold: f64,
        (ours, our_line): (&[f64], f64),
        (theirs, their_line): (&[f64], f64),
    ) -> [Option<[f64; 2]>; 2] {
        let mut sums = HourlySums::new(self.n_hours, 6);
        for (row, target) in self.target.iter().enumerate() {
            for (said, line, from) in [(ours, our_line, 0), (theirs, their_line, 3)] {
                let one = Alarms::count(&[(*target, said[row])], threshold, line);
                let counts = [one.hits, one.misses, one.false_alarms];
                if let Some(kind) = counts.iter().position(|count| *count == 1) {
                    sums.add(self.hour[row] as usize, from + kind, 1.0);
                }
            }
        }
        let csi = |counts: &[f64]| {
            let all: f64 = counts.iter().sum();
            (0.0 < all).then(|| counts[0] / all)
        };
        let lead = |sums: &[f64]| Some(csi(&sums[..3])? - csi(&sums[3..])?);
        [
            sums.interval(&self.plan, LEVEL, |sums| csi(&sums[..3])),
            sums.interval(&self.plan, LEVEL, lead),
        ]
    }

    fn rmse(&self, said: &[f64]) -> Option<[f64; 2]> {
        let sums = self.squares(said, said);
        sums.interval(&self.plan, LEVEL, |sums| {
            (0.0 < sums[2]).then(|| (sums[0] / sums[2]).sqrt())
        })
    }

    fn skill(&self, ours: &[f64], theirs: &[f64]) -> Option<[f64; 2]> {
        self.squares(ours, theirs)
            .interval(&self.plan, LEVEL, skill_of)
    }

    /// Squared errors of both and rows, on the rows that the second can answer.
    fn squares(&self, ours: &[f64], theirs: &[f64]) -> HourlySums {
        let mut sums = HourlySums::new(self.n_hours, 3);
        for (row, target) in self.target.iter().enumerate() {
            if theirs[row].is_finite() {
                let hour = self.hour[row] as usize;
                for (column, said) in [ours[row], theirs[row]].into_iter().enumerate() {
                    sums.add(hour, column, (said - target) * (said - target));
                }
                sums.add(hour, 2, 1.0);
            }
        }
        sums
    }

    /// Mean over the stations of an hour; NaN where an hour has no rows.
    fn hourly_difference(&self, ours: &[f64], theirs: &[f64]) -> Vec<f64> {
        let mut sums = vec![(0.0, 0u32); self.n_hours];
        for (row, target) in self.target.iter().enumerate() {
            let square = |said: f64| (said - target) * (said - target);
            let hour = &mut sums[self.hour[row] as usize];
            hour.0 += square(ours[row]) - square(theirs[row]);
            hour.1 += 1;
        }
        sums.into_iter()
            .map(|(sum, rows)| sum / f64::from(rows))
            .collect()
    }
}

fn skill_of(sums: &[f64]) -> Option<f64> {
    (0.0 < sums[1]).then(|| 1.0 - (sums[0] / sums[1]).sqrt())
}
