//! For tests only: what boosting promises, on tables of which the truth is known.

use super::boost::*;
use super::chance::{Purpose, Stream};
use super::ensemble::Ensemble;
use super::params::BoostParams;
use super::sums;
use crate::columns::Columns;

pub(super) const NOT_WATCHED: &(dyn Fn(u64) + Sync) = &|_| {};

pub(super) fn params(said: &[(&str, &str)]) -> BoostParams {
    let said: Vec<(String, String)> = said
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    BoostParams::from_pairs(&said).unwrap()
}

/// No chance and no shrinkage.
pub(super) fn plain(more: &[(&str, &str)]) -> BoostParams {
    let mut said = vec![
        ("n_estimators", "1"),
        ("learning_rate", "1"),
        ("subsample", "1"),
        ("colsample_bytree", "1"),
        ("reg_lambda", "0"),
    ];
    said.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    said.extend(more);
    params(&said)
}

/// Pseudo-random columns, some values missing, and a target that depends on them in steps, with noise.
pub(super) struct World {
    pub(super) columns: Vec<Vec<f32>>,
    pub(super) y: Vec<f32>,
}

impl World {
    pub(super) fn new(n_rows: usize, seed: u64) -> Self {
        let chance = |column| Stream::new(seed, Purpose::Rows, column);
        let columns: Vec<Vec<f32>> = (0..4)
            .map(|column| {
                let value = |row| match chance(column).fraction(row) {
                    x if x < 0.05 => f32::NAN,
                    x => (x * 100.0) as f32,
                };
                (0..n_rows).map(value).collect()
            })
            .collect();
        let target = |row: usize| {
            let step = if columns[0][row] <= 40.0 { 20.0 } else { 5.0 };
            let slope = if columns[1][row].is_nan() {
                33.0
            } else {
                columns[1][row] / 2.0
            };
            step + slope + 10.0 * chance(9).fraction(row) as f32
        };
        let y = (0..n_rows).map(target).collect();
        Self { columns, y }
    }

    pub(super) fn x(&self) -> Columns<'_> {
        Columns::new(
            self.columns.iter().map(Vec::as_slice).collect(),
            self.y.len(),
        )
    }

    pub(super) fn fit(&self, params: &BoostParams) -> BoostFit {
        fit_boost(&self.x(), &self.y, None, params, NOT_WATCHED)
    }
}

#[test]
fn a_known_step_is_recovered() {
    let noise = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let y = [10.0, 10.0, 10.0, 30.0, 30.0, 30.0, 30.0, 30.0];
    let columns = Columns::new(vec![&noise, &x], 8);
    let fit = fit_boost(&columns, &y, None, &plain(&[]), NOT_WATCHED);
    let tree = &fit.ensemble.trees[0];
    assert_eq!(fit.ensemble.base, 22.5);
    assert_eq!(tree.feature, [1, super::LEAF, super::LEAF]);
    assert_eq!(tree.threshold[0], 3.5);
    assert_eq!(tree.value, [0.0, -12.5, 7.5]);
    assert_eq!(tree.cover, [8.0, 3.0, 5.0]);
    assert_eq!(fit.history.train_errors, [0.0]);
}

#[test]
fn a_leaf_is_the_mean_of_the_rows_that_were_drawn() {
    let x: Vec<f32> = (0..400).map(|i| i as f32).collect();
    let y: Vec<f32> = x
        .iter()
        .map(|&x| if x < 100.0 { 10.0 } else { 30.0 })
        .collect();
    let said = plain(&[("subsample", "0.3"), ("max_leaves", "2")]);
    let fit = fit_boost(&Columns::new(vec![&x], 400), &y, None, &said, NOT_WATCHED);
    assert!(fit.ensemble.trees[0].cover[0] < 200.0);
    assert_eq!(fit.ensemble.trees[0].value, [0.0, -15.0, 5.0]);
}

#[test]
fn leaves_are_exact_beside_an_outlier_and_within_rounding_elsewhere() {
    // Column 0 parts the outlier from the others, column 1 these from each other.
    let n_rows = 4000;
    let is_far = |row: usize| row == 0;
    let x: [Vec<f32>; 2] = [
        (0..n_rows)
            .map(|row| f32::from(u8::from(is_far(row))))
            .collect(),
        (0..n_rows).map(|row| (row % 2) as f32).collect(),
    ];
    let columns = Columns::new(x.iter().map(Vec::as_slice).collect(), n_rows);
    let chance = Stream::new(5, Purpose::Rows, 0);
    for far in [1e7, 30.0] {
        let near = |row: usize| (row % 2) as f32 + chance.fraction(row) as f32;
        let target = |row| if is_far(row) { far } else { near(row) };
        let y: Vec<f32> = (0..n_rows).map(target).collect();
        let said = plain(&[("max_leaves", "3"), ("n_estimators", "2")]);
        let fit = fit_boost(&columns, &y, None, &said, NOT_WATCHED);
        for side in [0, 1] {
            let rows = (1..n_rows).filter(|row| row % 2 == side);
            let mean = rows.clone().map(|row| f64::from(y[row])).sum::<f64>() / rows.count() as f64;
            let found = fit.ensemble.predict_row(&[0.0, side as f32]);
            assert!((found - mean).abs() < 1e-4, "{far} {side}: {found} {mean}");
        }
    }
}

#[test]
fn leaves_shrink_by_rate_lambda_and_alpha() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let y = [-6.0, -6.0, 6.0, 6.0];
    let columns = Columns::new(vec![&x], 4);
    let values = |more: &[(&str, &str)]| {
        let fit = fit_boost(&columns, &y, None, &plain(more), NOT_WATCHED);
        fit.ensemble.trees[0].value.clone()
    };
    assert_eq!(values(&[]), [0.0, -6.0, 6.0]);
    assert_eq!(values(&[("learning_rate", "0.5")]), [0.0, -3.0, 3.0]);
    assert_eq!(values(&[("reg_lambda", "1")]), [0.0, -4.0, 4.0]);
    assert_eq!(values(&[("reg_alpha", "2")]), [0.0, -5.0, 5.0]);
}

#[test]
fn a_missing_value_learns_its_direction() {
    let x = [1.0, 2.0, 3.0, 4.0, f32::NAN, f32::NAN];
    let columns = Columns::new(vec![&x], 6);
    for (of_missing, expected) in [(0.0, 0.0), (9.0, 9.0)] {
        let y = [0.0, 0.0, 9.0, 9.0, of_missing, of_missing];
        let ensemble = fit_boost(&columns, &y, None, &plain(&[]), NOT_WATCHED).ensemble;
        assert_eq!(ensemble.trees[0].n_leaves(), 2);
        assert!((ensemble.predict_row(&[f32::NAN]) - expected).abs() < 1e-5);
    }
}

#[test]
fn without_chance_the_training_error_never_rises() {
    let said = [
        ("subsample", "1"),
        ("n_estimators", "60"),
        ("learning_rate", "0.3"),
    ];
    let errors = World::new(1500, 1).fit(&params(&said)).history.train_errors;
    assert_eq!(errors.len(), 60);
    assert!(errors.is_sorted_by(|a, b| a >= b), "{errors:?}");
    assert!(errors[59] < 0.5 * errors[0]);
}

#[test]
fn the_history_tells_what_the_ensemble_predicts() {
    let (world, other) = (World::new(900, 1), World::new(400, 2));
    let said = params(&[("n_estimators", "25"), ("early_stopping_rounds", "0")]);
    let fit = fit_boost(
        &world.x(),
        &world.y,
        Some((&other.x(), &other.y)),
        &said,
        NOT_WATCHED,
    );
    for (world, errors) in [
        (&world, &fit.history.train_errors),
        (&other, &fit.history.valid_errors),
    ] {
        let predictions = fit.ensemble.predict(&world.x());
        let residuals: Vec<f64> = predictions
            .iter()
            .zip(&world.y)
            .map(|(p, &y)| f64::from(y) - p)
            .collect();
        assert_eq!(errors.len(), 25);
        assert_eq!(
            errors[24].to_bits(),
            sums::root_mean_square(&residuals).to_bits()
        );
    }
}

#[test]
fn it_stops_early_and_keeps_the_best() {
    let (world, other) = (World::new(300, 1), World::new(300, 2));
    let said = params(&[("learning_rate", "0.5"), ("early_stopping_rounds", "10")]);
    let fit = fit_boost(
        &world.x(),
        &world.y,
        Some((&other.x(), &other.y)),
        &said,
        NOT_WATCHED,
    );
    let errors = &fit.history.valid_errors;
    let best = fit.history.best_n_trees();
    assert_eq!(errors.len(), best + 10);
    assert!(errors.len() < 300);
    assert_eq!(fit.ensemble.trees.len(), best);
    assert!(errors.iter().all(|&error| errors[best - 1] <= error));
    // Validation rows without early stopping, and early stopping without them, keep every tree.
    let never = params(&[
        ("learning_rate", "0.5"),
        ("early_stopping_rounds", "0"),
        ("n_estimators", "40"),
    ]);
    let fit = fit_boost(
        &world.x(),
        &world.y,
        Some((&other.x(), &other.y)),
        &never,
        NOT_WATCHED,
    );
    assert_eq!(fit.ensemble.trees.len(), 40);
    let alone = params(&[("learning_rate", "0.5"), ("n_estimators", "40")]);
    assert_eq!(world.fit(&alone).ensemble.trees.len(), 40);
}

#[test]
fn the_same_bits_on_any_number_of_threads_and_every_time() {
    // Enough rows for histograms to be shared out among threads.
    let world = World::new(20_000, 1);
    let said = params(&[("n_estimators", "8")]);
    let on = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| world.fit(&said))
    };
    let one = on(1);
    for n_threads in [1, 2, 16] {
        assert_eq!(on(n_threads), one);
    }
    let other_seed = params(&[("n_estimators", "8"), ("seed", "43")]);
    assert_ne!(world.fit(&other_seed), one);
}

#[test]
fn rows_and_columns_are_drawn_in_the_wanted_share() {
    let world = World::new(5000, 1);
    let said = params(&[
        ("n_estimators", "30"),
        ("subsample", "0.4"),
        ("colsample_bytree", "0.5"),
    ]);
    for tree in world.fit(&said).ensemble.trees.iter() {
        // 2,000 expected, standard deviation 35.
        assert!((tree.cover[0] - 2000.0).abs() < 200.0);
        let mut features: Vec<u16> = tree.feature.iter().copied().filter(|&f| f < 4).collect();
        features.sort_unstable();
        features.dedup();
        assert!(features.len() <= 2);
    }
}

#[test]
fn every_tree_is_a_good_one_within_its_bounds() {
    let world = World::new(3000, 1);
    let said = params(&[
        ("n_estimators", "20"),
        ("max_leaves", "30"),
        ("max_depth", "6"),
    ]);
    let fit = world.fit(&said);
    assert_eq!(fit.ensemble.check(4), Ok(()));
    assert!(fit.ensemble.trees.iter().all(|tree| tree.n_leaves() == 30));
}

#[test]
fn poor_tables_are_learned_too() {
    let said = params(&[("n_estimators", "3"), ("subsample", "0.01")]);
    let fit = |columns: Vec<&[f32]>, y: &[f32]| {
        let x = Columns::new(columns, y.len());
        let fit = fit_boost(&x, y, None, &said, NOT_WATCHED);
        (fit.ensemble.predict(&x), fit.ensemble.check(x.n_columns()))
    };
    assert_eq!(fit(vec![&[]], &[]).0, [0.0; 0]);
    assert_eq!(fit(vec![&[7.0]], &[3.0]), (vec![3.0], Ok(())));
    assert_eq!(fit(vec![], &[3.0, 3.0]), (vec![3.0, 3.0], Ok(())));
    assert_eq!(
        fit(vec![&[f32::NAN, f32::NAN]], &[3.0, 3.0]),
        (vec![3.0, 3.0], Ok(()))
    );
}

#[test]
fn an_empty_validation_table_stops_nothing() {
    let world = World::new(200, 1);
    let empty = Columns::new(vec![&[]; 4], 0);
    let said = params(&[("n_estimators", "40")]);
    let fit = fit_boost(
        &world.x(),
        &world.y,
        Some((&empty, &[])),
        &said,
        NOT_WATCHED,
    );
    assert_eq!(fit, world.fit(&said));
}

#[test]
fn each_tree_is_told() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let world = World::new(100, 1);
    let advance = |n| {
        count.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
    };
    fit_boost(
        &world.x(),
        &world.y,
        None,
        &params(&[("n_estimators", "12")]),
        &advance,
    );
    assert_eq!(count.into_inner(), 12);
}

fn fit_weighted(world: &World, weights: &[f32], said: &[(&str, &str)]) -> BoostFit {
    let (x, y) = (&world.x(), &world.y);
    fit_lesson(
        Lesson {
            x,
            y,
            weights,
            roles: &[],
        },
        None,
        &params(said),
        NOT_WATCHED,
    )
}

#[test]
fn a_weight_counts_as_often_as_it_says() {
    let mut world = World::new(1200, 1);
    // A bin for each value, whatever its share of the rows is.
    for x in world.columns.iter_mut().flatten() {
        *x = x.floor();
    }
    let weights: Vec<f32> = (0..1200).map(|row| (row % 4) as f32).collect();
    let mut doubled = World {
        columns: vec![vec![]; 4],
        y: vec![],
    };
    for row in 0..1200 {
        for _ in 0..row % 4 {
            doubled.y.push(world.y[row]);
            for (to, from) in doubled.columns.iter_mut().zip(&world.columns) {
                to.push(from[row]);
            }
        }
    }
    for objective in ["reg:squarederror", "reg:absoluteerror", "count:poisson"] {
        let said = [
            ("n_estimators", "12"),
            ("subsample", "1"),
            ("colsample_bytree", "1"),
            ("learning_rate", "0.3"),
            ("max_depth", "3"),
            ("objective", objective),
        ];
        let by_weight = fit_weighted(&world, &weights, &said).ensemble;
        let by_count = fit_weighted(&doubled, &vec![1.0; 1800], &said).ensemble;
        let pairs = by_weight
            .scores(&world.x())
            .into_iter()
            .zip(by_count.scores(&world.x()));
        // The rounding of gradients differs a little.
        let squares: Vec<f64> = pairs.map(|(a, b)| (a - b) * (a - b)).collect();
        let spread = if objective == "count:poisson" {
            0.01
        } else {
            0.2
        };
        assert!(
            sums::mean(&squares).sqrt() < spread,
            "{objective} {}",
            sums::mean(&squares).sqrt()
        );
    }
}

#[test]
fn rows_without_weight_teach_nothing() {
    let mut world = World::new(1500, 1);
    let weights: Vec<f32> = (0..1500)
        .map(|row| if row % 3 == 0 { 0.0 } else { 2.5 })
        .collect();
    for objective in [
        "reg:squarederror",
        "reg:quantileerror",
        "huber",
        "reg:gamma",
    ] {
        let said = [("n_estimators", "10"), ("objective", objective)];
        let one = fit_weighted(&world, &weights, &said).ensemble;
        for row in (0..1500).step_by(3) {
            world.y[row] += 40.0;
        }
        assert_eq!(fit_weighted(&world, &weights, &said).ensemble, one);
    }
}

#[test]
fn equal_weights_are_no_weights() {
    let world = World::new(2000, 1);
    let said = [
        ("n_estimators", "15"),
        ("reg_lambda", "0"),
        ("subsample", "1"),
    ];
    let with = fit_weighted(&world, &vec![1.0; 2000], &said).ensemble;
    let without = fit_weighted(&world, &[], &said).ensemble;
    // Leaves say what rounded gradients sum to in one case, and what exact residuals do in the other.
    let pairs = with
        .predict(&world.x())
        .into_iter()
        .zip(without.predict(&world.x()));
    let squares: Vec<f64> = pairs.map(|(a, b)| (a - b) * (a - b)).collect();
    assert!(
        sums::mean(&squares).sqrt() < 0.1,
        "{}",
        sums::mean(&squares).sqrt()
    );
}

#[test]
fn every_objective_finds_its_constant_in_each_leaf() {
    // Two groups of targets; a tree of two leaves must find what each objective calls their middle.
    let x: Vec<f32> = (0..1000).map(|row| (row % 2) as f32).collect();
    let y: Vec<f32> = (0..1000)
        .map(|row| 1.0 + (row / 10) as f32 + 50.0 * (row % 2) as f32)
        .collect();
    let columns = Columns::new(vec![&x], 1000);
    for (objective, middles) in [
        ("reg:squarederror", [50.5, 100.5]),
        ("reg:absoluteerror", [50.0, 100.0]),
        ("huber", [50.5, 100.5]),
        ("reg:quantileerror", [80.0, 130.0]),
        ("count:poisson", [50.5, 100.5]),
        ("reg:gamma", [50.5, 100.5]),
    ] {
        let said = [
            ("objective", objective),
            ("quantile_alpha", "0.8"),
            ("huber_slope", "20"),
            ("n_estimators", "60"),
            ("learning_rate", "0.5"),
            ("reg_lambda", "0"),
            ("min_child_weight", "0"),
            ("subsample", "1"),
        ];
        let fit = fit_boost(&columns, &y, None, &params(&said), NOT_WATCHED);
        for (x, middle) in [0.0, 1.0].into_iter().zip(middles) {
            let found = fit.ensemble.predict_row(&[x]);
            assert!(
                (found - middle).abs() < 0.6,
                "{objective}: {found}, not {middle}"
            );
        }
        let errors = &fit.history.train_errors;
        assert!(errors[59] < errors[0] && errors.iter().all(|error| error.is_finite()));
    }
}

#[test]
fn other_losses_have_the_same_bits_on_any_number_of_threads() {
    let world = World::new(20_000, 1);
    let weights: Vec<f32> = (0..20_000).map(|row| 0.5 + (row % 7) as f32).collect();
    for objective in ["reg:quantileerror", "huber", "reg:gamma"] {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            let said = [("n_estimators", "3"), ("objective", objective)];
            pool.install(|| fit_weighted(&world, &weights, &said))
        };
        let one = on(1);
        assert_eq!(on(2), one);
        assert_eq!(on(16), one);
    }
}

/// FNV-1a (Fowler, Noll and Vo) of every number of every tree.
fn digest(ensemble: &Ensemble) -> u64 {
    let numbers = ensemble.trees.iter().flat_map(|tree| {
        let bits = |values: &[f32]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        let features = tree.feature.iter().map(|&feature| u32::from(feature));
        let missing = tree.missing_left.iter().map(|&left| u32::from(left));
        let mut numbers: Vec<u32> = features.chain(missing).collect();
        numbers.extend(&tree.left);
        for values in [&tree.threshold, &tree.value, &tree.cover] {
            numbers.extend(bits(values));
        }
        numbers
    });
    let start = ensemble.base.to_bits();
    numbers.fold(start ^ 0xcbf2_9ce4_8422_2325, |hash, number| {
        (hash ^ u64::from(number)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn every_build_and_every_processor_makes_these_bits() {
    let world = World::new(20_000, 1);
    let said = params(&[("n_estimators", "8")]);
    assert_eq!(
        digest(&world.fit(&said).ensemble),
        6_862_260_162_326_830_004
    );
    let said = params(&[("n_estimators", "4"), ("objective", "reg:gamma")]);
    assert_eq!(
        digest(&world.fit(&said).ensemble),
        6_752_526_328_126_633_975
    );
}

#[test]
fn long_rows_know_their_leaf_whether_drawn_or_not() {
    // From seven columns on rows are listed, and are told their leaf while the tree grows.
    let world = World::new(5_000, 3);
    let noise = |column| {
        (0..5_000).map(move |row| Stream::new(8, Purpose::Rows, column).below(row, 90) as f32)
    };
    let mut columns = world.columns.clone();
    columns.extend((0..5).map(|column| noise(column).collect::<Vec<f32>>()));
    let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), world.y.len());
    // Growing everything and taking back, and going from leaf to leaf; too many leaves to be numbered.
    for (depth, leaves) in [("6", "64"), ("6", "40"), ("12", "40"), ("5", "40000")] {
        for subsample in ["0.5", "1"] {
            let said = [
                ("n_estimators", "12"),
                ("max_depth", depth),
                ("max_leaves", leaves),
                ("subsample", subsample),
            ];
            let fit = fit_boost(&x, &world.y, None, &params(&said), NOT_WATCHED);
            let residuals = fit.ensemble.predict(&x).into_iter().zip(&world.y);
            let residuals: Vec<f64> = residuals.map(|(p, &y)| f64::from(y) - p).collect();
            let found = fit.history.train_errors[11];
            assert!(
                (found - sums::root_mean_square(&residuals)).abs() < 1e-9,
                "{said:?}"
            );
        }
    }
}
