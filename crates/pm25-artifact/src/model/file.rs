//! What a model looks like on disk. Laid out for years, not for speed.

use std::sync::Arc;

use pm25_file::{Document, Fault, Header, Result};
use pm25_learn::tree::Ensemble;
use pm25_learn::{Linear, Term};
use serde::{Deserialize, Serialize};

use super::blend::BlendFile;
use super::own::Frame;
use super::trees::TreesFile;
use super::{
    Climatology, Intervals, Measure, Model, ModelKind, N_HOURS, N_MONTHS, OnlineState,
    TrainProfile, WarningLine, warning,
};
use crate::drift::check_profiles;
use crate::prep::{FeatureFact, StationFact, TaskFact};

/// More than any model of ours has; a file that claims more is not read further.
const N_COLUMNS_MAX: usize = 10_000;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelFile {
    pm25: Header,
    kind: ModelKind,
    task: TaskFact,
    inputs: Vec<FeatureFact>,
    stations: Vec<StationFact>,
    climatology: ClimatologyFile,
    linear: LinearFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<TreesFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blend: Option<BlendFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intervals: Option<Intervals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread: Option<TreesFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    online: Option<OnlineState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warning_lines: Vec<WarningLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<TrainProfile>,
}

/// A model file without what the models of several horizons share: header, inputs and stations.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    kind: ModelKind,
    task: TaskFact,
    climatology: ClimatologyFile,
    linear: LinearFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<TreesFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blend: Option<BlendFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intervals: Option<Intervals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread: Option<TreesFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    online: Option<OnlineState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warning_lines: Vec<WarningLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<TrainProfile>,
}

impl Body {
    pub(super) fn task(&self) -> TaskFact {
        self.task
    }

    /// Which of the shared learners it asks.
    pub(super) fn shared(&self) -> impl Iterator<Item = u16> {
        self.blend.iter().flat_map(BlendFile::shared)
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClimatologyFile {
    overall_ug_m3: f64,
    station_ug_m3: Vec<Option<f64>>,
    station_month_ug_m3: Vec<Option<f64>>,
    station_month_hour_ug_m3: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinearFile {
    intercept_ug_m3: f64,
    terms: Vec<TermFile>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TermFile {
    mean: f64,
    weight: f64,
    present_ug_m3: f64,
    missing_ug_m3: f64,
}

impl Document for ModelFile {
    const FORMAT: &'static str = "pm25-model";
    const VERSION: u32 = 1;
    const PRETTY: bool = false;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

impl From<Model> for ModelFile {
    fn from(model: Model) -> Self {
        Self::of(model, &[])
    }
}

impl ModelFile {
    /// As it is written; learners among `shared` are told by their numbers.
    pub(super) fn of(model: Model, shared: &[Arc<Ensemble>]) -> Self {
        let on_disk = |means: Vec<f64>| {
            means
                .into_iter()
                .map(|mean| (!mean.is_nan()).then_some(mean))
                .collect()
        };
        Self {
            pm25: model.header,
            kind: model.kind,
            task: model.task,
            inputs: model.inputs,
            stations: model.stations,
            climatology: ClimatologyFile {
                overall_ug_m3: model.climatology.overall,
                station_ug_m3: on_disk(model.climatology.station),
                station_month_ug_m3: on_disk(model.climatology.month),
                station_month_hour_ug_m3: on_disk(model.climatology.hour),
            },
            linear: model.linear.into(),
            trees: model.trees.as_ref().map(TreesFile::from),
            blend: model.blend.map(|blend| BlendFile::of(blend, shared)),
            intervals: model.intervals,
            spread: model.spread.as_ref().map(TreesFile::from),
            online: model.online,
            warning_lines: model.warning_lines,
            profile: model.profile,
        }
    }
}

impl From<Linear> for LinearFile {
    fn from(line: Linear) -> Self {
        Self {
            intercept_ug_m3: line.intercept,
            terms: line.terms.into_iter().map(TermFile::from).collect(),
        }
    }
}

impl From<LinearFile> for Linear {
    fn from(line: LinearFile) -> Self {
        Self {
            intercept: line.intercept_ug_m3,
            terms: line.terms.into_iter().map(Term::from).collect(),
        }
    }
}

impl LinearFile {
    pub(super) fn n_terms(&self) -> usize {
        self.terms.len()
    }
}

impl From<Term> for TermFile {
    fn from(term: Term) -> Self {
        Self {
            mean: term.mean,
            weight: term.weight,
            present_ug_m3: term.present,
            missing_ug_m3: term.missing,
        }
    }
}

impl From<TermFile> for Term {
    fn from(term: TermFile) -> Self {
        Self {
            mean: term.mean,
            weight: term.weight,
            present: term.present_ug_m3,
            missing: term.missing_ug_m3,
        }
    }
}

impl ModelFile {
    pub(super) fn into_body(self) -> Body {
        let Self {
            pm25: _,
            kind,
            task,
            inputs: _,
            stations: _,
            climatology,
            linear,
            trees,
            blend,
            intervals,
            spread,
            online,
            warning_lines,
            profile,
        } = self;
        Body {
            kind,
            task,
            climatology,
            linear,
            trees,
            blend,
            intervals,
            spread,
            online,
            warning_lines,
            profile,
        }
    }

    pub(super) fn of_body(
        pm25: Header,
        inputs: Vec<FeatureFact>,
        stations: Vec<StationFact>,
        body: Body,
    ) -> Self {
        let Body {
            kind,
            task,
            climatology,
            linear,
            trees,
            blend,
            intervals,
            spread,
            online,
            warning_lines,
            profile,
        } = body;
        Self {
            pm25,
            kind,
            task,
            inputs,
            stations,
            climatology,
            linear,
            trees,
            blend,
            intervals,
            spread,
            online,
            warning_lines,
            profile,
        }
    }

    /// Validates everything that using the model will trust.
    pub(super) fn check(self, name: &str) -> Result<Model> {
        self.check_with(name, &[])
    }

    /// The same for a model whose parts may ask learners that it shares with others.
    pub(super) fn check_with(self, name: &str, shared: &[Arc<Ensemble>]) -> Result<Model> {
        let unusable = |what: String| {
            Fault::bad_artifact(format!("{name} is no usable model: {what}"))
                .hint("train it again with `pm25-train`")
        };
        self.faults().map_err(unusable)?;
        if let Some(profile) = &self.profile {
            check_profiles(name, profile.columns.clone())?;
            check_profiles(
                name,
                [("prediction".to_owned(), profile.prediction.clone())].into(),
            )?;
        }
        let trees = self
            .trees
            .as_ref()
            .map(|trees| trees.check(self.inputs.len()));
        let spread = self.spread.as_ref();
        let spread = spread.map(|trees| trees.check(self.inputs.len() + 1));
        let frame = Frame {
            n_features: self.inputs.len(),
            n_stations: self.stations.len(),
            is_forecast: matches!(self.task, TaskFact::Forecast { .. }),
            shared,
        };
        let blend = self.blend.map(|blend| blend.check(&frame));
        let in_memory = |means: Vec<Option<f64>>| {
            means
                .into_iter()
                .map(|mean| mean.unwrap_or(f64::NAN))
                .collect()
        };
        Ok(Model {
            header: self.pm25,
            kind: self.kind,
            task: self.task,
            inputs: self.inputs,
            stations: self.stations,
            climatology: Climatology {
                overall: self.climatology.overall_ug_m3,
                station: in_memory(self.climatology.station_ug_m3),
                month: in_memory(self.climatology.station_month_ug_m3),
                hour: in_memory(self.climatology.station_month_hour_ug_m3),
            },
            linear: self.linear.into(),
            trees: trees.transpose().map_err(unusable)?,
            blend: blend.transpose().map_err(unusable)?,
            intervals: self.intervals,
            spread: spread.transpose().map_err(unusable)?,
            online: self.online,
            warning_lines: self.warning_lines,
            profile: self.profile,
        })
    }

    fn faults(&self) -> std::result::Result<(), String> {
        let n_stations = self.stations.len();
        let n_columns = self.inputs.len();
        let usual = &self.climatology;
        same(
            "input columns and linear terms",
            n_columns,
            self.linear.terms.len(),
        )?;
        same("stations", n_stations, usual.station_ug_m3.len())?;
        same(
            "stations x months",
            n_stations * N_MONTHS,
            usual.station_month_ug_m3.len(),
        )?;
        same(
            "stations x months x hours",
            n_stations * N_MONTHS * N_HOURS,
            usual.station_month_hour_ug_m3.len(),
        )?;
        if N_COLUMNS_MAX < n_columns {
            return Err(format!(
                "{n_columns} input columns; at most {N_COLUMNS_MAX} are read"
            ));
        }
        let grown = matches!(self.kind, ModelKind::Forest | ModelKind::Boost);
        if grown != self.trees.is_some() {
            return Err("a forest or a booster has trees, and no other kind has".to_owned());
        }
        if (self.kind == ModelKind::Blend) != self.blend.is_some() {
            return Err("a blend has parts, and no other kind has".to_owned());
        }
        if let Some(intervals) = &self.intervals {
            intervals.check()?;
        }
        let measure = self.intervals.as_ref().map(|intervals| intervals.measure);
        if (measure == Some(Measure::Spread)) != self.spread.is_some() {
            return Err("its intervals and its spread do not go together".to_owned());
        }
        if let Some(online) = &self.online {
            online.check()?;
            if measure.is_none() {
                return Err("it remembers how intervals went, and has none".to_owned());
            }
        }
        warning::check(&self.warning_lines)?;
        self.twins()
    }

    fn twins(&self) -> std::result::Result<(), String> {
        let mut columns: Vec<&str> = self.inputs.iter().map(|f| f.column.as_str()).collect();
        columns.sort_unstable();
        if let Some(pair) = columns.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the input column `{}` is there twice", pair[0]));
        }
        let sorted = self
            .stations
            .windows(2)
            .all(|pair| pair[0].name < pair[1].name);
        if sorted {
            Ok(())
        } else {
            Err("its stations are not sorted, each once".to_owned())
        }
    }
}

fn same(what: &str, wanted: usize, found: usize) -> std::result::Result<(), String> {
    if wanted == found {
        Ok(())
    } else {
        Err(format!("{what} disagree ({wanted} and {found})"))
    }
}
