//! What is written into the folder. The report comes last, so that it never names a file that is not there.

use std::path::Path;

use anyhow::Context;
use pm25_artifact::normalise::NormaliseReport;
use pm25_file::{Header, InputRef, Output, Result, Sha256, publish, write_document};
use pm25_table::{Column, Table, Text};

use super::pictures::pictures;
use super::station::Series;
use crate::PROGRAM;

const TABLE: &str = "normalise.parquet";
const REPORT: &str = "normalise.json";

/// Where everything goes.
pub(crate) struct Folder<'a> {
    pub(crate) path: &'a Path,
}

impl Folder<'_> {
    /// Writes normalise.parquet: one row per hour, by station and time.
    pub(crate) fn series(&self, series: &Series<'_>, report: &mut NormaliseReport) -> Result<()> {
        let rows = series.rows;
        let names = rows
            .station
            .iter()
            .map(|code| rows.stations[*code as usize].name.as_str());
        let mut table = Table::new();
        table.push("station", Column::Text(Text::from_rows(names)));
        table.push("time", Column::Time(rows.time_s.clone()));
        table.push("observed_ug_m3", rows.target_ug_m3.clone());
        table.push("predicted_ug_m3", series.predicted_ug_m3.to_vec());
        table.push("normalised_ug_m3", series.normalised.mean_ug_m3.clone());
        table.push("normalised_std_ug_m3", series.normalised.std_ug_m3.clone());
        let output = Output::Path(self.path.join(TABLE));
        let sha256 = table.write(&output, "pm25-normalised", header(report))?;
        list(report, TABLE, sha256);
        Ok(())
    }

    /// Draws and writes a picture for each station, and one of all trends.
    pub(crate) fn pictures(&self, report: &mut NormaliseReport) -> anyhow::Result<()> {
        for (name, png) in pictures(report) {
            let png = png.with_context(|| format!("cannot draw {name}"))?;
            publish(&self.path.join(&name), &png)?;
            list(report, &name, Sha256::of(&png));
        }
        Ok(())
    }

    /// Writes normalise.json.
    pub(crate) fn report(&self, report: &mut NormaliseReport) -> Result<()> {
        write_document(&Output::Path(self.path.join(REPORT)), report).map(|_| ())
    }
}

fn header(report: &NormaliseReport) -> Header {
    let mut header = Header::new(&PROGRAM).fact("resampled", &report.resampled);
    header.params.clone_from(&report.pm25.params);
    header.inputs.clone_from(&report.pm25.inputs);
    for column in [
        "observed_ug_m3",
        "predicted_ug_m3",
        "normalised_ug_m3",
        "normalised_std_ug_m3",
    ] {
        header = header.unit(column, "µg/m³");
    }
    header
}

fn list(report: &mut NormaliseReport, name: &str, sha256: Sha256) {
    report.pm25.files.push(InputRef {
        name: name.to_owned(),
        sha256,
    });
}
