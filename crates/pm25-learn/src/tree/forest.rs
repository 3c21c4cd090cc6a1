//! A random forest: trees that each see another draw of the rows, and their mean.
//!
//! Not extremely randomised and not weighted: rows are drawn with replacement, as many as there are (Breiman 2001),
//! and each tree is grown on the histograms that boosting uses.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::adding::Among;
use super::binned::Binned;
use super::bins::{Cuts, Table};
use super::boost::check_sizes;
use super::carry::{Span, Whole, spare_for};
use super::chance::{Purpose, Stream};
use super::ensemble::{Ensemble, Tree};
use super::grow::{Leaves, Plan, Seed, grow};
use super::histogram::{Histogram, Size, Sum, sum_of_row};
use super::link::Link;
use super::params::ForestParams;
use super::quantise::Rounding;
use super::rows::{Chosen, Layout, Load};
use super::split::{Penalties, Rule, Steps};
use super::sums;
use crate::columns::Columns;

/// A forest and what it says of rows that its trees have not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestFit {
    /// The trees; their mean is the prediction.
    pub ensemble: Ensemble,
    /// For each training row the mean of the trees that did not draw it, in units of the target; NaN where all did.
    pub out_of_bag: Vec<f64>,
    /// Root mean squared error of these predictions, over the rows that have one; 0 if none has.
    pub out_of_bag_rmse: f64,
}

/// Fits a forest to `y`, one finite target a row of `x`. `advance` is told of each finished tree, from any thread.
///
/// Memory beyond the table and the targets: for each word of the row 8 bytes a row for the bins and 8 for each tree that
/// is grown at the same time, as many as there are threads, and 5 for what it drew and said; 12 bytes a row for
/// predictions out of bag. A row is two words for up to 9 columns, one more for each further 8: with 6 columns and two
/// threads 70 bytes a row, and a second buffer of the same size as each tree's where that is below 32 MiB. Then the
/// trees, 19 bytes a node.
///
/// # Panics
/// If there are not as many targets as rows or a target is not finite: the caller has mixed up tables.
pub fn fit_forest(
    x: &Columns,
    y: &[f32],
    params: &ForestParams,
    advance: &(dyn Fn(u64) + Sync),
) -> ForestFit {
    learn(x, y, params, advance)
}

/// Fits a forest to a table that is in bins: the one of [`fit_forest`], to the bit, where the cuts are the same. They are
/// not made again, whatever `max_bin` says.
///
/// # Panics
/// As [`fit_forest`].
pub fn fit_binned_forest(
    table: &Binned,
    y: &[f32],
    params: &ForestParams,
    advance: &(dyn Fn(u64) + Sync),
) -> ForestFit {
    learn(table, y, params, advance)
}

fn learn(
    x: &dyn Table,
    y: &[f32],
    params: &ForestParams,
    advance: &(dyn Fn(u64) + Sync),
) -> ForestFit {
    check_sizes(x, y);
    let cuts = x.cuts(&[], params.max_bin);
    let layout = Layout::named(Load::Counted, x.n_columns());
    let mut table = x.pack(&cuts, layout).table;
    let step = write_gradients(&layout, &mut table, y, params.seed);
    let wood = Wood {
        cuts: &cuts,
        layout,
        chosen: &Chosen::new(layout, (0..x.n_columns()).collect()),
        table: &table,
        y,
        step,
        params,
    };
    let mut trees = Vec::with_capacity(params.n_estimators);
    let mut left_out = LeftOut::new(y.len());
    // As many trees at once as there are threads; what they say of rows is summed in the order of trees.
    let n_at_once = rayon::current_num_threads().min(params.n_estimators);
    let mut rooms: Vec<Room> = (0..n_at_once).map(|_| Room::new(&wood)).collect();
    while trees.len() < params.n_estimators {
        let n_done = trees.len();
        rooms.truncate(params.n_estimators - n_done);
        let batch = rooms.par_iter_mut().enumerate();
        let grown = batch.map(|(n_before, room)| {
            let tree = grow_tree(&wood, n_done + n_before, room);
            advance(1);
            tree
        });
        trees.extend(grown.collect::<Vec<Tree>>());
        rooms.iter().for_each(|room| left_out.add(&room.said));
    }
    let out_of_bag = left_out.means();
    let ensemble = Ensemble {
        base: 0.0,
        scale: 1.0 / trees.len() as f64,
        link: Link::Identity,
        trees: trees.into(),
    };
    ForestFit {
        ensemble,
        out_of_bag_rmse: rmse_of_present(&out_of_bag, y),
        out_of_bag,
    }
}

/// What all trees are made of.
struct Wood<'a> {
    cuts: &'a [Cuts],
    layout: Layout,
    /// Rows with bins and gradients, neither drawn nor named.
    table: &'a [u64],
    y: &'a [f32],
    /// What one step of a gradient stands for.
    step: f64,
    chosen: &'a Chosen,
    params: &'a ForestParams,
}

/// Writes targets as distances from the target nearest to their mean: small numbers, and whole steps where targets
/// are. Tells what one step stands for.
fn write_gradients(layout: &Layout, table: &mut [u64], y: &[f32], seed: u64) -> f64 {
    let mean = sums::mean_of(y);
    let distance = |y: f32| (f64::from(y) - mean).abs();
    let nearest = y
        .iter()
        .copied()
        .min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let centre = f64::from(nearest.unwrap_or(0.0));
    let largest = y
        .iter()
        .fold(0.0_f64, |max, &y| max.max((f64::from(y) - centre).abs()));
    let rounding = Rounding::new(largest, Stream::new(seed, Purpose::Rounding, 0));
    let fours = table
        .par_chunks_mut(4 * layout.n_words)
        .zip(y.par_chunks(4));
    let fours = fours.with_min_len(1 << 10).enumerate();
    fours.for_each(|(four, (rows, y))| {
        let mut distances = [0.0; 4];
        for (distance, &y) in distances.iter_mut().zip(y) {
            *distance = f64::from(y) - centre;
        }
        let gradients = rounding.round(four, &distances);
        for (row, gradient) in rows.chunks_exact_mut(layout.n_words).zip(gradients) {
            row[0] |= u64::from(gradient as u16) << 48;
        }
    });
    rounding.step()
}

/// Where a tree grows, and the next one after it.
struct Room {
    counts: Vec<u8>,
    rows: Vec<u64>,
    spare: Vec<u64>,
    /// What the tree says of each row, as the bits of an f32; NaN for a row that was drawn.
    said: Vec<AtomicU32>,
}

impl Room {
    fn new(wood: &Wood) -> Self {
        let n_rows = wood.y.len();
        Self {
            counts: vec![0; n_rows],
            rows: vec![0; wood.table.len()],
            spare: spare_for(wood.table.len()),
            said: (0..n_rows).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

/// Grows a tree on a draw of the rows. The others go along without weight, and learn what it says of them.
fn grow_tree(wood: &Wood, tree_idx: usize, room: &mut Room) -> Tree {
    let params = wood.params;
    let stream = |purpose| Stream::new(params.seed, purpose, tree_idx);
    let penalties = Penalties {
        reg_lambda: 0.0,
        reg_alpha: 0.0,
        min_split_gain: 0.0,
        min_child_weight: params.min_samples_leaf as f64,
    };
    let steps = Steps {
        gradient: wood.step,
        weight: 1.0,
    };
    draw(wood, stream(Purpose::Rows), room);
    let Room {
        rows, spare, said, ..
    } = room;
    said.fill_with(|| AtomicU32::new(f32::NAN.to_bits()));
    let said = &*said;
    let plan = Plan {
        cuts: wood.cuts,
        roles: &[],
        chosen: wood.chosen,
        n_tried: ((params.max_features * wood.chosen.features.len() as f64) as usize).max(1),
        rule: Rule::new(&penalties, steps),
        max_depth: params.max_depth,
        max_leaves: None,
        chance: stream(Purpose::Columns),
        leaves: Leaves::Valued(&|rows, sum| value_of_leaf(wood, said, rows, sum)),
    };
    let size = Size {
        load: Load::Counted,
        n_features: wood.chosen.features.len(),
        n_drawn: wood.y.len(),
    };
    let mut histogram = Histogram::new(size);
    histogram.add(wood.chosen, Among::All, rows);
    let firsts = rows.chunks_exact(wood.layout.n_words).map(|row| row[0]);
    let sum = firsts.fold(Sum::default(), |sum, first| {
        sum + sum_of_row(Load::Counted, first)
    });
    let spans = vec![Span {
        table: None,
        rows,
        spare,
    }];
    let seed = Seed {
        spans,
        histogram,
        sum,
    };
    grow(&plan, &Whole(wood.layout), size, seed).finish(wood.cuts, 1.0)
}

/// Draws as many rows as there are, with replacement, and names all.
fn draw(wood: &Wood, stream: Stream, room: &mut Room) {
    let Room { counts, rows, .. } = room;
    counts.fill(0);
    for draw_idx in 0..counts.len() {
        let row = stream.below(draw_idx, counts.len());
        counts[row] = counts[row].saturating_add(1);
    }
    rows.copy_from_slice(wood.table);
    let drawn = rows.chunks_exact_mut(wood.layout.n_words).zip(counts);
    for (number, (row, count)) in (0..).zip(drawn) {
        row[0] |= u64::from(*count) << 40;
        Layout::name(row, number);
    }
}

/// How often a row was drawn.
fn count(row: &[u64]) -> u8 {
    (row[0] >> 40) as u8
}

/// The mean target of a leaf's draws, summed in the order of rows. The rows that were not drawn are told.
fn value_of_leaf(wood: &Wood, said: &[AtomicU32], rows: &[&[u64]], sum: Sum) -> f32 {
    let n_words = wood.layout.n_words;
    let rows = || rows.iter().flat_map(|rows| rows.chunks_exact(n_words));
    let n_drawn = rows().filter(|row| 0 < count(row)).count();
    // Most leaves have few rows, and room for these needs no allocation.
    let (mut few, mut many) = ([(0, 0); 16], Vec::new());
    let drawn = match few.get_mut(..n_drawn) {
        Some(few) => few,
        None => {
            many.resize(n_drawn, (0, 0));
            &mut many[..]
        }
    };
    let found = rows().filter(|row| 0 < count(row));
    for (place, row) in drawn.iter_mut().zip(found) {
        *place = (Layout::number(row), count(row));
    }
    drawn.sort_unstable();
    let total = drawn.iter().fold(0.0, |total, &(number, count)| {
        total + f64::from(wood.y[number]) * f64::from(count)
    });
    let mean = (total / (sum.weight as f64).max(1.0)) as f32;
    for row in rows().filter(|row| count(row) == 0) {
        said[Layout::number(row)].store(mean.to_bits(), Ordering::Relaxed);
    }
    mean
}

/// For each row the sum and the number of the trees that did not draw it.
struct LeftOut {
    sums: Vec<f64>,
    n_trees: Vec<u32>,
}

impl LeftOut {
    fn new(n_rows: usize) -> Self {
        Self {
            sums: vec![0.0; n_rows],
            n_trees: vec![0; n_rows],
        }
    }

    fn add(&mut self, said: &[AtomicU32]) {
        let rows = self.sums.par_iter_mut().zip(&mut self.n_trees).zip(said);
        rows.with_min_len(1 << 14)
            .for_each(|((sum, n_trees), said)| {
                let value = f32::from_bits(said.load(Ordering::Relaxed));
                if !value.is_nan() {
                    *sum += f64::from(value);
                    *n_trees += 1;
                }
            });
    }

    /// 0 / 0 is the NaN of a row that no tree has left out.
    fn means(&self) -> Vec<f64> {
        let rows = self.sums.iter().zip(&self.n_trees);
        rows.map(|(sum, &n_trees)| sum / f64::from(n_trees))
            .collect()
    }
}

fn rmse_of_present(predictions: &[f64], y: &[f32]) -> f64 {
    let present = predictions
        .iter()
        .zip(y)
        .filter(|(prediction, _)| !prediction.is_nan());
    let residuals: Vec<f64> = present
        .map(|(prediction, &y)| f64::from(y) - prediction)
        .collect();
    sums::root_mean_square(&residuals)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_WATCHED: &(dyn Fn(u64) + Sync) = &|_| {};

    fn params(said: &[(&str, &str)]) -> ForestParams {
        let said: Vec<(String, String)> = said
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        ForestParams::from_pairs(&said).unwrap()
    }

    /// Three columns of whole numbers and a target: a step in the first, a slope in the second, noise from -1 to 1.
    struct World {
        columns: Vec<Vec<f32>>,
        y: Vec<f32>,
        noiseless: Vec<f64>,
    }

    impl World {
        fn new(n_rows: usize) -> Self {
            let chance = |column| Stream::new(5, Purpose::Rows, column);
            let column = |idx| {
                (0..n_rows)
                    .map(|row| (100.0 * chance(idx).fraction(row)).floor() as f32)
                    .collect()
            };
            let columns: Vec<Vec<f32>> = (0..3).map(column).collect();
            let truth = |row: usize| {
                let step = if columns[0][row] <= 30.0 { 50.0 } else { 0.0 };
                step + f64::from(columns[1][row])
            };
            let noiseless: Vec<f64> = (0..n_rows).map(truth).collect();
            let noise = |row| 2.0 * chance(7).fraction(row) - 1.0;
            let y = (0..n_rows)
                .map(|row| (noiseless[row] + noise(row)) as f32)
                .collect();
            Self {
                columns,
                y,
                noiseless,
            }
        }

        fn x(&self) -> Columns<'_> {
            Columns::new(
                self.columns.iter().map(Vec::as_slice).collect(),
                self.y.len(),
            )
        }

        fn fit(&self, said: &[(&str, &str)]) -> ForestFit {
            fit_forest(&self.x(), &self.y, &params(said), NOT_WATCHED)
        }
    }

    #[test]
    fn a_known_step_is_recovered_by_every_tree() {
        let x: Vec<f32> = (0..200).map(|i| (i / 2) as f32).collect();
        let y: Vec<f32> = x
            .iter()
            .map(|&x| if x <= 29.0 { 7.25 } else { -3.0 })
            .collect();
        let columns = Columns::new(vec![&x], 200);
        let fit = fit_forest(
            &columns,
            &y,
            &params(&[("n_estimators", "20")]),
            NOT_WATCHED,
        );
        for tree in &fit.ensemble.trees {
            assert_eq!(tree.feature[0], 0);
            // A draw may lack the values next to the step.
            assert!(
                (26.0..33.0).contains(&tree.threshold[0]),
                "{}",
                tree.threshold[0]
            );
            assert_eq!(tree.value, [0.0, 7.25, -3.0]);
            assert_eq!(tree.cover[0], 200.0);
        }
        assert_eq!(fit.ensemble.predict_row(&[3.0]), 7.25);
    }

    #[test]
    fn a_single_deep_tree_repeats_the_targets_that_it_drew() {
        let world = World::new(400);
        let fit = world.fit(&[("n_estimators", "1"), ("max_depth", "64")]);
        let predictions = fit.ensemble.predict(&world.x());
        for (row, prediction) in predictions.iter().enumerate() {
            let was_drawn = fit.out_of_bag[row].is_nan();
            // Targets closer than a step of the gradients, here 2^-7, may share a leaf.
            assert!(!was_drawn || (prediction - f64::from(world.y[row])).abs() < 0.01);
        }
        let share_drawn = fit.out_of_bag.iter().filter(|p| p.is_nan()).count() as f64 / 400.0;
        // 1 - 1/e is drawn; five standard deviations are 0.08.
        assert!((share_drawn - 0.632).abs() < 0.08, "{share_drawn}");
    }

    #[test]
    fn out_of_bag_error_is_the_error_on_new_rows() {
        let world = World::new(4000);
        let fit = world.fit(&[("n_estimators", "60")]);
        assert!(fit.out_of_bag.iter().all(|p| p.is_finite()));
        // Noise of -1 to 1 has standard deviation 0.577, which nobody can predict; a forest comes near.
        assert!(
            (0.577..1.1).contains(&fit.out_of_bag_rmse),
            "{}",
            fit.out_of_bag_rmse
        );
        let errors: Vec<f64> = fit
            .out_of_bag
            .iter()
            .zip(&world.noiseless)
            .map(|(p, t)| p - t)
            .collect();
        assert!(sums::root_mean_square(&errors) < 0.8);
        let in_bag = fit.ensemble.predict(&world.x());
        let errors: Vec<f64> = in_bag
            .iter()
            .zip(&world.y)
            .map(|(p, &y)| p - f64::from(y))
            .collect();
        assert!(sums::root_mean_square(&errors) < 0.7 * fit.out_of_bag_rmse);
    }

    #[test]
    fn bounds_hold() {
        let world = World::new(2000);
        let fit = world.fit(&[
            ("n_estimators", "5"),
            ("max_depth", "4"),
            ("min_samples_leaf", "100"),
        ]);
        assert_eq!(fit.ensemble.check(3), Ok(()));
        for tree in &fit.ensemble.trees {
            assert!(tree.n_leaves() <= 16);
            assert!(tree.cover.iter().all(|&cover| 100.0 <= cover));
        }
    }

    #[test]
    fn few_features_at_a_node_let_others_have_their_turn() {
        let world = World::new(1000);
        let roots = |max_features| {
            let fit = world.fit(&[
                ("n_estimators", "60"),
                ("max_features", max_features),
                ("max_depth", "2"),
            ]);
            let mut roots: Vec<u16> = fit
                .ensemble
                .trees
                .iter()
                .map(|tree| tree.feature[0])
                .collect();
            roots.sort_unstable();
            roots.dedup();
            roots
        };
        assert!(roots("1").len() < 3);
        assert_eq!(roots("0.34"), [0, 1, 2]);
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads_and_every_time() {
        let world = World::new(3000);
        let said = [("n_estimators", "10"), ("max_features", "0.5")];
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| {
                let fit = world.fit(&said);
                let bits: Vec<u64> = fit.out_of_bag.iter().map(|p| p.to_bits()).collect();
                (fit.ensemble, bits, fit.out_of_bag_rmse.to_bits())
            })
        };
        let one = on(1);
        for n_threads in [1, 2, 16] {
            assert_eq!(on(n_threads), one);
        }
        assert_ne!(
            world.fit(&[("n_estimators", "10"), ("seed", "1")]).ensemble,
            one.0
        );
    }

    #[test]
    fn poor_tables_are_learned_too() {
        let said = params(&[("n_estimators", "3")]);
        let fit = |columns: Vec<&[f32]>, y: &[f32]| {
            let x = Columns::new(columns, y.len());
            let fit = fit_forest(&x, y, &said, NOT_WATCHED);
            fit.ensemble.predict(&x)
        };
        assert_eq!(fit(vec![&[]], &[]), [0.0; 0]);
        assert_eq!(fit(vec![&[7.0]], &[3.0]), [3.0]);
        assert_eq!(fit(vec![], &[3.0, 3.0]), [3.0, 3.0]);
        assert_eq!(fit(vec![&[f32::NAN, f32::NAN]], &[3.0, 3.0]), [3.0, 3.0]);
    }
}
