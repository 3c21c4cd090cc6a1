//! A served prediction is the model's prediction, to the last bit.

use pm25_air::feature::{Scene, evaluate};
use pm25_air::{FeatureSet, Network, Quantity, Station, Task, task};
use pm25_artifact::model::online::{KnownHour, Stamp};
use pm25_artifact::model::{
    Blend, Expected, Heads, HeadsBase, IntervalLevel, Intervals, Measure, Model, ModelKind,
    OnlineState, Part, PartModel, Rows, Said,
};
use pm25_learn::Columns;
use pm25_learn::tree::{BoostParams, Ensemble, ForestParams, Link, fit_boost, fit_forest};
use serde_json::{Map, Value, json};

use super::http::{Client, post};
use super::kit::{FORECAST, STATIONS, Site, classic, forecast, model, own};

/// Numbers without a pattern, the same each time (a linear congruential generator, Knuth's MMIX constants).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

fn served(body: &[u8]) -> Vec<u64> {
    let json: Value = serde_json::from_slice(body).unwrap();
    let rows = json["predictions"]
        .as_array()
        .unwrap_or_else(|| panic!("{json}"));
    rows.iter()
        .map(|row| row["prediction_ug_m3"].as_f64().unwrap().to_bits())
        .collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Six columns of possible values, some missing.
fn columns(n_rows: usize) -> Vec<Vec<f32>> {
    let mut chance = Chance(7);
    let mut column = |scale: f32, whole: bool| -> Vec<f32> {
        let value = |_| match chance.next() {
            share if share < 0.1 => f32::NAN,
            share if whole => (share * scale).floor() + 1.0,
            share => share * scale,
        };
        (0..n_rows).map(value).collect()
    };
    vec![
        column(900.0, false),
        column(300.0, false),
        column(20.0, false),
        column(22.0, true),
        column(5.0, true),
        column(11.0, true),
    ]
}

fn number(value: f32) -> Value {
    if value.is_nan() {
        Value::Null
    } else {
        value.to_string().parse::<f64>().unwrap().into()
    }
}

/// The classic model as each kind, a booster with a log link and a blend with a part that learned roots; trees are grown on the rows that will be asked about.
fn classic_as(kind: ModelKind, columns: &[Vec<f32>]) -> Model {
    let x = Columns::new(
        columns.iter().map(Vec::as_slice).collect(),
        columns[0].len(),
    );
    let y: Vec<f32> = columns[0]
        .iter()
        .map(|value| value.max(0.0).sqrt() * 3.7)
        .collect();
    let few = [("n_estimators".to_owned(), "12".to_owned())];
    let boost = |objective: &str| {
        let mut said = few.to_vec();
        said.push(("objective".to_owned(), objective.to_owned()));
        let params = BoostParams::from_pairs(&said).unwrap();
        fit_boost(&x, &y, None, &params, &|_| ()).ensemble
    };
    let roots = || Ensemble {
        link: Link::Sqrt { spread: 1.5 },
        ..boost("reg:squarederror")
    };
    let trees = match kind {
        ModelKind::Forest => {
            let params = ForestParams::from_pairs(&few).unwrap();
            Some(fit_forest(&x, &y, &params, &|_| ()).ensemble)
        }
        ModelKind::Boost => Some(boost("count:poisson")),
        _ => None,
    };
    let part = |weight, reference_share, model| Part {
        name: "part".to_owned(),
        weight,
        reference_share,
        model,
    };
    let blend = (kind == ModelKind::Blend).then(|| Blend {
        parts: vec![
            part(0.3, 0.0, PartModel::Linear(classic().linear)),
            part(0.6, 0.5, PartModel::Trees(roots())),
        ],
        reference_weight: 0.1,
        reference_mean_ug_m3: 70.0,
    });
    Model {
        kind,
        trees,
        blend,
        ..classic()
    }
}

#[test]
fn a_thousand_rows_are_predicted_as_in_a_batch() {
    const N_ROWS: usize = 1_000;
    let columns = columns(N_ROWS);
    let words = STATIONS.map(|(name, _)| name.to_owned());
    let codes: Vec<u32> = (0..N_ROWS as u32).map(|row_idx| row_idx % 2).collect();
    let time_s: Vec<i64> = (0..N_ROWS as i64)
        .map(|row_idx| 1_730_000_000 / 3600 * 3600 + row_idx * 3600)
        .collect();
    // Somewhat missing, and possible as PM2.5.
    let persistence = &columns[1];
    for kind in ModelKind::ALL {
        let model = classic_as(kind, &columns);
        let rows = Rows {
            station: Some((&words, &codes)),
            time_s: Some(&time_s),
            persistence_ug_m3: Some(persistence),
            features: columns.iter().map(Vec::as_slice).collect(),
            n_rows: N_ROWS,
        };
        let wanted = bits(&model.predict(&rows));
        let row = |row_idx: usize| {
            let fields = model.inputs.iter().zip(&columns);
            let mut row: Map<String, Value> = fields
                .map(|(input, column)| (input.column.clone(), number(column[row_idx])))
                .collect();
            let station = &words[codes[row_idx] as usize];
            row.insert("station".to_owned(), station.as_str().into());
            let time = pm25_air::civil::format_utc(time_s[row_idx]);
            row.insert("time".to_owned(), time.into());
            row.insert("persistence_ug_m3".to_owned(), number(persistence[row_idx]));
            Value::Object(row)
        };
        let json: Vec<Value> = (0..N_ROWS).map(row).collect();
        as_one_request_and_row_by_row(&Site::of(model.clone()), &json, &wanted);
    }
}

fn as_one_request_and_row_by_row(site: &Site, rows: &[Value], wanted: &[u64]) {
    let whole = json!({"rows": rows}).to_string();
    let answer = post(site.listen, "/v1/predict", whole);
    assert_eq!(served(&answer.body), wanted);
    let mut client = Client::to(site.listen);
    for (row, wanted) in rows.iter().zip(wanted) {
        let body = json!({"rows": [row]}).to_string();
        let answer = client.ask("POST", "/v1/predict", body.as_bytes());
        assert_eq!(served(&answer.body), [*wanted]);
    }
}

/// A station of three weeks with holes.
fn station(name: &str, utc_offset_min: i16) -> Station {
    const N_HOURS: usize = 21 * 24;
    let mut chance = Chance(11 + name.len() as u64);
    let mut station = Station::new(name, 1_730_000_000 / 3600 * 3600 + 1800, utc_offset_min);
    for quantity in Quantity::ALL {
        let (min, max) = (
            quantity.possible().start().max(0.0),
            quantity.possible().end() / 20.0,
        );
        let min = min.min(max);
        let value = |_: usize| match chance.next() {
            share if share < 0.1 => f32::NAN,
            share => min + share * (max - min),
        };
        let column: Vec<f32> = (0..N_HOURS).map(value).collect();
        // What is impossible by this simple recipe is missing.
        let possible = |value: f32| {
            if quantity.possible().contains(&value) {
                value
            } else {
                f32::NAN
            }
        };
        station.values[quantity.index()] = column.into_iter().map(possible).collect();
        station.flags[quantity.index()] = vec![0; N_HOURS];
    }
    station
}

fn observations(station: &Station) -> Value {
    let hour = |hour_idx: usize| {
        let mut hour = Map::new();
        let time = pm25_air::civil::format_at(station.time_s(hour_idx), station.utc_offset_min);
        hour.insert("time".to_owned(), time.into());
        for quantity in Quantity::ALL {
            hour.insert(
                quantity.short().to_owned(),
                number(station.values(quantity)[hour_idx]),
            );
        }
        Value::Object(hour)
    };
    (0..station.n_hours()).map(hour).collect()
}

/// The batch over the whole record of a network, at one hour of the station with that name.
fn batch(model: &Model, set: &FeatureSet, network: &Network, name: &str, hour_idx: usize) -> u64 {
    let code = STATIONS
        .iter()
        .position(|(known, _)| *known == name)
        .map(|code| code as u32);
    let is_asked = |station: &Station| station.name == name;
    let station_idx = network.stations.iter().position(is_asked).unwrap();
    let station = &network.stations[station_idx];
    let row = hour_idx..hour_idx + 1;
    let columns = evaluate(&Scene::whole(set, network), station_idx, code, row.clone());
    let persistence = task::persistence(station, set.task(), row);
    let words = [station.name.clone()];
    let rows = Rows {
        station: Some((&words, &[0])),
        time_s: Some(&[station.time_s(hour_idx)]),
        persistence_ug_m3: Some(&persistence),
        features: columns.iter().map(Vec::as_slice).collect(),
        n_rows: 1,
    };
    model.predict(&rows)[0].to_bits()
}

fn alone(station: &Station) -> Network {
    Network {
        stations: vec![station.clone()],
    }
}

#[test]
fn observations_are_predicted_as_in_a_batch() {
    let nowcast = model(Task::Nowcast, &own(Task::Nowcast), ModelKind::Linear);
    let persistence = model(Task::Nowcast, "hour", ModelKind::Persistence);
    let climatology = model(FORECAST, "hour", ModelKind::Climatology);
    let day = model(Task::DayMean, &own(Task::DayMean), ModelKind::Linear);
    let day_before = model(Task::DayMean, "hour", ModelKind::Persistence);
    for model in [
        forecast(),
        nowcast,
        persistence,
        climatology,
        day,
        day_before,
    ] {
        let features: Vec<&str> = model
            .inputs
            .iter()
            .map(|input| input.expression.as_str())
            .collect();
        let set = FeatureSet::parse(model.task.into(), &features.join(",")).unwrap();
        let site = Site::of(model.clone());
        for (name, utc_offset_min) in [STATIONS[1], ("Elsewhere", -210)] {
            let station = station(name, utc_offset_min);
            let observations = observations(&station);
            for hour_idx in [200, 260, station.n_hours() - 1] {
                let at = pm25_air::civil::format_utc(station.time_s(hour_idx));
                let request = json!({"station": name, "utc_offset_min": utc_offset_min, "at": at, "observations": observations});
                let answer = post(site.listen, "/v1/predict", request.to_string());
                assert_eq!(
                    served(&answer.body),
                    [batch(&model, &set, &alone(&station), name, hour_idx)],
                    "{name} {hour_idx}"
                );
            }
        }
    }
}

#[test]
fn neighbours_that_are_sent_are_looked_at_as_in_a_batch() {
    let features = "pm25,others_mean(pm25),others_max(change(pm25,1)),others_std(mean(pm10,24)),others_min(temp),at(\"Zoo\",pm10)";
    let model = model(FORECAST, features, ModelKind::Linear);
    let set = FeatureSet::parse(FORECAST, features).unwrap();
    let site = Site::of(model.clone());
    let own = station(STATIONS[1].0, STATIONS[1].1);
    let mut shifted = station("Elsewhere, at other minutes", 0);
    shifted.start_s += 900 - 5 * 3600;
    let others = [station("A first", 330), shifted, station("Zoo", 330)];
    let stations = others.iter().cloned().chain([own.clone()]).collect();
    let network = Network::from_stations(stations).unwrap();
    let sent: Vec<Value> = others
        .iter()
        .map(|other| json!({"station": other.name, "observations": observations(other)}))
        .collect();
    for hour_idx in [30, 200, own.n_hours() - 1] {
        let at = pm25_air::civil::format_utc(own.time_s(hour_idx));
        let mut request =
            json!({"station": own.name, "at": at, "observations": observations(&own)});
        request["others"] = sent.clone().into();
        let with_all = served(&post(site.listen, "/v1/predict", request.to_string()).body);
        assert_eq!(
            with_all,
            [batch(&model, &set, &network, &own.name, hour_idx)]
        );
        let long_ago = json!([{"time": "1990-01-01T00:00:00Z", "pm25": 5.0}]);
        let silent = json!([{"station": "Silent", "observations": long_ago}]);
        for others in [json!([]), silent] {
            request["others"] = others;
            let answer = post(site.listen, "/v1/predict", request.to_string());
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(
                (answer.status, &problem["pointer"]),
                (422, &json!("/others")),
                "{problem}"
            );
        }
    }
    // Rows are what somebody else computed: they are answered, and the answer says what it is worth.
    let row = |others: Value| -> Value {
        let mut row = json!({});
        for input in &model.inputs {
            let is_of_others = input.expression.starts_with("others_");
            row[&input.column] = if is_of_others {
                others.clone()
            } else {
                json!(1.0)
            };
        }
        let body = json!({"rows": [row]}).to_string();
        serde_json::from_slice(&post(site.listen, "/v1/predict", body).body).unwrap()
    };
    assert!(row(json!(1.0))["predictions"][0]["warning"].is_null());
    assert!(row(Value::Null)["predictions"][0]["warning"].is_string());
}

#[test]
fn a_forecast_starts_from_the_newest_pm25() {
    let site = Site::of(forecast());
    let asked = |hours: Value, at: Option<&str>| {
        let mut request = json!({"station": STATIONS[0].0, "observations": hours});
        if let Some(at) = at {
            request["at"] = at.into();
        }
        let answer = post(site.listen, "/v1/predict", request.to_string());
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, body)
    };
    let (five, six) = ("2024-11-06T05:00:00Z", "2024-11-06T06:00:00Z");
    let late = json!([{"time": five, "pm25": 50.0}, {"time": six, "pm10": 70.0}]);
    assert_eq!(asked(late.clone(), None).1["predictions"][0]["time"], five);
    assert_eq!(asked(late, Some(six)).1["predictions"][0]["time"], six);
    let (status, problem) = asked(json!([{"time": six, "pm10": 70.0}]), None);
    assert_eq!(
        (status, &problem["field"]),
        (422, &json!("observations")),
        "{problem}"
    );
}

#[test]
fn neighbours_that_contradict_are_refused_by_place() {
    let site = Site::of(forecast());
    let hours = json!([{"time": "2024-11-06T05:00:00Z", "pm25": 50.0}]);
    let twice = json!([{"time": "2024-11-06T05:00:00Z"}, {"time": "2024-11-06T05:00:00Z"}]);
    let refused = |others: Value| -> Value {
        let request = json!({"station": STATIONS[0].0, "observations": hours, "others": others});
        let answer = post(site.listen, "/v1/predict", request.to_string());
        assert_ne!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    };
    let own = refused(json!([{"station": STATIONS[0].0, "observations": hours}]));
    assert_eq!(
        (&own["status"], &own["pointer"]),
        (&json!(422), &json!("/others"))
    );
    let hour = refused(
        json!([{"station": "b", "observations": hours}, {"station": "c", "observations": twice}]),
    );
    assert_eq!(
        (&hour["status"], &hour["pointer"]),
        (&json!(422), &json!("/others/1"))
    );
    let nameless = refused(json!([{"observations": hours}]));
    assert_eq!(nameless["field"], "station");
    let clock = refused(json!([{"station": "b", "utc_offset_min": 0, "observations": hours}]));
    assert_eq!(clock["status"], 422);
    assert_eq!(
        refused(json!([{"station": "b", "observations": []}]))["status"],
        422
    );
}

#[test]
fn a_day_is_judged_by_scales_and_an_hour_is_not() {
    let answer = |task: Task| -> Value {
        let site = Site::of(model(task, "pm10", ModelKind::Linear));
        let request = json!({"rows": [{"pm10_ug_m3": 80.0}]});
        let answer = post(site.listen, "/v1/predict", request.to_string());
        serde_json::from_slice(&answer.body).unwrap()
    };
    let day = &answer(Task::DayMean)["predictions"][0];
    let mean = day["prediction_ug_m3"].as_f64().unwrap();
    let level = pm25_air::aqi::Level::of_number(mean).unwrap();
    let india = pm25_air::aqi::Scale::India.of_day(level).unwrap();
    assert_eq!(
        day["scales"]["india"],
        json!({"band": india.band.name, "index": india.index})
    );
    assert!(day["scales"]["who"]["index"].is_null() && day["scales"]["europe"].is_null());
    assert!(answer(FORECAST)["predictions"][0]["scales"].is_null());
}

fn plain(prediction_ug_m3: f64) -> Said {
    Said::plain(prediction_ug_m3)
}

#[test]
fn intervals_follow_the_state_that_batch_and_service_share() {
    let begin = Stamp(1_488_290_400); // 2017-02-28T14:00:00Z
    let state = OnlineState {
        known_until: begin,
        issued_until: Stamp(begin.0 - 24 * 3600),
        window_h: 48,
        prior_h: 5,
        prior: (0..100).map(|i| i * 10).collect(),
        hours: (0..40)
            .map(|hour| KnownHour {
                issued: Stamp(begin.0 - (63 - hour) * 3600),
                scores: vec![-700, 500, 1900],
            })
            .collect(),
    };
    let intervals = Intervals {
        coverage: 0.9,
        rows: 100,
        measure: Measure::UgM3,
        levels: vec![IntervalLevel {
            below_ug_m3: None,
            lower: -10.0,
            upper: 10.0,
            errors: Vec::new(),
        }],
    };
    let mut sure = model(FORECAST, "pm10", ModelKind::Linear);
    sure.intervals = Some(intervals.clone());
    let site = Site::remembering(sure, state.clone());
    let times = [
        begin.0 - 3600,
        begin.0,
        begin.0 + 30 * 3600,
        begin.0 + 500 * 3600,
    ];
    let rows: Vec<Value> = times
        .iter()
        .map(|t| json!({"pm10_ug_m3": 80.0, "time": Stamp(*t).to_string()}))
        .collect();
    let answer = post(
        site.listen,
        "/v1/predict",
        json!({"rows": rows}).to_string(),
    );
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let value = answer["predictions"][0]["prediction_ug_m3"]
        .as_f64()
        .unwrap();
    let asked = times.map(|time_s| (time_s, plain(value)));
    let (batch, _) = state.follow((&intervals, FORECAST), Vec::new(), &asked);
    for (row, [lower, upper]) in batch.iter().enumerate() {
        let said = &answer["predictions"][row];
        let served = (&said["lower_90_ug_m3"], &said["upper_90_ug_m3"]);
        assert_eq!(served, (&json!(lower), &json!(upper)), "row {row}");
    }
    assert_eq!(
        batch[0][1],
        value + 10.0,
        "older than the state: the model's own"
    );
    assert!(
        batch[3][1] < batch[2][1] && batch[2][1] <= batch[1][1],
        "{batch:?}"
    );
    assert_eq!(batch[1][1], value + 28.0);
}

#[test]
fn intervals_between_heads_are_those_of_the_batch() {
    let constant = |base| Ensemble {
        base,
        scale: 1.0,
        link: Link::Identity,
        trees: Vec::new().into(),
    };
    let mut sure = model(FORECAST, "pm10", ModelKind::Linear);
    sure.spread = Some(Expected::Heads(Heads {
        base: HeadsBase::Linear,
        ends: [-20.0, 35.5].map(constant),
    }));
    sure.intervals = Some(Intervals {
        coverage: 0.9,
        rows: 100,
        measure: Measure::Heads,
        levels: vec![IntervalLevel {
            below_ug_m3: None,
            lower: -1.25,
            upper: 1.5,
            errors: Vec::new(),
        }],
    });
    let begin = Stamp(1_488_290_400);
    let state = OnlineState {
        known_until: begin,
        issued_until: begin,
        window_h: 48,
        prior_h: 5,
        prior: (0..100).map(|i| i * 8).collect(),
        hours: Vec::new(),
    };
    let rows = Rows {
        station: None,
        time_s: Some(&[begin.0]),
        persistence_ug_m3: None,
        features: vec![&[80.0]],
        n_rows: 1,
    };
    let said = sure.said(&rows, &sure.predict(&rows))[0];
    let intervals = sure.intervals.clone().unwrap();
    let fixed = intervals.around_one(said);
    let (followed, _) = state.follow((&intervals, FORECAST), Vec::new(), &[(begin.0, said)]);
    let row = json!({"pm10_ug_m3": 80.0, "time": begin.to_string()});
    let body = json!({"rows": [row]}).to_string();
    for (site, ends) in [
        (Site::of(sure.clone()), fixed),
        (Site::remembering(sure, state), followed[0]),
    ] {
        let answer = post(site.listen, "/v1/predict", body.clone());
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let served = &answer["predictions"][0];
        let served = [&served["lower_90_ug_m3"], &served["upper_90_ug_m3"]];
        assert_eq!(served, [&json!(ends[0]), &json!(ends[1])]);
    }
    assert_ne!(fixed, followed[0]);
    assert_eq!(said.spread_ug_m3, 27.75);
}

#[test]
fn a_calibrated_model_says_how_sure_it_is() {
    let level = |below_ug_m3, lower, upper| IntervalLevel {
        below_ug_m3,
        lower,
        upper,
        errors: Vec::new(),
    };
    let mut sure = model(FORECAST, "pm10", ModelKind::Linear);
    sure.intervals = Some(Intervals {
        coverage: 0.9,
        rows: 100,
        measure: Measure::UgM3,
        levels: vec![level(Some(60.0), -9.25, 20.5), level(None, -33.0, 41.0)],
    });
    let ends = |pm10: f64| -> Value {
        let site = Site::of(sure.clone());
        let request = json!({"rows": [{"pm10_ug_m3": pm10}]});
        let answer = post(site.listen, "/v1/predict", request.to_string());
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["predictions"][0].clone()
    };
    for pm10 in [0.0, 80.0, 500.0] {
        let said = ends(pm10);
        let value = said["prediction_ug_m3"].as_f64().unwrap();
        let [lower, upper] = sure.intervals.as_ref().unwrap().around_one(plain(value));
        assert_eq!(
            (&said["lower_90_ug_m3"], &said["upper_90_ug_m3"]),
            (&json!(lower), &json!(upper))
        );
    }
}
