//! The model that is being served, with everything that is known of it before the first request.
//!
//! It is made once, tested, and never changed; a new version is a new one of these.

use std::collections::BTreeMap;

use bytes::Bytes;
use pm25_air::task::question;
use pm25_air::{FeatureSet, Task};
use pm25_artifact::model::online::Ageing;
use pm25_artifact::model::{Horizons, Model, ModelKind, OnlineState, Rows, Said};
use pm25_artifact::state::StateFile;
use pm25_file::{Fault, Input as FileInput, Result, Sha256};

use crate::inputs::{self, Input};
use crate::{describe, openapi, page};

/// Where a model came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Its name in the registry, or the file's.
    pub(crate) name: String,
    /// Its version; none for a plain file.
    pub(crate) version: Option<u32>,
    /// What the file's hash is.
    pub(crate) sha256: Sha256,
    /// Where this service answers, for examples: `http://127.0.0.1:8000`.
    pub(crate) base_url: String,
}

/// A model that has passed its self-test.
pub(crate) struct Served {
    pub(crate) horizons: Horizons,
    pub(crate) origin: Origin,
    /// The hash as it is written in each answer.
    pub(crate) sha256: String,
    /// In the model's order.
    pub(crate) inputs: Vec<Input>,
    /// The features behind the inputs; none when the feature language does not have them.
    pub(crate) features: Option<FeatureSet>,
    /// Positions of the original's six fields among the inputs; none when the model takes others.
    pub(crate) classic: Option<[usize; 6]>,
    /// What the intervals of each horizon remember; none of a model that remembers nothing.
    pub(crate) memories: Vec<Option<Ageing>>,
    /// The documents that only change with the model.
    pub(crate) documents: Documents,
    positions: BTreeMap<String, usize>,
}

/// What `GET` shows of a model, ready to be sent.
#[derive(Default)]
pub(crate) struct Documents {
    pub(crate) page: Bytes,
    pub(crate) model: Bytes,
    pub(crate) openapi: Bytes,
}

/// The six fields of the original's request, with the columns that they are here.
pub(crate) const CLASSIC: [(&str, &str); 6] = [
    ("PM10", "pm10_ug_m3"),
    ("O3", "o3_ug_m3"),
    ("CO", "co_mg_m3"),
    ("hour", "hour"),
    ("dayofweek", "dayofweek"),
    ("month", "month"),
];

impl Served {
    /// Prepares a model and tests it.
    ///
    /// # Errors
    /// A bad artifact when it predicts anything but finite numbers.
    pub(crate) fn new(horizons: Horizons, origin: Origin) -> Result<Self> {
        let model = horizons.shortest();
        let features = features(model);
        let inputs = inputs::of_model(model.inputs(), features.as_ref(), model.stations().len());
        let positions: BTreeMap<String, usize> = inputs
            .iter()
            .enumerate()
            .map(|(idx, input)| (input.column.clone(), idx))
            .collect();
        let mut served = Self {
            sha256: origin.sha256.to_string(),
            classic: classic(model, &positions),
            documents: Documents::default(),
            memories: horizons.members().iter().map(own_memory).collect(),
            horizons,
            origin,
            inputs,
            features,
            positions,
        };
        served.test()?;
        served.documents = Documents {
            page: page::render(&served).into(),
            model: describe::render(&served).into(),
            openapi: openapi::render(&served).into(),
        };
        Ok(served)
    }

    /// Packs all trees for single rows, which are what most requests ask. A large forest takes about as long as it took to
    /// be read; no answer changes, so that it may be asked meanwhile.
    pub(crate) fn pack(&self) {
        self.horizons.members().iter().for_each(Model::pack);
    }

    /// The same with the state in a file, which must be this model's.
    ///
    /// # Errors
    /// A bad artifact: damaged, or another model's. Usage: a model of several horizons.
    pub(crate) fn remembering(mut self, state: &FileInput) -> Result<Self> {
        if 1 < self.horizons.members().len() {
            return Err(Fault::usage(format!(
                "--state {state}: a state is of one horizon, and the model has several"
            ))
            .hint("serve one: train it from a table of one horizon, or with --horizon-h"));
        }
        let (file, _) = StateFile::read(state, (self.origin.sha256, self.model().task()))?;
        self.memories = vec![memory(self.model(), &file.state)];
        Ok(self)
    }

    /// The model; of several horizons the shortest, which has the inputs and stations of all.
    pub(crate) fn model(&self) -> &Model {
        self.horizons.shortest()
    }

    /// What is asked of [`Self::model`].
    pub(crate) fn task(&self) -> Task {
        self.model().task().into()
    }

    /// Hours from a row's hour to those that are predicted, rising; 0 for a nowcast.
    pub(crate) fn horizons_h(&self) -> Vec<u16> {
        self.horizons.horizons_h()
    }

    /// What is asked, in words.
    pub(crate) fn question(&self) -> String {
        let members = self.horizons.members().iter();
        let tasks: Vec<Task> = members.map(|model| model.task().into()).collect();
        question(&tasks)
    }

    /// Whether each horizon's model knows how far off it may be.
    pub(crate) fn knows_errors(&self) -> bool {
        let any = Said::of_error(1.0, 1.0);
        let knows = |model: &Model| model.chance_above(any, 1.0).is_some();
        self.horizons.members().iter().all(knows)
    }

    /// How the model predicts, in a word; `mixed` where its horizons differ in that.
    pub(crate) fn kind(&self) -> &'static str {
        let kind = self.model().kind();
        let is_alike = |model: &Model| model.kind() == kind;
        match self.horizons.members().iter().all(is_alike) {
            true => kind.word(),
            false => "mixed",
        }
    }

    /// Where an input column stands; the first guess is usually right, since programs write the columns of
    /// each row in the same order.
    pub(crate) fn position(&self, column: &str, guess: usize) -> Option<usize> {
        match self.inputs.get(guess) {
            Some(input) if input.column == column => Some(guess),
            _ => self.positions.get(column).copied(),
        }
    }

    /// The first hex digits of the hash: enough for a person.
    pub(crate) fn short_hash(&self) -> &str {
        self.sha256.get(..8).unwrap_or_default()
    }

    /// A usual row, one with nothing measured, and the two ends of what is possible.
    fn test(&self) -> Result<()> {
        let ends = |pick: fn((f32, f32)) -> f32| {
            self.inputs
                .iter()
                .map(|input| input.bound.map_or(0.0, |bound| pick(bound.range())))
                .collect()
        };
        let vectors: [Vec<f32>; 4] = [
            self.inputs.iter().map(|input| input.typical).collect(),
            vec![f32::NAN; self.inputs.len()],
            ends(|range| range.0),
            ends(|range| range.1),
        ];
        for vector in &vectors {
            let features = vector.iter().map(std::slice::from_ref).collect();
            let rows = Rows {
                station: None,
                time_s: None,
                persistence_ug_m3: None,
                features,
                n_rows: 1,
            };
            for model in self.horizons.members() {
                let predictions = model.predict(&rows);
                if matches!(predictions[..], [value] if value.is_finite()) {
                    continue;
                }
                let what = format!(
                    "the model {} predicts {predictions:?} in its self-test",
                    self.short_hash()
                );
                return Err(Fault::bad_artifact(what).hint("train it again with `pm25-train`"));
            }
        }
        Ok(())
    }
}

/// What a model remembers by itself.
fn own_memory(model: &Model) -> Option<Ageing> {
    memory(model, model.online.as_ref()?)
}

fn memory(model: &Model, state: &OnlineState) -> Option<Ageing> {
    let intervals = model.intervals.as_ref()?;
    Some(Ageing::of(state, intervals, model.task().into()))
}

/// The model's inputs as features, if each of them is what its expression makes.
fn features(model: &Model) -> Option<FeatureSet> {
    let expressions: Vec<&str> = model
        .inputs()
        .iter()
        .map(|fact| fact.expression.as_str())
        .collect();
    let set = FeatureSet::parse(model.task().into(), &expressions.join(",")).ok()?;
    let columns = set.features().iter().map(|feature| feature.column());
    columns
        .eq(model.inputs().iter().map(|fact| fact.column.clone()))
        .then_some(set)
}

/// The original predicted PM2.5 of the same hour from the six, so neither a forecast nor a model that does not look at
/// them keeps its contract: persistence and climatology would answer the same number to everybody.
fn classic(model: &Model, positions: &BTreeMap<String, usize>) -> Option<[usize; 6]> {
    let looks = !matches!(
        model.kind(),
        ModelKind::Persistence | ModelKind::Climatology
    );
    let is_nowcast = Task::from(model.task()) == Task::Nowcast;
    if !looks || !is_nowcast || model.inputs().len() != CLASSIC.len() {
        return None;
    }
    let mut found = [0; 6];
    for (place, (_, column)) in found.iter_mut().zip(CLASSIC) {
        *place = *positions.get(column)?;
    }
    Some(found)
}
