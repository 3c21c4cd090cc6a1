//! Grows one tree: parts the rows of the leaf that promises most, then looks for the best split of both halves.
//!
//! Not the tree that predicts: a grown node knows its rows and sums, a finished one only how to be asked.
//!
//! ```text
//! entries  [ a b c d e f g h i j ]        one slice of rows for each leaf, rising within it
//!           └───────── 0 ───────┘
//!                                         splitting 0 permutes its slice, keeping the order on both sides
//!          [ a c d h | b e f g i j ]
//!           └── 1 ──┘ └──── 2 ────┘       children are neighbours: left, left + 1
//!
//!          [ a c d h | e j | b f g i ]    splitting 2 touches 2's slice only
//!           └── 1 ──┘ └ 3 ┘ └── 4 ──┘
//! ```
//!
//! Every sum is a whole number, so the tree depends on neither the order of rows nor the number of threads.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::bins::Binned;
use super::chance::Stream;
use super::ensemble::{RawSplit, Tree};
use super::histogram::{Entry, Histogram, SparseSlots, Sum, Work};
use super::split::{Rule, Split};

/// Everything that shapes a tree but its rows.
pub(crate) struct Plan<'a> {
    pub(crate) binned: &'a Binned,
    /// Columns that this tree may use, rising.
    pub(crate) features: &'a [usize],
    /// How many of them, drawn anew for each node, are looked at; further ones only until a split is found.
    pub(crate) n_tried: usize,
    pub(crate) rule: Rule,
    pub(crate) max_depth: usize,
    /// With a bound, the leaf with the most to gain is split first. Without one the order makes no difference to
    /// the tree, and going deep first keeps few histograms alive.
    pub(crate) max_leaves: Option<usize>,
    pub(crate) chance: Stream,
    pub(crate) work: Work,
}

/// A tree while its rows are still known.
pub(crate) struct Grown {
    /// The root first; children after their parent.
    pub(crate) nodes: Vec<GrownNode>,
}

/// One node and its rows.
pub(crate) struct GrownNode {
    /// Where its entries are.
    pub(crate) entries: Range<usize>,
    pub(crate) sum: Sum,
    /// How it was split; none for a leaf.
    pub(crate) fork: Option<Fork>,
}

/// A split that was carried out.
pub(crate) struct Fork {
    pub(crate) split: Split,
    /// Number of the left child; the right one follows it.
    pub(crate) left: usize,
}

/// Grows a tree on `entries`, which end up sorted by leaf and, within a leaf, in the order in which they came.
pub(crate) fn grow(plan: &Plan, entries: &mut [Entry]) -> Grown {
    let mut grower = Grower {
        plan,
        scratch: entries.to_vec(),
        entries,
        nodes: Vec::new(),
        open: BinaryHeap::new(),
        idle: Vec::new(),
        sparse: SparseSlots::new(),
    };
    grower.plant();
    let mut n_leaves = 1;
    while plan.max_leaves.is_none_or(|max| n_leaves < max) {
        let Some(leaf) = grower.open.pop() else { break };
        grower.split(leaf);
        n_leaves += 1;
    }
    Grown {
        nodes: grower.nodes,
    }
}

impl Grown {
    /// The finished tree, numbered breadth first. `values` has one number for each grown node; those of leaves count.
    pub(crate) fn finish(&self, binned: &Binned, values: &[f32]) -> Tree {
        let mut tree = Tree::default();
        let mut order = Vec::with_capacity(self.nodes.len());
        order.push(0);
        for place in 0..self.nodes.len() {
            let node = &self.nodes[order[place]];
            let cover = node.sum.weight as f32;
            match &node.fork {
                None => tree.push_leaf(values[order[place]], cover),
                Some(Fork { split, left }) => {
                    let split = RawSplit {
                        feature: split.feature as u16,
                        threshold: binned.threshold(split.feature, split.bin),
                        missing_left: split.missing_left,
                    };
                    tree.push_split(&split, order.len(), cover);
                    order.extend([*left, left + 1]);
                }
            }
        }
        tree
    }
}

/// Up to this many rows a node is searched feature by feature with sparse sums: clearing, subtracting and scanning
/// 256 slots a feature would cost more than visiting the rows again.
const SPARSE_ROWS_MAX: usize = 64;

/// A leaf that has a split worth making.
struct OpenLeaf {
    priority: f64,
    node: usize,
    depth: usize,
    chance: Stream,
    split: Split,
    histogram: Option<Histogram>,
}

struct Grower<'a> {
    plan: &'a Plan<'a>,
    entries: &'a mut [Entry],
    scratch: Vec<Entry>,
    nodes: Vec<GrownNode>,
    open: BinaryHeap<OpenLeaf>,
    /// Histograms to be used again.
    idle: Vec<Histogram>,
    sparse: SparseSlots,
}

impl Grower<'_> {
    /// Makes the root of all entries.
    fn plant(&mut self) {
        let root = self.add_node(0..self.entries.len(), Sum::over(self.entries));
        let histogram = self.wants_histogram(root, 0).then(|| self.filled(root));
        self.consider(root, 0, self.plan.chance, histogram);
    }

    fn add_node(&mut self, entries: Range<usize>, sum: Sum) -> usize {
        self.nodes.push(GrownNode {
            entries,
            sum,
            fork: None,
        });
        self.nodes.len() - 1
    }

    /// Turns a leaf into two.
    fn split(&mut self, leaf: OpenLeaf) {
        let GrownNode { entries, sum, .. } = &self.nodes[leaf.node];
        let (entries, sum) = (entries.clone(), *sum);
        let n_left = self.partition(entries.clone(), &leaf.split);
        let middle = entries.start + n_left;
        let left = self.add_node(entries.start..middle, leaf.split.left);
        let right = self.add_node(middle..entries.end, sum - leaf.split.left);
        self.nodes[leaf.node].fork = Some(Fork {
            split: leaf.split,
            left,
        });

        let depth = leaf.depth + 1;
        let [of_left, of_right] = self.share_histogram(leaf.histogram, [left, right], depth);
        self.consider(left, depth, leaf.chance.child(0), of_left);
        self.consider(right, depth, leaf.chance.child(1), of_right);
    }

    /// Moves the entries that go left before the others and counts them. Both sides are written every time and only
    /// the counters differ, so that there is no branch to be guessed wrong.
    fn partition(&mut self, range: Range<usize>, split: &Split) -> usize {
        let bins = self.plan.binned.column(split.feature);
        let entries = &mut self.entries[range];
        let scratch = &mut self.scratch[..entries.len()];
        let (mut n_left, mut n_right) = (0, 0);
        for place in 0..entries.len() {
            let entry = entries[place];
            let goes_left = split.goes_left(bins[entry.row as usize]);
            entries[n_left] = entry;
            scratch[n_right] = entry;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        entries[n_left..].copy_from_slice(&scratch[..n_right]);
        n_left
    }

    /// The children's histograms, as far as they want any: the smaller child is summed, the larger one is what the
    /// parent has beyond that.
    fn share_histogram(
        &mut self,
        parent: Option<Histogram>,
        [left, right]: [usize; 2],
        depth: usize,
    ) -> [Option<Histogram>; 2] {
        let left_is_smaller = self.nodes[left].entries.len() <= self.nodes[right].entries.len();
        let (smaller, larger) = if left_is_smaller {
            (left, right)
        } else {
            (right, left)
        };
        let Some(mut of_larger) = parent else {
            return [None, None];
        };
        if !self.wants_histogram(larger, depth) {
            self.idle.push(of_larger);
            return [None, None];
        }
        let of_smaller = self.filled(smaller);
        of_larger.subtract(&of_smaller);
        if left_is_smaller {
            [Some(of_smaller), Some(of_larger)]
        } else {
            [Some(of_larger), Some(of_smaller)]
        }
    }

    fn wants_histogram(&self, node: usize, depth: usize) -> bool {
        SPARSE_ROWS_MAX < self.nodes[node].entries.len() && self.may_split(node, depth)
    }

    fn may_split(&self, node: usize, depth: usize) -> bool {
        depth < self.plan.max_depth && self.plan.rule.may_split(self.nodes[node].sum)
    }

    fn filled(&mut self, node: usize) -> Histogram {
        let n_features = self.plan.features.len();
        let mut histogram = self
            .idle
            .pop()
            .unwrap_or_else(|| Histogram::new(n_features));
        let entries = &self.entries[self.nodes[node].entries.clone()];
        histogram.fill(
            self.plan.binned,
            self.plan.features,
            entries,
            self.plan.work,
        );
        histogram
    }

    /// Queues a leaf if it has a split worth making.
    fn consider(
        &mut self,
        node: usize,
        depth: usize,
        chance: Stream,
        histogram: Option<Histogram>,
    ) {
        let split = if self.may_split(node, depth) {
            self.best_split(node, chance, histogram.as_ref())
        } else {
            None
        };
        let Some(split) = split else {
            self.idle.extend(histogram);
            return;
        };
        let priority = match self.plan.max_leaves {
            Some(_) => split.gain,
            None => depth as f64,
        };
        self.open.push(OpenLeaf {
            priority,
            node,
            depth,
            chance,
            split,
            histogram,
        });
    }

    /// The best split by any of the features tried; of equal ones that of the feature tried first.
    fn best_split(
        &mut self,
        node: usize,
        chance: Stream,
        histogram: Option<&Histogram>,
    ) -> Option<Split> {
        let plan = self.plan;
        let GrownNode { entries, sum, .. } = &self.nodes[node];
        let mut best: Option<Split> = None;
        for (n_before, place) in places_to_try(plan, chance).into_iter().enumerate() {
            if plan.n_tried <= n_before && best.is_some() {
                break;
            }
            let feature = plan.features[place];
            let found = if let Some(histogram) = histogram {
                plan.rule.best_of(feature, histogram.feature(place), *sum)
            } else {
                self.sparse
                    .fill(plan.binned.column(feature), &self.entries[entries.clone()]);
                plan.rule.best_of_sparse(feature, &self.sparse, *sum)
            };
            if best.is_none_or(|best| found.is_some_and(|found| best.gain < found.gain)) {
                best = found;
            }
        }
        best
    }
}

/// The order in which a node looks at the tree's features: as they are if all count, else by chance.
fn places_to_try(plan: &Plan, chance: Stream) -> Vec<usize> {
    let n_features = plan.features.len();
    if n_features <= plan.n_tried {
        (0..n_features).collect()
    } else {
        chance.choose(n_features, n_features)
    }
}

impl Ord for OpenLeaf {
    /// The greatest comes first out of the heap: highest priority, then the node made first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_priority = self.priority.total_cmp(&other.priority);
        by_priority.then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for OpenLeaf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for OpenLeaf {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for OpenLeaf {}

#[cfg(test)]
mod tests {
    use super::super::bins::MISSING;
    use super::super::chance::Purpose;
    use super::super::split::Penalties;
    use super::*;
    use crate::columns::Columns;

    const CART: Penalties = Penalties {
        reg_lambda: 0.0,
        reg_alpha: 0.0,
        min_split_gain: 0.0,
        min_child_weight: 1.0,
    };

    /// Rows with three columns of pseudo-random values, some missing, and pseudo-random gradients and weights.
    struct World {
        columns: Vec<Vec<f32>>,
        entries: Vec<Entry>,
        binned: Binned,
    }

    impl World {
        fn new(n_rows: u32) -> Self {
            let chance = |column| Stream::new(99, Purpose::Rows, column);
            let columns: Vec<Vec<f32>> = (0..3)
                .map(|column| {
                    let value = |row| match chance(column).below(row, 50) {
                        0..5 => f32::NAN,
                        x => x as f32,
                    };
                    (0..n_rows as usize).map(value).collect()
                })
                .collect();
            let entries = (0..n_rows)
                .map(|row| Entry {
                    row,
                    gradient: chance(4).below(row as usize, 2001) as i16 - 1000,
                    weight: chance(5).below(row as usize, 4) as u16,
                })
                .collect();
            let slices = columns.iter().map(Vec::as_slice).collect();
            let binned = Binned::new(&Columns::new(slices, n_rows as usize), 255);
            Self {
                columns,
                entries,
                binned,
            }
        }

        fn plan(&self) -> Plan<'_> {
            Plan {
                binned: &self.binned,
                features: &[0, 1, 2],
                n_tried: 3,
                rule: Rule::new(&CART, 1.0),
                max_depth: 6,
                max_leaves: Some(20),
                chance: Stream::new(1, Purpose::Columns, 0),
                work: Work::Alone,
            }
        }
    }

    fn leaves(grown: &Grown) -> impl Iterator<Item = &GrownNode> {
        grown.nodes.iter().filter(|node| node.fork.is_none())
    }

    #[test]
    fn children_part_their_parents_rows_and_sums() {
        let world = World::new(3000);
        let mut entries = world.entries.clone();
        let grown = grow(&world.plan(), &mut entries);
        assert_eq!(leaves(&grown).count(), 20);
        for node in &grown.nodes {
            let own = &entries[node.entries.clone()];
            assert_eq!(Sum::over(own), node.sum);
            assert!(own.is_sorted_by_key(|entry| entry.row) || node.fork.is_some());
            let Some(Fork { split, left }) = &node.fork else {
                continue;
            };
            let children = &grown.nodes[*left..left + 2];
            assert_eq!(children[0].entries.start, node.entries.start);
            assert_eq!(children[0].entries.end, children[1].entries.start);
            assert_eq!(children[1].entries.end, node.entries.end);
            assert_eq!(children[0].sum, split.left);
            let bins = world.binned.column(split.feature);
            for (child, side) in children.iter().zip([true, false]) {
                assert!(0 < child.sum.weight);
                let own = &entries[child.entries.clone()];
                assert!(
                    own.iter()
                        .all(|entry| split.goes_left(bins[entry.row as usize]) == side)
                );
            }
        }
        let mut rows = entries.clone();
        rows.sort_unstable_by_key(|entry| entry.row);
        assert_eq!(rows, world.entries);
    }

    #[test]
    fn depth_and_leaves_are_bounded() {
        let world = World::new(2000);
        for max_depth in [1, 3, 5] {
            let plan = Plan {
                max_depth,
                max_leaves: None,
                ..world.plan()
            };
            let grown = grow(&plan, &mut world.entries.clone());
            assert_eq!(leaves(&grown).count(), 1 << max_depth);
        }
        for max_leaves in [2, 3, 17] {
            let plan = Plan {
                max_leaves: Some(max_leaves),
                ..world.plan()
            };
            let grown = grow(&plan, &mut world.entries.clone());
            assert_eq!(leaves(&grown).count(), max_leaves);
        }
    }

    /// Rows whose one column counts up, and whose gradients are given.
    fn in_a_row(gradients: &[i16]) -> (Vec<Entry>, Vec<f32>) {
        let entries = gradients.iter().zip(0..).map(|(&gradient, row)| Entry {
            row,
            gradient,
            weight: 1,
        });
        (
            entries.collect(),
            (0..gradients.len()).map(|row| row as f32).collect(),
        )
    }

    #[test]
    fn few_leaves_are_the_ones_with_most_to_gain() {
        // Both halves can be split again, one of them with more to gain.
        for (gradients, starts) in [
            ([-100, -90, 100, 110, 100, 120], [0, 2, 5]),
            ([-120, -100, -110, -100, 70, 100], [0, 4, 5]),
            ([-130, -100, 100, 100, 110, 100], [0, 1, 2]),
        ] {
            let (mut entries, column) = in_a_row(&gradients);
            let binned = Binned::new(&Columns::new(vec![&column], 6), 255);
            let world = World::new(1);
            let plan = Plan {
                binned: &binned,
                features: &[0],
                max_leaves: Some(3),
                ..world.plan()
            };
            let grown = grow(&plan, &mut entries);
            let mut found: Vec<usize> = leaves(&grown).map(|leaf| leaf.entries.start).collect();
            found.sort_unstable();
            assert_eq!(found, starts);
        }
    }

    #[test]
    fn of_equal_features_the_first_counts() {
        let (mut entries, column) = in_a_row(&[-5, -5, 5, 5]);
        let binned = Binned::new(&Columns::new(vec![&column, &column], 4), 255);
        let world = World::new(1);
        let plan = Plan {
            binned: &binned,
            features: &[0, 1],
            n_tried: 2,
            ..world.plan()
        };
        let grown = grow(&plan, &mut entries);
        let root = grown.nodes[0].fork.as_ref().unwrap();
        assert_eq!(root.split.feature, 0);
    }

    #[test]
    fn the_order_of_growth_leaves_the_tree_as_it_is() {
        let world = World::new(1500);
        let finished = |max_leaves| {
            let plan = Plan {
                max_leaves,
                n_tried: 1,
                max_depth: 9,
                ..world.plan()
            };
            let grown = grow(&plan, &mut world.entries.clone());
            grown.finish(&world.binned, &vec![0.0; grown.nodes.len()])
        };
        assert_eq!(finished(None), finished(Some(usize::MAX)));
    }

    #[test]
    fn a_finished_tree_sends_raw_rows_where_the_bins_went() {
        let world = World::new(2500);
        let plan = Plan {
            max_depth: 8,
            max_leaves: None,
            ..world.plan()
        };
        let mut entries = world.entries.clone();
        let grown = grow(&plan, &mut entries);
        let names: Vec<f32> = (0..grown.nodes.len()).map(|node| node as f32).collect();
        let tree = grown.finish(&world.binned, &names);
        for (node, name) in grown
            .nodes
            .iter()
            .zip(&names)
            .filter(|(node, _)| node.fork.is_none())
        {
            for entry in &entries[node.entries.clone()] {
                let row: Vec<f32> = world
                    .columns
                    .iter()
                    .map(|column| column[entry.row as usize])
                    .collect();
                assert_eq!(tree.value_of(&row), *name);
            }
        }
    }

    #[test]
    fn a_node_that_tries_few_features_still_finds_the_only_useful_one() {
        let world = World::new(500);
        let mut entries = world.entries.clone();
        for entry in &mut entries {
            let bin = world.binned.column(1)[entry.row as usize];
            *entry = Entry {
                gradient: i16::from(bin % MISSING),
                weight: 1,
                ..*entry
            };
        }
        // Two constant columns and a useful one.
        let constant = vec![1.0; 500];
        let columns = vec![constant.as_slice(), &world.columns[1], constant.as_slice()];
        let binned = Binned::new(&Columns::new(columns, 500), 255);
        let plan = Plan {
            binned: &binned,
            n_tried: 1,
            max_depth: 3,
            ..world.plan()
        };
        assert_eq!(leaves(&grow(&plan, &mut entries)).count(), 8);
    }
}
