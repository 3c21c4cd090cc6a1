//! How far off a model expects itself to be: the error of each row, or where 5 % and 95 % of its truths lie.
//!
//! Both only place and scale intervals, see [`super::Intervals`]; neither moves a prediction, and neither is a promise before it has
//! been calibrated.

use pm25_learn::tree::{Ensemble, uncross};
use pm25_learn::{Columns, Linear};
use serde::{Deserialize, Serialize};

use super::trees::TreesFile;
use super::{Measure, Rows, Said};

/// No error smaller than this is expected, µg/m³: monitors show no less.
const SPREAD_MIN_UG_M3: f64 = 0.5;

/// What tells how far off a model will be.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// The mean absolute error, from the inputs and, as one more column, the prediction.
    Error(Ensemble),
    /// A low and a high quantile of the truth.
    Heads(Heads),
}

/// Two quantiles of the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Heads {
    /// What they are added to.
    pub base: HeadsBase,
    /// The 5 % and the 95 % quantile of the truth less its base, µg/m³, from the inputs.
    pub ends: [Ensemble; 2],
}

/// What heads are added to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadsBase {
    /// Nothing: they are quantiles of the value.
    Value,
    /// What the ridge that travels with the model says.
    Linear,
}

/// Heads on disk.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadsFile {
    base: HeadsBase,
    lower: TreesFile,
    upper: TreesFile,
}

impl Expected {
    /// What intervals beside it are measured in.
    pub fn measure(&self) -> Measure {
        match self {
            Self::Error(_) => Measure::Spread,
            Self::Heads(_) => Measure::Heads,
        }
    }

    /// See [`Ensemble::pack`].
    pub(super) fn pack(&self) {
        match self {
            Self::Error(trees) => trees.pack(),
            Self::Heads(heads) => heads.ends.iter().for_each(Ensemble::pack),
        }
    }

    /// What is said of each row beside its prediction; `linear` is the ridge that travels with the model.
    ///
    /// # Panics
    /// If `rows` has not the columns that it learned from.
    pub fn said(&self, linear: &Linear, rows: &Rows, predictions: &[f64]) -> Vec<Said> {
        match self {
            Self::Error(trees) => {
                let errors = spreads(trees, rows, predictions);
                let said = predictions.iter().zip(errors);
                said.map(|(&prediction, error)| Said::of_error(prediction, error))
                    .collect()
            }
            Self::Heads(heads) => {
                let ends = heads.of_rows(linear, rows);
                let said = predictions.iter().zip(ends);
                said.map(|(&prediction, ends)| Said::of_ends(prediction, ends))
                    .collect()
            }
        }
    }
}

impl Heads {
    /// The quantiles of each row, µg/m³, the lower one first.
    ///
    /// # Panics
    /// If `rows` has not the columns that they learned from.
    pub fn of_rows(&self, linear: &Linear, rows: &Rows) -> Vec<[f64; 2]> {
        let x = Columns::new(rows.features.clone(), rows.n_rows);
        let base = self.base.of_rows(linear, &x);
        let [lower, upper] = self.ends.each_ref().map(|trees| trees.predict(&x));
        let ends = lower.into_iter().zip(upper).zip(base);
        ends.map(|((lower, upper), base)| {
            let mut ends = [base + lower, base + upper];
            uncross(&mut ends);
            ends
        })
        .collect()
    }
}

impl HeadsBase {
    /// The base of each row, µg/m³.
    pub fn of_rows(self, linear: &Linear, x: &Columns) -> Vec<f64> {
        match self {
            Self::Value => vec![0.0; x.n_rows()],
            Self::Linear => linear.predict(x),
        }
    }
}

impl Said {
    /// Of a model that expects no error.
    pub fn plain(prediction_ug_m3: f64) -> Self {
        Self::of_error(prediction_ug_m3, f64::NAN)
    }

    /// Of a model that expects this mean absolute error, µg/m³.
    pub fn of_error(prediction_ug_m3: f64, error_ug_m3: f64) -> Self {
        Self {
            prediction_ug_m3,
            centre_ug_m3: prediction_ug_m3,
            spread_ug_m3: error_ug_m3,
        }
    }

    /// Of a model that expects the truth between these, µg/m³.
    pub fn of_ends(prediction_ug_m3: f64, [lower, upper]: [f64; 2]) -> Self {
        Self {
            prediction_ug_m3,
            centre_ug_m3: (lower + upper) / 2.0,
            spread_ug_m3: ((upper - lower) / 2.0).max(SPREAD_MIN_UG_M3),
        }
    }
}

/// What an ensemble that has learned from absolute errors expects them to be, µg/m³: its last column is the prediction.
pub fn spreads(trees: &Ensemble, rows: &Rows, predictions: &[f64]) -> Vec<f64> {
    let last: Vec<f32> = predictions.iter().map(|&p| p as f32).collect();
    let mut features = rows.features.clone();
    features.push(&last);
    let expected = trees.predict(&Columns::new(features, rows.n_rows));
    expected
        .into_iter()
        .map(|error| error.max(SPREAD_MIN_UG_M3))
        .collect()
}

impl From<&Heads> for HeadsFile {
    fn from(heads: &Heads) -> Self {
        let [lower, upper] = heads.ends.each_ref().map(TreesFile::from);
        Self {
            base: heads.base,
            lower,
            upper,
        }
    }
}

impl HeadsFile {
    /// The heads, checked for rows of `n_features` values.
    pub(super) fn check(&self, n_features: usize) -> Result<Heads, String> {
        Ok(Heads {
            base: self.base,
            ends: [self.lower.check(n_features)?, self.upper.check(n_features)?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_learn::Term;
    use pm25_learn::tree::Link;

    fn constant(base: f64) -> Ensemble {
        Ensemble {
            base,
            scale: 1.0,
            link: Link::Identity,
            trees: Vec::new().into(),
        }
    }

    fn line() -> Linear {
        Linear {
            intercept: 10.0,
            terms: vec![Term {
                mean: 0.0,
                weight: 2.0,
                present: 0.0,
                missing: 0.0,
            }],
        }
    }

    fn said(base: HeadsBase, ends: [f64; 2]) -> Vec<Said> {
        let heads = Heads {
            base,
            ends: ends.map(constant),
        };
        let rows = Rows {
            station: None,
            time_s: None,
            persistence_ug_m3: None,
            features: vec![&[0.0, 5.0]],
            n_rows: 2,
        };
        Expected::Heads(heads).said(&line(), &rows, &[12.0, 21.0])
    }

    #[test]
    fn heads_are_added_to_what_they_were_learned_from() {
        let alone = said(HeadsBase::Value, [4.0, 30.0]);
        assert_eq!(alone, [12.0, 21.0].map(|p| Said::of_ends(p, [4.0, 30.0])));
        let [first, second] = said(HeadsBase::Linear, [-6.0, 8.0])[..] else {
            panic!("two rows")
        };
        let at_0 = line().predict(&Columns::new(vec![&[0.0]], 1))[0];
        assert_eq!((first.centre_ug_m3, first.spread_ug_m3), (at_0 + 1.0, 7.0));
        assert_eq!(second.centre_ug_m3, first.centre_ug_m3 + 10.0);
        assert_eq!(second.prediction_ug_m3, 21.0);
    }

    #[test]
    fn crossed_heads_are_put_in_order_and_none_are_closer_than_a_monitor_can_tell() {
        assert_eq!(said(HeadsBase::Value, [9.0, 5.0])[0].centre_ug_m3, 7.0);
        assert_eq!(said(HeadsBase::Value, [9.0, 5.0])[0].spread_ug_m3, 2.0);
        assert_eq!(said(HeadsBase::Value, [9.0, 9.0])[0].spread_ug_m3, 0.5);
    }
}
