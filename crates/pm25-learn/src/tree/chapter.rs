//! One byte instead of a value: where it lies between all thresholds that a run of trees has for its feature.
//!
//! Not [`codes`](super::codes), whose numbers are wide enough for a whole ensemble or are not to be had: here the
//! trees are taken in their order for as long as bytes suffice, and the next chapter begins with other codes.
//!
//! ```text
//! thresholds         1.5      4.0      9.0
//! codes          0    |    1   |    2   |   3         255 = missing      a threshold belongs to the code on its left
//!
//! categories     those that no node tells apart share a code             255 = missing or no category
//! ```

use super::ensemble::{LEAF, Tree};
use super::sets::{CategorySet, category};

/// The code of what is missing.
pub(crate) const MISSING: u8 = u8::MAX;
/// The codes of present values are below [`MISSING`].
const N_CODES_MAX: usize = MISSING as usize;

/// How one feature's values are coded.
#[derive(Clone, Debug)]
pub(crate) enum ByteCodes {
    /// By thresholds that rise strictly.
    Numbers(Vec<f32>),
    /// By the code of each category, the numbers of codes rising without a gap.
    Categories(Box<[u8; 256]>),
}

/// The codes of the features that some trees ask about.
#[derive(Default)]
pub(crate) struct Codes {
    /// Rising by feature.
    features: Vec<(usize, ByteCodes)>,
}

impl Codes {
    /// Makes room for the questions of one more tree. Where bytes do not suffice, false, and nothing has changed.
    pub(crate) fn admit(&mut self, tree: &Tree) -> bool {
        let mut with = Vec::new();
        for (feature, questions) in questions(tree) {
            let more = match self.place_of(feature) {
                Ok(place) => self.features[place].1.and(&questions),
                Err(_) => ByteCodes::of(&questions),
            };
            match more {
                Some(codes) => with.push((feature, codes)),
                None => return false,
            }
        }
        for (feature, codes) in with {
            match self.place_of(feature) {
                Ok(place) => self.features[place].1 = codes,
                Err(place) => self.features.insert(place, (feature, codes)),
            }
        }
        true
    }

    /// Each feature and how it is coded, rising by feature.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(usize, ByteCodes)> {
        self.features.iter()
    }

    /// Number of features.
    pub(crate) fn len(&self) -> usize {
        self.features.len()
    }

    /// Where the codes of a feature are among those of all, or would be.
    fn place_of(&self, feature: usize) -> Result<usize, usize> {
        self.features
            .binary_search_by_key(&feature, |(known, _)| *known)
    }

    /// How codes answer an inner node; none if they do not tell what the node does.
    pub(crate) fn answer(&self, tree: &Tree, node: usize) -> Option<Answer> {
        let place = self.place_of(usize::from(tree.feature[node])).ok()?;
        let sent_right = match (&self.features[place].1, tree.set(node)) {
            (ByteCodes::Numbers(thresholds), None) => {
                let threshold = tree.threshold[node];
                let code = thresholds.partition_point(|&known| known < threshold);
                thresholds.get(code).filter(|&&known| known == threshold)?;
                vec![[code as u8 + 1, MISSING - u8::from(tree.missing_left[node])]]
            }
            (ByteCodes::Categories(of_category), Some(set)) => {
                let mut is_right = [None; 256];
                is_right[usize::from(MISSING)] = Some(!tree.missing_left[node]);
                for (category, &code) in (0..=u8::MAX).zip(&**of_category) {
                    let side = &mut is_right[usize::from(code)];
                    if *side.get_or_insert(!set.holds(category)) == set.holds(category) {
                        return None;
                    }
                }
                runs(&is_right.map(|side| side == Some(true)))
            }
            _ => return None,
        };
        Some(Answer { place, sent_right })
    }
}

/// How codes answer a node.
pub(crate) struct Answer {
    /// The feature's place among those that have codes.
    pub(crate) place: usize,
    /// The first and the last of each run of codes that goes right.
    pub(crate) sent_right: Vec<[u8; 2]>,
}

fn runs(is_right: &[bool; 256]) -> Vec<[u8; 2]> {
    let codes: Vec<u8> = (0..=u8::MAX).collect();
    let runs = codes.chunk_by(|&a, &b| is_right[usize::from(a)] == is_right[usize::from(b)]);
    runs.filter(|run| is_right[usize::from(run[0])])
        .map(|run| [run[0], run[run.len() - 1]])
        .collect()
}

/// All that a tree asks about one feature.
#[derive(Default)]
struct Questions<'a> {
    thresholds: Vec<f32>,
    sets: Vec<&'a CategorySet>,
}

/// By feature, rising.
fn questions(tree: &Tree) -> Vec<(usize, Questions<'_>)> {
    let inner = (0..tree.n_nodes()).filter(|&node| tree.feature[node] != LEAF);
    let mut nodes: Vec<(u16, usize)> = inner.map(|node| (tree.feature[node], node)).collect();
    nodes.sort_unstable();
    let of_features = nodes.chunk_by(|a, b| a.0 == b.0);
    of_features
        .map(|nodes| {
            let mut questions = Questions::default();
            for &(_, node) in nodes {
                match tree.set(node) {
                    Some(set) => questions.sets.push(set),
                    None => questions.thresholds.push(tree.threshold[node]),
                }
            }
            (usize::from(nodes[0].0), questions)
        })
        .collect()
}

impl ByteCodes {
    fn of(questions: &Questions) -> Option<Self> {
        match questions.sets.is_empty() {
            true => Self::Numbers(Vec::new()).and(questions),
            false => Self::Categories(Box::new([0; 256])).and(questions),
        }
    }

    /// The codes that answer more questions. None if there are too many for bytes, or both numbers and categories.
    fn and(&self, questions: &Questions) -> Option<Self> {
        match self {
            Self::Numbers(known) if questions.sets.is_empty() => {
                let mut all = known.clone();
                for &threshold in &questions.thresholds {
                    let place = all.partition_point(|&known| known < threshold);
                    // Zero has one place, whatever its sign: no value lies between the two.
                    if all.get(place) != Some(&threshold) {
                        all.insert(place, threshold);
                    }
                }
                (all.len() < N_CODES_MAX).then_some(Self::Numbers(all))
            }
            Self::Categories(known) if questions.thresholds.is_empty() => {
                let mut codes = known.clone();
                questions
                    .sets
                    .iter()
                    .for_each(|set| tell_apart(&mut codes, set));
                let n_codes = codes.iter().max().map_or(0, |&last| usize::from(last) + 1);
                (n_codes <= N_CODES_MAX).then_some(Self::Categories(codes))
            }
            _ => None,
        }
    }

    /// The codes of some values.
    #[inline(always)]
    pub(crate) fn number(&self, values: &[f32], codes: &mut [u8]) {
        match self {
            Self::Numbers(thresholds) => between(thresholds, values, codes),
            Self::Categories(of_category) => {
                for (code, &x) in codes.iter_mut().zip(values) {
                    *code = category(x).map_or(MISSING, |known| of_category[usize::from(known)]);
                }
            }
        }
    }
}

/// Gives a code of its own to each part of what had one code, if the set parts it.
fn tell_apart(codes: &mut [u8; 256], set: &CategorySet) {
    let key = |category: usize, code: u8| (code, set.holds(category as u8));
    let mut keys: Vec<(u8, bool)> = (0..256).map(|at| key(at, codes[at])).collect();
    keys.sort_unstable();
    keys.dedup();
    for (category, code) in codes.iter_mut().enumerate() {
        let place = keys.binary_search(&key(category, *code));
        *code = place.expect("every key was listed") as u8;
    }
}

/// A search for all values at once, without branches: each round halves what is left of every value's thresholds.
#[inline(always)]
fn between(thresholds: &[f32], values: &[f32], codes: &mut [u8]) {
    // Nothing is above what stands behind the last one.
    let mut padded = [f32::INFINITY; 256];
    padded[..thresholds.len()].copy_from_slice(thresholds);
    for (code, &x) in codes.iter_mut().zip(values) {
        let mut at = 0_u8;
        for half in [128, 64, 32, 16, 8, 4, 2, 1_u8] {
            let next = at.wrapping_add(half);
            at = if padded[usize::from(next.wrapping_sub(1))] < x {
                next
            } else {
                at
            };
        }
        *code = if x.is_nan() { MISSING } else { at };
    }
}

#[cfg(test)]
mod tests {
    use super::super::oracle;
    use super::*;

    fn codes_of(trees: &[Tree]) -> Codes {
        let mut codes = Codes::default();
        assert!(trees.iter().all(|tree| codes.admit(tree)));
        codes
    }

    fn numbered(codes: &Codes, values: &[f32]) -> Vec<u8> {
        let mut found = vec![9; values.len()];
        codes.features[0].1.number(values, &mut found);
        found
    }

    fn of_set(left: [u64; 4]) -> Tree {
        let mut tree = oracle::stump(0, 0.0);
        tree.sets = vec![CategorySet { node: 0, left }];
        tree
    }

    #[test]
    fn a_threshold_belongs_to_its_left_and_missing_is_last() {
        for n in [1, 2, 3, 17, 128, 254_u8] {
            let trees: Vec<Tree> = (0..n)
                .map(|i| oracle::stump(0, f32::from(i) * 2.0))
                .collect();
            let codes = codes_of(&trees);
            let values: Vec<f32> = (0..520_u16).map(|i| f32::from(i) - 3.0).collect();
            for (x, code) in values.iter().zip(numbered(&codes, &values)) {
                let below = (0..n).filter(|&i| f32::from(i) * 2.0 < *x).count();
                assert_eq!(usize::from(code), below, "{n} {x}");
            }
            let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0];
            assert_eq!(numbered(&codes, &strange), [MISSING, n, 0, 0]);
        }
    }

    #[test]
    fn one_threshold_too_many_is_refused_and_changes_nothing() {
        let trees: Vec<Tree> = (0..254_u8).map(|i| oracle::stump(0, i.into())).collect();
        let mut codes = codes_of(&trees);
        assert!(codes.admit(&trees[3]));
        assert!(!codes.admit(&oracle::stump(0, 0.5)));
        assert_eq!(numbered(&codes, &[0.5, 1.5, 300.0]), [1, 2, 254]);
        assert!(codes.answer(&oracle::stump(0, 0.5), 0).is_none());
        assert!(codes.admit(&oracle::stump(1, 0.5)));
    }

    #[test]
    fn categories_that_no_node_tells_apart_share_a_code() {
        let mut codes = codes_of(&[of_set([0b0110, 0, 0, 0]), of_set([0b1100, 0, 0, 0])]);
        let found = numbered(&codes, &[1.0, 2.0, 3.0, 0.0, 4.0, 255.0]);
        assert_eq!(found[3..], [found[3]; 3]);
        let different: std::collections::BTreeSet<u8> = found.iter().copied().collect();
        assert_eq!(different.len(), 4);
        assert_eq!(numbered(&codes, &[256.0, 1.5, -1.0]), [MISSING; 3]);
        // Who tells 0 from 4 does not find the answer; nor does a question for a number.
        assert!(codes.answer(&of_set([1, 0, 0, 0]), 0).is_none());
        assert!(codes.answer(&oracle::stump(0, 0.0), 0).is_none());
        assert!(!codes.admit(&oracle::stump(0, 0.0)));
    }

    #[test]
    fn with_all_256_categories_told_apart_bytes_do_not_suffice() {
        let mut codes = Codes::default();
        let bit = |bit: u32| {
            let mut left = [0_u64; 4];
            for category in (0..256_usize).filter(|category| category >> bit & 1 == 1) {
                left[category / 64] |= 1 << (category % 64);
            }
            of_set(left)
        };
        let admitted: Vec<bool> = (0..8).map(|at| codes.admit(&bit(at))).collect();
        assert_eq!(admitted, [true, true, true, true, true, true, true, false]);
        // What parts fewer still fits.
        assert!(codes.admit(&of_set([0b0101_0101, 0, 0, 0])));
    }
}
