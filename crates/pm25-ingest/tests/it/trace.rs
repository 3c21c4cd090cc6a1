//! `trace` through the front door: from a value back to the lines that made it.

use crate::bench::{Bench, text};
use crate::real::data;

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
