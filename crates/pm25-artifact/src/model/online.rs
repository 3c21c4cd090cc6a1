//! Intervals that follow what has come true: the state that batch and service share, and the walk through time.
//!
//! ```text
//! issued       s ─────── lag ──────▶ t            a row at t may know how forecasts issued at s <= t - lag went,
//! true at                            t            lag = the horizon; of a nowcast one hour
//! ```
//!
//! What is learned from an hour is in `pm25_stats::online`; here it is kept in order of time, and written down. It is
//! not a document: the model holds the state in which calibration left it, a state file a later one.

use std::fmt;

use pm25_air::Task;
use pm25_air::civil::{HOUR_S, format_utc, parse_rfc3339};
use pm25_stats::online::{Memory, OnlineRules, moved, score};
use serde::{Deserialize, Serialize};

use super::{Intervals, Said};

/// How long an hour is remembered: thirty days. With ten days' weight for the calibration this held the promise best
/// on nine Beijing stations in the year before 2016-03 at 1, 6 and 24 h, among 3 to 80 days and 0 to 30.
pub const WINDOW_H: u32 = 720;
/// The weight of the calibration in hours, see [`WINDOW_H`].
pub const PRIOR_H: u32 = 240;
/// The same for intervals between quantiles that were learned: thirty days, on the rows of [`WINDOW_H`] at 1, 6 and 24 h among
/// 10 to 60.
pub const HEADS_PRIOR_H: u32 = 720;
/// A file that claims more is not read further; thirty years.
const HOURS_MAX: u32 = 262_800;
/// Scores of a calibration, or of an hour, at most.
const SCORES_MAX: usize = 100_000;

/// What is remembered of forecasts whose truths are known.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineState {
    /// No truth stamped later has been learned; RFC 3339, UTC.
    pub known_until: Stamp,
    /// Forecasts issued up to this hour teach nothing more: how they went has been learned, or they were made by a model
    /// that had learned from later hours; RFC 3339, UTC.
    pub issued_until: Stamp,
    /// Hours that are remembered.
    pub window_h: u32,
    /// The weight of the calibration, in hours.
    pub prior_h: u32,
    /// The calibration's scores: where truths lay in their base intervals, in thousandths of the width; rising.
    pub prior: Vec<i32>,
    /// By the hour of issue, rising.
    pub hours: Vec<KnownHour>,
}

/// How the forecasts of one hour went.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KnownHour {
    /// The hour t that they were issued after; RFC 3339, UTC.
    pub issued: Stamp,
    /// As in the calibration, one a station; rising.
    pub scores: Vec<i32>,
}

/// An instant in seconds since 1970 UTC, written as RFC 3339.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stamp(pub i64);

/// A forecast whose truth has become known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The row's stamp t, seconds UTC.
    pub issued_s: i64,
    /// What was said.
    pub said: Said,
    /// What came, µg/m³.
    pub truth_ug_m3: f64,
}

/// Seconds from a row's stamp to the first stamp at which its truth is known.
pub fn lag_s(task: Task) -> i64 {
    i64::from(task.horizon_h().max(1)) * HOUR_S
}

/// A state on its way through time.
pub struct Walk<'a> {
    intervals: &'a Intervals,
    lag_s: i64,
    window_h: u32,
    prior: (u32, Vec<i32>),
    memory: Memory,
    known_until_s: i64,
    issued_until_s: i64,
    /// By hour of issue; those before `next` have been learned or passed.
    outcomes: Vec<Outcome>,
    next: usize,
}

impl<'a> Walk<'a> {
    /// Goes on from a state, with these outcomes in any order. What was issued before the state's end is passed over.
    pub fn from(
        state: &OnlineState,
        (intervals, task): (&'a Intervals, Task),
        mut outcomes: Vec<Outcome>,
    ) -> Self {
        outcomes.retain(|outcome| state.issued_until.0 < outcome.issued_s);
        outcomes.sort_by_key(|outcome| outcome.issued_s);
        let rules = OnlineRules {
            coverage: intervals.coverage,
            window: i64::from(state.window_h) * HOUR_S,
            prior_h: state.prior_h,
        };
        let mut memory = Memory::new(rules, &state.prior);
        for hour in &state.hours {
            memory.learn(hour.issued.0, hour.scores.clone());
        }
        Self {
            intervals,
            lag_s: lag_s(task),
            window_h: state.window_h,
            prior: (state.prior_h, state.prior.clone()),
            memory,
            known_until_s: state.known_until.0,
            issued_until_s: state.issued_until.0,
            outcomes,
            next: 0,
        }
    }

    /// Learns what is known at t, and nothing later. False where the state has already learned what is not.
    pub fn reach(&mut self, time_s: i64) -> bool {
        if time_s < self.known_until_s {
            return false;
        }
        let known_s = time_s - self.lag_s;
        while let Some(first) = self.outcomes.get(self.next) {
            let issued_s = first.issued_s;
            if known_s < issued_s {
                break;
            }
            let n = self.outcomes[self.next..].partition_point(|o| o.issued_s == issued_s);
            let hour = &self.outcomes[self.next..self.next + n];
            let scores = hour.iter().filter_map(|outcome| {
                let base = self.intervals.base(outcome.said);
                score(outcome.truth_ug_m3, base)
            });
            self.memory.learn(issued_s, scores.collect());
            self.next += n;
        }
        self.known_until_s = time_s;
        self.issued_until_s = self.issued_until_s.max(known_s);
        self.memory.forget(known_s);
        true
    }

    /// Lower and upper end around a prediction, µg/m³, as of the hour that was reached last.
    pub fn around(&self, said: Said) -> [f64; 2] {
        let ends = moved(self.intervals.base(said), self.memory.ends());
        Intervals::possible(said, ends)
    }

    /// The state as of the hour that was reached last.
    pub fn state(&self) -> OnlineState {
        let hours = self.memory.hours().map(|(issued_s, scores)| KnownHour {
            issued: Stamp(issued_s),
            scores: scores.to_vec(),
        });
        OnlineState {
            known_until: Stamp(self.known_until_s),
            issued_until: Stamp(self.issued_until_s),
            window_h: self.window_h,
            prior_h: self.prior.0,
            prior: self.prior.1.clone(),
            hours: hours.collect(),
        }
    }
}

/// A state that nobody adds to any more: what it says from each instant on, as its hours grow old.
#[derive(Clone, Debug, PartialEq)]
pub struct Ageing {
    /// `(t, ends as scores from there on)`, rising; the first is the hour that the state knows.
    steps: Vec<(i64, [i32; 2])>,
}

impl Ageing {
    /// As [`OnlineState::follow`] without outcomes, worked out beforehand.
    pub fn of(state: &OnlineState, intervals: &Intervals, task: Task) -> Self {
        let mut walk = Walk::from(state, (intervals, task), Vec::new());
        let forgotten_s = i64::from(state.window_h) * HOUR_S + walk.lag_s;
        let drops = state.hours.iter().map(|hour| hour.issued.0 + forgotten_s);
        let known_s = state.known_until.0;
        let later = drops.filter(|time_s| known_s < *time_s);
        let mut steps: Vec<(i64, [i32; 2])> = Vec::new();
        for time_s in [known_s].into_iter().chain(later) {
            walk.reach(time_s);
            steps.push((time_s, walk.memory.ends()));
        }
        Self { steps }
    }

    /// Lower and upper end for a row at t, µg/m³, or, where no row has a t, as of what the state knows.
    pub fn around(&self, intervals: &Intervals, (time_s, said): (Option<i64>, Said)) -> [f64; 2] {
        let step = match time_s {
            Some(time_s) => self.steps.partition_point(|step| step.0 <= time_s),
            None => 1,
        };
        match step.checked_sub(1) {
            Some(step) => {
                let ends = moved(intervals.base(said), self.steps[step].1);
                Intervals::possible(said, ends)
            }
            None => intervals.around_one(said),
        }
    }
}

impl OnlineState {
    /// Ends for rows `(t, what was said)` in any order, and the state after the last; each row knows only the outcomes whose
    /// truths are known at its t. A row that is older than the state has the model's own interval.
    pub fn follow(
        &self,
        (intervals, task): (&Intervals, Task),
        outcomes: Vec<Outcome>,
        rows: &[(i64, Said)],
    ) -> (Vec<[f64; 2]>, Self) {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|row| rows[*row].0);
        let mut walk = Walk::from(self, (intervals, task), outcomes);
        let mut ends = vec![[f64::NAN; 2]; rows.len()];
        for hour in order.chunk_by(|a, b| rows[*a].0 == rows[*b].0) {
            let is_reached = walk.reach(rows[hour[0]].0);
            for &row in hour {
                ends[row] = if is_reached {
                    walk.around(rows[row].1)
                } else {
                    intervals.around_one(rows[row].1)
                };
            }
        }
        (ends, walk.state())
    }

    /// What is wrong with a state that was read, in a sentence.
    ///
    /// # Errors
    /// Scores that do not rise, hours out of order, spans that nobody needs.
    pub fn check(&self) -> Result<(), String> {
        let is_rising =
            |scores: &[i32]| !scores.is_empty() && scores.len() <= SCORES_MAX && scores.is_sorted();
        let spans = [self.window_h, self.prior_h];
        if spans.iter().any(|span| !(1..=HOURS_MAX).contains(span)) {
            return Err("what is remembered online has no usable span".to_owned());
        }
        if !is_rising(&self.prior) || self.hours.iter().any(|hour| !is_rising(&hour.scores)) {
            return Err("scores that are remembered online do not rise".to_owned());
        }
        let in_order = self.hours.is_sorted_by(|a, b| a.issued < b.issued);
        let newest = self.hours.last().map(|hour| hour.issued);
        if !in_order || newest.is_some_and(|newest| self.issued_until < newest) {
            return Err("hours that are remembered online are not in order".to_owned());
        }
        Ok(())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_utc(self.0))
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

impl TryFrom<String> for Stamp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_rfc3339(&text).map(Self).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IntervalLevel, Measure};
    use proptest::prelude::*;

    const TASK: Task = Task::Forecast { horizon_h: 6 };

    fn intervals() -> Intervals {
        let level = |below_ug_m3, half: f64| IntervalLevel {
            below_ug_m3,
            lower: -half,
            upper: half,
            errors: Vec::new(),
        };
        Intervals {
            coverage: 0.9,
            rows: 100,
            measure: Measure::UgM3,
            levels: vec![level(Some(50.0), 10.0), level(None, 40.0)],
        }
    }

    fn begin() -> OnlineState {
        OnlineState {
            known_until: Stamp(-HOUR_S),
            issued_until: Stamp(-HOUR_S),
            window_h: 48,
            prior_h: 10,
            prior: (0..200).map(|i| i * 1111 / 199 - 55).collect(),
            hours: Vec::new(),
        }
    }

    /// Two stations, an hour a pair: what was said and what came.
    fn outcomes(truths: &[(f64, f64)]) -> Vec<Outcome> {
        let hours = truths.iter().enumerate();
        hours
            .flat_map(|(hour, (a, b))| {
                let outcome = |prediction_ug_m3, truth_ug_m3| Outcome {
                    issued_s: hour as i64 * HOUR_S,
                    said: plain(prediction_ug_m3),
                    truth_ug_m3,
                };
                [outcome(30.0, *a), outcome(80.0, *b)]
            })
            .collect()
    }

    fn plain(prediction_ug_m3: f64) -> Said {
        Said::plain(prediction_ug_m3)
    }

    fn rows(outcomes: &[Outcome]) -> Vec<(i64, Said)> {
        let row = |outcome: &Outcome| (outcome.issued_s, outcome.said);
        outcomes.iter().map(row).collect()
    }

    proptest! {
        /// A truth is stamped 6 h after its forecast was issued: rows stamped before that do not know it.
        #[test]
        fn no_interval_knows_a_later_truth(
            truths in proptest::collection::vec((0.0..200.0_f64, 0.0..200.0_f64), 20..60),
            t in 0..60_usize,
            lie in -500.0..500.0_f64,
        ) {
            let honest = outcomes(&truths);
            let asked = rows(&honest);
            let (before, _) = begin().follow((&intervals(), TASK), honest.clone(), &asked);
            let mut other = honest;
            let t_s = t as i64 * HOUR_S;
            for outcome in other.iter_mut().filter(|o| t_s < o.issued_s + 6 * HOUR_S) {
                outcome.truth_ug_m3 = lie;
            }
            let (after, _) = begin().follow((&intervals(), TASK), other, &asked);
            for (row, (time_s, _)) in asked.iter().enumerate().filter(|(_, row)| row.0 <= t_s) {
                prop_assert_eq!(before[row], after[row], "the row at {} s", time_s);
            }
        }

        /// In one walk, or by a state that was put away in between: the same ends and the same state.
        #[test]
        fn a_walk_may_be_interrupted(
            truths in proptest::collection::vec((0.0..200.0_f64, 0.0..200.0_f64), 70..90),
            pause in 10..60_i64,
        ) {
            let all = outcomes(&truths);
            let asked = rows(&all);
            let (at_once, end) = begin().follow((&intervals(), TASK), all.clone(), &asked);
            let first = asked.partition_point(|row| row.0 <= pause * HOUR_S);
            let (one, between) = begin().follow((&intervals(), TASK), all.clone(), &asked[..first]);
            let written = serde_json::to_string(&between).unwrap();
            let read: OnlineState = serde_json::from_str(&written).unwrap();
            read.check().unwrap();
            let (two, other_end) = read.follow((&intervals(), TASK), all, &asked[first..]);
            prop_assert_eq!(at_once, [one, two].concat());
            prop_assert_eq!(end, other_end);
        }
    }

    #[test]
    fn truths_that_are_known_move_the_ends() {
        // From the first hour on the truth lies 30 above what is said for the low level.
        let all = outcomes(&[(60.0, 80.0); 60]);
        let (ends, state) = begin().follow((&intervals(), TASK), all.clone(), &rows(&all));
        assert_eq!(ends[2 * 5], ends[0], "at 5 h no truth is known");
        let upper = |hour: usize| ends[2 * hour][1];
        assert!(upper(5) < 41.0 && upper(6) <= upper(20) && 59.9 < upper(20));
        assert_eq!(state.known_until, Stamp(59 * HOUR_S));
        assert_eq!(state.issued_until, Stamp(53 * HOUR_S));
        assert_eq!(state.hours.len(), 48);
    }

    #[test]
    fn a_row_older_than_the_state_has_the_models_own_interval() {
        let all = outcomes(&[(60.0, 80.0); 60]);
        let (_, state) = begin().follow((&intervals(), TASK), all.clone(), &rows(&all));
        let (ends, same) = state.follow((&intervals(), TASK), all, &[(10 * HOUR_S, plain(30.0))]);
        assert_eq!(ends[0], [20.0, 40.0]);
        assert_eq!(same, state);
    }

    #[test]
    fn an_ageing_state_says_what_a_walk_without_news_says() {
        let all = outcomes(&[(60.0, 80.0), (10.0, 300.0), (33.0, 71.0)].repeat(20));
        let (_, state) = begin().follow((&intervals(), TASK), all.clone(), &rows(&all));
        let ageing = Ageing::of(&state, &intervals(), TASK);
        let asked: Vec<(i64, Said)> = (0..250)
            .map(|hour| (hour * HOUR_S / 2, plain(hour as f64)))
            .collect();
        let (walked, _) = state.follow((&intervals(), TASK), Vec::new(), &asked);
        for (&(time_s, said), walked) in asked.iter().zip(walked) {
            let aged = ageing.around(&intervals(), (Some(time_s), said));
            assert_eq!(aged, walked, "at {time_s} s");
        }
        let newest = ageing.around(&intervals(), (None, plain(30.0)));
        assert_eq!(
            newest,
            ageing.around(&intervals(), (Some(59 * HOUR_S), plain(30.0)))
        );
    }

    #[test]
    fn impossible_states_are_refused() {
        assert_eq!(begin().check(), Ok(()));
        let bad = |change: &dyn Fn(&mut OnlineState)| {
            let mut bad = begin();
            change(&mut bad);
            bad.check().unwrap_err()
        };
        let hour = |issued_s, score| KnownHour {
            issued: Stamp(issued_s),
            scores: vec![score],
        };
        assert!(bad(&|s| s.prior.clear()).contains("rise"));
        assert!(bad(&|s| s.prior.reverse()).contains("rise"));
        assert!(bad(&|s| s.window_h = 0).contains("span"));
        assert!(bad(&|s| s.prior_h = u32::MAX).contains("span"));
        assert!(bad(&|s| s.hours = vec![hour(0, 1)]).contains("order"));
        assert!(bad(&|s| s.hours = vec![hour(-9000, 1), hour(-9000, 2)]).contains("order"));
    }
}
