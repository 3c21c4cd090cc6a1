//! The present form, `level-order`: nodes level by level, so that nothing needs to say where children are, and every
//! number as short as it can be.
//!
//! ```text
//! asks       [ 4 0 1 0 0 | 2 0 0 | … ]    a node: 0 for a leaf, else the feature + 1
//! rank       [ 17 203 | 5 | … ]           an inner node that asks for a number: which of its feature's thresholds
//! thresholds [ -3 0.5 … | 12 … | … ]      f32: the different thresholds of each feature, rising; `n_thresholds` of each
//! missing    [ 10 | 1 | … ]               a bit an inner node: whether a missing value goes left
//! cover      [ 100 60 30 | 10 6 | … ]     training rows of each root and each left child; of every node if a right
//!                                         child's are not its parent's less its sibling's
//! value      [ v v v | v v | … ]          f32, a leaf; not deflated
//! ```
//!
//! The values are what a file cannot make smaller, and there is one for every leaf: their length says how many nodes
//! there are, before anything is unpacked. So no file can promise more than a few times its own size.

use std::collections::BTreeMap;

use pm25_learn::tree::{CategorySet, LEAF, Tree};

use super::pack::{Caused, pack, pack_numbers, pack_plain, unpack, unpack_numbers, unpack_plain};
use super::{SetsFile, TreesFile};
use serde::{Deserialize, Serialize};

/// Which nodes have their rows written down.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Covers {
    /// Roots and left children.
    Left,
    /// All.
    All,
}

/// Fills the arrays of a file.
pub(super) fn fill(file: &mut TreesFile, trees: &[Tree]) {
    let trees: Vec<Tree> = trees.iter().map(by_level).collect();
    let thresholds = thresholds_of(&trees);
    let covers = if trees.iter().all(covers_add_up) {
        Covers::Left
    } else {
        Covers::All
    };
    let nodes = || {
        trees
            .iter()
            .flat_map(|tree| (0..tree.n_nodes()).map(move |node| (tree, node)))
    };
    let inner = || nodes().filter(|(tree, node)| tree.feature[*node] != LEAF);
    let leaves = nodes().filter(|(tree, node)| tree.feature[*node] == LEAF);
    let count = |n: usize| u32::try_from(n).expect("a tree counts nodes in 32 bits");
    let rank = |tree: &Tree, node: usize| {
        let known = &thresholds[&tree.feature[node]];
        known.partition_point(|&x| x < Key::of(tree.threshold[node])) as u64
    };
    file.nodes = trees.iter().map(|tree| count(tree.n_nodes())).collect();
    file.asks = Some(pack_numbers(nodes().map(
        |(tree, node)| match tree.feature[node] {
            LEAF => 0,
            feature => u64::from(feature) + 1,
        },
    )));
    file.n_thresholds = n_thresholds(&thresholds);
    let all: Vec<u8> = thresholds
        .values()
        .flatten()
        .flat_map(|key| key.value().to_le_bytes())
        .collect();
    file.thresholds = Some(pack(&all));
    let numbers = inner().filter(|(tree, node)| tree.set(*node).is_none());
    file.rank = Some(pack_numbers(numbers.map(|(tree, node)| rank(tree, node))));
    let missing: Vec<bool> = inner()
        .map(|(tree, node)| tree.missing_left[node])
        .collect();
    file.missing = Some(pack(&as_bits(&missing)));
    file.covers = Some(covers);
    let written = nodes().filter(|(_, node)| covers == Covers::All || is_written(*node));
    file.cover = Some(pack_numbers(
        written.map(|(tree, node)| cover_number(tree.cover[node])),
    ));
    let values: Vec<u8> = leaves
        .flat_map(|(tree, node)| tree.value[node].to_le_bytes())
        .collect();
    file.value = Some(pack_plain(&values));
    file.sets = SetsFile::of(&trees);
}

/// The trees, not yet checked.
pub(super) fn trees(file: &TreesFile) -> Caused<Vec<Tree>> {
    let value = unpack_plain("value", there("value", &file.value)?)?;
    let (values, rest) = value.as_chunks::<4>();
    let n_nodes = file.nodes.iter().map(|&n| n as usize).sum::<usize>();
    let n_inner = values.len().saturating_sub(file.nodes.len());
    if !rest.is_empty() || n_nodes != values.len() + n_inner || values.len() < file.nodes.len() {
        return Err(format!(
            "`value` does not fit the {n_nodes} nodes that are promised"
        ));
    }
    let missing = unpack(
        "missing",
        there("missing", &file.missing)?,
        n_inner.div_ceil(8),
        |[byte]| byte,
    )?;
    let covers = file.covers.ok_or("`covers` is not there")?;
    let n_covers = match covers {
        Covers::All => n_nodes,
        Covers::Left => file.nodes.len() + n_inner,
    };
    let sets = match &file.sets {
        Some(sets) => sets.check(file.nodes.len(), n_nodes)?,
        None => vec![Vec::new(); file.nodes.len()],
    };
    let n_sets = sets.iter().map(Vec::len).sum::<usize>();
    let n_ranks = n_inner
        .checked_sub(n_sets)
        .ok_or("`sets` does not fit the trees")?;
    let numbers = |name, text, n| unpack_numbers(name, there(name, text)?, n);
    // Most of the time that loading takes.
    let (asks, (cover, rank)) = rayon::join(
        || numbers("asks", &file.asks, n_nodes),
        || {
            rayon::join(
                || numbers("cover", &file.cover, n_covers),
                || numbers("rank", &file.rank, n_ranks),
            )
        },
    );
    let (asks, cover, rank) = (asks?, cover?, rank?);
    let n_thresholds = file
        .n_thresholds
        .iter()
        .map(|(_, n)| *n as usize)
        .sum::<usize>();
    if n_inner < n_thresholds {
        return Err("`n_thresholds` does not fit the trees".into());
    }
    let all = unpack(
        "thresholds",
        there("thresholds", &file.thresholds)?,
        n_thresholds,
        f32::from_le_bytes,
    )?;
    let mut reader = Reader {
        asks: asks.into_iter(),
        missing,
        n_inner: 0,
        cover: cover.into_iter(),
        covers,
        rank: rank.into_iter(),
        value: values.iter(),
        thresholds: by_feature(&file.n_thresholds, &all),
    };
    let trees = file.nodes.iter().zip(sets).enumerate();
    trees
        .map(|(tree_idx, (&n, sets))| {
            let tree = reader.tree(n as usize, sets);
            tree.map_err(|what| format!("tree {tree_idx}: {what}"))
        })
        .collect()
}

fn there<'a>(name: &str, text: &'a Option<String>) -> Caused<&'a str> {
    text.as_deref()
        .ok_or_else(|| format!("`{name}` is not there"))
}

/// What is left to read of each array.
struct Reader<'a> {
    asks: std::vec::IntoIter<u64>,
    missing: Vec<u8>,
    /// Inner nodes read so far.
    n_inner: usize,
    cover: std::vec::IntoIter<u64>,
    covers: Covers,
    rank: std::vec::IntoIter<u64>,
    value: std::slice::Iter<'a, [u8; 4]>,
    thresholds: BTreeMap<u16, &'a [f32]>,
}

impl Reader<'_> {
    fn tree(&mut self, n_nodes: usize, sets: Vec<CategorySet>) -> Result<Tree, &'static str> {
        let mut tree = Tree {
            feature: Vec::with_capacity(n_nodes),
            threshold: vec![0.0; n_nodes],
            missing_left: vec![false; n_nodes],
            left: vec![0; n_nodes],
            value: vec![0.0; n_nodes],
            cover: vec![0.0; n_nodes],
            sets,
        };
        let mut next_child = 1;
        let mut set_idx = 0;
        for node in 0..n_nodes {
            self.cover(&mut tree, node);
            if next_child <= node {
                return Err("it falls apart");
            }
            let asks = self.asks.next().ok_or("`asks` is too short")?;
            tree.feature
                .push(asks.checked_sub(1).map_or(Ok(LEAF), feature)?);
            if asks == 0 {
                let value = self.value.next().ok_or("it has more leaves than values")?;
                tree.value[node] = f32::from_le_bytes(*value);
                continue;
            }
            if n_nodes < next_child + 2 {
                return Err("it has more children than nodes");
            }
            tree.left[node] = next_child as u32;
            next_child += 2;
            tree.missing_left[node] = self
                .missing
                .get(self.n_inner / 8)
                .is_some_and(|byte| byte >> (self.n_inner % 8) & 1 == 1);
            self.n_inner += 1;
            if tree
                .sets
                .get(set_idx)
                .is_some_and(|set| set.node as usize == node)
            {
                set_idx += 1;
            } else {
                tree.threshold[node] = self.threshold(tree.feature[node])?;
            }
        }
        if next_child != n_nodes {
            return Err("it has fewer children than nodes");
        }
        if self.covers == Covers::Left {
            fill_right_covers(&mut tree);
        }
        Ok(tree)
    }

    fn cover(&mut self, tree: &mut Tree, node: usize) {
        if self.covers == Covers::All || is_written(node) {
            tree.cover[node] = self.cover.next().map_or(0.0, cover_of);
        }
    }

    fn threshold(&mut self, feature: u16) -> Result<f32, &'static str> {
        let rank = self.rank.next().ok_or("`rank` is too short")?;
        let known = self
            .thresholds
            .get(&feature)
            .and_then(|known| known.get(rank as usize));
        known
            .copied()
            .ok_or("it has a threshold that is not listed")
    }
}

/// A right child has what its sibling leaves of its parent's rows.
fn fill_right_covers(tree: &mut Tree) {
    for node in 0..tree.n_nodes() {
        if tree.feature[node] != LEAF {
            let left = tree.left[node] as usize;
            tree.cover[left + 1] = tree.cover[node] - tree.cover[left];
        }
    }
}

fn feature(number: u64) -> Result<u16, &'static str> {
    let feature = u16::try_from(number)
        .ok()
        .filter(|&feature| feature != LEAF);
    feature.ok_or("it asks for a feature that rows do not have")
}

/// Roots and left children: children come in pairs behind the root.
fn is_written(node: usize) -> bool {
    node == 0 || node % 2 == 1
}

/// Whole numbers up to 2^24 as they are, any other by its bits; the lowest bit tells which.
fn cover_number(cover: f32) -> u64 {
    const WHOLE_MAX: f32 = 16_777_216.0;
    if (0.0..=WHOLE_MAX).contains(&cover) && cover.fract() == 0.0 && cover.is_sign_positive() {
        (cover as u64) << 1
    } else {
        u64::from(cover.to_bits()) << 1 | 1
    }
}

fn cover_of(number: u64) -> f32 {
    if number & 1 == 0 {
        (number >> 1) as f32
    } else {
        f32::from_bits((number >> 1) as u32)
    }
}

fn covers_add_up(tree: &Tree) -> bool {
    (0..tree.n_nodes())
        .filter(|&node| tree.feature[node] != LEAF)
        .all(|node| {
            let left = tree.left[node] as usize;
            (tree.cover[node] - tree.cover[left]).to_bits() == tree.cover[left + 1].to_bits()
        })
}

/// The same tree with its nodes level by level, each level from left to right.
fn by_level(tree: &Tree) -> Tree {
    let mut order = Vec::with_capacity(tree.n_nodes());
    order.push(0);
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        if tree.feature[node] != LEAF {
            let left = tree.left[node] as usize;
            order.extend([left, left + 1]);
        }
        next += 1;
    }
    let mut place = vec![0_u32; tree.n_nodes()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new as u32;
    }
    let left = |&old: &usize| {
        if tree.feature[old] == LEAF {
            0
        } else {
            place[tree.left[old] as usize]
        }
    };
    let mut sets: Vec<CategorySet> = tree.sets.clone();
    sets.iter_mut()
        .for_each(|set| set.node = place[set.node as usize]);
    sets.sort_unstable_by_key(|set| set.node);
    Tree {
        feature: order.iter().map(|&old| tree.feature[old]).collect(),
        threshold: order.iter().map(|&old| tree.threshold[old]).collect(),
        missing_left: order.iter().map(|&old| tree.missing_left[old]).collect(),
        left: order.iter().map(left).collect(),
        value: order.iter().map(|&old| tree.value[old]).collect(),
        cover: order.iter().map(|&old| tree.cover[old]).collect(),
        sets,
    }
}

/// A threshold that can be sorted and is told apart by its bits.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Key(u32);

impl Key {
    fn of(x: f32) -> Self {
        let bits = x.to_bits();
        Self(if x.is_sign_negative() {
            !bits
        } else {
            bits | 1 << 31
        })
    }

    fn value(self) -> f32 {
        f32::from_bits(if self.0 >> 31 == 1 {
            self.0 & !(1 << 31)
        } else {
            !self.0
        })
    }
}

fn thresholds_of(trees: &[Tree]) -> BTreeMap<u16, Vec<Key>> {
    let mut thresholds: BTreeMap<u16, Vec<Key>> = BTreeMap::new();
    for tree in trees {
        let mut sets = tree.sets.iter().peekable();
        for (node, &feature) in tree.feature.iter().enumerate() {
            if feature != LEAF && sets.next_if(|set| set.node as usize == node).is_none() {
                thresholds
                    .entry(feature)
                    .or_default()
                    .push(Key::of(tree.threshold[node]));
            }
        }
        for of_feature in thresholds.values_mut() {
            of_feature.sort_unstable();
            of_feature.dedup();
        }
    }
    thresholds
}

fn n_thresholds(thresholds: &BTreeMap<u16, Vec<Key>>) -> Vec<(u16, u32)> {
    let count = |(&feature, keys): (&u16, &Vec<Key>)| {
        (
            feature,
            u32::try_from(keys.len()).expect("no more thresholds than floats"),
        )
    };
    thresholds.iter().map(count).collect()
}

fn by_feature<'a>(counts: &[(u16, u32)], all: &'a [f32]) -> BTreeMap<u16, &'a [f32]> {
    let mut rest = all;
    let of_feature = |&(feature, n): &(u16, u32)| {
        let (of_feature, others) = rest.split_at((n as usize).min(rest.len()));
        rest = others;
        (feature, of_feature)
    };
    counts.iter().map(of_feature).collect()
}

fn as_bits(flags: &[bool]) -> Vec<u8> {
    let byte = |flags: &[bool]| {
        (0..)
            .zip(flags)
            .fold(0, |byte, (bit, &flag)| byte | u8::from(flag) << bit)
    };
    flags.chunks(8).map(byte).collect()
}
