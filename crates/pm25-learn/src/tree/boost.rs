//! Gradient boosting: each tree is fitted to what the rows want beyond the trees before it.
//!
//! Not what rows want: that is the objective's. With equal weights and a loss whose second derivative is 1, a count
//! of rows takes its place.

use super::assign::Assign;
use super::binned::Binned;
use super::bins::{Cuts, Table};
use super::chance::{Purpose, Stream};
use super::ensemble::{Ensemble, Tree};
use super::grow::{Leaves, Plan};
use super::grown::Grown;
use super::histogram::Sum;
use super::link::Link;
use super::objective::{LOG_STEP_MAX, Objective};
use super::params::BoostParams;
use super::predict::add_trees;
use super::role::{Bounds, Role};
use super::rows::{Chosen, Layout, Load};
use super::scores::{Draw, Goal, Last, Scores, Start};
use super::split::{Penalties, Rule, Steps};
use crate::columns::Columns;

/// A boosted ensemble and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostFit {
    /// The trees up to the best iteration: of all if no early stopping was asked for.
    pub ensemble: Ensemble,
    /// Errors by number of trees.
    pub history: History,
}

/// Errors, element `i` that of the first `i + 1` trees: the root of the mean squared error in units of the target, or
/// the mean of another loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// On all training rows, drawn for the tree or not.
    pub train_errors: Vec<f64>,
    /// On the validation rows; empty if there are none.
    pub valid_errors: Vec<f64>,
}

impl History {
    /// The number of trees with the lowest validation error, the smallest of several; all without validation rows.
    #[must_use]
    pub fn best_n_trees(&self) -> usize {
        let best = self
            .valid_errors
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(self.train_errors.len(), |(tree_idx, _)| tree_idx + 1)
    }
}

/// What is to be learned.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// The table.
    pub x: &'a Columns<'a>,
    /// One finite target a row; not below zero for a Poisson loss, above zero for a gamma loss.
    pub y: &'a [f32],
    /// How much each row counts, finite and not below zero; empty if all count once.
    pub weights: &'a [f32],
    /// What each column is; empty if all are plain numbers.
    pub roles: &'a [Role],
}

/// Fits an ensemble to `y`, every row counting once, see [`fit_lesson`].
///
/// # Panics
/// As [`fit_lesson`].
pub fn fit_boost(
    x: &Columns,
    y: &[f32],
    valid: Option<(&Columns, &[f32])>,
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> BoostFit {
    let lesson = Lesson {
        x,
        y,
        weights: &[],
        roles: &[],
    };
    fit_lesson(lesson, valid, params, advance)
}

/// Fits an ensemble.
///
/// Memory beyond the table and the targets is 8 bytes a row for scores and 2 for leaves where these are kept (more than 6
/// columns, weights, an objective other than squared error, or outliers beside which rounding is coarse), and for the rows
/// in bins, up to 6 columns: 16 bytes a row, namely the row with its gradient and a buffer of the same size to part rows in, and up to
/// 4,194,304 rows a second one; more columns: 8 bytes for each word of the row, one for each column and 4 for a list of rows. A row is
/// 1 + (columns - 6) / 8 words, rounded up (see `rows.rs`): 24 or 32 bytes a row for 6 columns, 72 for 26. Weights, or an
/// objective with second derivatives, take 2 bytes of the first word. Order statistics (absolute, Huber, quantile) take
/// 16 more. Before that, while columns are cut into bins, each thread needs 8 bytes a row for one column, and gives them
/// back.
///
/// With validation rows their error is followed, and decides when to stop if
/// `early_stopping_rounds` is above 0. `advance` is told of each finished tree.
///
/// # Panics
/// If there are not as many targets or weights as rows, if a target is none that the objective allows, if a weight is
/// below zero, or if the tables differ in width: the caller has mixed up tables. Also if predictions shall rise or fall
/// with a column while leaves are order statistics (absolute, Huber, quantile): what splits promise then binds no leaf.
pub fn fit_lesson(
    lesson: Lesson,
    valid: Option<(&Columns, &[f32])>,
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> BoostFit {
    let Lesson {
        x,
        y,
        weights,
        roles,
    } = lesson;
    let task = Task {
        table: x,
        y,
        weights,
        roles,
    };
    learn(task, valid, params, advance)
}

/// Fits an ensemble to a table that is in bins, see [`Edges`](super::Edges): the one of [`fit_lesson`], to the bit, where
/// the cuts are the same; they come from the parameters of [`Edges::cut`](super::Edges::cut), whose `max_bin` is not asked
/// again.
///
/// Memory is that of [`fit_lesson`] with one byte instead of four for each value of the table. Validation rows are few:
/// they come as they are.
///
/// # Panics
/// As [`fit_lesson`].
pub fn fit_binned(
    table: &Binned,
    (y, weights): (&[f32], &[f32]),
    valid: Option<(&Columns, &[f32])>,
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> BoostFit {
    let task = Task {
        table,
        y,
        weights,
        roles: &table.roles,
    };
    learn(task, valid, params, advance)
}

/// A lesson of which the table is in bins, or may be.
#[derive(Clone, Copy)]
struct Task<'a> {
    table: &'a dyn Table,
    y: &'a [f32],
    weights: &'a [f32],
    roles: &'a [Role],
}

fn learn(
    task: Task,
    valid: Option<(&Columns, &[f32])>,
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> BoostFit {
    let goal = goal_of(&task, params.objective);
    let valid = valid.filter(|(_, y_valid)| !y_valid.is_empty());
    let mut valid = valid.map(|(x_valid, y_valid)| {
        assert_eq!(
            task.table.n_columns(),
            x_valid.n_columns(),
            "both tables have the same columns"
        );
        Watched::new(x_valid, y_valid, &goal)
    });
    let mut train = Train::new(&task, goal, params);
    let mut trees = Vec::new();
    let mut history = History::default();
    let mut start = train.scores.start(&Last::default(), train.draw(0));
    for tree_idx in 0..params.n_estimators {
        let (tree, last) = train.grow_tree(start, tree_idx);
        start = train.scores.start(&last, train.draw(tree_idx + 1));
        history.train_errors.push(start.error);
        if let Some(valid) = &mut valid {
            history.valid_errors.push(valid.add(&tree));
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
        base: goal.base,
        scale: 1.0,
        link: params.objective.link(),
        trees: trees.into(),
    };
    BoostFit { ensemble, history }
}

fn goal_of<'a>(task: &Task<'a>, objective: Objective) -> Goal<'a> {
    let Task {
        table,
        y,
        weights,
        roles,
    } = *task;
    assert!(
        roles.is_empty() || roles.len() == table.n_columns(),
        "every column has a role"
    );
    let is_ordered = |role: &Role| matches!(role, Role::Rising | Role::Falling);
    assert!(
        objective.order_share().is_none() || !roles.iter().any(is_ordered),
        "{objective:?} cannot be told to rise or fall"
    );
    check_sizes(table, y);
    let is_allowed = |&y: &f32| objective.allows(y);
    assert!(
        y.iter().all(is_allowed),
        "{objective:?} allows every target"
    );
    let is_weight = |weight: &f32| weight.is_finite() && 0.0 <= *weight;
    assert!(
        weights.is_empty() || weights.len() == y.len(),
        "every row has a weight"
    );
    assert!(weights.iter().all(is_weight), "no weight is below zero");
    Goal {
        objective,
        y,
        weights,
        base: objective.base(y, weights),
    }
}

/// Stops where a table and its targets do not fit each other or what trees can count.
pub(crate) fn check_sizes(x: &dyn Table, y: &[f32]) {
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
    let n_since = history.train_errors.len() - history.best_n_trees();
    0 < params.early_stopping_rounds && params.early_stopping_rounds <= n_since
}

/// Rows that are not learned from, and what the trees so far say of them.
struct Watched<'a> {
    x: &'a Columns<'a>,
    y: &'a [f32],
    objective: Objective,
    base: f64,
    sums: Vec<f64>,
}

impl<'a> Watched<'a> {
    fn new(x: &'a Columns<'a>, y: &'a [f32], goal: &Goal) -> Self {
        check_sizes(x, y);
        Self {
            x,
            y,
            objective: goal.objective,
            base: goal.base,
            sums: vec![0.0; y.len()],
        }
    }

    /// Adds a tree and tells the error.
    fn add(&mut self, tree: &Tree) -> f64 {
        add_trees(std::slice::from_ref(tree), self.x, &mut self.sums);
        let scores: Vec<f64> = self.sums.iter().map(|sum| self.base + sum).collect();
        self.objective.error_of(self.y, &scores)
    }
}

struct Train<'a> {
    scores: Scores<'a>,
    cuts: Vec<Cuts>,
    roles: &'a [Role],
    params: &'a BoostParams,
}

impl<'a> Train<'a> {
    fn new(task: &Task<'a>, goal: Goal<'a>, params: &'a BoostParams) -> Self {
        let cuts = task.table.cuts(task.roles, params.max_bin);
        let layout = Layout::new(goal.load(), task.table.n_columns());
        let packed = task.table.pack(&cuts, layout);
        Self {
            scores: Scores::new(packed, goal),
            cuts,
            roles: task.roles,
            params,
        }
    }

    fn stream(&self, purpose: Purpose, tree_idx: usize) -> Stream {
        Stream::new(self.params.seed, purpose, tree_idx)
    }

    fn draw(&self, tree_idx: usize) -> Draw {
        let layout = self.scores.layout;
        let chance = self.stream(Purpose::Columns, tree_idx);
        let share = self.params.colsample_bytree;
        let features = choose_features(layout.n_features(), share, chance);
        Draw {
            chosen: Chosen::new(layout, features),
            subsample: self.params.subsample,
            rows: self.stream(Purpose::Rows, tree_idx),
            rounding: self.stream(Purpose::Rounding, tree_idx),
        }
    }

    /// Grows the next tree.
    fn grow_tree(&mut self, start: Start, tree_idx: usize) -> (Tree, Last) {
        let chance = self.stream(Purpose::Columns, tree_idx);
        let plan = Plan {
            cuts: &self.cuts,
            roles: self.roles,
            chosen: &start.chosen,
            n_tried: start.chosen.features.len(),
            rule: Rule::new(&penalties(self.params), start.steps),
            max_depth: self.params.max_depth,
            max_leaves: Some(self.params.max_leaves),
            chance,
            leaves: Leaves::Silent,
        };
        let mut grown = self.scores.grow(plan, start.histogram, start.sum);
        let is_fine = FINE_STEPS * start.steps.gradient <= start.gradient_mean;
        let last = self.renew(&mut grown, start.steps, is_fine);
        (grown.finish(&self.cuts, start.steps.weight), last)
    }

    /// Gives leaves their values; where rounding `is_fine`, from what histograms have summed, and else from residuals.
    fn renew(&mut self, grown: &mut Grown, steps: Steps, is_fine: bool) -> Last {
        let (params, load) = (self.params, self.scores.layout.load);
        let (assign, leaves) = if self.scores.is_numbered(Some(params.max_leaves)) {
            Assign::of_numbers(grown)
        } else {
            Assign::of_bins(grown, &self.scores.layout, self.scores.n_rows())
        };
        let last = if let Some(share) = params.objective.order_share() {
            let centres = self.scores.centre_by_leaf(&assign, leaves.len(), share);
            let values = centres.iter();
            let values = values.map(|centre| (params.learning_rate * centre) as f32);
            Last {
                values: values.collect(),
                assign: None,
            }
        } else if load == Load::Single && is_fine {
            let sums = leaves.iter().map(|&node| {
                let Sum { gradient, weight } = grown.nodes[node].sum;
                [gradient as f64 * steps.gradient, weight as f64]
            });
            Last {
                values: self.leaf_values(grown, &leaves, steps, sums),
                assign: Some(assign),
            }
        } else {
            let sums = self.scores.sum_by_leaf(&assign, leaves.len());
            let sums = leaves.iter().zip(sums).map(|(&node, [sum, hessian])| {
                let count = grown.nodes[node].sum.weight as f64;
                [sum, if load == Load::Single { count } else { hessian }]
            });
            Last {
                values: self.leaf_values(grown, &leaves, steps, sums),
                assign: None,
            }
        };
        for (node, &value) in leaves.into_iter().zip(&last.values) {
            grown.nodes[node].value = value;
        }
        last
    }

    /// What leaves say by the sums of gradients and of second derivatives of their rows.
    fn leaf_values(
        &self,
        grown: &Grown,
        leaves: &[usize],
        steps: Steps,
        sums: impl Iterator<Item = [f64; 2]>,
    ) -> Vec<f32> {
        let values = leaves.iter().zip(sums).map(|(&node, sums)| {
            let bounds = grown.nodes[node].bounds;
            let bounds = bounds.map(|bound| bound * steps.gradient / steps.weight);
            leaf_value(sums, bounds, self.params)
        });
        values.collect()
    }
}

/// Leaves say what histograms have summed if residuals are at least so many steps on average. Rounding is unbiased and off
/// by less than a step, hence of a variance of a quarter of a step squared at most: less than 1/16,000 of what residuals
/// scatter. The mean size and not the error tells, which one outlier would make large beside what all others want.
const FINE_STEPS: f64 = 64.0;

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

/// What a leaf adds: the learning rate's share of the value v that minimises
/// hessian v^2 / 2 - sum v + lambda v^2 / 2 + alpha |v|, from sums over its rows.
fn leaf_value([sum, hessian]: [f64; 2], [low, high]: Bounds, params: &BoostParams) -> f32 {
    let weight = hessian + params.reg_lambda;
    if hessian <= 0.0 || weight <= 0.0 {
        return (params.learning_rate * 0.0_f64.clamp(low, high)) as f32;
    }
    let shrunk = (sum.abs() - params.reg_alpha).max(0.0).copysign(sum);
    let step = match params.objective.link() {
        Link::Log => (shrunk / weight).clamp(-LOG_STEP_MAX, LOG_STEP_MAX),
        _ => shrunk / weight,
    };
    (params.learning_rate * step.clamp(low, high)) as f32
}
