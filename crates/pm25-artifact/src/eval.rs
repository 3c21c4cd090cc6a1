//! `eval.json`: how good a model is on the test rows, beside its baselines on the same rows.
//!
//! It holds no opinion on what is good enough (that is the registry's policy) and no wall time. A number that is not
//! defined is null, never NaN.

mod coverage;

pub use coverage::{CoverageFact, CoverageReport, CoverageSlice};

use pm25_file::{Document, Header, Sha256};
use pm25_stats::alarms::{Alarms, ReliabilityBin};
use pm25_stats::{DieboldMariano, ModStats, Scores};
use serde::{Deserialize, Serialize};

use crate::model::ModelKind;
use crate::prep::TaskFact;

/// `eval.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EvalReport {
    /// Header; `files` lists predictions.parquet and every picture.
    pub pm25: Header,
    /// Which model.
    pub model: ModelRef,
    /// Over all test rows with a target.
    pub metrics: Metrics,
    /// The same model over the rows that also have persistence.
    pub metrics_with_persistence: Metrics,
    /// What travels with the model as a yardstick.
    pub baselines: Baselines<Metrics>,
    /// Over each baseline, on the rows that it can predict.
    pub skill_over: Baselines<Skill>,
    /// The same as `skill_over.persistence`, where gates look for it.
    pub skill_over_persistence: Skill,
    /// openair's statistics over the rows of `metrics`; absent in a report of an older program, as is all below that
    /// may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mod_stats: Option<ModStatsFact>,
    /// How far scores would move with other weather; absent where the table has no times or is too short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Bootstrap>,
    /// Another model on the same rows, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Warnings of single hours above each threshold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceedance: Vec<Exceedance>,
    /// Whether the model's intervals hold; absent where it makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageReport>,
    /// Parts of the test rows.
    pub slices: Slices,
    /// Of each kind of slice the one with the lowest skill over persistence, among those with rows enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst_slices: Vec<WorstSlice>,
    /// The largest errors, worst first.
    pub worst: Vec<Worst>,
    /// Stamps t of the first and last test row; absent in a table without times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// A model by what it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// Of the model file.
    pub sha256: Sha256,
    /// How it predicts.
    pub kind: ModelKind,
    /// What it predicts.
    pub task: TaskFact,
}

/// How far predictions are from targets.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Root of the mean squared error, µg/m³; null without rows.
    pub rmse_ug_m3: Option<f64>,
    /// Mean absolute error, µg/m³; null without rows.
    pub mae_ug_m3: Option<f64>,
    /// Coefficient of determination, at most 1; null where every target is the same.
    pub r2: Option<f64>,
    /// Mean absolute percentage error over targets of at least 1 µg/m³; null without such rows.
    pub mape_pct: Option<f64>,
    /// Rows that `mape_pct` covers.
    pub mape_rows: u64,
    /// Mean of prediction - target, µg/m³: positive means predicted too high; null without rows.
    pub bias_ug_m3: Option<f64>,
    /// Rows that were scored.
    pub rows: u64,
    /// Rows with a target that had no prediction; 0 for a model, which must answer every row.
    pub missing: u64,
}

impl From<&Scores> for Metrics {
    fn from(scores: &Scores) -> Self {
        Self {
            rmse_ug_m3: scores.rmse,
            mae_ug_m3: scores.mae,
            r2: scores.r2,
            mape_pct: scores.mape_pct,
            mape_rows: scores.mape_rows,
            bias_ug_m3: scores.bias,
            rows: scores.rows,
            missing: scores.missing_predictions,
        }
    }
}

/// One thing for each baseline.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines<T> {
    /// The newest known PM2.5; scored where there is one.
    pub persistence: T,
    /// PM2.5 of the same hour of the day, the newest that is known; scored where the table itself tells it. Absent in
    /// a table without stations and times.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub persistence_24h: Option<T>,
    /// Mean of station, month and hour over the train rows.
    pub climatology: T,
    /// Ridge regression on the model's own features.
    pub linear: T,
}

fn none<T>() -> Option<T> {
    None
}

/// How much smaller the error is than another's on the same rows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// 1 - RMSE / RMSE of the other; null where the other makes no error or there are no rows.
    pub skill: Option<f64>,
    /// Rows on which both were scored.
    pub rows: u64,
}

/// Another model, row by row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Which one.
    pub model: ModelRef,
    /// Its metrics over the same rows as the report's `metrics`.
    pub metrics: Metrics,
    /// RMSE of the evaluated model minus RMSE of the other, µg/m³: negative is better.
    pub rmse_difference_ug_m3: Option<f64>,
    /// Of the evaluated model over the other.
    pub skill: Skill,
    /// Rows where the evaluated model's error is smaller than the other's.
    pub closer_rows: u64,
    /// Rows where it is larger.
    pub farther_rows: u64,
    /// Whether the difference is more than luck; absent where the table has no times or is too short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duel: Option<DuelFact>,
}

/// Two models on the same rows, and whether their difference is more than luck.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DuelFact {
    /// What follows from the rest.
    pub verdict: Verdict,
    /// Of RMSE of the evaluated model minus RMSE of the other, µg/m³, at the level of `bootstrap`.
    pub rmse_difference_ug_m3: Option<[f64; 2]>,
    /// Of the evaluated model's skill over the other.
    pub skill: Option<[f64; 2]>,
    /// Diebold and Mariano's test on hourly means over stations of the differences of squared errors.
    pub diebold_mariano: Option<DieboldMarianoFact>,
}

/// Which of two models is better.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The evaluated model: the whole interval of the difference lies below 0, and the test's p-value is below 0.05.
    Better,
    /// The other: the whole interval lies above 0, and the test's p-value is below 0.05.
    Worse,
    /// Either may be luck.
    Undecided,
}

/// [`DieboldMariano`] as it is written down.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DieboldMarianoFact {
    /// Hours with rows.
    pub hours: u64,
    /// Lags of the variance estimate: horizon - 1, at least 0.
    pub lags_h: u16,
    /// Mean over hours, (µg/m³)²; below 0 the evaluated model is better.
    pub mean_square_difference: f64,
    /// With the correction of Harvey, Leybourne and Newbold.
    pub statistic: f64,
    /// Two-sided.
    pub p_value: f64,
}

impl From<DieboldMariano> for DieboldMarianoFact {
    fn from(test: DieboldMariano) -> Self {
        Self {
            hours: test.hours,
            lags_h: test.lags,
            mean_square_difference: test.mean_difference,
            statistic: test.statistic,
            p_value: test.p_value,
        }
    }
}

/// [`ModStats`] as they are written down; each is null where it is not defined.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModStatsFact {
    /// Share of predictions within a factor of two.
    pub fac2: Option<f64>,
    /// Mean bias, µg/m³.
    pub mb_ug_m3: Option<f64>,
    /// Mean gross error, µg/m³.
    pub mge_ug_m3: Option<f64>,
    /// Normalised mean bias.
    pub nmb: Option<f64>,
    /// Normalised mean gross error.
    pub nmge: Option<f64>,
    /// Root of the mean squared error, µg/m³.
    pub rmse_ug_m3: Option<f64>,
    /// Pearson's correlation.
    pub r: Option<f64>,
    /// Coefficient of efficiency.
    pub coe: Option<f64>,
    /// Index of agreement.
    pub ioa: Option<f64>,
    /// Rows that were used.
    pub rows: u64,
}

impl From<ModStats> for ModStatsFact {
    fn from(stats: ModStats) -> Self {
        Self {
            fac2: stats.fac2,
            mb_ug_m3: stats.mb,
            mge_ug_m3: stats.mge,
            nmb: stats.nmb,
            nmge: stats.nmge,
            rmse_ug_m3: stats.rmse,
            r: stats.r,
            coe: stats.coe,
            ioa: stats.ioa,
            rows: stats.rows,
        }
    }
}

/// Intervals from drawing whole stretches of time anew, all stations together; see `pm25_stats::blocks`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// Share of the draws inside each interval.
    pub level: f64,
    /// Hours of a block.
    pub block_h: u64,
    /// How often the record was drawn anew.
    pub replicates: u64,
    /// Where chance began.
    pub seed: u64,
    /// Hours from the first to the last row.
    pub hours: u64,
    /// Of the model's RMSE over all rows, µg/m³.
    pub rmse_ug_m3: Option<[f64; 2]>,
    /// Of the model's skill over each baseline, on the rows that both can answer.
    pub skill_over: Baselines<Option<[f64; 2]>>,
}

/// Warnings of single hours above a threshold. An hour is an event if its target is above it; a model warns if its
/// prediction is above a line.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exceedance {
    /// The threshold, µg/m³.
    pub threshold_ug_m3: f64,
    /// Test rows above it.
    pub events: u64,
    /// With the threshold itself as the line.
    pub plain: Warners<AlarmFact>,
    /// With the line of the largest CSI on the validation rows, or out of fold; absent without such rows or events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Tuned>,
    /// With the line of the smallest loss on the validation rows; absent where no cost was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheapest: Option<Cheapest>,
    /// The model's probability of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<ProbabilityReport>,
}

/// One thing for each that warns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Warners<T> {
    /// The evaluated model.
    pub model: T,
    /// The newest known PM2.5, where there is one.
    pub persistence: T,
    /// Ridge regression on the model's own features.
    pub linear: T,
}

impl<T> Warners<T> {
    /// Something made of each.
    pub fn map<'a, U>(&'a self, make: impl Fn(&'a T) -> U) -> Warners<U> {
        Warners {
            model: make(&self.model),
            persistence: make(&self.persistence),
            linear: make(&self.linear),
        }
    }

    /// Each beside its counterpart.
    pub fn zip<'a, U>(&'a self, other: &'a Warners<U>) -> Warners<(&'a T, &'a U)> {
        Warners {
            model: (&self.model, &other.model),
            persistence: (&self.persistence, &other.persistence),
            linear: (&self.linear, &other.linear),
        }
    }
}

/// Warnings by a line, and what came of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmFact {
    /// Predictions above it warn, µg/m³.
    pub line_ug_m3: f64,
    /// Warned, and it came.
    pub hits: u64,
    /// Not warned, and it came.
    pub misses: u64,
    /// Warned, and it did not come.
    pub false_alarms: u64,
    /// Neither.
    pub quiet: u64,
    /// Probability of detection; null without events.
    pub pod: Option<f64>,
    /// False alarm ratio; null without warnings.
    pub far: Option<f64>,
    /// Critical success index; null without events and warnings.
    pub csi: Option<f64>,
}

impl AlarmFact {
    /// Counts with the line that gave them.
    #[must_use]
    pub fn new(line_ug_m3: f64, alarms: &Alarms) -> Self {
        Self {
            line_ug_m3,
            hits: alarms.hits,
            misses: alarms.misses,
            false_alarms: alarms.false_alarms,
            quiet: alarms.quiet,
            pod: alarms.pod(),
            far: alarms.far(),
            csi: alarms.csi(),
        }
    }
}

/// Lines of the largest CSI.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tuned {
    /// Rows above the threshold among those that chose the lines: validation rows, or the model's own out of fold.
    pub valid_events: u64,
    /// On the test rows, each with its own line.
    pub scores: Warners<AlarmFact>,
    /// Of the model's CSI, at the level of `bootstrap`.
    pub csi: Option<[f64; 2]>,
    /// CSI of the model minus CSI of the ridge.
    pub csi_over_linear: Option<f64>,
    /// Of that difference.
    pub csi_over_linear_interval: Option<[f64; 2]>,
}

/// Lines of the smallest loss.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cheapest {
    /// What a warning costs, in missed events.
    pub warning_cost: f64,
    /// On the test rows, each with its own line.
    pub scores: Warners<AlarmFact>,
    /// Losses on the test rows, in missed events per 1000 rows.
    pub loss_per_1000: Warners<Option<f64>>,
}

/// Probabilities of an event, held against what came.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProbabilityReport {
    /// Where they come from.
    pub source: ProbabilitySource,
    /// Brier score; null without rows.
    pub brier: Option<f64>,
    /// 1 - Brier score / Brier score of always saying the share of events among the test rows, which nobody knew
    /// before; null where nothing or everything was an event.
    pub brier_skill: Option<f64>,
    /// The score taken apart by the bins of `reliability`; null without rows.
    #[serde(default)]
    pub decomposition: Option<BrierParts>,
    /// Rows by probability, in ten equal bins, empty ones left out.
    pub reliability: Vec<ReliabilityFact>,
}

/// Murphy's (1973) parts of a Brier score: reliability - resolution + uncertainty, up to what probabilities differ within
/// a bin.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BrierParts {
    /// Mean square of what was promised less what was kept; 0 is best.
    pub reliability: f64,
    /// Mean square of what was kept less the share of events; the larger the better.
    pub resolution: f64,
    /// Share of events x share of the rest: what nobody can help.
    pub uncertainty: f64,
}

/// Where probabilities come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbabilitySource {
    /// Errors on validation rows with predictions of a like level.
    ValidationErrors,
    /// Errors out of fold that the model holds.
    OutOfFoldErrors,
}

/// [`ReliabilityBin`] as it is written down.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityFact {
    /// Mean of the probabilities.
    pub promised: f64,
    /// Share of rows where the event came.
    pub kept: f64,
    /// How many.
    pub rows: u64,
}

impl From<&ReliabilityBin> for ReliabilityFact {
    fn from(bin: &ReliabilityBin) -> Self {
        Self {
            promised: bin.promised,
            kept: bin.kept,
            rows: bin.rows,
        }
    }
}

/// The slice of its kind where the model adds least.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WorstSlice {
    /// `station`, `month`, `hour`, `season` or `level`.
    pub kind: String,
    /// Which part.
    pub name: String,
    /// RMSE of the model over the rows of the part, µg/m³.
    pub rmse_ug_m3: f64,
    /// Over persistence.
    pub skill: Skill,
}

/// Parts of the test rows. A list is empty where the table does not say what is needed for it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slices {
    /// By station, in order of name.
    pub station: Vec<Slice>,
    /// By local standard hour of the target's hour, `0` to `23`.
    pub hour: Vec<Slice>,
    /// By month of the target's hour in local standard time, `1` to `12`.
    pub month: Vec<Slice>,
    /// By season of the target's hour in local standard time: `DJF`, `MAM`, `JJA`, `SON`.
    #[serde(default)]
    pub season: Vec<Slice>,
    /// By the target itself, µg/m³: `0-15`, ..., `250 and more`; the lower end belongs to the level, and the lowest
    /// also holds readings below zero.
    pub level: Vec<Slice>,
}

/// One part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Which part.
    pub name: String,
    /// The model over all rows of the part.
    pub metrics: Metrics,
    /// Persistence over the rows of the part that have it.
    pub persistence: Metrics,
    /// Over persistence on those rows.
    pub skill: Skill,
}

/// One prediction that went wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// Where; absent in a table without stations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Stamp t of the row, RFC 3339 in UTC; absent in a table without times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What was measured, µg/m³.
    pub target_ug_m3: f64,
    /// What was predicted, µg/m³.
    pub prediction_ug_m3: f64,
    /// What persistence said, µg/m³.
    pub persistence_ug_m3: Option<f64>,
    /// Prediction - target, µg/m³.
    pub error_ug_m3: f64,
}

/// From when to when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Smallest stamp t, RFC 3339 in UTC.
    pub first: String,
    /// Largest stamp t, RFC 3339 in UTC.
    pub last: String,
}

impl Document for EvalReport {
    const FORMAT: &'static str = "pm25-eval-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
