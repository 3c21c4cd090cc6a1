//! What was served and what was not, for people and for programs.

use std::fmt;

use pm25_air::civil::format_utc;
use pm25_air::{Network, Task};
use pm25_artifact::model::{Horizons, Model, ModelKind};
use pm25_artifact::prep::TaskFact;
use serde::Serialize;

use crate::forecast::{code, served};
use crate::pick::{Pick, Reason};

/// The outcome in numbers and names.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// How the model predicts, of several horizons the shortest.
    pub(crate) model: ModelKind,
    pub(crate) task: TaskFact,
    /// Each horizon of a model of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) horizons: Vec<HorizonSaid>,
    /// Predictions: one per served station and horizon.
    pub(crate) rows: usize,
    /// Stamps t of the earliest and latest row, RFC 3339 in UTC.
    first: Option<String>,
    last: Option<String>,
    pub(crate) not_served: Vec<NotServed>,
    /// Served stations that the model did not learn from.
    pub(crate) unknown_to_the_model: Vec<String>,
}

/// One horizon of several.
#[derive(Debug, Serialize)]
pub(crate) struct HorizonSaid {
    horizon_h: u16,
    model: ModelKind,
}

/// A station without a prediction.
#[derive(Debug, Serialize)]
pub(crate) struct NotServed {
    station: String,
    reason: Reason,
    /// Its newest hour that could have been asked about, if it has one.
    newest: Option<String>,
}

impl Summary {
    pub(crate) fn of(horizons: &Horizons, network: &Network, picks: &[Pick]) -> Self {
        let model = horizons.shortest();
        let times = || served(network, picks).map(|(station, hour_idx)| station.time_s(hour_idx));
        let unknown = served(network, picks).filter(|(station, _)| code(model, station).is_none());
        Self {
            model: model.kind(),
            task: model.task(),
            horizons: said_of(horizons.members()),
            rows: times().count() * horizons.members().len(),
            first: times().min().map(format_utc),
            last: times().max().map(format_utc),
            not_served: not_served(network, picks),
            unknown_to_the_model: unknown.map(|(station, _)| station.name.clone()).collect(),
        }
    }

    /// The first reasons, for an error.
    pub(crate) fn why(&self) -> String {
        match self.not_served.as_slice() {
            [] => "the observations have no station".to_owned(),
            some => some
                .iter()
                .take(3)
                .map(NotServed::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// Nothing of one model alone: it has been said already.
fn said_of(members: &[Model]) -> Vec<HorizonSaid> {
    let of = |model: &Model| HorizonSaid {
        horizon_h: model.task().horizon_h(),
        model: model.kind(),
    };
    match members {
        [_] => Vec::new(),
        several => several.iter().map(of).collect(),
    }
}

fn not_served(network: &Network, picks: &[Pick]) -> Vec<NotServed> {
    let pairs = network.stations.iter().zip(picks);
    let nothing = pairs.filter_map(|(station, pick)| match pick {
        Pick::Hour(_) => None,
        Pick::Nothing(reason, newest_s) => Some(NotServed {
            station: station.name.clone(),
            reason: *reason,
            newest: newest_s.map(format_utc),
        }),
    });
    nothing.collect()
}

impl fmt::Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.station, self.reason.words())?;
        match &self.newest {
            Some(newest) => write!(f, ", newest {newest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.horizons.is_empty() {
            write!(f, "{} ({})", self.model, Task::from(self.task))?;
        } else {
            let each = |one: &HorizonSaid| format!("{} {} h", one.model, one.horizon_h);
            let each: Vec<String> = self.horizons.iter().map(each).collect();
            write!(f, "forecasts of several hours ahead ({})", each.join(", "))?;
        }
        let n_stations = self.rows / self.horizons.len().max(1);
        write!(f, ": {n_stations} stations served")?;
        match (&self.first, &self.last) {
            (Some(first), Some(last)) if first == last => writeln!(f, " from {first}")?,
            (Some(first), Some(last)) => writeln!(f, " from {first} to {last}")?,
            _ => writeln!(f)?,
        }
        for station in &self.not_served {
            writeln!(f, "  not served: {station}")?;
        }
        for station in &self.unknown_to_the_model {
            writeln!(
                f,
                "  served, though the model did not learn from it: {station}"
            )?;
        }
        Ok(())
    }
}
