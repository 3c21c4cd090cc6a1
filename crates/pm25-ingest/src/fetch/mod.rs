//! `pm25-ingest fetch`: raw files of a network into a folder, as the provider publishes them.
//!
//! Not a reading of them. What was begun is resumed, what is there is left alone, and a day that the provider does
//! not have is counted, not a failure.

mod download;
mod plan;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use pm25_file::{Fault, Result};
use pm25_tool::{Console, Outcome};
use serde::Serialize;

use download::{Fetched, Patience, agent};

/// Fetches raw files
#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    /// The network
    #[arg(value_enum)]
    source: FetchSource,
    /// Put the files below this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the provider, or a mirror of it, is [default: the provider's own address]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The year (aqs, openaq)
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1970..=2099))]
    year: Option<u16>,
    /// The number of the location (openaq)
    #[arg(long, value_name = "ID")]
    location: Option<u64>,
    /// The first day (airnow), as 2024-04-08
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day (airnow) [default: the first]
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Seconds to wait before the second attempt; each further one waits twice as long
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    retry_wait: f64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum FetchSource {
    UciBeijing,
    Openaq,
    Aqs,
    Airnow,
}

/// What standard output says.
#[derive(Default, Serialize)]
struct Summary {
    fetched: u64,
    bytes: u64,
    resumed: u64,
    there_already: u64,
    absent: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "fetched   {} files, {} bytes", self.fetched, self.bytes)?;
        writeln!(f, "resumed   {}", self.resumed)?;
        writeln!(f, "there     {} already", self.there_already)?;
        writeln!(f, "absent    {} at the provider", self.absent)
    }
}

/// Fetches all files of the plan, one after the other.
pub(crate) fn run(args: &FetchArgs, console: &Console) -> anyhow::Result<Outcome> {
    let wait_s = args.retry_wait;
    if !(0.0..=600.0).contains(&wait_s) {
        return Err(Fault::usage("`--retry-wait` is 0 to 600 seconds").into());
    }
    let patience = Patience {
        first_wait: Duration::from_secs_f64(wait_s),
    };
    let wanted = plan::plan(args)?;
    let agent = agent();
    let progress = console.progress("fetching files", wanted.len() as u64);
    let mut summary = Summary::default();
    for file in &wanted {
        match download::download(&agent, file, &args.out, &patience)? {
            Fetched::New { bytes } => {
                summary.fetched += 1;
                summary.bytes += bytes;
            }
            Fetched::Resumed { bytes } => {
                summary.fetched += 1;
                summary.resumed += 1;
                summary.bytes += bytes;
            }
            Fetched::There => summary.there_already += 1,
            Fetched::Absent => summary.absent += 1,
        }
        progress.advance(1);
    }
    drop(progress);
    refuse_nothing(&summary, &wanted)?;
    console.say(&summary)?;
    Ok(Outcome::Done)
}

fn refuse_nothing(summary: &Summary, wanted: &[plan::Wanted]) -> Result<()> {
    if summary.fetched + summary.there_already != 0 {
        return Ok(());
    }
    let first = wanted.first().map_or("", |file| file.url.as_str());
    Err(Fault::bad_data(format!(
        "the provider has none of {} files, for example {first}",
        wanted.len()
    ))
    .hint("check the year, the location or the days"))
}
