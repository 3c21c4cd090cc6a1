//! `ingest.json`: what `pm25-ingest` read, what it made of it, and what it did not use.
//!
//! Not the observations themselves; those are the table that the header's `files` names. Every data line of
//! every raw file is in [`Rows`] exactly once.

use std::collections::BTreeMap;

use pm25_file::{Document, Header, Sha256};
use serde::{Deserialize, Serialize};

/// The report of one run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IngestReport {
    /// Provenance; `inputs` are the raw files, `files` is the table of observations.
    pub pm25: Header,
    /// What became of the data lines of all files.
    pub rows: Rows,
    /// Cells that hold no number although they are not empty, by reason; their rows are kept.
    pub cells: BTreeMap<String, u64>,
    /// The first lines of each reason for a rejection or a lost cell, in the order of the files.
    pub examples: BTreeMap<String, Vec<Example>>,
    /// What is worth knowing about the whole run, in sentences.
    pub notes: Vec<String>,
    /// The raw files, in the order in which they were read.
    pub files: Vec<RawFile>,
    /// Files that a folder holds and that were not read.
    pub skipped: Vec<Skipped>,
    /// What the rules of quality found.
    pub quality: Quality,
    /// The stations, by name.
    pub stations: Vec<StationSummary>,
}

impl Document for IngestReport {
    const FORMAT: &'static str = "pm25-ingest-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// What became of data lines. `read` = `kept` + the sum of `rejected`, always.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// Data lines: everything after the header that is not blank.
    pub read: u64,
    /// Lines used, averaged into an hour, or about something else than the quantities that we hold.
    pub kept: u64,
    /// Lines not used, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of the kept ones: lines about another pollutant.
    pub out_of_scope: u64,
    /// Of the kept ones: lines finer than an hour, averaged into one.
    pub averaged: u64,
}

impl Rows {
    /// Lines not used.
    pub fn n_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Adds the lines of another file.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.kept += other.kept;
        self.out_of_scope += other.out_of_scope;
        self.averaged += other.averaged;
        for (reason, n) in &other.rejected {
            *self.rejected.entry(reason.clone()).or_default() += n;
        }
    }
}

/// A line to look at.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// `file:line`; lines count from 1, the header and what stands above it included.
    pub at: String,
    /// What stands there, shortened, control characters escaped.
    pub text: String,
}

/// A raw file and how it was understood.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    /// Relative to the folder that was given, or as in headers.
    pub name: String,
    /// Of the bytes as they are on disk, packed or not.
    pub sha256: Sha256,
    /// The network whose format it is, for example `uci-beijing`.
    pub source: String,
    /// What was recognised, or that it was asked for.
    pub why: String,
    /// Which clock the stamps show and what they stamp, for example `UTC+05:30, begin of the hour`.
    pub clock: String,
    /// Seconds from one row to the next; less than 3600 means that rows were averaged.
    pub step_s: u32,
    /// What became of its lines.
    pub rows: Rows,
    /// The stations in it.
    pub stations: Vec<String>,
    /// Columns that became quantities.
    pub columns: Vec<ColumnUse>,
    /// Columns that did not.
    pub unused: Vec<Unused>,
    /// What was assumed or decided, in sentences.
    pub notes: Vec<String>,
}

/// A raw column and what it was taken for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnUse {
    /// As the file writes it.
    pub column: String,
    /// The observation column it became, for example `co_mg_m3`.
    pub quantity: String,
    /// The unit that the file or its documentation states, if any.
    pub claimed: Option<String>,
    /// The unit that the values were converted from.
    pub taken: String,
    /// Why that unit.
    pub because: String,
    /// Numbers in the column, in the file's own unit: how many, and between which bounds.
    pub values: u64,
    /// Smallest of them; none without numbers.
    pub min: Option<f64>,
    /// Largest of them; none without numbers.
    pub max: Option<f64>,
}

/// A raw column that became nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unused {
    /// As the file writes it.
    pub column: String,
    /// Why not.
    pub why: String,
}

/// A file that was not read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Relative to the folder that was given.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// What the rules of quality found in all stations. No rule changes a value.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Of the rules: the same values get the same flags as long as it is the same.
    pub rules_version: u32,
    /// Whose thresholds: `cn`, `in`, `us`, `eu` or `none`.
    pub profile: String,
    /// Every rule, whether or not it found something.
    pub rules: Vec<RuleSummary>,
    /// Columns whose values seem to be in another unit than the declared one.
    pub slips: Vec<Slip>,
}

/// One rule over all stations.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSummary {
    /// Its name.
    pub rule: String,
    /// What it looks for.
    pub meaning: String,
    /// Where its thresholds come from.
    pub source: String,
    /// The flag that it sets.
    pub flag: String,
    /// Hours by observation column; what never occurs is absent.
    pub hours: BTreeMap<String, u64>,
    /// Stations in which it found something.
    pub stations: u64,
    /// Mean and 98th percentile of PM2.5 if its hours were left out, less those of all hours; none where it found
    /// nothing in PM2.5.
    pub pm25_ug_m3: Option<RuleEffect>,
    /// The first hours of the first stations, with a line to look at.
    pub examples: Vec<Example>,
}

/// What leaving out one rule's hours would do to the level of PM2.5.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEffect {
    /// Change of the mean over all hours of all stations, µg/m³.
    pub mean_change: f64,
    /// The largest change of a station's mean, with its sign, µg/m³.
    pub largest_mean_change: f64,
    /// The largest change of a station's 98th percentile, with its sign, µg/m³.
    pub largest_p98_change: f64,
    /// The station of that change of the 98th percentile; the first of several.
    pub station: String,
}

/// A column in a suspected unit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slip {
    /// The station.
    pub station: String,
    /// The observation column.
    pub column: String,
    /// The values seem multiplied by this: 1000 or 0.001.
    pub factor: f64,
    /// In so many hours with a value.
    pub hours: u64,
    /// The first of them, local standard time with offset.
    pub first: String,
    /// The last of them.
    pub last: String,
}

/// The share of hours with PM2.5 in each calendar month of local standard time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The first month, for example `2013-03`.
    pub from: String,
    /// For it and every month after it up to the last: hours with a value over the hours that the station's record
    /// has in the month, 0 to 1, rounded to thousandths.
    pub present_share: Vec<f64>,
}

/// One station's hours.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StationSummary {
    /// Its name.
    pub name: String,
    /// Standard offset, minutes east of Greenwich.
    pub utc_offset_min: i16,
    /// Start of the first hour, local standard time with offset.
    pub first: String,
    /// Start of the last hour.
    pub last: String,
    /// Hours from the first to the last, both included.
    pub hours: u64,
    /// Hours with a PM2.5 value, flagged or not.
    pub pm25_present: u64,
    /// Their share of all hours, 0 to 1.
    pub pm25_present_share: f64,
    /// Hours that lack PM2.5 because too few of their finer readings are there (under 75 %).
    pub pm25_incomplete: u64,
    /// The share of hours with PM2.5, month by month.
    pub pm25_coverage: Coverage,
    /// How often each rule found something, by observation column; what never occurs is absent.
    pub rules: BTreeMap<String, BTreeMap<String, u64>>,
    /// How often each flag was set, by observation column and flag name; what never occurs is absent.
    pub flags: BTreeMap<String, BTreeMap<String, u64>>,
    /// What the flags do to the level of PM2.5.
    pub pm25_ug_m3: Effect,
    /// The raw files that it came from.
    pub files: Vec<String>,
}

/// The level of PM2.5 with and without what is flagged.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// All values.
    pub all: Level,
    /// Only values without any flag.
    pub unflagged: Level,
    /// All values but those with this one flag, for each flag that occurs.
    pub without: BTreeMap<String, Level>,
}

/// Mean and 98th percentile (linear between order statistics, as in NumPy's default).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// How many values.
    pub hours: u64,
    /// Their mean, µg/m³; none without values.
    pub mean: Option<f64>,
    /// Their 98th percentile, µg/m³; none without values.
    pub p98: Option<f64>,
}

/// What `--stations` says about a station, in the fact `places` of the table's header.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Degrees north, -90 to 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east, -180 to 180.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// `region` and every further column of that file, by its name; empty cells are absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_file::{decode_document, encode_document, program};

    fn report() -> IngestReport {
        IngestReport {
            pm25: Header::new(&program!()),
            rows: Rows {
                read: 3,
                kept: 2,
                rejected: BTreeMap::from([("ragged row".to_owned(), 1)]),
                ..Rows::default()
            },
            cells: BTreeMap::new(),
            examples: BTreeMap::from([(
                "ragged row".to_owned(),
                vec![Example {
                    at: "a.csv:3".to_owned(),
                    text: "1,2".to_owned(),
                }],
            )]),
            notes: Vec::new(),
            files: Vec::new(),
            skipped: Vec::new(),
            quality: Quality::default(),
            stations: Vec::new(),
        }
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let mut written = report();
        let bytes = encode_document(&mut written).unwrap();
        let read: IngestReport = decode_document("ingest.json", &bytes).unwrap();
        assert_eq!(read.rows, written.rows);
        assert_eq!(read.examples, written.examples);
    }

    #[test]
    fn rows_of_two_files_add_up() {
        let mut rows = report().rows;
        rows.add(&report().rows);
        assert_eq!((rows.read, rows.kept, rows.n_rejected()), (6, 4, 2));
    }
}
