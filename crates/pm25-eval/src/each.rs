//! The evaluation of a model of several horizons: a folder for each, and one document that sums up.
//!
//! ```text
//! eval.json                      every horizon in a line, with the hashes of the documents below
//! h1/eval.json  predictions.parquet  pictures
//! h6/eval.json  ...
//! ```
//!
//! No scores over horizons together: an hour ahead and a day ahead are different questions.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use pm25_artifact::eval::{EvalReport, Metrics};
use pm25_artifact::eval_horizons::HorizonsEval;
use pm25_artifact::model::Model;
use pm25_file::{Header, Input, InputRef, Output, Result, read_document, write_document};
use pm25_table::Table;
use serde::{Serialize, Serializer};

use crate::files::REPORT;
use crate::{PROGRAM, say};

/// Where the evaluation of this model's horizon lies: `h6`.
pub(crate) fn folder(out_dir: &Path, model: &Model) -> PathBuf {
    out_dir.join(format!(
        "h{}",
        pm25_air::Task::from(model.task()).horizon_h()
    ))
}

/// A summary without horizons.
pub(crate) fn summary(test: &Table, model: &InputRef) -> HorizonsEval {
    HorizonsEval {
        pm25: Header::new(&PROGRAM)
            .input(model.clone())
            .input(test.source().clone()),
        model: model.sha256,
        horizons: BTreeMap::new(),
    }
}

/// Adds a horizon, whose document has been written.
pub(crate) fn add(summary: &mut HorizonsEval, folder: &Path) -> Result<()> {
    let (report, reference) = read_document::<EvalReport>(&Input::Path(folder.join(REPORT)))?;
    let horizon_h = pm25_air::Task::from(report.model.task).horizon_h();
    summary.pm25.files.push(InputRef {
        name: format!("h{horizon_h}/{REPORT}"),
        sha256: reference.sha256,
    });
    summary.horizons.insert(horizon_h, report);
    Ok(())
}

/// Publishes the summary; last, so that it names nothing that is not there.
pub(crate) fn write(summary: &mut HorizonsEval, out_dir: &Path) -> Result<()> {
    write_document(&Output::Path(out_dir.join(REPORT)), summary).map(|_| ())
}

/// The scores of each horizon for programs, a line for people.
pub(crate) struct Said<'a>(pub(crate) &'a HorizonsEval);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let horizons = self.0.horizons.iter();
        serializer.collect_map(horizons.map(|(horizon_h, report)| (horizon_h, say::Said(report))))
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>4}  {:<12}{:>9}{:>9}{:>9}{:>13}{:>10}{:>9}",
            "h", "µg/m³", "RMSE", "MAE", "bias", "persistence", "skill", "rows"
        )?;
        for (horizon_h, scores) in &self.0.horizons {
            let [rmse, mae, bias] = of(&scores.metrics).map(|value| number(value, 2));
            let persistence = number(scores.baselines.persistence.rmse_ug_m3, 2);
            let skill = number(scores.skill_over_persistence.skill, 3);
            let rows = scores.metrics.rows;
            write!(
                f,
                "{horizon_h:>4}  {:<12}{rmse:>9}{mae:>9}{bias:>9}{persistence:>13}{skill:>10}{rows:>9}",
                scores.model.kind.word()
            )?;
            let bootstrap = scores.bootstrap.as_ref();
            match bootstrap.and_then(|bootstrap| bootstrap.skill_over.persistence) {
                Some([low, high]) => writeln!(f, "  95 %: {low:.3} to {high:.3}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

fn of(metrics: &Metrics) -> [Option<f64>; 3] {
    [metrics.rmse_ug_m3, metrics.mae_ug_m3, metrics.bias_ug_m3]
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}
