//! `pm25-shap`: explains a model with exact SHAP values.
//!
//! Base plus contributions is the prediction, on every row, or nothing is written. It explains what the
//! model does, not what air does: correlated features share credit as the training rows happened to.

mod choose;
mod explain;
mod interactions;
mod parts;
mod pictures;
mod report;
mod say;

use std::path::{Path, PathBuf};

use clap::Parser;
use pm25_artifact::model::Model;
use pm25_artifact::shap::{ShapReport, Space};
use pm25_file::{
    Header, Input, InputRef, Output, Program, Result, Sha256, program, publish, write_document,
};
use pm25_table::{Column, Table};
use pm25_tool::{Common, Console, Outcome, Threads, Tool};

use choose::Choice;
use explain::Explained;

const PROGRAM: Program = program!();
const TABLE: &str = "shap.parquet";
const PAIRS: &str = "shap_interactions.parquet";
/// Pairs of features that the report names.
const N_PAIRS_REPORTED: usize = 20;

/// Explain a model's predictions: what each feature adds
///
/// Exact path-dependent TreeSHAP for forests and boosters, the exact linear form for the ridge, and their weighted sum
/// for a blend, in µg/m³ or in the space that the trees speak. Writes
/// shap.parquet (a row per prediction), shap.json (importances) and pictures.
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-shap", version)]
pub struct Args {
    /// Model to explain (model.json)
    #[arg(long, value_name = "FILE")]
    model: Input,
    /// Which model of a file with several horizons
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Rows to explain (a table of pm25-prep)
    #[arg(long, value_name = "FILE")]
    data: Input,
    /// Explain only the first N rows
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Explain N rows evenly spaced over the whole table instead of the first ones: all stations, all seasons
    #[arg(long, value_name = "N", conflicts_with = "rows", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
    /// Compare with the rows of this table (100 of them, evenly spaced) instead of with the training rows
    ///
    /// A feature that is not known then takes its values in these rows (interventional SHAP), not the
    /// average of the training rows that came the same way.
    #[arg(long, value_name = "FILE")]
    background: Option<Input>,
    /// Write shap_interactions.parquet too: what each feature adds alone, and what each two add together
    #[arg(long, conflicts_with = "background")]
    interactions: bool,
    /// Row for the waterfall picture, counted from 1 [default: the one with the highest prediction]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    row: Option<u32>,
    /// Folder for shap.parquet, shap.json and pictures
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    common: Common,
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        let (model, model_ref) = Model::read_at(&self.model, self.horizon_h)?;
        let table = Table::read(&self.data, "pm25-features")?;
        if table.header().is_none() {
            console.warn(&format!(
                "{} was not made by pm25-prep: it has no seal",
                self.data
            ));
        }
        let background = self.background.as_ref();
        let background = background
            .map(|file| Table::read(file, "pm25-features"))
            .transpose()?;
        let rows = self.choice().rows(&table)?;
        let explained = self
            .threads
            .install(|| explain::explain(&model, &table, rows, background.as_ref()))??;
        let header = self.header(&table, background.as_ref(), &model_ref);
        let mut report = report::report(header, &model_ref, &model, &explained);
        let to = |name: &str| Output::Path(self.out_dir.join(name));
        let sha256 = write_rows(&to(TABLE), &table, &explained)?;
        report.pm25.files.push(file(TABLE, sha256));
        if self.interactions {
            self.add_interactions(&table, &model, &explained, &mut report)?;
        } else {
            remove(&self.out_dir.join(PAIRS))?;
        }
        if !self.no_plots {
            let row_idx = explain::waterfall_row(&explained, self.row)?;
            let in_words = explain::row_in_words(&table, explained.rows[row_idx]);
            let row = pictures::Row {
                idx: row_idx,
                stations: model.stations(),
                in_words,
            };
            publish_all(
                &self.out_dir,
                pictures::draw(&report, &explained, &row)?,
                &mut report,
            )?;
        }
        write_document(&to("shap.json"), &mut report)?;
        remove_leftovers(&self.out_dir, &report)?;
        console.say(&say::Said(&report))?;
        Ok(Outcome::Done)
    }
}

impl Args {
    fn header(&self, table: &Table, background: Option<&Table>, model: &InputRef) -> Header {
        let header = Header::new(&PROGRAM)
            .input(model.clone())
            .input(table.source().clone());
        let header = match background {
            Some(background) => header
                .input(background.source().clone())
                .param("background_rows_max", choose::N_BACKGROUND_MAX as u64),
            None => header,
        };
        let header = match self.horizon_h {
            Some(horizon_h) => header.param("horizon_h", horizon_h),
            None => header,
        };
        match self.choice() {
            Choice::First(n) => header.param("rows", n),
            Choice::Spread(n) => header.param("sample", n),
        }
    }

    fn choice(&self) -> Choice {
        self.sample.map_or(Choice::First(self.rows), Choice::Spread)
    }

    fn add_interactions(
        &self,
        table: &Table,
        model: &Model,
        explained: &Explained,
        report: &mut ShapReport,
    ) -> anyhow::Result<()> {
        let found = self
            .threads
            .install(|| interactions::interactions(model, explained))??;
        let header = Header::new(&PROGRAM).input(table.source().clone());
        let rows = which_rows(table, explained);
        let sha256 = found.write(&Output::Path(self.out_dir.join(PAIRS)), rows, header)?;
        report.pm25.files.push(file(PAIRS, sha256));
        report.pairs = found.strongest(explained, N_PAIRS_REPORTED);
        Ok(())
    }
}

fn file(name: &str, sha256: Sha256) -> InputRef {
    InputRef {
        name: name.to_owned(),
        sha256,
    }
}

/// Removes what an earlier run may have left.
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Removes dependence pictures of an earlier model: a folder that holds them would tell of features that do
/// not matter here.
fn remove_leftovers(folder: &Path, report: &ShapReport) -> anyhow::Result<()> {
    for entry in folder.read_dir()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_picture = name.starts_with("dependence_") && name.ends_with(".png");
        if is_picture && report.pm25.files.iter().all(|file| file.name != name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn publish_all(
    folder: &Path,
    pictures: Vec<pictures::Picture>,
    report: &mut ShapReport,
) -> Result<()> {
    for picture in pictures {
        publish(&folder.join(&picture.name), &picture.png)?;
        let sha256 = Sha256::of(&picture.png);
        report.pm25.files.push(InputRef {
            name: picture.name,
            sha256,
        });
    }
    Ok(())
}

/// shap.parquet: `station time base prediction`, then a column of contributions per feature; where contributions do
/// not add up in µg/m³, `score` is what they add up to.
fn write_rows(to: &Output, table: &Table, explained: &Explained) -> Result<Sha256> {
    let mut rows = which_rows(table, explained);
    let unit = explained.space.unit();
    let mut header = Header::new(&PROGRAM).unit("base", unit);
    header = header.unit("prediction", "µg/m³");
    if explained.space != Space::UgM3 {
        header = header.unit("score", unit);
    }
    for (input, phi) in explained.inputs.iter().zip(&explained.phi) {
        rows.push(&input.column, phi.clone());
        header = header.unit(&input.column, unit);
    }
    rows.write(to, "pm25-shap", header.input(table.source().clone()))
}

/// The columns that both tables begin with: `station time base prediction`, and `score` where it is something else.
fn which_rows(table: &Table, explained: &Explained) -> Table {
    let mut rows = Table::new();
    if let Ok(text) = table.text("station") {
        let mut text = text.clone();
        text.codes = explained.rows.iter().map(|&row| text.codes[row]).collect();
        rows.push("station", Column::Text(text));
    }
    if let Ok(times) = table.time("time") {
        let times = explained.rows.iter().map(|&row| times[row]);
        rows.push("time", Column::Time(times.collect()));
    }
    rows.push("base", vec![explained.base; explained.rows.len()]);
    rows.push("prediction", explained.predictions.clone());
    if explained.space != Space::UgM3 {
        rows.push("score", explained.scores.clone());
    }
    rows
}
