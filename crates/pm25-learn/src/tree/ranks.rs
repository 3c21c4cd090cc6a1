//! What questions of finished trees compare: the rank of a value among all thresholds of its feature.
//!
//! Not [`codes`](super::codes) or [`chapter`](super::chapter), which make tables of rows and are narrow: here a single
//! row is ranked, and sixteen bits hold the thresholds of nearly any ensemble.
//!
//! ```text
//! thresholds         1.5      4.0      9.0         a value goes left of the threshold with number k
//! ranks          0    |    1   |    2   |   3      exactly if its rank is at most k
//!
//! questions      x0, missing right: u16::MAX if missing     x0, missing left: 0 if missing     x1, …
//! ```
//!
//! A feature has two ranks, which differ where it is missing: so no node has to ask whether it is.

use rayon::prelude::*;

use super::ensemble::{LEAF, Tree};

/// Ranks of present values are below `u16::MAX`, the rank of what is missing and goes right.
const N_THRESHOLDS_MAX: usize = u16::MAX as usize - 1;
/// Questions that fit a node beside its threshold, see [`packed`](super::packed).
pub(crate) const N_QUESTIONS_MAX: usize = 1 << 14;

/// The thresholds of the features that some trees ask about.
pub(crate) struct Ranks {
    /// Rising by feature; thresholds rise strictly.
    features: Vec<(usize, Vec<f32>)>,
}

impl Ranks {
    /// None for trees that ask for categories, or for more than 16 bits tell apart.
    pub(crate) fn of(trees: &[Tree]) -> Option<Self> {
        if trees.iter().any(|tree| !tree.sets.is_empty()) {
            return None;
        }
        let asked: Vec<Vec<u64>> = trees.par_iter().map(asked).collect();
        let mut asked = asked.concat();
        sort(&mut asked);
        let mut features = Vec::new();
        for of_feature in asked.chunk_by(|a, b| feature(*a) == feature(*b)) {
            if N_THRESHOLDS_MAX < of_feature.len() {
                return None;
            }
            let thresholds = of_feature.iter().map(|&key| threshold(key));
            features.push((feature(of_feature[0]), thresholds.collect()));
        }
        (2 * features.len() <= N_QUESTIONS_MAX).then_some(Self { features })
    }

    /// The number of an inner node's question, and of its threshold.
    pub(crate) fn question(&self, tree: &Tree, node: usize) -> (u32, u16) {
        let feature = usize::from(tree.feature[node]);
        let place = self.features.binary_search_by_key(&feature, |it| it.0);
        let place = place.expect("every feature that is asked about was listed");
        let threshold = tree.threshold[node];
        let known = &self.features[place].1;
        let rank = known.partition_point(|&known| known < threshold);
        let question = 2 * place + usize::from(tree.missing_left[node]);
        (question as u32, rank as u16)
    }

    /// The ranks of a row for each question; as many as are a power of two, so that any number can be cut to one of them.
    pub(crate) fn of_row(&self, row: &[f32]) -> Vec<u16> {
        let mut ranks = vec![0; (2 * self.features.len()).next_power_of_two()];
        for ((feature, thresholds), ranks) in self.features.iter().zip(ranks.chunks_exact_mut(2)) {
            let x = row[*feature];
            ranks.copy_from_slice(&match x.is_nan() {
                true => [u16::MAX, 0],
                false => [thresholds.partition_point(|&known| known < x) as u16; 2],
            });
        }
        ranks
    }
}

/// What a tree asks about, each feature and threshold once. Pairs and no table by feature: a tree may ask about the last
/// of many features alone.
fn asked(tree: &Tree) -> Vec<u64> {
    let inner = tree.feature.iter().zip(&tree.threshold);
    let inner = inner.filter(|(feature, _)| **feature != LEAF);
    let keys = inner.map(|(&feature, &threshold)| key(feature, threshold));
    let mut keys: Vec<u64> = keys.collect();
    sort(&mut keys);
    keys.shrink_to_fit();
    keys
}

fn sort(keys: &mut Vec<u64>) {
    keys.sort_unstable();
    keys.dedup();
}

const SIGN: u32 = 1 << 31;

/// A feature and a threshold as one number, which rises with both. Zero has one place, whatever its sign: no value lies
/// between the two.
fn key(feature: u16, threshold: f32) -> u64 {
    let bits = if threshold == 0.0 {
        0
    } else {
        threshold.to_bits()
    };
    let rising = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    u64::from(feature) << 32 | u64::from(rising)
}

fn feature(key: u64) -> usize {
    (key >> 32) as usize
}

fn threshold(key: u64) -> f32 {
    let rising = key as u32;
    f32::from_bits(if rising & SIGN == 0 {
        !rising
    } else {
        rising & !SIGN
    })
}

#[cfg(test)]
mod tests {
    use super::super::oracle;
    use super::*;

    #[test]
    fn keys_rise_with_feature_and_threshold_and_give_both_back() {
        let rising = [
            f32::MIN,
            -1.5,
            -f32::MIN_POSITIVE / 8.0,
            0.0,
            f32::MIN_POSITIVE / 8.0,
            2.0,
            f32::MAX,
        ];
        let keys: Vec<u64> = [0, 7, LEAF - 1]
            .into_iter()
            .flat_map(|feature| rising.map(|threshold| key(feature, threshold)))
            .collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        for (at, &key) in keys.iter().enumerate() {
            let of = [0, 7, usize::from(LEAF) - 1][at / rising.len()];
            assert_eq!(
                (feature(key), threshold(key)),
                (of, rising[at % rising.len()])
            );
        }
        assert_eq!(key(3, -0.0), key(3, 0.0));
    }

    #[test]
    fn a_late_feature_costs_no_more_than_the_first() {
        // With a table by feature these would take 29 GB, and 1.3 billion steps to be put together.
        let stumps = vec![oracle::stump(LEAF - 1, 0.5); 20_000];
        assert_eq!(asked(&stumps[0]).capacity(), 1);
        let ranks = Ranks::of(&stumps).unwrap();
        assert_eq!(ranks.features, [(usize::from(LEAF) - 1, vec![0.5])]);
    }
}
