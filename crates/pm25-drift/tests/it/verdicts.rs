//! What is drift and what is not.

use pm25_artifact::drift::{Measure, Role, SideKind, Verdict};

use super::house::{House, column, spread, verdict};

fn air(n: usize, seed: u64) -> Vec<(&'static str, Vec<f32>)> {
    vec![
        ("co_mg_m3", spread(n, seed, 2.0)),
        ("pm10_ug_m3", spread(n, seed + 1, 300.0)),
        ("target_ug_m3", spread(n, seed + 2, 200.0)),
    ]
}

#[test]
fn a_table_has_not_moved_from_itself_nor_from_its_profile() {
    let house = House::new();
    house.features("a.parquet", 0, &air(5000, 1));
    house.profile("a.parquet", &[]);
    for reference in ["a.parquet", "profile.json"] {
        let (status, report) = house.check(reference, "a.parquet", &["--fail-on", "moderate"]);
        assert_eq!((status, report.verdict), (0, Verdict::None));
        assert_eq!(report.columns.len(), 3);
        for drift in report.columns.values() {
            assert_eq!(
                (drift.psi, drift.wasserstein, drift.wasserstein_stds),
                (Some(0.0), Some(0.0), Some(0.0))
            );
            let ks = drift.ks.unwrap();
            assert_eq!((ks.statistic, ks.p_value), (0.0, 1.0));
        }
    }
}

#[test]
fn a_unit_slip_is_found_named_and_fails() {
    let house = House::new();
    house.features("then.parquet", 0, &air(4000, 1));
    let mut now = air(1500, 7);
    now[0].1.iter_mut().for_each(|co| *co *= 1000.0);
    house.features("now.parquet", 4000, &now);
    house.profile("then.parquet", &[]);
    for reference in ["then.parquet", "profile.json"] {
        let (status, report) = house.check(reference, "now.parquet", &[]);
        assert_eq!((status, report.verdict), (11, Verdict::Significant));
        assert_eq!(verdict(&report, "pm10_ug_m3"), Verdict::None);
        assert!(
            report.words[0].starts_with("`co_mg_m3` (significant)"),
            "{:?}",
            report.words
        );
        assert!(
            report.words[0].contains("has its unit changed?"),
            "{:?}",
            report.words
        );
        assert!(0.99 < column(&report, "co_mg_m3").ks.unwrap().statistic);
    }
    assert_eq!(
        house
            .check("then.parquet", "now.parquet", &["--fail-on", "none"])
            .0,
        0
    );
}

#[test]
fn the_threshold_decides_the_status_and_not_the_report() {
    let house = House::new();
    house.features("then.parquet", 0, &vec![("x", spread(4000, 1, 1.0))]);
    // The lowest tenth keeps a fifth of its rows: 0.08 ln 5 + 0.08 ln 1.8 is a stability index of 0.18.
    let now = spread(4000, 2, 1.0).into_iter().map(|x| x + 0.08).collect();
    house.features("now.parquet", 0, &vec![("x", now)]);
    let report = |fail_on: &str, status: i32| {
        let (got, report) = house.check("then.parquet", "now.parquet", &["--fail-on", fail_on]);
        assert_eq!(
            (got, report.verdict),
            (status, Verdict::Moderate),
            "{fail_on}: {report:?}"
        );
        house.text("drift.json")
    };
    assert_eq!(report("moderate", 11), report("significant", 0));
    assert_eq!(report("none", 0), report("significant", 0));
}

#[test]
fn values_that_went_missing_are_drift() {
    let house = House::new();
    house.features("then.parquet", 0, &vec![("x", spread(4000, 1, 1.0))]);
    let mut now = spread(4000, 2, 1.0);
    now.iter_mut().step_by(3).for_each(|x| *x = f32::NAN);
    house.features("now.parquet", 0, &vec![("x", now)]);
    let (status, report) = house.check("then.parquet", "now.parquet", &[]);
    let drift = column(&report, "x");
    assert_eq!((status, drift.decided_by), (11, Some(Measure::Psi)));
    assert!((drift.current.missing_share.unwrap() - 1.0 / 3.0).abs() < 1e-3);
    assert_eq!(drift.reference.missing_share, Some(0.0));
    assert!(
        report.words[0].contains("missing in 33.4 % of rows, was 0.0 %"),
        "{:?}",
        report.words
    );
}

#[test]
fn few_rows_are_too_few() {
    let house = House::new();
    house.features("then.parquet", 0, &vec![("x", spread(4000, 1, 1.0))]);
    for (n, expected) in [
        (0, Verdict::TooFew),
        (199, Verdict::TooFew),
        (200, Verdict::Significant),
    ] {
        house.features("now.parquet", 0, &vec![("x", vec![9.0; n])]);
        let (status, report) = house.check("then.parquet", "now.parquet", &[]);
        assert_eq!(
            (status, report.verdict),
            (if n < 200 { 0 } else { 11 }, expected)
        );
        assert_eq!(report.current.rows.rows, n as u64);
    }
}

#[test]
fn the_calendar_is_reported_and_does_not_count() {
    let house = House::new();
    let table = |name: &str, month: f32, seed: u64| {
        house.features(
            name,
            0,
            &vec![("month", vec![month; 2000]), ("x", spread(2000, seed, 1.0))],
        );
    };
    table("then.parquet", 1.0, 1);
    table("now.parquet", 7.0, 2);
    let (status, report) = house.check("then.parquet", "now.parquet", &[]);
    assert_eq!((status, report.verdict), (0, Verdict::None));
    assert_eq!(
        (column(&report, "month").role, verdict(&report, "month")),
        (Role::Context, Verdict::Significant)
    );
    assert!(
        report.words[1].contains("another season"),
        "{:?}",
        report.words
    );
}

#[test]
fn degenerate_columns_give_numbers_or_null() {
    let house = House::new();
    let columns = [
        ("constant", vec![3.0; 300]),
        ("missing", vec![f32::NAN; 300]),
        ("huge", [f32::MAX, f32::MIN].repeat(150)),
        ("even", spread(300, 1, 1.0)),
    ];
    for (i, before) in columns.iter().enumerate() {
        for now in &columns {
            house.features("then.parquet", 0, &vec![("x", before.1.clone())]);
            house.features("now.parquet", 0, &vec![("x", now.1.clone())]);
            house.profile("then.parquet", &[]);
            for reference in ["then.parquet", "profile.json"] {
                let (_, report) = house.check(reference, "now.parquet", &["--prom", "m.prom"]);
                let moved = before.0 != now.0;
                assert_eq!(
                    report.verdict == Verdict::Significant,
                    moved,
                    "{} to {}: {report:?}",
                    before.0,
                    now.0
                );
                let text = house.text("drift.json") + &house.text("m.prom");
                assert!(
                    !text.contains("NaN") && !text.contains("inf"),
                    "{i}: {text}"
                );
            }
        }
    }
}

#[test]
fn a_report_says_which_rows_of_when() {
    let house = House::new();
    house.features("then.parquet", 0, &air(300, 1));
    house.features("now.parquet", 24, &air(250, 2));
    let (_, report) = house.check("then.parquet", "now.parquet", &[]);
    assert_eq!(
        (report.reference.kind, report.current.kind),
        (SideKind::Table, SideKind::Table)
    );
    let current = &report.current.rows;
    assert_eq!(current.first.as_deref(), Some("1970-01-02T00:00:00Z"));
    assert_eq!(current.last.as_deref(), Some("1970-01-12T09:00:00Z"));
    house.profile("then.parquet", &[]);
    let (_, kept) = house.check("profile.json", "now.parquet", &[]);
    assert_eq!(kept.reference.rows, report.reference.rows);
    assert_eq!(kept.reference.kind, SideKind::Profile);
}

#[test]
fn columns_of_one_side_are_listed() {
    let house = House::new();
    house.features(
        "then.parquet",
        0,
        &vec![("x", spread(300, 1, 1.0)), ("gone", spread(300, 2, 1.0))],
    );
    house.features(
        "now.parquet",
        0,
        &vec![("x", spread(300, 1, 1.0)), ("new", spread(300, 2, 1.0))],
    );
    let (_, report) = house.check("then.parquet", "now.parquet", &[]);
    assert_eq!(
        (report.only_in_reference, report.only_in_current),
        (vec!["gone".into()], vec!["new".into()])
    );
}
