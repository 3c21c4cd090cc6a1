//! The generated parts of a data card.

use pm25_file::Sha256;

use super::fill::Block;
use super::{figure, table};
use crate::ingest::IngestReport;
use crate::prep::PrepReport;

/// What was read, and what was made of it.
pub struct DataPapers<'a> {
    /// The report of the raw files and the hash of its file.
    pub ingest: (&'a IngestReport, Sha256),
    /// The preparation and the hash of its file.
    pub prep: (&'a PrepReport, Sha256),
}

/// `rows`, `files`, `stations` and `parts`.
pub fn data_blocks(papers: &DataPapers) -> Vec<Block> {
    let block = |name, text| Block { name, text };
    vec![
        block("rows", rows(papers)),
        block("files", files(papers.ingest.0)),
        block("stations", stations(papers.ingest.0)),
        block("parts", parts(papers.prep.0)),
    ]
}

fn rows(papers: &DataPapers) -> String {
    let (ingest, ingest_hash) = papers.ingest;
    let (prep, prep_hash) = papers.prep;
    let rows = &ingest.rows;
    let (read, kept) = (rows.read, rows.kept);
    let mut text = format!(
        "{read} data lines = {kept} kept + {} rejected.\n\n",
        rows.n_rejected()
    );
    let rejected = rows.rejected.iter();
    let counted = rejected.map(|(why, n)| vec![why.clone(), n.to_string()]);
    text += &table(&["rejected because", "lines"], counted);
    let mut made = vec![
        vec!["ingest.json".to_owned(), format!("`{ingest_hash}`")],
        vec!["prep.json".to_owned(), format!("`{prep_hash}`")],
    ];
    let tables = ingest.pm25.files.iter().chain(&prep.pm25.files);
    made.extend(tables.map(|file| vec![file.name.clone(), format!("`{}`", file.sha256)]));
    text + "\n" + &table(&["file", "SHA-256"], made)
}

fn files(ingest: &IngestReport) -> String {
    let rows = ingest.files.iter().map(|file| {
        vec![
            file.name.clone(),
            file.source.clone(),
            file.clock.clone(),
            file.rows.read.to_string(),
            file.rows.n_rejected().to_string(),
            format!("`{}`", file.sha256),
        ]
    });
    let head = [
        "raw file", "format", "clock", "lines", "rejected", "SHA-256",
    ];
    table(&head, rows)
}

fn stations(ingest: &IngestReport) -> String {
    let rows = ingest.stations.iter().map(|station| {
        vec![
            station.name.clone(),
            station.utc_offset_min.to_string(),
            station.first.clone(),
            station.last.clone(),
            station.hours.to_string(),
            station.pm25_present.to_string(),
        ]
    });
    let head = [
        "station",
        "minutes ahead of UTC",
        "first hour",
        "last hour",
        "hours",
        "with PM2.5",
    ];
    table(&head, rows)
}

fn parts(prep: &PrepReport) -> String {
    let parts = [
        ("train", &prep.parts.train),
        ("valid", &prep.parts.valid),
        ("test", &prep.parts.test),
    ];
    let rows = parts.map(|(name, part)| {
        vec![
            name.to_owned(),
            part.rows.to_string(),
            part.first.clone(),
            part.last.clone(),
            figure(part.target.mean),
            figure(part.target.std),
            figure(part.target.max),
        ]
    });
    let head = [
        "part",
        "rows",
        "first hour",
        "last hour",
        "mean PM2.5, µg/m³",
        "standard deviation",
        "largest",
    ];
    let dropped = &prep.rows.dropped;
    table(&head, rows)
        + &format!(
            "\n{} hours are in no part: {} without a target, {} with one that is a code, impossible or declared \
             invalid, {} after the record's end, {} purged between parts.\n",
            dropped.total(),
            dropped.target_missing,
            dropped.target_invalid,
            dropped.target_after_record,
            dropped.purged
        )
}
