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
        let of_trees: Vec<Vec<Vec<f32>>> = trees.par_iter().map(thresholds).collect();
        let n_features = of_trees.iter().map(Vec::len).max().unwrap_or(0);
        let mut features = Vec::new();
        for feature in 0..n_features {
            let of_feature = of_trees.iter().filter_map(|tree| tree.get(feature));
            let mut all: Vec<f32> = of_feature.flatten().copied().collect();
            sort(&mut all);
            if N_THRESHOLDS_MAX < all.len() {
                return None;
            }
            if !all.is_empty() {
                features.push((feature, all));
            }
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

/// By feature; each sorted.
fn thresholds(tree: &Tree) -> Vec<Vec<f32>> {
    let mut thresholds: Vec<Vec<f32>> = Vec::new();
    for (&feature, &threshold) in tree.feature.iter().zip(&tree.threshold) {
        if feature == LEAF {
            continue;
        }
        let feature = usize::from(feature);
        if thresholds.len() <= feature {
            thresholds.resize(feature + 1, Vec::new());
        }
        thresholds[feature].push(threshold);
    }
    thresholds.iter_mut().for_each(sort);
    thresholds
}

/// Zero has one place, whatever its sign: no value lies between the two.
fn sort(thresholds: &mut Vec<f32>) {
    thresholds.sort_unstable_by(|a, b| a.partial_cmp(b).expect("thresholds are finite"));
    thresholds.dedup();
    thresholds.shrink_to_fit();
}
