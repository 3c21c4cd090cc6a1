//! Gradient boosting with squared error: each tree is fitted to what the trees before it got wrong.
//!
//! Not other losses and not weighted rows: with squared error and equal weights the second derivative is 1, and a
//! count of rows takes its place.

use super::assign::Assign;
use super::bins::{Cuts, cut_all, pack};
use super::chance::{Purpose, Stream};
use super::ensemble::{Ensemble, Tree};
use super::grow::{Grown, GrownNode, Plan, grow};
use super::params::BoostParams;
use super::predict::add_trees;
use super::rows::{Layout, Load};
use super::scores::{Draw, Scores, Start};
use super::split::{Penalties, Rule, Steps};
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
    check_sizes(x, y);
    let base = sums::mean_of(y);
    let valid = valid.filter(|(_, y_valid)| !y_valid.is_empty());
    let mut valid = valid.map(|(x_valid, y_valid)| {
        assert_eq!(
            x.n_columns(),
            x_valid.n_columns(),
            "both tables have the same columns"
        );
        Watched::new(x_valid, y_valid, base)
    });
    let cuts = cut_all(x, params.max_bin);
    let layout = Layout::new(Load::Single, x.n_columns());
    let table = pack(x, &cuts, &layout);
    let mut train = Train {
        scores: Scores::new(layout, table, y, base),
        cuts,
        params,
    };
    let mut trees = Vec::new();
    let mut history = History::default();
    let mut start = train.scores.start(&[], train.draw(0));
    for tree_idx in 0..params.n_estimators {
        let (tree, values) = train.grow_tree(start, tree_idx);
        start = train.scores.start(&values, train.draw(tree_idx + 1));
        history.train_rmse.push(start.rmse);
        if let Some(valid) = &mut valid {
            history.valid_rmse.push(valid.add(&tree));
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
        base,
        scale: 1.0,
        trees,
    };
    BoostFit { ensemble, history }
}

/// Stops where a table and its targets do not fit each other or what trees can count.
pub(crate) fn check_sizes(x: &Columns, y: &[f32]) {
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
}

/// Whether the validation error has been without improvement for as many trees as were allowed.
fn is_over(history: &History, params: &BoostParams) -> bool {
    let n_since = history.train_rmse.len() - history.best_n_trees();
    0 < params.early_stopping_rounds && params.early_stopping_rounds <= n_since
}

/// Rows that are not learned from, and what the trees so far say of them.
struct Watched<'a> {
    x: &'a Columns<'a>,
    y: &'a [f32],
    base: f64,
    sums: Vec<f64>,
}

impl<'a> Watched<'a> {
    fn new(x: &'a Columns<'a>, y: &'a [f32], base: f64) -> Self {
        check_sizes(x, y);
        let sums = vec![0.0; y.len()];
        Self { x, y, base, sums }
    }

    /// Adds a tree and tells the root mean squared error.
    fn add(&mut self, tree: &Tree) -> f64 {
        add_trees(std::slice::from_ref(tree), self.x, &mut self.sums);
        let rows = self.y.iter().zip(&self.sums);
        let residuals: Vec<f64> = rows
            .map(|(&y, sum)| f64::from(y) - (self.base + sum))
            .collect();
        sums::root_mean_square(&residuals)
    }
}

struct Train<'a> {
    scores: Scores<'a>,
    cuts: Vec<Cuts>,
    params: &'a BoostParams,
}

impl Train<'_> {
    fn stream(&self, purpose: Purpose, tree_idx: usize) -> Stream {
        Stream::new(self.params.seed, purpose, tree_idx)
    }

    fn draw(&self, tree_idx: usize) -> Draw {
        Draw {
            subsample: self.params.subsample,
            rows: self.stream(Purpose::Rows, tree_idx),
            rounding: self.stream(Purpose::Rounding, tree_idx),
        }
    }

    /// Grows the next tree; also tells the values of its leaves from the left.
    fn grow_tree(&mut self, start: Start, tree_idx: usize) -> (Tree, Vec<f32>) {
        let chance = self.stream(Purpose::Columns, tree_idx);
        let layout = self.scores.layout;
        let features = choose_features(layout.n_features(), self.params.colsample_bytree, chance);
        let steps = Steps {
            gradient: start.step,
            weight: 1.0,
        };
        let plan = Plan {
            cuts: &self.cuts,
            layout,
            features: &features,
            n_tried: features.len(),
            rule: Rule::new(&penalties(self.params), steps),
            max_depth: self.params.max_depth,
            max_leaves: Some(self.params.max_leaves),
            chance,
            value: None,
        };
        let size = self.scores.size();
        let mut grown = grow(&plan, size, self.scores.seed(start.histogram, start.sum));
        let values = self.renew(&mut grown);
        (grown.finish(&self.cuts, 1.0), values)
    }

    /// Gives leaves their values, from exact residuals.
    fn renew(&mut self, grown: &mut Grown) -> Vec<f32> {
        let size = self.scores.size();
        let (assign, leaves) = Assign::new(grown, &self.scores.layout, size.n_drawn);
        let sums = self.scores.sum_by_leaf(&assign, leaves.len());
        let leaves = leaves.into_iter().zip(sums);
        leaves
            .map(|(node, sum)| {
                let node = &mut grown.nodes[node];
                node.value = leaf_value(node, sum, self.params);
                node.value
            })
            .collect()
    }
}

fn penalties(params: &BoostParams) -> Penalties {
    Penalties {
        reg_lambda: params.reg_lambda,
        reg_alpha: params.reg_alpha,
        min_split_gain: params.min_split_gain,
        min_child_weight: params.min_child_weight,
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
/// sum (residual - value)^2 / 2 + lambda value^2 / 2 + alpha |value|, from the sum of exact residuals.
fn leaf_value(node: &GrownNode, sum: f64, params: &BoostParams) -> f32 {
    if node.sum.weight == 0 {
        return 0.0;
    }
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
