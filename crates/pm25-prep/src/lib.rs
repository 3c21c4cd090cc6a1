//! `pm25-prep`: observations become train, valid and test tables of as-of features.
//!
//! Not a scaler and not an imputer: values stay in their units and what is missing stays missing. A model brings its
//! own treatment, from the statistics that travel in the tables' headers.

mod explain;
mod report;
mod request;
mod write;

use std::path::PathBuf;

use pm25_file::Input;
use pm25_rows::{Plan, TaskArgs};
use pm25_tool::{Common, Console, Outcome, Threads, Tool};

/// Turns observations into train, valid and test tables of as-of features
///
/// A row of the hour t knows what is stamped t or earlier (a nowcast: PM2.5 up to t-1 h). Rows are split by
/// time, and what is issued before a cut but answered after it belongs to no part. Statistics and the station
/// vocabulary come from train rows alone.
#[derive(Debug, clap::Parser)]
#[command(name = "pm25-prep", version)]
pub struct Args {
    /// Tables of hourly observations, from pm25-ingest; stations may be spread over them (`-`: standard input)
    #[arg(value_name = "OBSERVATIONS", required_unless_present = "explain")]
    observations: Vec<Input>,
    /// Folder for train.parquet, valid.parquet, test.parquet and prep.json
    #[arg(long, value_name = "DIR", required_unless_present = "explain")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    asked: TaskArgs,
    /// Train rows are answered before this time (RFC 3339 with offset)
    #[arg(long, value_name = "T1")]
    train_until: Option<String>,
    /// Valid rows are answered before this time, test rows issued from it on
    #[arg(long, value_name = "T2")]
    valid_until: Option<String>,
    /// Choose T1 and T2 by shares of the rows for train, valid and test, such as 0.7,0.1,0.2
    #[arg(long, value_name = "SHARES", conflicts_with_all = ["train_until", "valid_until"])]
    split: Option<String>,
    /// Only say which columns the feature set makes, from what, and when that is known
    #[arg(long)]
    explain: bool,
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
        let features = self.asked.set()?;
        if self.explain {
            console.say(&explain::Explanation::of(&features))?;
            return Ok(Outcome::Done);
        }
        let threads = self.threads;
        let request = request::Request::of(self, features)?;
        let report = threads.install(|| prepare(request, console))??;
        console.say(&report::Summary::of(&report))?;
        Ok(Outcome::Done)
    }
}

/// Read, plan, write: nothing is written before everything that can be refused has been looked at.
fn prepare(
    mut request: request::Request,
    console: &Console,
) -> anyhow::Result<pm25_artifact::prep::PrepReport> {
    for input in &request.inputs {
        console.detail(&format!("reading {input}"));
    }
    let observations = pm25_rows::read(&request.inputs, &|text| console.warn(text))?;
    let cut = request.cut(&observations.network)?;
    let plan = Plan::new(&observations.network, &request.features, cut)?;
    request.complete(&plan.vocabulary)?;
    let report = write::tables(&request, &observations, &plan, console)?;
    Ok(report)
}
