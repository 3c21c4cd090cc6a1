//! For tests only: random trees and rows, and Shapley values from their definition.

use proptest::prelude::*;

use super::ensemble::{Ensemble, RawSplit, Tree};
use super::link::Link;
use super::sets::CategorySet;

/// A split with a share of rows for its left side, or a leaf.
#[derive(Clone, Debug)]
enum Plant {
    Leaf(f32),
    Split {
        feature: u16,
        threshold: f32,
        /// The categories that go left, if the node asks for one: a bit each.
        set: Option<u8>,
        missing_left: bool,
        share_left: f32,
        below: Box<[Plant; 2]>,
    },
}

/// A value of a small grid, so that thresholds are met exactly and features repeat on a path; sometimes missing.
fn a_value() -> impl Strategy<Value = f32> {
    prop_oneof![5 => (0..8_u8).prop_map(f32::from), 1 => Just(f32::NAN)]
}

/// A row of `n_features` values.
pub(crate) fn a_row(n_features: usize) -> impl Strategy<Value = Vec<f32>> {
    proptest::collection::vec(a_value(), n_features)
}

fn a_plant(n_features: u16) -> impl Strategy<Value = Plant> {
    let leaf = (-50..50_i8).prop_map(|value| Plant::Leaf(f32::from(value) / 4.0));
    leaf.prop_recursive(7, 60, 2, move |below| {
        let below = [below.clone(), below];
        (
            0..n_features,
            any::<u8>(),
            any::<bool>(),
            0.01..0.99_f32,
            below,
        )
            .prop_map(
                |(feature, answer, missing_left, share_left, below)| Plant::Split {
                    feature,
                    threshold: f32::from(answer % 7),
                    // Every third feature names things.
                    set: (feature % 3 == 2).then_some(answer),
                    missing_left,
                    share_left,
                    below: Box::new(below),
                },
            )
    })
}

/// One to four random trees that pass [`Ensemble::check`], with random base and scale.
pub(crate) fn an_ensemble(n_features: u16) -> impl Strategy<Value = Ensemble> {
    let plants = proptest::collection::vec(a_plant(n_features), 1..5);
    (plants, -100.0..100.0_f64, 0.1..2.0_f64).prop_map(|(plants, base, scale)| Ensemble {
        base,
        scale,
        link: Link::Identity,
        trees: plants.into_iter().map(flatten).collect(),
    })
}

/// As [`an_ensemble`], with no feature that names things.
pub(crate) fn an_ensemble_of_numbers(n_features: u16) -> impl Strategy<Value = Ensemble> {
    an_ensemble(n_features).prop_map(|mut ensemble| {
        for tree in &mut ensemble.trees {
            for set in tree.sets.drain(..) {
                tree.threshold[set.node as usize] = (set.left[0] % 7) as f32;
            }
        }
        ensemble
    })
}

/// A tree of one split: -1 up to the threshold, 1 above.
pub(crate) fn stump(feature: u16, threshold: f32) -> Tree {
    let mut stump = Tree::default();
    let split = RawSplit {
        feature,
        threshold,
        missing_left: true,
    };
    stump.push_split(&split, 1, 2.0);
    stump.push_leaf(-1.0, 1.0);
    stump.push_leaf(1.0, 1.0);
    stump
}

/// Numbers nodes breadth first.
fn flatten(root: Plant) -> Tree {
    let mut tree = Tree::default();
    let mut queue = std::collections::VecDeque::from([(root, 1000.0)]);
    while let Some((plant, cover)) = queue.pop_front() {
        let next = tree.n_nodes() + 1 + queue.len();
        match plant {
            Plant::Leaf(value) => tree.push_leaf(value, cover),
            Plant::Split {
                feature,
                threshold,
                set,
                missing_left,
                share_left,
                below,
            } => {
                let node = tree.n_nodes() as u32;
                tree.sets.extend(set.map(|left| CategorySet {
                    node,
                    left: [left.into(), 0, 0, 0],
                }));
                let split = RawSplit {
                    feature,
                    threshold: if set.is_some() { 0.0 } else { threshold },
                    missing_left,
                };
                tree.push_split(&split, next, cover);
                let [left, right] = *below;
                queue.push_back((left, cover * share_left));
                queue.push_back((right, cover * (1.0 - share_left)));
            }
        }
    }
    tree
}

/// The columns of a table given as rows.
pub(crate) fn columns_of(rows: &[Vec<f32>], n_features: usize) -> Vec<Vec<f32>> {
    (0..n_features)
        .map(|feature| rows.iter().map(|row| row[feature]).collect())
        .collect()
}

/// What the ensemble is expected to say when only the features in the bit set `known` are known: elsewhere both
/// children count, each with its share of the training rows.
pub(crate) fn expectation(ensemble: &Ensemble, row: &[f32], known: u32) -> f64 {
    let sum: f64 = ensemble
        .trees
        .iter()
        .map(|tree| expectation_below(tree, 0, row, known))
        .sum();
    ensemble.base + ensemble.scale * sum
}

fn expectation_below(tree: &Tree, node: usize, row: &[f32], known: u32) -> f64 {
    if tree.is_leaf(node) {
        return f64::from(tree.value[node]);
    }
    let [left, right] = tree
        .children(node)
        .map(|child| expectation_below(tree, child, row, known));
    let feature = tree.feature[node];
    let x = row[usize::from(feature)];
    if known & (1 << feature) == 0 {
        let [share_left, share_right] = tree.shares(node);
        share_left * left + share_right * right
    } else if tree.goes_left(node, x) {
        left
    } else {
        right
    }
}

/// Shapley values by their definition: over all sets of other features, the mean change when the feature joins.
pub(crate) fn shapley(ensemble: &Ensemble, row: &[f32]) -> Vec<f64> {
    shapley_of(row.len(), |known| expectation(ensemble, row, known))
}

/// The Shapley values of a game of `n` players, given what each set of them gets.
pub(crate) fn shapley_of(n: usize, says: impl Fn(u32) -> f64) -> Vec<f64> {
    let n = n as u32;
    let values: Vec<f64> = (0..1 << n).map(says).collect();
    let of_feature = |feature: u32| {
        let without = (0..1_u32 << n).filter(|known| known & (1 << feature) == 0);
        let change = |known: u32| {
            let size = known.count_ones();
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            weight * (values[(known | (1 << feature)) as usize] - values[known as usize])
        };
        without.map(change).sum()
    };
    (0..n).map(of_feature).collect()
}

fn factorial(k: u32) -> f64 {
    (1..=k).map(f64::from).product()
}

/// Half of the Shapley interaction index of two features, by its definition.
pub(crate) fn interaction(ensemble: &Ensemble, row: &[f32], (a, b): (usize, usize)) -> f64 {
    let n = row.len() as u32;
    let (a, b) = (1_u32 << a, 1_u32 << b);
    let without = (0..1_u32 << n).filter(|known| known & (a | b) == 0);
    let change = |known: u32| {
        let says = |known| expectation(ensemble, row, known);
        let size = known.count_ones();
        let weight = factorial(size) * factorial(n - size - 2) / (2.0 * factorial(n - 1));
        weight * (says(known | a | b) - says(known | a) - says(known | b) + says(known))
    };
    without.map(change).sum()
}

/// What the ensemble says on average if the features that are not known come from each background row in turn.
pub(crate) fn says_against(
    ensemble: &Ensemble,
    row: &[f32],
    background: &[Vec<f32>],
    known: u32,
) -> f64 {
    let mixed = |other: &Vec<f32>| {
        let value = |(feature, &there): (usize, &f32)| {
            if known >> feature & 1 == 1 {
                row[feature]
            } else {
                there
            }
        };
        let mixed: Vec<f32> = other.iter().enumerate().map(value).collect();
        ensemble.predict_row(&mixed)
    };
    background.iter().map(mixed).sum::<f64>() / background.len() as f64
}
