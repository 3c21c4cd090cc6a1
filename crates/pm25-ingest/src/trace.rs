//! Which lines stand behind a value: the inputs that the table names are read again, and every line about that
//! station and hour is shown with its raw text.
//!
//! Not a search in any files: an input whose bytes are not those that were read then is refused.
//!
//! ```text
//! table, station, hour ── inputs by hash ── tables of rows (the way of ingest) ── lines of the hour ── raw text
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use pm25_air::Quantity;
use pm25_air::civil::{HOUR_S, format_at, parse_rfc3339};
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, Sha256, nearest};
use pm25_table::Table;
use pm25_tool::{Console, Outcome, Threads};
use rayon::prelude::*;
use serde::Serialize;
use walkdir::WalkDir;

use crate::archive::{self, is_archive};
use crate::blocks::Sizes;
use crate::count::{Tally, shown};
use crate::file::{Job, is_ours, is_parquet, tables};
use crate::generic::ColumnMap;
use crate::hourly::{Part, lag_s};
use crate::ingest::last_instant;
use crate::inputs::{Origin, RawInput, packed_name};
use crate::layout::{Source, Stamped};
use crate::number::as_written;
use crate::observations::FORMAT;
use crate::observed;
use crate::raw::Raw;
use crate::rows::{SENTINEL, TableRows};
use crate::shelf::Shelf;
use crate::source::Wishes;
use crate::spill::Spill;
use crate::unpack::Encoding;
use crate::zone::Zone;

/// Characters of a raw line that are shown.
const LINE_CHARS_MAX: usize = 400;
/// Names that differ only by their folder, looked at below the root.
const DEPTH_MAX: usize = 8;

/// What the user typed.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The table of observations
    #[arg(value_name = "OBSERVATIONS")]
    observations: Input,
    /// A station of it
    #[arg(value_name = "STATION")]
    station: String,
    /// The hour's start, with offset: 2014-10-11T19:00:00+08:00
    #[arg(value_name = "TIME")]
    time: String,
    /// The column whose value is asked for
    #[arg(long, value_name = "COLUMN", default_value = "pm25_ug_m3")]
    column: String,
    /// The folder that the inputs lie in or below
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

/// A value and what it was made from.
#[derive(Debug, Serialize)]
struct Traced {
    station: String,
    time: String,
    column: String,
    /// None where it is missing.
    value: Option<f64>,
    flags: Vec<&'static str>,
    lines: Vec<Line>,
}

/// A contributing line.
#[derive(Debug, Serialize)]
struct Line {
    at: String,
    /// The reading in the unit of the file; none where there is no number.
    reading: Option<f64>,
    /// The line as it stands in the file.
    raw: String,
}

/// What is looked for.
struct Hour<'a> {
    station: &'a str,
    start_s: i64,
    quantity: Quantity,
}

/// Traces one value.
pub(crate) fn run(args: &TraceArgs, console: &Console) -> anyhow::Result<Outcome> {
    let table = Table::read(&args.observations, FORMAT)?;
    let header = table.header().ok_or_else(|| {
        Fault::bad_artifact(format!(
            "{} does not say what it was made from",
            args.observations
        ))
        .hint("trace a table that `pm25-ingest` wrote")
    })?;
    let quantity = quantity(&args.column)?;
    let time_s =
        parse_rfc3339(&args.time).map_err(|e| Fault::usage(e.to_string()).hint(e.hint()))?;
    let row = row(&table, &args.station, time_s)?;
    let wanted = Hour {
        station: &args.station,
        start_s: time_s,
        quantity,
    };
    let inputs = Inputs::of(header, &args.root)?;
    let lines = args.threads.install(|| inputs.lines(&wanted))??;
    let value = table.f32(quantity.column())?[row];
    let mask = table.u16(quantity.flags_column())?[row];
    console.say(&Traced {
        station: args.station.clone(),
        time: format_at(time_s, table.i16("utc_offset_min")?[row]),
        column: quantity.column().to_owned(),
        value: (!value.is_nan()).then(|| as_written(value)),
        flags: flag_names(mask),
        lines,
    })?;
    Ok(Outcome::Done)
}

fn quantity(column: &str) -> Result<Quantity> {
    let columns = || Quantity::ALL.map(Quantity::column);
    let known = Quantity::ALL
        .into_iter()
        .find(|quantity| quantity.column() == column);
    known.ok_or_else(|| {
        let hint = match nearest(column, columns()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the columns are {}", columns().join(", ")),
        };
        Fault::usage(format!("there is no column `{column}`")).hint(hint)
    })
}

/// The row of a station's hour.
fn row(table: &Table, station: &str, time_s: i64) -> Result<usize> {
    let names = table.text("station")?;
    let Some(code) = names.words.iter().position(|name| name == station) else {
        let near = nearest(station, names.words.iter().map(String::as_str));
        let hint = near.map_or("see ingest.json for the stations".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        return Err(Fault::usage(format!("the table has no station `{station}`")).hint(hint));
    };
    let is_row = |(of_row, time): (&u32, &i64)| *of_row as usize == code && *time == time_s;
    let found = names.codes.iter().zip(table.time("time")?).position(is_row);
    found.ok_or_else(|| {
        Fault::usage(format!("`{station}` has no hour that starts at that time")).hint(
            "see ingest.json for its first and last hour; a station's hours may start at half past",
        )
    })
}

fn flag_names(mask: u16) -> Vec<&'static str> {
    let set = pm25_air::flag::ALL
        .into_iter()
        .filter(|(bit, _)| mask & bit != 0);
    set.map(|(_, name)| name).collect()
}

/// The raw files of a table and how they were read.
struct Inputs {
    files: Vec<RawInput>,
    wishes: Wishes,
}

impl Inputs {
    fn of(header: &Header, root: &Path) -> Result<Self> {
        let beside: Vec<String> = ["column_map", "places_file"]
            .into_iter()
            .filter_map(|fact| header.read_fact(fact).ok())
            .collect();
        let (helpers, raw): (Vec<&InputRef>, Vec<&InputRef>) = header
            .inputs
            .iter()
            .partition(|input| beside.contains(&input.name));
        let files = files(&raw, root)?;
        let map = match header.read_fact::<String>("column_map") {
            Ok(name) => Some(column_map(&name, &helpers, root)?),
            Err(_) => None,
        };
        Ok(Self {
            files,
            wishes: wishes(header, map)?,
        })
    }

    /// The lines of all files about the hour, in the order of the files.
    fn lines(&self, wanted: &Hour) -> Result<Vec<Line>> {
        let spill = Spill::beside(&Output::Stdout);
        let found: Vec<Result<Vec<Line>>> = self
            .files
            .par_iter()
            .map(|input| {
                let job = Job {
                    input,
                    wishes: &self.wishes,
                    spill: &spill,
                    sizes: Sizes::USUAL,
                };
                lines_of(job, wanted)
            })
            .collect();
        let mut lines = Vec::new();
        for of_file in found {
            lines.extend(of_file?);
        }
        Ok(lines)
    }
}

/// The raw files where they lie, in the order of the table's header; a packed one lies in its archive.
fn files(raw: &[&InputRef], root: &Path) -> Result<Vec<RawInput>> {
    let is_within = |input: &InputRef, archive: &InputRef| {
        let inner = input.name.strip_prefix(&archive.name);
        inner.is_some_and(|inner| inner.starts_with('/'))
    };
    let mut files = Vec::with_capacity(raw.len());
    let outer = |input: &&&InputRef| !raw.iter().any(|archive| is_within(input, archive));
    for input in raw.iter().filter(outer) {
        let path = locate(input, root)?;
        let file = RawInput {
            name: input.name.clone(),
            at: Input::Path(path.clone()),
            member: None,
            origin: Origin::Found,
        };
        if !is_archive(&path) {
            files.push(file);
            continue;
        }
        let (members, _) = archive::members(&input.name, &path)?;
        let named = members.into_iter().map(|member| RawInput {
            name: packed_name(&input.name, &member),
            member: Some(member),
            ..file.clone()
        });
        files.extend(named.filter(|file| raw.iter().any(|input| input.name == file.name)));
    }
    Ok(files)
}

/// Where an input lies: by its name below the root, or anywhere below it under that name; its bytes decide.
fn locate(input: &InputRef, root: &Path) -> Result<PathBuf> {
    let direct = root.join(&input.name);
    if direct.is_file() {
        return is_unchanged(input, &direct)?
            .then_some(direct)
            .ok_or_else(|| changed(input));
    }
    let mut seen = false;
    for entry in WalkDir::new(root).max_depth(DEPTH_MAX).sort_by_file_name() {
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_file() && entry.path().ends_with(&input.name) {
            seen = true;
            if is_unchanged(input, entry.path())? {
                return Ok(entry.into_path());
            }
        }
    }
    Err(if seen {
        changed(input)
    } else {
        Fault::bad_artifact(format!("{} is not below {}", input.name, root.display()))
            .hint("say with `--root` in which folder the raw files are")
    })
}

fn is_unchanged(input: &InputRef, path: &Path) -> Result<bool> {
    let cannot = |e| Fault::unforeseen(format!("{}: cannot be read", path.display())).because(e);
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    Ok(Sha256::of_reader(&mut file).map_err(cannot)? == input.sha256)
}

fn changed(input: &InputRef) -> Fault {
    Fault::bad_artifact(format!(
        "{} is not the file that the table was made from",
        input.name
    ))
    .hint("trace with the raw files as they were, or run `pm25-ingest` again")
}

fn column_map(name: &str, helpers: &[&InputRef], root: &Path) -> Result<ColumnMap> {
    let input = helpers.iter().find(|input| input.name == name);
    let missing = || Fault::bad_artifact(format!("the table does not name its column map {name}"));
    let path = locate(input.ok_or_else(missing)?, root)?;
    let bytes = Input::Path(path).bytes()?;
    ColumnMap::parse(name, &String::from_utf8_lossy(&bytes))
}

/// What was asked for when the table was made, from its header.
fn wishes(header: &Header, map: Option<ColumnMap>) -> Result<Wishes> {
    let param = |name: &str| header.params.get(name).and_then(|value| value.as_str());
    let source =
        param("source").and_then(|name| Source::ALL.into_iter().find(|s| s.name() == name));
    let stamped = [Stamped::Begin, Stamped::End]
        .into_iter()
        .find(|stamped| Some(stamped.text()) == param("stamp"));
    Ok(Wishes {
        source: source.or(map.is_some().then_some(Source::Generic)),
        stamped,
        zone: param("tz").map(Zone::parse).transpose()?,
        station: param("station").map(str::to_owned),
        map,
        poc: param("poc").map(str::to_owned),
        encoding: param("encoding")
            .and_then(Encoding::named)
            .unwrap_or_default(),
        correction: None,
        not_after_s: param("not_after").map(last_instant).transpose()?,
    })
}

/// The lines of one file about the hour, with the readings of the quantity.
fn lines_of(job: Job, wanted: &Hour) -> Result<Vec<Line>> {
    let Job { input, wishes, .. } = job;
    if is_ours(input)? {
        return earlier(input, wanted);
    }
    let mut readings: BTreeMap<u32, Option<f64>> = BTreeMap::new();
    if let Some(found) = tables(job)? {
        let mut shelves = found.shelves.iter();
        for table in &found.tables {
            collect(&input.name, (table, shelves.next()), wanted, &mut readings)?;
        }
    }
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let mut texts = if is_parquet(input) {
        let row = |number: &u32| (*number, "a row of a Parquet table".to_owned());
        readings.keys().map(row).collect()
    } else {
        raw_lines(input, wishes.encoding, readings.keys().copied())?
    };
    let line = |(number, reading)| Line {
        at: format!("{}:{number}", input.name),
        reading,
        raw: texts.remove(&number).unwrap_or_default(),
    };
    Ok(readings.into_iter().map(line).collect())
}

/// The hour in an earlier table, whose own lines are to be asked of that table.
fn earlier(input: &RawInput, wanted: &Hour) -> Result<Vec<Line>> {
    let (parts, _) = observed::read(&input.at, &mut Tally::default())?;
    let line = |part: &Part| {
        let hour_idx = (wanted.start_s - part.start_s).div_euclid(HOUR_S);
        let hour_idx = usize::try_from(hour_idx).ok()?;
        let number = *part.line.get(hour_idx).filter(|line| **line != 0)?;
        let value = part.values[wanted.quantity.index()].get(hour_idx);
        Some(Line {
            at: format!("{}:{number}", input.name),
            reading: value.filter(|v| !v.is_nan()).map(|v| as_written(*v)),
            raw: "an hour of an earlier run; trace it there".to_owned(),
        })
    };
    let of_station = parts.iter().filter(|part| part.station == wanted.station);
    Ok(of_station.filter_map(line).collect())
}

/// Rows of the hour that have a column of the quantity.
fn collect(
    file: &str,
    ((layout, rows), shelf): (&TableRows, Option<&Shelf>),
    wanted: &Hour,
    readings: &mut BTreeMap<u32, Option<f64>>,
) -> Result<()> {
    let Some(code) = rows.names.iter().position(|name| name == wanted.station) else {
        return Ok(());
    };
    let is_column = |column: &crate::layout::Mapped| column.quantity == wanted.quantity;
    let Some(column_idx) = layout.mapped.iter().position(is_column) else {
        return Ok(());
    };
    let mut take = |line: u32, reading: f32| {
        let is_number = !reading.is_nan() && reading != SENTINEL;
        readings.insert(line, is_number.then(|| as_written(reading)));
    };
    if let Some(shelf) = shelf {
        return shelf.of_hour((file, layout), (code, column_idx), wanted.start_s, take);
    }
    let lag_s = lag_s(file, rows, layout)?;
    let hour = wanted.start_s..wanted.start_s + HOUR_S;
    for (row, &stamp_s) in rows.stamp_s.iter().enumerate() {
        if rows.station[row] as usize == code && hour.contains(&(stamp_s - lag_s)) {
            take(rows.line[row], rows.values[column_idx][row]);
        }
    }
    Ok(())
}

/// The text of lines, by number; lines count from 1.
fn raw_lines(
    input: &RawInput,
    encoding: Encoding,
    numbers: impl Iterator<Item = u32>,
) -> Result<BTreeMap<u32, String>> {
    let raw = Raw::open(&input.at, input.member.as_ref(), encoding, 0)?;
    let cannot = |e| Fault::unforeseen(format!("{}: cannot be read again", input.name)).because(e);
    let mut text = BufReader::new(std::io::Cursor::new(raw.head).chain(raw.rest));
    let (mut line, mut number) = (Vec::new(), 0_u32);
    let mut texts = BTreeMap::new();
    for wanted in numbers {
        while number < wanted {
            line.clear();
            if text.read_until(b'\n', &mut line).map_err(cannot)? == 0 {
                return Ok(texts);
            }
            number += 1;
        }
        texts.insert(number, printed(&line));
    }
    Ok(texts)
}

/// A line as it stands, without its end; control characters escaped, so that it cannot play with a terminal.
fn printed(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = String::from_utf8_lossy(line);
    let mut printed: String = text
        .chars()
        .take(LINE_CHARS_MAX)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if LINE_CHARS_MAX < text.chars().count() {
        printed.push('…');
    }
    printed
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self
            .value
            .map_or("missing".to_owned(), |value| value.to_string());
        writeln!(
            f,
            "{}, {}: {} {value}",
            shown(self.station.as_bytes()),
            self.time,
            self.column
        )?;
        if !self.flags.is_empty() {
            writeln!(f, "flags     {}", self.flags.join(", "))?;
        }
        if self.lines.is_empty() {
            writeln!(f, "no line is about that hour")?;
        }
        for line in &self.lines {
            writeln!(f, "{}: {}", line.at, line.raw)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shelf::tests::TINY;

    #[test]
    fn lines_of_rows_on_a_shelf_are_those_of_rows_in_memory() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let spill = Spill::beside(&Output::Stdout);
        for (file, station, time) in [
            ("openaq_archive.csv", "RO0083A-9369", "2020-07-29T22:00:00Z"),
            ("purpleair_channels.csv", "123", "2023-06-17T03:00:00Z"),
            ("sensor_community.csv", "7789", "2018-03-04T00:00:00Z"),
        ] {
            let input = RawInput {
                name: file.to_owned(),
                at: Input::Path(folder.join(file)),
                member: None,
                origin: Origin::Found,
            };
            let wishes = Wishes::default();
            let lines = |sizes: Sizes| {
                let job = Job {
                    input: &input,
                    wishes: &wishes,
                    spill: &spill,
                    sizes,
                };
                let wanted = Hour {
                    station,
                    start_s: parse_rfc3339(time).unwrap(),
                    quantity: Quantity::Pm25,
                };
                format!("{:?}", lines_of(job, &wanted).unwrap())
            };
            let held = lines(Sizes::USUAL);
            assert!(held.contains("reading: Some"), "{file}: {held}");
            for sizes in TINY {
                assert_eq!(lines(sizes), held, "{file}");
            }
        }
    }
}
