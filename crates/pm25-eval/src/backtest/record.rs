//! The whole record as rows, made once: every hour with a target, its features, and what was known without a model.
//!
//! Nothing here is fitted to anything. What depends on an origin, the numbers of the stations, is left open:
//!
//! ```text
//! station a   t0 ───── rows before an origin ─────┤ judged ├──────     each origin takes two stretches
//! station b        t0 ──── rows ──────────────────┤ judged ├───       of every station, and nothing is
//! columns     the features of all origins together                     computed twice
//! ```

use std::ops::Range;

use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::{persistence, target};
use pm25_air::{FeatureSet, Network, Station, Task};
use pm25_artifact::prep::StationFact;
use pm25_fit::{Parts, Sample};
use rayon::prelude::*;

use crate::day_before::back_h;

/// The column that numbers stations, which each origin does for itself.
const STATION_CODE: &str = "station_code";

/// Every row of every station, by station and then time.
pub(super) struct Record {
    stations: Vec<StationRecord>,
    /// Names of the feature columns.
    columns: Vec<String>,
}

/// The rows of one station, oldest first.
struct StationRecord {
    fact: StationFact,
    time_s: Vec<i64>,
    target: Vec<f32>,
    persistence: Vec<f32>,
    /// PM2.5 a day before the target, the newest that is known; none where the task asks for no single hour.
    day_before: Option<Vec<f32>>,
    columns: Vec<Vec<f32>>,
}

/// Which stamps t are wanted, from the first to before the second, seconds UTC.
pub(super) type Stretch = Range<i64>;

impl Record {
    /// Makes the rows stamped before `until_s`.
    pub(super) fn of(network: &Network, set: &FeatureSet, until_s: i64) -> Self {
        let scene = Scene::whole(set, network);
        let stations = 0..network.stations.len();
        let stations = stations
            .into_par_iter()
            .map(|station_idx| StationRecord::of(&scene, station_idx, until_s))
            .collect();
        let columns = set.features().iter().map(|feature| feature.column());
        Self {
            stations,
            columns: columns.collect(),
        }
    }

    /// The stations with rows in a stretch, in order.
    pub(super) fn stations_in(&self, stretch: &Stretch) -> Vec<StationFact> {
        let with_rows = self.stations.iter().filter(|s| !s.rows(stretch).is_empty());
        with_rows.map(|s| s.fact.clone()).collect()
    }

    /// How many rows a stretch has.
    pub(super) fn n_rows(&self, stretch: &Stretch) -> usize {
        self.stations.iter().map(|s| s.rows(stretch).len()).sum()
    }

    /// The rows of a stretch with these columns, stations numbered as in `vocabulary`: what a table of `pm25-prep`
    /// would hold.
    pub(super) fn sample(
        &self,
        stretch: &Stretch,
        columns: &[String],
        vocabulary: &[StationFact],
    ) -> Sample {
        let named: Vec<(&StationRecord, Range<usize>)> = self.present(stretch).collect();
        let gather = |of: &dyn Fn(&StationRecord) -> &[f32]| -> Vec<f32> {
            let each = named.iter().flat_map(|(s, rows)| &of(s)[rows.clone()]);
            each.copied().collect()
        };
        let codes = |code_of: &dyn Fn(usize, &StationRecord) -> u32| -> Vec<u32> {
            let each = named.iter().enumerate();
            each.flat_map(|(at, (s, rows))| std::iter::repeat_n(code_of(at, s), rows.len()))
                .collect()
        };
        let column = |name: &String| -> Vec<f32> {
            if name == STATION_CODE {
                let of = |(s, rows): &(&StationRecord, Range<usize>)| {
                    let known = vocabulary.iter().position(|fact| fact.name == s.fact.name);
                    std::iter::repeat_n(known.map_or(f32::NAN, |code| code as f32), rows.len())
                };
                return named.iter().flat_map(of).collect();
            }
            let at = self.columns.iter().position(|known| known == name);
            let at = at.expect("the record has the columns of every origin");
            gather(&|s| &s.columns[at])
        };
        Sample::from(Parts {
            columns: columns.iter().map(column).collect(),
            target: gather(&|s| &s.target),
            time_s: self.times(stretch),
            persistence: gather(&|s| &s.persistence),
            station: (
                named.iter().map(|(s, _)| s.fact.name.clone()).collect(),
                codes(&|at, _| at as u32),
            ),
        })
    }

    /// PM2.5 a day before the targets of a stretch's rows, µg/m³, NaN = missing.
    pub(super) fn day_before(&self, stretch: &Stretch) -> Option<Vec<f64>> {
        let mut all = Vec::new();
        for (station, rows) in self.present(stretch) {
            let known = &station.day_before.as_ref()?[rows];
            all.extend(known.iter().map(|&value| f64::from(value)));
        }
        Some(all)
    }

    fn times(&self, stretch: &Stretch) -> Vec<i64> {
        let stretches = self.present(stretch);
        stretches
            .flat_map(|(s, rows)| s.time_s[rows].iter().copied())
            .collect()
    }

    fn present(&self, stretch: &Stretch) -> impl Iterator<Item = (&StationRecord, Range<usize>)> {
        let stretch = stretch.clone();
        self.stations
            .iter()
            .map(move |s| (s, s.rows(&stretch)))
            .filter(|(_, rows)| !rows.is_empty())
    }
}

impl StationRecord {
    fn of(scene: &Scene, station_idx: usize, until_s: i64) -> Self {
        let station = &scene.network().stations[station_idx];
        let task = scene.set().task();
        let n_hours = (0..station.n_hours())
            .take_while(|&hour_idx| station.time_s(hour_idx) < until_s)
            .count();
        let all = 0..n_hours;
        let targets = target(station, task, all.clone());
        let rows: Vec<usize> = all
            .clone()
            .filter(|&hour_idx| !targets[hour_idx].is_nan())
            .collect();
        let of_rows = |values: &[f32]| -> Vec<f32> { rows.iter().map(|&at| values[at]).collect() };
        Self {
            fact: StationFact {
                name: station.name.clone(),
                utc_offset_min: station.utc_offset_min,
            },
            time_s: rows.iter().map(|&at| station.time_s(at)).collect(),
            target: of_rows(&targets),
            persistence: of_rows(&persistence(station, task, all.clone())),
            day_before: day_before(station, task, &rows),
            columns: evaluate(scene, station_idx, None, all)
                .iter()
                .map(|column| of_rows(column))
                .collect(),
        }
    }

    /// The rows of a stretch.
    fn rows(&self, stretch: &Stretch) -> Range<usize> {
        let before = |time_s: i64| self.time_s.partition_point(|&t| t < time_s);
        let (from, until) = (before(stretch.start), before(stretch.end));
        from..until.max(from)
    }
}

/// PM2.5 of the hour that [`back_h`] names, for each of these hours.
fn day_before(station: &Station, task: Task, rows: &[usize]) -> Option<Vec<f32>> {
    let back_h = back_h(task)?;
    let measured = target(station, Task::Nowcast, 0..station.n_hours());
    let of_row = |&at: &usize| {
        let hour_idx = usize::try_from(at as i64 + back_h).ok();
        hour_idx.map_or(f32::NAN, |hour_idx| measured[hour_idx])
    };
    Some(rows.iter().map(of_row).collect())
}
