//! `pm25-eval dependence`: what a model says on average when a column, or two, are given other values.
//!
//! Partial dependence (Friedman 2001) with the spread of single rows' curves (individual conditional expectation,
//! Goldstein et al. 2015). It tells of the model, not of the air, and least where columns that go together are set apart.

mod files;
mod grid;
mod partial;
mod pictures;
mod say;

use std::path::PathBuf;

use anyhow::Result;
use pm25_artifact::dependence::{Curve, DependenceReport, Surface};
use pm25_artifact::eval::ModelRef;
use pm25_artifact::model::Model;
use pm25_file::{Fault, Header, Input, InputRef, nearest};
use pm25_tool::{Console, Outcome, Threads};

use crate::PROGRAM;
use crate::together::Together;
use files::Folder;
use partial::Sample;

/// Show what a model says when a column changes: partial dependence on one column or two
///
/// Writes dependence.json, dependence.parquet and a picture for each column and pair.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DependenceArgs {
    /// Model to ask (model.json)
    #[arg(long, value_name = "FILE")]
    model: Input,
    /// Which model of a file with several horizons
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Prepared tables that rows are taken from
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<Input>,
    /// Folder for dependence.json, dependence.parquet and pictures
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Columns, and pairs of them as A:B [default: every column of the model]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    columns: Vec<String>,
    /// How many rows, evenly spaced, the means are over
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    /// How many values a column is given, a pair the root of ten times as many each way
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(2..=500))]
    points: u16,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
    #[command(flatten)]
    threads: Threads,
}

/// What is asked for: positions among the model's inputs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    One(usize),
    Two([usize; 2]),
}

/// Computes and writes.
pub(crate) fn run(args: &DependenceArgs, console: &Console) -> Result<Outcome> {
    let (model, model_ref) = Model::read_at(&args.model, args.horizon_h)?;
    let asked = asked(&args.columns, &model)?;
    let rows = Together::read(&args.data, &model)?;
    let sample = Sample::new(&rows, args.rows as usize);
    let points = usize::from(args.points);
    let (mut curves, mut surfaces, mut rugs) = (Vec::new(), Vec::new(), Vec::new());
    let progress = console.progress("columns", asked.len() as u64);
    args.threads.install(|| -> pm25_file::Result<()> {
        for one in &asked {
            match *one {
                Asked::One(column) => {
                    curves.push(curve(&model, &sample, &rows, (column, points))?);
                    rugs.push(grid::deciles(&rows.columns[column]));
                }
                Asked::Two(columns) => {
                    surfaces.push(surface(&model, &sample, &rows, (columns, points))?);
                }
            }
            progress.advance(1);
        }
        Ok(())
    })??;
    drop(progress);
    let mut report = DependenceReport {
        pm25: header(args, &model_ref, &rows),
        model: ModelRef {
            sha256: model_ref.sha256,
            kind: model.kind(),
            task: model.task(),
        },
        rows: sample.n_rows() as u64,
        curves,
        surfaces,
    };
    let folder = Folder {
        path: &args.out_dir,
    };
    folder.table(&mut report)?;
    if !args.no_plots {
        folder.pictures(pictures::pictures(&report, &rugs), &mut report)?;
    }
    folder.report(&mut report)?;
    console.say(&say::Said(&report))?;
    Ok(Outcome::Done)
}

/// Names to positions; a column is named by its name or its expression.
fn asked(names: &[String], model: &Model) -> Result<Vec<Asked>, Fault> {
    if names.is_empty() {
        return Ok((0..model.inputs().len()).map(Asked::One).collect());
    }
    names
        .iter()
        .map(|name| match name.split_once(':') {
            None => position(name, model).map(Asked::One),
            Some((a, b)) => {
                let both = [position(a, model)?, position(b, model)?];
                if both[0] == both[1] {
                    return Err(Fault::usage(format!("`{name}` names one column twice"))
                        .hint("a pair is two columns: A:B"));
                }
                Ok(Asked::Two(both))
            }
        })
        .collect()
}

fn position(name: &str, model: &Model) -> Result<usize, Fault> {
    let name = name.trim();
    let inputs = model.inputs();
    let found = inputs
        .iter()
        .position(|input| input.column == name || input.expression == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = inputs.iter().map(|input| input.column.as_str()).collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.join(", ")),
        };
        Fault::usage(format!("the model has no column `{name}`")).hint(hint)
    })
}

fn curve(
    model: &Model,
    sample: &Sample,
    rows: &Together,
    (column, points): (usize, usize),
) -> pm25_file::Result<Curve> {
    let input = &model.inputs()[column];
    let values = values(&input.column, &rows.columns[column], points)?;
    Ok(Curve {
        column: input.column.clone(),
        unit: input.unit.clone(),
        points: partial::curve(model, sample, column, &values),
    })
}

fn surface(
    model: &Model,
    sample: &Sample,
    rows: &Together,
    (columns, points): ([usize; 2], usize),
) -> pm25_file::Result<Surface> {
    let inputs = columns.map(|column| &model.inputs()[column]);
    let each_way = ((10 * points) as f64).sqrt().round() as usize;
    let [a, b] = columns.map(|column| {
        values(
            &model.inputs()[column].column,
            &rows.columns[column],
            each_way,
        )
    });
    let values = [a?, b?];
    Ok(Surface {
        columns: inputs.map(|input| input.column.clone()),
        units: inputs.map(|input| input.unit.clone()),
        mean_ug_m3: partial::surface(model, sample, columns, &values),
        values: values.map(|values| values.iter().map(|value| f64::from(*value)).collect()),
    })
}

fn values(name: &str, column: &[f32], points: usize) -> pm25_file::Result<Vec<f32>> {
    let values = grid::values(column, points);
    if values.len() < 2 {
        let what =
            format!("`{name}` has fewer than two values in these rows: nothing can depend on it");
        return Err(Fault::bad_data(what).hint("name other columns with --columns"));
    }
    Ok(values)
}

fn header(args: &DependenceArgs, model: &InputRef, rows: &Together) -> Header {
    let mut header = Header::new(&PROGRAM)
        .input(model.clone())
        .param("columns", &args.columns)
        .param("rows", args.rows)
        .param("points", args.points);
    if let Some(horizon_h) = args.horizon_h {
        header = header.param("horizon_h", horizon_h);
    }
    for source in &rows.sources {
        header = header.input(source.clone());
    }
    header
        .unit("mean_ug_m3", "µg/m³")
        .unit("ice_10_90_ug_m3", "µg/m³")
}
