//! Which table may teach and which may choose: the headers and the hours decide, whatever the files are called.

use std::path::Path;

use pm25_artifact::prep::TaskFact;
use pm25_file::Header;

use super::world::{HOUR_S, header, said, train, world, write};

/// T1 and T2, in hours.
const CUTS: [i64; 2] = [1000, 1300];

fn at(hour: i64) -> String {
    pm25_air::civil::format_utc(hour * HOUR_S)
}

/// The header of a train table, and of the others where it knows T2.
fn prepared(cuts: &[i64]) -> Header {
    let header = header(TaskFact::Forecast { horizon_h: 1 });
    let names = ["train_until", "valid_until"].iter().zip(cuts);
    names.fold(header, |header, (name, &hour)| header.param(name, at(hour)))
}

/// The three tables of a preparation with a horizon of 1 h.
fn three(folder: &Path) {
    for (name, hours, cuts) in [
        ("train", 0..999, &CUTS[..1]),
        ("valid", 1000..1299, &CUTS),
        ("test", 1300..1500, &CUTS),
    ] {
        let to = pm25_file::Output::Path(folder.join(format!("{name}.parquet")));
        let table = world(hours);
        table.write(&to, "pm25-features", prepared(cuts)).unwrap();
    }
}

/// Refused with 3, in these words, before anything is written; by `tune`, too.
fn refused(folder: &Path, [learn, choose]: [&str; 2], words: &str) {
    let tables = ["--train", learn, "--valid", choose];
    for argv in [
        vec!["--model", "linear", "--out", "m.json"],
        vec![
            "tune",
            "--model",
            "linear",
            "--trials",
            "2",
            "--out-dir",
            "t",
        ],
    ] {
        // A flag of `tune` stands behind its name.
        let n_first = usize::from(argv[0] == "tune");
        let argv = [&argv[..n_first], &tables, &argv[n_first..]].concat();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pm25-train"))
            .current_dir(folder)
            .args(&argv)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{argv:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{argv:?}: {}", said(&output));
        assert!(!folder.join("m.json").exists() && !folder.join("t/tune.json").exists());
    }
}

#[test]
fn tables_of_a_preparation_keep_their_roles() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    three(folder);
    let [learn, choose, judge] = ["train.parquet", "valid.parquet", "test.parquet"];
    let output = train(folder, &["--model", "linear"]);
    assert!(output.status.success(), "{}", said(&output));
    refused(folder, [learn, learn], "to learn from and to choose on");
    refused(folder, [choose, choose], "a valid or test table");
    refused(folder, [choose, judge], "a valid or test table");
    refused(folder, [judge, choose], "a valid or test table");
    refused(folder, [learn, judge], "it is the test table");
    // Another train table, whose bytes differ.
    let to = pm25_file::Output::Path(folder.join("other.parquet"));
    let table = world(1000..1200);
    table
        .write(&to, "pm25-features", prepared(&[1200]))
        .unwrap();
    refused(folder, [learn, "other.parquet"], "is a train table");
    let to = pm25_file::Output::Path(folder.join("split.parquet"));
    let table = world(1100..1299);
    table
        .write(&to, "pm25-features", prepared(&[1100, 1300]))
        .unwrap();
    refused(folder, [learn, "split.parquet"], "of different splits");
}

#[test]
fn without_such_headers_the_hours_decide() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&world(0..1000), &folder.join("early.parquet"));
    write(&world(1000..1300), &folder.join("late.parquet"));
    write(&world(900..1200), &folder.join("across.parquet"));
    refused(folder, ["late.parquet", "early.parquet"], "goes on to");
    refused(folder, ["early.parquet", "across.parquet"], "goes on to");
    refused(
        folder,
        ["early.parquet", "early.parquet"],
        "to learn from and to choose on",
    );
}

#[test]
fn a_handful_of_rows_is_warned_of_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&world(0..3), &folder.join("train.parquet"));
    write(&world(10..60), &folder.join("valid.parquet"));
    let output = train(folder, &["--model", "linear", "-q"]);
    assert!(output.status.success(), "{}", said(&output));
    let words = "warning: train.parquet has 3 rows for 2 features";
    assert!(said(&output).contains(words), "{}", said(&output));
    write(&world(0..4), &folder.join("train.parquet"));
    let output = train(folder, &["--model", "linear", "-q"]);
    assert!(!said(&output).contains("warning"), "{}", said(&output));
}
