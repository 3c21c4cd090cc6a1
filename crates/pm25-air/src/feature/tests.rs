//! What must hold of every feature: the future stays out, time is counted in hours and not in rows, and the
//! evaluator equals the plainest possible one.

use super::*;
use crate::civil::{Civil, HOUR_S};
use crate::{Quantity, Station, Task, flag, task};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const FORECAST: Task = Task::Forecast { horizon_h: 3 };

/// One feature of every kind, and every signal.
const EVERY_KIND: &str = "lag(pm25,1),lag(pm25,5),mean(pm25,4),min(pm25,4),max(pm25,7),std(pm25,4),pm10,lag(no2,2),\
    mean(so2,24),o3,change(co,3),temp,min(temp,3),dewpoint,rh,change(pres,1),rain,max(rain,5),wind,wind_dir,\
    lag(wind_dir,1),wind_u,wind_v,lag(wind_u,1),mean(wind_v,6),change(wind_u,2),hour,dayofweek,month,dayofyear,\
    sin(hour),cos(hour),sin(dayofweek),cos(month),sin(dayofyear),station";

fn set(task: Task, text: &str) -> FeatureSet {
    FeatureSet::parse(task, text).unwrap()
}

/// The sets that properties are checked on: everything, for both tasks, PM2.5 of the hour t where it is allowed.
fn sets() -> Vec<FeatureSet> {
    let forecast = format!("{EVERY_KIND},pm25,change(pm25,1),change(pm25,6)");
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
        8 => -5.0..400.0_f32,
        1 => any::<f32>().prop_filter("finite", |value| value.is_finite()),
    ]
}

fn flags() -> impl Strategy<Value = u16> {
    prop_oneof![8 => Just(0_u16), 1 => select(flag::ALL.map(|(bit, _)| bit).to_vec())]
}

/// A station with anything in it.
fn station(n_hours: usize) -> impl Strategy<Value = Station> {
    let clock = select(vec![(0_i64, 480_i16), (1_800, 330), (900, -225)]);
    let values = vec(value(), 13 * n_hours);
    let flags = vec(flags(), 13 * n_hours);
    (clock, values, flags).prop_map(move |((phase_s, utc_offset_min), values, flags)| Station {
        values: std::array::from_fn(|q| values[q * n_hours..][..n_hours].to_vec()),
        flags: std::array::from_fn(|q| flags[q * n_hours..][..n_hours].to_vec()),
        ..Station::new("a", 1_450_000_800 + phase_s, utc_offset_min)
    })
}

/// The same station without its hours before `from`.
fn cut_before(station: &Station, from: usize) -> Station {
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

fn row(set: &FeatureSet, station: &Station, hour_idx: usize) -> Vec<u32> {
    let columns = evaluate(set, station, Some(2), hour_idx..hour_idx + 1);
    columns.iter().map(|column| column[0].to_bits()).collect()
}

fn one(task: Task, text: &str, station: &Station, hour_idx: usize) -> f32 {
    evaluate(&set(task, text), station, None, hour_idx..hour_idx + 1)[0][0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is stamped later than t, and in a nowcast PM2.5 of t itself, may become anything.
    #[test]
    fn the_future_does_not_leak(
        before in station(120), after in station(120), hour_idx in 0..120_usize,
    ) {
        for set in sets() {
            let mut changed = before.clone();
            for q in Quantity::ALL {
                let hidden = if q == Quantity::Pm25 { set.task().newest_pm25_h() } else { 0 };
                let from = hour_idx + 1 - usize::from(hidden);
                changed.values[q.index()][from..].copy_from_slice(&after.values(q)[from..]);
                changed.flags[q.index()][from..].copy_from_slice(&after.flags(q)[from..]);
            }
            prop_assert_eq!(row(&set, &before, hour_idx), row(&set, &changed, hour_idx));
            let persistence = |station| task::persistence(station, set.task(), hour_idx..hour_idx + 1)[0].to_bits();
            prop_assert_eq!(persistence(&before), persistence(&changed));
        }
    }

    /// A service that holds only the newest hours computes what the batch computed.
    #[test]
    fn a_row_alone_equals_the_batch(station in station(400), hour_idx in 0..400_usize) {
        for set in sets() {
            let batch = evaluate(&set, &station, Some(2), 0..station.n_hours());
            let batch: Vec<u32> = batch.iter().map(|column| column[hour_idx].to_bits()).collect();
            prop_assert_eq!(&row(&set, &station, hour_idx), &batch);

            let from = hour_idx.saturating_sub(usize::from(set.history_h()));
            let short = cut_before(&station, from);
            prop_assert_eq!(&row(&set, &short, hour_idx - from), &batch);
        }
    }

    /// The plainest evaluator: one hour at a time, one feature at a time.
    #[test]
    fn the_evaluator_equals_the_oracle(station in station(300), hour_idx in 0..300_usize) {
        for set in sets() {
            let found = row(&set, &station, hour_idx);
            for (feature, found) in set.features().iter().zip(found) {
                let expected = oracle::feature(*feature, set.task(), &station, hour_idx);
                prop_assert_eq!(f32::from_bits(found).to_bits(), expected.to_bits(), "{}", feature);
            }
        }
    }
}

mod oracle {
    use super::*;

    pub(super) fn feature(feature: Feature, task: Task, station: &Station, t: usize) -> f32 {
        let civil = Civil::of(station.time_s(t), station.utc_offset_min);
        let reading = |hand| match hand {
            Calendar::Hour => f64::from(civil.hour),
            Calendar::DayOfWeek => f64::from(civil.dayofweek),
            Calendar::Month => f64::from(civil.month),
            Calendar::DayOfYear => f64::from(civil.dayofyear),
        };
        let missing = f32::NAN;
        match feature {
            Feature::Value { signal, lag_h } => value(signal, station, t, lag_h).unwrap_or(missing),
            Feature::Change { signal, hours } => {
                let change =
                    || Some(value(signal, station, t, 0)? - value(signal, station, t, hours)?);
                change()
                    .filter(|change| change.is_finite())
                    .unwrap_or(missing)
            }
            Feature::Window {
                stat,
                signal,
                hours,
            } => {
                let end_h = if signal == Signal::Measured(Quantity::Pm25) && task == Task::Nowcast {
                    1
                } else {
                    0
                };
                let seen: Vec<f32> = (end_h..end_h + hours)
                    .rev()
                    .filter_map(|lag_h| value(signal, station, t, lag_h))
                    .collect();
                let complete = 0.75 * f64::from(hours) <= seen.len() as f64;
                if complete {
                    reduce(stat, &seen)
                } else {
                    missing
                }
            }
            Feature::Calendar(hand) => reading(hand) as f32,
            Feature::Cycle { wave, of } => {
                let turns = match of {
                    Calendar::Hour => reading(of) / 24.0,
                    Calendar::DayOfWeek => reading(of) / 7.0,
                    Calendar::Month => (reading(of) - 1.0) / 12.0,
                    Calendar::DayOfYear => (reading(of) - 1.0) / 365.25,
                };
                let angle = std::f64::consts::TAU * turns;
                let exact = if wave == Wave::Sin {
                    libm::sin(angle)
                } else {
                    libm::cos(angle)
                } as f32;
                // The order of multiplication and division may differ in the last bit of the angle.
                let found = row(&FeatureSet::new(task, vec![feature]).unwrap(), station, t)[0];
                assert!((f32::from_bits(found) - exact).abs() <= 1e-6);
                f32::from_bits(found)
            }
            Feature::Station => 2.0,
        }
    }

    /// The signal `lag_h` before t, unless it is off the grid, missing or doubtful.
    fn value(signal: Signal, station: &Station, t: usize, lag_h: u16) -> Option<f32> {
        let hour_idx = t.checked_sub(usize::from(lag_h))?;
        let seen = |q: Quantity| {
            let doubtful = station.flags(q)[hour_idx] & flag::HIDES_FEATURE != 0;
            let value = station.values(q)[hour_idx];
            (!doubtful && !value.is_nan()).then_some(value)
        };
        let wind = |component: fn(f64) -> f64| {
            let speed = seen(Quantity::WindSpeed)?;
            if speed == 0.0 {
                return Some(0.0);
            }
            let from = f64::from(seen(Quantity::WindDir)?);
            Some((-f64::from(speed) * component(from.to_radians())) as f32)
        };
        match signal {
            Signal::Measured(q) => seen(q),
            Signal::WindU => wind(libm::sin),
            Signal::WindV => wind(libm::cos),
        }
    }

    fn reduce(stat: WindowStat, seen: &[f32]) -> f32 {
        let n = seen.len() as f64;
        let mut sum = 0.0;
        for &value in seen {
            sum += f64::from(value);
        }
        let mean = sum / n;
        match stat {
            WindowStat::Mean => mean as f32,
            WindowStat::Min => seen
                .iter()
                .copied()
                .reduce(|a, b| if b < a { b } else { a })
                .unwrap(),
            WindowStat::Max => seen
                .iter()
                .copied()
                .reduce(|a, b| if a < b { b } else { a })
                .unwrap(),
            WindowStat::Std => {
                let mut squares = 0.0;
                for &value in seen {
                    squares += (f64::from(value) - mean) * (f64::from(value) - mean);
                }
                (squares / n).sqrt() as f32
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
    station.flags[Quantity::Pm10.index()][6] = flag::FLATLINE;
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
fn an_unknown_station_has_no_code() {
    let features = set(FORECAST, "station");
    let code = |code| evaluate(&features, &counting(3), code, 0..1)[0][0];
    assert_eq!(code(Some(7)), 7.0);
    assert!(code(None).is_nan());
}

#[test]
fn a_row_past_the_newest_hour_has_a_calendar_and_a_history() {
    let columns = evaluate(
        &set(FORECAST, "pm10,lag(pm10,1),hour"),
        &counting(3),
        None,
        3..5,
    );
    assert!(columns[0].iter().all(|value| value.is_nan()));
    assert_eq!(columns[1][0], 2.0);
    assert!(columns[1][1].is_nan() && !columns[2][1].is_nan());
}
