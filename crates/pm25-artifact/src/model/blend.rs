//! A blend: parts that answer together, each with a weight.
//!
//! ```text
//! prediction = Σ weight (f(x) + share r) + reference_weight r
//! ```
//!
//! r is the reference: the newest known PM2.5, and where that is missing the climatology. A part with share 1 was fitted
//! to the change from it, one with share 1/2 to what is left of the value when half of it is taken off. All of it is
//! a sum, so what explains the parts explains the blend. It does not choose weights.

use pm25_learn::tree::Ensemble;
use pm25_learn::{Columns, Linear};
use serde::{Deserialize, Serialize};

use super::file::LinearFile;
use super::trees::TreesFile;

/// More than any blend of ours has.
const N_PARTS_MAX: usize = 100;
/// Weights and shares beyond this are not those of a mean of predictions.
const WEIGHT_MAX: f64 = 1e3;

/// Parts that answer together.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    /// In the order in which they are summed.
    pub parts: Vec<Part>,
    /// µg/m³ of prediction per µg/m³ of the reference, beside what the parts take of it.
    pub reference_weight: f64,
    /// Mean of the reference over the rows that it learned from, µg/m³: where explanations start.
    pub reference_mean_ug_m3: f64,
}

/// One part.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is called in reports, for example `boost-change`.
    pub name: String,
    /// How much of the blend it is.
    pub weight: f64,
    /// The share of the reference that was taken off its target, 0 to 1.
    pub reference_share: f64,
    /// What it learned.
    pub model: PartModel,
}

/// What one part learned.
#[derive(Clone, Debug, PartialEq)]
pub enum PartModel {
    /// A ridge.
    Linear(Linear),
    /// A forest or a booster.
    Trees(Ensemble),
}

impl PartModel {
    /// One value a row, µg/m³.
    pub fn predict(&self, x: &Columns) -> Vec<f64> {
        match self {
            Self::Linear(line) => line.predict(x),
            Self::Trees(trees) => trees.predict(x),
        }
    }

    /// The trees, if it has any.
    pub fn into_trees(self) -> Option<Ensemble> {
        match self {
            Self::Linear(_) => None,
            Self::Trees(trees) => Some(trees),
        }
    }
}

impl Blend {
    /// µg/m³ of prediction per µg/m³ of the reference, the parts' shares included.
    pub fn reference_slope(&self) -> f64 {
        let of_parts = self
            .parts
            .iter()
            .map(|part| part.weight * part.reference_share);
        of_parts.fold(self.reference_weight, |sum, share| sum + share)
    }

    pub(super) fn predict(&self, x: &Columns, reference: &[f64]) -> Vec<f64> {
        let slope = self.reference_slope();
        let mut sums: Vec<f64> = reference.iter().map(|r| slope * r).collect();
        for part in &self.parts {
            for (sum, said) in sums.iter_mut().zip(part.model.predict(x)) {
                *sum += part.weight * said;
            }
        }
        sums
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlendFile {
    parts: Vec<PartFile>,
    reference_weight: f64,
    reference_mean_ug_m3: f64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PartFile {
    name: String,
    weight: f64,
    reference_share: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linear: Option<LinearFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<TreesFile>,
}

impl From<Blend> for BlendFile {
    fn from(blend: Blend) -> Self {
        Self {
            parts: blend.parts.into_iter().map(PartFile::from).collect(),
            reference_weight: blend.reference_weight,
            reference_mean_ug_m3: blend.reference_mean_ug_m3,
        }
    }
}

impl From<Part> for PartFile {
    fn from(part: Part) -> Self {
        let (linear, trees) = match part.model {
            PartModel::Linear(line) => (Some(line.into()), None),
            PartModel::Trees(trees) => (None, Some(TreesFile::from(&trees))),
        };
        Self {
            name: part.name,
            weight: part.weight,
            reference_share: part.reference_share,
            linear,
            trees,
        }
    }
}

impl BlendFile {
    /// The blend, checked for rows of `n_features` values.
    pub(super) fn check(self, n_features: usize) -> Result<Blend, String> {
        if N_PARTS_MAX < self.parts.len() {
            let n = self.parts.len();
            return Err(format!("{n} parts; at most {N_PARTS_MAX} are read"));
        }
        let weights = self.parts.iter().map(|part| part.weight);
        if !weights
            .chain([self.reference_weight])
            .all(|weight| (0.0..=WEIGHT_MAX).contains(&weight))
        {
            return Err("a weight of the blend is below 0 or far above 1".to_owned());
        }
        let parts = self.parts.into_iter().map(|part| part.check(n_features));
        Ok(Blend {
            parts: parts.collect::<Result<_, _>>()?,
            reference_weight: self.reference_weight,
            reference_mean_ug_m3: self.reference_mean_ug_m3,
        })
    }
}

impl PartFile {
    fn check(self, n_features: usize) -> Result<Part, String> {
        let name = self.name;
        if !(0.0..=1.0).contains(&self.reference_share) {
            return Err(format!("the part `{name}` has a share outside 0 to 1"));
        }
        let model = match (self.linear, self.trees) {
            (Some(line), None) if line.n_terms() == n_features => PartModel::Linear(line.into()),
            (None, Some(trees)) => PartModel::Trees(trees.check(n_features)?),
            _ => {
                return Err(format!(
                    "the part `{name}` has not one line of {n_features} terms, or trees"
                ));
            }
        };
        Ok(Part {
            name,
            weight: self.weight,
            reference_share: self.reference_share,
            model,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_learn::Term;

    fn line(weight: f64) -> PartModel {
        PartModel::Linear(Linear {
            intercept: 1.0,
            terms: vec![Term {
                mean: 0.0,
                weight,
                present: 0.0,
                missing: 0.0,
            }],
        })
    }

    fn blend() -> Blend {
        let part = |name: &str, weight, reference_share, model| Part {
            name: name.to_owned(),
            weight,
            reference_share,
            model,
        };
        Blend {
            parts: vec![
                part("linear", 0.5, 0.0, line(2.0)),
                part("b", 0.25, 1.0, line(4.0)),
            ],
            reference_weight: 0.25,
            reference_mean_ug_m3: 80.0,
        }
    }

    #[test]
    fn it_is_the_weighted_sum_of_its_parts_and_the_reference() {
        let x = [3.0];
        let said = blend().predict(&Columns::new(vec![&x], 1), &[100.0]);
        // 0.5 x 7 + 0.25 x (13 + 100) + 0.25 x 100
        assert_eq!(said, [3.5 + 28.25 + 25.0]);
        assert_eq!(blend().reference_slope(), 0.5);
    }

    #[test]
    fn it_survives_the_file_and_hostile_ones_are_refused() {
        let text = serde_json::to_string(&BlendFile::from(blend())).unwrap();
        let read = |text: &str| serde_json::from_str::<BlendFile>(text).unwrap().check(1);
        assert_eq!(read(&text), Ok(blend()));
        let bad = |from: &str, to: &str| read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(bad("\"weight\":0.5", "\"weight\":-0.5").contains("weight"));
        assert!(bad("\"weight\":0.5", "\"weight\":1e300").contains("weight"));
        assert!(bad("share\":1.0", "share\":1.5").contains("share"));
        let file = BlendFile::from(blend());
        assert!(file.check(2).unwrap_err().contains("2 terms"));
    }
}
