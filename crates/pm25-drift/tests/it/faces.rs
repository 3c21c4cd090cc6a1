//! What goes where: files, standard output, metrics; and that the same work gives the same bytes.

use std::collections::BTreeMap;

use super::house::{House, column, said, spread};

fn tables(house: &House) {
    house.features(
        "then.parquet",
        0,
        &vec![("x", spread(3000, 1, 1.0)), ("y", spread(3000, 2, 1.0))],
    );
    house.features(
        "now.parquet",
        3000,
        &vec![("x", spread(700, 3, 1.5)), ("y", spread(700, 4, 1.0))],
    );
}

#[test]
fn the_same_work_gives_the_same_bytes() {
    let made: Vec<(String, String)> = ["1", "2", "7"]
        .iter()
        .map(|n| {
            let house = House::new();
            tables(&house);
            house.profile("then.parquet", &["--threads", n]);
            house.check("profile.json", "now.parquet", &["--threads", n]);
            (house.text("profile.json"), house.text("drift.json"))
        })
        .collect();
    assert!(made.iter().all(|files| *files == made[0]));
}

#[test]
fn the_time_of_day_is_written_only_when_asked_for() {
    let house = House::new();
    tables(&house);
    assert_eq!(
        house.check("then.parquet", "now.parquet", &[]).1.stamped,
        None
    );
    let (_, report) = house.check("then.parquet", "now.parquet", &["--stamp-now"]);
    assert!(report.stamped.unwrap().starts_with("20"));
}

#[test]
fn standard_output_holds_one_thing() {
    let house = House::new();
    tables(&house);
    let argv = |more: &[&'static str]| {
        [
            &[
                "check",
                "--reference",
                "then.parquet",
                "--current",
                "now.parquet",
                "--fail-on",
                "none",
            ][..],
            more,
        ]
        .concat()
    };
    let text = house.run(&argv(&["--out", "drift.json"]));
    let words = String::from_utf8(text.stdout).unwrap();
    assert!(
        words.starts_with("drift: significant\n  `x` (significant)"),
        "{words}"
    );
    assert!(
        words.contains("3000 rows from 1970-01-01T00:00:00Z to 1970-05-05T23:00:00Z"),
        "{words}"
    );
    let json = house.run(&argv(&["--out", "drift.json", "--format", "json"]));
    let said: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(said["verdict"], "significant");
    let document = house.run(&argv(&["--out", "-"]));
    assert_eq!(
        String::from_utf8(document.stdout).unwrap(),
        house.text("drift.json")
    );
    let profile = house.run(&["profile", "--data", "then.parquet", "--out", "-"]);
    let piped = house.pipe(
        &[
            "check",
            "--reference",
            "-",
            "--current",
            "now.parquet",
            "--out",
            "p.json",
        ],
        &profile.stdout,
    );
    assert_eq!(
        piped.status.code(),
        Some(11),
        "{}",
        super::house::said(&piped)
    );
}

/// Sample lines of a page of metrics.
fn samples(page: &str) -> BTreeMap<&str, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

#[test]
fn metrics_say_what_the_report_says() {
    let house = House::new();
    tables(&house);
    let (_, report) = house.check("then.parquet", "now.parquet", &["--prom", "node/pm25.prom"]);
    let page = house.text("node/pm25.prom");
    assert!(page.ends_with('\n'));
    let samples = samples(&page);
    assert_eq!(samples["pm25_drift_severity"], 2.0);
    assert_eq!(samples["pm25_drift_rows{window=\"current\"}"], 700.0);
    assert_eq!(
        samples["pm25_drift_current_last_timestamp_seconds"],
        f64::from((3000 + 699) * 3600)
    );
    for name in ["x", "y"] {
        let drift = column(&report, name);
        let sample = |metric: &str| samples[format!("{metric}{{feature=\"{name}\"}}").as_str()];
        assert_eq!(Some(sample("pm25_feature_psi")), drift.psi);
        assert_eq!(sample("pm25_feature_ks"), drift.ks.unwrap().statistic);
        assert_eq!(
            Some(sample("pm25_feature_wasserstein_stds")),
            drift.wasserstein_stds
        );
        assert_eq!(sample("pm25_feature_missing_ratio"), 0.0);
    }
    assert_eq!(samples["pm25_feature_drift_severity{feature=\"x\"}"], 2.0);
    for metric in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = metric.split_once(' ').unwrap();
        assert_eq!(
            (kind, page.matches(&format!("# HELP {name} ")).count()),
            ("gauge", 1)
        );
    }
    house.features("few.parquet", 0, &vec![("x", spread(9, 3, 1.5))]);
    house.check("then.parquet", "few.parquet", &["--prom", "few.prom"]);
    let page = house.text("few.prom");
    assert!(
        page.contains("pm25_drift_severity -1\n")
            && page.contains("pm25_feature_drift_severity{feature=\"x\"} -1\n")
    );
}

#[test]
fn every_subcommand_has_a_face() {
    let house = House::new();
    for argv in [
        &["--help"][..],
        &["profile", "--help"],
        &["check", "--help"],
        &["--version"],
        &["--generate", "man"],
    ] {
        let output = house.run(argv);
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "{argv:?}: {}",
            said(&output)
        );
    }
}
