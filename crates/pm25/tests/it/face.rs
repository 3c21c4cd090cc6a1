//! The promises that every program of the family makes.

use serde_json::Value;

use super::folder::Folder;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn every_answer_is_one_json_document_when_asked() {
    let folder = Folder::three();
    let status = json(&folder.ok(&["status", "--format", "json"]).stdout);
    assert_eq!(status["stages"][0]["state"], "stale");
    assert_eq!(status["stages"][0]["reasons"][0]["kind"], "never_ran");
    assert_eq!(
        status["stages"][0]["reasons"][0]["text"],
        "no finished run is on record"
    );
    let plan = json(&folder.ok(&["run", "--dry-run", "--format", "json"]).stdout);
    assert_eq!(plan["stages"][2]["stage"], "alone");
    let report = json(&folder.ok(&["run", "--format", "json"]).stdout);
    assert_eq!(report["stages"][1]["outcome"], "ran");
    assert_eq!(report["look"][0]["path"], "artifacts/deeper/next.txt");
    assert_eq!(report["status"], 0);
    let why = json(&folder.ok(&["why", "next", "--format", "json"]).stdout);
    assert_eq!(why["state"], "fresh");
    assert_eq!(
        why["inputs"]["artifacts/made.txt"].as_str().map(str::len),
        Some(64)
    );
    let graph = json(&folder.ok(&["graph", "--format", "json"]).stdout);
    assert_eq!(graph["stages"][1]["after"][0], "make");
}

#[test]
fn a_failure_is_json_too() {
    let folder = Folder::new(
        "[stage.a]\nrun = ['/bin/sh', '-c', 'echo error: mice; exit 3']\nout.o = 'o'\n",
    );
    let said = folder.pm25(&["run", "-q", "--format", "json"]);
    assert_eq!(said.status, 3);
    let error = json(&said.stderr);
    assert_eq!(error["causes"][0], "mice");
    assert_eq!(error["status"], 3);
    let report = json(&said.stdout);
    assert_eq!(
        (&report["failed"], &report["status"]),
        (&"a".into(), &3.into())
    );
}

#[test]
fn the_graph_is_drawn_in_three_ways() {
    let folder = Folder::three();
    assert_eq!(folder.ok(&["graph"]).stdout, "make\n└─ next\nalone\n");
    assert!(
        folder
            .ok(&["graph", "--as", "mermaid"])
            .stdout
            .starts_with("flowchart TD\n")
    );
    assert!(
        folder
            .ok(&["graph", "--as", "dot"])
            .stdout
            .starts_with("digraph pipeline {\n")
    );
}

#[test]
fn a_run_leaves_one_line_of_history() {
    let folder = Folder::three();
    folder.ok(&["run"]);
    folder.ok(&["run"]);
    folder.remove("raw.txt");
    assert_eq!(folder.pm25(&["run"]).status, 4, "nothing was started");
    let history = folder.read("artifacts/runs.jsonl");
    let lines: Vec<Value> = history.lines().map(json).collect();
    assert_eq!(lines.len(), 2);
    assert!(1_700_000_000 < lines[0]["started_s"].as_u64().unwrap());
    assert!(lines[0]["stages"][0]["seconds"].is_number());
    assert_eq!(lines[1]["stages"][0]["outcome"], "fresh");
    assert_eq!(lines[1]["status"], 0);
}

#[test]
fn the_side_entrance_is_not_for_people() {
    let folder = Folder::three();
    for args in [
        &["__child"][..],
        &["__child", "1", "/bin/true", "--", "true"],
        &["__child", "x"],
    ] {
        let said = folder.pm25(args);
        assert_eq!(said.status, 1, "{said:#?}");
        assert!(said.stderr.starts_with("error: "));
    }
    assert!(!folder.ok(&["--help"]).stdout.contains("__child"));
}

#[test]
fn help_and_version_answer() {
    let folder = Folder::three();
    assert!(
        folder
            .ok(&["--help"])
            .stdout
            .starts_with("Runs the pipeline")
    );
    assert!(folder.ok(&["--version"]).stdout.starts_with("pm25 "));
    assert_eq!(folder.pm25(&["rnu"]).status, 2);
    assert_eq!(folder.pm25(&["run", "--threads", "0"]).status, 2);
    assert_eq!(folder.pm25(&["run", "--set", "seed"]).status, 2);
}
