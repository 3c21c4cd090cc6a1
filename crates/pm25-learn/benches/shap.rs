//! How fast predictions are explained: a table a leaf, sets of features for a forest, pairs, a background.
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
use pm25_learn::tree::{
    BoostParams, Ensemble, Explainer, ForestParams, fit_boost, fit_forest, shap_against,
};

const N_TRAIN: usize = 40_000;
const N_FEATURES: usize = 6;

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

fn shap(criterion: &mut Criterion) {
    let table = table(1000);
    let x = columns(&table);
    let mut group = criterion.benchmark_group("shap");
    group.sample_size(10);
    group.throughput(Throughput::Elements(x.n_rows() as u64));
    let boost = booster("100");
    let forest = forest("10");
    for (name, ensemble) in [("boost_100", &boost), ("forest_10", &forest)] {
        group.bench_function(format!("{name}/values"), |b| {
            b.iter(|| black_box(pm25_learn::tree::shap(ensemble, &x)));
        });
    }
    group.bench_function("boost_100/interactions", |b| {
        let explainer = Explainer::new(&boost, N_FEATURES);
        b.iter(|| {
            explainer.interactions(&x, |_, matrices| {
                black_box(matrices);
                Ok::<(), ()>(())
            })
        });
    });
    let few: Vec<&[f32]> = table.iter().map(|column| &column[..100]).collect();
    let background = Columns::new(few, 100);
    group.bench_function("boost_100/against_100_rows", |b| {
        b.iter(|| black_box(shap_against(&boost, &x, &background)));
    });
    group.finish();
}

criterion_group!(benches, shap);
criterion_main!(benches);
