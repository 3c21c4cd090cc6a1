//! The job: what was typed becomes files to read, files become stations, stations a table and a report.
//!
//! Memory: while a file is read, 16 + 4 c bytes for each of its rows (c = its columns of quantities) and as much
//! again when they go on the grid; then 8 + 4 c bytes for each hour of all files, 2 more for each flagged column;
//! while the rules run, 4 more for each hour (PM2.5 of all stations side by side) and 8 KiB for each station;
//! at the end the table's 92 bytes for each hour. Text is never held beyond a few buffers.

use anyhow::Context;
use pm25_artifact::ingest::{IngestReport, Skipped};
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, Sha256, program, write_document};
use pm25_tool::{Console, Outcome, Progress};
use rayon::prelude::*;

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
use crate::zone::Zone;
use crate::{ReadArgs, SourceWish, StampWish, html, observations};

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
    let Inputs { files, mut skipped } = inputs::find(&args.files)?;
    let progress = console.progress("reading files", files.len() as u64);
    let (mut read, stations, judged) = args.threads.install(|| {
        let mut read = read_all(&files, &wishes, &mut skipped, &progress)?;
        let mut stations = merge(&mut read)?;
        let profile = args
            .quality
            .profile
            .unwrap_or_else(|| profile_of(read.iter().map(|file| file.layout.source.name())));
        let judged = judge(&mut stations, profile);
        Ok::<_, Fault>((read, stations, judged))
    })??;
    drop(progress);
    refuse_nothing(&read, &stations, &skipped)?;
    note_strangers(&places, &stations, console);
    let header = header(args, &read, map_input, places.input.clone())
        .param("profile", judged.quality.profile.as_str())
        .param("quality_rules", judged.quality.rules_version);
    for file in &skipped {
        console.warn(&format!("{} was skipped: {}", file.name, file.why));
    }
    let mut report = report(header, &read, skipped, (judged.quality, judged.summaries));
    refuse_many_rejects(&read, &report, args.max_rejects)?;
    for warning in read
        .iter_mut()
        .flat_map(|file| std::mem::take(&mut file.warnings))
    {
        console.warn(&warning);
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
    Ok(Outcome::Done)
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
        (SourceWish::UciBeijing, None) => Some(Source::UciBeijing),
        (SourceWish::Cpcb, None) => Some(Source::Cpcb),
        (SourceWish::UciBeijing | SourceWish::Cpcb, Some(_)) => {
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
    };
    Ok((wishes, map_input))
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
    skipped: &mut Vec<Skipped>,
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
        }
    }
    Ok(read)
}

fn refuse_nothing(read: &[ReadFile], stations: &[Merged], skipped: &[Skipped]) -> Result<()> {
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
    let why: Vec<String> = skipped
        .iter()
        .take(3)
        .map(|skip| format!("{}: {}", skip.name, skip.why))
        .collect();
    Err(Fault::bad_data(format!("no table of measurements was found ({})", why.join("; ")))
        .hint("folders are searched for .csv and .csv.gz files; `pm25-ingest --help` lists what is understood"))
}

fn note_strangers(places: &Places, stations: &[Merged], console: &Console) {
    let is_read = |name: &String| stations.iter().any(|merged| merged.station.name == *name);
    for name in places.by_name.keys().filter(|name| !is_read(name)) {
        console.note(&format!("--stations names `{name}`, which no file has"));
    }
}

fn header(
    args: &ReadArgs,
    read: &[ReadFile],
    map: Option<InputRef>,
    places: Option<InputRef>,
) -> Header {
    let source = match args.source {
        SourceWish::Auto => "auto",
        SourceWish::UciBeijing => Source::UciBeijing.name(),
        SourceWish::Cpcb => Source::Cpcb.name(),
        SourceWish::Generic => Source::Generic.name(),
    };
    let mut header = Header::new(&program!()).param("source", source);
    if let Some(stamp) = args.stamp {
        let stamp = match stamp {
            StampWish::Begin => Stamped::Begin,
            StampWish::End => Stamped::End,
        };
        header = header.param("stamp", stamp.text());
    }
    for (name, value) in [("tz", &args.tz), ("station", &args.station)] {
        if let Some(value) = value {
            header = header.param(name, value);
        }
    }
    // `trace` must tell these two from the raw files.
    for (fact, input) in [("column_map", &map), ("places_file", &places)] {
        if let Some(input) = input {
            header = header.fact(fact, &input.name);
        }
    }
    let raw = read.iter().map(|file| InputRef {
        name: file.name.clone(),
        sha256: file.sha256,
    });
    raw.chain(map).chain(places).fold(header, Header::input)
}

/// Writes the table; the report names it by its hash.
fn write_table(
    out: &Output,
    (stations, places, remarks): (Vec<Merged>, &Places, &[String]),
    report: &mut IngestReport,
) -> anyhow::Result<()> {
    let stations: Vec<_> = stations.into_iter().map(|merged| merged.station).collect();
    let header = observations::describe(report.pm25.clone(), &stations, &places.by_name, remarks);
    let table = observations::table(stations);
    let sha256 = table
        .write(out, observations::FORMAT, header)
        .context("cannot write the observations")?;
    let name = bare_name(out);
    report.pm25 = report.pm25.clone().file(InputRef { name, sha256 });
    Ok(())
}
