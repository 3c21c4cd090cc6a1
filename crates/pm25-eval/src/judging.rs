//! The judging itself: reads, asks, reports, writes, says.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pm25_air::civil::format_utc;
use pm25_artifact::eval::EvalReport;
use pm25_artifact::model::{Horizons, Model};
use pm25_artifact::state::StateFile;
use pm25_artifact::train::LearnedFrom;
use pm25_file::{Fault, Header, Input, InputRef, Output, Sha256, expect_distinct};
use pm25_table::Table;
use pm25_tool::{Console, Outcome, Threads, expect_each_once, threshold};

use crate::PROGRAM;
use crate::answers::Answers;
use crate::exam::{self, Exam};
use crate::exceed::{Lessons, Wish, chances};
use crate::files::{Folder, PREDICTIONS, REPORT};
use crate::opening::{self, Hours, Look};
use crate::report::{self, Case};
use crate::rival::Rival;
use crate::{each, plots, say};

/// Skill of a forecast over persistence that makes one look for a leak. On twelve Beijing stations the best honest
/// models reach 0.16 to 0.21 at 1 to 24 h, and a random split of the rows 0.15, 0.38 and 0.50; weather forecasts of
/// the coming day may bring an honest model above it.
const SKILL_TOO_GOOD: f64 = 0.35;
/// R² of a nowcast that does the same: on the same stations 0.91 is honest without PM2.5 of earlier hours and 0.979
/// with them, and a city mean that contains the target gives 0.996.
const R2_TOO_GOOD: f64 = 0.99;

/// What the user typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct JudgeArgs {
    /// Model to judge (model.json)
    #[arg(long, value_name = "FILE", required = true)]
    model: Option<Input>,
    /// Test rows (test.parquet)
    #[arg(long, value_name = "FILE", required = true)]
    test: Option<Input>,
    /// Another model, or the folder of its evaluation, to hold it against on the same rows
    #[arg(long, value_name = "FILE|DIR")]
    against: Option<Input>,
    /// Validation rows (valid.parquet), from which lines for warnings and probabilities are learned
    #[arg(long, value_name = "FILE")]
    valid: Option<Input>,
    /// Warn of single hours above these, µg/m³
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "75,150", value_parser = threshold)]
    thresholds: Vec<f64>,
    /// What a warning costs, as a share of what a missed hour costs: between 0 and 1. Its line is chosen on --valid, or is
    /// the one that the model found out of fold
    #[arg(long, value_name = "SHARE", value_parser = share)]
    warning_cost: Option<f64>,
    /// Folder for eval.json, predictions.parquet and pictures
    #[arg(long, value_name = "DIR", required = true)]
    out_dir: Option<PathBuf>,
    /// Of a model of several horizons only this one [default: all, each into a folder of its own: h1, h6, ...]
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Write what the intervals remember after the last row, for `pm25-predict --state` and `pm25-serve --state`
    #[arg(long, value_name = "FILE")]
    state_out: Option<Output>,
    /// Column with what was measured
    #[arg(long, value_name = "NAME", default_value = exam::TARGET)]
    target: String,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
    #[command(flatten)]
    threads: Threads,
}

impl JudgeArgs {
    /// Refuses what stands before a subcommand, which would not look at it.
    pub(crate) fn expect_unused(&self) -> Result<()> {
        let given = [&self.model, &self.test, &self.against, &self.valid];
        if given.iter().all(|input| input.is_none()) && self.out_dir.is_none() {
            return Ok(());
        }
        Err(
            Fault::usage("options of the judging stand before the subcommand")
                .hint("put the subcommand first, and its own options behind it")
                .into(),
        )
    }
}

/// Judges a model.
pub(crate) fn run(args: &JudgeArgs, console: &Console) -> Result<Outcome> {
    let [model, test] = [&args.model, &args.test].map(|input| input.as_ref());
    let (Some(model), Some(test), Some(out_dir)) = (model, test, &args.out_dir) else {
        return Err(Fault::usage("nothing to judge")
            .hint("pm25-eval --model FILE --test FILE --out-dir DIR")
            .into());
    };
    expect_each_once("--thresholds", &args.thresholds)?;
    let (horizons, model_ref) = Horizons::read(model)?;
    let read = |input: &Input| Table::read(input, "pm25-features");
    let tables = Tables {
        test: read(test)?,
        valid: args.valid.as_ref().map(read).transpose()?,
    };
    if args.horizon_h.is_none() && 1 < horizons.members().len() {
        if let Some(state) = &args.state_out {
            let what =
                format!("--state-out {state}: a state is of one horizon, and {model} has several");
            return Err(Fault::usage(what).hint("say which with --horizon-h").into());
        }
        return several(args, (&horizons, &model_ref), &tables, (out_dir, console));
    }
    let model = horizons.at(&model.to_string(), args.horizon_h)?;
    expect_state(args, &model, out_dir)?;
    introduce(&model, &tables.test, console)?;
    let report = one(args, (&model, &model_ref), &tables, (out_dir, console))?;
    console.say(&say::Said(&report))?;
    Ok(Outcome::Done)
}

/// The tables as they were read, perhaps with targets for several horizons.
struct Tables {
    test: Table,
    valid: Option<Table>,
}

/// Judges a model for each of several horizons, each into its own folder, and sums up.
fn several(
    args: &JudgeArgs,
    (horizons, model_ref): (&Horizons, &InputRef),
    tables: &Tables,
    (out_dir, console): (&Path, &Console),
) -> Result<Outcome> {
    let first = horizons.shortest();
    introduce(first, &tables.test, console)?;
    let mut summary = each::summary(&tables.test, model_ref);
    for model in horizons.members() {
        let folder = each::folder(out_dir, model);
        one(args, (model, model_ref), tables, (&folder, console))?;
        each::add(&mut summary, &folder)?;
    }
    each::write(&mut summary, out_dir)?;
    console.say(&each::Said(&summary))?;
    Ok(Outcome::Done)
}

/// Says what a reader should know of the test rows.
fn introduce(model: &Model, test: &Table, console: &Console) -> Result<()> {
    let table = exam::asked_of(test, model)?;
    for warning in exam::warnings(&table, model) {
        console.warn(&warning);
    }
    Ok(())
}

/// Judges one model and writes all but the summary.
fn one(
    args: &JudgeArgs,
    (model, model_ref): (&Model, &InputRef),
    tables: &Tables,
    (out_dir, console): (&Path, &Console),
) -> Result<EvalReport> {
    let table = exam::asked_of(&tables.test, model)?;
    let exam = Exam::of(&table, &args.target, model)?;
    let valid = tables.valid.as_ref();
    let valid = valid
        .map(|table| exam::asked_of(table, model))
        .transpose()?;
    let valid = match &valid {
        Some(table) => Some(lessons(args, table, (&exam, model))?),
        None => None,
    };
    expect_cost_lines(args, model)?;
    let answers = args.threads.install(|| Answers::of(model, &exam))??;
    let rival = args
        .against
        .as_ref()
        .map(|other| args.threads.install(|| Rival::of(other, model, &exam)))
        .transpose()?
        .transpose()?;
    let wish = Wish {
        thresholds: &args.thresholds,
        warning_cost: args.warning_cost,
        lessons: valid
            .as_ref()
            .map(|(exam, answers)| Lessons { exam, answers }),
        model,
    };
    let chances = chances(&answers, &wish);
    let case = Case {
        model: (model, model_ref),
        answers: &answers,
        rival: rival.as_ref(),
        wish: &wish,
        chances: &chances,
    };
    let mut report = args.threads.install(|| report::report(&exam, &case))??;
    if let Some(warning) = too_good(&report) {
        console.warn(&warning);
    }
    // Whoever was refused has seen no score.
    let top = args.out_dir.as_deref().unwrap_or(out_dir);
    note_opening(top, (&exam, (model, model_ref)), console);
    let folder = Folder { path: out_dir };
    folder.predictions(&exam, &answers, &chances, &mut report)?;
    let pictures = match args.no_plots {
        true => Vec::new(),
        false => plots::pictures(&exam, &answers, &report)?,
    };
    folder.pictures(pictures, &mut report)?;
    folder.report(&mut report)?;
    if let Some(output) = &args.state_out {
        write_state(output, &answers, &report)?;
    }
    Ok(report)
}

/// What would be refused when all is computed and half is written.
fn expect_state(args: &JudgeArgs, model: &Model, out_dir: &Path) -> Result<()> {
    let Some(state) = &args.state_out else {
        return Ok(());
    };
    if model.online.is_none() {
        return Err(nothing_remembered().into());
    }
    let beside = |name: &str| Output::Path(out_dir.join(name));
    let own = [REPORT, PREDICTIONS].map(beside);
    Ok(expect_distinct(&[state, &own[0], &own[1]])?)
}

fn nothing_remembered() -> Fault {
    Fault::usage("--state-out: nothing is remembered").hint(
        "the model was not calibrated on folds, or the rows have no times: pm25-train --model best",
    )
}

fn write_state(output: &Output, answers: &Answers, report: &EvalReport) -> Result<()> {
    let followed = answers
        .intervals
        .as_ref()
        .and_then(|known| known.online.as_ref());
    let followed = followed.ok_or_else(nothing_remembered)?;
    let mut header = Header::new(&PROGRAM);
    header.inputs = report.pm25.inputs.iter().take(2).cloned().collect();
    let file = StateFile {
        pm25: header,
        model: report.model.sha256,
        task: report.model.task,
        state: followed.state.clone(),
    };
    file.write(output)?;
    Ok(())
}

/// A cost needs rows that may choose a line, or lines that such rows have chosen.
fn expect_cost_lines(args: &JudgeArgs, model: &Model) -> Result<()> {
    let has_lines = model.warning_lines.iter().any(|line| line.costs.is_some());
    if args.warning_cost.is_none() || args.valid.is_some() || has_lines {
        return Ok(());
    }
    Err(Fault::usage("--warning-cost: the model holds no lines by cost, and no rows choose one")
        .hint("give --valid valid.parquet of the same pm25-prep run, or train with `pm25-train --model best`")
        .into())
}

/// Validation rows and what the model says to them; refused if they are not all before the test rows.
fn lessons<'t>(
    args: &JudgeArgs,
    table: &'t Table,
    (test, model): (&Exam<'_>, &Model),
) -> Result<(Exam<'t>, Answers)> {
    let exam = Exam::of(table, &args.target, model)?;
    if model.learned_from() == LearnedFrom::TrainAndValid {
        let what = format!(
            "the model has learned from validation rows: {} would flatter it",
            exam.source().name
        );
        return Err(Fault::bad_data(what)
            .hint("leave --valid out, or judge a model that learned from train rows alone: pm25-train --model boost")
            .into());
    }
    let last = exam.time_s.and_then(|time_s| time_s.iter().max());
    let first = test.time_s.and_then(|time_s| time_s.iter().min());
    let horizon_s = i64::from(pm25_air::Task::from(model.task()).horizon_h()) * 3600;
    let overlaps = match (last, first) {
        (Some(last), Some(first)) => *first <= last.saturating_add(horizon_s),
        _ => exam.source().sha256 == test.source().sha256,
    };
    if overlaps {
        let until = last.map_or_else(String::new, |time| format!(" up to {}", format_utc(*time)));
        let what = format!(
            "{} holds rows{until} that are not before the test rows of {}",
            exam.source().name,
            test.source().name
        );
        return Err(Fault::bad_data(what)
            .hint("lines for warnings are chosen on rows before the test: give the valid.parquet of the same pm25-prep run")
            .into());
    }
    let answers = args.threads.install(|| Answers::of(model, &exam))??;
    Ok((exam, answers))
}

/// An opening that cannot be written down is no reason not to judge.
fn note_opening(
    out_dir: &Path,
    (exam, (model, model_ref)): (&Exam<'_>, (&Model, &InputRef)),
    console: &Console,
) {
    let look = Look {
        test: exam.source(),
        model: model_ref,
        hours: hours(exam, model),
    };
    match opening::record(out_dir, &look) {
        Ok(0) => {}
        Ok(others) => {
            let models = if others == 1 {
                "another model has"
            } else {
                "other models have"
            };
            console.warn(&format!(
                "{models} been judged on {} before ({others} in runs.jsonl): who chooses by these scores \
                 needs new test rows to know how good the choice is",
                exam.source().name
            ));
        }
        Err(error) => console.warn(&format!(
            "that {} was opened cannot be written into runs.jsonl: {error}",
            exam.source().name
        )),
    }
}

/// Which hours of which stations are judged; none where the table does not say.
fn hours(exam: &Exam<'_>, model: &Model) -> Option<Hours> {
    let (text, time_s) = exam.station.zip(exam.time_s)?;
    let mut names: Vec<&str> = text.words.iter().map(String::as_str).collect();
    names.sort_unstable();
    Some(Hours {
        task: pm25_air::Task::from(model.task()).to_string(),
        first: format_utc(*time_s.iter().min()?),
        last: format_utc(*time_s.iter().max()?),
        stations: Sha256::of(names.join("\n").as_bytes()),
    })
}

/// A score that air does not allow.
fn too_good(report: &EvalReport) -> Option<String> {
    let what = match pm25_air::Task::from(report.model.task) {
        pm25_air::Task::Forecast { .. } | pm25_air::Task::DayMean => report
            .skill_over_persistence
            .skill
            .filter(|skill| SKILL_TOO_GOOD < *skill)
            .map(|skill| format!("a skill of {skill:.3} over persistence")),
        pm25_air::Task::Nowcast => report
            .metrics
            .r2
            .filter(|r2| R2_TOO_GOOD < *r2)
            .map(|r2| format!("an R² of {r2:.4}")),
    };
    what.map(|what| {
        format!("{what} is too good for air: look for the target in the features (`pm25-eval probe` does)")
    })
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if 0.0 < value && value < 1.0 {
        Ok(value)
    } else {
        Err(format!("{text} is not between 0 and 1"))
    }
}
