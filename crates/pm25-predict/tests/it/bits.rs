//! One row alone and the same row among many: the same bits.

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Task};
use pm25_artifact::model::{Model, ModelKind, Rows};

use super::house::{House, model, network, station};

const START_S: i64 = 1_467_302_400;
const N_HOURS: usize = 300;

/// What a batch over the whole record says of every hour of a station.
fn batch(model: &Model, network: &Network, at: usize, task: Task) -> Vec<f64> {
    let station = &network.stations[at];
    let expressions: Vec<&str> = model
        .inputs()
        .iter()
        .map(|input| input.expression.as_str())
        .collect();
    let features = FeatureSet::parse(task, &expressions.join(",")).unwrap();
    let code = model
        .stations()
        .iter()
        .position(|known| known.name == station.name);
    let n_hours = station.n_hours();
    let scene = Scene::whole(&features, network);
    let columns = evaluate(&scene, at, code.map(|code| code as u32), 0..n_hours);
    let times: Vec<i64> = (0..n_hours).map(|hour| station.time_s(hour)).collect();
    model.predict(&Rows {
        station: Some((std::slice::from_ref(&station.name), &vec![0; n_hours])),
        time_s: Some(&times),
        persistence_ug_m3: Some(&persistence(station, task, 0..n_hours)),
        features: columns.iter().map(Vec::as_slice).collect(),
        n_rows: n_hours,
    })
}

#[test]
fn a_row_alone_is_the_row_of_the_batch() {
    let network = network(vec![
        station("a", START_S, N_HOURS),
        station("b", START_S, N_HOURS),
        station("stranger", START_S, N_HOURS),
    ]);
    for (kind, task, features) in [
        (ModelKind::Linear, Task::Forecast { horizon_h: 24 }, "full"),
        (
            ModelKind::Linear,
            Task::Forecast { horizon_h: 6 },
            "others_mean(pm25),others_max(change(pm25,1)),others_std(mean(pm25,24)),pm10,at(\"b\",pm25)",
        ),
        (ModelKind::Linear, Task::DayMean, "full"),
        (ModelKind::Persistence, Task::DayMean, "pm25"),
        (ModelKind::Linear, Task::Nowcast, "full"),
        (ModelKind::Linear, Task::Nowcast, "classic"),
        (
            ModelKind::Persistence,
            Task::Forecast { horizon_h: 1 },
            "pm25",
        ),
        (
            ModelKind::Climatology,
            Task::Forecast { horizon_h: 720 },
            "pm25",
        ),
    ] {
        let house = House::new();
        house.observations("obs.parquet", &network);
        let model = model(kind, task, features, &["a", "b"]);
        house.model("model.json", model.clone());
        let batches: Vec<Vec<f64>> = (0..3).map(|at| batch(&model, &network, at, task)).collect();
        for hour in [0, 1, 23, 24, 100, 167, 168, 200, 299] {
            let at = format_utc(START_S + hour as i64 * HOUR_S);
            let table = house.predict("model.json", &["--at", &at]);
            let stations = table.text("station").unwrap();
            for (row, prediction) in table.f64("prediction_ug_m3").unwrap().iter().enumerate() {
                let at = ["a", "b", "stranger"]
                    .iter()
                    .position(|name| *name == stations.get(row))
                    .unwrap();
                assert_eq!(
                    prediction.to_bits(),
                    batches[at][hour].to_bits(),
                    "{kind} {features} hour {hour}"
                );
            }
            assert!(2 <= table.n_rows(), "{kind} {features} hour {hour}");
        }
    }
}

#[test]
fn nothing_later_than_the_hour_changes_a_forecast() {
    let mut network = network(vec![station("a", START_S, N_HOURS)]);
    let house = House::new();
    house.model(
        "model.json",
        model(
            ModelKind::Linear,
            Task::Forecast { horizon_h: 6 },
            "full",
            &["a"],
        ),
    );
    let at = format_utc(START_S + 200 * HOUR_S);
    let mut bits = |change: f32| {
        let pm25 = &mut network.stations[0].values[0];
        pm25[201..].iter_mut().for_each(|value| *value += change);
        house.observations("obs.parquet", &network);
        house
            .predict("model.json", &["--at", &at])
            .f64("prediction_ug_m3")
            .unwrap()[0]
            .to_bits()
    };
    assert_eq!(bits(0.0), bits(7.0));
}
