//! One raw file from its bytes to hours: recognise, lay out, read, decide units, put on the grid.
//!
//! Files do not know of each other; [`crate::stations`] brings them together.

use std::fs::File;
use std::io::Read;

use pm25_air::Quantity;
use pm25_air::quality::{Profile, ceiling};
use pm25_artifact::ingest::{ColumnUse, RawFile, Skipped};
use pm25_file::{Fault, Input, Result, Sha256};
use pm25_table::Batches;

use crate::blocks::Sizes;
use crate::claim::{Decision, decide};
use crate::clock::Order;
use crate::correction::{Correction, epa_pm25_ug_m3};
use crate::count::{Reason, Tally, shown};
use crate::extremes::Extremes;
use crate::head::{HEAD_BYTES, Head, HeadRow};
use crate::hourly::{Part, hourly};
use crate::inputs::{Origin, RawInput};
use crate::layout::{Layout, Mapped, Names, Offsets, Source, TimeColumns};
use crate::number::as_written;
use crate::raw::Raw;
use crate::records::Records;
use crate::rows::{self, Found, Rows, TableRows};
use crate::shelf::{Shelf, Shelves};
use crate::source::{self, Fit, Recognised, Wishes};
use crate::spill::{Spill, Stored};
use crate::zone::Zone;
use crate::{align, blocks, eea, observations, observed, summer};

/// A file that was read.
pub(crate) struct ReadFile {
    pub(crate) name: String,
    pub(crate) sha256: Sha256,
    pub(crate) layout: Layout,
    /// Of an earlier table: whose thresholds held.
    pub(crate) profile: Option<Profile>,
    pub(crate) step_s: u32,
    /// The stations in it.
    pub(crate) stations: Vec<String>,
    pub(crate) columns: Vec<ColumnUse>,
    pub(crate) notes: Vec<String>,
    /// What ought to be looked at: claims that were overruled.
    pub(crate) warnings: Vec<String>,
    pub(crate) tally: Tally,
    /// Its stations' hours.
    pub(crate) stored: Vec<Stored>,
}

/// A file to read, and how.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) input: &'a RawInput,
    pub(crate) wishes: &'a Wishes,
    /// Where hours go, and rows that are too many to hold.
    pub(crate) spill: &'a Spill,
    pub(crate) sizes: Sizes,
}

/// What became of a file.
pub(crate) enum Outcome {
    Read(Box<ReadFile>),
    Skipped(Skipped),
    /// It is a table of measurements, or was one, and cannot be read; others of its folder can.
    Failed(Skipped),
}

/// The tables of one file as they are written, before units and hours.
pub(crate) struct Tables<'a> {
    pub(crate) sha256: Sha256,
    /// Of the first table.
    pub(crate) layout: Layout,
    pub(crate) found: Found<'a>,
}

/// Reads one file. One that is no table of measurements is skipped if a folder held it and refused if it was named;
/// one that is and cannot be read fails alone if a folder held it.
pub(crate) fn read(job: Job) -> Result<Outcome> {
    let input = job.input;
    match read_named(job) {
        Err(fault) if input.origin == Origin::Found && fault.kind() == pm25_file::Kind::BadData => {
            let name = input.name.clone();
            Ok(Outcome::Failed(Skipped {
                name,
                why: fault.to_string(),
            }))
        }
        outcome => outcome,
    }
}

fn read_named(job: Job) -> Result<Outcome> {
    let input = job.input;
    let mut tally = Tally::default();
    if is_ours(input)? {
        return earlier(job, tally);
    }
    let tables = match read_tables(job, &mut tally)? {
        Ok(tables) => tables,
        Err(why) if input.origin == Origin::Found => {
            let name = input.name.clone();
            return Ok(Outcome::Skipped(Skipped { name, why }));
        }
        Err(why) => return Err(no_table(&input.name, &why)),
    };
    let read = hours(job, tables, tally)?;
    Ok(Outcome::Read(Box::new(read)))
}

/// The hours of a file's tables.
fn hours(job: Job, tables: Tables, mut tally: Tally) -> Result<ReadFile> {
    let input = job.input;
    let Tables {
        sha256,
        mut layout,
        found,
    } = tables;
    if layout.extras.long.is_none() {
        layout.mapped.clone_from(
            &found
                .tables
                .first()
                .map_or(Vec::new(), |(layout, _)| layout.mapped.clone()),
        );
    }
    let mut gathered = Gathered::default();
    let mut shelves = found.shelves.into_iter();
    for (mut table_layout, rows) in found.tables {
        note_clock(&mut table_layout, &rows);
        if gathered.step_s.is_none() {
            layout.zone = table_layout.zone.clone();
            layout.notes.clone_from(&table_layout.notes);
        }
        let further = table_layout.mapped.iter();
        let further = further.filter(|_| layout.extras.long.is_some());
        layout.mapped.extend(further.cloned());
        let table = (table_layout, rows);
        let givers = Givers {
            job,
            layout: &layout,
        };
        match shelves.next() {
            Some(shelf) => gathered.take_shelf(&givers, shelf, table, &mut tally)?,
            None => gathered.take_table(&givers, table, &mut tally)?,
        }
    }
    let Gathered {
        columns,
        mut warnings,
        stored,
        season,
        step_s,
    } = gathered;
    warnings.extend(season);
    let stored = align::on_one_minute(stored, job.spill, &mut tally)?;
    Ok(ReadFile {
        name: input.name.clone(),
        sha256,
        step_s: step_s.unwrap_or(3_600),
        stations: each_once(stored.iter().map(|part| &part.station)),
        columns,
        notes: notes(&layout),
        warnings: warnings
            .into_iter()
            .map(|warning| format!("{}: {warning}", input.name))
            .collect(),
        layout,
        profile: None,
        tally,
        stored,
    })
}

/// A file, and how its first table is laid out.
struct Givers<'a> {
    job: Job<'a>,
    layout: &'a Layout,
}

/// What the tables of a file become, one after the other.
#[derive(Default)]
struct Gathered {
    columns: Vec<ColumnUse>,
    warnings: Vec<String>,
    stored: Vec<Stored>,
    /// The first station that skips an hour in spring.
    season: Option<String>,
    /// Of the first table.
    step_s: Option<u32>,
}

impl Gathered {
    fn take_table(
        &mut self,
        givers: &Givers,
        (layout, mut rows): TableRows,
        tally: &mut Tally,
    ) -> Result<()> {
        self.columns
            .extend(convert(&layout, &mut rows, &mut self.warnings));
        let hourly = hourly(&givers.job.input.name, rows, &layout, tally)?;
        self.step_s.get_or_insert(hourly.step_s);
        for part in hourly.parts {
            self.take_part(givers, part, tally)?;
        }
        Ok(())
    }

    /// The table has no rows but those on the shelf.
    fn take_shelf(
        &mut self,
        givers: &Givers,
        shelf: Shelf,
        (layout, empty): TableRows,
        tally: &mut Tally,
    ) -> Result<()> {
        let table = (givers.job.input.name.as_str(), &layout, &empty);
        let mut warnings = std::mem::take(&mut self.warnings);
        let laid = shelf.hours(table, (tally, &mut warnings), |part, tally| {
            self.take_part(givers, part, tally)
        })?;
        self.warnings = warnings;
        self.columns.extend(laid.columns);
        self.step_s.get_or_insert(laid.step_s);
        Ok(())
    }

    /// A station's hours from one table, in the order of the file.
    fn take_part(&mut self, givers: &Givers, mut part: Part, tally: &mut Tally) -> Result<()> {
        let Givers { job, layout } = givers;
        if let Some(correction) = job.wishes.correction
            && layout.source == Source::PurpleAir
        {
            correct(&mut part, correction, tally);
        }
        if self.season.is_none() {
            self.season = summer::season(layout, &part);
        }
        self.stored.push(job.spill.put_part(part)?);
        Ok(())
    }
}

/// Each name once, in order of appearance.
fn each_once<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    names.filter(|name| seen.insert(*name)).cloned().collect()
}

/// Reads the tables of a file that is not our own; `Err` within says why it is no table of measurements.
pub(crate) fn read_tables<'a>(
    job: Job<'a>,
    tally: &mut Tally,
) -> Result<std::result::Result<Tables<'a>, String>> {
    let Job { input, wishes, .. } = job;
    let shelves = Shelves::new(job.spill, job.sizes);
    if let (true, Input::Path(path)) = (is_parquet(input), &input.at) {
        let batches = Batches::open(&input.name, path)?;
        if !eea::fits(batches.columns()) || wishes.source.is_some_and(|wish| wish != Source::Eea) {
            return Ok(Err(
                "a Parquet table without the columns of the EEA".to_owned()
            ));
        }
        let (layout, found) = eea::read(&input.name, batches, wishes, shelves, tally)?;
        let sha256 = hash(&input.name, path)?;
        return Ok(Ok(Tables {
            sha256,
            layout,
            found,
        }));
    }
    let raw = Raw::open(
        &input.at,
        input.member.as_ref(),
        wishes.encoding,
        HEAD_BYTES,
    )?;
    let (head, fit) = match source::recognise(&input.name, &raw.head, wishes)? {
        Recognised::Table(head, fit) => (head, fit),
        Recognised::Nothing(why) => return Ok(Err(why)),
    };
    let delimiter = head.delimiter;
    let layout = source::layout(&input.name, &head, fit, wishes)?;
    if let Some(read) = blocks::read(job, delimiter, &layout, tally)? {
        return Ok(Ok(Tables {
            sha256: read.sha256,
            layout,
            found: read.found,
        }));
    }
    let mut records = Records::new(raw, delimiter, &input.name);
    let file = (input.name.as_str(), wishes);
    let found = rows::read(file, &mut records, layout.clone(), shelves, tally)?;
    Ok(Ok(Tables {
        sha256: records.hash(),
        layout,
        found,
    }))
}

/// The tables of a file as rows in the file's own units; nothing where it has no table of measurements.
pub(crate) fn tables(job: Job) -> Result<Option<Found>> {
    let Ok(Tables { mut found, .. }) = read_tables(job, &mut Tally::default())? else {
        return Ok(None);
    };
    for (layout, rows) in &mut found.tables {
        join_channels(layout, rows);
    }
    Ok(Some(found))
}

pub(crate) fn is_parquet(input: &RawInput) -> bool {
    let Input::Path(path) = &input.at else {
        return false;
    };
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    input.member.is_none() && read.is_ok() && start == *b"PAR1"
}

/// Whether it is a table of observations that this program wrote.
pub(crate) fn is_ours(input: &RawInput) -> Result<bool> {
    let Input::Path(path) = &input.at else {
        return Ok(false);
    };
    if !is_parquet(input) {
        return Ok(false);
    }
    let batches = Batches::open(&input.name, path)?;
    Ok(batches
        .header()
        .is_some_and(|header| header.format == observations::FORMAT))
}

fn hash(name: &str, path: &std::path::Path) -> Result<Sha256> {
    let hashed = File::open(path).and_then(|mut file| Sha256::of_reader(&mut file));
    hashed.map_err(|e| Fault::unforeseen(format!("{name}: cannot be read")).because(e))
}

/// A table of observations from an earlier run.
fn earlier(job: Job, mut tally: Tally) -> Result<Outcome> {
    let input = job.input;
    let Input::Path(path) = &input.at else {
        return Err(Fault::unforeseen("standard input is no Parquet table"));
    };
    let (parts, said) = observed::read(&input.at, &mut tally)?;
    let stored: Result<Vec<Stored>> = parts
        .into_iter()
        .map(|part| job.spill.put_part(part))
        .collect();
    let stored = stored?;
    let head = Head {
        rows: vec![HeadRow {
            line: 0,
            cells: vec!["time".to_owned()],
        }],
        delimiter: b',',
        is_utf8: true,
    };
    let why = "a table of observations that this program wrote".to_owned();
    let fit = Fit {
        source: Source::Observations,
        header_idx: 0,
        why,
    };
    let mut layout = Layout::new(fit, &head, TimeColumns::Stamp(0), Zone::Fixed(0));
    layout.remarks = said.remarks;
    Ok(Outcome::Read(Box::new(ReadFile {
        name: input.name.clone(),
        sha256: hash(&input.name, path)?,
        step_s: 3_600,
        stations: each_once(stored.iter().map(|part| &part.station)),
        columns: Vec::new(),
        notes: vec![
            "hours of an earlier run; its raw files are named in its own header".to_owned(),
        ],
        warnings: Vec::new(),
        layout,
        profile: said.profile,
        tally,
        stored,
    })))
}

/// Puts hourly PM2.5 on the level of a reference monitor; without the hour's humidity it is missing.
fn correct(part: &mut Part, correction: Correction, tally: &mut Tally) {
    let Correction::Epa = correction;
    let humidity = std::mem::take(&mut part.values[Quantity::Rh.index()]);
    let pm25 = &mut part.values[Quantity::Pm25.index()];
    for (hour_idx, value) in pm25
        .iter_mut()
        .enumerate()
        .filter(|(_, value)| !value.is_nan())
    {
        let rh = humidity.get(hour_idx).copied().unwrap_or(f32::NAN);
        if rh.is_nan() {
            *value = f32::NAN;
            tally.note(
                Reason::CellUncorrected,
                u64::from(part.line[hour_idx]),
                String::new,
            );
            continue;
        }
        *value = epa_pm25_ug_m3(as_written(*value), as_written(rh)) as f32;
    }
    part.values[Quantity::Rh.index()] = humidity;
}

impl ReadFile {
    /// The file as the report holds it.
    pub(crate) fn report(&self) -> RawFile {
        let layout = &self.layout;
        RawFile {
            name: self.name.clone(),
            sha256: self.sha256,
            source: layout.source.name().to_owned(),
            why: layout.why.clone(),
            clock: self.clock(),
            step_s: self.step_s,
            rows: self.tally.rows(),
            stations: self.stations.clone(),
            columns: self.columns.clone(),
            unused: layout.unused.clone(),
            notes: self.notes.clone(),
        }
    }

    fn clock(&self) -> String {
        let layout = &self.layout;
        match layout.time {
            TimeColumns::Span { .. } => {
                format!("{}, both ends stated", layout.zone.text())
            }
            _ => format!(
                "{}, {} of the interval",
                layout.zone.text(),
                layout.stamped.text()
            ),
        }
    }
}

fn no_table(name: &str, why: &str) -> Fault {
    Fault::bad_data(format!("{name}: {why}"))
        .hint("describe the file with `--columns map.toml`, or see `pm25-ingest --help` for what is understood")
}

/// A generic table may carry offsets in its stamps, or say nothing of its clock; which it is shows in its rows.
fn note_clock(layout: &mut Layout, rows: &Rows) {
    if layout.zone_is_known {
        return;
    }
    match rows.stated_offset_min(0) {
        Some(_) if layout.extras.offsets == Offsets::ByStation => {
            layout.notes.push(
                "each station's offset is the one stated; the smallest is its standard time"
                    .to_owned(),
            );
        }
        Some(offset_min) => {
            layout.zone = Zone::Fixed(offset_min);
            let zone = layout.zone.text();
            layout.notes.push(format!(
                "the stamps carry their offset, taken as the station's standard time ({zone})"
            ));
            layout.zone_is_known = true;
        }
        None => layout
            .notes
            .push("no zone is stated: stamps taken as UTC".to_owned()),
    }
}

/// Decides each column's unit and converts it in place; codes for "no value" stay.
fn convert(layout: &Layout, rows: &mut Rows, warnings: &mut Vec<String>) -> Vec<ColumnUse> {
    join_channels(layout, rows);
    let columns = layout.mapped.iter().zip(&mut rows.values);
    let mut ceilings = Vec::new();
    let used = columns
        .map(|(column, values)| {
            let is_particles = matches!(column.quantity, Quantity::Pm25 | Quantity::Pm10);
            let codes = if is_particles {
                ceiling::full_scales(values)
            } else {
                Vec::new()
            };
            let facts = ColumnFacts {
                decision: decide(column.quantity, &column.claim, values),
                codes,
                extremes: &Extremes::of(values),
            };
            let conversion = facts.decision.conversion;
            let codes = facts.codes.iter();
            ceilings.push(codes.map(|&code| conversion.apply(code)).collect());
            conversion.apply_all(values);
            settled(column, &facts, warnings)
        })
        .collect();
    rows.ceilings = ceilings;
    used
}

/// What was found of a column, in the file's own unit.
pub(crate) struct ColumnFacts<'a> {
    pub(crate) decision: Decision,
    /// Full scales that readings pile up at.
    pub(crate) codes: Vec<f32>,
    pub(crate) extremes: &'a Extremes,
}

/// What the report says of a column; warns of what was overruled and of codes.
pub(crate) fn settled(
    column: &Mapped,
    facts: &ColumnFacts,
    warnings: &mut Vec<String>,
) -> ColumnUse {
    let header = shown(column.header.as_bytes());
    let decision = &facts.decision;
    if decision.overruled {
        warnings.push(format!("`{header}`: {}", decision.because));
    }
    for code in &facts.codes {
        warnings.push(format!(
            "`{header}`: {code} piles up as at an instrument's full scale; hourly values stay, flagged `ceiling` where a station has a pile of them; finer readings are left out of their hour's mean"
        ));
    }
    let &Extremes { n, min, max } = facts.extremes;
    let is_any = 0 < n;
    ColumnUse {
        column: header,
        quantity: column.quantity.column().to_owned(),
        claimed: column.claim.text(),
        taken: decision.unit.text().to_owned(),
        because: decision.because.clone(),
        values: n,
        min: is_any.then(|| as_written(min)),
        max: is_any.then(|| as_written(max)),
    }
}

/// PM2.5 of an instrument with two channels is their mean; where one is silent the other speaks.
pub(crate) fn join_channels(layout: &Layout, rows: &mut Rows) {
    let position = layout
        .mapped
        .iter()
        .position(|column| column.quantity == Quantity::Pm25);
    let (Some(pm25), [a, b]) = (position, &rows.channels) else {
        return;
    };
    if a.is_empty() {
        return;
    }
    let means = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| match (a.is_nan(), b.is_nan()) {
            (false, false) => ((as_written(a) + as_written(b)) / 2.0) as f32,
            (true, _) => b,
            (_, true) => a,
        });
    rows.values[pm25] = means.collect();
}

fn notes(layout: &Layout) -> Vec<String> {
    let mut notes = layout.notes.clone();
    let measures_pm25 = |column: &Mapped| column.quantity == Quantity::Pm25;
    if !layout.mapped.iter().any(measures_pm25) {
        notes.push("there is no column of PM2.5".to_owned());
    }
    notes.extend(
        layout
            .remarks
            .iter()
            .map(|remark| format!("the file says: {}", shown(remark.as_bytes()))),
    );
    if !layout.sentinels.is_empty() {
        notes.push(format!(
            "further codes for \"no value\": {:?}",
            layout.sentinels
        ));
    }
    if layout.order != Order::Ymd && layout.source == Source::Generic {
        notes.push("the order of day and month is as the map says".to_owned());
    }
    if let Names::File(name) = &layout.names {
        notes.push(format!(
            "all rows are of station `{}`",
            shown(name.as_bytes())
        ));
    }
    notes
}
