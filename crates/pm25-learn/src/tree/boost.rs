//! Gradient boosting with squared error: each tree is fitted to what the trees before it got wrong.
//!
//! Not other losses and not weighted rows: with squared error and equal weights the second derivative is 1, and a
//! count of rows takes its place.

use rayon::prelude::*;

use super::bins::Binned;
use super::chance::{Purpose, Stream};
use super::ensemble::{Ensemble, Tree};
use super::grow::{Grown, GrownNode, Plan, grow};
use super::histogram::{Entry, Work};
use super::params::BoostParams;
use super::predict::add_trees;
use super::quantise::quantise;
use super::split::{Penalties, Rule};
use super::sums;
use crate::columns::Columns;

/// A boosted ensemble and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostFit {
    /// The trees up to the best iteration: of all if no early stopping was asked for.
    pub ensemble: Ensemble,
    /// Errors by number of trees.
    pub history: History,
}

/// Root mean squared errors in units of the target; element `i` is that of the first `i + 1` trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// On all training rows, drawn for the tree or not.
    pub train_rmse: Vec<f64>,
    /// On the validation rows; empty if there are none.
    pub valid_rmse: Vec<f64>,
}

impl History {
    /// The number of trees with the lowest validation error, the smallest of several; all without validation rows.
    #[must_use]
    pub fn best_n_trees(&self) -> usize {
        let best = self
            .valid_rmse
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(self.train_rmse.len(), |(tree_idx, _)| tree_idx + 1)
    }
}

/// Fits an ensemble to `y`, one finite target a row of `x`. With validation rows (targets likewise) their error is
/// followed, and decides when to stop if `early_stopping_rounds` is above 0. `advance` is told of each finished tree.
///
/// # Panics
/// If there are not as many targets as rows, if a target is not finite, or if the tables differ in width: the caller
/// has mixed up tables.
pub fn fit_boost(
    x: &Columns,
    y: &[f32],
    valid: Option<(&Columns, &[f32])>,
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> BoostFit {
    let mut train = Side::new(x, y, mean_of(y));
    let valid = valid.filter(|(_, y_valid)| !y_valid.is_empty());
    let mut valid = valid.map(|(x_valid, y_valid)| {
        assert_eq!(
            x.n_columns(),
            x_valid.n_columns(),
            "both tables have the same columns"
        );
        Side::new(x_valid, y_valid, train.base)
    });
    let binned = Binned::new(x, params.max_bin);
    let mut trees = Vec::new();
    let mut history = History::default();
    for tree_idx in 0..params.n_estimators {
        let tree = grow_tree(&mut train, &binned, params, tree_idx);
        history.train_rmse.push(train.rmse());
        if let Some(valid) = &mut valid {
            valid.add(&tree);
            history.valid_rmse.push(valid.rmse());
        }
        trees.push(tree);
        advance(1);
        if is_over(&history, params) {
            break;
        }
    }
    if 0 < params.early_stopping_rounds {
        trees.truncate(history.best_n_trees());
    }
    let ensemble = Ensemble {
        base: train.base,
        scale: 1.0,
        trees,
    };
    BoostFit { ensemble, history }
}

/// Whether the validation error has been without improvement for as many trees as were allowed.
fn is_over(history: &History, params: &BoostParams) -> bool {
    let n_since = history.train_rmse.len() - history.best_n_trees();
    0 < params.early_stopping_rounds && params.early_stopping_rounds <= n_since
}

/// A table with its targets and what the trees so far say of it.
struct Side<'a> {
    x: &'a Columns<'a>,
    y: &'a [f32],
    base: f64,
    /// Sum over trees for each row, exactly as the finished ensemble will sum it.
    sums: Vec<f64>,
    /// Target less prediction.
    residuals: Vec<f64>,
}

impl<'a> Side<'a> {
    fn new(x: &'a Columns<'a>, y: &'a [f32], base: f64) -> Self {
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
        let mut side = Self {
            x,
            y,
            base,
            sums: vec![0.0; y.len()],
            residuals: vec![0.0; y.len()],
        };
        side.compare();
        side
    }

    /// Adds a tree by asking it.
    fn add(&mut self, tree: &Tree) {
        add_trees(std::slice::from_ref(tree), self.x, &mut self.sums);
        self.compare();
    }

    /// Adds a tree that was grown here: each leaf knows its rows.
    fn add_grown(&mut self, grown: &Grown, entries: &[Entry], values: &[f32]) {
        for (node, &value) in grown
            .nodes
            .iter()
            .zip(values)
            .filter(|(node, _)| node.fork.is_none())
        {
            for entry in &entries[node.entries.clone()] {
                self.sums[entry.row as usize] += f64::from(value);
            }
        }
        self.compare();
    }

    fn compare(&mut self) {
        let base = self.base;
        let rows = self.y.par_iter().zip(&self.sums).with_min_len(1 << 12);
        rows.map(|(&y, sum)| f64::from(y) - (base + sum))
            .collect_into_vec(&mut self.residuals);
    }

    fn rmse(&self) -> f64 {
        sums::root_mean_square(&self.residuals)
    }
}

fn mean_of(y: &[f32]) -> f64 {
    let y: Vec<f64> = y.par_iter().map(|&y| f64::from(y)).collect();
    sums::mean(&y)
}

/// Grows the next tree on the residuals and adds it to the training side.
fn grow_tree(train: &mut Side, binned: &Binned, params: &BoostParams, tree_idx: usize) -> Tree {
    let stream = |purpose| Stream::new(params.seed, purpose, tree_idx);
    let quantised = quantise(&train.residuals, stream(Purpose::Rounding));
    let mut entries = draw(
        &quantised.gradients,
        params.subsample,
        stream(Purpose::Rows),
    );
    let features = choose_features(
        train.x.n_columns(),
        params.colsample_bytree,
        stream(Purpose::Columns),
    );
    let penalties = Penalties {
        reg_lambda: params.reg_lambda,
        reg_alpha: params.reg_alpha,
        min_split_gain: params.min_split_gain,
        min_child_weight: params.min_child_weight,
    };
    let plan = Plan {
        binned,
        features: &features,
        n_tried: features.len(),
        rule: Rule::new(&penalties, quantised.step),
        max_depth: params.max_depth,
        max_leaves: Some(params.max_leaves),
        chance: stream(Purpose::Columns),
        work: Work::Shared,
    };
    let grown = grow(&plan, &mut entries);
    let values: Vec<f32> = grown
        .nodes
        .par_iter()
        .map(|node| leaf_value(node, &entries, &train.residuals, params))
        .collect();
    train.add_grown(&grown, &entries, &values);
    grown.finish(binned, &values)
}

/// All rows, those that the tree does not see with weight 0. Where chance leaves out every one of few rows, all count.
fn draw(gradients: &[i16], subsample: f64, stream: Stream) -> Vec<Entry> {
    let with_weights = |weight: &(dyn Fn(usize) -> u16 + Sync)| -> Vec<Entry> {
        let rows = gradients.par_iter().enumerate().with_min_len(1 << 12);
        rows.map(|(row, &gradient)| Entry {
            row: row as u32,
            gradient,
            weight: weight(row),
        })
        .collect()
    };
    let entries = with_weights(&|row| u16::from(stream.fraction(row) < subsample));
    if entries.par_iter().any(|entry| 0 < entry.weight) {
        entries
    } else {
        with_weights(&|_| 1)
    }
}

/// The columns that one tree may use, rising: a share of them rounded down, as XGBoost does, but at least one.
fn choose_features(n_features: usize, share: f64, stream: Stream) -> Vec<usize> {
    let n_chosen = ((share * n_features as f64) as usize)
        .max(1)
        .min(n_features);
    let mut features = stream.choose(n_chosen, n_features);
    features.sort_unstable();
    features
}

/// What a leaf adds: the learning rate's share of the value that minimises
/// sum (residual - value)^2 / 2 + lambda value^2 / 2 + alpha |value|, from exact residuals in the order of rows.
fn leaf_value(node: &GrownNode, entries: &[Entry], residuals: &[f64], params: &BoostParams) -> f32 {
    if node.fork.is_some() || node.sum.weight == 0 {
        return 0.0;
    }
    let drawn = entries[node.entries.clone()]
        .iter()
        .filter(|entry| 0 < entry.weight);
    let sum = drawn.fold(0.0, |sum, entry| sum + residuals[entry.row as usize]);
    let shrunk = (sum.abs() - params.reg_alpha).max(0.0).copysign(sum);
    (params.learning_rate * shrunk / (node.sum.weight as f64 + params.reg_lambda)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_WATCHED: &(dyn Fn(u64) + Sync) = &|_| {};

    fn params(said: &[(&str, &str)]) -> BoostParams {
        let said: Vec<(String, String)> = said
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        BoostParams::from_pairs(&said).unwrap()
    }

    /// No chance and no shrinkage.
    fn plain(more: &[(&str, &str)]) -> BoostParams {
        let mut said = vec![
            ("n_estimators", "1"),
            ("learning_rate", "1"),
            ("subsample", "1"),
            ("colsample_bytree", "1"),
            ("reg_lambda", "0"),
        ];
        said.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        said.extend(more);
        params(&said)
    }

    /// Pseudo-random columns, some values missing, and a target that depends on them in steps, with noise.
    struct World {
        columns: Vec<Vec<f32>>,
        y: Vec<f32>,
    }

    impl World {
        fn new(n_rows: usize, seed: u64) -> Self {
            let chance = |column| Stream::new(seed, Purpose::Rows, column);
            let columns: Vec<Vec<f32>> = (0..4)
                .map(|column| {
                    let value = |row| match chance(column).fraction(row) {
                        x if x < 0.05 => f32::NAN,
                        x => (x * 100.0) as f32,
                    };
                    (0..n_rows).map(value).collect()
                })
                .collect();
            let target = |row: usize| {
                let step = if columns[0][row] <= 40.0 { 20.0 } else { 5.0 };
                let slope = if columns[1][row].is_nan() {
                    33.0
                } else {
                    columns[1][row] / 2.0
                };
                step + slope + 10.0 * chance(9).fraction(row) as f32
            };
            let y = (0..n_rows).map(target).collect();
            Self { columns, y }
        }

        fn x(&self) -> Columns<'_> {
            Columns::new(
                self.columns.iter().map(Vec::as_slice).collect(),
                self.y.len(),
            )
        }

        fn fit(&self, params: &BoostParams) -> BoostFit {
            fit_boost(&self.x(), &self.y, None, params, NOT_WATCHED)
        }
    }

    #[test]
    fn a_known_step_is_recovered() {
        let noise = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let y = [10.0, 10.0, 10.0, 30.0, 30.0, 30.0, 30.0, 30.0];
        let columns = Columns::new(vec![&noise, &x], 8);
        let fit = fit_boost(&columns, &y, None, &plain(&[]), NOT_WATCHED);
        let tree = &fit.ensemble.trees[0];
        assert_eq!(fit.ensemble.base, 22.5);
        assert_eq!(tree.feature, [1, super::super::LEAF, super::super::LEAF]);
        assert_eq!(tree.threshold[0], 3.5);
        assert_eq!(tree.value, [0.0, -12.5, 7.5]);
        assert_eq!(tree.cover, [8.0, 3.0, 5.0]);
        assert_eq!(fit.history.train_rmse, [0.0]);
    }

    #[test]
    fn a_leaf_is_the_mean_of_the_rows_that_were_drawn() {
        let x: Vec<f32> = (0..400).map(|i| i as f32).collect();
        let y: Vec<f32> = x
            .iter()
            .map(|&x| if x < 100.0 { 10.0 } else { 30.0 })
            .collect();
        let said = plain(&[("subsample", "0.3"), ("max_leaves", "2")]);
        let fit = fit_boost(&Columns::new(vec![&x], 400), &y, None, &said, NOT_WATCHED);
        assert!(fit.ensemble.trees[0].cover[0] < 200.0);
        assert_eq!(fit.ensemble.trees[0].value, [0.0, -15.0, 5.0]);
    }

    #[test]
    fn leaves_shrink_by_rate_lambda_and_alpha() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let y = [-6.0, -6.0, 6.0, 6.0];
        let columns = Columns::new(vec![&x], 4);
        let values = |more: &[(&str, &str)]| {
            let fit = fit_boost(&columns, &y, None, &plain(more), NOT_WATCHED);
            fit.ensemble.trees[0].value.clone()
        };
        assert_eq!(values(&[]), [0.0, -6.0, 6.0]);
        assert_eq!(values(&[("learning_rate", "0.5")]), [0.0, -3.0, 3.0]);
        assert_eq!(values(&[("reg_lambda", "1")]), [0.0, -4.0, 4.0]);
        assert_eq!(values(&[("reg_alpha", "2")]), [0.0, -5.0, 5.0]);
    }

    #[test]
    fn a_missing_value_learns_its_direction() {
        let x = [1.0, 2.0, 3.0, 4.0, f32::NAN, f32::NAN];
        let columns = Columns::new(vec![&x], 6);
        for (of_missing, expected) in [(0.0, 0.0), (9.0, 9.0)] {
            let y = [0.0, 0.0, 9.0, 9.0, of_missing, of_missing];
            let ensemble = fit_boost(&columns, &y, None, &plain(&[]), NOT_WATCHED).ensemble;
            assert_eq!(ensemble.trees[0].n_leaves(), 2);
            assert!((ensemble.predict_row(&[f32::NAN]) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn without_chance_the_training_error_never_rises() {
        let said = [
            ("subsample", "1"),
            ("n_estimators", "60"),
            ("learning_rate", "0.3"),
        ];
        let errors = World::new(1500, 1).fit(&params(&said)).history.train_rmse;
        assert_eq!(errors.len(), 60);
        assert!(errors.is_sorted_by(|a, b| a >= b), "{errors:?}");
        assert!(errors[59] < 0.5 * errors[0]);
    }

    #[test]
    fn the_history_tells_what_the_ensemble_predicts() {
        let (world, other) = (World::new(900, 1), World::new(400, 2));
        let said = params(&[("n_estimators", "25"), ("early_stopping_rounds", "0")]);
        let fit = fit_boost(
            &world.x(),
            &world.y,
            Some((&other.x(), &other.y)),
            &said,
            NOT_WATCHED,
        );
        for (world, errors) in [
            (&world, &fit.history.train_rmse),
            (&other, &fit.history.valid_rmse),
        ] {
            let predictions = fit.ensemble.predict(&world.x());
            let residuals: Vec<f64> = predictions
                .iter()
                .zip(&world.y)
                .map(|(p, &y)| f64::from(y) - p)
                .collect();
            assert_eq!(errors.len(), 25);
            assert_eq!(
                errors[24].to_bits(),
                sums::root_mean_square(&residuals).to_bits()
            );
        }
    }

    #[test]
    fn it_stops_early_and_keeps_the_best() {
        let (world, other) = (World::new(300, 1), World::new(300, 2));
        let said = params(&[("learning_rate", "0.5"), ("early_stopping_rounds", "10")]);
        let fit = fit_boost(
            &world.x(),
            &world.y,
            Some((&other.x(), &other.y)),
            &said,
            NOT_WATCHED,
        );
        let errors = &fit.history.valid_rmse;
        let best = fit.history.best_n_trees();
        assert_eq!(errors.len(), best + 10);
        assert!(errors.len() < 300);
        assert_eq!(fit.ensemble.trees.len(), best);
        assert!(errors.iter().all(|&error| errors[best - 1] <= error));
        // Validation rows without early stopping, and early stopping without them, keep every tree.
        let never = params(&[
            ("learning_rate", "0.5"),
            ("early_stopping_rounds", "0"),
            ("n_estimators", "40"),
        ]);
        let fit = fit_boost(
            &world.x(),
            &world.y,
            Some((&other.x(), &other.y)),
            &never,
            NOT_WATCHED,
        );
        assert_eq!(fit.ensemble.trees.len(), 40);
        let alone = params(&[("learning_rate", "0.5"), ("n_estimators", "40")]);
        assert_eq!(world.fit(&alone).ensemble.trees.len(), 40);
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads_and_every_time() {
        // Enough rows for histograms to be shared out among threads.
        let world = World::new(20_000, 1);
        let said = params(&[("n_estimators", "8")]);
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| world.fit(&said))
        };
        let one = on(1);
        for n_threads in [1, 2, 16] {
            assert_eq!(on(n_threads), one);
        }
        let other_seed = params(&[("n_estimators", "8"), ("seed", "43")]);
        assert_ne!(world.fit(&other_seed), one);
    }

    #[test]
    fn rows_and_columns_are_drawn_in_the_wanted_share() {
        let world = World::new(5000, 1);
        let said = params(&[
            ("n_estimators", "30"),
            ("subsample", "0.4"),
            ("colsample_bytree", "0.5"),
        ]);
        for tree in world.fit(&said).ensemble.trees {
            // 2,000 expected, standard deviation 35.
            assert!((tree.cover[0] - 2000.0).abs() < 200.0);
            let mut features: Vec<u16> = tree.feature.iter().copied().filter(|&f| f < 4).collect();
            features.sort_unstable();
            features.dedup();
            assert!(features.len() <= 2);
        }
    }

    #[test]
    fn every_tree_is_a_good_one_within_its_bounds() {
        let world = World::new(3000, 1);
        let said = params(&[
            ("n_estimators", "20"),
            ("max_leaves", "30"),
            ("max_depth", "6"),
        ]);
        let fit = world.fit(&said);
        assert_eq!(fit.ensemble.check(4), Ok(()));
        assert!(fit.ensemble.trees.iter().all(|tree| tree.n_leaves() == 30));
    }

    #[test]
    fn poor_tables_are_learned_too() {
        let said = params(&[("n_estimators", "3"), ("subsample", "0.01")]);
        let fit = |columns: Vec<&[f32]>, y: &[f32]| {
            let x = Columns::new(columns, y.len());
            let fit = fit_boost(&x, y, None, &said, NOT_WATCHED);
            (fit.ensemble.predict(&x), fit.ensemble.check(x.n_columns()))
        };
        assert_eq!(fit(vec![&[]], &[]).0, [0.0; 0]);
        assert_eq!(fit(vec![&[7.0]], &[3.0]), (vec![3.0], Ok(())));
        assert_eq!(fit(vec![], &[3.0, 3.0]), (vec![3.0, 3.0], Ok(())));
        assert_eq!(
            fit(vec![&[f32::NAN, f32::NAN]], &[3.0, 3.0]),
            (vec![3.0, 3.0], Ok(()))
        );
    }

    #[test]
    fn an_empty_validation_table_stops_nothing() {
        let world = World::new(200, 1);
        let empty = Columns::new(vec![&[]; 4], 0);
        let said = params(&[("n_estimators", "40")]);
        let fit = fit_boost(
            &world.x(),
            &world.y,
            Some((&empty, &[])),
            &said,
            NOT_WATCHED,
        );
        assert_eq!(fit, world.fit(&said));
    }

    #[test]
    fn each_tree_is_told() {
        let count = std::sync::atomic::AtomicU64::new(0);
        let world = World::new(100, 1);
        let advance = |n| {
            count.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
        };
        fit_boost(
            &world.x(),
            &world.y,
            None,
            &params(&[("n_estimators", "12")]),
            &advance,
        );
        assert_eq!(count.into_inner(), 12);
    }
}
