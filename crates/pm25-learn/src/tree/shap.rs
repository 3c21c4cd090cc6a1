//! Exact path-dependent TreeSHAP: what each feature adds to a prediction.
//!
//! Not interventional and without background data: a feature that is not known lets both children of a node count,
//! each with its share of the training rows (Lundberg and others 2020, Nature Machine Intelligence 2, algorithm 2 and
//! its supplement). The numbers are theirs; the way of computing them is a sum over leaves.
//!
//! On the path to a leaf stand m different features. For feature i let `z_i` be the product of the shares of all edges
//! that ask about it, and `o_i` 1 if the row passes all of them, else 0. The leaf, of value v, adds to feature i
//!
//! ```text
//!   v (o_i - z_i)  sum over sets S of the path's other features of
//!                  |S|! (m - 1 - |S|)! / m!  x  (product of o over S)  x  (product of z over the rest)
//! ```
//!
//! The weight of S is the integral over t = 0..1 of t^|S| (1 - t)^(m-1-|S|), so the sum over all 2^(m-1) sets is the
//! integral of one product, a polynomial of degree m - 1 in t that ceil(m / 2) Gauss points integrate exactly:
//!
//! ```text
//!   v (o_i - z_i)  integral of  product over j != i of ( o_j t + z_j (1 - t) )  dt
//! ```
//!
//! All terms of the product are positive, so nothing cancels, however deep the tree.

use rayon::prelude::*;

use super::ensemble::{Ensemble, Tree};
use super::predict::{Rows, each_block};
use super::quadrature;
use crate::columns::Columns;

/// What every feature adds to every prediction, in units of the target: for each row,
/// base + sum over features of phi = prediction, within 1e-9 x max(1, |prediction|).
#[derive(Clone, Debug, PartialEq)]
pub struct Shap {
    /// The prediction when no feature is known: the mean leaf, weighted by training rows.
    pub base: f64,
    /// A column for each feature, a value for each row.
    pub phi: Vec<Vec<f64>>,
}

/// Explains every row of `x`, which has the columns that the ensemble was checked for.
///
/// Trees one after the other and rows in blocks: each sum runs in tree order, whatever the number of threads.
#[must_use]
pub fn shap(ensemble: &Ensemble, x: &Columns) -> Shap {
    let n_features = x.n_columns();
    let mut base_sum = 0.0;
    let mut phi_of_rows = vec![0.0; x.n_rows() * n_features];
    for tree in &ensemble.trees {
        let leaves = leaves_of(tree);
        base_sum += leaves.iter().map(Leaf::expectation).sum::<f64>();
        let rules = rules_for(&leaves);
        each_block(x, BLOCK_ROWS, &mut phi_of_rows, |rows, phi| {
            add_leaves(&leaves, &rules, rows, phi)
        });
    }
    let phi = (0..n_features).into_par_iter().map(|feature| {
        let of_feature = phi_of_rows.iter().skip(feature).step_by(n_features);
        of_feature.map(|phi| ensemble.scale * phi).collect()
    });
    Shap {
        base: ensemble.base + ensemble.scale * base_sum,
        phi: phi.collect(),
    }
}

/// Rows explained together. Fewer than for prediction: a row costs so much more that small tables are shared out too.
const BLOCK_ROWS: usize = 16;

/// A leaf and the different features on the path to it.
struct Leaf {
    value: f64,
    conditions: Vec<Condition>,
}

/// All that the edges of one path ask of one feature: above `low`, up to `high`.
#[derive(Clone, Copy)]
struct Condition {
    feature: usize,
    low: f32,
    high: f32,
    /// Whether a missing value passes every edge.
    missing_passes: bool,
    /// Product of the shares of the edges.
    share: f64,
}

impl Condition {
    /// What holds of a feature that no edge has asked about.
    fn free(feature: usize) -> Self {
        Self {
            feature,
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
            missing_passes: true,
            share: 1.0,
        }
    }

    fn passes(&self, row: &[f32]) -> bool {
        let x = row[self.feature];
        if x.is_nan() {
            self.missing_passes
        } else {
            self.is_above_low(x) && x <= self.high
        }
    }

    /// Without an edge to the right there is no lower bound, also for the lowest value there is.
    fn is_above_low(&self, x: f32) -> bool {
        self.low < x || self.low == f32::NEG_INFINITY
    }
}

impl Leaf {
    /// What the leaf adds when no feature is known.
    fn expectation(&self) -> f64 {
        self.conditions
            .iter()
            .fold(self.value, |value, condition| value * condition.share)
    }
}

/// All leaves of a tree, by a walk with a stack of its own.
fn leaves_of(tree: &Tree) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(tree.n_leaves());
    let mut open: Vec<(usize, Vec<Condition>)> = vec![(0, Vec::new())];
    while let Some((node, conditions)) = open.pop() {
        if tree.is_leaf(node) {
            let value = f64::from(tree.value[node]);
            leaves.push(Leaf { value, conditions });
            continue;
        }
        let [left, right] = tree.children(node);
        open.push((
            right,
            conditions_beyond(tree, node, &conditions, Side::Right),
        ));
        open.push((left, conditions_beyond(tree, node, &conditions, Side::Left)));
    }
    leaves
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// The conditions of a path and one more edge, merged with what the path has already asked about that feature.
fn conditions_beyond(tree: &Tree, node: usize, path: &[Condition], side: Side) -> Vec<Condition> {
    let mut path = path.to_vec();
    let feature = usize::from(tree.feature[node]);
    let place = path
        .iter()
        .position(|known| known.feature == feature)
        .unwrap_or_else(|| {
            path.push(Condition::free(feature));
            path.len() - 1
        });
    let condition = &mut path[place];
    let threshold = tree.threshold[node];
    let [share_left, share_right] = tree.shares(node);
    match side {
        Side::Left => {
            condition.high = condition.high.min(threshold);
            condition.missing_passes &= tree.missing_left[node];
            condition.share *= share_left;
        }
        Side::Right => {
            condition.low = condition.low.max(threshold);
            condition.missing_passes &= !tree.missing_left[node];
            condition.share *= share_right;
        }
    }
    path
}

/// The quadrature for each number of different features on a path, up to the largest there is.
fn rules_for(leaves: &[Leaf]) -> Vec<quadrature::Rule> {
    let most = leaves
        .iter()
        .map(|leaf| leaf.conditions.len())
        .max()
        .unwrap_or(0);
    (0..=most)
        .map(|n_features| quadrature::rule(n_features.div_ceil(2)))
        .collect()
}

/// Adds what the leaves of one tree give to the features of a few rows; `phi` holds the rows one after the other.
fn add_leaves(leaves: &[Leaf], rules: &[quadrature::Rule], rows: &Rows, phi: &mut [f64]) {
    let n_features = rows.n_columns();
    let mut passes = Vec::new();
    for leaf in leaves {
        let rule = &rules[leaf.conditions.len()];
        for (row, phi) in rows.iter().zip(phi.chunks_exact_mut(n_features)) {
            passes.clear();
            passes.extend(
                leaf.conditions
                    .iter()
                    .map(|condition| condition.passes(row)),
            );
            add_leaf(leaf, rule, &passes, phi);
        }
    }
}

/// The formula at the head of this file, point by point. With P the product over all features at a point t, the
/// product over the others is P divided by the feature's own factor, which is at least t where the row passes; where it
/// does not, the factor z (1 - t) and the z in front cancel, so that nothing is divided by a share.
fn add_leaf(leaf: &Leaf, rule: &quadrature::Rule, passes: &[bool], phi: &mut [f64]) {
    for (&t, weight) in rule.points.iter().zip(&rule.weights) {
        let factor = |condition: &Condition, passes: bool| {
            condition.share * (1.0 - t) + if passes { t } else { 0.0 }
        };
        let product = leaf
            .conditions
            .iter()
            .zip(passes)
            .fold(leaf.value * weight, |product, (condition, &passes)| {
                product * factor(condition, passes)
            });
        for (condition, &passes) in leaf.conditions.iter().zip(passes) {
            phi[condition.feature] += if passes {
                product * (1.0 - condition.share) / factor(condition, passes)
            } else {
                -product / (1.0 - t)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ensemble::RawSplit;
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
}
