//! Served requests as current rows.

use pm25_artifact::drift::{SideKind, Verdict};

use super::house::{House, column, said, spread};

fn lines(values: &[f32]) -> String {
    let line = |v: &f32| {
        if v.is_nan() {
            "{\"x\": null}\n".to_owned()
        } else {
            format!("{{\"x\": {v}, \"who\": \"me\"}}\n")
        }
    };
    values.iter().map(line).collect()
}

#[test]
fn requests_are_judged_like_a_table_of_the_same_rows() {
    let house = House::new();
    house.features(
        "then.parquet",
        0,
        &vec![
            ("x", spread(3000, 1, 1.0)),
            ("target_ug_m3", spread(3000, 3, 1.0)),
        ],
    );
    let mut now = spread(900, 2, 1.1);
    now[5] = f32::NAN;
    house.features("now.parquet", 0, &vec![("x", now.clone())]);
    let text = format!("{}not a request\n\n{{\"y\": 1}}\n", lines(&now));
    std::fs::write(house.path("now.jsonl"), &text).unwrap();
    let (_, table) = house.check("then.parquet", "now.parquet", &[]);
    let (_, requests) = house.check("then.parquet", "now.jsonl", &[]);
    assert_eq!(column(&table, "x"), column(&requests, "x"));
    assert_eq!(
        (requests.current.kind, requests.current.rejected_lines),
        (SideKind::Requests, 2)
    );
    assert_eq!(requests.current.rows.rows, 900);
    assert!(
        !requests.columns.contains_key("target_ug_m3"),
        "nobody sends a target"
    );

    let argv = [
        "check",
        "--reference",
        "then.parquet",
        "--current",
        "-",
        "--out",
        "-",
    ];
    let piped = house.pipe(&argv, text.as_bytes());
    let report: serde_json::Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(report["current"]["rejected_lines"], 2, "{}", said(&piped));
    assert!(
        said(&piped).contains("2 lines are no request"),
        "{}",
        said(&piped)
    );
}

#[test]
fn an_input_that_nobody_sends_is_missing() {
    let house = House::new();
    house.features(
        "then.parquet",
        0,
        &vec![("x", spread(3000, 1, 1.0)), ("z", spread(3000, 2, 1.0))],
    );
    std::fs::write(house.path("now.jsonl"), lines(&spread(900, 1, 1.0))).unwrap();
    let (status, report) = house.check("then.parquet", "now.jsonl", &[]);
    assert_eq!(
        (status, column(&report, "z").current.missing_share),
        (11, Some(1.0))
    );
    assert_eq!(column(&report, "x").verdict, Verdict::None);
}

#[test]
fn no_requests_yet_are_too_few_and_garbage_is_bad_data() {
    let house = House::new();
    house.features("then.parquet", 0, &vec![("x", spread(3000, 1, 1.0))]);
    std::fs::write(house.path("none.jsonl"), "").unwrap();
    assert_eq!(
        house.check("then.parquet", "none.jsonl", &[]).1.verdict,
        Verdict::TooFew
    );
    std::fs::remove_file(house.path("drift.json")).unwrap();
    std::fs::write(house.path("bad.jsonl"), "x=1\nx=2\n").unwrap();
    let (status, words) = house.refused("then.parquet", "bad.jsonl", &[]);
    assert!(
        status == 3 && words.contains("none of its 2 lines is a request"),
        "{status} {words}"
    );
}
