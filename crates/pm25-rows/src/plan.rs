//! What becomes of every row, decided before a single feature is computed.
//!
//! ```text
//! hours of a station   0 ─────────────────────────────────────────── n
//! parts                [ train        )·[ valid    )·[ test          )      · = purged
//! rows of a part       its hours that have a target
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
    /// What is asked.
    pub task: Task,
    /// T1 and T2.
    pub cut: Cut,
    /// One per station of the network, in its order.
    pub stations: Vec<StationPlan>,
    /// The stations with train rows, sorted.
    pub vocabulary: Vec<String>,
}

/// The rows of one station.
pub struct StationPlan {
    /// Target by hour; NaN = no row.
    pub target: Vec<f32>,
    /// Persistence by hour.
    pub persistence: Vec<f32>,
    /// Where [`TABLES`] lie on the grid.
    hours: [Range<usize>; 3],
    /// What became of its hours; `read` counts all of them.
    pub counts: RowCounts,
}

impl Plan {
    /// Decides.
    ///
    /// # Errors
    /// Bad data: a part that would have no rows.
    pub fn new(network: &Network, features: &FeatureSet, cut: Cut) -> Result<Self> {
        let task = features.task();
        let stations: Vec<StationPlan> = network
            .stations
            .par_iter()
            .map(|station| StationPlan::new(station, task, cut))
            .collect();
        let vocabulary = network.stations.iter().zip(&stations);
        let vocabulary = vocabulary
            .filter(|(_, plan)| 0 < plan.counts.train)
            .map(|(station, _)| station.name.clone())
            .collect();
        let plan = Self {
            task,
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
    fn new(station: &Station, task: Task, cut: Cut) -> Self {
        let all = 0..station.n_hours();
        let part = |hour_idx: usize| cut.part(station.time_s(hour_idx), task.horizon_h());
        let mut plan = Self {
            target: target(station, task, all.clone()),
            persistence: persistence(station, task, all.clone()),
            hours: TABLES.map(|wanted| stretch(all.clone(), |hour_idx| part(hour_idx) == wanted)),
            counts: RowCounts {
                read: all.len() as u64,
                ..RowCounts::default()
            },
        };
        for hour_idx in all {
            let slot = if plan.target[hour_idx].is_nan() {
                no_target(station, task, hour_idx, &mut plan.counts.dropped)
            } else {
                slot(part(hour_idx), &mut plan.counts)
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
            .filter(|&hour_idx| !self.target[hour_idx].is_nan())
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
fn no_target<'c>(
    station: &Station,
    task: Task,
    hour_idx: usize,
    dropped: &'c mut DropCounts,
) -> &'c mut u64 {
    let last_idx = hour_idx + usize::from(task.horizon_h());
    let first_idx = match task {
        Task::DayMean => hour_idx + 1,
        Task::Nowcast | Task::Forecast { .. } => last_idx,
    };
    let flags = station.flags(Quantity::Pm25);
    let is_invalid = |mask: &u16| mask & flag::REMOVES_TARGET != 0;
    match flags.get(first_idx..=last_idx) {
        None => &mut dropped.target_after_record,
        Some(masks) if masks.iter().any(is_invalid) => &mut dropped.target_invalid,
        Some(_) => &mut dropped.target_missing,
    }
}
