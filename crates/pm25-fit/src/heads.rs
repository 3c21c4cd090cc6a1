//! Quantile heads: two boosters that learn where 5 % and 95 % of truths lie, each from all rows that a model may learn from.
//!
//! What is far from the prediction is not symmetrical, and a booster that sees every year knows when: heads say both ends, where
//! a spread says one width. They do not move the prediction, and out of fold they are too narrow by as much as conformal calibration
//! finds afterwards. A head learns the value, or what the ridge leaves of it: an hour ahead most of the value is the newest one,
//! which trees can only approach in steps and a line says at once.

use pm25_artifact::model::{Heads, HeadsBase, Model};
use pm25_file::{Fault, Result};
use pm25_learn::tree::{BoostParams, Ensemble, Lesson, fit_quantiles};

use crate::calibrate::COVERAGE;
use crate::oof::OutOfFold;
use crate::sample::Sample;

/// With fewer judged rows levels of the prediction say as much.
pub(crate) const ROWS_MIN: usize = 5000;
/// From as many rows on trees take small steps, and there are more of them.
const MANY_ROWS: usize = 100_000;
/// Number and step of trees for many rows, and for fewer.
const STEPS: [[&str; 2]; 2] = [["300", "0.05"], ["120", "0.1"]];
/// Strongly shrunk trees of large leaves: a leaf's quantile rests on the twentieth part of its rows. Fewer bins, rows and columns a
/// tree than a prediction wants, since the ends are rough, and each tree sees other ones.
const SETTINGS: [(&str, &str); 7] = [
    ("max_depth", "10"),
    ("max_leaves", "31"),
    ("colsample_bytree", "0.3"),
    ("subsample", "0.3"),
    ("min_child_weight", "100"),
    ("max_bin", "64"),
    ("early_stopping_rounds", "0"),
];

/// What heads say of each judged row, learned from the train rows of its fold, µg/m³.
pub(crate) fn out_of_fold(of: &OutOfFold, base: HeadsBase) -> Result<Vec<[f64; 2]>> {
    let settings = settings(of.n_rows())?;
    let mut ends = Vec::with_capacity(of.target.len());
    for (model, train, judged) in of.each_fold() {
        let heads = learn(&train, (base, &settings), model)?;
        ends.extend(heads.of_rows(&model.linear, &judged.rows()));
    }
    Ok(ends)
}

/// Learns from all rows that may teach; the ridge is that of `model`.
pub(crate) fn refit(rows: &Sample, base: HeadsBase, model: &Model) -> Result<Heads> {
    learn(rows, (base, &settings(rows.n_rows())?), model)
}

fn learn(
    rows: &Sample,
    (base, settings): (HeadsBase, &BoostParams),
    model: &Model,
) -> Result<Heads> {
    let x = rows.matrix();
    let base_ug_m3 = base.of_rows(&model.linear, &x);
    let left = rows.target.iter().zip(&base_ug_m3);
    let left: Vec<f32> = left
        .map(|(&target, base)| (f64::from(target) - base) as f32)
        .collect();
    let lesson = Lesson {
        x: &x,
        y: &left,
        weights: &[],
        roles: &[],
    };
    let outside = (1.0 - COVERAGE) / 2.0;
    let levels = [outside, 1.0 - outside];
    let (quantiles, _) = fit_quantiles(lesson, None, &levels, settings, &|_| {});
    let ends: [Ensemble; 2] = quantiles
        .ensembles
        .try_into()
        .map_err(|_| Fault::unforeseen("two quantiles were asked for"))?;
    Ok(Heads { base, ends })
}

/// For a table of so many rows, of which folds have fewer.
fn settings(n_rows: usize) -> Result<BoostParams> {
    let [n_trees, step] = STEPS[usize::from(n_rows < MANY_ROWS)];
    let steps = [("n_estimators", n_trees), ("learning_rate", step)];
    let pairs = steps.into_iter().chain(SETTINGS);
    let pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    BoostParams::from_pairs(&pairs)
        .map_err(|e| Fault::unforeseen("the settings of quantile heads are refused").because(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::Wanted;
    use crate::fit::{Facts, baselines};
    use crate::params::Params;
    use crate::sample::Parts;
    use pm25_artifact::prep::{FeatureFact, TaskFact};

    fn chance(i: u32) -> f64 {
        f64::from(i.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX)
    }

    /// 40 x where x runs to and fro, and what is added lies between 0 and 10, in every third hour and 50: all above.
    fn rows(hours: std::ops::Range<u32>) -> Sample {
        let rough = |i: u32| if i.is_multiple_of(3) { 1.0_f32 } else { 0.0 };
        let slope = |i: u32| (i % 101) as f32 / 10.0;
        let target =
            |i: u32| 40.0 * f64::from(slope(i)) + (10.0 + 40.0 * f64::from(rough(i))) * chance(i);
        Sample::from(Parts {
            columns: vec![
                hours.clone().map(rough).collect(),
                hours.clone().map(slope).collect(),
            ],
            target: hours.clone().map(|i| target(i) as f32).collect(),
            time_s: hours.clone().map(|i| i64::from(i) * 3600).collect(),
            persistence: vec![f32::NAN; hours.len()],
            station: (vec!["a".to_owned()], vec![0; hours.len()]),
        })
    }

    fn model(rows: &Sample) -> Model {
        let input = |column: &str| FeatureFact {
            column: column.into(),
            expression: column.into(),
            unit: "1".into(),
        };
        let facts = Facts {
            task: TaskFact::Forecast { horizon_h: 1 },
            inputs: vec![input("rough"), input("slope")],
            stations: Vec::new(),
        };
        let params = Params::parse(&[], &[], Wanted::Best).unwrap();
        baselines(rows, &facts, &params)
    }

    #[test]
    fn heads_know_when_it_is_rough_and_a_ridge_below_them_brings_them_nearer() {
        let (lesson, later) = (rows(0..12_000), rows(12_000..18_000));
        let model = model(&lesson);
        let width_off = |base: HeadsBase| {
            let heads = refit(&lesson, base, &model).unwrap();
            let ends = heads.of_rows(&model.linear, &later.rows());
            let inside = ends.iter().zip(&later.target);
            let inside =
                inside.filter(|(ends, y)| ends[0] <= f64::from(**y) && f64::from(**y) <= ends[1]);
            assert!((4_700..5_700).contains(&inside.count()), "{base:?}");
            let off = |row: usize| {
                let truth = if row.is_multiple_of(3) { 45.0 } else { 9.0 };
                (ends[row][1] - ends[row][0] - truth).abs()
            };
            (0..6_000).map(off).sum::<f64>() / 6_000.0
        };
        let [alone, on_ridge] = [HeadsBase::Value, HeadsBase::Linear].map(width_off);
        assert!(on_ridge < 2.0 && on_ridge < alone, "{on_ridge} {alone}");
    }

    #[test]
    fn many_rows_have_more_trees_of_smaller_steps() {
        let words = |n_rows: usize| settings(n_rows).unwrap().settings();
        assert_eq!(crate::params::count_of(&words(MANY_ROWS)), 300);
        assert_eq!(crate::params::count_of(&words(MANY_ROWS - 1)), 120);
    }
}
