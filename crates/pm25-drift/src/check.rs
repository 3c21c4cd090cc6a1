//! `pm25-drift check`: compares current rows with a reference, column by column.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::ValueEnum;
use pm25_air::civil::format_utc;
use pm25_artifact::drift::{ColumnDrift, DriftReport, Role, Verdict};
use pm25_artifact::model::Model;
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, write_document};
use pm25_tool::{Console, Outcome, Threads, exit};
use rayon::prelude::*;

use crate::compare::compare;
use crate::limits::limits;
use crate::reference::Reference;
use crate::role::{PREDICTION, role};
use crate::rows::Rows;
use crate::say::SaidReport;
use crate::words::{Taken, Units, words};
use crate::{PROGRAM, prometheus, requests, season, sniff};

/// Compare current rows with a reference, column by column
///
/// A column's verdict is the worst band of three measures: the population stability index (moderate from 0.1,
/// significant from 0.25, less what chance gives), the Kolmogorov-Smirnov statistic (0.126, 0.197) and the Wasserstein
/// distance in standard deviations of the reference (0.316, 0.5). They describe the same shift of a normal column. With
/// fewer than 200 rows on a side it is `too_few`. Calendar and station columns are reported and do not count.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Check {
    /// What is compared with: a profile, a model that carries one, or a table
    #[arg(long, value_name = "FILE")]
    reference: Input,
    /// What is compared: a table, or requests with one JSON object per line
    #[arg(long, value_name = "FILE")]
    current: Input,
    /// A model whose predictions for the rows of both sides are compared too
    #[arg(long, value_name = "FILE")]
    model: Option<Input>,
    /// Which model of a file with several horizons, of the reference's or of --model
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Compare only with the reference's rows of the same days of the year, 15 more on either side
    #[arg(long)]
    season: bool,
    /// End with status 11 from this verdict on; `none` never does
    #[arg(long, value_enum, default_value = "significant")]
    fail_on: FailOn,
    /// Where the report goes
    #[arg(long, value_name = "FILE")]
    out: Output,
    /// Where metrics for Prometheus' textfile collector go
    #[arg(long, value_name = "FILE")]
    prom: Option<Output>,
    /// Write the time of day into the report, which then differs from run to run
    #[arg(long)]
    stamp_now: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum FailOn {
    None,
    Moderate,
    Significant,
}

impl FailOn {
    fn fails(self, verdict: Verdict) -> bool {
        match self {
            Self::None => false,
            Self::Moderate => Verdict::Moderate <= verdict,
            Self::Significant => Verdict::Significant <= verdict,
        }
    }
}

pub(crate) fn run(args: &Check, console: &Console) -> anyhow::Result<Outcome> {
    let mut reference = Reference::read(&args.reference, args.horizon_h, console)?;
    let mut current = current(&args.current, &reference, console)?;
    let model = predict(args, &mut reference, &mut current, console)?;
    if args.season {
        season::match_season(&mut reference, &current)?;
    }
    let columns = args.threads.install(|| columns(&reference, &current))??;
    let mut report = report(&reference, &current, columns);
    report.pm25.inputs.extend(model);
    report.pm25 = report.pm25.param("season", args.season);
    if let Some(horizon_h) = args.horizon_h {
        report.pm25 = report.pm25.param("horizon_h", horizon_h);
    }
    if args.stamp_now {
        report.stamped = Some(now()?);
    }
    publish(args, &mut report, console)?;
    Ok(match args.fail_on.fails(report.verdict) {
        true => Outcome::Finding(exit::DRIFTED),
        false => Outcome::Done,
    })
}

fn current(input: &Input, reference: &Reference, console: &Console) -> Result<Rows> {
    if sniff::is_table(input) {
        return Rows::read_table(input, console);
    }
    let rows = requests::read(input, &reference.names())?;
    if 0 < rows.rejected_lines {
        console.warn(&format!(
            "{input}: {} lines are no request and were left out",
            rows.rejected_lines
        ));
    }
    Ok(rows)
}

/// Lets the model answer for both sides, as far as their rows are at hand; returns the model's file if one was given.
fn predict(
    args: &Check,
    reference: &mut Reference,
    current: &mut Rows,
    console: &Console,
) -> Result<Option<InputRef>> {
    if let Reference::Kept(kept) = &*reference
        && let Some(model) = &kept.model
    {
        if args.model.is_some() {
            return Err(
                Fault::usage("--model is not needed: the reference is a model")
                    .hint("leave --model out, or give a profile or a table as the reference"),
            );
        }
        let known = current.names();
        if model
            .inputs()
            .iter()
            .all(|input| known.contains(&input.column))
        {
            current.predict(model)?;
        }
        return Ok(None);
    }
    let Some(input) = &args.model else {
        return Ok(None);
    };
    let (model, source) = Model::read_at(input, args.horizon_h)?;
    current.predict(&model)?;
    if let Reference::Rows(rows) = reference {
        rows.predict(&model)?;
    }
    if reference.has_predictions_of_another(&source) {
        console.warn(&format!(
            "{}: its predictions may be those of another model than {input}",
            args.reference
        ));
    }
    Ok(Some(source))
}

/// Every column that both have.
fn columns(reference: &Reference, current: &Rows) -> Result<BTreeMap<String, ColumnDrift>> {
    let both: Vec<String> = reference
        .names()
        .intersection(&current.names())
        .cloned()
        .collect();
    if both.is_empty() {
        let (a, b) = (&reference.source().name, &current.source.name);
        return Err(
            Fault::bad_data(format!("{a} and {b} have no column in common to compare"))
                .hint("compare tables of one run of pm25-prep, or a profile of one with the other"),
        );
    }
    let column = |name: String| {
        let (before, precision) = reference.before(&name, current.precision(&name))?;
        let now = current.sample(&name, precision)?;
        let role = role(&name).unwrap_or(Role::Context);
        Ok((name, compare(role, &before, &now)))
    };
    both.into_par_iter().map(column).collect()
}

fn report(
    reference: &Reference,
    current: &Rows,
    columns: BTreeMap<String, ColumnDrift>,
) -> DriftReport {
    let (was, is) = (reference.names(), current.names());
    let names = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    let units = units(reference, &columns);
    let reference_side = reference.side();
    let taken = match reference_side.days_of_year {
        Some(_) => Taken::Season,
        None => Taken::All,
    };
    let mut header = Header::new(&PROGRAM)
        .input(reference.source().clone())
        .input(current.source.clone());
    header.units.clone_from(&units);
    DriftReport {
        pm25: header,
        stamped: None,
        verdict: overall(&columns),
        words: words(&columns, &units, taken),
        reference: reference_side,
        current: current.side(),
        limits: limits(),
        columns,
        only_in_reference: names(&was, &is),
        only_in_current: names(&is, &was),
    }
}

fn units(reference: &Reference, columns: &BTreeMap<String, ColumnDrift>) -> Units {
    let mut units = reference.units();
    units.insert(PREDICTION.to_owned(), "µg/m³".to_owned());
    units.retain(|name, _| columns.contains_key(name));
    units
}

/// The worst of the columns that count; what cannot be judged says nothing beside what can.
fn overall(columns: &BTreeMap<String, ColumnDrift>) -> Verdict {
    let counted = columns.values().filter(|drift| drift.role != Role::Context);
    counted
        .map(|drift| drift.verdict)
        .max()
        .unwrap_or(Verdict::TooFew)
}

fn publish(args: &Check, report: &mut DriftReport, console: &Console) -> anyhow::Result<()> {
    for name in &report.only_in_reference {
        if role(name) == Some(Role::Input) {
            console.warn(&format!("{} has no column `{name}`", args.current));
        }
    }
    write_document(&args.out, report)?;
    if let Some(prom) = &args.prom {
        prom.write(prometheus::metrics(report).as_bytes())?;
    }
    let to_stdout = args.out.is_stdout() || args.prom.as_ref().is_some_and(Output::is_stdout);
    if !to_stdout {
        console.say(&SaidReport(report))?;
    }
    Ok(())
}

fn now() -> anyhow::Result<String> {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    Ok(format_utc(
        i64::try_from(since_1970.as_secs()).context("the clock is far in the future")?,
    ))
}
