//! A random forest: trees that each see another draw of the rows, and their mean.
//!
//! Not extremely randomised and not weighted: rows are drawn with replacement, as many as there are (Breiman 2001),
//! and each tree is grown on the histograms that boosting uses.

use rayon::prelude::*;

use super::bins::Binned;
use super::chance::{Purpose, Stream};
use super::ensemble::{Ensemble, Tree};
use super::grow::{GrownNode, Plan, grow};
use super::histogram::{Entry, Work};
use super::params::ForestParams;
use super::predict::{BLOCK_ROWS, each_block};
use super::quantise::{Quantised, quantise};
use super::split::{Penalties, Rule};
use super::sums;
use crate::columns::Columns;

/// A forest and what it says of rows that its trees have not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestFit {
    /// The trees; their mean is the prediction.
    pub ensemble: Ensemble,
    /// For each training row the mean of the trees that did not draw it, in units of the target; NaN where all did.
    pub out_of_bag: Vec<f64>,
    /// Root mean squared error of these predictions, over the rows that have one; 0 if none has.
    pub out_of_bag_rmse: f64,
}

/// Fits a forest to `y`, one finite target a row of `x`. `advance` is told of each finished tree, from any thread.
///
/// # Panics
/// If there are not as many targets as rows or a target is not finite: the caller has mixed up tables.
pub fn fit_forest(
    x: &Columns,
    y: &[f32],
    params: &ForestParams,
    advance: &(dyn Fn(u64) + Sync),
) -> ForestFit {
    assert_eq!(x.n_rows(), y.len(), "every row has a target");
    assert!(y.iter().all(|y| y.is_finite()), "every target is finite");
    assert!(
        x.n_columns() < usize::from(u16::MAX),
        "a tree counts features in 16 bits"
    );
    assert!(
        u32::try_from(y.len()).is_ok(),
        "a tree counts rows in 32 bits"
    );
    let wood = Wood {
        binned: &Binned::new(x, params.max_bin),
        y,
        gradients: &gradients(y, params.seed),
        features: &(0..x.n_columns()).collect::<Vec<usize>>(),
        params,
    };
    let grown = (0..params.n_estimators).into_par_iter().map(|tree_idx| {
        let tree = grow_tree(&wood, tree_idx);
        advance(1);
        tree
    });
    let (trees, bags): (Vec<Tree>, Vec<Bag>) = grown.collect();
    let out_of_bag = predict_out_of_bag(&trees, &bags, x);
    let ensemble = Ensemble {
        base: 0.0,
        scale: 1.0 / trees.len() as f64,
        trees,
    };
    ForestFit {
        ensemble,
        out_of_bag_rmse: rmse_of_present(&out_of_bag, y),
        out_of_bag,
    }
}

/// What all trees are made of.
struct Wood<'a> {
    binned: &'a Binned,
    y: &'a [f32],
    gradients: &'a Quantised,
    features: &'a [usize],
    params: &'a ForestParams,
}

/// Targets as distances from the target nearest to their mean: small numbers, and whole steps where targets are.
fn gradients(y: &[f32], seed: u64) -> Quantised {
    let exact: Vec<f64> = y.iter().map(|&y| f64::from(y)).collect();
    let mean = sums::mean(&exact);
    let distance = |y: &f64| (y - mean).abs();
    let centre = exact
        .iter()
        .copied()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(0.0);
    let distances: Vec<f64> = exact.iter().map(|y| y - centre).collect();
    quantise(&distances, Stream::new(seed, Purpose::Rounding, 0))
}

/// Which rows a tree has drawn, a bit for each.
struct Bag {
    words: Vec<u64>,
}

impl Bag {
    fn of(entries: &[Entry], n_rows: usize) -> Self {
        let mut words = vec![0; n_rows.div_ceil(64)];
        for entry in entries {
            words[entry.row as usize / 64] |= 1 << (entry.row % 64);
        }
        Self { words }
    }

    fn holds(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }
}

fn grow_tree(wood: &Wood, tree_idx: usize) -> (Tree, Bag) {
    let Wood {
        binned,
        y,
        gradients,
        features,
        params,
    } = wood;
    let stream = |purpose| Stream::new(params.seed, purpose, tree_idx);
    let mut entries = draw(&gradients.gradients, stream(Purpose::Rows));
    let penalties = Penalties {
        reg_lambda: 0.0,
        reg_alpha: 0.0,
        min_split_gain: 0.0,
        min_child_weight: params.min_samples_leaf as f64,
    };
    let plan = Plan {
        binned,
        features,
        n_tried: ((params.max_features * features.len() as f64) as usize).max(1),
        rule: Rule::new(&penalties, gradients.step),
        max_depth: params.max_depth,
        max_leaves: None,
        chance: stream(Purpose::Columns),
        work: Work::Alone,
    };
    let bag = Bag::of(&entries, y.len());
    let grown = grow(&plan, &mut entries);
    let values: Vec<f32> = grown
        .nodes
        .iter()
        .map(|node| mean_target(node, &entries, y))
        .collect();
    (grown.finish(binned, &values), bag)
}

/// Draws as many rows as there are, with replacement; a row drawn several times has that weight.
fn draw(gradients: &[i16], stream: Stream) -> Vec<Entry> {
    let mut weights = vec![0_u16; gradients.len()];
    for draw_idx in 0..gradients.len() {
        let row = stream.below(draw_idx, gradients.len());
        weights[row] = weights[row].saturating_add(1);
    }
    let rows = (0..).zip(gradients).zip(weights);
    rows.filter(|(_, weight)| 0 < *weight)
        .map(|((row, &gradient), weight)| Entry {
            row,
            gradient,
            weight,
        })
        .collect()
}

/// The mean target of a leaf's draws, summed in the order of rows.
fn mean_target(node: &GrownNode, entries: &[Entry], y: &[f32]) -> f32 {
    if node.fork.is_some() {
        return 0.0;
    }
    let own = entries[node.entries.clone()].iter();
    let sum = own.fold(0.0, |sum, entry| {
        sum + f64::from(y[entry.row as usize]) * f64::from(entry.weight)
    });
    (sum / (node.sum.weight as f64).max(1.0)) as f32
}

/// The mean over trees that did not draw the row, summed in tree order.
fn predict_out_of_bag(trees: &[Tree], bags: &[Bag], x: &Columns) -> Vec<f64> {
    let mut means = vec![(0.0, 0_u32); x.n_rows()];
    each_block(x, BLOCK_ROWS, &mut means, |rows, means| {
        for (tree, bag) in trees.iter().zip(bags) {
            for ((row_idx, row), (sum, n_trees)) in (rows.first..).zip(rows.iter()).zip(&mut *means)
            {
                if !bag.holds(row_idx) {
                    *sum += f64::from(tree.value_of(row));
                    *n_trees += 1;
                }
            }
        }
    });
    // 0 / 0 is the NaN of a row that no tree has left out.
    means
        .into_iter()
        .map(|(sum, n_trees)| sum / f64::from(n_trees))
        .collect()
}

fn rmse_of_present(predictions: &[f64], y: &[f32]) -> f64 {
    let present = predictions
        .iter()
        .zip(y)
        .filter(|(prediction, _)| !prediction.is_nan());
    let residuals: Vec<f64> = present
        .map(|(prediction, &y)| f64::from(y) - prediction)
        .collect();
    sums::root_mean_square(&residuals)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_WATCHED: &(dyn Fn(u64) + Sync) = &|_| {};

    fn params(said: &[(&str, &str)]) -> ForestParams {
        let said: Vec<(String, String)> = said
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        ForestParams::from_pairs(&said).unwrap()
    }

    /// Three columns of whole numbers and a target: a step in the first, a slope in the second, noise from -1 to 1.
    struct World {
        columns: Vec<Vec<f32>>,
        y: Vec<f32>,
        noiseless: Vec<f64>,
    }

    impl World {
        fn new(n_rows: usize) -> Self {
            let chance = |column| Stream::new(5, Purpose::Rows, column);
            let column = |idx| {
                (0..n_rows)
                    .map(|row| (100.0 * chance(idx).fraction(row)).floor() as f32)
                    .collect()
            };
            let columns: Vec<Vec<f32>> = (0..3).map(column).collect();
            let truth = |row: usize| {
                let step = if columns[0][row] <= 30.0 { 50.0 } else { 0.0 };
                step + f64::from(columns[1][row])
            };
            let noiseless: Vec<f64> = (0..n_rows).map(truth).collect();
            let noise = |row| 2.0 * chance(7).fraction(row) - 1.0;
            let y = (0..n_rows)
                .map(|row| (noiseless[row] + noise(row)) as f32)
                .collect();
            Self {
                columns,
                y,
                noiseless,
            }
        }

        fn x(&self) -> Columns<'_> {
            Columns::new(
                self.columns.iter().map(Vec::as_slice).collect(),
                self.y.len(),
            )
        }

        fn fit(&self, said: &[(&str, &str)]) -> ForestFit {
            fit_forest(&self.x(), &self.y, &params(said), NOT_WATCHED)
        }
    }

    #[test]
    fn a_known_step_is_recovered_by_every_tree() {
        let x: Vec<f32> = (0..200).map(|i| (i / 2) as f32).collect();
        let y: Vec<f32> = x
            .iter()
            .map(|&x| if x <= 29.0 { 7.25 } else { -3.0 })
            .collect();
        let columns = Columns::new(vec![&x], 200);
        let fit = fit_forest(
            &columns,
            &y,
            &params(&[("n_estimators", "20")]),
            NOT_WATCHED,
        );
        for tree in &fit.ensemble.trees {
            assert_eq!(tree.feature[0], 0);
            // A draw may lack the values next to the step.
            assert!(
                (26.0..33.0).contains(&tree.threshold[0]),
                "{}",
                tree.threshold[0]
            );
            assert_eq!(tree.value, [0.0, 7.25, -3.0]);
            assert_eq!(tree.cover[0], 200.0);
        }
        assert_eq!(fit.ensemble.predict_row(&[3.0]), 7.25);
    }

    #[test]
    fn a_single_deep_tree_repeats_the_targets_that_it_drew() {
        let world = World::new(400);
        let fit = world.fit(&[("n_estimators", "1"), ("max_depth", "64")]);
        let predictions = fit.ensemble.predict(&world.x());
        for (row, prediction) in predictions.iter().enumerate() {
            let was_drawn = fit.out_of_bag[row].is_nan();
            // Targets closer than a step of the gradients, here 2^-7, may share a leaf.
            assert!(!was_drawn || (prediction - f64::from(world.y[row])).abs() < 0.01);
        }
        let share_drawn = fit.out_of_bag.iter().filter(|p| p.is_nan()).count() as f64 / 400.0;
        // 1 - 1/e is drawn; five standard deviations are 0.08.
        assert!((share_drawn - 0.632).abs() < 0.08, "{share_drawn}");
    }

    #[test]
    fn out_of_bag_error_is_the_error_on_new_rows() {
        let world = World::new(4000);
        let fit = world.fit(&[("n_estimators", "60")]);
        assert!(fit.out_of_bag.iter().all(|p| p.is_finite()));
        // Noise of -1 to 1 has standard deviation 0.577, which nobody can predict; a forest comes near.
        assert!(
            (0.577..1.1).contains(&fit.out_of_bag_rmse),
            "{}",
            fit.out_of_bag_rmse
        );
        let errors: Vec<f64> = fit
            .out_of_bag
            .iter()
            .zip(&world.noiseless)
            .map(|(p, t)| p - t)
            .collect();
        assert!(sums::root_mean_square(&errors) < 0.8);
        let in_bag = fit.ensemble.predict(&world.x());
        let errors: Vec<f64> = in_bag
            .iter()
            .zip(&world.y)
            .map(|(p, &y)| p - f64::from(y))
            .collect();
        assert!(sums::root_mean_square(&errors) < 0.7 * fit.out_of_bag_rmse);
    }

    #[test]
    fn bounds_hold() {
        let world = World::new(2000);
        let fit = world.fit(&[
            ("n_estimators", "5"),
            ("max_depth", "4"),
            ("min_samples_leaf", "100"),
        ]);
        assert_eq!(fit.ensemble.check(3), Ok(()));
        for tree in &fit.ensemble.trees {
            assert!(tree.n_leaves() <= 16);
            assert!(tree.cover.iter().all(|&cover| 100.0 <= cover));
        }
    }

    #[test]
    fn few_features_at_a_node_let_others_have_their_turn() {
        let world = World::new(1000);
        let roots = |max_features| {
            let fit = world.fit(&[
                ("n_estimators", "60"),
                ("max_features", max_features),
                ("max_depth", "2"),
            ]);
            let mut roots: Vec<u16> = fit
                .ensemble
                .trees
                .iter()
                .map(|tree| tree.feature[0])
                .collect();
            roots.sort_unstable();
            roots.dedup();
            roots
        };
        assert!(roots("1").len() < 3);
        assert_eq!(roots("0.34"), [0, 1, 2]);
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads_and_every_time() {
        let world = World::new(3000);
        let said = [("n_estimators", "10"), ("max_features", "0.5")];
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| {
                let fit = world.fit(&said);
                let bits: Vec<u64> = fit.out_of_bag.iter().map(|p| p.to_bits()).collect();
                (fit.ensemble, bits, fit.out_of_bag_rmse.to_bits())
            })
        };
        let one = on(1);
        for n_threads in [1, 2, 16] {
            assert_eq!(on(n_threads), one);
        }
        assert_ne!(
            world.fit(&[("n_estimators", "10"), ("seed", "1")]).ensemble,
            one.0
        );
    }

    #[test]
    fn poor_tables_are_learned_too() {
        let said = params(&[("n_estimators", "3")]);
        let fit = |columns: Vec<&[f32]>, y: &[f32]| {
            let x = Columns::new(columns, y.len());
            let fit = fit_forest(&x, y, &said, NOT_WATCHED);
            fit.ensemble.predict(&x)
        };
        assert_eq!(fit(vec![&[]], &[]), [0.0; 0]);
        assert_eq!(fit(vec![&[7.0]], &[3.0]), [3.0]);
        assert_eq!(fit(vec![], &[3.0, 3.0]), [3.0, 3.0]);
        assert_eq!(fit(vec![&[f32::NAN, f32::NAN]], &[3.0, 3.0]), [3.0, 3.0]);
    }
}
