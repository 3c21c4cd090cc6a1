//! `trace` through the front door: from a value back to the lines that made it.

use crate::bench::{Bench, gz, text};
use crate::real::data;
use crate::scale::zip;

/// Runs `trace` and insists on success.
fn traced(bench: &Bench, args: &str) -> String {
    let output = bench.run(&format!("trace out/o.parquet {args}"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn complaint(bench: &Bench, args: &str, status: i32) -> String {
    let output = bench.run(&format!("trace out/o.parquet {args}"));
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

fn minutes() -> String {
    let mut table = "time,station,pm25,no2\n".to_owned();
    for minute in 0..180 {
        let (hour, minute) = (minute / 60, minute % 60);
        let value = if minute == 30 {
            "NA".to_owned()
        } else {
            format!("{}.5", 10 + minute)
        };
        table.push_str(&format!(
            "2023-07-05T{hour:02}:{minute:02}:00Z,Site,{value},3\n"
        ));
    }
    table
}

#[test]
fn the_minutes_behind_an_hourly_mean_are_printed_with_their_lines() {
    let bench = Bench::new();
    bench.write("raw/minutes.csv", minutes());
    bench.ingested("raw");
    let out = traced(&bench, "Site 2023-07-05T01:00:00Z");
    let lines: Vec<&str> = out.lines().collect();
    // 59 readings, 10.5 to 69.5 without 40.5.
    assert_eq!(
        lines[0],
        "Site, 2023-07-05T01:00:00+00:00: pm25_ug_m3 39.991524"
    );
    assert_eq!(lines.len(), 1 + 60);
    assert_eq!(lines[1], "minutes.csv:62: 2023-07-05T01:00:00Z,Site,10.5,3");
    assert_eq!(lines[31], "minutes.csv:92: 2023-07-05T01:30:00Z,Site,NA,3");
    assert_eq!(
        lines[60],
        "minutes.csv:121: 2023-07-05T01:59:00Z,Site,69.5,3"
    );
}

#[test]
fn every_line_about_an_hour_is_printed_whichever_file_it_stands_in() {
    let bench = Bench::new();
    let head = "time,station,pm25,pm10\n";
    bench.write(
        "raw/a.csv",
        format!("{head}2020-01-01 00:00,A,5,9\n2020-01-01 01:00,A,6,9\n2020-01-01 01:00,A,7,9\n"),
    );
    bench.write(
        "raw/b.csv",
        format!("{head}2020-01-01 01:00,A,6,9\n2020-01-01 01:00,B,8,9\n"),
    );
    bench.ingest("raw --max-rejects 100%");
    let out = traced(&bench, "A 2020-01-01T01:00:00Z");
    assert!(out.contains("flags     conflict"), "{out}");
    let lines: Vec<&str> = out.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "a.csv:3: 2020-01-01 01:00,A,6,9",
            "a.csv:4: 2020-01-01 01:00,A,7,9",
            "b.csv:2: 2020-01-01 01:00,A,6,9"
        ]
    );
    let json = traced(
        &bench,
        "A 2020-01-01T00:00:00Z --column pm10_ug_m3 --format json",
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["value"], 9.0);
    assert_eq!(json["lines"][0]["at"], "a.csv:2");
    assert_eq!(json["lines"][0]["reading"], 9.0);
}

#[test]
fn flags_of_the_run_hold_for_its_trace() {
    let bench = Bench::new();
    bench.write("map.toml", "time = 'when'\nstamp = 'end'\ntz = '+05:30'\n[columns]\npm25 = { column = 'fine', unit = 'ug/m3' }\n");
    bench.write(
        "raw/x.csv",
        "when,fine\n2020-01-01 01:00,5\n2020-01-01 02:00,6\n2020-01-01 03:00,7\n",
    );
    bench.ingested("raw --columns map.toml --station X");
    let out = traced(&bench, "X 2020-01-01T01:00:00+05:30");
    assert!(out.ends_with("x.csv:3: 2020-01-01 02:00,6\n"), "{out}");
}

#[test]
fn an_input_that_has_changed_is_refused() {
    let bench = Bench::new();
    bench.write("raw/minutes.csv", minutes());
    bench.ingested("raw");
    bench.write("raw/minutes.csv", minutes().replace("10.5", "10.6"));
    let stderr = complaint(&bench, "Site 2023-07-05T01:00:00Z", 4);
    assert!(stderr.contains("minutes.csv is not the file"), "{stderr}");
    std::fs::remove_file(bench.path("raw/minutes.csv")).unwrap();
    let stderr = complaint(&bench, "Site 2023-07-05T01:00:00Z", 4);
    assert!(stderr.contains("--root"), "{stderr}");
    // A copy anywhere below the root will do, if its bytes are the same; another file of that name will not.
    bench.write("copy/minutes.csv", minutes());
    bench.write("also/minutes.csv", "something else");
    traced(&bench, "Site 2023-07-05T01:00:00Z");
    traced(&bench, "Site 2023-07-05T01:00:00Z --root copy");
    complaint(&bench, "Site 2023-07-05T01:00:00Z --root also", 4);
}

#[test]
fn slips_of_the_command_line_are_named() {
    let bench = Bench::new();
    bench.write("raw/minutes.csv", minutes());
    bench.ingested("raw");
    for (args, word) in [
        ("Sit 2023-07-05T01:00:00Z", "did you mean `Site`?"),
        ("Site 2023-07-05T01:00:00", "Z`"),
        ("Site 2023-07-05T01:30:00Z", "half past"),
        ("Site 2023-07-05T01:00:00Z --column pm25", "pm25_ug_m3"),
    ] {
        let stderr = complaint(&bench, args, 2);
        assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
    }
}

#[test]
fn a_censored_night_of_dongsi_leads_to_its_lines() {
    let Some(folder) = data("beijing") else {
        return;
    };
    let bench = Bench::new();
    bench.ingested(&folder.display().to_string());
    let root = folder.display();
    let out = traced(
        &bench,
        &format!("Dongsi 2014-10-11T19:00:00+08:00 --root {root}"),
    );
    assert!(
        out.contains("pm25_ug_m3 3\nflags     detection_limit\n"),
        "{out}"
    );
    assert!(
        out.contains("\nPRSA_Data_Dongsi_20130301-20170228.csv.gz:14157: 14156,2014,10,11,19,3,"),
        "{out}"
    );
}

#[test]
fn a_value_is_traced_into_gzip_zip_and_a_file_of_two_stations() {
    let bench = Bench::new();
    let mut table = "time,station,pm25\n".to_owned();
    for hour in 0..48 {
        let time = pm25_air::civil::format_utc(1_577_836_800 + 3_600 * hour);
        table.push_str(&format!("{time},A,{}\n{time},B,{}\n", 10 + hour, 60 - hour));
    }
    let other = table.replace(",A,", ",C,").replace(",B,", ",D,");
    bench.write("raw/packed.csv.gz", gz(table.as_bytes()));
    bench.write(
        "raw/months.zip",
        zip(&[("2020/c.csv", other.as_bytes())], 0),
    );
    let ingested = bench.ingested("raw --html out/i.html");
    assert_eq!(ingested.report.stations.len(), 4);
    let page = text(&std::fs::read(bench.path("out/i.html")).unwrap());
    for station in ["A", "B", "C", "D"] {
        assert!(page.contains(&format!(">{station}<")), "{station}");
    }
    for (station, at, value) in [
        ("A", "packed.csv.gz:6", 12),
        ("B", "packed.csv.gz:7", 58),
        ("C", "months.zip/2020/c.csv:6", 12),
        ("D", "months.zip/2020/c.csv:7", 58),
    ] {
        let out = traced(&bench, &format!("{station} 2020-01-01T02:00:00Z"));
        assert!(out.contains(&format!("pm25_ug_m3 {value}\n")), "{out}");
        let lines: Vec<&str> = out.lines().skip(1).collect();
        assert_eq!(lines.len(), 1, "{out}");
        assert!(lines[0].starts_with(&format!("{at}: ")), "{out}");
        assert!(lines[0].ends_with(&format!(",{station},{value}")), "{out}");
    }
    bench.write(
        "raw/months.zip",
        zip(&[("2020/c.csv", table.as_bytes())], 0),
    );
    let stderr = complaint(&bench, "C 2020-01-01T02:00:00Z", 4);
    assert!(stderr.contains("months.zip is not the file"), "{stderr}");
}

#[test]
fn what_decided_how_lines_were_read_decides_it_again() {
    let bench = Bench::new();
    let latin = b"time,station,pm25\n2020-01-01T00:00:00Z,M\xfcnchen,5\n2020-01-01T01:00:00Z,M\xfcnchen,6\n";
    bench.write("raw/a.csv", latin);
    let ingested = bench.ingested("raw --encoding latin-1 --not-after 2020-06-30");
    let header = ingested.table.header().unwrap();
    assert_eq!(header.params["encoding"], "latin-1");
    let out = traced(&bench, "M\u{fc}nchen 2020-01-01T01:00:00Z");
    assert!(
        out.contains("a.csv:3: 2020-01-01T01:00:00Z,M\u{fc}nchen,6"),
        "{out}"
    );
}

#[test]
fn an_hour_of_an_earlier_table_leads_to_that_table() {
    let bench = Bench::new();
    bench.write("raw/minutes.csv", minutes());
    bench.ingested("raw");
    std::fs::rename(bench.path("out/o.parquet"), bench.path("earlier.parquet")).unwrap();
    bench.write("new/b.csv", minutes().replace("2023-", "2024-"));
    bench.ingested("earlier.parquet new");
    let out = traced(&bench, "Site 2023-07-05T01:00:00Z");
    assert!(
        out.ends_with("earlier.parquet:2: an hour of an earlier run; trace it there\n"),
        "{out}"
    );
    let out = traced(&bench, "Site 2024-07-05T01:00:00Z");
    assert!(out.contains("b.csv:62: 2024"), "{out}");
}
