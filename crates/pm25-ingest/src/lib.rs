//! Reads raw station files into one table of hourly observations.
//!
//! Units, clocks and quality flags are settled here and nowhere else; nothing is dropped in silence. No feature is
//! made and no value repaired: that is `pm25-prep`'s business, and nobody's.
//!
//! ```text
//! FILE|DIR ── inputs ── raw ── records ── source ── rows ── units ── hourly ── spill ── stations ── observations.parquet
//!                       bytes  cells      layout    numbers          parts              grids     └─ report ── ingest.json
//! ```

mod airnow;
mod align;
mod aqs;
mod archive;
mod average;
mod blocks;
mod cells;
mod claim;
mod clock;
mod correction;
mod count;
mod coverage;
mod cpcb;
mod demo;
mod duplicate;
mod eea;
mod extremes;
mod fetch;
mod file;
mod generic;
mod head;
#[cfg(test)]
mod hostile;
mod hourly;
mod html;
mod in_order;
mod ingest;
mod inputs;
mod judge;
mod layout;
mod level;
mod memory;
mod number;
mod observations;
mod observed;
mod openaq;
mod places;
mod purpleair;
mod quality;
mod raw;
mod reader;
mod record;
mod records;
mod report;
mod rows;
mod sensor_community;
mod shelf;
mod source;
mod spill;
mod stateair;
mod stations;
mod stretch;
mod summer;
mod survey;
mod trace;
mod twins;
mod uci;
mod units;
mod unpack;
mod word;
mod zone;

use clap::{Parser, Subcommand, ValueEnum};
use pm25_file::{Input, Output};
use pm25_tool::{Common, Console, Outcome, Threads, Tool};

use crate::correction::Correction;
use crate::layout::Source;
use crate::report::Share;
use crate::unpack::Encoding;

/// Reads raw station files into one table of hourly observations
///
/// Folders are searched for .csv, .tsv, .txt and .dat files (also .gz), .zip archives and .parquet tables. Each file's format is recognised by what its header says; units,
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
  cpcb         India: Kaggle station files, portal exports with preamble (also of several
               stations, saved as CSV), the bulk archive
  stateair     US embassies: yearly files with preamble, their re-saves, AirNow's successor
  openaq       exports of versions 1 and 2, the archive of version 3; stamps end the interval
  airnow       HourlyData_*.dat: no header, |, ISO-8859-1
  aqs          hourly_88101_*.zip or .csv; each monitor (POC) a station unless --poc picks one
  eea          Parquet files of the download service
  purpleair    histories as CSV, one or both channels; see --correct
  sensor-community  a sensor's days; P2 is PM2.5
  a table of observations written before: give it first to add new files to it
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
    no2 = { column = \"NO2\", unit = \"ppb\" }

Memory:
  For each thread some 50 MiB, whatever the size of the files, or one group of stations (80 bytes
  for each of 65,536 hours); 32 KiB for each station. Hours, and rows of large files, wait in a
  file without a name beside --out, 8 + 4 bytes an hour or row and quantity, which is gone however
  the run ends.";

#[derive(Debug, Subcommand)]
enum Job {
    /// Write simulated station files to try the programs on
    Demo(demo::DemoArgs),
    /// Fetch raw files of a network into a folder
    Fetch(fetch::FetchArgs),
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
    /// How characters are written, if neither a byte order mark nor the text itself shows it
    #[arg(long, value_enum)]
    encoding: Option<EncodingWish>,
    /// The monitor (parameter occurrence code) to take of each AQS site [default: each is a station]
    #[arg(long, value_name = "N")]
    poc: Option<String>,
    /// Correct hourly PM2.5 of low-cost sensors; without it values stay as they are
    #[arg(long, value_enum)]
    correct: Option<Correction>,
    /// Reject rows with later stamps: a date, or a date and time (UTC unless it says)
    #[arg(long, value_name = "DATE")]
    not_after: Option<String>,
    /// Read only the I-th of N equal shares of the files, in their sorted order
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
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
    Stateair,
    Openaq,
    Airnow,
    Aqs,
    Eea,
    Purpleair,
    SensorCommunity,
    Generic,
}

impl SourceWish {
    /// The source, if it is not to be recognised.
    const fn source(self) -> Option<Source> {
        Some(match self {
            Self::Auto => return None,
            Self::UciBeijing => Source::UciBeijing,
            Self::Cpcb => Source::Cpcb,
            Self::Stateair => Source::StateAir,
            Self::Openaq => Source::OpenAq,
            Self::Airnow => Source::AirNow,
            Self::Aqs => Source::Aqs,
            Self::Eea => Source::Eea,
            Self::Purpleair => Source::PurpleAir,
            Self::SensorCommunity => Source::SensorCommunity,
            Self::Generic => Source::Generic,
        })
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EncodingWish {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "latin-1")]
    Latin1,
    #[value(name = "utf-16le")]
    Utf16Le,
    #[value(name = "utf-16be")]
    Utf16Be,
}

impl EncodingWish {
    const fn encoding(self) -> Encoding {
        match self {
            Self::Utf8 => Encoding::Utf8,
            Self::Latin1 => Encoding::Latin1,
            Self::Utf16Le => Encoding::Utf16Le,
            Self::Utf16Be => Encoding::Utf16Be,
        }
    }
}

/// One share of the files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Shard {
    /// From 1.
    number: usize,
    of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| {
            Some(Self {
                number: number.parse().ok()?,
                of: of.parse().ok()?,
            })
        });
        match parts {
            Some(shard) if (1..=shard.of).contains(&shard.number) => Ok(shard),
            _ => Err("a share is written 1/4, 2/4 and so on".to_owned()),
        }
    }
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
            Some(Job::Fetch(args)) => fetch::run(&args, console),
            Some(Job::Trace(args)) => trace::run(&args, console),
            None => ingest::run(&self.read, console),
        }
    }
}
