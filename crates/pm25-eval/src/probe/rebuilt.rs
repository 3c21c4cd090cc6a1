//! Tables held against the observations that they were made from.
//!
//! Features are computed anew by the one evaluator, which sees nothing later than it may; targets are looked up; hours
//! that should be there are counted. So these three probes are exact, whatever a leak looks like.

use std::collections::{BTreeMap, BTreeSet};

use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::target;
use pm25_air::{FeatureSet, Station};
use pm25_artifact::probe::{Probe, ProbeVerdict};
use pm25_file::{Fault, Result};
use pm25_rows::Observations;

use super::tables::{PARTS, Part, Tables};
use super::{judged, probe};

/// Relative to the value, and to 1 for small ones: a hundred times the step of an f32, and far below any leak.
const ROUNDING: f32 = 1e-5;

const REBUILT: (&str, &str) = (
    "rebuilt_features",
    "feature columns of all tables, computed anew from the observations",
);
const IMPUTED: (&str, &str) = (
    "target_imputed",
    "targets of all tables beside the observations",
);
const TRIMMED: (&str, &str) = (
    "test_trimmed",
    "hours of the observations beside the rows of the valid and test tables",
);

/// A station of what the tables were made from, and its place in the network.
fn station_of<'o>(known: &'o Observations, name: &str) -> Option<(usize, &'o Station)> {
    let mut all = known.network.stations.iter().enumerate();
    all.find(|(_, station)| station.name == name)
}

/// The three probes; without observations they do not run.
pub(super) fn probes(tables: &Tables, known: Option<&Observations>) -> Result<Vec<Probe>> {
    let Some(known) = known else {
        let not_run =
            |(name, input)| probe(name, input, ProbeVerdict::NotRun, "it needs --observations");
        return Ok([REBUILT, IMPUTED, TRIMMED].map(not_run).into());
    };
    Ok(vec![
        rebuilt_features(tables, known)?,
        target_imputed(tables, known),
        test_trimmed(tables, known),
    ])
}

fn rebuilt_features(tables: &Tables, known: &Observations) -> Result<Probe> {
    let facts = &tables.prepared.features;
    let list: Vec<&str> = facts.iter().map(|fact| fact.expression.as_str()).collect();
    let set = FeatureSet::parse(tables.task(), &list.join(","))
        .map_err(|e| Fault::bad_data(e.to_string()).hint(e.hint()))?;
    let scene = Scene::whole(&set, &known.network);
    let mut differ: BTreeMap<&str, u64> = BTreeMap::new();
    for part in tables.parts() {
        let anew = anew(&scene, &tables.prepared.vocabulary, part, known);
        for (fact, column) in facts.iter().zip(&anew) {
            let table = part.known(&fact.column);
            let n = table
                .iter()
                .zip(column)
                .filter(|(a, b)| !same(**a, **b))
                .count() as u64;
            *differ.entry(&fact.column).or_default() += n;
        }
    }
    let unexplained = tables
        .features
        .iter()
        .filter(|name| !differ.contains_key(name.as_str()));
    let mut blamed: Vec<String> = unexplained.cloned().collect();
    let n_unexplained = blamed.len();
    blamed.extend(
        differ
            .iter()
            .filter(|(_, n)| 0 < **n)
            .map(|(name, _)| (*name).to_owned()),
    );
    let finding = match (n_unexplained, blamed.len()) {
        (_, 0) => "every value is what was known at t",
        (n, all) if n == all => {
            "columns that no expression makes: nobody can say what they knew at t"
        }
        _ => "columns hold what their expressions do not give from what was known at t",
    };
    let mut told = probe(REBUILT.0, REBUILT.1, judged(&blamed), finding);
    told.numbers.insert(
        "values_that_differ".to_owned(),
        differ.values().sum::<u64>() as f64,
    );
    told.blamed = blamed;
    Ok(told)
}

/// Whether two values differ by rounding at most, as those of two versions of `pm25-prep` may.
fn same(a: f32, b: f32) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= ROUNDING * a.abs().max(1.0)
}

/// The feature columns of a table's rows from the observations; NaN for a station that these lack.
fn anew(scene: &Scene, vocabulary: &[String], part: &Part, known: &Observations) -> Vec<Vec<f32>> {
    let n_features = scene.set().features().len();
    let mut columns = vec![vec![f32::NAN; part.n_rows()]; n_features];
    for (name, rows) in by_station(part) {
        let Some((station_idx, station)) = station_of(known, name) else {
            continue;
        };
        let code = vocabulary
            .binary_search_by(|word| word.as_str().cmp(name))
            .ok();
        let code = code.and_then(|code| u32::try_from(code).ok());
        let hours = rows.iter().filter_map(|(_, t)| station.hour_idx(*t));
        let (Some(first), Some(last)) = (hours.clone().min(), hours.max()) else {
            continue;
        };
        let block = evaluate(scene, station_idx, code, first..last + 1);
        for (row, t) in rows {
            if let Some(hour) = station.hour_idx(t) {
                for (column, values) in columns.iter_mut().zip(&block) {
                    column[row] = values[hour - first];
                }
            }
        }
    }
    columns
}

/// Rows and their stamps, by station.
fn by_station(part: &Part) -> BTreeMap<&str, Vec<(usize, i64)>> {
    let mut rows: BTreeMap<&str, Vec<(usize, i64)>> = BTreeMap::new();
    for (row, (station, t)) in part.places().enumerate() {
        rows.entry(station).or_default().push((row, t));
    }
    rows
}

fn target_imputed(tables: &Tables, known: &Observations) -> Probe {
    let (mut invented, mut changed, mut blamed) = (0u64, 0u64, Vec::new());
    for (part, name) in tables.parts().iter().zip(PARTS) {
        let before = invented + changed;
        let said = part.known("target_ug_m3");
        for (row, (station, t)) in part.places().enumerate() {
            let truth = station_of(known, station).and_then(|(_, station)| {
                let hour = station.hour_idx(t)?;
                target(station, tables.task(), hour..hour + 1)
                    .first()
                    .copied()
            });
            match truth.filter(|truth| truth.is_finite()) {
                None => invented += 1,
                Some(truth) if truth != said[row] => changed += 1,
                Some(_) => {}
            }
        }
        if before < invented + changed {
            blamed.push(format!("{name}.parquet"));
        }
    }
    let finding = match (invented, changed) {
        (0, 0) => "every target was measured".to_owned(),
        _ => format!("{invented} targets were never measured, {changed} differ from what was"),
    };
    let mut told = probe(IMPUTED.0, IMPUTED.1, judged(&blamed), finding);
    told.numbers.insert("invented".to_owned(), invented as f64);
    told.numbers.insert("changed".to_owned(), changed as f64);
    told.blamed = blamed;
    told
}

/// Every measured hour from a table's first row to its last, of every station of the observations, must be a row: of that
/// table, or, where somebody has dealt the rows out, of another.
fn test_trimmed(tables: &Tables, known: &Observations) -> Probe {
    let rows: BTreeSet<(&str, i64)> = tables
        .parts()
        .iter()
        .flat_map(|part| part.places())
        .collect();
    let (mut missing, mut sum) = (BTreeSet::new(), 0.0);
    let mut blamed = Vec::new();
    for (part, name) in tables.parts().iter().zip(PARTS).skip(1) {
        let before = missing.len();
        let times = || part.places().map(|(_, t)| t);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            continue;
        };
        for station in &known.network.stations {
            let hours = 0..station.n_hours();
            let truths = target(station, tables.task(), hours.clone());
            for (hour, truth) in hours.zip(truths) {
                let place = (station.name.as_str(), station.time_s(hour));
                let is_asked = first <= place.1 && place.1 <= last && truth.is_finite();
                if is_asked && !rows.contains(&place) && missing.insert(place) {
                    sum += f64::from(truth);
                }
            }
        }
        if before < missing.len() {
            blamed.push(format!("{name}.parquet"));
        }
    }
    let missing = missing.len();
    let mut told = probe(
        TRIMMED.0,
        TRIMMED.1,
        judged(&blamed),
        "every measured hour is a row",
    );
    told.numbers
        .insert("missing_hours".to_owned(), missing as f64);
    if 0 < missing {
        let mean = sum / missing as f64;
        told.numbers
            .insert("mean_of_missing_ug_m3".to_owned(), mean);
        told.finding = format!(
            "{missing} measured hours are not in the tables; their mean is {mean:.1} µg/m³"
        );
    }
    told.blamed = blamed;
    told
}
