//! For tests only: trees grown the simple way, and whether the fast way grows the same.
//!
//! Not fast: every node keeps a list of its rows, and every split is found by going through them.

use super::adding::Among;
use super::bins::Cuts;
use super::bins::{MISSING, cut_all, pack};
use super::buffers::{Buffers, Root, list_drawn};
use super::chance::Purpose;
use super::chance::Stream;
use super::cutting::Below;
use super::grow::*;
use super::grown::Grown;
use super::histogram::{Histogram, Size, Sum, sum_of_row};
use super::partition::Filled;
use super::rows::{Chosen, Layout, Load};
use super::rows::{NOT_DRAWN, gradient};
use super::sparse::SparseSlots;
use super::split::{Penalties, Steps};
use super::split::{Rule, Searched, Split};
use crate::columns::Columns;

const CART: Penalties = Penalties {
    reg_lambda: 0.0,
    reg_alpha: 0.0,
    min_split_gain: 0.0,
    min_child_weight: 1.0,
};

/// Rows with pseudo-random columns, some values missing, and pseudo-random gradients, some rows not drawn.
struct World {
    cuts: Vec<Cuts>,
    layout: Layout,
    table: Vec<u64>,
    chosen: Chosen,
}

impl World {
    fn new(n_rows: usize, n_features: usize) -> Self {
        let chance = |column| Stream::new(99, Purpose::Rows, column);
        let column = |column| {
            let value = move |row| match chance(column).below(row, 50) {
                0..5 => f32::NAN,
                x => x as f32,
            };
            (0..n_rows).map(value).collect::<Vec<f32>>()
        };
        let columns: Vec<Vec<f32>> = (0..n_features).map(column).collect();
        let gradients = (0..n_rows).map(|row| match chance(1000).below(row, 2101) {
            0..100 => NOT_DRAWN,
            x => x as i16 - 1100,
        });
        Self::of(&columns, &gradients.collect::<Vec<i16>>())
    }

    fn of(columns: &[Vec<f32>], gradients: &[i16]) -> Self {
        let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), gradients.len());
        let cuts = cut_all(&x, &[], 255);
        let layout = Layout::new(Load::Single, columns.len());
        let mut table = pack(&x, &cuts, &layout).to_vec();
        for (row, &gradient) in table.chunks_exact_mut(layout.n_words).zip(gradients) {
            row[0] |= u64::from(gradient as u16) << 48;
        }
        Self {
            cuts,
            layout,
            table,
            chosen: Chosen::all(layout),
        }
    }

    fn plan(&self) -> Plan<'_> {
        let steps = Steps {
            gradient: 1.0,
            weight: 1.0,
        };
        Plan {
            cuts: &self.cuts,
            chosen: &self.chosen,
            n_tried: self.chosen.features.len(),
            rule: Rule::new(&CART, steps),
            max_depth: 6,
            max_leaves: Some(20),
            roles: &[],
            chance: Stream::new(1, Purpose::Columns, 0),
            leaves: Leaves::Silent,
        }
    }

    fn drawn(&self) -> impl Iterator<Item = &[u64]> {
        let rows = self.table.chunks_exact(self.layout.n_words);
        rows.filter(|row| gradient(row[0]) != NOT_DRAWN)
    }

    /// As boosting does: rows of one word move, of longer ones the numbers.
    fn grow(&self, plan: &Plan, n_shards: usize) -> Grown {
        let n_rows = self.table.len() / self.layout.n_words;
        let buffers = Buffers::new(self.layout, n_rows, self.columns().into());
        self.grow_in(buffers, plan, n_shards)
    }

    /// As the forest does: rows move.
    fn grow_moving(&self, plan: &Plan, n_shards: usize) -> Grown {
        // To and fro, or in place.
        let spare = match n_shards {
            1 => Vec::new(),
            _ => self.table.clone(),
        };
        let buffers = Buffers::Whole([self.table.clone(), spare]);
        self.grow_in(buffers, plan, n_shards)
    }

    fn grow_in(&self, mut buffers: Buffers, plan: &Plan, n_shards: usize) -> Grown {
        let size = Size {
            load: Load::Single,
            n_features: plan.chosen.features.len(),
            n_drawn: self.table.len() / self.layout.n_words,
        };
        let mut histogram = Histogram::new(size);
        histogram.add(plan.chosen, Among::All, &self.table);
        let root = Root {
            layout: self.layout,
            table: &self.table,
            n_shard: size.n_drawn.div_ceil(n_shards),
            size,
            histogram,
            sum: sum_over(self.drawn()),
        };
        let firsts = self.table.chunks_exact(self.layout.n_words);
        let firsts: Vec<u64> = firsts.map(|row| row[0]).collect();
        let shards = firsts.chunks(root.n_shard);
        let lists = buffers.lists(root.n_shard, shards.len());
        let listed = shards.zip(lists).enumerate();
        let listed = listed.filter(|(_, (_, list))| !list.is_empty());
        let listed = listed.map(|(shard, (firsts, list))| {
            let (left, right) = (0, list.len());
            list_drawn(shard * root.n_shard, firsts, list, Filled { left, right }).left
        });
        let n_drawn = listed.collect();
        buffers.listed(n_drawn);
        buffers.grow(plan, root)
    }

    /// The bins column by column, which rows of one word do without.
    fn columns(&self) -> Vec<Vec<u8>> {
        let rows = || self.table.chunks_exact(self.layout.n_words);
        let column = |feature| {
            let place = self.layout.place(feature);
            rows().map(|row| place.bin(row)).collect()
        };
        (0..self.layout.n_features()).map(column).collect()
    }
}

fn sum_over<'a>(rows: impl Iterator<Item = &'a [u64]>) -> Sum {
    rows.fold(Sum::default(), |sum, row| {
        sum + sum_of_row(Load::Single, row[0])
    })
}

fn n_leaves(grown: &Grown) -> usize {
    grown
        .nodes
        .iter()
        .filter(|node| node.fork.is_none())
        .count()
}

/// The sum of some rows and their best split.
fn best_simply(world: &World, plan: &Plan, rows: &[&[u64]], depth: usize) -> (Sum, Option<Split>) {
    let total = sum_over(rows.iter().copied());
    let mut best: Option<Split> = None;
    for &feature in &plan.chosen.features {
        let mut slots = SparseSlots::new();
        for row in rows {
            let bin = world.layout.place(feature).bin(row);
            slots.add(bin, sum_of_row(Load::Single, row[0]));
        }
        let searched = Searched {
            feature,
            place: 0,
            n_bins: 0,
            total,
            role: super::role::Role::Number,
            bounds: super::role::UNBOUND,
        };
        let found = plan
            .rule
            .best_of_sparse(&slots, searched, &mut Below::new());
        if depth < plan.max_depth
            && best.is_none_or(|best| found.is_some_and(|found| best.gain < found.gain))
        {
            best = found;
        }
    }
    (total, best)
}

/// The simple way: every node's rows in a list, every split found by going through these rows, the leaf with most
/// to gain first.
fn grow_simply(world: &World, plan: &Plan) -> Vec<(Sum, Option<Split>)> {
    struct Open<'w> {
        node: usize,
        depth: usize,
        rows: Vec<&'w [u64]>,
        split: Split,
    }
    let best = |rows: &[&[u64]], depth| best_simply(world, plan, rows, depth);
    let all: Vec<&[u64]> = world.drawn().collect();
    let (sum, split) = best(&all, 0);
    let mut nodes = vec![(sum, None)];
    let mut open: Vec<Open> = split
        .map(|split| Open {
            node: 0,
            depth: 0,
            rows: all,
            split,
        })
        .into_iter()
        .collect();
    for _ in 1..plan.max_leaves.unwrap_or(usize::MAX) {
        let most = |a: &&Open, b: &&Open| {
            a.split
                .gain
                .total_cmp(&b.split.gain)
                .then(b.node.cmp(&a.node))
        };
        let Some(node) = open.iter().max_by(most).map(|leaf| leaf.node) else {
            break;
        };
        let leaf = open.remove(open.iter().position(|leaf| leaf.node == node).unwrap());
        nodes[leaf.node].1 = Some(leaf.split);
        for side in [true, false] {
            let place = world.layout.place(leaf.split.feature);
            let rows: Vec<&[u64]> = leaf
                .rows
                .iter()
                .copied()
                .filter(|row| leaf.split.goes_left(place.bin(row)) == side)
                .collect();
            let (sum, split) = best(&rows, leaf.depth + 1);
            nodes.push((sum, None));
            open.extend(split.map(|split| Open {
                node: nodes.len() - 1,
                depth: leaf.depth + 1,
                rows,
                split,
            }));
        }
    }
    nodes
}

#[test]
fn it_is_the_tree_that_the_simple_way_finds() {
    for (n_rows, n_features) in [
        (40, 1),
        (700, 3),
        (3000, 6),
        (2000, 7),
        (1500, 16),
        (900, 40),
    ] {
        let world = World::new(n_rows, n_features);
        // Growing everything and taking back, and going from leaf to leaf.
        for (max_depth, max_leaves) in [(5, 20), (5, 32), (6, 20), (9, 17), (1, 2), (20, 1000)] {
            let plan = Plan {
                max_depth,
                max_leaves: Some(max_leaves),
                ..world.plan()
            };
            let expected = grow_simply(&world, &plan);
            let grown = [1, 3].map(|n_shards| world.grow(&plan, n_shards));
            let moved = [1, 3].map(|n_shards| world.grow_moving(&plan, n_shards));
            for grown in grown.into_iter().chain(moved) {
                let found: Vec<(Sum, Option<Split>)> = grown
                    .nodes
                    .iter()
                    .map(|node| (node.sum, node.fork.as_ref().map(|fork| fork.split)))
                    .collect();
                assert!(
                    found == expected,
                    "{n_rows} x {n_features}, {max_depth}, {max_leaves}"
                );
            }
        }
    }
}

#[test]
fn threads_part_large_nodes_together() {
    // Rows of one word, which move, and longer ones, of which only the numbers do.
    for n_features in [2, 8] {
        let world = World::new(3 * PARALLEL_WORDS_MIN, n_features);
        let trees =
            [1, 2, 7].map(|n_shards| world.grow(&world.plan(), n_shards).finish(&world.cuts, 1.0));
        assert_eq!(trees[0], trees[1]);
        assert_eq!(trees[0], trees[2]);
        assert_eq!(trees[0].n_leaves(), 20);
    }
}

#[test]
fn depth_and_leaves_are_bounded() {
    let world = World::new(2000, 3);
    for max_depth in [1, 3, 4] {
        let plan = Plan {
            max_depth,
            max_leaves: None,
            ..world.plan()
        };
        assert_eq!(n_leaves(&world.grow(&plan, 1)), 1 << max_depth);
    }
    for max_leaves in [2, 3, 17] {
        let plan = Plan {
            max_leaves: Some(max_leaves),
            ..world.plan()
        };
        assert_eq!(n_leaves(&world.grow(&plan, 1)), max_leaves);
    }
}

#[test]
fn of_equal_features_the_first_counts() {
    let column: Vec<f32> = (0..4).map(|x| x as f32).collect();
    let world = World::of(&[column.clone(), column], &[-5, -5, 5, 5]);
    let root = world.grow(&world.plan(), 1).nodes.remove(0);
    assert_eq!(root.fork.unwrap().split.feature, 0);
}

#[test]
fn leaves_are_asked_for_their_value_with_their_rows() {
    let world = World::new(1500, 3);
    let count = |rows: &[&[u64]], sum: Sum| {
        let rows = rows
            .iter()
            .flat_map(|rows| rows.chunks_exact(world.layout.n_words));
        let sum_of_rows = rows.fold(Sum::default(), |sum, row| {
            sum + sum_of_row(Load::Single, row[0])
        });
        assert_eq!(sum_of_rows, sum);
        sum.weight as f32
    };
    for max_leaves in [None, Some(9)] {
        let plan = Plan {
            max_leaves,
            leaves: Leaves::Valued(&count),
            max_depth: 12,
            ..world.plan()
        };
        let grown = [world.grow(&plan, 2), world.grow_moving(&plan, 2)];
        for node in grown.into_iter().flat_map(|grown| grown.nodes) {
            assert!(node.buds.is_empty());
            let expected = if node.fork.is_some() {
                0.0
            } else {
                node.sum.weight as f32
            };
            assert_eq!(node.value, expected);
        }
    }
}

#[test]
fn what_sprouts_from_few_rows_is_what_would_have_grown() {
    for (n_rows, n_features, n_tried) in [(3000, 3, 3), (1000, 7, 7), (2000, 20, 4)] {
        let world = World::new(n_rows, n_features);
        let grown = |leaves| {
            let plan = Plan {
                leaves,
                n_tried,
                max_leaves: None,
                max_depth: 30,
                ..world.plan()
            };
            world.grow_moving(&plan, 1)
        };
        let weight = |_: &[&[u64]], sum: Sum| sum.weight as f32;
        let sprouted = grown(Leaves::Valued(&weight));
        assert!(sprouted.nodes.iter().any(|node| 10 < node.buds.len()));
        let [found, expected] =
            [sprouted, grown(Leaves::Silent)].map(|grown| grown.finish(&world.cuts, 1.0));
        assert!(100 < expected.n_leaves());
        for node in (0..found.n_nodes()).filter(|&node| found.is_leaf(node)) {
            assert_eq!(found.value[node], found.cover[node]);
        }
        let value = expected.value.clone();
        assert_eq!(super::ensemble::Tree { value, ..found }, expected);
    }
}

#[test]
fn a_node_that_tries_few_features_still_finds_the_only_useful_one() {
    let chance = Stream::new(3, Purpose::Rows, 0);
    let useful: Vec<f32> = (0..500).map(|row| chance.below(row, 50) as f32).collect();
    let gradients: Vec<i16> = useful.iter().map(|&x| x as i16).collect();
    let constant = vec![1.0; 500];
    let world = World::of(&[constant.clone(), useful, constant], &gradients);
    let plan = Plan {
        n_tried: 1,
        max_depth: 3,
        max_leaves: None,
        ..world.plan()
    };
    assert_eq!(n_leaves(&world.grow(&plan, 1)), 8);
    assert_eq!(MISSING, 255);
}
