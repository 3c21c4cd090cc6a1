//! What only many files show: packed archives, files that fail, shares, additions, clocks.

use std::io::Write;

use crate::bench::{Bench, Ingested, text};
use flate2::Crc;
use flate2::write::DeflateEncoder;
use pm25_air::{Quantity, flag};

/// So many hours of a plain table from an hour on, with values that change from hour to hour.
fn table(from_h: usize, n_hours: usize, factor: f64) -> String {
    let mut text = "time,pm25,co (mg/m3)\n".to_owned();
    for hour in from_h..from_h + n_hours {
        let (day, clock) = (1 + hour / 24, hour % 24);
        let pm25 = 20 + (hour * 37 + hour * hour) % 61;
        let co = factor * (0.5 + (hour * 7 % 10) as f64 / 10.0);
        text.push_str(&format!("2020-01-{day:02} {clock:02}:00,{pm25},{co:.3}\n"));
    }
    text
}

/// A zip archive written by hand, so that its directory can lie.
pub(crate) fn zip(members: &[(&str, &[u8])], lie: u32) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 33, 0];
        common.extend((crc.sum() ^ lie).to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, n) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(n.to_le_bytes());
    bytes.extend(n.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn files_in_a_zip_archive_are_read_where_they_lie() {
    let bench = Bench::new();
    let content = table(0, 48, 1.0);
    bench.write("plain/a.csv", &content);
    let archive = zip(
        &[("../../a.csv", content.as_bytes()), ("notes.pdf", b"%PDF")],
        0,
    );
    bench.write("in/packed.zip", archive);
    let plain = bench.ingested("plain");
    let packed = bench.ingested("in");
    assert_eq!(packed.contents()[2..], plain.contents()[2..]);
    assert_eq!(packed.report.files[0].name, "packed.zip/../../a.csv");
    assert_eq!(packed.report.files[0].sha256, plain.report.files[0].sha256);
    assert!(!bench.path("../../a.csv").exists() && !bench.path("in/a.csv").exists());
    assert_eq!(packed.report.skipped[0].name, "packed.zip/notes.pdf");
}

#[test]
fn a_note_in_a_named_archive_does_not_stop_the_measurements() {
    let bench = Bench::new();
    let content = table(0, 48, 1.0);
    let note = ("readme.txt", b"Fetched on Monday\n".as_slice());
    bench.write("a.zip", zip(&[("a.csv", content.as_bytes()), note], 0));
    let ingested = bench.ingested("a.zip");
    assert_eq!(ingested.report.files[0].name, "a.zip/a.csv");
    assert_eq!(ingested.report.skipped[0].name, "a.zip/readme.txt");
}

#[test]
fn an_archive_within_an_archive_is_read_as_if_unpacked() {
    let bench = Bench::new();
    let (a, b) = (table(0, 48, 1.0), table(48, 48, 1.0));
    bench.write("plain/a.csv", &a).write("plain/b.csv", &b);
    let inner = zip(
        &[("set/b.csv", b.as_bytes()), ("set/a.csv", a.as_bytes())],
        0,
    );
    let deeper = zip(&[("c.csv", b"time,pm25\n")], 0);
    let twice = zip(&[("deep.zip", &deeper)], 0);
    let outer = zip(&[("Data.ZIP", &inner), ("twice.zip", &twice)], 0);
    bench.write("in/uci.zip", &outer);
    let plain = bench.ingested("plain --station S");
    let output = bench.ingest("in --station S");
    // What lies still deeper is no table, and said.
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("twice.zip/deep.zip was not read"));
    let packed = bench.outputs();
    assert_eq!(packed.contents(), plain.contents());
    let names: Vec<&str> = packed
        .report
        .files
        .iter()
        .map(|f| f.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["uci.zip/Data.ZIP/set/a.csv", "uci.zip/Data.ZIP/set/b.csv"]
    );
    assert_eq!(packed.report.files[0].sha256, plain.report.files[0].sha256);
    let traced = bench.run("trace out/o.parquet S 2020-01-03T01:00:00Z --root in");
    assert!(text(&traced.stdout).contains("uci.zip/Data.ZIP/set/b.csv:3: 2020-01-03 01:00"));
}

#[test]
fn archives_within_an_archive_are_bounded() {
    let bench = Bench::new();
    let mut inner = b"PK\x03\x04".to_vec();
    inner.resize(65 << 20, 0);
    bench.write("a.zip", zip(&[("inner.zip", &inner)], 0));
    bench.refused(
        "a.zip",
        3,
        &["64 MiB together", "unpack the outer archive first"],
    );
    bench.write("a.zip", zip(&[("inner.zip", &inner[..5_000])], 0));
    bench.refused("a.zip", 3, &["a.zip/inner.zip is damaged"]);
}

#[test]
fn an_archive_whose_directory_lies_is_refused() {
    let bench = Bench::new();
    bench.write("a.zip", zip(&[("a.csv", table(0, 48, 1.0).as_bytes())], 1));
    bench.refused("a.zip", 3, &["not what its zip directory says"]);
    let spreadsheet = zip(&[("xl/workbook.xml", b"<x/>")], 0);
    bench.write("a.zip", spreadsheet).refused(
        "a.zip",
        3,
        &["spreadsheet", "save its sheet as CSV"],
    );
}

#[test]
fn one_big_file_gives_the_same_bytes_on_any_number_of_threads() {
    let bench = Bench::new();
    let mut content = "time,station,pm25,remark\n".to_owned();
    let wide = "x".repeat(400);
    for row in 0..44_000 {
        let (station, hour) = (row / 700, row % 700);
        let (day, clock) = (1 + hour / 24, hour % 24);
        let stamp = format!("2020-01-{day:02} {clock:02}:00");
        content.push_str(&match row {
            30_001 => "no stamp,S,5,\n".to_owned(),
            35_000 => format!("{stamp},S{station:02},5,\"one\ntwo\"\n"),
            _ => format!("{stamp},S{station:02},{},{wide}\n", 10 + row % 83),
        });
    }
    assert!(16 << 20 < content.len());
    bench.write("big.csv", content);
    let one = bench.ingested("big.csv --threads 1");
    let two = bench.ingested("big.csv --threads 2");
    assert!(one.bytes == two.bytes, "the tables differ");
    assert_eq!(one.report, two.report);
    assert_eq!(
        one.report.examples["unreadable time"][0].at,
        "big.csv:30003"
    );
    let traced = bench.run("trace out/o.parquet S50 2020-01-01T01:00:00Z");
    assert!(text(&traced.stdout).contains("big.csv:35004: 2020-01-01 01:00,S50,"));
    // Nothing is left beside the outputs.
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 2);
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bench = Bench::new();
    let mut content = b"time,pm25\n".to_vec();
    let row = format!("2020-01-01 00:00,5{}\n", " ".repeat(60_000));
    while content.len() < 160 << 20 {
        content.extend_from_slice(row.as_bytes());
    }
    bench.write("a.zip", zip(&[("a.csv", &content)], 0));
    bench.refused("a.zip", 3, &["swells"]);
}

#[test]
fn a_file_that_cannot_be_read_does_not_take_the_others_with_it() {
    let bench = Bench::new();
    bench
        .write("in/a.csv", table(0, 48, 1.0))
        .write("in/b.csv", "time,pm25\n2020-01-01 00:00,\"5\n");
    let output = bench.ingest("in");
    assert_eq!(output.status.code(), Some(3));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("b.csv was not read") && stderr.contains("1 of the files"),
        "{stderr}"
    );
    let ingested = bench.outputs();
    assert_eq!(ingested.report.files.len(), 1);
    assert!(
        ingested.report.skipped[0]
            .why
            .starts_with("not read: b.csv:2: a quote")
    );
}

#[test]
fn shares_are_all_files_and_none_twice() {
    let bench = Bench::new();
    for station in 0..5 {
        bench.write(&format!("in/s{station}.csv"), table(station, 24, 1.0));
    }
    let mut names = Vec::new();
    for number in 1..=2 {
        let ingested = bench.ingested(&format!("in --shard {number}/2"));
        names.extend(ingested.report.files.iter().map(|file| file.name.clone()));
    }
    names.sort();
    assert_eq!(names, ["s0.csv", "s1.csv", "s2.csv", "s3.csv", "s4.csv"]);
    let output = bench.ingest("in --shard 3/2");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn new_months_are_added_without_the_old_files() {
    let bench = Bench::new();
    bench.write("all/a.csv", table(0, 96, 1.0));
    bench.write("old/a.csv", table(0, 72, 1.0));
    bench.write("new/a.csv", table(70, 26, 1.0));
    let whole = bench.ingested("all");
    bench.ingested("old");
    std::fs::rename(bench.path("out/o.parquet"), bench.path("earlier.parquet")).unwrap();
    let added = bench.ingested("earlier.parquet new --max-rejects 5%");
    assert_eq!(added.contents(), whole.contents());
    assert_eq!(added.report.files[0].source, "observations");
    // Two hours are in both.
    assert_eq!(added.rejected(), [("exact duplicate", 2)]);
    assert_eq!(added.report.rows.read, 72 + 26);
}

#[test]
fn simulated_data_stay_simulated_when_months_are_added() {
    let bench = Bench::new();
    let said = |text: String| format!("# simulated, not measured\n{text}");
    bench.write("a.csv", said(table(0, 72, 1.0)));
    bench.write("in/a.csv", table(72, 24, 1.0));
    bench.ingested("a.csv");
    std::fs::rename(bench.path("out/o.parquet"), bench.path("earlier.parquet")).unwrap();
    let added = bench.ingested("earlier.parquet in");
    assert_eq!(added.report.notes, ["simulated, not measured"]);
}

#[test]
fn one_monitor_with_two_clocks_is_noticed() {
    let bench = Bench::new();
    bench.write("in/a.csv", table(0, 200, 1.0));
    bench.write("in/b.csv", table(0, 200, 1.0));
    bench.write(
        "map.toml",
        "time = 'time'\nstamp = 'end'\n[columns]\npm25 = { column = 'pm25' }\n",
    );
    let same = bench.ingest("in");
    assert!(
        !text(&same.stderr).contains("two clocks"),
        "twins in step are nobody's mistake"
    );
    // The same values, one an hour later.
    let later = table(0, 200, 1.0);
    let values: Vec<&str> = later
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    let times: Vec<&str> = later
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().0)
        .collect();
    let mut shifted = "time,pm25,co (mg/m3)\n".to_owned();
    for (time, value) in times[1..].iter().zip(&values) {
        shifted.push_str(&format!("{time},{value}\n"));
    }
    bench.write("in/b.csv", shifted);
    let output = bench.ingest("in");
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("PM2.5 of a equals that of b one hour later"),
        "{stderr}"
    );
}

#[test]
fn stamps_after_the_last_day_are_rejected() {
    let bench = Bench::new();
    bench.write("a.csv", table(0, 72, 1.0));
    let ingested = bench.ingested("a.csv --not-after 2020-01-02 --max-rejects 50%");
    assert_eq!(ingested.rejected(), [("after --not-after", 24)]);
    bench.write("b.csv", table(0, 72, 1.0).replace("2020-", "2037-"));
    let output = bench.ingest("a.csv b.csv");
    assert!(
        text(&output.stderr).contains("--not-after"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_pile_at_the_ceiling_is_a_code_and_a_single_peak_is_smoke() {
    let bench = Bench::new();
    let mut rows = "time,pm25\n".to_owned();
    for hour in 0..24 {
        let value = if 5 < hour && hour < 12 { "985.0" } else { "40" };
        rows.push_str(&format!("2020-01-01 {hour:02}:00,{value}\n"));
    }
    bench.write("a.csv", &rows);
    let ingested = bench.ingested("a.csv");
    let ranged = |ingested: &Ingested| {
        let flags = ingested.flags(Quantity::Pm25).iter();
        flags.filter(|&&mask| mask & flag::CEILING != 0).count()
    };
    assert_eq!(
        (ranged(&ingested), ingested.values(Quantity::Pm25)[7]),
        (6, 985.0)
    );
    for smoke in ["620", "850", "940", "910", "700"] {
        rows = rows.replacen("985.0", smoke, 1);
    }
    bench.write("a.csv", rows);
    assert_eq!(ranged(&bench.ingested("a.csv")), 0);
}

#[test]
fn readings_at_full_scale_are_left_out_of_an_hours_mean() {
    let bench = Bench::new();
    let mut rows = "time,pm25\n".to_owned();
    for step in 0..24 * 6 {
        let (hour, minute) = (step / 6, 10 * (step % 6));
        // One in six of an hour, and a whole hour, at the stop.
        let value = match (hour, minute) {
            (3..10, 20) | (12, _) => "1999.9",
            _ => "40",
        };
        rows.push_str(&format!("2020-01-01 {hour:02}:{minute:02},{value}\n"));
    }
    bench.write("a.csv", rows);
    let ingested = bench.ingested("a.csv");
    let pm25 = ingested.values(Quantity::Pm25);
    assert_eq!((pm25[3], pm25[11]), (40.0, 40.0));
    assert!(pm25[12].is_nan());
    let left_out = "ceiling of the instrument, left out of an hourly mean";
    assert_eq!(ingested.report.cells[left_out], 13);
}
