//! Explaining by walking a whole tree with a block of rows: for paths of many different features.
//!
//! Not for the usual small trees, which are looked up. A node costs a row a few steps for each point of the quadrature,
//! whatever the length of the path (the sums of a subtree are shared as in Yu and others 2022, Linear TreeSHAP; their
//! points are Chebyshev's, ours are Gauss's, at which all terms are positive and nothing cancels).
//!
//! With P the product of a path's factors at a point t, going down an edge of feature f multiplies P by
//! new factor / old factor of f. At a leaf the product is the leaf's; coming back up, sums G of leaf value x weight x P
//! are handed over, and the edge gives
//!
//! ```text
//!   phi_f += sum over points of  G ( change after the edge - change before it )
//! ```
//!
//! with change = (o - z) / factor as in [`leaf_game`](super::leaf_game): what was given on top of an edge that a deeper
//! edge of the same feature replaces is taken back.

use std::ops::Range;

use super::super::ensemble::Tree;
use super::super::quadrature::{self, Rule};
use super::mask::Question;
use crate::columns::Columns;

/// Rows walked together: a vector's worth for each point.
const BLOCK_ROWS: usize = 16;
type Block = [f64; BLOCK_ROWS];

/// A feature that is no player: it is known, or unknown, in all sets.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    pub(super) feature: usize,
    pub(super) known: Known,
}

/// Whether the row's value is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
}

/// A tree ready to be walked.
pub(super) struct Walk {
    /// In preorder; a leaf is followed by as many `Up` as subtrees end with it.
    steps: Vec<Step>,
    rule: Rule,
    depth: usize,
}

enum Step {
    Down(Edge),
    Leaf { value: f64 },
    Up,
}

/// The edge that leads to a node.
#[derive(Clone, Copy)]
struct Edge {
    question: Question,
    side: Side,
    share: f64,
    /// The nearest edge above that asks about the same feature, as a depth; 0 if there is none.
    before: usize,
    /// Product of the shares of the edges before.
    share_before: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Walk {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut maker = Maker {
            tree,
            steps: Vec::with_capacity(2 * tree.n_nodes()),
            trail: Vec::new(),
            n_features_max: 1,
            depth: 0,
        };
        maker.unroll();
        Self {
            rule: quadrature::rule(maker.n_features_max.div_ceil(2)),
            depth: maker.depth,
            steps: maker.steps,
        }
    }

    /// Adds what the tree gives to `results`, one row after the other.
    pub(super) fn add(
        &self,
        x: &Columns,
        rows: Range<usize>,
        fixed: Option<Fixed>,
        results: &mut [f64],
    ) {
        let width = results.len() / rows.len();
        let mut state = State::new(self.depth, self.rule.points.len());
        let blocks = results.chunks_mut(BLOCK_ROWS * width);
        for (first, results) in rows.step_by(BLOCK_ROWS).zip(blocks) {
            let block = BlockOf {
                x,
                rows: first..first + results.len() / width,
                fixed,
            };
            self.add_block(&block, &mut state, results);
        }
    }

    fn add_block(&self, block: &BlockOf, state: &mut State, results: &mut [f64]) {
        let mut trail: Vec<Edge> = Vec::with_capacity(self.depth);
        state.level(0).sums.fill([0.0; BLOCK_ROWS]);
        for step in &self.steps {
            match step {
                Step::Down(edge) => {
                    trail.push(*edge);
                    state.down(edge, trail.len(), &self.rule, block);
                }
                Step::Leaf { value } => state.leaf(*value, trail.len(), &self.rule),
                Step::Up => {
                    let edge = trail.pop().expect("as many ups as downs");
                    state.up(&edge, trail.len() + 1, &self.rule, (block, &mut *results));
                }
            }
        }
    }
}

struct Maker<'a> {
    tree: &'a Tree,
    steps: Vec<Step>,
    /// Features of the edges from the root to here, and the product of shares of each's feature so far.
    trail: Vec<(usize, f64)>,
    n_features_max: usize,
    depth: usize,
}

enum Open {
    Node(usize),
    Edge(usize, Side),
    Up,
}

impl Maker<'_> {
    fn unroll(&mut self) {
        let mut open = vec![Open::Node(0)];
        while let Some(next) = open.pop() {
            match next {
                Open::Up => {
                    self.trail.pop();
                    self.steps.push(Step::Up);
                }
                Open::Edge(node, side) => {
                    let edge = self.edge(node, side);
                    self.trail
                        .push((edge.question.feature, edge.share_before * edge.share));
                    self.steps.push(Step::Down(edge));
                    open.push(Open::Up);
                    open.push(Open::Node(self.tree.children(node)[side as usize]));
                }
                Open::Node(node) if self.tree.is_leaf(node) => self.leaf(node),
                Open::Node(node) => {
                    open.push(Open::Edge(node, Side::Right));
                    open.push(Open::Edge(node, Side::Left));
                }
            }
        }
    }

    fn edge(&self, node: usize, side: Side) -> Edge {
        let question = Question::of(self.tree, node);
        let before = self
            .trail
            .iter()
            .rposition(|&(feature, _)| feature == question.feature);
        Edge {
            question,
            side,
            share: self.tree.shares(node)[side as usize],
            before: before.map_or(0, |place| place + 1),
            share_before: before.map_or(1.0, |place| self.trail[place].1),
        }
    }

    fn leaf(&mut self, node: usize) {
        let value = f64::from(self.tree.value[node]);
        self.steps.push(Step::Leaf { value });
        self.depth = self.depth.max(self.trail.len());
        let mut features: Vec<usize> = self.trail.iter().map(|&(feature, _)| feature).collect();
        features.sort_unstable();
        features.dedup();
        self.n_features_max = self.n_features_max.max(features.len());
    }
}

struct BlockOf<'a> {
    x: &'a Columns<'a>,
    rows: Range<usize>,
    fixed: Option<Fixed>,
}

impl BlockOf<'_> {
    /// Whether the edge's feature is no player, and then what is known of it.
    fn fixed(&self, edge: &Edge) -> Option<Known> {
        let fixed = self.fixed?;
        (fixed.feature == edge.question.feature).then_some(fixed.known)
    }
}

/// What belongs to one depth.
struct Level {
    /// 1 where the row passes every edge of the last edge's feature, else 0.
    passes: Block,
    /// For each point the product of the factors of all features so far.
    products: Vec<Block>,
    /// For each point the sum over the leaves met below.
    sums: Vec<Block>,
}

struct State {
    levels: Vec<Level>,
}

impl State {
    fn new(depth: usize, n_points: usize) -> Self {
        let level = |_| Level {
            passes: [1.0; BLOCK_ROWS],
            products: vec![[1.0; BLOCK_ROWS]; n_points],
            sums: vec![[0.0; BLOCK_ROWS]; n_points],
        };
        Self {
            levels: (0..=depth).map(level).collect(),
        }
    }

    fn level(&mut self, depth: usize) -> &mut Level {
        &mut self.levels[depth]
    }

    fn down(&mut self, edge: &Edge, depth: usize, rule: &Rule, block: &BlockOf) {
        let (above, below) = self.levels.split_at_mut(depth);
        let (above, here) = (above, &mut below[0]);
        let before = &above[edge.before].passes;
        let before = if edge.before == 0 {
            &[1.0; BLOCK_ROWS]
        } else {
            before
        };
        let wanted = edge.side == Side::Left;
        here.passes = [0.0; BLOCK_ROWS];
        let x = &block.x.column(edge.question.feature)[block.rows.clone()];
        edge.question.ask(x, |i, goes_left| {
            here.passes[i] = if goes_left == wanted { before[i] } else { 0.0 };
        });
        let fixed = block.fixed(edge);
        let products = here.products.iter_mut().zip(&above[depth - 1].products);
        for (&t, (products, products_above)) in rule.points.iter().zip(products) {
            let ratios = match fixed {
                None => edge.ratios(t),
                Some(Known::Yes) => [0.0, 0.0, 1.0],
                Some(Known::No) => [edge.share; 3],
            };
            for i in 0..BLOCK_ROWS {
                let [never, no_more, still] = ratios;
                let ratio = if here.passes[i] == 1.0 {
                    still
                } else if before[i] == 1.0 {
                    no_more
                } else {
                    never
                };
                products[i] = products_above[i] * ratio;
            }
        }
        here.sums.fill([0.0; BLOCK_ROWS]);
    }

    fn leaf(&mut self, value: f64, depth: usize, rule: &Rule) {
        let here = self.level(depth);
        let points = here.sums.iter_mut().zip(&here.products);
        for ((sums, products), weight) in points.zip(&rule.weights) {
            for i in 0..BLOCK_ROWS {
                sums[i] = value * weight * products[i];
            }
        }
    }

    fn up(
        &mut self,
        edge: &Edge,
        depth: usize,
        rule: &Rule,
        (block, results): (&BlockOf, &mut [f64]),
    ) {
        let (above, below) = self.levels.split_at_mut(depth);
        let here = &below[0];
        for (sums_above, sums) in above[depth - 1].sums.iter_mut().zip(&here.sums) {
            for i in 0..BLOCK_ROWS {
                sums_above[i] += sums[i];
            }
        }
        if block.fixed(edge).is_some() {
            return;
        }
        let before = &above[edge.before].passes;
        let before = if edge.before == 0 {
            &[1.0; BLOCK_ROWS]
        } else {
            before
        };
        let mut given = [0.0; BLOCK_ROWS];
        for (&t, sums) in rule.points.iter().zip(&here.sums) {
            let [never, no_more, still] = edge.changes(t);
            for i in 0..BLOCK_ROWS {
                let change = if here.passes[i] == 1.0 {
                    still
                } else if before[i] == 1.0 {
                    no_more
                } else {
                    never
                };
                given[i] += sums[i] * change;
            }
        }
        let width = results.len() / block.rows.len();
        for (row, given) in results.chunks_exact_mut(width).zip(given) {
            row[edge.question.feature] += given;
        }
    }
}

impl Edge {
    /// New factor over old for rows that failed before, that fail here, and that pass.
    fn ratios(&self, t: f64) -> [f64; 3] {
        let old = t + self.share_before * (1.0 - t);
        let failed = self.share_before * self.share * (1.0 - t);
        [self.share, failed / old, (t + failed) / old]
    }

    /// The change after the edge less the change before it, for the same rows.
    fn changes(&self, t: f64) -> [f64; 3] {
        let change = |share: f64| (1.0 - share) / (t + share * (1.0 - t));
        let before = change(self.share_before);
        let after = change(self.share_before * self.share);
        [0.0, -1.0 / (1.0 - t) - before, after - before]
    }
}
