//! What must hold of every feature: the future stays out, time is counted in hours and not in rows, and the
//! evaluator equals the plainest possible one.

use super::*;
use crate::civil::HOUR_S;
use crate::{Network, Quantity, Station, Task, flag, task};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ops::Range;

const FORECAST: Task = Task::Forecast { horizon_h: 3 };

/// One feature of every kind, and every signal.
const EVERY_KIND: &str = "lag(pm25,1),lag(pm25,5),mean(pm25,4),min(pm25,4),max(pm25,7),std(pm25,4),pm10,lag(no2,2),\
    mean(so2,24),o3,change(co,3),temp,min(temp,3),dewpoint,rh,change(pres,1),rain,max(rain,5),wind,wind_dir,\
    lag(wind_dir,1),wind_u,wind_v,lag(wind_u,1),mean(wind_v,6),change(wind_u,2),sum(rain,5),slope(pm25,6),\
    slope(temp,4),quantile(pm25,8,90),quantile(co,5,25),ewm(pm25,2),ewm(o3,1),since(wind,3,12),since(pm25,75.5,9),\
    ventilation(6),nowcast(pm25),aqi(us),aqi(india),aqi(china),aqi(europe),aqi(who),hour,dayofweek,month,dayofyear,sin(hour),cos(hour),sin(dayofweek),cos(month),sin(dayofyear),trend,station,\
    others_mean(lag(pm25,1)),others_max(mean(pm25,4)),others_min(temp),others_std(pm10),others_mean(change(pres,3)),\
    others_std(quantile(pm25,8,50)),others_max(since(wind,2,8)),others_mean(ewm(pm25,2)),others_min(slope(pm25,5)),\
    others_mean(wind_u),at(\"a\",lag(pm25,1)),at(\"b\",pm10),at(\"c\",mean(temp,6)),at(\"d\",wind_dir),at(\"e\",pm10),others_max(ventilation(6)),others_max(nowcast(pm25)),others_mean(aqi(europe))";

fn set(task: Task, text: &str) -> FeatureSet {
    FeatureSet::parse(task, text).unwrap()
}

/// The sets that properties are checked on: everything, for both tasks, PM2.5 of the hour t where it is allowed.
fn sets() -> Vec<FeatureSet> {
    let forecast = format!(
        "{EVERY_KIND},pm25,change(pm25,1),change(pm25,6),others_mean(pm25),others_std(change(pm25,1)),at(\"a\",pm25),at(\"d\",change(pm25,1))"
    );
    vec![
        set(Task::Nowcast, EVERY_KIND),
        set(FORECAST, &forecast),
        set(Task::Nowcast, "full"),
        set(FORECAST, "full"),
    ]
}

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        2 => Just(f32::NAN),
        1 => Just(0.0_f32),
        1 => Just(-0.0_f32),
        12 => -5.0..400.0_f32,
        1 => any::<f32>().prop_filter("finite", |value| value.is_finite()),
    ]
}

fn flags() -> impl Strategy<Value = u16> {
    prop_oneof![12 => Just(0_u16), 1 => select(flag::ALL.map(|(bit, _)| bit).to_vec())]
}

/// A station with anything in it.
fn station(name: &'static str, n_hours: usize) -> impl Strategy<Value = Station> {
    let values = vec(value(), 13 * n_hours);
    let flags = vec(flags(), 13 * n_hours);
    (values, flags).prop_map(move |(values, flags)| Station {
        values: std::array::from_fn(|q| values[q * n_hours..][..n_hours].to_vec()),
        flags: std::array::from_fn(|q| flags[q * n_hours..][..n_hours].to_vec()),
        ..Station::new(name, START_S, 480)
    })
}

const START_S: i64 = 1_450_000_800;

/// The station that is asked about, with others to both sides of its name.
pub(super) const ASKED: usize = 1;

/// Four stations; their records begin and end at different hours, and the hours of one at another minute.
fn air(n_hours: usize) -> impl Strategy<Value = Network> {
    let clock = select(vec![(0_i64, 480_i16), (1_800, 330), (900, -225)]);
    let early = station("a", n_hours);
    let asked = station("b", n_hours);
    let short = station("c", n_hours / 2);
    let shifted = station("d", n_hours);
    (clock, early, asked, short, shifted).prop_map(
        move |((phase_s, utc_offset_min), mut early, mut asked, mut short, mut shifted)| {
            early.start_s = START_S + phase_s - 7 * HOUR_S;
            asked.start_s = START_S + phase_s;
            short.start_s = START_S + phase_s + 20 * HOUR_S;
            shifted.start_s = START_S + phase_s + 900;
            asked.utc_offset_min = utc_offset_min;
            Network::from_stations(vec![early, asked, short, shifted]).unwrap()
        },
    )
}

/// The same station without its hours that begin before `from_s`.
fn cut_before(station: &Station, from_s: i64) -> Station {
    let missing = (from_s - station.start_s + HOUR_S - 1).div_euclid(HOUR_S);
    let from = usize::try_from(missing).unwrap_or(0).min(station.n_hours());
    Station {
        name: station.name.clone(),
        start_s: station.time_s(from),
        utc_offset_min: station.utc_offset_min,
        values: station
            .values
            .each_ref()
            .map(|values| values[from..].to_vec()),
        flags: station.flags.each_ref().map(|flags| flags[from..].to_vec()),
    }
}

/// One row, computed alone.
fn row(set: &FeatureSet, network: &Network, hour_idx: usize) -> Vec<u32> {
    let time_s = network.stations[ASKED].time_s(hour_idx);
    let scene = Scene::new(set, network, time_s..time_s + HOUR_S);
    let columns = evaluate(&scene, ASKED, Some(2), hour_idx..hour_idx + 1);
    columns.iter().map(|column| column[0].to_bits()).collect()
}

fn one(task: Task, text: &str, station: &Station, hour_idx: usize) -> f32 {
    alone(&set(task, text), station, None, hour_idx..hour_idx + 1)[0][0]
}

/// Features of a station that has no neighbours.
fn alone(
    set: &FeatureSet,
    station: &Station,
    code: Option<u32>,
    hours: Range<usize>,
) -> Vec<Vec<f32>> {
    let network = Network {
        stations: vec![station.clone()],
    };
    evaluate(&Scene::whole(set, &network), 0, code, hours)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is stamped later than t, and in a nowcast PM2.5 of t itself, may become anything, at every station.
    #[test]
    fn the_future_does_not_leak(
        before in air(120), after in air(120), hour_idx in 0..120_usize,
    ) {
        for set in sets() {
            let mut changed = before.clone();
            let time_s = before.stations[ASKED].time_s(hour_idx);
            for (station, after) in changed.stations.iter_mut().zip(&after.stations) {
                for q in Quantity::ALL {
                    let hidden = if q == Quantity::Pm25 { set.task().newest_pm25_h() } else { 0 };
                    let known_s = time_s - i64::from(hidden) * HOUR_S;
                    let from = (0..station.n_hours()).find(|&idx| known_s < station.time_s(idx));
                    let from = from.unwrap_or(station.n_hours());
                    station.values[q.index()][from..].copy_from_slice(&after.values(q)[from..]);
                    station.flags[q.index()][from..].copy_from_slice(&after.flags(q)[from..]);
                }
            }
            prop_assert_eq!(row(&set, &before, hour_idx), row(&set, &changed, hour_idx));
            let persistence = |network: &Network| {
                task::persistence(&network.stations[ASKED], set.task(), hour_idx..hour_idx + 1)[0].to_bits()
            };
            prop_assert_eq!(persistence(&before), persistence(&changed));
        }
    }

    /// What looks at others does not change whatever the station itself has measured, to the last bit.
    #[test]
    fn others_do_not_include_the_station(
        before in air(60), after in air(60), hour_idx in 0..60_usize,
    ) {
        for set in sets() {
            let mut changed = before.clone();
            changed.stations[ASKED].values = after.stations[ASKED].values.clone();
            changed.stations[ASKED].flags = after.stations[ASKED].flags.clone();
            let rows = row(&set, &before, hour_idx).into_iter().zip(row(&set, &changed, hour_idx));
            for (feature, (was, is)) in set.features().iter().zip(rows) {
                if matches!(feature, Feature::Others { .. } | Feature::At { .. }) {
                    prop_assert_eq!(was, is, "{}", feature);
                }
            }
        }
    }

    /// A service that holds only the newest hours computes what the batch computed.
    #[test]
    fn a_row_alone_equals_the_batch(air in air(300), hour_idx in 0..300_usize) {
        for set in sets() {
            let whole = Scene::whole(&set, &air);
            let batch = evaluate(&whole, ASKED, Some(2), 0..air.stations[ASKED].n_hours());
            let batch: Vec<u32> = batch.iter().map(|column| column[hour_idx].to_bits()).collect();
            prop_assert_eq!(&row(&set, &air, hour_idx), &batch);

            // The hour before the history may begin within it at another minute.
            let time_s = air.stations[ASKED].time_s(hour_idx);
            let from_s = time_s - i64::from(set.history_h() + 1) * HOUR_S;
            let short = Network {
                stations: air.stations.iter().map(|station| cut_before(station, from_s)).collect(),
            };
            let hour_idx = short.stations[ASKED].hour_idx(time_s).unwrap();
            prop_assert_eq!(&row(&set, &short, hour_idx), &batch);
        }
    }

    /// The plainest evaluator: one hour at a time, one feature at a time.
    #[test]
    fn the_evaluator_equals_the_oracle(air in air(200), hour_idx in 0..203_usize) {
        for set in sets() {
            let found = row(&set, &air, hour_idx);
            for (feature, found) in set.features().iter().zip(found) {
                let found = f64::from(f32::from_bits(found));
                let expected = oracle::feature(feature, set.task(), &air, hour_idx);
                let is_close = (found - expected).abs() <= 1e-6 * (1.0 + expected.abs());
                prop_assert!(is_close || (found.is_nan() && expected.is_nan()), "{} {} {}", feature, found, expected);
            }
        }
    }
}

/// A station whose PM2.5 is its hour's number.
fn counting(n_hours: usize) -> Station {
    Station {
        values: std::array::from_fn(|_| (0..n_hours).map(|hour_idx| hour_idx as f32).collect()),
        flags: std::array::from_fn(|_| vec![0; n_hours]),
        ..Station::new("a", 1_450_000_800, 480)
    }
}

#[test]
fn lost_hours_make_a_lag_missing_and_do_not_shift_it() {
    let mut station = counting(40);
    station.values[Quantity::Pm25.index()][20..25].fill(f32::NAN);
    for hour_idx in 0..40 {
        let lag = one(FORECAST, "lag(pm25,5)", &station, hour_idx);
        let lost = hour_idx < 5 || (25..30).contains(&hour_idx);
        assert_eq!(lag.is_nan(), lost, "{hour_idx}");
        assert!(lost || lag == (hour_idx - 5) as f32);
    }
}

#[test]
fn a_window_needs_three_quarters_of_its_hours() {
    let mut station = counting(10);
    station.values[Quantity::Pm10.index()][7] = f32::NAN;
    assert_eq!(
        one(FORECAST, "mean(pm10,4)", &station, 9),
        (6.0 + 8.0 + 9.0) / 3.0
    );
    station.flags[Quantity::Pm10.index()][6] = flag::RANGE;
    assert!(one(FORECAST, "mean(pm10,4)", &station, 9).is_nan());
    assert!(one(FORECAST, "mean(pm10,4)", &counting(10), 1).is_nan());
    assert_eq!(one(FORECAST, "mean(pm10,4)", &counting(10), 2), 1.0);
}

#[test]
fn windows_end_at_the_newest_hour_allowed() {
    let station = counting(10);
    assert_eq!(one(FORECAST, "max(pm25,3)", &station, 9), 9.0);
    assert_eq!(one(Task::Nowcast, "max(pm25,3)", &station, 9), 8.0);
    assert_eq!(one(Task::Nowcast, "min(pm25,3)", &station, 9), 6.0);
    assert_eq!(one(Task::Nowcast, "max(pm10,3)", &station, 9), 9.0);
}

#[test]
fn midnight_lies_between_its_neighbours() {
    let station = counting(60);
    let hour_of = |hour_idx: usize| one(FORECAST, "hour", &station, hour_idx);
    let midnight = (1..48).find(|&hour_idx| hour_of(hour_idx) == 0.0).unwrap();
    let hands = |hour_idx| {
        ["sin(hour)", "cos(hour)"].map(|text| f64::from(one(FORECAST, text, &station, hour_idx)))
    };
    let apart = |a: usize, b: usize| {
        let ([sin_a, cos_a], [sin_b, cos_b]) = (hands(a), hands(b));
        (sin_a - sin_b).hypot(cos_a - cos_b)
    };
    let step = apart(midnight, midnight + 1);
    assert!(0.2 < step);
    assert!((apart(midnight + 23, midnight + 24) - step).abs() < 1e-6);
    assert!((apart(midnight, midnight + 12) - 2.0).abs() < 1e-6);
    assert_eq!(hands(midnight), [0.0, 1.0]);
}

#[test]
fn years_and_weeks_close_too() {
    let first_of_january_s = crate::civil::parse_rfc3339("2018-01-01T00:00:00+08:00").unwrap();
    let station = Station {
        start_s: first_of_january_s - 24 * HOUR_S,
        ..counting(72)
    };
    for text in ["dayofyear", "month"] {
        let angle = |hour_idx| {
            let sin = one(FORECAST, &format!("sin({text})"), &station, hour_idx);
            sin.atan2(one(FORECAST, &format!("cos({text})"), &station, hour_idx))
        };
        assert_eq!(angle(24), 0.0, "{text}");
        assert!(angle(23) < 0.0 && -0.53 < angle(23), "{text}");
    }
    assert_eq!(one(FORECAST, "dayofweek", &station, 24), 0.0);
    assert_eq!(one(FORECAST, "dayofweek", &station, 23), 6.0);
}

#[test]
fn the_trend_counts_days_and_knows_no_measurement() {
    let features = set(Task::Nowcast, "trend");
    let measured = counting(49);
    let days = alone(&features, &measured, None, 0..49).remove(0);
    assert_eq!(days[0], (1_450_000_800.0_f64 / 86_400.0) as f32);
    // Two days in 48 hours, and every hour after the one before it, where an f32 has steps of 1/512 day.
    assert_eq!(days[48] - days[0], 2.0);
    assert!(days.windows(2).all(|pair| pair[0] < pair[1]));
    let empty = Station::new("a", 1_450_000_800, 480);
    assert_eq!(alone(&features, &empty, None, 0..49)[0], days);
    assert_eq!(
        (features.history_h(), features.looks_at_others()),
        (0, false)
    );
}

#[test]
fn an_unknown_station_has_no_code() {
    let features = set(FORECAST, "station");
    let code = |code| alone(&features, &counting(3), code, 0..1)[0][0];
    assert_eq!(code(Some(7)), 7.0);
    assert!(code(None).is_nan());
}

#[test]
fn a_row_past_the_newest_hour_has_a_calendar_and_a_history() {
    let columns = alone(
        &set(FORECAST, "pm10,lag(pm10,1),hour"),
        &counting(3),
        None,
        3..5,
    );
    assert!(columns[0].iter().all(|value| value.is_nan()));
    assert_eq!(columns[1][0], 2.0);
    assert!(columns[1][1].is_nan() && !columns[2][1].is_nan());
}

/// Three stations that count hours from 0, from 100 and from 200.
fn three() -> Network {
    let station = |(name, from): (&str, f32)| {
        let mut station = counting(40);
        station.name = name.to_owned();
        for value in station.values.iter_mut().flatten() {
            *value += from;
        }
        station
    };
    Network::from_stations([("a", 0.0), ("b", 100.0), ("c", 200.0)].map(station).into()).unwrap()
}

#[test]
fn others_are_all_stations_but_the_own() {
    let air = three();
    let text = "others_mean(pm25),others_min(pm25),others_max(lag(pm25,2)),others_std(pm25),others_mean(change(pm25,3))";
    let set = set(FORECAST, text);
    let scene = Scene::whole(&set, &air);
    let row = |station_idx| -> Vec<f32> {
        let columns = evaluate(&scene, station_idx, None, 10..11);
        columns.iter().map(|column| column[0]).collect()
    };
    assert_eq!(row(0), [160.0, 110.0, 208.0, 50.0, 3.0]);
    assert_eq!(row(1), [110.0, 10.0, 208.0, 100.0, 3.0]);
    assert_eq!(row(2), [60.0, 10.0, 108.0, 50.0, 3.0]);
}

#[test]
fn what_others_lack_is_left_out_and_who_has_none_has_nothing() {
    let mut air = three();
    air.stations[1].values[Quantity::Pm25.index()][10] = f32::NAN;
    air.stations[2].flags[Quantity::Pm25.index()][10] = flag::RANGE;
    let set = set(
        FORECAST,
        "others_mean(pm25),others_max(pm25),others_std(pm25)",
    );
    let scene = Scene::whole(&set, &air);
    let row = |station_idx, hour_idx: usize| {
        evaluate(&scene, station_idx, None, hour_idx..hour_idx + 1).concat()
    };
    assert!(row(0, 10).iter().all(|value| value.is_nan()));
    assert_eq!(row(1, 10)[..2], [10.0, 10.0]);
    assert!(row(1, 10)[2].is_nan(), "one other does not spread");
    assert_eq!(row(0, 11), [161.0, 211.0, 50.0]);
    assert!(row(0, 40).iter().all(|value| value.is_nan()));
    assert!(one(FORECAST, "others_mean(pm25)", &counting(9), 3).is_nan());
}

#[test]
fn shapes_of_windows_are_what_they_say() {
    let mut station = counting(40);
    assert_eq!(one(FORECAST, "slope(pm25,9)", &station, 20), 1.0);
    assert_eq!(one(FORECAST, "sum(rain,3)", &station, 20), 57.0);
    assert_eq!(one(FORECAST, "quantile(pm25,5,50)", &station, 20), 18.0);
    assert_eq!(one(FORECAST, "quantile(pm25,5,90)", &station, 20), 19.6);
    assert_eq!(one(FORECAST, "since(wind,15,12)", &station, 20), 0.0);
    station.values[Quantity::WindSpeed.index()][18..].fill(1.0);
    assert_eq!(one(FORECAST, "since(wind,15,12)", &station, 20), 3.0);
    assert_eq!(one(FORECAST, "since(wind,15,12)", &station, 28), 11.0);
    assert_eq!(one(FORECAST, "since(wind,15,12)", &station, 29), 12.0);
    assert_eq!(one(FORECAST, "ventilation(4)", &station, 30), 3.0);
    station.values[Quantity::Pm25.index()][..20].fill(10.0);
    station.values[Quantity::Pm25.index()][20..].fill(20.0);
    let risen = one(FORECAST, "ewm(pm25,3)", &station, 22);
    // Half of the weight is newer than three hours, but for the 1/64 that lies before the window.
    assert!(
        (f64::from(risen) - (10.0 + 10.0 * 0.5 * 64.0 / 63.0)).abs() < 1e-5,
        "{risen}"
    );
}
