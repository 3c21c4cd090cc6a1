//! What becomes of every row, decided before a single feature is computed.
//!
//! ```text
//! hours of a station   0 ─────────────────────────────────────────── n
//! parts                [ train        )·[ valid    )·[ test          )      · = purged
//! rows of a part       its hours that have a target, of several horizons at any
//! ```

use std::ops::Range;

use pm25_air::civil::format_utc;
use pm25_air::task::{persistence, target};
use pm25_air::{Cut, FeatureSet, Network, Part, Quantity, Station, Task, flag};
use pm25_artifact::prep::{DropCounts, RowCounts};
use pm25_file::{Fault, Result};
use rayon::prelude::*;

/// The parts that become tables, in their order.
pub const TABLES: [Part; 3] = [Part::Train, Part::Valid, Part::Test];

/// The rows of all stations, and what models may know of stations.
pub struct Plan {
    /// What is asked: one task, or forecasts whose horizons rise.
    pub tasks: Vec<Task>,
    /// T1 and T2.
    pub cut: Cut,
    /// One per station of the network, in its order.
    pub stations: Vec<StationPlan>,
    /// The stations with train rows, sorted.
    pub vocabulary: Vec<String>,
}

/// The rows of one station.
pub struct StationPlan {
    /// By task, then by hour: the target; NaN where there is none. An hour without any is no row.
    pub targets: Vec<Vec<f32>>,
    /// Persistence by hour.
    pub persistence: Vec<f32>,
    /// Where [`TABLES`] lie on the grid.
    hours: [Range<usize>; 3],
    /// What became of its hours; `read` counts all of them.
    pub counts: RowCounts,
}

impl Plan {
    /// Decides, for the task of the features.
    ///
    /// # Errors
    /// Bad data: a part that would have no rows.
    pub fn new(network: &Network, features: &FeatureSet, cut: Cut) -> Result<Self> {
        Self::of_tasks(network, &[features.task()], cut)
    }

    /// Decides for one task, or for forecasts whose horizons rise. Several have one split: that of the longest, so that
    /// no target of a row lies beyond a cut.
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// # Panics
    /// Without a task.
    pub fn of_tasks(network: &Network, tasks: &[Task], cut: Cut) -> Result<Self> {
        let stations: Vec<StationPlan> = network
            .stations
            .par_iter()
            .map(|station| StationPlan::new(station, tasks, cut))
            .collect();
        let vocabulary = network.stations.iter().zip(&stations);
        let vocabulary = vocabulary
            .filter(|(_, plan)| 0 < plan.counts.train)
            .map(|(station, _)| station.name.clone())
            .collect();
        let plan = Self {
            tasks: tasks.to_vec(),
            cut,
            stations,
            vocabulary,
        };
        for part in TABLES {
            plan.refuse_empty(part, network)?;
        }
        Ok(plan)
    }

    fn refuse_empty(&self, part: Part, network: &Network) -> Result<()> {
        let n_rows: usize = self
            .stations
            .iter()
            .map(|station| station.rows(part).count())
            .sum();
        if n_rows != 0 {
            return Ok(());
        }
        let first_s = network.stations.iter().map(|s| s.start_s).min();
        let last_s = network
            .stations
            .iter()
            .map(|s| s.time_s(s.n_hours().saturating_sub(1)))
            .max();
        let span = match (first_s, last_s) {
            (Some(first_s), Some(last_s)) => {
                format!(
                    "the observations go from {} to {}",
                    format_utc(first_s),
                    format_utc(last_s)
                )
            }
            _ => "there are no observations".to_owned(),
        };
        let (t1, t2) = (
            format_utc(self.cut.train_until_s()),
            format_utc(self.cut.valid_until_s()),
        );
        Err(Fault::bad_data(format!(
            "no {} row has a target: T1 is {t1}, T2 is {t2}, and {span}",
            name(part)
        ))
        .hint("move T1 and T2 into that span, or choose them with --split 0.7,0.1,0.2"))
    }
}

impl StationPlan {
    fn new(station: &Station, tasks: &[Task], cut: Cut) -> Self {
        let all = 0..station.n_hours();
        let longest_h = tasks.iter().map(|task| task.horizon_h()).max().unwrap_or(0);
        let part = |hour_idx: usize| cut.part(station.time_s(hour_idx), longest_h);
        let of = |task: &Task| target(station, *task, all.clone());
        let mut plan = Self {
            targets: tasks.iter().map(of).collect(),
            // What is known at t does not depend on the horizon.
            persistence: persistence(station, tasks[0], all.clone()),
            hours: TABLES.map(|wanted| stretch(all.clone(), |hour_idx| part(hour_idx) == wanted)),
            counts: RowCounts {
                read: all.len() as u64,
                ..RowCounts::default()
            },
        };
        for hour_idx in all {
            let slot = match plan.has_target(hour_idx) {
                true => slot(part(hour_idx), &mut plan.counts),
                false => no_target(station, tasks, hour_idx).slot(&mut plan.counts.dropped),
            };
            *slot += 1;
        }
        plan
    }

    /// The hours of a part, with and without target.
    pub fn hours(&self, part: Part) -> Range<usize> {
        match TABLES.iter().position(|&table| table == part) {
            Some(at) => self.hours[at].clone(),
            None => 0..0,
        }
    }

    /// The hours of a part that are rows of its table, ascending.
    pub fn rows(&self, part: Part) -> impl Iterator<Item = usize> {
        self.hours(part)
            .filter(|&hour_idx| self.has_target(hour_idx))
    }

    fn has_target(&self, hour_idx: usize) -> bool {
        self.targets.iter().any(|target| !target[hour_idx].is_nan())
    }
}

/// The table's name.
pub const fn name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "valid",
        Part::Test => "test",
        Part::Purged => "purged",
    }
}

/// The hours for which something holds that holds for one stretch of them.
fn stretch(mut hours: Range<usize>, holds: impl Fn(usize) -> bool) -> Range<usize> {
    let end = hours.end;
    let start = hours.find(|&hour_idx| holds(hour_idx)).unwrap_or(end);
    start
        ..(start..end)
            .find(|&hour_idx| !holds(hour_idx))
            .unwrap_or(end)
}

fn slot(part: Part, counts: &mut RowCounts) -> &mut u64 {
    match part {
        Part::Train => &mut counts.train,
        Part::Valid => &mut counts.valid,
        Part::Test => &mut counts.test,
        Part::Purged => &mut counts.dropped.purged,
    }
}

/// Why an hour has no target.
#[derive(Clone, Copy, Eq, PartialEq)]
enum NoTarget {
    AfterRecord,
    Invalid,
    Missing,
}

impl NoTarget {
    fn slot(self, dropped: &mut DropCounts) -> &mut u64 {
        match self {
            Self::AfterRecord => &mut dropped.target_after_record,
            Self::Invalid => &mut dropped.target_invalid,
            Self::Missing => &mut dropped.target_missing,
        }
    }
}

/// Why an hour has no target at any horizon: it comes after the record where all do, and is invalid where one is.
fn no_target(station: &Station, tasks: &[Task], hour_idx: usize) -> NoTarget {
    let why: Vec<NoTarget> = tasks
        .iter()
        .map(|&task| no_target_of(station, task, hour_idx))
        .collect();
    let is = |which: NoTarget| move |why: &NoTarget| *why == which;
    if why.iter().all(is(NoTarget::AfterRecord)) {
        return NoTarget::AfterRecord;
    }
    match why.iter().any(is(NoTarget::Invalid)) {
        true => NoTarget::Invalid,
        false => NoTarget::Missing,
    }
}

fn no_target_of(station: &Station, task: Task, hour_idx: usize) -> NoTarget {
    let last_idx = hour_idx + usize::from(task.horizon_h());
    let first_idx = match task {
        Task::DayMean => hour_idx + 1,
        Task::Nowcast | Task::Forecast { .. } => last_idx,
    };
    let flags = station.flags(Quantity::Pm25);
    let is_invalid = |mask: &u16| mask & flag::REMOVES_TARGET != 0;
    match flags.get(first_idx..=last_idx) {
        None => NoTarget::AfterRecord,
        Some(masks) if masks.iter().any(is_invalid) => NoTarget::Invalid,
        Some(_) => NoTarget::Missing,
    }
}
