//! Nodes as others number them become a tree as ours is laid out: siblings side by side, children after their parent.
//!
//! Not a place for formats. It walks from the root with a queue, so cycles, shared children and endless chains are
//! refused, and nodes that nothing leads to are left behind.
//!
//! ```text
//! theirs  0: 1,4   1: 2,3   2 3 4: leaves        ours  0: 1,2   1: 3,4   2: leaf (their 4)   3 4: leaves (their 2, 3)
//! ```

use pm25_learn::tree::{CategorySet, DEPTH_MAX, LEAF, Tree};

use super::Caused;

/// What sends a row left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Question {
    /// Up to this value, itself included.
    UpTo(f32),
    /// One of these categories; bits as in [`CategorySet::left`].
    OneOf([u64; 4]),
}

/// A node, with its children's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node {
    /// An answer.
    Leaf(f32),
    /// A question.
    Split {
        /// Which feature.
        feature: u16,
        /// What sends a row left.
        question: Question,
        /// Whether a missing value goes left.
        missing_left: bool,
        /// Left and right.
        children: [usize; 2],
    },
}

/// Plants `n_nodes` nodes, the root being number 0; `node` and `cover` give each, once.
pub(super) fn plant(
    n_nodes: usize,
    node: impl Fn(usize) -> Caused<Node>,
    cover: impl Fn(usize) -> f32,
) -> Caused<Tree> {
    if n_nodes == 0 || u32::try_from(n_nodes).is_err() {
        return Err(format!("it has {n_nodes} nodes"));
    }
    let mut tree = Tree::default();
    let mut is_placed = vec![false; n_nodes];
    is_placed[0] = true;
    // Their number of each of our nodes so far, and how deep it is.
    let mut order = vec![(0, 0)];
    while tree.feature.len() < order.len() {
        let ours = tree.feature.len();
        let (theirs, depth) = order[ours];
        let node = node(theirs).map_err(|what| format!("node {theirs}: {what}"))?;
        if let Node::Split { children, .. } = node {
            if depth == DEPTH_MAX {
                return Err(format!("it is deeper than {DEPTH_MAX} splits"));
            }
            for child in children {
                if n_nodes <= child || is_placed[child] {
                    return Err(format!(
                        "node {theirs}: its child {child} is no node, or another's child"
                    ));
                }
                is_placed[child] = true;
            }
            push(&mut tree, node, order.len(), cover(theirs));
            order.extend(children.map(|child| (child, depth + 1)));
        } else {
            push(&mut tree, node, 0, cover(theirs));
        }
    }
    Ok(tree)
}

fn push(tree: &mut Tree, node: Node, left: usize, cover: f32) {
    let ours = tree.feature.len() as u32;
    let (feature, threshold, missing_left, value) = match node {
        Node::Leaf(value) => (LEAF, 0.0, false, value),
        Node::Split {
            feature,
            question,
            missing_left,
            ..
        } => {
            let threshold = match question {
                Question::UpTo(threshold) => threshold,
                Question::OneOf(left) => {
                    tree.sets.push(CategorySet { node: ours, left });
                    0.0
                }
            };
            (feature, threshold, missing_left, 0.0)
        }
    };
    tree.feature.push(feature);
    tree.threshold.push(threshold);
    tree.missing_left.push(missing_left);
    tree.left.push(left as u32);
    tree.value.push(value);
    tree.cover.push(cover);
}

/// The same categories the other way round, all 256 taken together.
pub(super) fn others(set: [u64; 4]) -> [u64; 4] {
    set.map(|word| !word)
}

/// The categories in a set, rising.
pub(super) fn members(set: [u64; 4]) -> impl Iterator<Item = u32> {
    (0..256_u32).filter(move |&c| set[(c / 64) as usize] >> (c % 64) & 1 == 1)
}

/// A set from its members; refused if one is above 255.
pub(super) fn set_of(members: impl IntoIterator<Item = u32>) -> Caused<[u64; 4]> {
    let mut set = [0; 4];
    for category in members {
        let word = set.get_mut((category / 64) as usize);
        *word.ok_or_else(|| format!("category {category}; categories here are 0 to 255"))? |=
            1 << (category % 64);
    }
    Ok(set)
}

/// The feature's number, if our trees can hold it.
pub(super) fn feature(number: i64, n_features: usize) -> Caused<u16> {
    let known = usize::try_from(number).is_ok_and(|number| number < n_features);
    match u16::try_from(number) {
        Ok(feature) if known && feature != LEAF => Ok(feature),
        _ => Err(format!("it asks for feature {number} of {n_features}")),
    }
}
