//! For tests only: what a column's role asks of a booster, and what it gets.

use super::boost::*;
use super::boost_tests::{NOT_WATCHED, params, plain};
use super::chance::{Purpose, Stream};
use super::ensemble::Ensemble;
use super::role::Role;
use super::sums;
use crate::columns::Columns;

#[test]
fn predictions_never_fall_where_they_shall_rise() {
    // Targets that rise, and fall, with much noise and a dip that must be bridged.
    let chance = |column| Stream::new(8, Purpose::Rows, column);
    let column = |idx| {
        (0..3000)
            .map(|row| (60.0 * chance(idx).fraction(row)).floor() as f32)
            .collect()
    };
    let columns: Vec<Vec<f32>> = (0..3).map(column).collect();
    let y: Vec<f32> = (0..3000)
        .map(|row| {
            let dip = if (20.0..30.0).contains(&columns[0][row]) {
                -30.0
            } else {
                0.0
            };
            let rising = columns[0][row] + dip - 0.5 * columns[1][row] + 0.3 * columns[2][row];
            100.0 + rising + 30.0 * chance(9).fraction(row) as f32
        })
        .collect();
    let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), 3000);
    for (objective, weights) in [("reg:squarederror", vec![]), ("reg:gamma", vec![2.0; 3000])] {
        let roles = &[Role::Rising, Role::Falling, Role::Number];
        let said = params(&[
            ("n_estimators", "40"),
            ("learning_rate", "0.3"),
            ("objective", objective),
        ]);
        let lesson = |roles| Lesson {
            x: &x,
            y: &y,
            weights: &weights,
            roles,
        };
        let fit = fit_lesson(lesson(roles), None, &said, NOT_WATCHED).ensemble;
        let free = fit_lesson(lesson(&[]), None, &said, NOT_WATCHED).ensemble;
        let fall = |ensemble: &Ensemble, feature: usize, sign: f64| {
            let mut worst = 0.0_f64;
            for row in 0..60 {
                let mut row: Vec<f32> = (0..3).map(|idx| columns[idx][50 * row]).collect();
                let mut last = f64::NEG_INFINITY;
                for value in 0..60 {
                    row[feature] = value as f32;
                    let now = sign * ensemble.predict_row(&row);
                    worst = worst.max(last - now);
                    last = now;
                }
            }
            worst
        };
        assert!(fall(&fit, 0, 1.0) < 1e-9 && fall(&fit, 1, -1.0) < 1e-9);
        assert!(1e-3 < fall(&free, 0, 1.0) && 1e-3 < fall(&fit, 2, 1.0));
    }
}

#[test]
fn categories_are_grouped_by_what_they_want() {
    // Groups that no order of the numbers makes neighbours; 254 and strange values are met too.
    let group = |category: usize| [30.0, 10.0, 20.0][category * 7 % 3];
    let chance = Stream::new(8, Purpose::Rows, 0);
    for n_categories in [3, 40, 255] {
        let of_row: Vec<usize> = (0..6000)
            .map(|row| chance.below(row, n_categories))
            .collect();
        let mut x: Vec<f32> = of_row.iter().map(|&category| category as f32).collect();
        let mut y: Vec<f32> = of_row.iter().map(|&category| group(category)).collect();
        for (row, strange) in [f32::NAN, -1.0, 255.0, 0.5].into_iter().enumerate() {
            (x[row], y[row]) = (strange, 5.0);
        }
        let columns = Columns::new(vec![&x], 6000);
        let lesson = Lesson {
            x: &columns,
            y: &y,
            weights: &[],
            roles: &[Role::Category],
        };
        let said = plain(&[
            ("n_estimators", "30"),
            ("learning_rate", "0.5"),
            ("max_depth", "5"),
        ]);
        let ensemble = fit_lesson(lesson, None, &said, NOT_WATCHED).ensemble;
        assert_eq!(ensemble.check(1), Ok(()));
        assert!(ensemble.trees.iter().any(|tree| !tree.sets.is_empty()));
        let seen = |category: usize| 10 <= of_row.iter().filter(|&&c| c == category).count();
        for category in (0..n_categories).filter(|&category| seen(category)) {
            let found = ensemble.predict_row(&[category as f32]);
            assert!(
                (found - f64::from(group(category))).abs() < 1.5,
                "{n_categories} {category} {found}"
            );
        }
        // What the rows said of themselves is what the finished tree says of raw values.
        let history = fit_lesson(lesson, None, &said, NOT_WATCHED).history;
        let residuals: Vec<f64> = ensemble
            .predict(&columns)
            .iter()
            .zip(&y)
            .map(|(p, &y)| f64::from(y) - p)
            .collect();
        assert_eq!(
            history.train_errors[29].to_bits(),
            sums::root_mean_square(&residuals).to_bits()
        );
    }
}
