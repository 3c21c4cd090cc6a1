//! How fast trees grow: boosted ones on short and on long rows, and those of a forest.
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
use pm25_learn::tree::{BoostParams, ForestParams, fit_boost, fit_forest};

const N_ROWS: usize = 40_000;
const N_TREES: u64 = 10;

/// Numbers that look random and are the same everywhere, every 13th missing.
fn column(feature: usize) -> Vec<f32> {
    let mix =
        |row: usize| ((row * 7919 + feature * 104_729) as u32).wrapping_mul(2_654_435_761) >> 8;
    let value = |row: usize| match row % 13 {
        12 => f32::NAN,
        _ => mix(row) as f32 / 65_536.0,
    };
    (0..N_ROWS).map(value).collect()
}

/// The first two columns tell something; the rest is noise, as is a tenth of the target.
fn target(table: &[Vec<f32>]) -> Vec<f32> {
    let known = |x: f32| if x.is_nan() { 100.0 } else { x };
    let of_row = |row: usize| {
        let noise = known(table[table.len() - 1][(row * 31) % N_ROWS]) / 10.0;
        known(table[0][row]).sqrt() * 3.0 + (known(table[1][row]) / 20.0).sin() * 9.0 + noise
    };
    (0..N_ROWS).map(of_row).collect()
}

fn pairs(said: &[(&str, &str)]) -> Vec<(String, String)> {
    let said = said.iter().chain(&[("n_estimators", "10")]);
    said.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Binning included, as users wait for it.
fn grow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("grow");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N_ROWS as u64 * N_TREES));
    for n_features in [6, 26] {
        let table: Vec<Vec<f32>> = (0..n_features).map(column).collect();
        let x = Columns::new(table.iter().map(Vec::as_slice).collect(), N_ROWS);
        let y = target(&table);
        for subsample in ["0.9", "1"] {
            let params = [
                ("subsample", subsample),
                ("max_leaves", "127"),
                ("max_depth", "7"),
            ];
            let params = BoostParams::from_pairs(&pairs(&params)).unwrap();
            group.bench_function(format!("boost/{n_features}_columns/{subsample}"), |b| {
                b.iter(|| black_box(fit_boost(&x, &y, None, &params, &|_| ())));
            });
        }
        let params = ForestParams::from_pairs(&pairs(&[("max_depth", "20")])).unwrap();
        group.bench_function(format!("forest/{n_features}_columns"), |b| {
            b.iter(|| black_box(fit_forest(&x, &y, &params, &|_| ())));
        });
    }
    group.finish();
}

criterion_group!(benches, grow);
criterion_main!(benches);
