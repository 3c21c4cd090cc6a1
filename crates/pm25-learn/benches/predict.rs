//! How fast finished trees answer: rows a second in batches, microseconds alone.
//!
//! Not a comparison: `bench/` at the top of the repository has those.

#![expect(
    missing_docs,
    reason = "the macro of the harness makes a public function"
)]
#![expect(clippy::unwrap_used, reason = "a bench stops where it stands")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pm25_learn::Columns;
use pm25_learn::tree::{BoostParams, Ensemble, ForestParams, fit_boost, fit_forest};

const N_TRAIN: usize = 40_000;
const N_FEATURES: usize = 6;
/// Rows that are asked one by one.
const N_ROWS_ALONE: usize = 20_000;

/// Numbers that look random and are the same everywhere.
fn column(feature: usize, n_rows: usize) -> Vec<f32> {
    let mix =
        |row: usize| ((row * 7919 + feature * 104_729) as u32).wrapping_mul(2_654_435_761) >> 8;
    (0..n_rows).map(|row| mix(row) as f32 / 65_536.0).collect()
}

fn table(n_rows: usize) -> Vec<Vec<f32>> {
    (0..N_FEATURES)
        .map(|feature| column(feature, n_rows))
        .collect()
}

fn columns(table: &[Vec<f32>]) -> Columns<'_> {
    Columns::new(table.iter().map(Vec::as_slice).collect(), table[0].len())
}

fn target(table: &[Vec<f32>]) -> Vec<f32> {
    let of_row =
        |row: usize| table[0][row].sqrt() * 3.0 + (table[1][row] / 20.0).sin() * table[2][row];
    (0..table[0].len()).map(of_row).collect()
}

fn booster(n_trees: &str) -> Ensemble {
    let table = table(N_TRAIN);
    let pairs = [("n_estimators".to_owned(), n_trees.to_owned())];
    let params = BoostParams::from_pairs(&pairs).unwrap();
    fit_boost(&columns(&table), &target(&table), None, &params, &|_| {}).ensemble
}

fn forest(n_trees: &str) -> Ensemble {
    let table = table(N_TRAIN);
    let pairs = [("n_estimators".to_owned(), n_trees.to_owned())];
    let params = ForestParams::from_pairs(&pairs).unwrap();
    fit_forest(&columns(&table), &target(&table), &params, &|_| {}).ensemble
}

fn predict(criterion: &mut Criterion) {
    let table = table(100_000);
    let x = columns(&table);
    // Another row each time: the same one would find all nodes on its way in the innermost cache.
    let rows = (0..N_ROWS_ALONE).map(|row| table.iter().map(|column| column[row]).collect());
    let rows: Vec<Vec<f32>> = rows.collect();
    let mut group = criterion.benchmark_group("predict");
    group.sample_size(10);
    for (name, ensemble) in [("boost_300", booster("300")), ("forest_20", forest("20"))] {
        group.throughput(Throughput::Elements(x.n_rows() as u64));
        group.bench_function(format!("{name}/100000_rows"), |b| {
            b.iter(|| black_box(ensemble.predict(&x)))
        });
        group.throughput(Throughput::Elements(1));
        let mut one_by_one = |how: &str| {
            let mut rows = rows.iter().cycle();
            group.bench_function(format!("{name}/1_row_{how}"), |b| {
                b.iter(|| rows.next().map(|row| ensemble.predict_row(black_box(row))))
            });
        };
        one_by_one("walked");
        ensemble.pack();
        one_by_one("packed");
    }
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);
