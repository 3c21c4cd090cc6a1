//! A blend: parts that answer together, each with a weight.
//!
//! ```text
//! prediction = Σ weight (f(x) + share r) + reference_weight r
//! ```
//!
//! r is the reference: the newest known PM2.5, and where that is missing the climatology. A part with share 1 was fitted
//! to the change from it, one with share 1/2 to what is left of the value when half of it is taken off. All of it is
//! a sum, so what explains the parts explains the blend. It does not choose weights.

use std::sync::Arc;

use pm25_learn::Linear;
use pm25_learn::tree::Ensemble;
use serde::{Deserialize, Serialize};

use super::file::LinearFile;
use super::own::{Frame, Learned, Own, OwnFile, Question, check_together};
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
    /// Trees that all horizons of a file share: hours ahead are their last column.
    Together(Arc<Ensemble>),
    /// A learner for each station.
    Own(Own),
}

impl PartModel {
    fn predict(&self, question: &Question) -> Vec<f64> {
        match self {
            Self::Linear(line) => line.predict(&question.x),
            Self::Trees(trees) => trees.predict(&question.x),
            Self::Together(trees) => trees.predict(&question.with_horizon()),
            Self::Own(own) => own.predict(question),
        }
    }
}

impl PartModel {
    /// See [`Ensemble::pack`].
    pub(super) fn pack(&self) {
        match self {
            Self::Linear(_) => {}
            Self::Trees(trees) => trees.pack(),
            Self::Together(trees) => trees.pack(),
            Self::Own(own) => own.pack(),
        }
    }
}

impl From<Learned> for PartModel {
    fn from(learned: Learned) -> Self {
        match learned {
            Learned::Linear(line) => Self::Linear(line),
            Learned::Trees(trees) => Self::Trees(trees),
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

    /// The trees that it shares with other horizons, as often as parts ask them.
    pub(super) fn together(&self) -> impl Iterator<Item = &Arc<Ensemble>> {
        self.parts.iter().filter_map(|part| match &part.model {
            PartModel::Together(trees) => Some(trees),
            _ => None,
        })
    }

    pub(super) fn predict(&self, question: &Question, reference: &[f64]) -> Vec<f64> {
        let slope = self.reference_slope();
        let mut sums: Vec<f64> = reference.iter().map(|r| slope * r).collect();
        for part in &self.parts {
            for (sum, said) in sums.iter_mut().zip(part.model.predict(question)) {
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
    /// Trees with hours ahead as one more column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    together: Option<TreesFile>,
    /// The same, as a number in the list that the models of a file share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<OwnFile>,
}

impl BlendFile {
    /// As it is written; what is in `shared` is told by its number.
    pub(super) fn of(blend: Blend, shared: &[Arc<Ensemble>]) -> Self {
        let parts = blend.parts.into_iter();
        Self {
            parts: parts.map(|part| PartFile::of(part, shared)).collect(),
            reference_weight: blend.reference_weight,
            reference_mean_ug_m3: blend.reference_mean_ug_m3,
        }
    }
}

impl PartFile {
    fn of(part: Part, shared: &[Arc<Ensemble>]) -> Self {
        let mut file = Self {
            name: part.name,
            weight: part.weight,
            reference_share: part.reference_share,
            linear: None,
            trees: None,
            together: None,
            shared: None,
            own: None,
        };
        match part.model {
            PartModel::Linear(line) => file.linear = Some(line.into()),
            PartModel::Trees(trees) => file.trees = Some(TreesFile::from(&trees)),
            PartModel::Own(own) => file.own = Some(own.into()),
            PartModel::Together(trees) => {
                let place = shared.iter().position(|known| Arc::ptr_eq(known, &trees));
                match place.and_then(|place| u16::try_from(place).ok()) {
                    Some(place) => file.shared = Some(place),
                    None => file.together = Some(TreesFile::from(&*trees)),
                }
            }
        }
        file
    }
}

impl BlendFile {
    /// Which of the shared learners its parts ask.
    pub(super) fn shared(&self) -> impl Iterator<Item = u16> {
        self.parts.iter().filter_map(|part| part.shared)
    }

    /// The blend, checked for the model that it stands in.
    pub(super) fn check(self, frame: &Frame) -> Result<Blend, String> {
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
        let parts = self.parts.into_iter().map(|part| part.check(frame));
        Ok(Blend {
            parts: parts.collect::<Result<_, _>>()?,
            reference_weight: self.reference_weight,
            reference_mean_ug_m3: self.reference_mean_ug_m3,
        })
    }
}

impl PartFile {
    fn check(self, frame: &Frame) -> Result<Part, String> {
        if !(0.0..=1.0).contains(&self.reference_share) {
            let name = self.name;
            return Err(format!("the part `{name}` has a share outside 0 to 1"));
        }
        let (name, weight, reference_share) =
            (self.name.clone(), self.weight, self.reference_share);
        let model = self.model(frame);
        Ok(Part {
            model: model.map_err(|what| format!("the part `{name}`: {what}"))?,
            name,
            weight,
            reference_share,
        })
    }

    /// The one thing that it learned.
    fn model(self, frame: &Frame) -> Result<PartModel, String> {
        let asks_horizon = self.together.is_some() || self.shared.is_some();
        if asks_horizon && !frame.is_forecast {
            return Err(
                "it asks for hours ahead, and the model is no forecast of an hour".to_owned(),
            );
        }
        let n_features = frame.n_features;
        match (
            self.linear,
            self.trees,
            self.together,
            self.shared,
            self.own,
        ) {
            (Some(line), None, None, None, None) if line.n_terms() == n_features => {
                Ok(PartModel::Linear(line.into()))
            }
            (None, Some(trees), None, None, None) => Ok(PartModel::Trees(trees.check(n_features)?)),
            (None, None, Some(trees), None, None) => {
                Ok(PartModel::Together(check_together(&trees, n_features)?))
            }
            (None, None, None, Some(place), None) => {
                let trees = frame.shared.get(usize::from(place));
                let trees =
                    trees.ok_or_else(|| format!("no shared trees have the number {place}"))?;
                Ok(PartModel::Together(Arc::clone(trees)))
            }
            (None, None, None, None, Some(own)) => Ok(PartModel::Own(own.check(frame)?)),
            _ => Err(format!(
                "it has not one line of {n_features} terms, or trees"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_learn::{Columns, Term};

    const FRAME: Frame<'static> = Frame {
        n_features: 1,
        n_stations: 0,
        is_forecast: true,
        shared: &[],
    };

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
        let said = blend().predict(
            &Question::of(Columns::new(vec![&x], 1), 1, vec![None]),
            &[100.0],
        );
        // 0.5 x 7 + 0.25 x (13 + 100) + 0.25 x 100
        assert_eq!(said, [3.5 + 28.25 + 25.0]);
        assert_eq!(blend().reference_slope(), 0.5);
    }

    #[test]
    fn it_survives_the_file_and_hostile_ones_are_refused() {
        let text = serde_json::to_string(&BlendFile::of(blend(), &[])).unwrap();
        let read = |text: &str| {
            serde_json::from_str::<BlendFile>(text)
                .unwrap()
                .check(&FRAME)
        };
        assert_eq!(read(&text), Ok(blend()));
        let bad = |from: &str, to: &str| read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(bad("\"weight\":0.5", "\"weight\":-0.5").contains("weight"));
        assert!(bad("\"weight\":0.5", "\"weight\":1e300").contains("weight"));
        assert!(bad("share\":1.0", "share\":1.5").contains("share"));
        let file = BlendFile::of(blend(), &[]);
        let wide = Frame {
            n_features: 2,
            ..FRAME
        };
        assert!(file.check(&wide).unwrap_err().contains("2 terms"));
    }
}
