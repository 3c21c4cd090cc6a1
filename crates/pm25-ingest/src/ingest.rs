//! The job: what was typed becomes files to read, files become stations, stations a table and a report.
//!
//! Memory: while a file is read, 16 + 4 c bytes for each of its rows (c = its columns of quantities) and as much
//! again when they go on the grid; then 8 + 4 c bytes for each hour of all files, 2 more for each flagged column;
//! while the rules run, 4 more for each hour (PM2.5 of all stations side by side) and 8 KiB for each station.
//! Stations are given up one by one as they are written; the table stays as its packed bytes, 10 to 14 for each
//! hour. Text is never held beyond a few buffers.

use anyhow::Context;
use pm25_artifact::ingest::{IngestReport, Skipped};
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, Sha256, program, write_document};
use pm25_tool::{Console, Outcome, Progress};
use rayon::prelude::*;

use crate::clock::{self, Order};
use crate::correction::Correction;
use crate::coverage::Days;
use crate::file::{self, ReadFile};
use crate::generic::ColumnMap;
use crate::inputs::{self, Inputs, RawInput};
use crate::judge::judge;
use crate::layout::{Source, Stamped};
use crate::places::Places;
use crate::quality::profile_of;
use crate::report::{Summary, refuse_many_rejects, remarks, report};
use crate::source::Wishes;
use crate::stations::{Merged, merge};
use crate::unpack::Encoding;
use crate::zone::Zone;
use crate::{EncodingWish, ReadArgs, Shard, SourceWish, StampWish, html, observations, twins};

/// Reads the files and writes the table and the report.
pub(crate) fn run(args: &ReadArgs, console: &Console) -> anyhow::Result<Outcome> {
    let (out, report_to) = outputs(args)?;
    let (wishes, map_input) = wishes(args)?;
    let places = args
        .stations
        .as_ref()
        .map(Places::read)
        .transpose()?
        .unwrap_or_default();
    let Inputs {
        files,
        mut skipped,
        archives,
        failed,
    } = inputs::find(&args.files)?;
    let files = share(files, args.shard);
    let progress = console.progress("reading files", files.len() as u64);
    let mut failed = failed;
    let (mut read, stations, judged, doubts) = args.threads.install(|| {
        let mut read = read_all(&files, &wishes, (&mut skipped, &mut failed), &progress)?;
        let mut stations = merge(&mut read)?;
        let doubts = suspicions(&stations, &wishes);
        let profile = args
            .quality
            .profile
            .unwrap_or_else(|| profile_of(read.iter().map(|file| file.layout.source)));
        let judged = judge(&mut stations, profile);
        Ok::<_, Fault>((read, stations, judged, doubts))
    })??;
    drop(progress);
    refuse_nothing(&read, &stations, [&failed, &skipped])?;
    note_strangers(&places, &stations, console);
    let beside = Beside {
        map: map_input,
        places: places.input.clone(),
        archives,
    };
    let header = header(args, &read, beside)
        .param("profile", judged.quality.profile.as_str())
        .param("quality_rules", judged.quality.rules_version);
    let n_failed = failed.len();
    let left_out = left_out(skipped, failed, console);
    let mut report = report(header, &read, left_out, (judged.quality, judged.summaries));
    report.notes.extend(doubts.iter().cloned());
    refuse_many_rejects(&read, &report, args.max_rejects)?;
    for warning in read
        .iter_mut()
        .flat_map(|file| std::mem::take(&mut file.warnings))
    {
        console.warn(&warning);
    }
    for doubt in &doubts {
        console.warn(doubt);
    }
    let remarks = remarks(&read);
    drop(read);
    write_table(&out, (stations, &places, &remarks), &mut report)?;
    if let Some(html) = &args.quality.html {
        let page = write_page(html, &report, &judged.days)?;
        report.pm25 = report.pm25.clone().file(page);
    }
    write_document(&report_to, &mut report).context("cannot write the report")?;
    if out.is_stdout() || report_to.is_stdout() {
        console.note(&Summary::of(&report).to_string());
    } else {
        console.say(&Summary::of(&report))?;
    }
    status(n_failed)
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
fn suspicions(stations: &[Merged], wishes: &Wishes) -> Vec<String> {
    let mut doubts = twins::lagged(stations);
    if wishes.not_after_s.is_none() {
        doubts.extend(twins::far_ahead(stations));
    }
    doubts
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

/// Reads the files side by side; the first fault in their order is the one reported.
fn read_all(
    files: &[RawInput],
    wishes: &Wishes,
    (skipped, failed): (&mut Vec<Skipped>, &mut Vec<Skipped>),
    progress: &Progress,
) -> Result<Vec<ReadFile>> {
    let outcomes: Vec<Result<file::Outcome>> = files
        .par_iter()
        .map(|input| {
            let outcome = file::read(input, wishes);
            progress.advance(1);
            outcome
        })
        .collect();
    let mut read = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome? {
            file::Outcome::Read(file) => read.push(*file),
            file::Outcome::Skipped(why) => skipped.push(why),
            file::Outcome::Failed(why) => failed.push(why),
        }
    }
    Ok(read)
}

fn refuse_nothing(
    read: &[ReadFile],
    stations: &[Merged],
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

fn note_strangers(places: &Places, stations: &[Merged], console: &Console) {
    let is_read = |name: &String| stations.iter().any(|merged| merged.station.name == *name);
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

/// Writes the table; the report names it by its hash.
fn write_table(
    out: &Output,
    (stations, places, remarks): (Vec<Merged>, &Places, &[String]),
    report: &mut IngestReport,
) -> anyhow::Result<()> {
    let stations: Vec<_> = stations.into_iter().map(|merged| merged.station).collect();
    let header = observations::describe(report.pm25.clone(), &stations, &places.by_name, remarks);
    let sha256 =
        observations::write(stations, out, header).context("cannot write the observations")?;
    let name = bare_name(out);
    report.pm25 = report.pm25.clone().file(InputRef { name, sha256 });
    Ok(())
}
