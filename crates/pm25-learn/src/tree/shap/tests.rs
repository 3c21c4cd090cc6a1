//! Explanations against their definition.

use proptest::prelude::*;

use super::super::ensemble::{Ensemble, RawSplit, Tree};
use super::super::link::Link;
use super::super::oracle;
use super::plan::Plan;
use super::*;

fn of_rows(ensemble: &Ensemble, rows: &[Vec<f32>]) -> Shap {
    let columns = oracle::columns_of(rows, rows[0].len());
    shap(
        ensemble,
        &Columns::new(columns.iter().map(Vec::as_slice).collect(), rows.len()),
    )
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn two_stumps_by_hand() {
    // Covers 2 and 1, leaves 10 and 20, base 1.5, the row goes left: phi = 2 (10 - 40/3), base = 1.5 + 2 x 40/3.
    let mut stump = Tree::default();
    stump.push_split(
        &RawSplit {
            feature: 0,
            threshold: 0.5,
            missing_left: true,
        },
        1,
        3.0,
    );
    stump.push_leaf(10.0, 2.0);
    stump.push_leaf(20.0, 1.0);
    let ensemble = Ensemble {
        base: 1.5,
        scale: 1.0,
        link: Link::Identity,
        trees: vec![stump.clone(), stump].into(),
    };
    let shap = of_rows(
        &ensemble,
        &[vec![0.0], vec![0.5], vec![f32::NAN], vec![1.0]],
    );
    assert!(close(shap.base, 1.5 + 80.0 / 3.0));
    for left in &shap.phi[0][..3] {
        assert!(close(*left, -20.0 / 3.0));
    }
    assert!(close(shap.phi[0][3], 40.0 / 3.0));
}

/// The ensemble explained in each of the ways that it can be.
fn every_way(ensemble: &Ensemble, n_features: usize) -> Vec<Explainer<'_>> {
    let usual = Explainer::new(ensemble, n_features);
    let forced = [false, true].map(|by_sets| {
        let plan = Plan::forced(ensemble, by_sets)?;
        Some(Explainer {
            plan,
            ..Explainer::new(ensemble, n_features)
        })
    });
    std::iter::once(usual)
        .chain(forced.into_iter().flatten())
        .collect()
}

fn matrices(explainer: &Explainer, rows: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let columns = oracle::columns_of(rows, rows[0].len());
    let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), rows.len());
    let mut all = Vec::new();
    let n = rows[0].len();
    explainer
        .interactions(&x, |first, matrices| {
            assert_eq!(first, all.len());
            all.extend(matrices.chunks_exact(n * n).map(<[f64]>::to_vec));
            Ok::<(), ()>(())
        })
        .unwrap();
    all
}

fn explain(explainer: &Explainer, rows: &[Vec<f32>]) -> Shap {
    let columns = oracle::columns_of(rows, rows[0].len());
    collect(
        explainer,
        &Columns::new(columns.iter().map(Vec::as_slice).collect(), rows.len()),
    )
}

fn bits(shap: &Shap) -> Vec<u64> {
    shap.phi.iter().flatten().map(|phi| phi.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn values_are_those_of_the_definition(
        ensemble in oracle::an_ensemble(3),
        wide in oracle::an_ensemble(8),
        numbers in oracle::an_ensemble_of_numbers(6),
        rows in proptest::collection::vec(oracle::a_row(3), 1..40),
        wide_rows in proptest::collection::vec(oracle::a_row(8), 1..3),
        six_rows in proptest::collection::vec(oracle::a_row(6), 1..4),
    ) {
        for (ensemble, rows) in [(&ensemble, rows), (&wide, wide_rows), (&numbers, six_rows)] {
            for explainer in every_way(ensemble, rows[0].len()) {
                let found = explain(&explainer, &rows);
                for (row_idx, row) in rows.iter().enumerate() {
                    prop_assert!(close(found.base, oracle::expectation(ensemble, row, 0)));
                    for (feature, expected) in oracle::shapley(ensemble, row).into_iter().enumerate() {
                        let phi = found.phi[feature][row_idx];
                        prop_assert!(close(phi, expected), "{phi} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn interactions_are_those_of_the_definition_and_sum_to_the_values(
        ensemble in oracle::an_ensemble(4),
        numbers in oracle::an_ensemble_of_numbers(6),
        rows in proptest::collection::vec(oracle::a_row(4), 1..20),
        six_rows in proptest::collection::vec(oracle::a_row(6), 1..3),
    ) {
        for (ensemble, rows) in [(&ensemble, rows), (&numbers, six_rows)] {
            let n = rows[0].len();
            for explainer in every_way(ensemble, n) {
                for (row, matrix) in rows.iter().zip(matrices(&explainer, &rows)) {
                    let values = oracle::shapley(ensemble, row);
                    for a in 0..n {
                        let sum: f64 = matrix[a * n..][..n].iter().sum();
                        prop_assert!(close(sum, values[a]), "{sum} {}", values[a]);
                        for b in (0..n).filter(|&b| b != a) {
                            let expected = oracle::interaction(ensemble, row, (a, b));
                            prop_assert!(close(matrix[a * n + b], expected), "{} {expected}", matrix[a * n + b]);
                            prop_assert_eq!(matrix[a * n + b].to_bits(), matrix[b * n + a].to_bits());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn against_a_background_values_are_those_of_the_definition(
        ensemble in oracle::an_ensemble(5),
        rows in proptest::collection::vec(oracle::a_row(5), 1..4),
        background in proptest::collection::vec(oracle::a_row(5), 1..300),
    ) {
        let columns = oracle::columns_of(&background, 5);
        let table = Columns::new(columns.iter().map(Vec::as_slice).collect(), background.len());
        let usual = Explainer::against(&ensemble, &table);
        let pairwise = Explainer {
            plan: Plan::forced(&ensemble, false).unwrap(),
            ..Explainer::against(&ensemble, &table)
        };
        for explainer in [usual, pairwise] {
            let found = explain(&explainer, &rows);
            for (row_idx, row) in rows.iter().enumerate() {
                let says = |known| oracle::says_against(&ensemble, row, &background, known);
                prop_assert!(close(found.base, says(0)));
                for (feature, expected) in oracle::shapley_of(5, says).into_iter().enumerate() {
                    let phi = found.phi[feature][row_idx];
                    prop_assert!(close(phi, expected), "{phi} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_parts_add_up_to_the_prediction_and_do_not_depend_on_company_or_threads(
        ensemble in oracle::an_ensemble(12),
        numbers in oracle::an_ensemble_of_numbers(12),
        rows in proptest::collection::vec(oracle::a_row(12), 1..700),
    ) {
        for (ensemble, explainer) in [&ensemble, &numbers]
            .into_iter()
            .flat_map(|ensemble| every_way(ensemble, 12).into_iter().map(move |way| (ensemble, way)))
        {
            let found = explain(&explainer, &rows);
            for (row_idx, row) in rows.iter().enumerate() {
                let prediction = ensemble.predict_row(row);
                let sum = found.phi.iter().fold(found.base, |sum, phi| sum + phi[row_idx]);
                prop_assert!((sum - prediction).abs() <= 1e-9 * prediction.abs().max(1.0));
            }
            let alone = explain(&explainer, &rows[..1]);
            for (alone, among) in alone.phi.iter().zip(&found.phi) {
                prop_assert_eq!(alone[0].to_bits(), among[0].to_bits());
            }
            for n_threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                prop_assert_eq!(bits(&pool.install(|| explain(&explainer, &rows))), bits(&found));
            }
        }
    }
}

/// One long path with a feature of its own at each split, and shares from even to extreme.
fn spine(depth: u16, share_down: f32) -> Tree {
    let mut tree = Tree::default();
    let mut cover = 1.0;
    for feature in 0..depth {
        let split = RawSplit {
            feature,
            threshold: 0.0,
            missing_left: false,
        };
        tree.push_split(&split, tree.n_nodes() + 1, cover);
        tree.push_leaf(
            f32::from(feature) - 3.0,
            (cover * (1.0 - share_down)).max(f32::MIN_POSITIVE),
        );
        cover = (cover * share_down).max(f32::MIN_POSITIVE);
    }
    tree.push_leaf(700.0, cover);
    tree
}

#[test]
fn deep_paths_of_many_features_stay_exact() {
    for (depth, share_down) in [(64, 0.5), (200, 0.9), (200, 1e-4), (30, 1.0 - 1e-6)] {
        let ensemble = Ensemble {
            base: 5.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![spine(depth, share_down)].into(),
        };
        let row = |ones: u16| {
            (0..depth)
                .map(|feature| f32::from(u8::from(feature < ones)))
                .collect::<Vec<f32>>()
        };
        let rows = vec![row(depth), row(depth / 2), row(0)];
        let found = of_rows(&ensemble, &rows);
        for (row_idx, row) in rows.iter().enumerate() {
            let prediction = ensemble.predict_row(row);
            let sum = found
                .phi
                .iter()
                .fold(found.base, |sum, phi| sum + phi[row_idx]);
            assert!(
                (sum - prediction).abs() <= 1e-9 * prediction.abs().max(1.0),
                "{depth} {share_down} {sum}"
            );
        }
    }
}

#[test]
fn no_rows_no_columns_no_trees() {
    let none = Ensemble {
        base: 3.0,
        scale: 1.0,
        link: Link::Identity,
        trees: vec![].into(),
    };
    assert_eq!(
        shap(&none, &Columns::new(vec![], 2)),
        Shap {
            base: 3.0,
            phi: vec![]
        }
    );
    assert_eq!(
        shap(&none, &Columns::new(vec![&[]], 0)),
        Shap {
            base: 3.0,
            phi: vec![vec![]]
        }
    );
}
