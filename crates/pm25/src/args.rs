//! The command line, and the way from what was typed to what is done.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use clap::{Parser, Subcommand};
use pm25_file::Fault;
use pm25_tool::{Common, Console, Outcome, Threads, Tool, exit};

use crate::draw::{Drawing, draw};
use crate::lock::Lock;
use crate::pipeline::Pipeline;
use crate::plan::{Fresh, Request, choose};
use crate::report::remember;
use crate::run::run;
use crate::survey::{State, survey, why};
use crate::view::View;

/// Runs the pipeline: what is stale, why, in which order
///
/// The stages stand in pipeline.toml. A stage is fresh as long as its program, arguments, parameters and the
/// contents of its inputs are those of its last run and its outputs are untouched; times do not matter.
#[derive(Debug, Parser)]
#[command(name = "pm25", version)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    command: Command,
}

/// Which pipeline.
#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// Work in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, default_value = ".")]
    dir: PathBuf,
    /// The pipeline file; its folder is where the stages run
    #[arg(
        short = 'f',
        value_name = "FILE",
        global = true,
        default_value = "pipeline.toml"
    )]
    file: PathBuf,
    /// Give a parameter of [params] another value (repeatable)
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = key_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run what is stale
    Run(RunArgs),
    /// Say which stages are fresh, which are stale and why
    Status {
        /// End with exit status 12 if something would be run
        #[arg(long)]
        check: bool,
    },
    /// Say everything that decides whether one stage is fresh
    Why {
        /// The stage
        stage: String,
    },
    /// Show the stages and what depends on what
    Graph {
        /// How to write it
        #[arg(long = "as", value_enum, value_name = "HOW", default_value = "tree")]
        drawing: Drawing,
    },
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Only these stages and what they need [default: all]
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Trust the files before this stage as they are; run it and all after it
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Run the named stages (or all) even if they are fresh
    #[arg(long)]
    force: bool,
    /// Only say what would run and why
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    threads: Threads,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> Result<Outcome> {
        let pipeline = Pipeline::load(&typed_path(&self.place), &self.place.set)?;
        match self.command {
            Command::Run(args) if args.dry_run => dry_run(&pipeline, args, console),
            Command::Run(args) => run_stages(&pipeline, args, console),
            Command::Status { check } => {
                let survey = survey(
                    &mut View::new(&pipeline),
                    &choose(&pipeline, &Request::default())?,
                )?;
                console.say(&survey)?;
                let is_found = check && 0 < survey.count(State::Stale);
                Ok(if is_found {
                    Outcome::Finding(exit::STALE)
                } else {
                    Outcome::Done
                })
            }
            Command::Why { stage } => say_why(&pipeline, stage, console),
            Command::Graph { drawing } => {
                console.say(&draw(&pipeline, drawing))?;
                Ok(Outcome::Done)
            }
        }
    }
}

fn typed_path(place: &PlaceArgs) -> PathBuf {
    if place.dir == Path::new(".") {
        return place.file.clone();
    }
    place.dir.join(&place.file)
}

fn request(args: RunArgs) -> Request {
    Request {
        stages: args.stages,
        from: args.from,
        fresh: if args.force {
            Fresh::Rerun
        } else {
            Fresh::Keep
        },
    }
}

fn dry_run(pipeline: &Pipeline, args: RunArgs, console: &Console) -> Result<Outcome> {
    let choices = choose(pipeline, &request(args))?;
    let mut view = View::new(pipeline);
    view.check_supplies(&choices)?;
    console.say(&survey(&mut view, &choices)?)?;
    Ok(Outcome::Done)
}

fn run_stages(pipeline: &Pipeline, args: RunArgs, console: &Console) -> Result<Outcome> {
    let n_threads = args.threads.count();
    let choices = choose(pipeline, &request(args))?;
    let _lock = Lock::take(&pipeline.root)?;
    let started = SystemTime::now();
    let mut report = run(pipeline, &choices, n_threads, console)?;
    remember(&pipeline.root, &report, started)?;
    console.say(&report)?;
    match report.failure.take() {
        None => Ok(Outcome::Done),
        Some(failure) if exit::status_of(failure.fault.kind()) == failure.status => {
            Err(failure.fault.into())
        }
        Some(failure) => {
            // A status that no kind of fault has is passed on as it is.
            console.warn(&failure.to_string());
            Ok(Outcome::Finding(failure.status))
        }
    }
}

fn say_why(pipeline: &Pipeline, stage: String, console: &Console) -> Result<Outcome> {
    let idx = pipeline.find(&stage)?;
    let request = Request {
        stages: vec![stage],
        ..Request::default()
    };
    let mut view = View::new(pipeline);
    let answer = why(
        &mut view,
        &choose(pipeline, &request)?,
        &pipeline.stages[idx],
    )?;
    console.say(&answer.ok_or_else(|| Fault::unforeseen("the stage is not in its own survey"))?)?;
    Ok(Outcome::Done)
}
