//! Who is served, who is not, and what is said about it.

use pm25_air::civil::HOUR_S;
use pm25_air::{Network, Quantity, Task};
use pm25_artifact::model::{IntervalLevel, Intervals, Measure, ModelKind};

use super::house::{House, NONE, model, network, said, station};

const START_S: i64 = 1_467_302_400;
const FORECAST: Task = Task::Forecast { horizon_h: 24 };

/// `a` to the end, `late` 3 h behind, `stale` 4 h behind, `mute` without a PM2.5; `late` is no station of the model.
fn air() -> Network {
    let mut mute = station("mute", START_S, 100);
    mute.values[Quantity::Pm25.index()].fill(NONE);
    let mut stations = vec![
        station("a", START_S, 100),
        station("late", START_S, 97),
        station("stale", START_S, 96),
    ];
    for station in &mut stations {
        *station.values[Quantity::Pm25.index()].last_mut().unwrap() = 33.0;
    }
    stations.push(mute);
    network(stations)
}

fn house(task: Task) -> House {
    let house = House::new();
    house.observations("obs.parquet", &air());
    house.model(
        "model.json",
        model(
            ModelKind::Linear,
            task,
            "pm10,o3,hour",
            &["a", "mute", "stale"],
        ),
    );
    house
}

#[test]
fn a_forecast_starts_from_each_stations_newest_hour() {
    let house = house(FORECAST);
    let table = house.predict("model.json", &[]);
    let stations = table.text("station").unwrap();
    assert_eq!(
        (0..table.n_rows())
            .map(|row| stations.get(row))
            .collect::<Vec<_>>(),
        ["a", "late"]
    );
    let time_s = |hour: i64| START_S + hour * HOUR_S;
    assert_eq!(table.time("time").unwrap(), [time_s(99), time_s(96)]);
    assert_eq!(
        table.time("target_time").unwrap(),
        [time_s(123), time_s(120)]
    );
    assert_eq!(table.i16("horizon_h").unwrap(), [24, 24]);
    assert_eq!(table.f32("persistence_ug_m3").unwrap(), [33.0, 33.0]);
    let names = [
        "station",
        "time",
        "horizon_h",
        "target_time",
        "persistence_ug_m3",
        "prediction_ug_m3",
    ];
    assert_eq!(table.names().collect::<Vec<_>>(), names);
    let header = table.header().unwrap();
    assert_eq!(header.inputs.len(), 2);
    assert_eq!(header.facts["not_served"][1]["reason"], "stale");
}

#[test]
fn who_is_not_served_is_said_with_the_reason() {
    let house = house(FORECAST);
    let argv = [
        "--model",
        "model.json",
        "--observations",
        "obs.parquet",
        "--out",
        "f.parquet",
    ];
    let output = house.run(&[&argv[..], &["--format", "json"]].concat());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["rows"], 2);
    assert_eq!(said["unknown_to_the_model"], serde_json::json!(["late"]));
    let reasons = serde_json::json!([
        {"station": "mute", "reason": "no_data", "newest": null},
        {"station": "stale", "reason": "stale", "newest": "2016-07-04T15:00:00Z"},
    ]);
    assert_eq!(said["not_served"], reasons);
    let text = String::from_utf8(house.run(&argv).stdout).unwrap();
    assert!(
        text.starts_with(
            "linear (forecast 24 h ahead): 2 stations served from 2016-07-04T16:00:00Z to"
        ),
        "{text}"
    );
    assert!(text.contains("not served: mute: no usable hour"), "{text}");
    assert!(text.contains("did not learn from it: late"), "{text}");
}

#[test]
fn a_nowcast_needs_no_pm25() {
    let table = house(Task::Nowcast).predict("model.json", &[]);
    let stations = table.text("station").unwrap();
    assert!((0..table.n_rows()).any(|row| stations.get(row) == "mute"));
    assert_eq!(table.i16("horizon_h").unwrap()[0], 0);
    assert_eq!(
        table.time("time").unwrap(),
        table.time("target_time").unwrap()
    );
}

#[test]
fn at_an_hour_everybody_is_asked_for_that_hour() {
    let house = house(FORECAST);
    let table = house.predict("model.json", &["--at", "2016-07-04T02:00:00+08:00"]);
    let times = table.time("time").unwrap();
    assert_eq!(times, vec![START_S + 74 * HOUR_S; times.len()]);
    assert!(3 <= times.len());
}

#[test]
fn stations_may_be_spread_over_files() {
    let house = house(FORECAST);
    let whole = house.predict("model.json", &[]);
    let part = |first: usize, n: usize| {
        let mut part = air();
        for station in &mut part.stations {
            let kept = first.min(station.n_hours())..(first + n).min(station.n_hours());
            station.start_s = station.time_s(kept.start);
            station.values = station
                .values
                .clone()
                .map(|values| values[kept.clone()].to_vec());
            station.flags = station
                .flags
                .clone()
                .map(|flags| flags[kept.clone()].to_vec());
        }
        part
    };
    house.observations("one.parquet", &part(0, 50));
    house.observations("two.parquet", &part(50, 50));
    let argv = [
        "--model",
        "model.json",
        "--out",
        "f.parquet",
        "--observations",
        "two.parquet",
        "one.parquet",
    ];
    let output = house.run(&argv);
    assert!(output.status.success(), "{}", said(&output));
    for column in ["station", "time", "prediction_ug_m3"] {
        assert_eq!(house.forecast().column(column), whole.column(column));
    }
}

#[test]
fn the_same_work_gives_the_same_bytes_and_one_thing_on_standard_output() {
    let bytes = |threads: &str, out: &str| {
        let house = house(FORECAST);
        let argv = [
            "--model",
            "model.json",
            "--observations",
            "obs.parquet",
            "--out",
            out,
            "--threads",
            threads,
        ];
        let output = house.run(&argv);
        if out == "-" {
            output.stdout
        } else {
            std::fs::read(house.path(out)).unwrap()
        }
    };
    assert_eq!(bytes("1", "f.parquet"), bytes("7", "f.parquet"));
    assert_eq!(bytes("2", "-"), bytes("1", "f.parquet"));
}

/// Models and observations that do not fit together.
fn strange_house() -> House {
    let house = house(FORECAST);
    let mut foreign = model(ModelKind::Linear, FORECAST, "pm10,o3", &["a"]);
    foreign.inputs[0].column = "x".into();
    house.model("renamed.json", foreign.clone());
    foreign.inputs[0].expression = "x".into();
    house.model("foreign.json", foreign);
    let mut other = air();
    other.stations[0].values[Quantity::Rain.index()][7] = 1.5;
    house.observations("other.parquet", &other);
    let mut mute = network(vec![air().stations.remove(2)]);
    mute.stations[0].name = "elsewhere".into();
    house.observations("mute.parquet", &mute);
    std::fs::write(house.path("text.parquet"), "PAR1 no").unwrap();
    house
}

#[test]
fn what_cannot_be_served_is_refused_with_its_status_and_a_hint() {
    let house = strange_house();
    let obs = "obs.parquet";
    for (model, observations, more, status, words) in [
        (
            "foreign.json",
            &[obs][..],
            &[][..],
            4,
            "cannot be computed from observations",
        ),
        (
            "renamed.json",
            &[obs],
            &[],
            4,
            "cannot be computed from observations",
        ),
        ("absent.json", &[obs], &[], 4, "there is no such file"),
        (obs, &[obs], &[], 4, "obs.parquet"),
        ("model.json", &["model.json"], &[], 4, "model.json"),
        ("model.json", &["text.parquet"], &[], 4, "text.parquet"),
        ("model.json", &[obs, "other.parquet"], &[], 3, "twice"),
        (
            "model.json",
            &["mute.parquet"],
            &[],
            3,
            "no station could be served: elsewhere: no usable hour",
        ),
        (
            "model.json",
            &[obs],
            &["--at", "2026-01-01T00:00:00Z"],
            3,
            "a: no data at that hour",
        ),
        (
            "model.json",
            &[obs],
            &["--at", "2016-07-04"],
            2,
            "2016-07-04T00:00:00+08:00",
        ),
    ] {
        let argv = [
            &["--model", model, "--out", "f.parquet", "--observations"][..],
            observations,
            more,
        ]
        .concat();
        let output = house.run(&argv);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{argv:?}: {}",
            said(&output)
        );
        assert!(said(&output).contains(words), "{argv:?}: {}", said(&output));
        assert!(!house.path("f.parquet").exists() && output.stdout.is_empty());
    }
}

#[test]
fn a_day_has_bands_and_an_hour_has_none() {
    let day = house(Task::DayMean).predict("model.json", &[]);
    let means = day.f64("prediction_ug_m3").unwrap();
    let (indices, bands) = (day.f32("aqi_us").unwrap(), day.text("band_us").unwrap());
    for row in 0..day.n_rows() {
        let level = pm25_air::aqi::Level::of_number(means[row]).unwrap();
        let reading = pm25_air::aqi::Scale::Us.of_day(level).unwrap();
        assert_eq!(indices[row], reading.index.unwrap() as f32);
        assert_eq!(bands.get(row), reading.band.name);
    }
    assert!(day.names().any(|name| name == "band_who"));
    assert!(
        day.names()
            .all(|name| !name.ends_with("europe") && name != "aqi_who")
    );
    let hour = house(FORECAST).predict("model.json", &[]);
    assert!(
        hour.names()
            .all(|name| !name.starts_with("aqi") && !name.starts_with("band"))
    );
}

#[test]
fn a_calibrated_model_gives_intervals_in_its_table() {
    let house = house(FORECAST);
    let mut sure = model(ModelKind::Linear, FORECAST, "pm10,o3,hour", &["a"]);
    let level = IntervalLevel {
        below_ug_m3: None,
        lower: -5.5,
        upper: 7.25,
        errors: Vec::new(),
    };
    sure.intervals = Some(Intervals {
        coverage: 0.9,
        rows: 10,
        measure: Measure::UgM3,
        levels: vec![level],
    });
    house.model("sure.json", sure);
    let table = house.predict("sure.json", &[]);
    let column = |name: &str| table.f64(name).unwrap().to_vec();
    let ends = column("lower_90_ug_m3")
        .into_iter()
        .zip(column("upper_90_ug_m3"));
    for (prediction, (lower, upper)) in column("prediction_ug_m3").into_iter().zip(ends) {
        assert_eq!((lower, upper), (prediction - 5.5, prediction + 7.25));
    }
}

#[test]
fn a_station_alone_is_not_served_by_a_model_that_looks_at_others() {
    let house = House::new();
    let task = Task::Forecast { horizon_h: 6 };
    let features = "pm25,others_mean(pm25),hour";
    let (a, b) = (station("a", START_S, 60), station("b", START_S, 60));
    house.model(
        "network.json",
        model(ModelKind::Linear, task, features, &["a", "b"]),
    );
    house.model(
        "single.json",
        model(ModelKind::Linear, task, features, &["a"]),
    );
    house.observations("alone.parquet", &network(vec![a.clone()]));
    house.observations("both.parquet", &network(vec![a, b]));
    let asked = |model: &str, observations: &str| {
        let parts = ["--model", model, "--observations", observations];
        let output = house.run(&[&parts[..], &["--out", "f.parquet"]].concat());
        (output.status.code(), said(&output))
    };
    for (model, observations) in [
        ("network.json", "both.parquet"),
        ("single.json", "alone.parquet"),
    ] {
        let (status, said) = asked(model, observations);
        assert_eq!(status, Some(0), "{model} {observations}: {said}");
    }
    let (status, said) = asked("network.json", "alone.parquet");
    assert_eq!(status, Some(3));
    assert!(
        said.contains("a: the model looks at other stations"),
        "{said}"
    );
}
