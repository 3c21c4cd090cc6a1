//! Targets dealt out anew: whoever still foretells them has seen the rows before.
//!
//! Every hour of every station gets the target of some other hour, the same one in all tables. A learner that knows
//! train rows by heart can foretell a test row's new target only if that row, or its hour, is in the train table, too.

use std::collections::BTreeMap;

use pm25_artifact::probe::Probe;
use pm25_stats::chance::Chance;
use pm25_stats::mod_stats::correlation;

use super::cut::{fit, predict, rows_of};
use super::tables::{PARTS, Tables};
use super::{judged, probe};

/// Standard errors of a correlation of nothing with nothing, 1 / sqrt(rows): one record in two million is beyond.
const Z_MAX: f64 = 5.0;
const SEED: u64 = 4;
/// Deep, quick and without any restraint: it is to learn by heart.
const BY_HEART: [(&str, &str); 6] = [
    ("n_estimators", "20"),
    ("learning_rate", "0.5"),
    ("max_leaves", "1024"),
    ("max_depth", "64"),
    ("reg_lambda", "0"),
    ("min_child_weight", "1"),
];

pub(super) fn shuffled_target(tables: &Tables) -> Probe {
    let dealt = deal(tables);
    let train = rows_of(tables, 0);
    let model = fit(tables, &train, &dealt[0], &BY_HEART);
    let mut told = probe(
        "shuffled_target",
        "features of all tables; targets dealt out anew among all hours",
        judged(&[]),
        "nothing is foretold of targets that were dealt out anew",
    );
    for place in 1..PARTS.len() {
        let said = predict(tables, &model, &rows_of(tables, place));
        let truth = dealt[place].iter().map(|value| f64::from(*value));
        let pairs: Vec<(f64, f64)> = truth.zip(said).collect();
        let r = correlation(&pairs).unwrap_or(0.0);
        told.numbers
            .insert(format!("correlation_{}", PARTS[place]), r);
        if Z_MAX < r * (pairs.len() as f64).sqrt() {
            told.blamed.push(format!("{}.parquet", PARTS[place]));
        }
    }
    told.verdict = judged(&told.blamed);
    if !told.blamed.is_empty() {
        told.finding =
            "targets that were dealt out anew are foretold: rows of these tables are in \
                        the train table, too"
                .to_owned();
    }
    told
}

/// New targets of each table's rows.
fn deal(tables: &Tables) -> Vec<Vec<f32>> {
    let mut hours: BTreeMap<(&str, i64), f32> = BTreeMap::new();
    for part in tables.parts() {
        hours.extend(
            part.places()
                .zip(part.known("target_ug_m3").iter().copied()),
        );
    }
    let old: Vec<f32> = hours.values().copied().collect();
    let order = Chance::new(SEED).shuffled(old.len());
    let new: BTreeMap<(&str, i64), f32> = hours
        .into_keys()
        .zip(order.into_iter().map(|place| old[place]))
        .collect();
    let of = |part: &super::tables::Part| part.places().map(|place| new[&place]).collect();
    tables.parts().iter().map(of).collect()
}
