//! The trees of an ensemble and, where it was asked for, the same trees packed for single rows.
//!
//! Not two things that might differ: whoever changes a tree loses what was packed.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use super::ensemble::Tree;
use super::packed::Packed;

/// Trees in the order in which they are summed. Reads and changes like the `Vec` that it is made of.
#[derive(Clone, Default)]
pub struct Grove {
    trees: Vec<Tree>,
    /// None inside if these trees cannot be packed.
    packed: OnceLock<Option<Arc<Packed>>>,
}

impl Grove {
    /// Packs them, if nobody has.
    pub(crate) fn pack(&self) {
        if self.packed.get().is_none() {
            // Not while holding the lock: a thread that waits for others' trees may take up a task that packs this grove.
            let packed = Packed::of(&self.trees).map(Arc::new);
            // Whoever was first has packed the same.
            let _ = self.packed.set(packed);
        }
    }

    /// As they were packed, if they were.
    pub(crate) fn packed(&self) -> Option<&Packed> {
        self.packed.get()?.as_deref()
    }
}

impl From<Vec<Tree>> for Grove {
    fn from(trees: Vec<Tree>) -> Self {
        Self {
            trees,
            packed: OnceLock::new(),
        }
    }
}

impl FromIterator<Tree> for Grove {
    fn from_iter<T: IntoIterator<Item = Tree>>(trees: T) -> Self {
        trees.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Grove {
    type Target = Vec<Tree>;

    fn deref(&self) -> &Self::Target {
        &self.trees
    }
}

impl DerefMut for Grove {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.packed.take();
        &mut self.trees
    }
}

impl<'a> IntoIterator for &'a Grove {
    type Item = &'a Tree;
    type IntoIter = std::slice::Iter<'a, Tree>;

    fn into_iter(self) -> Self::IntoIter {
        self.trees.iter()
    }
}

impl<'a> IntoIterator for &'a mut Grove {
    type Item = &'a mut Tree;
    type IntoIter = std::slice::IterMut<'a, Tree>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl PartialEq for Grove {
    fn eq(&self, other: &Self) -> bool {
        self.trees == other.trees
    }
}

impl fmt::Debug for Grove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trees.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::Ensemble;
    use super::super::link::Link;
    use super::super::oracle::stump;
    use super::*;

    const ROW: [f32; 1] = [0.0];

    fn packed() -> Ensemble {
        let ensemble = Ensemble {
            base: 0.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![stump(0, 1.0), stump(0, 2.0)].into(),
        };
        ensemble.pack();
        assert!(ensemble.trees.packed().is_some());
        assert_eq!(ensemble.predict_row(&ROW), -2.0);
        ensemble
    }

    /// The left leaf of the first tree says -1.
    const LEFT: usize = 1;

    type Change = fn(&mut Ensemble);

    #[test]
    fn whoever_changes_a_tree_loses_what_was_packed() {
        let changes: [(Change, f64); 6] = [
            (|it| it.trees[0].value[LEFT] = 5.0, 4.0),
            (
                |it| it.trees.iter_mut().for_each(|tree| tree.value[LEFT] = 5.0),
                10.0,
            ),
            (
                |it| {
                    for tree in &mut it.trees {
                        tree.threshold[0] = -1.0;
                    }
                },
                2.0,
            ),
            (|it| it.trees.push(stump(0, 3.0)), -3.0),
            (|it| it.trees.truncate(1), -1.0),
            (|it| it.trees = vec![stump(0, -1.0)].into(), 1.0),
        ];
        for (at, (change, expected)) in changes.into_iter().enumerate() {
            let mut ensemble = packed();
            change(&mut ensemble);
            assert!(ensemble.trees.packed().is_none(), "{at}");
            assert_eq!(ensemble.predict_row(&ROW), expected, "{at}");
            ensemble.pack();
            assert!(ensemble.trees.packed().is_some(), "{at}");
            assert_eq!(ensemble.predict_row(&ROW), expected, "{at}");
        }
    }

    #[test]
    fn a_copy_has_what_was_packed_and_loses_it_alone() {
        let ensemble = packed();
        let mut copy = ensemble.clone();
        assert!(copy.trees.packed().is_some());
        copy.trees[1].value[LEFT] = 5.0;
        assert_eq!(copy.predict_row(&ROW), 4.0);
        assert!(ensemble.trees.packed().is_some());
        assert_eq!(ensemble.predict_row(&ROW), -2.0);
        assert_ne!(copy, ensemble);
    }

    #[test]
    fn many_threads_may_pack_at_once() {
        use rayon::prelude::*;
        let trees = (0..400).map(|at| stump(0, at as f32));
        let groves: Vec<Grove> = (0..50).map(|_| trees.clone().collect()).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build();
        let all_at_once = || {
            let asked = groves.par_iter().flat_map_iter(|grove| [grove; 40]);
            asked.for_each(Grove::pack);
        };
        pool.unwrap().install(all_at_once);
        assert!(groves.iter().all(|grove| grove.packed().is_some()));
    }

    #[test]
    fn what_is_packed_is_no_difference() {
        let ensemble = packed();
        let plain = Ensemble {
            trees: ensemble.trees.iter().cloned().collect(),
            ..ensemble.clone()
        };
        assert!(plain.trees.packed().is_none());
        assert_eq!(plain, ensemble);
    }
}
