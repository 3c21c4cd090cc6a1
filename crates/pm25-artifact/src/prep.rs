//! What a prepared table says of itself (the facts in its header), and `prep.json`.

use std::collections::BTreeMap;

use pm25_air::Task;
use pm25_file::{Document, Fault, Header, Result};
use serde::{Deserialize, Serialize};

/// The target of a table of one horizon, µg/m³.
pub const TARGET: &str = "target_ug_m3";

/// The target of one horizon in a table of several, µg/m³; null in a row whose target at another horizon is known.
pub fn target_at(horizon_h: u16) -> String {
    format!("target_h{horizon_h}_ug_m3")
}

/// The facts in the header of `train.parquet`, `valid.parquet` and `test.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// What is predicted; of several horizons the shortest.
    pub task: TaskFact,
    /// The horizons of a table of several, rising; none for one.
    pub horizons_h: Vec<u16>,
    /// The feature columns in order.
    pub features: Vec<FeatureFact>,
    /// The stations of this table, sorted by name.
    pub stations: Vec<StationFact>,
    /// Stations with train rows, sorted; `station_code` is the position here.
    pub vocabulary: Vec<String>,
    /// Per feature column, from train rows alone.
    pub statistics: BTreeMap<String, Statistic>,
}

/// [`Task`] as it is written down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum TaskFact {
    /// PM2.5 of the row's own hour.
    Nowcast,
    /// PM2.5 some hours later.
    Forecast {
        /// Hours ahead.
        horizon_h: u16,
    },
    /// The mean PM2.5 of the next 24 hours.
    DayMean,
}

impl TaskFact {
    /// How far ahead of a row's hour the target's last hour is: 0 for a nowcast.
    pub fn horizon_h(self) -> u16 {
        Task::from(self).horizon_h()
    }
}

impl From<Task> for TaskFact {
    fn from(task: Task) -> Self {
        match task {
            Task::Nowcast => Self::Nowcast,
            Task::Forecast { horizon_h } => Self::Forecast { horizon_h },
            Task::DayMean => Self::DayMean,
        }
    }
}

impl From<TaskFact> for Task {
    fn from(task: TaskFact) -> Self {
        match task {
            TaskFact::Nowcast => Self::Nowcast,
            TaskFact::Forecast { horizon_h } => Self::Forecast { horizon_h },
            TaskFact::DayMean => Self::DayMean,
        }
    }
}

/// One feature column.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureFact {
    /// Its name in tables, for example `pm25_ug_m3__lag_1h`.
    pub column: String,
    /// Its expression in the feature language, for example `lag(pm25,1)`.
    pub expression: String,
    /// Its unit; `1` for a pure number.
    pub unit: String,
}

impl FeatureFact {
    /// Whether it is made of the other stations of the network.
    pub fn is_of_others(&self) -> bool {
        self.expression.starts_with("others_")
    }
}

/// One station.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StationFact {
    /// Its name.
    pub name: String,
    /// Minutes that its standard time is ahead of UTC.
    pub utc_offset_min: i16,
}

/// What a column's values are like.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Statistic {
    /// None when no value is there; the same below.
    pub mean: Option<f64>,
    /// Over the values (not a sample estimate).
    pub std: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// How many rows have a value.
    pub present: u64,
    /// How many have none.
    pub missing: u64,
}

/// What a table asks at one horizon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// What is predicted.
    pub task: TaskFact,
    /// The column of the truths.
    pub target: String,
}

const HORIZONS: &str = "horizons_h";

impl Prepared {
    /// What is asked at a horizon, or at the only one. `name` is for messages.
    ///
    /// # Errors
    /// Usage: several horizons and it is not said which is meant, or one that the table does not have; the hint names
    /// those that it has.
    pub fn asked(&self, name: &str, horizon_h: Option<u16>) -> Result<Asked> {
        let has = || {
            let words: Vec<String> = self.horizons_h.iter().map(u16::to_string).collect();
            words.join(", ")
        };
        match (self.horizons_h.as_slice(), horizon_h) {
            ([], None) => Ok(Asked {
                task: self.task,
                target: TARGET.to_owned(),
            }),
            ([], Some(wanted)) if wanted == self.task.horizon_h() => self.asked(name, None),
            ([], Some(wanted)) => Err(Fault::usage(format!(
                "{name} has no targets {wanted} h ahead, only {} h",
                self.task.horizon_h()
            ))
            .hint("leave --horizon-h out: the table has one horizon")),
            (several, Some(wanted)) if several.contains(&wanted) => Ok(Asked {
                task: TaskFact::Forecast { horizon_h: wanted },
                target: target_at(wanted),
            }),
            (_, Some(wanted)) => Err(Fault::usage(format!(
                "{name} has no targets {wanted} h ahead"
            ))
            .hint(format!(
                "it has {} h: give one of them to --horizon-h",
                has()
            ))),
            (several, None) => Err(Fault::usage(format!(
                "{name} has targets for several horizons: {} h",
                has()
            ))
            .hint(format!("say which is meant: --horizon-h {}", several[0]))),
        }
    }

    /// Each horizon's question, rising; one for a table of one.
    pub fn tasks(&self) -> Vec<TaskFact> {
        tasks(self.task, &self.horizons_h)
    }

    /// Writes the facts into a header.
    #[must_use]
    pub fn put(&self, header: Header) -> Header {
        let header = match self.horizons_h.as_slice() {
            [] => header,
            several => header.fact(HORIZONS, several),
        };
        header
            .fact("task", self.task)
            .fact("features", &self.features)
            .fact("stations", &self.stations)
            .fact("vocabulary", &self.vocabulary)
            .fact("statistics", &self.statistics)
    }

    /// Reads the facts back; a header without them is a bad artifact.
    pub fn of(header: &Header) -> Result<Self> {
        let horizons_h = match header.facts.contains_key(HORIZONS) {
            true => header.read_fact(HORIZONS)?,
            false => Vec::new(),
        };
        Ok(Self {
            task: header.read_fact("task")?,
            horizons_h,
            features: header.read_fact("features")?,
            stations: header.read_fact("stations")?,
            vocabulary: header.read_fact("vocabulary")?,
            statistics: header.read_fact("statistics")?,
        })
    }
}

/// `prep.json`: what was prepared, for people and for whoever judges a model made of it. The three tables
/// are in `pm25.files`, whole observation files in `pm25.inputs`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PrepReport {
    /// Provenance and seal.
    pub pm25: Header,
    /// What is predicted; of several horizons the shortest.
    pub task: TaskFact,
    /// The horizons of tables of several, rising; absent for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub horizons_h: Vec<u16>,
    /// The feature set as one text of the feature language.
    pub feature_list: String,
    /// Where time was cut.
    pub split: SplitFact,
    /// All rows, counted: `read - repeated + gap = train + valid + test + the dropped`.
    pub rows: RowCounts,
    /// The three tables.
    pub parts: Parts,
    /// Every station of the observations, sorted by name.
    pub stations: Vec<StationCounts>,
    /// Stations with train rows, sorted; `station_code` is the position here.
    pub vocabulary: Vec<String>,
    /// The feature columns in order.
    pub features: Vec<FeatureReport>,
}

impl PrepReport {
    /// Each horizon's question, rising; one for tables of one.
    pub fn tasks(&self) -> Vec<TaskFact> {
        tasks(self.task, &self.horizons_h)
    }
}

fn tasks(task: TaskFact, horizons_h: &[u16]) -> Vec<TaskFact> {
    match horizons_h {
        [] => vec![task],
        several => several
            .iter()
            .map(|&horizon_h| TaskFact::Forecast { horizon_h })
            .collect(),
    }
}

impl Document for PrepReport {
    const FORMAT: &'static str = "pm25-prep-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// Where time was cut. A row of the hour t with horizon h (of several the longest) trains if t+h < T1, is valid if T1 <= t and
/// t+h < T2, tests if T2 <= t, and is purged otherwise.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SplitFact {
    /// T1, RFC 3339 in UTC.
    pub train_until: String,
    /// T2, RFC 3339 in UTC.
    pub valid_until: String,
    /// The shares that chose T1 and T2, if they were not given.
    pub shares: Option<[f64; 3]>,
}

/// What became of rows. Hours without observation that lie between two records of a station count as
/// `gap`: they are rows like others, with nothing measured.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Rows of the observation files.
    pub read: u64,
    /// Those of them that another file has too, saying the same; they count once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// Hours added between the records of a station.
    pub gap: u64,
    /// Rows of the train table.
    pub train: u64,
    /// Rows of the valid table.
    pub valid: u64,
    /// Rows of the test table.
    pub test: u64,
    /// Rows of no table.
    pub dropped: DropCounts,
}

/// A count that is left out: files that share no hours need not say so.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Rows of no table, by the first reason that applies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DropCounts {
    /// The target's hour comes after the station's last.
    pub target_after_record: u64,
    /// The target is missing.
    pub target_missing: u64,
    /// The target is a provider's code, physically impossible or declared invalid.
    pub target_invalid: u64,
    /// Issued before a cut and answered after it.
    pub purged: u64,
}

impl DropCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.target_after_record + self.target_missing + self.target_invalid + self.purged
    }
}

/// The three tables.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// `train.parquet`.
    pub train: PartFact,
    /// `valid.parquet`.
    pub valid: PartFact,
    /// `test.parquet`.
    pub test: PartFact,
}

/// One table in numbers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PartFact {
    /// Its rows.
    pub rows: u64,
    /// Those that have a persistence.
    pub rows_with_persistence: u64,
    /// The first row's hour, RFC 3339 in UTC.
    pub first: String,
    /// The last row's hour.
    pub last: String,
    /// How many stations it has.
    pub stations: u64,
    /// What its targets are like, µg/m³; of several horizons the shortest's.
    pub target: Statistic,
    /// The same for each horizon of several: `missing` are rows that are there for the sake of another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<u16, Statistic>,
}

/// One station in numbers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StationCounts {
    /// Its name.
    pub name: String,
    /// Minutes that its standard time is ahead of UTC.
    pub utc_offset_min: i16,
    /// What became of its rows.
    pub rows: RowCounts,
}

/// One feature column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureReport {
    /// Its name in tables.
    pub column: String,
    /// Its expression in the feature language.
    pub expression: String,
    /// Its unit.
    pub unit: String,
    /// Hours before t of the newest input; none for what needs no measurement.
    pub newest_h: Option<u16>,
    /// Over the train rows.
    pub train: Statistic,
}
