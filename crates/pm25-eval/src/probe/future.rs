//! Columns that know later hours.
//!
//! Two signs. A column that goes with PM2.5 of a later hour clearly more than with PM2.5 of any hour up to t; and, in a
//! forecast, a column that says of the target what all the others together do not. Weather goes a little with what it
//! will do to the air: on nine Beijing stations, 1 to 24 h ahead, honest columns that lead reach 0.25 with later
//! hours, lead by 0.18 and say 0.16 given the others; the limits are far from that and from copies of the future, which reach 1.

use std::collections::BTreeMap;

use pm25_air::Task;
use pm25_artifact::probe::Probe;
use pm25_stats::mod_stats::correlation;

use super::algebra::{partial_with_last, standardised};
use super::tables::{HOUR_S, Tables};
use super::{judged, probe};

/// Least correlation with a later hour that is looked into.
const LATER_MIN: f64 = 0.5;
/// Least lead of the later over the known hours.
const LEAD_MIN: f64 = 0.2;
/// Least correlation with the target, given all other columns.
const PARTIAL_MIN: f64 = 0.4;
/// Hours before t that are looked at.
const BEFORE_H: i64 = 24;
/// Rows that are looked at: every n-th, since neighbouring hours say the same.
const ROWS_MAX: usize = 20_000;

pub(super) fn future_feature(tables: &Tables) -> Probe {
    let sample = Sample::of(tables);
    let mut told = probe(
        "future_feature",
        "each feature column of the test rows beside PM2.5 of earlier and later hours",
        judged(&[]),
        "no column goes with later hours more than air does",
    );
    let mut most_lead = 0.0;
    let mut suspects = Vec::new();
    for place in 0..tables.features.len() {
        let (known, later) = sample.profile(place);
        most_lead = f64::max(most_lead, later - known);
        if LATER_MIN < later && LEAD_MIN < later - known {
            suspects.push(place);
        }
    }
    let most_partial = sample.add_knowing(&mut suspects);
    suspects.sort_unstable();
    let names = suspects.iter().map(|place| tables.features[*place].clone());
    told.blamed = names.collect();
    told.numbers.insert("largest_lead".to_owned(), most_lead);
    if let Some(most) = most_partial {
        told.numbers.insert("largest_partial".to_owned(), most);
    }
    told.verdict = judged(&told.blamed);
    if !told.blamed.is_empty() {
        told.finding = "columns go with hours that are not known yet".to_owned();
    }
    told
}

/// Some of the test rows.
struct Sample {
    /// Feature by feature, NaN = missing.
    columns: Vec<Vec<f64>>,
    persistence: Vec<f64>,
    target: Vec<f64>,
    /// PM2.5 of the hours -24, …, h + 24 around each row, NaN = not known.
    around: Vec<Vec<f64>>,
    task: Task,
}

impl Sample {
    fn of(tables: &Tables) -> Self {
        let test = &tables.parts()[2];
        let step = test.n_rows().div_ceil(ROWS_MAX);
        let thin = |name: &str| -> Vec<f64> {
            let column = test.known(name);
            column
                .iter()
                .step_by(step)
                .map(|value| f64::from(*value))
                .collect()
        };
        let measured = tables.measured();
        let places: Vec<(&str, i64)> = test.places().step_by(step).collect();
        let last_h = tables.horizon_s() / HOUR_S + BEFORE_H;
        let nothing = BTreeMap::new();
        let at = |hour: i64| -> Vec<f64> {
            let value = |(station, t): &(&str, i64)| {
                let series = measured.get(station).unwrap_or(&nothing);
                series
                    .get(&(t + hour * HOUR_S))
                    .map_or(f64::NAN, |value| f64::from(*value))
            };
            places.iter().map(value).collect()
        };
        Self {
            columns: tables.features.iter().map(|name| thin(name)).collect(),
            persistence: thin("persistence_ug_m3"),
            target: thin("target_ug_m3"),
            around: (-BEFORE_H..=last_h).map(at).collect(),
            task: tables.task(),
        }
    }

    /// The largest correlations of a column with hours up to t, and with later ones.
    fn profile(&self, place: usize) -> (f64, f64) {
        let column = &self.columns[place];
        let with = |other: &Vec<f64>| {
            let pairs = column.iter().copied().zip(other.iter().copied());
            let pairs: Vec<(f64, f64)> = pairs
                .filter(|(a, b)| a.is_finite() && b.is_finite())
                .collect();
            correlation(&pairs).map_or(0.0, f64::abs)
        };
        let known = BEFORE_H as usize + 1;
        let largest = |hours: &[Vec<f64>]| hours.iter().map(with).fold(0.0, f64::max);
        (
            largest(&self.around[..known]),
            largest(&self.around[known..]),
        )
    }

    /// Adds the columns that say of the target what all others do not, and gives the largest such correlation. Beside a
    /// column that knows the answer, others that correct it seem to know something, too: so the one that says most is
    /// taken away, and the rest are looked at again. In a nowcast other pollutants of the hour honestly say much: none.
    fn add_knowing(&self, suspects: &mut Vec<usize>) -> Option<f64> {
        if self.task == Task::Nowcast {
            return None;
        }
        let mut columns = self.columns.clone();
        columns.push(self.persistence.clone());
        columns.push(self.target.clone());
        let mut columns = standardised(&columns);
        suspects.iter().for_each(|place| columns[*place].fill(0.0));
        let mut largest = 0.0;
        loop {
            let said = partial_with_last(&columns);
            let features = said[..self.columns.len()]
                .iter()
                .map(|r| r.abs())
                .enumerate();
            let Some((place, most)) = features.max_by(|a, b| a.1.total_cmp(&b.1)) else {
                return Some(largest);
            };
            largest = f64::max(largest, most);
            if most <= PARTIAL_MIN {
                return Some(largest);
            }
            suspects.push(place);
            columns[place].fill(0.0);
        }
    }
}
