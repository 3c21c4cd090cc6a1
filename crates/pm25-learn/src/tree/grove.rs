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
    /// Packs them, once.
    pub(crate) fn pack(&self) {
        self.packed
            .get_or_init(|| Packed::of(&self.trees).map(Arc::new));
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
