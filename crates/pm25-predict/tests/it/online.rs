//! Intervals that follow what came true in the observations, and probabilities of passing a threshold.

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::{Network, Quantity, Task};
use pm25_artifact::model::online::{Outcome, Stamp};
use pm25_artifact::model::{
    Expected, Heads, HeadsBase, IntervalLevel, Intervals, Measure, Model, ModelKind, OnlineState,
    Said, WarningLine,
};
use pm25_learn::tree::{Ensemble, Link};
use pm25_table::Table;

use super::house::{House, model, network, said, station};

const START_S: i64 = 1_467_302_400;
const SOON: Task = Task::Forecast { horizon_h: 2 };
/// The model's own memory ends here.
const BEGIN_H: i64 = 60;
const STATIONS: [&str; 2] = ["a", "b"];

fn air() -> Network {
    network(STATIONS.map(|name| station(name, START_S, 100)).into())
}

fn time_s(hour: i64) -> i64 {
    START_S + hour * HOUR_S
}

fn intervals() -> Intervals {
    Intervals {
        coverage: 0.9,
        rows: 10,
        measure: Measure::UgM3,
        levels: vec![IntervalLevel {
            below_ug_m3: None,
            lower: -12.0,
            upper: 15.0,
            errors: (-30..=30).map(f64::from).collect(),
        }],
    }
}

fn begin() -> OnlineState {
    OnlineState {
        known_until: Stamp(time_s(BEGIN_H)),
        issued_until: Stamp(time_s(BEGIN_H)),
        window_h: 24,
        prior_h: 4,
        prior: (0..100).map(|i| i * 10).collect(),
        hours: Vec::new(),
    }
}

fn remembering(task: Task) -> Model {
    let line = WarningLine {
        costs: None,
        threshold_ug_m3: 75.0,
        line_ug_m3: 64.5,
        linear_line_ug_m3: 70.0,
        persistence_line_ug_m3: 70.0,
        csi: 0.4,
        events: 5,
        rows: 50,
    };
    Model {
        intervals: Some(intervals()),
        online: Some(begin()),
        warning_lines: vec![line],
        ..model(ModelKind::Linear, task, "pm10,lag(pm25,1),hour", &STATIONS)
    }
}

fn house(task: Task) -> House {
    let house = House::new();
    house.observations("obs.parquet", &air());
    house.model("model.json", remembering(task));
    house
}

fn at(house: &House, hour: i64, more: &[&str]) -> Table {
    let at = format_utc(time_s(hour));
    house.predict("model.json", &[&["--at", &at][..], more].concat())
}

/// Both ends of each row.
fn ends(table: &Table) -> Vec<[f64; 2]> {
    let [lower, upper] = ["lower_90_ug_m3", "upper_90_ug_m3"].map(|end| table.f64(end).unwrap());
    lower.iter().zip(upper).map(|(a, b)| [*a, *b]).collect()
}

fn plain(prediction_ug_m3: f64) -> Said {
    Said::plain(prediction_ug_m3)
}

#[test]
fn intervals_are_those_of_a_walk_over_forecasts_that_were_really_made() {
    let (house, air) = (house(SOON), air());
    let mut outcomes = Vec::new();
    let made = |table: &Table, row: usize| plain(table.f64("prediction_ug_m3").unwrap()[row]);
    for issued in BEGIN_H + 1..=88 {
        let table = at(&house, issued, &[]);
        let stations = table.text("station").unwrap();
        for row in 0..table.n_rows() {
            let of = air
                .stations
                .iter()
                .find(|s| s.name == stations.get(row))
                .unwrap();
            let truth = of.values(Quantity::Pm25)[(issued + 2) as usize];
            let outcome = Outcome {
                issued_s: time_s(issued),
                said: made(&table, row),
                truth_ug_m3: f64::from(truth),
            };
            outcomes.extend((!truth.is_nan()).then_some(outcome));
        }
    }
    assert!(40 < outcomes.len());
    let table = at(&house, 90, &[]);
    let rows: Vec<(i64, Said)> = (0..table.n_rows())
        .map(|row| (time_s(90), made(&table, row)))
        .collect();
    let (expected, _) = begin().follow((&intervals(), SOON), outcomes, &rows);
    assert_eq!(ends(&table), expected);
    let fixed: Vec<[f64; 2]> = rows
        .iter()
        .map(|row| intervals().around_one(row.1))
        .collect();
    assert_ne!(ends(&table), fixed, "what came true has moved them");
}

#[test]
fn a_state_file_stands_for_the_observations_that_made_it() {
    let house = house(SOON);
    let whole = at(&house, 90, &[]);
    let state = ["--state", "state.json"];
    for hour in [70, 71, 83] {
        at(&house, hour, &state);
    }
    let written = std::fs::read(house.path("state.json")).unwrap();
    assert_eq!(ends(&at(&house, 90, &state)), ends(&whole));
    // Only the last hours are at hand: the file knows the rest.
    std::fs::write(house.path("state.json"), written).unwrap();
    let mut short = air();
    for station in &mut short.stations {
        station.values[Quantity::Pm25.index()][..79].fill(f32::NAN);
    }
    house.observations("obs.parquet", &short);
    assert_eq!(ends(&at(&house, 90, &state)), ends(&whole));
    assert_ne!(ends(&at(&house, 90, &[])), ends(&whole));
}

#[test]
fn ends_between_heads_follow_what_came_true_and_a_state_file_knows_them() {
    let constant = |base| Ensemble {
        base,
        scale: 1.0,
        link: Link::Identity,
        trees: Vec::new().into(),
    };
    let house = House::new();
    house.observations("obs.parquet", &air());
    let heads = Heads {
        base: HeadsBase::Linear,
        ends: [-9.0, 21.0].map(constant),
    };
    let of_heads = Intervals {
        measure: Measure::Heads,
        levels: vec![IntervalLevel {
            lower: -1.0,
            upper: 1.0,
            ..intervals().levels[0].clone()
        }],
        ..intervals()
    };
    let sure = Model {
        spread: Some(Expected::Heads(heads)),
        intervals: Some(of_heads.clone()),
        ..remembering(SOON)
    };
    house.model("model.json", sure);
    let whole = at(&house, 90, &[]);
    let told = whole.f64("prediction_ug_m3").unwrap();
    let fixed = |p: &f64| of_heads.around_one(Said::of_ends(*p, [p - 9.0, p + 21.0]));
    let fixed: Vec<[f64; 2]> = told.iter().map(fixed).collect();
    assert_ne!(ends(&whole), fixed, "what came true has moved them");
    let early = at(&house, BEGIN_H - 5, &[]);
    let p = early.f64("prediction_ug_m3").unwrap()[0];
    assert_eq!(
        ends(&early)[0],
        of_heads.around_one(Said::of_ends(p, [p - 9.0, p + 21.0]))
    );
    for hour in [70, 71, 83] {
        at(&house, hour, &["--state", "state.json"]);
    }
    assert_eq!(
        ends(&at(&house, 90, &["--state", "state.json"])),
        ends(&whole)
    );
    let inside = ends(&whole).into_iter().zip(told);
    assert!(
        inside
            .into_iter()
            .all(|(ends, p)| ends[0] <= *p && *p <= ends[1])
    );
}

#[test]
fn a_later_truth_moves_no_interval_of_a_forecast() {
    let house = house(SOON);
    let before = at(&house, 80, &[]);
    let mut other = air();
    for station in &mut other.stations {
        station.values[Quantity::Pm25.index()][81..].fill(900.0);
    }
    house.observations("obs.parquet", &other);
    assert_eq!(ends(&at(&house, 80, &[])), ends(&before));
}

#[test]
fn what_cannot_be_two_things_is_refused_before_anything_is_written() {
    let house = house(SOON);
    let argv = [
        "--model",
        "model.json",
        "--observations",
        "obs.parquet",
        "--out",
        "same.json",
    ];
    for (more, what) in [
        (["--state", "./same.json"], "is to be two outputs"),
        (["--exceed", "75,150,75.0"], "--exceed: 75 is there twice"),
    ] {
        let output = house.run(&[&argv[..], &more].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(what), "{}", said(&output));
        assert!(!house.path("same.json").exists());
    }
}

#[test]
fn an_hour_before_the_state_is_refused_and_leaves_it_as_it_is() {
    let house = house(SOON);
    at(&house, 90, &["--state", "state.json"]);
    let written = std::fs::read(house.path("state.json")).unwrap();
    let early = format_utc(time_s(80));
    let argv = [
        "--model",
        "model.json",
        "--observations",
        "obs.parquet",
        "--out",
        "g.parquet",
    ];
    let output = house.run(&[&argv[..], &["--at", &early, "--state", "state.json"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("the state knows what came true until"));
    assert_eq!(std::fs::read(house.path("state.json")).unwrap(), written);
    // Without a file the model's own memory is the later one, too: its intervals are then as they were calibrated.
    let table = at(&house, BEGIN_H - 5, &[]);
    let told = table.f64("prediction_ug_m3").unwrap();
    let fixed: Vec<[f64; 2]> = told
        .iter()
        .map(|p| intervals().around_one(plain(*p)))
        .collect();
    assert_eq!(ends(&table), fixed);
    house.model("other.json", remembering(Task::Forecast { horizon_h: 3 }));
    let argv = [
        "--model",
        "other.json",
        "--observations",
        "obs.parquet",
        "--out",
        "g.parquet",
    ];
    let output = house.run(&[&argv[..], &["--state", "state.json"]].concat());
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
}

#[test]
fn thresholds_get_a_probability_and_a_warning_where_a_line_is_known() {
    let house = house(SOON);
    let table = at(&house, 90, &["--exceed", "75,35.5"]);
    let told = table.f64("prediction_ug_m3").unwrap();
    for (row, said) in told.iter().enumerate() {
        let above = |threshold| intervals().exceedance(plain(*said), threshold).unwrap();
        assert_eq!(table.f64("probability_above_75").unwrap()[row], above(75.0));
        assert_eq!(
            table.f64("probability_above_35_5").unwrap()[row],
            above(35.5)
        );
        let warns = table.i16("warning_above_75").unwrap()[row];
        assert_eq!(warns, i16::from(64.5 < *said));
    }
    assert!(table.column("warning_above_35_5").is_none());
    house.model(
        "unsure.json",
        model(ModelKind::Linear, SOON, "pm10", &STATIONS),
    );
    let argv = [
        "--model",
        "unsure.json",
        "--observations",
        "obs.parquet",
        "--out",
        "g.parquet",
    ];
    let output = house.run(&[&argv[..], &["--exceed", "75"]].concat());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn bands_of_the_next_day_have_probabilities_that_add_to_one() {
    let table = at(&house(Task::DayMean), 90, &[]);
    for scale in ["us", "india", "china"] {
        let column = |band: usize| table.column(&format!("probability_{scale}_{band}"));
        let bands = (1..).take_while(|band| column(*band).is_some()).count();
        assert!(5 <= bands, "{scale} has {bands}");
        for row in 0..table.n_rows() {
            let share = |band: usize| {
                let name = format!("probability_{scale}_{band}");
                table.f64(&name).unwrap()[row]
            };
            let shares: Vec<f64> = (1..=bands).map(share).collect();
            assert!(shares.iter().all(|share| 0.0 <= *share));
            assert!(
                (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
                "{shares:?}"
            );
        }
    }
}
