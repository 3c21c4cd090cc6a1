//! Which categories go left: the question of a node whose feature names things instead of measuring them.
//!
//! Not a table of names: a category is a whole number from 0 to 255, and who numbered them is known elsewhere.

use super::ensemble::Tree;

/// The categories that a node sends left. A node is listed in [`Tree::sets`] exactly if it asks for a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CategorySet {
    /// Number of the node in its tree.
    pub node: u32,
    /// Bit `v % 64` of word `v / 64` is set if category `v` goes left.
    pub left: [u64; 4],
}

/// The category that a value stands for: itself if it is a whole number from 0 to 255, else none.
#[must_use]
pub fn category(x: f32) -> Option<u8> {
    // The cast saturates and maps NaN to 0, so only whole numbers in range survive the way back.
    let category = x as u8;
    (f32::from(category) == x).then_some(category)
}

impl CategorySet {
    /// Whether the set holds a category.
    #[must_use]
    pub fn holds(&self, category: u8) -> bool {
        self.left[usize::from(category / 64)] >> (category % 64) & 1 == 1
    }
}

impl Tree {
    /// The categories that a node sends left, if it asks for a category.
    #[must_use]
    pub fn set(&self, node: usize) -> Option<&CategorySet> {
        let place = self
            .sets
            .binary_search_by_key(&node, |set| set.node as usize);
        place.ok().map(|place| &self.sets[place])
    }

    /// Whether an inner node sends a value left. What is missing, and what is no category where one is asked for,
    /// goes where the node sends missing values.
    #[must_use]
    pub fn goes_left(&self, node: usize, x: f32) -> bool {
        if x.is_nan() {
            return self.missing_left[node];
        }
        match self.set(node) {
            None => x <= self.threshold[node],
            Some(set) => category(x).map_or(self.missing_left[node], |known| set.holds(known)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::LEAF;

    fn stump(missing_left: bool) -> Tree {
        Tree {
            feature: vec![0, LEAF, LEAF],
            threshold: vec![0.0; 3],
            missing_left: vec![missing_left, false, false],
            left: vec![1, 0, 0],
            value: vec![0.0, -1.0, 1.0],
            cover: vec![2.0, 1.0, 1.0],
            sets: vec![CategorySet {
                node: 0,
                left: [1 << 3, 0, 1, 1 << 63],
            }],
        }
    }

    #[test]
    fn listed_categories_go_left_and_the_others_right() {
        let tree = stump(false);
        for known in 0..=255_u8 {
            let expected = if [3, 128, 255].contains(&known) {
                -1.0
            } else {
                1.0
            };
            assert_eq!(tree.value_of(&[f32::from(known)]), expected, "{known}");
        }
        assert_eq!(tree.value_of(&[-0.0]), 1.0);
    }

    #[test]
    fn what_is_no_category_follows_missing_values() {
        let strange = [
            f32::NAN,
            -1.0,
            256.0,
            3.5,
            1e30,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ];
        for x in strange {
            assert_eq!(stump(true).value_of(&[x]), -1.0, "{x}");
            assert_eq!(stump(false).value_of(&[x]), 1.0, "{x}");
        }
    }
}
