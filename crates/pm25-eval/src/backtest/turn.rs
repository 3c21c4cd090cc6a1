//! One origin's turn: a model from its own past, asked for the rows until the next origin.
//!
//! ```text
//!              T1 = origin - valid days       origin                until
//! ── train ──┤···│────── valid ──────────┤···│────── judged ───────┤
//!   t+h < T1   h        t+h < origin       h    origin <= t < until
//! ```
//!
//! The same cut as in `pm25-prep`, so that the model is the one of separate runs with T1 and T2 = the origin.

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::{FeatureSet, Task};
use pm25_artifact::model::{Model, ModelKind};
use pm25_artifact::prep::StationFact;
use pm25_file::{Fault, Result};
use pm25_fit::{Facts, LearnArgs, Order, Params, Wanted, learn_kind, make};
use pm25_rows::features_among;
use pm25_tool::Console;

use super::origins::Origin;
use super::record::{Record, Stretch};
use crate::answers::Answers;

/// How a model is made at every origin.
pub(super) struct Recipe<'a> {
    pub(super) task: Task,
    /// As it was typed.
    pub(super) features: Option<&'a str>,
    pub(super) learn: &'a LearnArgs,
    pub(super) params: &'a Params,
    /// Days before an origin whose rows do not teach: they tell when to stop, or choose.
    pub(super) valid_days: u16,
    /// Days before an origin that are learned from; none for all.
    pub(super) train_window_days: Option<u16>,
}

/// What an origin's model may look at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) train: Stretch,
    pub(super) valid: Stretch,
    pub(super) judged: Stretch,
}

/// What came of an origin; its lists have one element a judged row.
pub(super) struct Turn {
    pub(super) origin: Origin,
    pub(super) kind: ModelKind,
    pub(super) n_features: usize,
    pub(super) n_stations: usize,
    pub(super) train_rows: usize,
    pub(super) valid_rows: usize,
    /// Names, and one index into them a row.
    pub(super) station: (Vec<String>, Vec<u32>),
    pub(super) time_s: Vec<i64>,
    pub(super) target: Vec<f32>,
    pub(super) answers: Answers,
}

impl Recipe<'_> {
    /// The stretches of an origin: all that is answered before it may be learned from.
    pub(super) fn cut(&self, origin: Origin) -> Cut {
        let days_s = |days: u16| i64::from(days) * 24 * HOUR_S;
        let horizon_s = i64::from(self.task.horizon_h()) * HOUR_S;
        let t1_s = origin.at_s - days_s(self.valid_days);
        let from_s = self
            .train_window_days
            .map_or(i64::MIN, |days| t1_s - days_s(days));
        Cut {
            train: from_s..t1_s - horizon_s,
            valid: t1_s..(origin.at_s - horizon_s).max(t1_s),
            judged: origin.at_s..origin.until_s,
        }
    }

    /// The features of an origin, which may name the stations with train rows.
    pub(super) fn features(&self, stations: &[StationFact]) -> Result<FeatureSet> {
        let names: Vec<String> = stations.iter().map(|fact| fact.name.clone()).collect();
        features_among(self.task, self.features, &names)
    }

    /// Makes the origin's model and asks it.
    ///
    /// # Errors
    /// Bad data: no rows to learn from, or a row that the model cannot answer.
    pub(super) fn turn(&self, record: &Record, origin: Origin, console: &Console) -> Result<Turn> {
        let cut = self.cut(origin);
        let stations = record.stations_in(&cut.train);
        if stations.is_empty() {
            return Err(Fault::bad_data(format!(
                "no row has a target before the origin {}",
                format_utc(origin.at_s)
            ))
            .hint("begin later (--from), or make --valid-days smaller"));
        }
        let set = self.features(&stations)?;
        let facts = Facts {
            task: self.task.into(),
            inputs: pm25_rows::facts(&set),
            stations,
        };
        let columns: Vec<String> = facts.inputs.iter().map(|f| f.column.clone()).collect();
        let sample = |stretch: &Stretch| record.sample(stretch, &columns, &facts.stations);
        let (train, valid) = (sample(&cut.train), sample(&cut.valid));
        let (train_rows, valid_rows) = (train.n_rows(), valid.n_rows());
        let model = self.model(&facts, (train, valid), console)?;
        let judged = sample(&cut.judged);
        let answers = answers(&model, &judged, record.day_before(&cut.judged), origin)?;
        let rows = judged.rows();
        let (words, codes) = rows.station.expect("the record's rows have stations");
        Ok(Turn {
            origin,
            kind: model.kind(),
            n_features: columns.len(),
            n_stations: facts.stations.len(),
            train_rows,
            valid_rows,
            station: (words.to_vec(), codes.to_vec()),
            time_s: judged.time_s().unwrap_or_default().to_vec(),
            target: judged.target.clone(),
            answers,
        })
    }

    fn model(
        &self,
        facts: &Facts,
        rows: (pm25_fit::Sample, pm25_fit::Sample),
        console: &Console,
    ) -> Result<Model> {
        let columns: Vec<&str> = facts.inputs.iter().map(|f| f.column.as_str()).collect();
        let params = self.learn.fitted_to(self.params.clone(), &columns)?;
        for sample in [&rows.0, &rows.1] {
            self.learn
                .expect_targets(&params, "the observations", &sample.target)?;
        }
        let order = Order {
            wanted: self.learn.model,
            n_folds: usize::from(self.learn.folds),
            parts: &self.learn.parts,
            stations: self.learn.stations,
            facts,
            params: &params,
        };
        match self.learn.model {
            Wanted::Kind(kind) if kind != ModelKind::Blend => {
                learn_kind(&order, kind, (&rows.0, &rows.1), console)
            }
            _ => Ok(make(&order, rows, console)?.model),
        }
    }
}

/// What the model and its baselines say; one row without an answer refuses the model.
fn answers(
    model: &Model,
    judged: &pm25_fit::Sample,
    persistence_24h: Option<Vec<f64>>,
    origin: Origin,
) -> Result<Answers> {
    let rows = judged.rows();
    let predictions = model.predict(&rows);
    if predictions.iter().any(|value| !value.is_finite()) {
        return Err(Fault::bad_data(format!(
            "the model of {} has no finite prediction for a row",
            format_utc(origin.at_s)
        ))
        .hint("look for infinite values in the observations"));
    }
    Ok(Answers {
        said: model.said(&rows, &predictions),
        model: predictions,
        intervals: None,
        persistence: model.predict_baseline(ModelKind::Persistence, &rows),
        persistence_24h,
        climatology: model.predict_baseline(ModelKind::Climatology, &rows),
        linear: model.predict_baseline(ModelKind::Linear, &rows),
    })
}
