//! What cannot be used is refused with its status, its name and what to do.

use pm25_file::{Header, program};
use pm25_table::{Column, Table, Text};

use super::house::{House, spread};

#[test]
fn each_with_its_status_and_a_hint() {
    let house = House::new();
    house.features("a.parquet", 0, &vec![("x", spread(300, 1, 1.0))]);
    house.features("b.parquet", 0, &vec![("y", spread(300, 1, 1.0))]);
    let mut words = Table::new();
    words.push("who", Column::Text(Text::from_rows(["me"])));
    house.write(
        "words.parquet",
        &words,
        "pm25-features",
        Header::new(&program!()),
    );
    let mut shap = Table::new();
    shap.push("x", vec![1.0_f32]);
    house.write("shap.parquet", &shap, "pm25-shap", Header::new(&program!()));
    std::fs::write(house.path("text.json"), "{\"x\": 1}").unwrap();
    house.profile("a.parquet", &[]);
    let flipped = |name: &str, from: &str| {
        let mut bytes = std::fs::read(house.path(from)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(house.path(name), bytes).unwrap();
    };
    flipped("bad.parquet", "a.parquet");
    flipped("bad.json", "profile.json");
    for (reference, current, status, words) in [
        (
            "absent.json",
            "a.parquet",
            4,
            "absent.json: there is no such file",
        ),
        (
            "a.parquet",
            "absent.parquet",
            4,
            "absent.parquet: there is no such file",
        ),
        ("a.parquet", "b.parquet", 3, "no column in common"),
        ("a.parquet", "words.parquet", 3, "no column in common"),
        ("a.parquet", "bad.parquet", 4, "bad.parquet is damaged"),
        ("bad.json", "a.parquet", 4, "bad.json is damaged"),
        (
            "text.json",
            "a.parquet",
            4,
            "text.json is damaged or is not a document of ours",
        ),
        (
            "shap.parquet",
            "a.parquet",
            4,
            "is a `pm25-shap`, not a `pm25-features`",
        ),
    ] {
        let (got, said) = house.refused(reference, current, &[]);
        assert!(
            got == status && said.contains(words) && said.contains("hint:"),
            "{reference}: {got} {said}"
        );
    }
    assert_eq!(
        house
            .refused("a.parquet", "a.parquet", &["--fail-on", "maybe"])
            .0,
        2
    );
}

#[test]
fn a_report_is_no_reference() {
    let house = House::new();
    house.features("a.parquet", 0, &vec![("x", spread(300, 1, 1.0))]);
    house.check("a.parquet", "a.parquet", &[]);
    std::fs::rename(house.path("drift.json"), house.path("old.json")).unwrap();
    let (status, said) = house.refused("old.json", "a.parquet", &[]);
    assert!(
        status == 4 && said.contains("is a `pm25-drift-report`"),
        "{status} {said}"
    );
}

#[test]
fn a_piped_table_is_told_to_be_a_file() {
    let house = House::new();
    house.features("a.parquet", 0, &vec![("x", spread(300, 1, 1.0))]);
    let bytes = std::fs::read(house.path("a.parquet")).unwrap();
    for argv in [
        ["--reference", "-", "--current", "a.parquet"],
        ["--reference", "a.parquet", "--current", "-"],
    ] {
        let output = house.pipe(&[&["check", "--out", "d.json"][..], &argv].concat(), &bytes);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("give the file's name"));
    }
    // A profile is made from a pipe: there is nothing else that it could be.
    let output = house.pipe(&["profile", "--data", "-", "--out", "p.json"], &bytes);
    assert!(output.status.success());
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let house = House::new();
    let argv = [
        "check",
        "--reference",
        "a",
        "--current",
        "b",
        "--out",
        "c",
        "--format",
        "json",
    ];
    let output = house.run(&argv);
    let complaint: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(complaint["status"] == 4 && output.stdout.is_empty());
}
