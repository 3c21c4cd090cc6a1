//! `prep.json`, and the short form of it that is said.

use std::fmt;

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::{Feature, Part, Station, Task};
use pm25_artifact::prep::{
    DropCounts, FeatureReport, PartFact, Parts, PrepReport, RowCounts, SplitFact, StationCounts,
};
use pm25_file::Result;
use pm25_rows::{Record, StationPlan, statistic};
use pm25_table::Table;
use serde::Serialize;

use crate::request::Split;
use crate::write::{Job, Statistics};

/// The report, its files still to be named.
pub(crate) fn report(job: &Job, statistics: &Statistics, parts: Parts) -> PrepReport {
    let shares = match job.request.split {
        Split::At(_) => None,
        Split::Shares(shares) => Some(shares.get()),
    };
    let mut header = job.header(Part::Test);
    if let Some(shares) = shares {
        header = header.param("split", shares);
    }
    for file in &job.observations.files {
        header = header.input(file.source.clone());
    }
    let stations = stations(job);
    PrepReport {
        pm25: header,
        task: job.plan.task.into(),
        feature_list: job.request.features.to_string(),
        split: SplitFact {
            train_until: format_utc(job.plan.cut.train_until_s()),
            valid_until: format_utc(job.plan.cut.valid_until_s()),
            shares,
        },
        rows: total(&stations),
        parts,
        stations,
        vocabulary: job.plan.vocabulary.clone(),
        features: features(job, statistics),
    }
}

/// A table in numbers.
pub(crate) fn part(table: &Table) -> Result<PartFact> {
    let times_s = table.time("time")?;
    let at = |time_s: Option<&i64>| time_s.map_or_else(String::new, |&time_s| format_utc(time_s));
    let persistence = table.f32("persistence_ug_m3")?;
    Ok(PartFact {
        rows: table.n_rows() as u64,
        rows_with_persistence: persistence.iter().filter(|value| !value.is_nan()).count() as u64,
        first: at(times_s.iter().min()),
        last: at(times_s.iter().max()),
        stations: table.text("station")?.words.len() as u64,
        target: statistic(table.f32("target_ug_m3")?),
    })
}

fn stations(job: &Job) -> Vec<StationCounts> {
    let network = &job.observations.network;
    let planned = network.stations.iter().zip(&job.plan.stations);
    let counted = |(station, plan): (&Station, &StationPlan)| {
        let records = job.observations.files.iter().flat_map(|file| &file.records);
        let own: Vec<&Record> = records
            .filter(|record| record.station == station.name)
            .collect();
        let read: usize = own.iter().map(|record| record.n_hours).sum();
        let covered = covered(&own);
        let gap = station.n_hours() - covered;
        StationCounts {
            name: station.name.clone(),
            utc_offset_min: station.utc_offset_min,
            rows: RowCounts {
                read: read as u64,
                repeated: (read - covered) as u64,
                gap: gap as u64,
                ..plan.counts
            },
        }
    };
    planned.map(counted).collect()
}

/// Hours that are in any of a station's records.
fn covered(records: &[&Record]) -> usize {
    let mut spans: Vec<(i64, i64)> = records
        .iter()
        .map(|record| {
            (
                record.start_s,
                record.start_s + record.n_hours as i64 * HOUR_S,
            )
        })
        .collect();
    spans.sort_unstable();
    let mut end_s = i64::MIN;
    let mut covered_s = 0;
    for (from_s, until_s) in spans {
        covered_s += (until_s - from_s.max(end_s)).max(0);
        end_s = end_s.max(until_s);
    }
    (covered_s / HOUR_S) as usize
}

fn total(stations: &[StationCounts]) -> RowCounts {
    let sum = |of: fn(&RowCounts) -> u64| stations.iter().map(|station| of(&station.rows)).sum();
    RowCounts {
        read: sum(|rows| rows.read),
        repeated: sum(|rows| rows.repeated),
        gap: sum(|rows| rows.gap),
        train: sum(|rows| rows.train),
        valid: sum(|rows| rows.valid),
        test: sum(|rows| rows.test),
        dropped: DropCounts {
            target_after_record: sum(|rows| rows.dropped.target_after_record),
            target_missing: sum(|rows| rows.dropped.target_missing),
            target_invalid: sum(|rows| rows.dropped.target_invalid),
            purged: sum(|rows| rows.dropped.purged),
        },
    }
}

fn features(job: &Job, statistics: &Statistics) -> Vec<FeatureReport> {
    let task = job.plan.task;
    let features = job.request.features.features().iter();
    let report = |feature: &Feature| {
        let column = feature.column();
        FeatureReport {
            expression: feature.to_string(),
            unit: feature.unit().to_owned(),
            newest_h: feature.newest_h(task),
            train: statistics[&column],
            column,
        }
    };
    features.map(report).collect()
}

/// What is said on standard output.
#[derive(Serialize)]
pub(crate) struct Summary {
    task: String,
    features: usize,
    train_until: String,
    valid_until: String,
    rows: RowCounts,
    train: PartFact,
    valid: PartFact,
    test: PartFact,
    stations: usize,
    vocabulary: usize,
}

impl Summary {
    pub(crate) fn of(report: &PrepReport) -> Self {
        Self {
            task: Task::from(report.task).to_string(),
            features: report.features.len(),
            train_until: report.split.train_until.clone(),
            valid_until: report.split.valid_until.clone(),
            rows: report.rows,
            train: report.parts.train.clone(),
            valid: report.parts.valid.clone(),
            test: report.parts.test.clone(),
            stations: report.stations.len(),
            vocabulary: report.vocabulary.len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            task,
            features,
            stations,
            vocabulary,
            rows,
            ..
        } = self;
        writeln!(
            f,
            "{task}: {features} features, {stations} stations ({vocabulary} with train rows)"
        )?;
        writeln!(f, "T1 {}   T2 {}", self.train_until, self.valid_until)?;
        writeln!(
            f,
            "{:<6} {:>9} {:>16}  {:<22}{:<22}",
            "", "rows", "with persistence", "first", "last"
        )?;
        for (name, part) in [
            ("train", &self.train),
            ("valid", &self.valid),
            ("test", &self.test),
        ] {
            let PartFact {
                rows,
                rows_with_persistence,
                first,
                last,
                ..
            } = part;
            writeln!(
                f,
                "{name:<6} {rows:>9} {rows_with_persistence:>16}  {first:<22}{last:<22}"
            )?;
        }
        let dropped = rows.dropped;
        writeln!(
            f,
            "{} rows read, {}{} added in gaps, {} in no table:",
            rows.read,
            match rows.repeated {
                0 => String::new(),
                n_repeated => format!("{n_repeated} of them repeated, "),
            },
            rows.gap,
            dropped.total()
        )?;
        write!(
            f,
            "  {} without target, {} invalid, {} after the record, {} purged between parts",
            dropped.target_missing,
            dropped.target_invalid,
            dropped.target_after_record,
            dropped.purged
        )
    }
}
