//! What is refused, with which status, and what the complaint says.

use crate::bench::{Bench, gz};
use proptest::prelude::*;

const KAGGLE: &str = "From Date,To Date,PM2.5 (ug/m3),CO (mg/m3)\n\
    2020-12-28 11:00:00,2020-12-28 12:00:00,105.0,0.65\n2020-12-28 12:00:00,2020-12-28 13:00:00,99,0.7\n";

#[test]
fn a_column_that_the_source_does_not_have_is_named_with_the_nearest() {
    let bench = Bench::new();
    bench.write("a.csv", KAGGLE.replace("CO (mg/m3)", "Ozzone (ug/m3)"));
    bench.refused(
        "a.csv",
        3,
        &[
            "a.csv:1: cpcb files have no column `Ozzone`",
            "did you mean `Ozone`?",
        ],
    );
}

#[test]
fn a_damaged_file_alone_in_a_folder_is_refused() {
    let packed = gz(KAGGLE.as_bytes());
    for (bytes, words) in [
        (packed[..packed.len() - 4].to_vec(), "is truncated"),
        (
            [packed.clone(), b"and something else".to_vec()].concat(),
            "is damaged",
        ),
        (
            format!("{KAGGLE}2020-12-28 13:00:00,\"2020").into_bytes(),
            "in/a.csv",
        ),
        ([KAGGLE.as_bytes(), &[0; 512]].concat(), "NUL"),
    ] {
        let bench = Bench::new();
        let words = words.trim_start_matches("in/");
        bench
            .write("in/a.csv", bytes)
            .refused("in", 3, &[words, "hint:"]);
    }
}

#[test]
fn a_lost_quote_is_named_by_its_line() {
    let bench = Bench::new();
    bench.write(
        "a.csv",
        format!("{KAGGLE}2020-12-28 13:00:00,\"2020-12-28 14:00:00,5,6\n{KAGGLE}"),
    );
    bench.refused("a.csv", 3, &["a.csv:4: a quote is opened and never closed"]);
}

#[test]
fn what_a_folder_holds_beside_measurements_is_skipped_and_said() {
    let bench = Bench::new();
    bench
        .write("in/AS002.csv", KAGGLE)
        .write("in/README.md", "x")
        .write("in/stations_info.csv", "file_name,state\nAS002,Assam\n")
        .write("in/empty.csv", "");
    let ingested = bench.ingested("in");
    let skipped: Vec<&str> = ingested
        .report
        .skipped
        .iter()
        .map(|skip| skip.name.as_str())
        .collect();
    assert_eq!(skipped, ["README.md", "empty.csv", "stations_info.csv"]);
    std::fs::remove_dir_all(bench.path("out")).unwrap();
    bench.refused(
        "in/stations_info.csv",
        3,
        &["no header of a known network", "--columns map.toml"],
    );
    bench.refused("in/empty.csv", 3, &["it is empty"]);
}

#[test]
fn two_sources_at_once_need_a_word_from_the_user() {
    let bench = Bench::new();
    bench.write("a.csv", "From Date,To Date,year,month,day,hour,PM2.5,wd\n");
    bench.refused("a.csv", 3, &["fits two sources", "--source"]);
}

#[test]
fn web_pages_archives_and_foreign_tables_are_called_what_they_are() {
    let bench = Bench::new();
    for (bytes, word) in [
        (b"<!DOCTYPE html><html>".as_slice(), "web page"),
        (b"{\"error\":\"busy\"}", "JSON"),
        (b"PK\x03\x04....", "zip"),
        (b"PAR1....", "Parquet"),
        (b"\xff\xfet\0i\0m\0e\0", "no header"),
    ] {
        bench.write("a.csv", bytes).refused("a.csv", 3, &[word]);
    }
}

#[test]
fn too_many_rejections_refuse_the_run_and_name_the_reasons() {
    let bench = Bench::new();
    let rows: String = (0..24)
        .map(|hour| format!("2020-01-01 {hour:02}:00,5\n"))
        .collect();
    bench.write(
        "a.csv",
        format!("time,pm25\n{rows}2020-01-02,5\n2020-01-02 00:00,5,6\n"),
    );
    bench.refused(
        "a.csv",
        3,
        &[
            "2 of 26 lines (7.7 %)",
            "ragged row 1",
            "(first a.csv:26:",
            "--max-rejects 8%",
        ],
    );
    assert_eq!(
        bench.ingested("a.csv --max-rejects 8%").rejected(),
        [("ragged row", 1), ("unreadable time", 1)]
    );
}

#[test]
fn cells_that_are_no_numbers_count_too() {
    let bench = Bench::new();
    let rows: String = (0..24)
        .map(|hour| format!("2020-01-01 {hour:02}:00;5 5\n"))
        .collect();
    bench.write("a.csv", format!("time;pm25\n{rows}"));
    bench.refused(
        "a.csv",
        3,
        &["24 of 24 filled cells", "unreadable cell 24", "pm25: 5 5"],
    );
}

#[test]
fn slips_of_the_command_line_have_status_2() {
    let bench = Bench::new();
    bench
        .write("a.csv", "time,station,pm25\n2020-01-01 00:00,A,5\n")
        .write("bad.toml", "time = 1\n");
    for (args, word) in [
        ("a.csv --tz Mars/Olympus", "time zone"),
        ("a.csv --station B", "names its stations itself"),
        ("a.csv --columns bad.toml", "not a column map"),
        ("a.csv --columns bad.toml --source cpcb", ""),
        ("a.csv --max-rejects 200%", "share"),
        ("a.csv --source csv", "csv"),
        ("", "FILE|DIR"),
    ] {
        bench.refused(args, 2, &[word]);
    }
    bench.refused("nowhere.csv", 3, &["there is no such file or folder"]);
}

#[test]
fn dates_decades_apart_are_refused_before_they_fill_the_memory() {
    let bench = Bench::new();
    bench.write(
        "a.csv",
        "time,pm25\n1970-01-01 00:00,5\n2020-01-01 01:00,5\n",
    );
    bench.refused(
        "a.csv",
        3,
        &["more than 20 years lie between line 2 and line 3"],
    );
}

fn day() -> Vec<u8> {
    let mut text = "# a remark\ntime,station,pm25,co\n".to_owned();
    for hour in 0..24 {
        text.push_str(&format!(
            "2020-01-01T{hour:02}:00:00+08:00,\"A\",{hour}.5,0.{hour}\n"
        ));
    }
    text.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_bytes_each_line_is_counted_once(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(), cuts in any::<bool>(),
    ) {
        let mut bytes = day();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let bench = Bench::new();
        let output = bench.write("a.csv", bytes).ingest("a.csv --max-rejects 100%");
        match output.status.code() {
            // `outputs` checks that read = kept + rejected.
            Some(0) => prop_assert!(0 < bench.outputs().report.rows.kept),
            Some(3) => prop_assert!(!bench.path("out").exists()),
            other => prop_assert!(false, "{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}
