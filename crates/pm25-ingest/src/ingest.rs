//! The job: what was typed becomes files to read, files become stations, stations a table and a report.
//!
//! ```text
//! files ── parts ── spill ── survey (medians, samples, clocks) ── judge ── row groups ── table
//!        a file for each thread      a station for each thread          in order
//! ```
//!
//! Memory: for each thread the larger of 16 MiB of rows of one file (16 + 4 c bytes each, c = its columns of quantities)
//! and as much again when they go on the grid, two blocks of 8 MiB of text as rows where one big file is read by all
//! threads, a stretch of a station's rows (262,144, or those of one hour) laid on its grid, and one row group, 80 bytes
//! for each of its hours (65,536, or those of one longer station) and 4 for each hour of up to eight neighbours; besides
//! 32 KiB for each station (PM2.5 at sampled hours), 4 KiB for each file, 200 bytes for each part of a station, 12 bytes
//! for each station and quantity in each 16 MiB of rows, and 16 MiB for each thread that were freed and are kept
//! ([`crate::memory`]). Hours wait in a file without a name beside the output, 4 c bytes each and 4 more where lines are
//! missing or PM2.5 was removed; so do the rows of a file that has more than may be held, 12 + 4 c bytes each, whatever
//! its source and packing. An earlier table is held whole while it is taken apart, because its seal covers all of it.
//! Text is never held beyond a few buffers.

use std::ops::Range;

use anyhow::Context;
use pm25_air::quality::{self, Profile};
use pm25_artifact::ingest::{IngestReport, Skipped};
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, Sha256, program, write_document};
use pm25_table::TableWriter;
use pm25_tool::{Console, Outcome, Progress};

use crate::blocks::Sizes;
use crate::clock::{self, Order};
use crate::correction::Correction;
use crate::coverage::Days;
use crate::file::{self, Job, ReadFile};
use crate::generic::ColumnMap;
use crate::in_order::{in_order, one_each};
use crate::inputs::{self, Inputs, RawInput};
use crate::judge::{Judged, JudgedStation, gathered, judge};
use crate::layout::{Source, Stamped};
use crate::observations::Rows;
use crate::places::Places;
use crate::quality::{Court, profile_of};
use crate::report::{Summary, refuse_many_rejects, remarks, report};
use crate::source::Wishes;
use crate::spill::{Spill, Stored};
use crate::stations::{Station, by_name};
use crate::survey::{Survey, survey};
use crate::unpack::Encoding;
use crate::zone::Zone;
use crate::{
    EncodingWish, ReadArgs, Shard, SourceWish, StampWish, html, memory, observations, twins,
};

/// Reads the files and writes the table and the report.
pub(crate) fn run(args: &ReadArgs, console: &Console) -> anyhow::Result<Outcome> {
    memory::keep_what_is_freed();
    let (out, report_to) = outputs(args)?;
    let (wishes, map_input) = wishes(args)?;
    let places = places(args)?;
    let Inputs {
        files,
        mut skipped,
        archives,
        mut failed,
    } = inputs::find(&args.files)?;
    let files = share(files, args.shard);
    let progress = console.progress("reading files", files.len() as u64);
    let spill = Spill::beside(&out);
    let reading = Reading {
        spill: &spill,
        progress: &progress,
    };
    let others = (&mut skipped, &mut failed);
    let seen = args
        .threads
        .install(|| seen(&files, &wishes, others, &reading))??;
    let Seen {
        mut read,
        stations,
        survey,
        doubts,
    } = seen;
    drop(progress);
    refuse_nothing(&read, &stations, [&failed, &skipped])?;
    note_strangers(&places, &stations, console);
    let profile = profile(args, &read);
    let beside = Beside {
        map: map_input,
        places: places.input.clone(),
        archives,
    };
    let header = header(args, &read, beside)
        .param("profile", profile.name())
        .param("quality_rules", quality::VERSION);
    let n_failed = failed.len();
    let left_out = left_out(skipped, failed, console);
    let mut report = report(header, &read, left_out);
    report.notes.extend(doubts.iter().cloned());
    refuse_many_rejects(&read, &report, args.max_rejects)?;
    warn(&mut read, &doubts, console);
    let court = Court {
        network: &survey.network,
        spill: &spill,
        profile,
    };
    let sheet = Sheet {
        stations: &stations,
        survey: &survey,
        names: read.iter().map(|file| file.name.clone()).collect(),
        header: observations::describe(
            report.pm25.clone(),
            &survey.facts,
            &places.by_name,
            &remarks(&read),
        ),
    };
    drop(read);
    let (judged, table) = args.threads.install(|| sheet.write(&out, court))??;
    report.pm25 = report.pm25.clone().file(table);
    report.quality = judged.quality;
    report.stations = judged.summaries;
    let days = judged.days;
    tell(args, (&out, &report_to), (report, &days), console)?;
    status(n_failed)
}

fn places(args: &ReadArgs) -> Result<Places> {
    let read = args.stations.as_ref().map(Places::read).transpose()?;
    Ok(read.unwrap_or_default())
}

fn profile(args: &ReadArgs, read: &[ReadFile]) -> Profile {
    let files = read.iter().map(|file| (file.layout.source, file.profile));
    args.quality.profile.unwrap_or_else(|| profile_of(files))
}

/// What the files hold, before anything is judged.
struct Seen {
    read: Vec<ReadFile>,
    stations: Vec<Station>,
    survey: Survey,
    /// What of the clocks only the comparison of stations shows.
    doubts: Vec<String>,
}

fn seen(
    files: &[RawInput],
    wishes: &Wishes,
    left_out: (&mut Vec<Skipped>, &mut Vec<Skipped>),
    reading: &Reading,
) -> Result<Seen> {
    let (mut read, stored) = read_all(files, wishes, left_out, reading)?;
    let stations = by_name(stored);
    let survey = survey(&stations, &mut read, reading.spill)?;
    let doubts = suspicions(&survey, wishes, reading.spill)?;
    Ok(Seen {
        read,
        stations,
        survey,
        doubts,
    })
}

/// Says what ought to be looked at.
fn warn(read: &mut [ReadFile], doubts: &[String], console: &Console) {
    for warning in read
        .iter_mut()
        .flat_map(|file| std::mem::take(&mut file.warnings))
    {
        console.warn(&warning);
    }
    for doubt in doubts {
        console.warn(doubt);
    }
}

/// Writes the page and the report, and says what they hold.
fn tell(
    args: &ReadArgs,
    (out, report_to): (&Output, &Output),
    (mut report, days): (IngestReport, &[Days]),
    console: &Console,
) -> anyhow::Result<()> {
    if let Some(html) = &args.quality.html {
        let page = write_page(html, &report, days)?;
        report.pm25 = report.pm25.clone().file(page);
    }
    write_document(report_to, &mut report).context("cannot write the report")?;
    if out.is_stdout() || report_to.is_stdout() {
        console.note(&Summary::of(&report).to_string());
    } else {
        console.say(&Summary::of(&report))?;
    }
    Ok(())
}

/// Says what is not in the table, and lists it for the report.
fn left_out(mut skipped: Vec<Skipped>, failed: Vec<Skipped>, console: &Console) -> Vec<Skipped> {
    for file in &skipped {
        console.warn(&format!("{} was skipped: {}", file.name, file.why));
    }
    for file in &failed {
        console.warn(&format!("{} was not read: {}", file.name, file.why));
    }
    skipped.extend(failed.into_iter().map(|file| Skipped {
        why: format!("not read: {}", file.why),
        ..file
    }));
    skipped
}

/// The table is written, but a file that was not read must not pass unnoticed.
fn status(n_failed: usize) -> anyhow::Result<Outcome> {
    match n_failed {
        0 => Ok(Outcome::Done),
        n => Err(Fault::bad_data(format!(
            "{n} of the files were not read; the table holds the others"
        ))
        .hint("they are named above and in the report: mend or remove them")
        .into()),
    }
}

/// Every `of`-th file from `number` on: the same files on every machine, because they are sorted.
fn share(files: Vec<RawInput>, shard: Option<Shard>) -> Vec<RawInput> {
    let Some(Shard { number, of }) = shard else {
        return files;
    };
    let is_ours = |idx: usize| idx % of == number - 1;
    let ours = files
        .into_iter()
        .enumerate()
        .filter(|(idx, _)| is_ours(*idx));
    ours.map(|(_, file)| file).collect()
}

/// What of the clocks only the comparison of stations shows.
fn suspicions(survey: &Survey, wishes: &Wishes, spill: &Spill) -> Result<Vec<String>> {
    let mut doubts = twins::lagged(survey, spill)?;
    if wishes.not_after_s.is_none() {
        doubts.extend(twins::far_ahead(survey));
    }
    Ok(doubts)
}

fn outputs(args: &ReadArgs) -> Result<(Output, Output)> {
    let missing =
        |flag: &str| Fault::usage(format!("`{flag}` is missing")).hint("see `pm25-ingest --help`");
    let out = args.out.clone().ok_or_else(|| missing("--out"))?;
    let report = args.report.clone().ok_or_else(|| missing("--report"))?;
    if out.is_stdout() && report.is_stdout() {
        return Err(
            Fault::usage("the table and the report cannot both go to standard output")
                .hint("give a file name for one of `--out` and `--report`"),
        );
    }
    if out == report {
        return Err(
            Fault::usage("the table and the report would be the same file")
                .hint("give different names for `--out` and `--report`"),
        );
    }
    if let Some(html) = &args.quality.html {
        refuse_shared(html, &out, &report)?;
    }
    out.refuse_terminal()?;
    Ok((out, report))
}

/// The page needs a file of its own, which the report can name.
fn refuse_shared(html: &Output, out: &Output, report: &Output) -> Result<()> {
    let fault = if html.is_stdout() {
        "the page cannot go to standard output: the report names it"
    } else if html == out || html == report {
        "the page would be the same file as another output"
    } else {
        return Ok(());
    };
    Err(Fault::usage(fault).hint("give `--html` a file name of its own"))
}

/// Writes the page for people; the report names it by its hash.
fn write_page(to: &Output, report: &IngestReport, days: &[Days]) -> anyhow::Result<InputRef> {
    let page = html::page(report, days);
    to.write(page.as_bytes()).context("cannot write the page")?;
    Ok(InputRef {
        name: bare_name(to),
        sha256: Sha256::of(page.as_bytes()),
    })
}

/// What stands beside the report is named without its folder.
fn bare_name(output: &Output) -> String {
    match output {
        Output::Stdout => "-".to_owned(),
        Output::Path(path) => Input::Path(path.file_name().unwrap_or_default().into()).name(),
    }
}

fn wishes(args: &ReadArgs) -> Result<(Wishes, Option<InputRef>)> {
    let mut map_input = None;
    let mut map = None;
    if let Some(input) = &args.columns {
        let bytes = input.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        map = Some(ColumnMap::parse(&input.to_string(), &text)?);
        map_input = Some(input.reference(&bytes));
    }
    let source = match (args.source, &map) {
        (SourceWish::Auto, Some(_)) | (SourceWish::Generic, _) => Some(Source::Generic),
        (SourceWish::Auto, None) => None,
        (wish, None) => wish.source(),
        (_, Some(_)) => {
            return Err(Fault::usage("`--columns` describes generic tables only")
                .hint("leave out `--source`, or say `--source generic`"));
        }
    };
    let wishes = Wishes {
        source,
        stamped: args.stamp.map(|stamp| match stamp {
            StampWish::Begin => Stamped::Begin,
            StampWish::End => Stamped::End,
        }),
        zone: args.tz.as_deref().map(Zone::parse).transpose()?,
        station: station_wish(args)?,
        map,
        poc: args.poc.clone(),
        encoding: args.encoding.map_or(Encoding::Seen, EncodingWish::encoding),
        correction: args.correct,
        not_after_s: args.not_after.as_deref().map(last_instant).transpose()?,
    };
    Ok((wishes, map_input))
}

/// The instant that `--not-after` names; a bare date means the end of that day, UTC.
pub(crate) fn last_instant(text: &str) -> Result<i64> {
    let whole = if text.contains('T') || text.contains(' ') {
        text.to_owned()
    } else {
        format!("{text}T23:59:59Z")
    };
    match clock::parse(whole.as_bytes(), Order::Ymd) {
        Ok(stamp) => Ok(stamp.local_s - 60 * i64::from(stamp.stated_offset_min.unwrap_or(0))),
        Err(_) => {
            Err(Fault::usage(format!("`{text}` is no date")).hint("write `--not-after 2024-12-31`"))
        }
    }
}

fn station_wish(args: &ReadArgs) -> Result<Option<String>> {
    match args.station.as_deref().map(str::trim) {
        Some(name) if name.is_empty() || name.chars().any(char::is_control) => Err(Fault::usage(
            "`--station` needs a name of printable characters",
        )),
        name => Ok(name.map(str::to_owned)),
    }
}

/// Where hours go while files are read.
struct Reading<'a> {
    spill: &'a Spill,
    progress: &'a Progress,
}

impl Reading<'_> {
    /// Reads a file and stores its parts.
    fn read(&self, input: &RawInput, wishes: &Wishes) -> Result<(file::Outcome, Vec<Stored>)> {
        let mut outcome = file::read(Job {
            input,
            wishes,
            spill: self.spill,
            sizes: Sizes::USUAL,
        })?;
        let mut stored = Vec::new();
        if let file::Outcome::Read(file) = &mut outcome {
            stored = std::mem::take(&mut file.stored);
        }
        self.progress.advance(1);
        Ok((outcome, stored))
    }
}

/// Reads the files side by side; the first fault in their order is the one reported.
fn read_all(
    files: &[RawInput],
    wishes: &Wishes,
    (skipped, failed): (&mut Vec<Skipped>, &mut Vec<Skipped>),
    reading: &Reading,
) -> Result<(Vec<ReadFile>, Vec<Vec<Stored>>)> {
    // No more files at once than threads, also where a thread waits for others to end a big one.
    let outcomes = one_each(files.len(), |at| reading.read(&files[at], wishes));
    let mut read = Vec::with_capacity(outcomes.len());
    let mut stored = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let (outcome, parts) = outcome?;
        match outcome {
            file::Outcome::Read(file) => {
                read.push(*file);
                stored.push(parts);
            }
            file::Outcome::Skipped(why) => skipped.push(why),
            file::Outcome::Failed(why) => failed.push(why),
        }
    }
    Ok((read, stored))
}

fn refuse_nothing(
    read: &[ReadFile],
    stations: &[Station],
    left_out: [&Vec<Skipped>; 2],
) -> Result<()> {
    if !stations.is_empty() {
        return Ok(());
    }
    if let Some(file) = read.first() {
        let rows = file.tally.rows();
        return Err(Fault::bad_data(format!(
            "{} has {} data lines and no usable hour",
            file.name, rows.read
        ))
        .hint("look at the file; `pm25-ingest --help` lists what is understood"));
    }
    let why: Vec<String> = left_out
        .into_iter()
        .flatten()
        .take(3)
        .map(|skip| format!("{}: {}", skip.name, skip.why))
        .collect();
    Err(Fault::bad_data(format!("no table of measurements was found ({})", why.join("; ")))
        .hint("folders are searched for .csv, .tsv, .txt, .dat (also .gz), .zip and .parquet files; `pm25-ingest --help` lists what is understood"))
}

fn note_strangers(places: &Places, stations: &[Station], console: &Console) {
    let is_read = |name: &String| stations.iter().any(|station| station.name == *name);
    for name in places.by_name.keys().filter(|name| !is_read(name)) {
        console.note(&format!("--stations names `{name}`, which no file has"));
    }
}

/// What was read beside the raw files.
struct Beside {
    map: Option<InputRef>,
    places: Option<InputRef>,
    /// Their packed files are among the raw ones.
    archives: Vec<InputRef>,
}

fn header(args: &ReadArgs, read: &[ReadFile], beside: Beside) -> Header {
    let source = args.source.source().map_or("auto", Source::name);
    let mut header = Header::new(&program!()).param("source", source);
    if let Some(stamp) = args.stamp {
        let stamp = match stamp {
            StampWish::Begin => Stamped::Begin,
            StampWish::End => Stamped::End,
        };
        header = header.param("stamp", stamp.text());
    }
    let texts = [
        ("tz", args.tz.clone()),
        ("station", args.station.clone()),
        ("poc", args.poc.clone()),
        (
            "encoding",
            args.encoding.map(|wish| wish.encoding().name().to_owned()),
        ),
        ("not_after", args.not_after.clone()),
        (
            "correct",
            args.correct.map(|Correction::Epa| "epa".to_owned()),
        ),
        (
            "shard",
            args.shard
                .map(|shard| format!("{}/{}", shard.number, shard.of)),
        ),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            header = header.param(name, value);
        }
    }
    // `trace` must tell these two from the raw files.
    for (fact, input) in [("column_map", &beside.map), ("places_file", &beside.places)] {
        if let Some(input) = input {
            header = header.fact(fact, &input.name);
        }
    }
    let raw = read.iter().map(|file| InputRef {
        name: file.name.clone(),
        sha256: file.sha256,
    });
    raw.chain(beside.map)
        .chain(beside.places)
        .chain(beside.archives)
        .fold(header, Header::input)
}

/// The table that is to be written.
struct Sheet<'a> {
    stations: &'a [Station],
    survey: &'a Survey,
    /// Of the files.
    names: Vec<String>,
    header: Header,
}

impl Sheet<'_> {
    /// Judges and encodes a group of stations for each thread, and writes the groups in their order; the report names
    /// the table by its hash.
    fn write(self, out: &Output, court: Court) -> Result<(Judged, InputRef)> {
        let mut writer = TableWriter::new(out, &Rows::default().table())?;
        let encoder = writer.encoder();
        let groups =
            observations::groups((0..self.stations.len()).map(|at| self.survey.n_hours(at)));
        let encoded = |group_idx: usize| {
            let (rows, judged) = self.group(groups[group_idx].clone(), court)?;
            Ok((encoder.encode(rows.table())?, judged))
        };
        let mut judged = Vec::with_capacity(self.stations.len());
        in_order(groups.len(), encoded, |(group, of_group)| {
            judged.extend(of_group);
            writer.append(group)
        })?;
        let sha256 = writer.finish(observations::FORMAT, self.header)?;
        let name = bare_name(out);
        Ok((gathered(judged, court.profile), InputRef { name, sha256 }))
    }

    fn group(&self, stations: Range<usize>, court: Court) -> Result<(Rows, Vec<JudgedStation>)> {
        let mut rows = Rows::default();
        let mut judged = Vec::with_capacity(stations.len());
        for station_idx in stations {
            // What its files repeat was counted when the stations were surveyed.
            let (mut merged, _) = self.stations[station_idx].merged(&self.names, court.spill)?;
            judged.push(judge(&mut merged, station_idx, court)?);
            rows.push(merged.station);
        }
        Ok((rows, judged))
    }
}
