//! What is written into the folder. The report comes last, so that it never names a file that is not there.

use std::path::Path;

use pm25_artifact::eval::EvalReport;
use pm25_file::{Header, InputRef, Output, Result, Sha256, publish, write_document};
use pm25_table::{Column, Table};

use crate::PROGRAM;
use crate::answers::Answers;
use crate::exam::Exam;
use crate::exceed::Chances;
use crate::plots::{self, Picture};

pub(crate) const PREDICTIONS: &str = "predictions.parquet";
/// Ends of intervals as they were calibrated, before they followed what came true and before they were moved to where they are
/// possible: the lower one may be below 0, and the prediction outside. `coverage.fixed` scores them after that move.
const BASE: [&str; 2] = ["base_lower_ug_m3", "base_upper_ug_m3"];
pub(crate) const REPORT: &str = "eval.json";

/// Where everything goes.
pub(crate) struct Folder<'a> {
    pub(crate) path: &'a Path,
}

impl Folder<'_> {
    /// Writes predictions.parquet: one row per test row, in the same order.
    pub(crate) fn predictions(
        &self,
        exam: &Exam<'_>,
        answers: &Answers,
        chances: &[Chances],
        report: &mut EvalReport,
    ) -> Result<()> {
        let horizon_h = pm25_air::Task::from(report.model.task).horizon_h();
        let horizon_h = i16::try_from(horizon_h).expect("a horizon is at most a year of hours");
        let mut table = Table::new();
        if let Some(text) = exam.station {
            table.push("station", Column::Text(text.clone()));
        }
        if let Some(time_s) = exam.time_s {
            table.push("time", Column::Time(time_s.to_vec()));
        }
        table.push("horizon_h", Column::I16(vec![horizon_h; exam.n_rows()]));
        table.push(
            "target_ug_m3",
            exam.target_ug_m3
                .iter()
                .map(|value| *value as f32)
                .collect::<Vec<f32>>(),
        );
        table.push(
            "persistence_ug_m3",
            answers
                .persistence
                .iter()
                .map(|value| *value as f32)
                .collect::<Vec<f32>>(),
        );
        table.push("prediction_ug_m3", answers.model.clone());
        for (end, column) in ends(answers).into_iter().enumerate() {
            let intervals = answers.intervals.iter().flat_map(|known| &known.ends);
            let values: Vec<f64> = intervals.map(|both| both[end]).collect();
            table.push(&column, values);
        }
        let followed = answers
            .intervals
            .iter()
            .filter_map(|known| known.online.as_ref());
        for followed in followed {
            for (end, column) in BASE.into_iter().enumerate() {
                let values: Vec<f64> = followed.base.iter().map(|both| both[end]).collect();
                table.push(column, values);
            }
        }
        table.push("linear_ug_m3", answers.linear.clone());
        for chance in chances {
            table.push(&chance.column(), chance.probability.clone());
        }
        let sha256 = table.write(
            &self.output(PREDICTIONS),
            "pm25-predictions",
            header(report, answers, chances),
        )?;
        list(report, PREDICTIONS, sha256);
        Ok(())
    }

    /// Writes the pictures, and takes away those of an earlier model that this one has none of.
    pub(crate) fn pictures(&self, pictures: Vec<Picture>, report: &mut EvalReport) -> Result<()> {
        for name in plots::NAMES {
            if pictures.iter().all(|picture| picture.name != name) {
                // One that is not there, or stays, is no reason to stop: eval.json names what belongs to it.
                let _ = std::fs::remove_file(self.path.join(name));
            }
        }
        for picture in pictures {
            publish(&self.path.join(picture.name), &picture.png)?;
            list(report, picture.name, Sha256::of(&picture.png));
        }
        Ok(())
    }

    /// Writes eval.json.
    pub(crate) fn report(&self, report: &mut EvalReport) -> Result<()> {
        write_document(&self.output(REPORT), report).map(|_| ())
    }

    fn output(&self, name: &str) -> Output {
        Output::Path(self.path.join(name))
    }
}

/// Columns of the intervals' ends: `lower_90_ug_m3` and `upper_90_ug_m3` of one that promises 90 %.
fn ends(answers: &Answers) -> Vec<String> {
    let Some(intervals) = &answers.intervals else {
        return Vec::new();
    };
    let promised = (100.0 * intervals.promised).round();
    ["lower", "upper"]
        .map(|end| format!("{end}_{promised}_ug_m3"))
        .into()
}

fn header(report: &EvalReport, answers: &Answers, chances: &[Chances]) -> Header {
    let mut header = Header::new(&PROGRAM)
        .unit("horizon_h", "h")
        .fact("task", report.model.task);
    header.params.clone_from(&report.pm25.params);
    // Model and test rows; probabilities come from validation rows, too. A rival changes nothing here.
    let n_inputs = if chances.is_empty() { 2 } else { 3 };
    header.inputs = report.pm25.inputs.iter().take(n_inputs).cloned().collect();
    for column in [
        "target_ug_m3",
        "persistence_ug_m3",
        "prediction_ug_m3",
        "linear_ug_m3",
    ] {
        header = header.unit(column, "µg/m³");
    }
    if answers.intervals.iter().any(|known| known.online.is_some()) {
        for column in BASE {
            header = header.unit(column, "µg/m³");
        }
    }
    for column in ends(answers) {
        header = header.unit(&column, "µg/m³");
    }
    for chance in chances {
        header = header.unit(&chance.column(), "1");
    }
    header
}

fn list(report: &mut EvalReport, name: &str, sha256: Sha256) {
    report.pm25.files.push(InputRef {
        name: name.to_owned(),
        sha256,
    });
}
