//! What small sets of features say, for every place that they can have: filled once, from all trees.
//!
//! Not a table a tree: only the sums over the trees are wanted.
//!
//! Where a set goes no further down a tree, it hears the same in a box of places (those that pass its questions on the
//! way). That is added at the box's corners, and when all trees are in, sums along each direction spread the corners
//! over the boxes:
//!
//! ```text
//! + . . - .        + + + . .
//! . . . . .   →    + + + . .        places of f downwards, of g to the right; the first is that of missing values
//! - . . + .        . . . . .
//! ```

use rayon::prelude::*;

use super::super::codes::FeatureCodes;
use super::super::ensemble::Tree;
use super::outline::{N_TREES_AT_ONCE, Node, Outline};
use super::subsets::{N_FEATURES_MAX, Set};

/// The most features of a set that has a table.
const N_DIRECTIONS_MAX: usize = 3;
/// Numbers in one table: 1 MiB, so that corners find it in a processor's own cache.
const TABLE_NUMBERS_MAX: usize = 1 << 17;
/// Numbers in all tables together: 32 MiB.
const N_NUMBERS_MAX: usize = 1 << 22;

/// What the sets that have tables say.
pub(super) struct SetTables {
    tables: Vec<Table>,
}

/// A number for each place of each of its set's features.
struct Table {
    set: Set,
    directions: Vec<Direction>,
    numbers: Vec<f64>,
}

#[derive(Clone, Copy)]
struct Direction {
    feature: usize,
    n_places: usize,
    /// From a place to the next.
    stride: usize,
}

/// The places that reach a node, in each direction: from one up to another that does not, and perhaps 0, that of
/// missing values.
#[derive(Clone, Copy)]
struct Open {
    weight: f64,
    from: Lanes,
    end: Lanes,
    node: u32,
    /// A bit for each direction.
    missing: u8,
}

/// A place for each direction, in one word: a word is written and read as a whole.
#[derive(Clone, Copy)]
struct Lanes(u64);

impl Lanes {
    fn get(self, direction: usize) -> u16 {
        (self.0 >> (16 * direction)) as u16
    }

    fn with(self, direction: usize, place: u16) -> Self {
        let shift = 16 * direction;
        Self(self.0 & !(0xFFFF << shift) | u64::from(place) << shift)
    }
}

impl SetTables {
    /// Tables for those sets that are small enough, the smallest sets first.
    pub(super) fn of(trees: &[&Tree], features: &[usize], codes: &[FeatureCodes]) -> Self {
        let mut sets: Vec<Set> = (0..1 << features.len()).collect();
        sets.sort_by_key(|set| set.count_ones());
        let mut n_numbers = 0;
        let mut tables = Vec::new();
        for set in sets {
            let Some((directions, n)) = directions_of(set, codes) else {
                continue;
            };
            if N_NUMBERS_MAX < n_numbers + n {
                break;
            }
            n_numbers += n;
            tables.push(Table {
                set,
                directions,
                numbers: vec![0.0; n],
            });
        }
        for trees in trees.chunks(N_TREES_AT_ONCE) {
            let outlines = Outline::of_all(trees, features, codes);
            tables.par_iter_mut().for_each(|table| {
                outlines.iter().for_each(|outline| table.mark(outline));
            });
        }
        tables.par_iter_mut().for_each(Table::spread);
        Self { tables }
    }

    /// The sets that have a table.
    pub(super) fn sets(&self) -> impl Iterator<Item = Set> {
        self.tables.iter().map(|table| table.set)
    }

    /// Writes what each of [`SetTables::sets`] says to its place where the features have these places.
    pub(super) fn say(&self, place: impl Fn(usize) -> usize, says: &mut [f64]) {
        for table in &self.tables {
            let places = table.directions.iter();
            let place: usize = places
                .map(|along| place(along.feature) * along.stride)
                .sum();
            says[table.set] = table.numbers[place];
        }
    }
}

/// The directions of a set's table and its numbers, if there are few enough.
fn directions_of(set: Set, codes: &[FeatureCodes]) -> Option<(Vec<Direction>, usize)> {
    let mut directions = Vec::new();
    let mut n_numbers = 1;
    for feature in (0..codes.len()).filter(|feature| set >> feature & 1 == 1) {
        let n_places = codes[feature].n_codes();
        directions.push(Direction {
            feature,
            n_places,
            stride: n_numbers,
        });
        n_numbers *= n_places;
        if TABLE_NUMBERS_MAX < n_numbers || N_DIRECTIONS_MAX < directions.len() {
            return None;
        }
    }
    Some((directions, n_numbers))
}

impl Table {
    fn mark(&mut self, outline: &Outline) {
        match self.directions.len() {
            0 => self.mark_along::<0>(outline),
            1 => self.mark_along::<1>(outline),
            2 => self.mark_along::<2>(outline),
            _ => self.mark_along::<N_DIRECTIONS_MAX>(outline),
        }
    }

    fn mark_along<const N: usize>(&mut self, outline: &Outline) {
        let directions: [Direction; N] = std::array::from_fn(|d| self.directions[d]);
        let mut direction_of = [None; N_FEATURES_MAX];
        for (direction, along) in directions.iter().enumerate() {
            direction_of[along.feature] = Some(direction);
        }
        let mut open = vec![Open::everything(&directions)];
        while let Some(mut here) = open.pop() {
            loop {
                let node = outline.node(here.node);
                if !node.concerns(self.set) {
                    here.weight *= node.mean;
                    mark_boxes(&mut self.numbers, &directions, here);
                    break;
                }
                match direction_of[node.feature()] {
                    None => {
                        open.push(Open {
                            node: node.right(),
                            weight: here.weight * node.share_right(),
                            ..here
                        });
                        here.weight *= node.share_left;
                        here.node += 1;
                    }
                    Some(direction) => {
                        let right = here.right(node, direction);
                        here = here.left(node, direction);
                        match (here.is_empty(direction), right.is_empty(direction)) {
                            (true, _) => here = right,
                            (false, true) => {}
                            (false, false) => open.push(right),
                        }
                    }
                }
            }
        }
    }

    fn spread(&mut self) {
        for along in &self.directions {
            // As many places beside each other as one step along the direction.
            for line in self.numbers.chunks_exact_mut(along.n_places * along.stride) {
                for place in along.stride..line.len() {
                    line[place] += line[place - along.stride];
                }
            }
        }
    }
}

/// Adds a weight over some places: a box of numbers, and boxes in which the missing values stand for the numbers of one
/// direction or more.
fn mark_boxes<const N: usize>(numbers: &mut [f64], directions: &[Direction; N], here: Open) {
    let here = here.joined(N);
    if here.missing == 0 {
        return mark_box(numbers, directions, &here);
    }
    let direction = here.missing.trailing_zeros() as usize;
    let numbers_only = Open {
        missing: here.missing & !(1 << direction),
        ..here
    };
    mark_boxes(numbers, directions, numbers_only);
    let missing_only = Open {
        from: here.from.with(direction, 0),
        end: here.end.with(direction, 1),
        ..numbers_only
    };
    mark_boxes(numbers, directions, missing_only);
}

/// Adds a weight at the corners of a box, with a sign that changes from each to the next. An end at the table's edge
/// needs no mark.
fn mark_box<const N: usize>(numbers: &mut [f64], directions: &[Direction; N], here: &Open) {
    let mut corners = [(0_usize, here.weight); 1 << N_DIRECTIONS_MAX];
    let mut n_corners = 1;
    for (direction, along) in directions.iter().enumerate() {
        let (from, end) = (here.from.get(direction), here.end.get(direction));
        if end <= from {
            return;
        }
        let from = usize::from(from) * along.stride;
        let end = usize::from(end) * along.stride;
        let (known, new) = corners.split_at_mut(n_corners);
        if end < along.n_places * along.stride {
            for (known, new) in known.iter().zip(new) {
                *new = (known.0 + end, -known.1);
            }
            n_corners *= 2;
        }
        known.iter_mut().for_each(|(place, _)| *place += from);
    }
    for &(place, weight) in &corners[..n_corners] {
        numbers[place] += weight;
    }
}

impl Open {
    /// The root.
    fn everything(directions: &[Direction]) -> Self {
        let mut everything = Self {
            weight: 1.0,
            from: Lanes(0),
            end: Lanes(0),
            node: 0,
            missing: 0,
        };
        for (direction, along) in directions.iter().enumerate() {
            everything.from = everything.from.with(direction, 1);
            everything.end = everything.end.with(direction, along.n_places as u16);
            everything.missing |= 1 << direction;
        }
        everything
    }

    fn left(self, node: &Node, direction: usize) -> Self {
        let end = self.end.get(direction).min(node.last_left() + 1);
        let kept = !(u8::from(!node.missing_left()) << direction);
        Self {
            node: self.node + 1,
            end: self.end.with(direction, end),
            missing: self.missing & kept,
            ..self
        }
    }

    fn right(self, node: &Node, direction: usize) -> Self {
        let from = self.from.get(direction).max(node.last_left() + 1);
        let kept = !(u8::from(node.missing_left()) << direction);
        Self {
            node: node.right(),
            from: self.from.with(direction, from),
            missing: self.missing & kept,
            ..self
        }
    }

    /// Missing values beside the lowest numbers are one range with them.
    fn joined(mut self, n_directions: usize) -> Self {
        for direction in 0..n_directions {
            if self.missing >> direction & 1 == 1 && self.from.get(direction) == 1 {
                self.from = self.from.with(direction, 0);
                self.missing &= !(1 << direction);
            }
        }
        self
    }

    /// Whether nothing passes in a direction.
    fn is_empty(&self, direction: usize) -> bool {
        self.end.get(direction) <= self.from.get(direction) && self.missing >> direction & 1 == 0
    }
}
