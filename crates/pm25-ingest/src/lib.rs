//! Reads raw station files into one table of hourly observations.
//!
//! Units, clocks and quality flags are settled here and nowhere else; nothing is dropped in silence. No feature is
//! made and no value repaired: that is `pm25-prep`'s business, and nobody's.
//!
//! ```text
//! FILE|DIR ── inputs ── raw ── records ── source ── rows ── units ── hourly ── stations ── observations.parquet
//!                       bytes  cells      layout    numbers          parts     grids     └─ report ── ingest.json
//! ```

mod average;
mod claim;
mod clock;
mod count;
mod coverage;
mod cpcb;
mod demo;
mod file;
mod generic;
mod head;
mod hourly;
mod html;
mod ingest;
mod inputs;
mod judge;
mod layout;
mod level;
mod number;
mod observations;
mod places;
mod quality;
mod raw;
mod records;
mod report;
mod rows;
mod source;
mod stations;
mod trace;
mod uci;
mod units;
mod zone;

use clap::{Parser, Subcommand, ValueEnum};
use pm25_file::{Input, Output};
use pm25_tool::{Common, Console, Outcome, Threads, Tool};

use crate::report::Share;

/// Reads raw station files into one table of hourly observations
///
/// Folders are searched for .csv and .csv.gz files. Each file's format is recognised by what its header says; units,
/// clocks and doubtful values are settled and flagged; every line that is not used is counted with its reason.
#[derive(Debug, Parser)]
#[command(name = "pm25-ingest", version, subcommand_negates_reqs = true, after_long_help = FORMATS)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    read: ReadArgs,
    #[command(subcommand)]
    job: Option<Job>,
}

const FORMATS: &str = "\
Formats:
  uci-beijing  PRSA_Data_*.csv (2013-2017, twelve stations) and PRSA_data_*.csv (2010-2014, one)
  cpcb         India: Kaggle station files, portal exports with preamble, the bulk archive
  generic      any table with a column time, timestamp or datetime (year first), perhaps
               station, and columns named pm25, pm10, no2, so2, o3, co, temp, dewpoint, rh,
               pres, rain, wind, wind_dir (a unit in brackets is understood);
               or any table described by --columns:

    time = \"Date\"                      # required; the other keys are optional
    order = \"day-first\"                # or month-first, year-first
    stamp = \"end\"                      # or begin
    tz = \"Europe/London\"               # or +05:30
    station = \"Site\"                   # a column; or give --station NAME
    delimiter = \";\"
    sentinels = [-888]                 # beside -999 and -9999
    [columns]
    pm25 = { column = \"PM2.5 conc\", unit = \"ug/m3\" }
    no2 = { column = \"NO2\", unit = \"ppb\" }";

#[derive(Debug, Subcommand)]
enum Job {
    /// Write simulated station files to try the programs on
    Demo(demo::DemoArgs),
    /// Show the lines of the raw files behind one value
    Trace(trace::TraceArgs),
}

/// What the user typed; every field is still a claim.
#[derive(Debug, clap::Args)]
struct ReadArgs {
    /// Raw files, folders of them, or - for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<Input>,
    /// Write the table of observations here; - for standard output
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<Output>,
    /// Write the report here; - for standard output
    #[arg(long, value_name = "FILE", required = true)]
    report: Option<Output>,
    /// The format of the files
    #[arg(long, value_enum, default_value = "auto")]
    source: SourceWish,
    /// Say in a TOML file what the columns of generic tables mean
    #[arg(long, value_name = "MAP.toml")]
    columns: Option<Input>,
    /// Which end of its interval a stamp names [default: as the source has it, else begin]
    #[arg(long, value_enum)]
    stamp: Option<StampWish>,
    /// The clock that stamps show, if they do not say: an IANA zone or an offset such as +05:30
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    tz: Option<String>,
    /// The station, for files that do not name it
    #[arg(long, value_name = "NAME")]
    station: Option<String>,
    /// Where stations are: a CSV with the columns station, lat, lon, region and any further groups
    #[arg(long, value_name = "FILE")]
    stations: Option<Input>,
    /// Refuse the run if more than this share of lines, or of filled cells, cannot be used
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    max_rejects: Share,
    #[command(flatten)]
    quality: quality::QualityArgs,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SourceWish {
    Auto,
    UciBeijing,
    Cpcb,
    Generic,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StampWish {
    Begin,
    End,
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        match self.job {
            Some(Job::Demo(args)) => demo::run(&args, console),
            Some(Job::Trace(args)) => trace::run(&args, console),
            None => ingest::run(&self.read, console),
        }
    }
}
