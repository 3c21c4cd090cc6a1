//! A model of several horizons: a row for each, with the bits of each horizon's own model.

use pm25_air::Task;
use pm25_air::civil::HOUR_S;
use pm25_artifact::model::online::Stamp;
use pm25_artifact::model::{
    Horizons, IntervalLevel, Intervals, Measure, Model, ModelKind, OnlineState,
};
use pm25_file::Output;
use pm25_table::Table;

use super::house::{House, model, network, said, station};

const START_S: i64 = 1_467_302_400;
const HORIZONS_H: [u16; 3] = [1, 6, 24];

fn member(horizon_h: u16) -> Model {
    let task = Task::Forecast { horizon_h };
    let mut model = model(
        ModelKind::Linear,
        task,
        "pm25,lag(pm25,1),hour",
        &["a", "b"],
    );
    model.linear.intercept += f64::from(horizon_h) / 3.0;
    if horizon_h == 6 {
        model.intervals = Some(Intervals {
            coverage: 0.9,
            rows: 100,
            measure: Measure::UgM3,
            levels: vec![IntervalLevel {
                below_ug_m3: None,
                lower: -7.0,
                upper: 9.0,
                errors: Vec::new(),
            }],
        });
    }
    model
}

fn house() -> House {
    let house = House::new();
    let stations = vec![station("a", START_S, 100), station("b", START_S, 99)];
    house.observations("obs.parquet", &network(stations));
    let several = Horizons::of(HORIZONS_H.map(member).into()).unwrap();
    several
        .write(&Output::Path(house.path("model.json")))
        .unwrap();
    house
}

fn bits(table: &Table, row: usize) -> (String, i64, i64, u64) {
    (
        table.text("station").unwrap().get(row).to_owned(),
        table.time("time").unwrap()[row],
        table.time("target_time").unwrap()[row],
        table.f64("prediction_ug_m3").unwrap()[row].to_bits(),
    )
}

#[test]
fn each_station_has_a_row_for_each_horizon_with_the_bits_of_its_own_model() {
    let house = house();
    let table = house.predict("model.json", &[]);
    assert_eq!(table.i16("horizon_h").unwrap(), [1, 6, 24, 1, 6, 24]);
    for (at, horizon_h) in HORIZONS_H.into_iter().enumerate() {
        house.model("alone.json", member(horizon_h));
        let alone = house.predict("alone.json", &[]);
        let chosen = house.predict("model.json", &["--horizon-h", &horizon_h.to_string()]);
        for station in 0..2 {
            let row = 3 * station + at;
            assert_eq!(bits(&table, row), bits(&alone, station));
            assert_eq!(bits(&chosen, station), bits(&alone, station));
            let (_, time_s, target_s, _) = bits(&table, row);
            assert_eq!(target_s, time_s + i64::from(horizon_h) * HOUR_S);
        }
    }
    let lower = table.f64("lower_90_ug_m3").unwrap();
    let has: Vec<bool> = lower.iter().map(|end| !end.is_nan()).collect();
    assert_eq!(has, [false, true, false, false, true, false]);
    assert_eq!(table.header().unwrap().facts["horizons"][1]["horizon_h"], 6);
}

#[test]
fn all_horizons_are_named_and_one_that_is_not_there_is_refused() {
    let house = house();
    let argv = [
        "--model",
        "model.json",
        "--observations",
        "obs.parquet",
        "--out",
        "f.parquet",
    ];
    let text = String::from_utf8(house.run(&argv).stdout).unwrap();
    let start =
        "forecasts of several hours ahead (linear 1 h, linear 6 h, linear 24 h): 2 stations served";
    assert!(text.starts_with(start), "{text}");
    let output = house.run(&[&argv[..], &["--horizon-h", "3"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("has no model for 3 h ahead"));
    assert!(said(&output).contains("1, 6 and 24 h ahead"));
}

#[test]
fn a_state_of_one_horizon_is_not_taken_for_another() {
    let house = House::new();
    let stations = vec![station("a", START_S, 100), station("b", START_S, 100)];
    house.observations("obs.parquet", &network(stations));
    let remembering = |horizon_h: u16| {
        let begin = START_S + 60 * HOUR_S;
        let online = OnlineState {
            known_until: Stamp(begin),
            issued_until: Stamp(begin),
            window_h: 24,
            prior_h: 4,
            prior: (0..100).map(|i| i * 10).collect(),
            hours: Vec::new(),
        };
        Model {
            intervals: member(6).intervals,
            online: Some(online),
            ..member(horizon_h)
        }
    };
    let several = Horizons::of(vec![remembering(1), remembering(6)]).unwrap();
    several
        .write(&Output::Path(house.path("model.json")))
        .unwrap();
    house.predict("model.json", &["--horizon-h", "1", "--state", "1.json"]);
    let argv = "--model model.json --observations obs.parquet --out f.parquet --state 1.json";
    let refused = |more: &str| {
        let argv = format!("{argv}{more}");
        let output = house.run(&argv.split(' ').collect::<Vec<_>>());
        assert!(!output.status.success());
        said(&output)
    };
    let other = refused(" --horizon-h 6");
    assert!(
        other.contains("the state of another model (forecast 1 h ahead"),
        "{other}"
    );
    assert!(refused("").contains("a state is of one horizon"));
}
