//! What is written into the folder. The report comes last, so that it never names a file that is not there.

use std::path::Path;

use pm25_air::Task;
use pm25_artifact::backtest::BacktestReport;
use pm25_file::{Header, InputRef, Output, Result, Sha256, publish, write_document};
use pm25_table::{Column, Table, Text};

use super::report::Joined;
use super::turn::Turn;
use crate::PROGRAM;
use crate::files::PREDICTIONS;
use crate::plots::Picture;

/// Where everything goes.
pub(super) struct Folder<'a> {
    pub(super) path: &'a Path,
}

impl Folder<'_> {
    /// Writes predictions.parquet: a row for each judged row, by origin, station and time.
    ///
    /// `origin` is the instant before which everything was answered that the row's model learned from.
    pub(super) fn predictions(
        &self,
        turns: &[Turn],
        all: &Joined,
        report: &mut BacktestReport,
    ) -> Result<()> {
        let n_rows = all.target.len();
        let stations = turns.iter().flat_map(|turn| {
            let (words, codes) = &turn.station;
            codes.iter().map(|&code| words[code as usize].as_str())
        });
        let origins = turns
            .iter()
            .flat_map(|turn| std::iter::repeat_n(turn.origin.at_s, turn.target.len()));
        let horizon_h = i16::try_from(Task::from(report.task).horizon_h())
            .expect("a horizon is at most a year of hours");
        let narrow =
            |values: &[f64]| -> Vec<f32> { values.iter().map(|&value| value as f32).collect() };
        let answers = &all.answers;
        let mut table = Table::new();
        table.push("station", Column::Text(Text::from_rows(stations)));
        table.push("time", Column::Time(all.time_s.clone()));
        table.push("origin", Column::Time(origins.collect()));
        table.push("horizon_h", Column::I16(vec![horizon_h; n_rows]));
        table.push("target_ug_m3", narrow(&all.target));
        table.push("persistence_ug_m3", narrow(&answers.persistence));
        table.push("prediction_ug_m3", answers.model.clone());
        table.push("climatology_ug_m3", answers.climatology.clone());
        table.push("linear_ug_m3", answers.linear.clone());
        let sha256 = table.write(
            &self.output(PREDICTIONS),
            "pm25-backtest-predictions",
            header(report),
        )?;
        list(report, PREDICTIONS, sha256);
        Ok(())
    }

    /// Writes the pictures.
    pub(super) fn pictures(
        &self,
        pictures: Vec<Picture>,
        report: &mut BacktestReport,
    ) -> Result<()> {
        for picture in pictures {
            publish(&self.path.join(picture.name), &picture.png)?;
            list(report, picture.name, Sha256::of(&picture.png));
        }
        Ok(())
    }

    /// Writes backtest.json.
    pub(super) fn report(&self, report: &mut BacktestReport) -> Result<()> {
        write_document(&self.output("backtest.json"), report).map(|_| ())
    }

    fn output(&self, name: &str) -> Output {
        Output::Path(self.path.join(name))
    }
}

fn header(report: &BacktestReport) -> Header {
    let mut header = Header::new(&PROGRAM)
        .unit("horizon_h", "h")
        .fact("task", report.task);
    header.params.clone_from(&report.pm25.params);
    header.inputs.clone_from(&report.pm25.inputs);
    for column in [
        "target",
        "persistence",
        "prediction",
        "climatology",
        "linear",
    ] {
        header = header.unit(&format!("{column}_ug_m3"), "µg/m³");
    }
    header
}

fn list(report: &mut BacktestReport, name: &str, sha256: Sha256) {
    report.pm25.files.push(InputRef {
        name: name.to_owned(),
        sha256,
    });
}
