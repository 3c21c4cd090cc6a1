//! Every number of a tiny evaluation, worked out by hand from the table in [`crate::world`].

use pm25_artifact::eval::{EvalReport, Metrics, Slice};

use crate::world::{SAID, World};

fn near(got: Option<f64>, expected: f64) {
    let got = got.unwrap_or_else(|| panic!("null instead of {expected}"));
    assert!(
        (got - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{got} instead of {expected}"
    );
}

fn find<'a>(slices: &'a [Slice], name: &str) -> &'a Slice {
    slices
        .iter()
        .find(|slice| slice.name == name)
        .unwrap_or_else(|| panic!("no slice {name}"))
}

fn names(slices: &[Slice]) -> Vec<&str> {
    slices.iter().map(|slice| slice.name.as_str()).collect()
}

#[test]
fn metrics_cover_every_row_with_a_target() {
    let Metrics {
        rmse_ug_m3,
        mae_ug_m3,
        r2,
        mape_pct,
        mape_rows,
        bias_ug_m3,
        rows,
        missing,
    } = World::new().judged(&[]).metrics;
    near(rmse_ug_m3, (603.25f64 / 6.0).sqrt());
    near(mae_ug_m3, 44.5 / 6.0);
    near(bias_ug_m3, 0.75);
    near(r2, 1.0 - 603.25 / (102_100.25 - 470.5 * 470.5 / 6.0));
    near(
        mape_pct,
        100.0 * (0.2 + 0.15 + 0.0 + 0.2 + 1.0 / 30.0) / 5.0,
    );
    assert_eq!(
        (rows, mape_rows, missing),
        (6, 5, 0),
        "the target of 0.5 is not in MAPE"
    );
}

#[test]
fn skill_is_over_the_rows_that_the_baseline_can_answer() {
    let report = World::new().judged(&[]);
    near(
        report.metrics_with_persistence.rmse_ug_m3,
        (594.25f64 / 5.0).sqrt(),
    );
    assert_eq!(report.metrics_with_persistence.rows, 5);
    let persistence = report.baselines.persistence;
    near(persistence.rmse_ug_m3, (232.0f64 / 5.0).sqrt());
    near(persistence.mae_ug_m3, 28.0 / 5.0);
    near(persistence.bias_ug_m3, -12.0 / 5.0);
    assert_eq!((persistence.rows, persistence.missing), (5, 1));
    near(
        report.skill_over_persistence.skill,
        1.0 - (594.25f64 / 232.0).sqrt(),
    );
    assert_eq!(report.skill_over_persistence.rows, 5);
    assert_eq!(report.skill_over.persistence, report.skill_over_persistence);
}

#[test]
fn climatology_and_linear_answer_every_row() {
    let report = World::new().judged(&[]);
    // 11 for the known hour of east, else the station's mean: errors 1, 10, -10, -70, 149.5, -150.
    let squares = 1.0 + 100.0 + 100.0 + 4900.0 + 149.5 * 149.5 + 22_500.0;
    near(
        report.baselines.climatology.rmse_ug_m3,
        (squares / 6.0f64).sqrt(),
    );
    near(
        report.skill_over.climatology.skill,
        1.0 - (603.25 / squares).sqrt(),
    );
    assert_eq!(report.skill_over.climatology.rows, 6);
    assert_eq!(
        report.baselines.linear, report.metrics,
        "the model is the linear baseline"
    );
    assert_eq!(report.skill_over.linear.skill, Some(0.0));
}

#[test]
fn slices_are_by_the_local_hour_of_the_target() {
    let report = World::new().judged(&[]);
    assert_eq!(names(&report.slices.hour), ["0", "1", "10", "12", "23"]);
    assert_eq!(names(&report.slices.month), ["1", "2", "3"]);
    let midnight = find(&report.slices.hour, "0");
    near(midnight.metrics.rmse_ug_m3, (404.0f64 / 2.0).sqrt());
    near(midnight.persistence.rmse_ug_m3, (116.0f64 / 2.0).sqrt());
    near(midnight.skill.skill, 1.0 - (404.0f64 / 116.0).sqrt());
    let february = find(&report.slices.month, "2");
    assert_eq!(
        (
            february.metrics.rows,
            february.persistence.rows,
            february.persistence.missing
        ),
        (1, 0, 1)
    );
    assert_eq!(
        (
            february.persistence.rmse_ug_m3,
            february.skill.skill,
            february.metrics.r2
        ),
        (None, None, None)
    );
    near(
        find(&report.slices.month, "3").metrics.mae_ug_m3,
        21.5 / 4.0,
    );
}

#[test]
fn slices_by_station_and_level() {
    let report = World::new().judged(&[]);
    assert_eq!(names(&report.slices.station), ["east", "west"]);
    near(
        find(&report.slices.station, "east").metrics.bias_ug_m3,
        -15.0 / 4.0,
    );
    near(
        find(&report.slices.station, "west").metrics.bias_ug_m3,
        19.5 / 2.0,
    );
    assert_eq!(
        names(&report.slices.level),
        ["0-15", "15-35", "35-75", "75-150", "250 and more"]
    );
    near(
        find(&report.slices.level, "0-15").metrics.mae_ug_m3,
        11.5 / 2.0,
    );
    for slices in [
        &report.slices.hour,
        &report.slices.month,
        &report.slices.station,
        &report.slices.level,
    ] {
        assert_eq!(
            slices.iter().map(|slice| slice.metrics.rows).sum::<u64>(),
            6,
            "no row is lost or counted twice"
        );
    }
}

#[test]
fn the_worst_rows_come_first() {
    let report = World::new().judged(&[]);
    let errors: Vec<f64> = report.worst.iter().map(|worst| worst.error_ug_m3).collect();
    assert_eq!(errors, [-20.0, 10.0, 9.5, 3.0, 2.0, 0.0]);
    let first = &report.worst[0];
    assert_eq!(
        (first.station.as_deref(), first.time.as_deref()),
        (Some("east"), Some("2016-12-31T15:00:00Z"))
    );
    assert_eq!(
        (
            first.target_ug_m3,
            first.prediction_ug_m3,
            first.persistence_ug_m3
        ),
        (100.0, 80.0, Some(90.0))
    );
    assert_eq!(report.worst[3].persistence_ug_m3, None);
    let span = report.span.unwrap();
    assert_eq!(
        (span.first.as_str(), span.last.as_str()),
        ("2016-02-29T14:00:00Z", "2016-12-31T15:00:00Z")
    );
}

#[test]
fn predictions_are_in_test_row_order() {
    let world = World::new();
    world.judged(&[]);
    let table = world.predictions("out");
    let names: Vec<&str> = table.names().collect();
    assert_eq!(
        names,
        [
            "station",
            "time",
            "horizon_h",
            "target_ug_m3",
            "persistence_ug_m3",
            "prediction_ug_m3",
            "linear_ug_m3"
        ]
    );
    assert_eq!(table.f64("prediction_ug_m3").unwrap(), SAID);
    assert_eq!(table.i16("horizon_h").unwrap(), [1; 6]);
    assert!(table.f32("persistence_ug_m3").unwrap()[1].is_nan());
    assert_eq!(table.text("station").unwrap().get(4), "west");
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let world = World::new();
    let report = world.judged(&[]);
    world.test("test.parquet", &["unused", "b", "a"]);
    let permuted = world.judged(&[]);
    let numbers = |report: EvalReport| EvalReport {
        pm25: pm25_file::Header::new(&pm25_file::program!()),
        ..report
    };
    assert_eq!(numbers(permuted), numbers(report));
}

#[test]
fn another_model_is_held_against_it_row_by_row() {
    let world = World::new();
    // The other model says 10 + a: 12, 20, 36, 90, 10, 310.
    world.model("other.json", |body| {
        body["linear"]["terms"][1] = serde_json::json!({"mean": 0.0, "weight": 0.0, "present_ug_m3": 0.0, "missing_ug_m3": 0.0});
    });
    let against = world.judged(&["--against", "other.json"]).against.unwrap();
    let squares = 4.0 + 0.0 + 16.0 + 100.0 + 90.25 + 100.0;
    near(against.metrics.rmse_ug_m3, (squares / 6.0f64).sqrt());
    near(
        against.rmse_difference_ug_m3,
        (603.25f64 / 6.0).sqrt() - (squares / 6.0f64).sqrt(),
    );
    near(against.skill.skill, 1.0 - (603.25 / squares).sqrt());
    assert_eq!(
        (
            against.skill.rows,
            against.closer_rows,
            against.farther_rows
        ),
        (6, 1, 2)
    );
}
