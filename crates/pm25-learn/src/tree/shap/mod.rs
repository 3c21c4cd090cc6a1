//! Exact TreeSHAP: what each feature adds to a prediction, and what two add together.
//!
//! Path-dependent unless a background is given: a feature that is not known lets both children of a node count, each
//! with its share of the training rows (Lundberg and others 2020, Nature Machine Intelligence 2, algorithm 2 and its
//! supplement). The numbers are theirs; the ways of computing them are sums over leaves.
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
//! All terms of the product are positive, so nothing cancels, however deep the tree. Which way a tree goes depends on
//! the trees alone, so a row's values have the same bits alone, in any table and on any number of threads:
//!
//! ```text
//! short paths, few leaves         lookup    a table a leaf over what a row can pass
//! few features, many leaves       subsets   what each set of features says, from tables shared by all trees
//! any other                       walk      the integral, node by node
//! ```

mod background;
mod leaf_game;
mod lookup;
mod mask;
mod outline;
mod path;
mod plan;
mod set_rows;
mod set_tables;
mod subsets;
mod walk;

#[cfg(test)]
mod tests;

use super::ensemble::{Ensemble, Tree};
use crate::columns::Columns;
use plan::{Plan, Wanted};

/// What every feature adds to every prediction, in units of the target: for each row,
/// base + sum over features of phi = prediction, within 1e-9 x max(1, |prediction|).
#[derive(Clone, Debug, PartialEq)]
pub struct Shap {
    /// The prediction when no feature is known: the mean leaf, weighted by training rows or by the background.
    pub base: f64,
    /// A column for each feature, a value for each row.
    pub phi: Vec<Vec<f64>>,
}

/// Explains rows of one ensemble; what can be prepared for all rows is prepared once.
pub struct Explainer<'a> {
    ensemble: &'a Ensemble,
    n_features: usize,
    background: Option<&'a Columns<'a>>,
    plan: Plan<'a>,
}

impl<'a> Explainer<'a> {
    /// For rows of `n_features` values, which the ensemble was checked for. A feature that is not known is averaged
    /// over the training rows that came down each branch.
    #[must_use]
    pub fn new(ensemble: &'a Ensemble, n_features: usize) -> Self {
        Self {
            ensemble,
            n_features,
            background: None,
            plan: Plan::of(ensemble),
        }
    }

    /// As [`Explainer::new`], but a feature that is not known takes the values that it has in the rows of
    /// `background` (interventional SHAP). Time grows with the background's rows.
    ///
    /// # Panics
    /// If the background has no row: there is nothing to compare with.
    #[must_use]
    pub fn against(ensemble: &'a Ensemble, background: &'a Columns<'a>) -> Self {
        assert!(0 < background.n_rows(), "a background has rows");
        Self {
            ensemble,
            n_features: background.n_columns(),
            background: Some(background),
            plan: Plan::without_subsets(ensemble),
        }
    }

    /// The prediction when no feature is known, in units of the target.
    #[must_use]
    pub fn base(&self) -> f64 {
        match self.background {
            Some(rows) => {
                let predictions = self.ensemble.predict(rows);
                predictions.iter().fold(0.0, |sum, p| sum + p) / rows.n_rows() as f64
            }
            None => {
                let trees = self.ensemble.trees.iter().map(expectation);
                self.ensemble.base + self.ensemble.scale * trees.fold(0.0, |sum, mean| sum + mean)
            }
        }
    }

    /// Hands the values of block after block to `each`: the number of the block's first row, then `n_features` values
    /// for each of its rows, one row after the other. Memory does not grow with the rows of `x`; the first error ends
    /// it.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn values<E>(
        &self,
        x: &Columns,
        mut each: impl FnMut(usize, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = match self.background {
            Some(background) => Wanted::Against(background),
            None => Wanted::Values,
        };
        self.plan
            .each_block(x, self.n_features, wanted, &mut |first, mut values| {
                values
                    .iter_mut()
                    .for_each(|value| *value *= self.ensemble.scale);
                each(first, &values)
            })
    }

    /// Hands what features add together to `each`, as [`Explainer::values`] does: for each row a symmetric
    /// `n_features` x `n_features` matrix, row by row. The sum over a feature's row (or column) is its value; beside
    /// the diagonal stands half of what two features add together, so that the sum over all is
    /// prediction - base. Always over training rows, never against a background.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn interactions<E>(
        &self,
        x: &Columns,
        mut each: impl FnMut(usize, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let n = self.n_features;
        let n_pairs = n * n.saturating_sub(1) / 2;
        self.plan
            .each_block(x, n, Wanted::ValuesAndPairs, &mut |first, results| {
                let mut matrices = vec![0.0; results.len() / (n + n_pairs).max(1) * n * n];
                if 0 < n {
                    let rows = results.chunks_exact(n + n_pairs);
                    for (row, matrix) in rows.zip(matrices.chunks_exact_mut(n * n)) {
                        fill_matrix(row, self.ensemble.scale, n, matrix);
                    }
                }
                each(first, &matrices)
            })
    }
}

/// From `n` values and the pairs above the diagonal to the whole matrix.
fn fill_matrix(row: &[f64], scale: f64, n: usize, matrix: &mut [f64]) {
    let (values, pairs) = row.split_at(n);
    let mut pairs = pairs.iter();
    for a in 0..n {
        for (b, pair) in (a + 1..n).zip(&mut pairs) {
            matrix[a * n + b] = scale * pair;
            matrix[b * n + a] = scale * pair;
        }
    }
    for (a, value) in values.iter().enumerate() {
        let beside = matrix[a * n..][..n]
            .iter()
            .fold(0.0, |sum, pair| sum + pair);
        matrix[a * n + a] = scale * value - beside;
    }
}

/// Explains every row of `x`, which has the columns that the ensemble was checked for.
#[must_use]
pub fn shap(ensemble: &Ensemble, x: &Columns) -> Shap {
    collect(&Explainer::new(ensemble, x.n_columns()), x)
}

/// Explains every row of `x` against the rows of `background`, which has the same columns.
///
/// # Panics
/// As [`Explainer::against`].
#[must_use]
pub fn shap_against(ensemble: &Ensemble, x: &Columns, background: &Columns) -> Shap {
    collect(&Explainer::against(ensemble, background), x)
}

fn collect(explainer: &Explainer, x: &Columns) -> Shap {
    let n_features = explainer.n_features;
    let mut phi = vec![Vec::with_capacity(x.n_rows()); n_features];
    let done: Result<(), std::convert::Infallible> = explainer.values(x, |_, values| {
        for (feature, column) in phi.iter_mut().enumerate() {
            column.extend(values.iter().skip(feature).step_by(n_features));
        }
        Ok(())
    });
    let Ok(()) = done;
    Shap {
        base: explainer.base(),
        phi,
    }
}

/// A tree's mean leaf, weighted by training rows.
fn expectation(tree: &Tree) -> f64 {
    let mut sum = 0.0;
    let mut open = vec![(0, 1.0)];
    while let Some((node, share)) = open.pop() {
        if tree.is_leaf(node) {
            sum += share * f64::from(tree.value[node]);
            continue;
        }
        let below = tree.children(node).into_iter().zip(tree.shares(node));
        open.extend(below.map(|(child, of_node)| (child, share * of_node)));
    }
    sum
}
