//! Explanations against their definition.

use proptest::prelude::*;

use super::super::ensemble::{Ensemble, RawSplit, Tree};
use super::super::oracle;
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
        trees: vec![stump.clone(), stump],
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn values_are_those_of_the_definition(
        ensemble in oracle::an_ensemble(3),
        wide in oracle::an_ensemble(8),
        rows in proptest::collection::vec(oracle::a_row(3), 1..6),
        wide_row in oracle::a_row(8),
    ) {
        let with_rows = [(&ensemble, rows), (&wide, vec![wide_row])];
        for (ensemble, rows) in with_rows {
            let found = of_rows(ensemble, &rows);
            for (row_idx, row) in rows.iter().enumerate() {
                prop_assert!(close(found.base, oracle::expectation(ensemble, row, 0)));
                for (feature, expected) in oracle::shapley(ensemble, row).into_iter().enumerate() {
                    let phi = found.phi[feature][row_idx];
                    prop_assert!(close(phi, expected), "{phi} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_parts_add_up_to_the_prediction(
        ensemble in oracle::an_ensemble(12),
        rows in proptest::collection::vec(oracle::a_row(12), 1..300),
    ) {
        let found = of_rows(&ensemble, &rows);
        for (row_idx, row) in rows.iter().enumerate() {
            let prediction = ensemble.predict_row(row);
            let sum = found.phi.iter().fold(found.base, |sum, phi| sum + phi[row_idx]);
            prop_assert!((sum - prediction).abs() <= 1e-9 * prediction.abs().max(1.0));
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
            trees: vec![spine(depth, share_down)],
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
        trees: vec![],
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
