//! Intervals that follow what came true, and what a model knows of its own errors.

use pm25_artifact::eval::ProbabilitySource;
use pm25_artifact::model::OnlineState;
use pm25_artifact::model::online::Stamp;
use pm25_artifact::state::StateFile;
use pm25_file::{Input, read_document};
use pm25_table::Table;
use serde_json::{Value, json};

use crate::world::{World, text};
use crate::year::{Air, HOUR_S, START_S, shy, told, truth};

const HOURS: usize = 20 * 24;
/// From this hour on other air.
const TURN: usize = 240;

fn other_air(station: usize, hour: usize) -> f32 {
    truth(station, hour) + if hour <= TURN { 0.0 } else { 90.0 }
}

/// Errors from -20 to 40 for every prediction; half of the promise's rest lies outside at each end of -10 to 30.
fn world(came: Air) -> World {
    let world = World::new();
    told(&world, "rows.parquet", 0..HOURS, (shy, came));
    let errors: Vec<f64> = (-20..=40).map(f64::from).collect();
    let level = json!({"below_ug_m3": null, "lower": -10.0, "upper": 30.0, "errors": errors});
    let prior: Vec<i32> = (0..200).map(|i| i * 1111 / 199 - 55).collect();
    let begin = "2016-02-28T00:00:00Z";
    world.model("model.json", |body| {
        let intervals = json!({"coverage": 0.9, "rows": 9, "levels": [level]});
        body.insert("intervals".into(), intervals);
        let online = json!({"known_until": begin, "issued_until": begin, "window_h": 48, "prior_h": 12, "prior": prior,
            "hours": Vec::<Value>::new()});
        body.insert("online".into(), online);
        let line = json!({"threshold_ug_m3": 150.0, "line_ug_m3": 101.5, "linear_line_ug_m3": 99.0,
            "persistence_line_ug_m3": 140.0, "csi": 0.4, "events": 77, "rows": 999});
        body.insert("warning_lines".into(), json!([line]));
    });
    world
}

fn judge(world: &World, more: &[&str]) -> Table {
    let usual = [
        "--model",
        "model.json",
        "--test",
        "rows.parquet",
        "--out-dir",
        "out",
        "--no-plots",
    ];
    let output = world.eval(&[&usual[..], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    world.predictions("out")
}

#[test]
fn a_later_truth_moves_no_interval_and_a_known_one_does() {
    let [before, after] = [truth as Air, other_air].map(|came| judge(&world(came), &[]));
    let time_s = before.time("time").unwrap();
    let [mut same, mut moved] = [0, 0];
    for end in ["lower_90_ug_m3", "upper_90_ug_m3"] {
        let [before, after] = [&before, &after].map(|table| table.f64(end).unwrap());
        for (row, &t) in time_s.iter().enumerate() {
            // The first other truth is stamped TURN + 1.
            if t <= START_S + TURN as i64 * HOUR_S {
                assert_eq!(before[row], after[row], "{end} of row {row}");
                same += 1;
            } else {
                moved += u32::from(before[row] != after[row]);
            }
        }
    }
    assert!(900 < same && 400 < moved, "{same} {moved}");
}

#[test]
fn intervals_that_follow_hold_more_of_what_came_and_both_are_reported() {
    let world = world(other_air);
    judge(&world, &[]);
    let coverage = world.report("out").coverage.unwrap();
    let [fixed, followed] = [coverage.fixed.unwrap(), coverage.overall].map(|c| c.covered.unwrap());
    assert!(fixed < 0.7 && fixed + 0.1 < followed, "{fixed} {followed}");
}

#[test]
fn the_state_after_the_last_row_is_written_for_the_next_forecast() {
    let world = world(truth);
    judge(&world, &["--state-out", "state.json"]);
    let model = world.report("out").model;
    let (task, model) = (model.task, model.sha256);
    let path = Input::Path(world.path("state.json"));
    let (file, _) = StateFile::read(&path, (model, task)).unwrap();
    let last_s = START_S + (HOURS as i64 - 1) * HOUR_S;
    let OnlineState {
        known_until,
        issued_until,
        hours,
        ..
    } = file.state;
    assert_eq!(
        (known_until, issued_until),
        (Stamp(last_s), Stamp(last_s - HOUR_S))
    );
    assert_eq!(hours.len(), 48);
    assert_eq!(hours[47].scores.len(), 2);
    let other = pm25_file::Sha256::of(b"another model");
    assert!(StateFile::read(&path, (other, task)).is_err());
    assert!(read_document::<StateFile>(&Input::Path(world.path("model.json"))).is_err());
}

#[test]
fn a_model_that_knows_its_errors_needs_no_validation_rows_to_warn() {
    let world = world(truth);
    let table = judge(&world, &["--thresholds", "150,75"]);
    let report = world.report("out");
    let tuned = report.exceedance[0].tuned.as_ref().unwrap();
    assert_eq!(
        (tuned.valid_events, tuned.scores.model.line_ug_m3),
        (77, 101.5)
    );
    assert_eq!(tuned.scores.linear.line_ug_m3, 99.0);
    assert!(
        report.exceedance[1].tuned.is_none(),
        "no line is known for 75"
    );
    let chance = report.exceedance[0].probability.as_ref().unwrap();
    assert_eq!(chance.source, ProbabilitySource::OutOfFoldErrors);
    let parts = chance.decomposition.unwrap();
    let sum = parts.reliability - parts.resolution + parts.uncertainty;
    assert!((sum - chance.brier.unwrap()).abs() < 0.01);
    // 61 errors, one for each whole µg/m³: an error stands in the middle of its share, and half of one lies beyond the last,
    // falling off by e each 4 µg/m³: the outer tenth, seven errors, is that far from the eighth.
    let beyond = |distance: f64| 0.5 * (-distance / 4.0).exp();
    let said = table.f64("prediction_ug_m3").unwrap();
    let above = table.f64("probability_above_150").unwrap();
    for (said, above) in said.iter().zip(above) {
        let share = match 40.5 - (150.0 - said) {
            few if few < 0.5 => beyond(0.5 - few),
            many if 60.5 < many => 61.0 - beyond(many - 60.5),
            share => share,
        } / 61.0;
        assert!((share - above).abs() < 1e-9, "{said}: {share} {above}");
    }
}
