//! For tests only: whether every row knows its leaf, by whichever way it is found. What boosting says of its training error
//! is summed row by row from leaves; what the finished ensemble says is not.

use super::boost_tests::{World, params};
use super::chance::{Purpose, Stream};
use super::sums;

/// More columns than a word holds: rows are listed, and told their leaves.
fn widen(world: &mut World) {
    let n_rows = world.y.len();
    for column in 4..9 {
        let chance = Stream::new(8, Purpose::Rows, column);
        let noise = (0..n_rows).map(|row| chance.below(row, 90) as f32);
        world.columns.push(noise.collect());
    }
}

/// Stops where the training error after any tree is not that of the first trees.
fn leaves_are_known(world: &World, said: &[(&str, &str)]) {
    let fit = world.fit(&params(said));
    for n_trees in 1..=fit.ensemble.trees.len() {
        let mut first = fit.ensemble.clone();
        first.trees.truncate(n_trees);
        let residuals = first.predict(&world.x()).into_iter().zip(&world.y);
        let residuals: Vec<f64> = residuals.map(|(p, &y)| f64::from(y) - p).collect();
        let expected = sums::root_mean_square(&residuals);
        let found = fit.history.train_errors[n_trees - 1];
        assert!(
            (found - expected).abs() <= 1e-9 * expected,
            "{said:?}, {n_trees} trees: {found}, not {expected}"
        );
    }
}

#[test]
fn leaves_are_known_where_rounding_becomes_coarse_or_fine_on_the_way() {
    // Steps are coarse while an outlier is far off: one that no leaf has for itself stays where it is while the others'
    // residuals become small, one that has a leaf comes nearer from tree to tree.
    for (far, min_child_weight) in [(5e3, "100"), (1e5, "1")] {
        for is_wide in [false, true] {
            let mut world = World::new(1500, 5);
            world.y[700] = far;
            if is_wide {
                widen(&mut world);
            }
            for subsample in ["1", "0.5"] {
                let said = [
                    ("n_estimators", "24"),
                    ("learning_rate", "0.4"),
                    ("min_child_weight", min_child_weight),
                    ("subsample", subsample),
                ];
                leaves_are_known(&world, &said);
            }
        }
    }
}

#[test]
fn leaves_are_known_where_chance_draws_no_row() {
    for is_wide in [false, true] {
        let mut world = World::new(6, 2);
        if is_wide {
            widen(&mut world);
        }
        let said = [
            ("n_estimators", "60"),
            ("subsample", "0.05"),
            ("min_child_weight", "0"),
        ];
        leaves_are_known(&world, &said);
    }
}
