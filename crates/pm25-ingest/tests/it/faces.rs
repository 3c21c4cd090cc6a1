//! The promises that every program makes, and the bytes that do not depend on the machine.

use crate::bench::{Bench, Ingested, text};
use std::io::Write;
use std::process::{Command, Stdio};

fn station(name: &str) -> String {
    let rows: String = (0..48)
        .map(|hour| {
            format!(
                "2020-01-{:02} {:02}:00,{name},{hour},1\n",
                1 + hour / 24,
                hour % 24
            )
        })
        .collect();
    format!("time,station,pm25,co\n{rows}")
}

fn folder(names: &[&str]) -> Bench {
    let bench = Bench::new();
    for name in names {
        bench.write(&format!("in/{name}.csv"), station(name));
    }
    bench
}

#[test]
fn the_bytes_do_not_depend_on_threads_or_folder() {
    let names = ["d", "b", "a", "c", "e"];
    let one = folder(&names).ingested("in --threads 1");
    for threads in [2, 4] {
        let other = folder(&names).ingested(&format!("in --threads {threads}"));
        assert_eq!(other.bytes, one.bytes);
        assert_eq!(other.report, one.report);
    }
    let inputs: Vec<&str> = one
        .report
        .pm25
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(inputs, ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]);
}

#[test]
fn the_report_knows_the_table_by_its_hash_and_each_file_by_its_own() {
    let bench = folder(&["a"]);
    let ingested = bench.ingested("in");
    let header = &ingested.report.pm25;
    assert_eq!(header.files[0].name, "o.parquet");
    assert_eq!(
        header.files[0].sha256,
        pm25_file::Sha256::of(&ingested.bytes)
    );
    let raw = std::fs::read(bench.path("in/a.csv")).unwrap();
    assert_eq!(header.inputs[0].sha256, pm25_file::Sha256::of(&raw));
    let table = ingested.table.header().unwrap();
    assert_eq!(
        (&table.inputs, table.program.as_str()),
        (&header.inputs, "pm25-ingest")
    );
}

#[test]
fn standard_input_and_output() {
    let bench = folder(&["a"]);
    let file = bench.ingested("in/a.csv");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pm25-ingest"))
        .args(["-", "--out", "-", "--report", "r.json"])
        .current_dir(bench.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(station("a").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    bench.write("piped.parquet", &output.stdout);
    let piped = Ingested::at(&bench.path("piped.parquet"), &bench.path("r.json"));
    assert_eq!(piped.contents(), file.contents());
    assert_eq!(piped.report.pm25.inputs[0].name, "-");
    assert!(text(&output.stderr).contains("1 station"));
    let both = bench.run("in --out - --report -");
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn json_is_one_document() {
    let bench = folder(&["a", "b"]);
    let output = bench.ingest("in --format json");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["rows"]["read"], 96);
    assert_eq!(summary["stations"].as_array().unwrap().len(), 2);
    let complaint = bench.ingest("nowhere --format json");
    let complaint: serde_json::Value = serde_json::from_slice(&complaint.stderr).unwrap();
    assert_eq!(complaint["status"], 3);
}

#[test]
fn help_says_the_job_first_and_names_the_formats() {
    let bench = Bench::new();
    let help = text(&bench.run("--help").stdout);
    assert!(help.starts_with("Reads raw station files into one table of hourly observations"));
    for word in ["uci-beijing", "cpcb", "generic", "[columns]", "demo"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(text(&bench.run("--version").stdout).starts_with("pm25-ingest "));
    pm25_tool::command_of::<pm25_ingest::Args>().debug_assert();
}

#[test]
fn an_overruled_unit_is_a_warning() {
    let bench = Bench::new();
    let rows = (0..3)
        .map(|hour| format!("2020-01-01 0{hour}:00,5,0.8\n"))
        .collect::<String>();
    bench.write("a.csv", format!("time,pm25,CO (ug/m3)\n{rows}"));
    let output = bench.ingest("a.csv -q");
    assert!(text(&output.stderr).contains(
        "warning: a.csv: `CO (ug/m3)`: the header says µg/m³, but the numbers fit mg/m³"
    ));
}
