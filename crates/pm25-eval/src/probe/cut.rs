//! How the rows are cut: that no table reaches into another's time, and what a random cut would have shown.

use pm25_artifact::probe::{Probe, ProbeVerdict};
use pm25_learn::Columns;
use pm25_learn::tree::{BoostParams, Ensemble, fit_boost};
use pm25_stats::chance::Chance;
use pm25_stats::scores;

use super::tables::{PARTS, Part, Tables};
use super::{judged, probe};

/// Rows that are enough to tell one cut from the other.
const TRAIN_ROWS_MAX: usize = 60_000;
const TEST_ROWS_MAX: usize = 30_000;
const SEED: u64 = 3;

/// Targets of a table must all be earlier than every row of the next.
pub(super) fn embargo(tables: &Tables) -> Probe {
    let mut blamed = Vec::new();
    for (place, pair) in tables.parts().windows(2).enumerate() {
        let last = times(&pair[0]).max().map(|t| t + tables.horizon_s());
        let first = times(&pair[1]).min();
        if first <= last {
            blamed.push(format!("{} and {}", PARTS[place], PARTS[place + 1]));
        }
    }
    let finding = if blamed.is_empty() {
        "every target of a table is earlier than the first row of the next"
    } else {
        "a table holds targets of hours that belong to the next"
    };
    Probe {
        blamed: blamed.clone(),
        ..probe(
            "embargo",
            "times of the three tables",
            judged(&blamed),
            finding,
        )
    }
}

fn times(part: &Part) -> impl Iterator<Item = i64> {
    part.places().map(|(_, t)| t)
}

/// The same learner on the same rows, cut by time and at random.
pub(super) fn random_split(tables: &Tables) -> Probe {
    let [train, _, test] = tables.parts();
    let chance = Chance::new(SEED);
    let pick = |n_all: usize, n_wanted: usize| {
        let mut rows = chance.shuffled(n_all);
        rows.truncate(n_wanted);
        rows
    };
    let all: Vec<(usize, usize)> = tables
        .parts()
        .iter()
        .enumerate()
        .flat_map(|(place, part)| (0..part.n_rows()).map(move |row| (place, row)))
        .collect();
    let (n_train, n_test) = (
        TRAIN_ROWS_MAX.min(train.n_rows()),
        TEST_ROWS_MAX.min(test.n_rows()),
    );
    let of = |place: usize, rows: Vec<usize>| rows.into_iter().map(|row| (place, row)).collect();
    let by_time: [Vec<(usize, usize)>; 2] = [
        of(0, pick(train.n_rows(), n_train)),
        of(2, pick(test.n_rows(), n_test)),
    ];
    let mixed: Vec<(usize, usize)> = pick(all.len(), n_train + n_test)
        .into_iter()
        .map(|place| all[place])
        .collect();
    let at_random = [mixed[..n_train].to_vec(), mixed[n_train..].to_vec()];
    let [chronological, random] = [by_time, at_random].map(|cut| score(tables, &cut));
    let shown = |r2: Option<f64>| r2.map_or_else(|| "-".to_owned(), |r2| format!("{r2:.3}"));
    let mut told = probe(
        "random_split",
        "all rows, cut by time and at random",
        ProbeVerdict::Reported,
        format!(
            "R² {} by time, {} at random: neighbouring hours in both tables are no exam",
            shown(chronological),
            shown(random)
        ),
    );
    for (name, r2) in [("r2_by_time", chronological), ("r2_at_random", random)] {
        told.numbers.extend(r2.map(|r2| (name.to_owned(), r2)));
    }
    told
}

/// R² on the second rows of a small booster that learned from the first.
fn score(tables: &Tables, [learn, judge]: &[Vec<(usize, usize)>; 2]) -> Option<f64> {
    let settings = [
        ("n_estimators", "60"),
        ("learning_rate", "0.15"),
        ("max_leaves", "63"),
    ];
    let target = gather(tables, "target_ug_m3", learn);
    let model = fit(tables, learn, &target, &settings);
    let said = predict(tables, &model, judge);
    let truth = gather(tables, "target_ug_m3", judge);
    let pairs: Vec<(f64, f64)> = truth
        .iter()
        .map(|value| f64::from(*value))
        .zip(said)
        .collect();
    scores(&pairs).r2
}

/// A booster on some rows, given as (table, row).
pub(super) fn fit(
    tables: &Tables,
    rows: &[(usize, usize)],
    target: &[f32],
    settings: &[(&str, &str)],
) -> Ensemble {
    let columns: Vec<Vec<f32>> = tables
        .features
        .iter()
        .map(|name| gather(tables, name, rows))
        .collect();
    let pairs: Vec<(String, String)> = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let params = BoostParams::from_pairs(&pairs).expect("these settings exist");
    let matrix = Columns::new(columns.iter().map(Vec::as_slice).collect(), rows.len());
    fit_boost(&matrix, target, None, &params, &|_| ()).ensemble
}

/// What it says to some rows.
pub(super) fn predict(tables: &Tables, model: &Ensemble, rows: &[(usize, usize)]) -> Vec<f64> {
    let columns: Vec<Vec<f32>> = tables
        .features
        .iter()
        .map(|name| gather(tables, name, rows))
        .collect();
    model.predict(&Columns::new(
        columns.iter().map(Vec::as_slice).collect(),
        rows.len(),
    ))
}

/// A column at some rows.
pub(super) fn gather(tables: &Tables, name: &str, rows: &[(usize, usize)]) -> Vec<f32> {
    let columns: Vec<_> = tables.parts().iter().map(|part| part.known(name)).collect();
    rows.iter()
        .map(|(place, row)| columns[*place][*row])
        .collect()
}

/// Every row of a table.
pub(super) fn rows_of(tables: &Tables, place: usize) -> Vec<(usize, usize)> {
    (0..tables.parts()[place].n_rows())
        .map(|row| (place, row))
        .collect()
}
