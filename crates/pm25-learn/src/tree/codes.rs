//! Numbers instead of values: where a value lies between all thresholds that an ensemble has for its feature.
//!
//! Not the bins of training: these come from finished trees, whoever grew them. What lies between the same thresholds
//! goes the same way at every node, so a code stands for all of it.
//!
//! ```text
//! thresholds         1.5      4.0      9.0
//! codes          0    |    1   |    2   |   3        4 = missing        a threshold belongs to the code on its left
//!
//! categories     0, 1, …, 255 stand for themselves                      256 = missing or no category
//! ```

use super::ensemble::{LEAF, Tree};
use super::sets::category;

/// The most codes that a feature may have; one more threshold and the trees are walked instead.
pub(crate) const N_CODES_MAX: usize = 512;
const N_CATEGORIES: usize = 256;

/// How one feature's values are numbered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FeatureCodes {
    /// Between thresholds that rise strictly.
    Numbers(Vec<f32>),
    /// By category.
    Categories,
}

impl FeatureCodes {
    /// The codes of each of `n_features`. None if a feature has too many thresholds, or is asked for both numbers and
    /// categories.
    pub(crate) fn of(trees: &[&Tree], n_features: usize) -> Option<Vec<Self>> {
        let mut thresholds = vec![Vec::new(); n_features];
        let mut is_category = vec![false; n_features];
        for tree in trees {
            collect(tree, &mut thresholds, &mut is_category);
            thresholds.iter_mut().for_each(sort);
            let too_many = |of_feature: &Vec<f32>| N_CODES_MAX < of_feature.len() + 2;
            if thresholds.iter().any(too_many) {
                return None;
            }
        }
        let features = thresholds.into_iter().zip(is_category);
        features
            .map(|(thresholds, is_category)| match is_category {
                true if !thresholds.is_empty() => None,
                true => Some(Self::Categories),
                false => Some(Self::Numbers(thresholds)),
            })
            .collect()
    }

    /// Number of codes; the last one is that of missing values.
    pub(crate) fn n_codes(&self) -> usize {
        match self {
            Self::Numbers(thresholds) => thresholds.len() + 2,
            Self::Categories => N_CATEGORIES + 1,
        }
    }

    /// The code of the threshold itself, the last to go left.
    pub(crate) fn of_threshold(&self, threshold: f32) -> usize {
        match self {
            Self::Numbers(thresholds) => thresholds.partition_point(|&known| known < threshold),
            Self::Categories => 0,
        }
    }

    /// The codes of some values.
    pub(crate) fn number(&self, values: &[f32], codes: &mut [u16]) {
        match self {
            Self::Numbers(thresholds) => between(thresholds, values, codes),
            Self::Categories => {
                for (code, &x) in codes.iter_mut().zip(values) {
                    *code = category(x).map_or(N_CATEGORIES as u16, u16::from);
                }
            }
        }
    }
}

fn collect(tree: &Tree, thresholds: &mut [Vec<f32>], is_category: &mut [bool]) {
    let mut sets = tree.sets.iter().peekable();
    for (node, &feature) in tree.feature.iter().enumerate() {
        if sets.next_if(|set| set.node as usize == node).is_some() {
            is_category[usize::from(feature)] = true;
        } else if feature != LEAF {
            thresholds[usize::from(feature)].push(tree.threshold[node]);
        }
    }
}

/// Zero has one place, whatever its sign: no value lies between the two.
fn sort(thresholds: &mut Vec<f32>) {
    thresholds.sort_unstable_by(|a, b| a.partial_cmp(b).expect("thresholds are finite"));
    thresholds.dedup();
}

/// A search for all values at once, without branches: each round halves what is left of every value's thresholds.
fn between(thresholds: &[f32], values: &[f32], codes: &mut [u16]) {
    codes.fill(0);
    let mut left = thresholds.len();
    while 0 < left {
        let half = left.div_ceil(2);
        for (code, x) in codes.iter_mut().zip(values) {
            let is_above = thresholds[usize::from(*code) + half - 1] < *x;
            *code += if is_above { half as u16 } else { 0 };
        }
        left -= half;
    }
    let missing = thresholds.len() as u16 + 1;
    for (code, x) in codes.iter_mut().zip(values) {
        *code = if x.is_nan() { missing } else { *code };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_belongs_to_its_left_and_missing_is_last() {
        for n in 0..40_u8 {
            let thresholds: Vec<f32> = (0..n).map(|i| f32::from(i) * 2.0).collect();
            let codes = FeatureCodes::Numbers(thresholds);
            let values: Vec<f32> = (0..90_u8).map(|i| f32::from(i) - 3.0).collect();
            let mut found = vec![9; values.len()];
            codes.number(&values, &mut found);
            for (x, code) in values.iter().zip(found) {
                let below = (0..n).filter(|&i| f32::from(i) * 2.0 < *x).count();
                assert_eq!(usize::from(code), below, "{n} {x}");
            }
            let mut strange = [0; 3];
            codes.number(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY], &mut strange);
            assert_eq!(strange, [u16::from(n) + 1, u16::from(n), 0]);
            assert_eq!(codes.n_codes(), usize::from(n) + 2);
        }
    }

    #[test]
    fn categories_are_their_own_codes() {
        let mut codes = [0; 5];
        FeatureCodes::Categories.number(&[0.0, 255.0, 256.0, 1.5, f32::NAN], &mut codes);
        assert_eq!(codes, [0, 255, 256, 256, 256]);
    }
}
