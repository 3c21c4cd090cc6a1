//! What is written into the folder. The report comes last, so that it never names a file that is not there.

use std::path::Path;

use anyhow::Context;
use pm25_artifact::dependence::DependenceReport;
use pm25_file::{Header, InputRef, Output, Result, Sha256, publish, write_document};
use pm25_plot::PlotError;
use pm25_table::{Column, Table, Text};

use crate::PROGRAM;

const TABLE: &str = "dependence.parquet";
const REPORT: &str = "dependence.json";

/// Where everything goes.
pub(crate) struct Folder<'a> {
    pub(crate) path: &'a Path,
}

/// One row of the table: columns, values, mean, ends of the band.
type Point<'a> = ([&'a str; 2], [f64; 2], f64, [f64; 2]);

impl Folder<'_> {
    /// Writes dependence.parquet: a row per point of every curve and surface; what a curve has no second column for is
    /// empty, and what a surface has no band for is missing.
    pub(crate) fn table(&self, report: &mut DependenceReport) -> Result<()> {
        let points = points(report);
        let words = |which: usize| Text::from_rows(points.iter().map(|point| point.0[which]));
        let numbers = |of: &dyn Fn(&Point<'_>) -> f64| points.iter().map(of).collect::<Vec<f64>>();
        let mut table = Table::new();
        table.push("column", Column::Text(words(0)));
        table.push("value", numbers(&|point| point.1[0]));
        table.push("other_column", Column::Text(words(1)));
        table.push("other_value", numbers(&|point| point.1[1]));
        table.push("mean_ug_m3", numbers(&|point| point.2));
        table.push("ice_10_ug_m3", numbers(&|point| point.3[0]));
        table.push("ice_90_ug_m3", numbers(&|point| point.3[1]));
        let mut header = Header::new(&PROGRAM);
        header.params.clone_from(&report.pm25.params);
        header.inputs.clone_from(&report.pm25.inputs);
        for column in ["mean_ug_m3", "ice_10_ug_m3", "ice_90_ug_m3"] {
            header = header.unit(column, "µg/m³");
        }
        let output = Output::Path(self.path.join(TABLE));
        let sha256 = table.write(&output, "pm25-dependence", header)?;
        list(report, TABLE, sha256);
        Ok(())
    }

    /// Writes the pictures.
    pub(crate) fn pictures(
        &self,
        pictures: Vec<(String, std::result::Result<Vec<u8>, PlotError>)>,
        report: &mut DependenceReport,
    ) -> anyhow::Result<()> {
        for (name, png) in pictures {
            let png = png.with_context(|| format!("cannot draw {name}"))?;
            publish(&self.path.join(&name), &png)?;
            list(report, &name, Sha256::of(&png));
        }
        Ok(())
    }

    /// Writes dependence.json.
    pub(crate) fn report(&self, report: &mut DependenceReport) -> Result<()> {
        write_document(&Output::Path(self.path.join(REPORT)), report).map(|_| ())
    }
}

fn points(report: &DependenceReport) -> Vec<Point<'_>> {
    let mut points = Vec::new();
    for curve in &report.curves {
        for point in &curve.points {
            let columns = [curve.column.as_str(), ""];
            let values = [point.value, f64::NAN];
            points.push((columns, values, point.mean_ug_m3, point.ice_10_90_ug_m3));
        }
    }
    for surface in &report.surfaces {
        let columns = [surface.columns[0].as_str(), surface.columns[1].as_str()];
        for (a, means) in surface.values[0].iter().zip(&surface.mean_ug_m3) {
            for (b, mean) in surface.values[1].iter().zip(means) {
                points.push((columns, [*a, *b], *mean, [f64::NAN; 2]));
            }
        }
    }
    points
}

fn list(report: &mut DependenceReport, name: &str, sha256: Sha256) {
    report.pm25.files.push(InputRef {
        name: name.to_owned(),
        sha256,
    });
}
