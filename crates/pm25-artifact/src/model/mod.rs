//! The model file: everything that is needed to predict, and nothing else.
//!
//! [`Model`] is what programs use; [`file`] is what is written down. Loading validates everything once and
//! then trusts it. The climatology and the ridge travel with every model as baselines.

mod blend;
mod chances;
mod climatology;
mod cost;
#[cfg(test)]
mod damage_tests;
mod expected;
mod file;
mod horizons;
#[cfg(test)]
mod horizons_tests;
#[cfg(test)]
mod hostile_tests;
mod intervals;
pub mod online;
mod own;
mod trees;
pub mod warning;

use std::fmt;
use std::str::FromStr;

use pm25_file::{Header, Input, InputRef, Output, Result, Sha256, write_document};
use pm25_learn::tree::Ensemble;
use pm25_learn::{Columns, Linear};
use serde::{Deserialize, Serialize};

pub use blend::{Blend, Part, PartModel};
pub use climatology::{Climatology, N_HOURS, N_MONTHS, predicted_hour};
pub use cost::{WarningCosts, line_at};
pub use expected::{Expected, Heads, HeadsBase, spreads};

pub use horizons::{Horizons, N_HORIZONS_MAX};
pub use intervals::{IntervalLevel, Intervals, Measure, Said};
pub use online::OnlineState;
pub use own::{HORIZON_COLUMN, Learned, Own, Question, taken};
pub use warning::WarningLine;

use crate::drift::{ProfileFile, Profiles, RowSpan};
use crate::prep::{FeatureFact, StationFact, TaskFact};
use crate::train::LearnedFrom;
use file::ModelFile;

/// How a model predicts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// The newest known PM2.5; where that is missing, the climatology.
    Persistence,
    /// Mean of the station's month and hour.
    Climatology,
    /// Ridge regression.
    Linear,
    /// Random forest.
    Forest,
    /// Gradient boosting.
    Boost,
    /// Several of them, each with a weight.
    Blend,
}

impl ModelKind {
    /// All kinds, simplest first.
    pub const ALL: [Self; 6] = [
        Self::Persistence,
        Self::Climatology,
        Self::Linear,
        Self::Forest,
        Self::Boost,
        Self::Blend,
    ];

    /// As it is typed and written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Persistence => "persistence",
            Self::Climatology => "climatology",
            Self::Linear => "linear",
            Self::Forest => "forest",
            Self::Boost => "boost",
            Self::Blend => "blend",
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ModelKind {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| {
                format!(
                    "`{word}` is none of persistence, climatology, linear, forest, boost, blend"
                )
            })
    }
}

/// Rows of a prepared table as a model wants them.
pub struct Rows<'a> {
    /// Station names and one index into them per row; none in a table that has no stations.
    pub station: Option<(&'a [String], &'a [u32])>,
    /// Stamp t of each row, seconds since 1970 UTC.
    pub time_s: Option<&'a [i64]>,
    /// Newest known PM2.5, µg/m³; NaN = missing.
    pub persistence_ug_m3: Option<&'a [f32]>,
    /// Feature columns in the order of [`Model::inputs`].
    pub features: Vec<&'a [f32]>,
    /// How many rows.
    pub n_rows: usize,
}

/// A model, ready to be asked.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it comes from.
    pub header: Header,
    /// How it predicts.
    pub kind: ModelKind,
    /// What it predicts.
    pub task: TaskFact,
    /// Feature columns in order.
    pub inputs: Vec<FeatureFact>,
    /// Stations of the train rows, sorted; `station_code` is the position here.
    pub stations: Vec<StationFact>,
    /// Baseline: mean of station, month and hour.
    pub climatology: Climatology,
    /// Baseline: the ridge.
    pub linear: Linear,
    /// The trees of a forest or a booster, and of nothing else.
    pub trees: Option<Ensemble>,
    /// The parts of a blend, and of nothing else.
    pub blend: Option<Blend>,
    /// How far truths lie from its predictions; none if it was not calibrated.
    pub intervals: Option<Intervals>,
    /// How far off it expects itself to be; only beside `intervals`.
    pub spread: Option<Expected>,
    /// What was remembered of the calibration's last weeks, so that intervals can follow what comes true from there on;
    /// only beside `intervals`.
    pub online: Option<OnlineState>,
    /// Lines above which its predictions warn; none where no rows could choose them.
    pub warning_lines: Vec<WarningLine>,
    /// What its train rows were like; drift is measured against it. None in a model that was imported.
    pub profile: Option<TrainProfile>,
}

/// What the train rows of a model were like.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrainProfile {
    /// How many rows, from when to when.
    pub span: RowSpan,
    /// Per feature column.
    pub columns: Profiles,
    /// What the model predicts on these rows, µg/m³.
    pub prediction: ProfileFile,
}

impl Model {
    /// Reads and validates a model file of one horizon; whatever is wrong with it is a bad artifact. A file of several is
    /// refused by name.
    pub fn read(input: &Input) -> Result<(Self, InputRef)> {
        let (horizons, source) = Horizons::read(input)?;
        Ok((horizons.only(&input.to_string())?, source))
    }

    /// The same for whoever can say which model of a file of several horizons is meant: see [`Horizons::at`].
    pub fn read_at(input: &Input, horizon_h: Option<u16>) -> Result<(Self, InputRef)> {
        let (horizons, source) = Horizons::read(input)?;
        Ok((horizons.at(&input.to_string(), horizon_h)?, source))
    }

    /// Decodes and validates the bytes of a model file; `name` is for messages. Several horizons are refused as above.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        Horizons::decode(name, bytes)?.only(name)
    }

    /// Publishes the model; returns the hash of the file, which is its name everywhere else.
    pub fn write(self, output: &Output) -> Result<Sha256> {
        write_document(output, &mut ModelFile::from(self))
    }

    /// Packs all its trees for single rows, see [`Ensemble::pack`]: for a service. No answer changes.
    pub fn pack(&self) {
        let parts = self.blend.iter().flat_map(|blend| &blend.parts);
        parts.for_each(|part| part.model.pack());
        self.trees.iter().for_each(Ensemble::pack);
        self.spread.iter().for_each(Expected::pack);
    }

    /// Feature columns in the order that [`Rows::features`] must have.
    pub fn inputs(&self) -> &[FeatureFact] {
        &self.inputs
    }

    /// What it predicts.
    pub fn task(&self) -> TaskFact {
        self.task
    }

    /// How it predicts.
    pub fn kind(&self) -> ModelKind {
        self.kind
    }

    /// Which tables it learned from: whoever chooses something by rows that it was fitted on deceives himself.
    pub fn learned_from(&self) -> LearnedFrom {
        let said = self.header.params.get("learned_from").cloned();
        said.and_then(|said| serde_json::from_value(said).ok())
            .unwrap_or_default()
    }

    /// Stations that it was trained on.
    pub fn stations(&self) -> &[StationFact] {
        &self.stations
    }

    /// PM2.5 in µg/m³, one per row; never missing.
    ///
    /// # Panics
    /// If `rows` has not the columns of [`Model::inputs`].
    pub fn predict(&self, rows: &Rows) -> Vec<f64> {
        match (self.kind, &self.trees, &self.blend) {
            (ModelKind::Persistence, ..) => self.reference(rows),
            (ModelKind::Blend, _, Some(blend)) => {
                blend.predict(&self.question(rows), &self.reference(rows))
            }
            (ModelKind::Forest | ModelKind::Boost, Some(trees), _) => trees.predict(&columns(rows)),
            (kind, ..) => self.predict_baseline(kind, rows),
        }
    }

    /// Rows as the parts of a blend see them.
    ///
    /// # Panics
    /// As [`Model::predict`].
    pub fn question<'a>(&self, rows: &Rows<'a>) -> Question<'a> {
        Question::of(columns(rows), self.task.horizon_h(), self.places(rows))
    }

    /// Where the station of each row stands among those of the model; none for a stranger.
    pub fn places(&self, rows: &Rows) -> Vec<Option<usize>> {
        let Some((words, codes)) = rows.station else {
            return vec![None; rows.n_rows];
        };
        let place = |word: &String| self.stations.iter().position(|it| it.name == *word);
        let places: Vec<Option<usize>> = words.iter().map(place).collect();
        let codes = codes.iter();
        codes.map(|&code| places[code as usize]).collect()
    }

    /// What was said of each row, with the error that is to be expected: `predictions` are those of [`Model::predict`].
    ///
    /// # Panics
    /// As [`Model::predict`].
    pub fn said(&self, rows: &Rows, predictions: &[f64]) -> Vec<Said> {
        match &self.spread {
            Some(expected) => expected.said(&self.linear, rows, predictions),
            None => predictions.iter().copied().map(Said::plain).collect(),
        }
    }

    /// For each row whether the model looks at other stations and nothing is known of any of them. It was hardly ever
    /// taught what to say then: its answer may be far off.
    pub fn is_alone(&self, rows: &Rows) -> Vec<bool> {
        let inputs = self.inputs.iter().zip(&rows.features);
        let neighbours: Vec<&[f32]> = inputs
            .filter(|(input, _)| input.is_of_others())
            .map(|(_, column)| *column)
            .collect();
        let unknown = |row: usize| neighbours.iter().all(|column| column[row].is_nan());
        (0..rows.n_rows)
            .map(|row| self.looks_at_others() && unknown(row))
            .collect()
    }

    /// Whether any of its inputs is made of the other stations of the network, and there were some when it learned.
    pub fn looks_at_others(&self) -> bool {
        1 < self.stations.len() && self.inputs.iter().any(FeatureFact::is_of_others)
    }

    /// What a baseline that travels with the model says: persistence (NaN where it says nothing), climatology
    /// or the ridge.
    ///
    /// # Panics
    /// As [`Model::predict`], and for a kind that is no baseline.
    pub fn predict_baseline(&self, kind: ModelKind, rows: &Rows) -> Vec<f64> {
        match kind {
            ModelKind::Persistence => match rows.persistence_ug_m3 {
                Some(values) => values.iter().map(|&v| f64::from(v)).collect(),
                None => vec![f64::NAN; rows.n_rows],
            },
            ModelKind::Climatology => self.climatology.predict(self, rows),
            ModelKind::Linear => self.linear.predict(&columns(rows)),
            ModelKind::Forest | ModelKind::Boost | ModelKind::Blend => {
                unreachable!("a {kind} is no baseline")
            }
        }
    }

    /// What is known without a learner, µg/m³: the newest known PM2.5, and where it is missing the climatology.
    pub fn reference(&self, rows: &Rows) -> Vec<f64> {
        let newest = self.predict_baseline(ModelKind::Persistence, rows);
        let usual = self.climatology.predict(self, rows);
        let pairs = newest.into_iter().zip(usual);
        pairs
            .map(|(new, usual)| if new.is_nan() { usual } else { new })
            .collect()
    }
}

fn columns<'a>(rows: &Rows<'a>) -> Columns<'a> {
    Columns::new(rows.features.clone(), rows.n_rows)
}
