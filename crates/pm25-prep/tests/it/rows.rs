//! Which rows there are, what is in them, and that every row read is accounted for.

use crate::world::{World, counting, cut, from_hour, pm25, pm25_flags};
use pm25_air::flag;
use pm25_artifact::prep::{RowCounts, TaskFact};

fn adds_up(rows: &RowCounts) -> bool {
    rows.read + rows.gap == rows.train + rows.valid + rows.test + rows.dropped.total()
}

#[test]
fn a_forecast_row_knows_its_hour_and_asks_for_a_later_one() {
    let world = World::new(vec![counting("a", 60)]);
    let report = world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 2 --features pm25,lag(pm25,1),mean(pm10,4),hour {}",
        cut(30, 40)
    ));
    assert_eq!(report.task, TaskFact::Forecast { horizon_h: 2 });
    let train = world.read("out/train.parquet");
    assert_eq!(train.hours(), (0..28).collect::<Vec<i64>>());
    assert_eq!(
        train.column("target_ug_m3")[..3],
        [Some(2.0), Some(3.0), Some(4.0)]
    );
    assert_eq!(
        train.column("persistence_ug_m3")[..3],
        [Some(0.0), Some(1.0), Some(2.0)]
    );
    assert_eq!(
        train.column("pm25_ug_m3")[..3],
        [Some(0.0), Some(1.0), Some(2.0)]
    );
    assert_eq!(
        train.column("pm25_ug_m3__lag_1h")[..3],
        [None, Some(0.0), Some(1.0)]
    );
    assert_eq!(
        train.column("pm10_ug_m3__mean_4h")[..4],
        [None, None, Some(1.0), Some(1.5)]
    );
    assert_eq!(train.column("hour")[..2], [Some(8.0), Some(9.0)]);
    let valid = world.read("out/valid.parquet");
    assert_eq!(
        valid.column("pm25_ug_m3__lag_1h")[0],
        Some(29.0),
        "history may come from the train years"
    );
}

#[test]
fn a_nowcast_row_asks_for_its_own_hour() {
    let world = World::new(vec![counting("a", 60)]);
    world.made(&format!(
        "obs.parquet --out-dir out --task nowcast {}",
        cut(30, 40)
    ));
    let train = world.read("out/train.parquet");
    assert_eq!(train.hours(), (0..30).collect::<Vec<i64>>());
    assert_eq!(train.column("target_ug_m3")[..2], [Some(0.0), Some(1.0)]);
    assert_eq!(
        train.column("persistence_ug_m3")[..3],
        [None, Some(0.0), Some(1.0)]
    );
    let columns: Vec<&str> = train.table.names().collect();
    let classic = [
        "pm10_ug_m3",
        "o3_ug_m3",
        "co_mg_m3",
        "hour",
        "dayofweek",
        "month",
    ];
    assert_eq!(
        columns[..4],
        ["station", "time", "target_ug_m3", "persistence_ug_m3"]
    );
    assert_eq!(columns[4..], classic);
}

#[test]
fn every_row_is_accounted_for() {
    let mut a = counting("a", 60);
    pm25(&mut a)[10] = f32::NAN;
    pm25(&mut a)[11] = f32::NAN;
    pm25_flags(&mut a)[11] = flag::SENTINEL;
    pm25_flags(&mut a)[45] = flag::IMPOSSIBLE;
    pm25_flags(&mut a)[46] = flag::FLATLINE;
    let world = World::new(vec![a, counting("b", 60)]);
    let report = world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 3 --features pm25 {}",
        cut(30, 40)
    ));
    let [a, b] = report.stations.as_slice() else {
        panic!("two stations")
    };
    assert_eq!(
        (a.rows.read, a.rows.train, a.rows.valid, a.rows.test),
        (60, 25, 7, 16)
    );
    assert_eq!(a.rows.dropped.target_missing, 1);
    assert_eq!(a.rows.dropped.target_invalid, 2);
    assert_eq!(a.rows.dropped.target_after_record, 3);
    assert_eq!(a.rows.dropped.purged, 6);
    assert_eq!((b.rows.train, b.rows.valid, b.rows.test), (27, 7, 17));
    assert!(adds_up(&report.rows) && adds_up(&a.rows) && adds_up(&b.rows));
    for (part, fact) in [
        ("train", &report.parts.train),
        ("valid", &report.parts.valid),
        ("test", &report.parts.test),
    ] {
        let table = world.read(&format!("out/{part}.parquet"));
        let persistence = table.column("persistence_ug_m3");
        assert_eq!(fact.rows, table.table.n_rows() as u64);
        assert_eq!(
            fact.rows_with_persistence,
            persistence.iter().flatten().count() as u64
        );
        assert!(table.column("target_ug_m3").iter().all(Option::is_some));
    }
}

#[test]
fn suspicion_hides_a_feature_and_keeps_a_target() {
    let mut a = counting("a", 60);
    pm25_flags(&mut a)[45] = flag::RANGE;
    let world = World::new(vec![a]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 --features pm25,lag(pm25,1) {}",
        cut(30, 40)
    ));
    let test = world.read("out/test.parquet");
    assert_eq!(test.hours(), (40..59).collect::<Vec<i64>>());
    assert_eq!(test.column("target_ug_m3")[4], Some(45.0));
    assert_eq!(test.column("persistence_ug_m3")[5], Some(45.0));
    assert_eq!(test.column("pm25_ug_m3")[5], None);
    assert_eq!(test.column("pm25_ug_m3__lag_1h")[6], None);
}

#[test]
fn lost_hours_make_a_lag_missing() {
    let mut a = counting("a", 60);
    pm25(&mut a)[10..15].fill(f32::NAN);
    let world = World::new(vec![a]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 --features lag(pm25,5) {}",
        cut(30, 40)
    ));
    let train = world.read("out/train.parquet");
    for (hour, lag) in train
        .hours()
        .into_iter()
        .zip(train.column("pm25_ug_m3__lag_5h"))
    {
        let lost = hour < 5 || (15..20).contains(&hour);
        assert_eq!(lag, (!lost).then_some((hour - 5) as f32), "{hour}");
    }
}

#[test]
fn statistics_and_vocabulary_come_from_train_rows() {
    let unseen = from_hour(counting("c", 20), 40);
    let world = World::new(vec![counting("b", 60), counting("a", 60), unseen]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 --features pm25,station {}",
        cut(30, 40)
    ));
    let (train, test) = (
        world.read("out/train.parquet"),
        world.read("out/test.parquet"),
    );
    let facts = train.facts();
    assert_eq!(facts.vocabulary, ["a", "b"]);
    assert_eq!(facts.stations.len(), 2);
    let statistic = facts.statistics["pm25_ug_m3"];
    assert_eq!(
        (statistic.mean, statistic.min, statistic.max),
        (Some(14.0), Some(0.0), Some(28.0))
    );
    assert_eq!((statistic.present, statistic.missing), (58, 0));
    assert_eq!(test.facts().statistics, facts.statistics);
    assert_eq!(test.facts().vocabulary, facts.vocabulary);
    let names: Vec<String> = test
        .facts()
        .stations
        .into_iter()
        .map(|station| station.name)
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    for (station, code) in test.stations().into_iter().zip(test.column("station_code")) {
        let expected = match station {
            "a" => Some(0.0),
            "b" => Some(1.0),
            _ => None,
        };
        assert_eq!(code, expected, "{station}");
    }
}

#[test]
fn rows_are_ordered_by_station_then_time() {
    let world = World::new(vec![counting("z", 60), counting("a", 60)]);
    world.made(&format!(
        "obs.parquet --out-dir out --task nowcast {}",
        cut(30, 40)
    ));
    let test = world.read("out/test.parquet");
    let keys: Vec<(&str, i64)> = test.stations().into_iter().zip(test.hours()).collect();
    assert!(keys.is_sorted() && keys.len() == 40);
}

#[test]
fn stations_and_years_may_be_spread_over_files() {
    let whole = || vec![counting("a", 60), counting("b", 60)];
    let world = World::new(whole());
    let early = Network60::part("a", 0..35);
    let late = Network60::part("a", 35..60);
    world.observe("one.parquet", vec![early, counting("b", 60)]);
    world.observe("two.parquet", vec![late]);
    let args = format!(
        "--task forecast --horizon-h 1 --features full {}",
        cut(30, 40)
    );
    world.made(&format!("obs.parquet --out-dir whole {args}").replace("whole", "out"));
    let expected = world.read("out/test.parquet");
    let report = world.made(&format!("two.parquet one.parquet --out-dir out {args}"));
    let found = world.read("out/test.parquet");
    for name in expected
        .table
        .names()
        .filter(|name| !matches!(*name, "station" | "time"))
    {
        assert_eq!(found.column(name), expected.column(name), "{name}");
    }
    assert_eq!(report.pm25.inputs.len(), 2);
    assert_eq!((report.rows.read, report.rows.gap), (120, 0));
}

#[test]
fn hours_between_two_records_are_rows_with_nothing_measured() {
    let world = World::new(vec![Network60::part("a", 0..20)]);
    world.observe("two.parquet", vec![Network60::part("a", 25..60)]);
    let report = world.made(&format!(
        "obs.parquet two.parquet --out-dir out --task forecast --horizon-h 2 --features pm25,lag(pm25,6) {}",
        cut(30, 40)
    ));
    assert_eq!((report.rows.read, report.rows.gap), (55, 5));
    assert!(adds_up(&report.rows));
    let train = world.read("out/train.parquet");
    assert!(train.hours().contains(&24) && !train.hours().contains(&20));
    let row = train.hours().iter().position(|&hour| hour == 24).unwrap();
    assert_eq!(train.column("target_ug_m3")[row], Some(26.0));
    assert_eq!(train.column("persistence_ug_m3")[row], None);
    assert_eq!(train.column("pm25_ug_m3")[row], None);
    assert_eq!(train.column("pm25_ug_m3__lag_6h")[row], Some(18.0));
}

/// Pieces of a counting station of 60 hours.
struct Network60;

impl Network60 {
    fn part(name: &str, hours: std::ops::Range<usize>) -> pm25_air::Station {
        let mut station = from_hour(counting(name, 60), hours.start as i64);
        for values in &mut station.values {
            *values = values[hours.clone()].to_vec();
        }
        for flags in &mut station.flags {
            *flags = flags[hours.clone()].to_vec();
        }
        station
    }
}

#[test]
fn stations_say_something_by_name_where_that_helps() {
    let late = from_hour(counting("late", 60), 60);
    let world = World::new(vec![counting("a", 120), counting("B 2", 120), late]);
    let made = |horizon_h: u8| {
        world.made(&format!(
            "obs.parquet --out-dir out --task forecast --horizon-h {horizon_h} {}",
            cut(50, 80)
        ));
        world.read("out/train.parquet")
    };
    let near = made(1);
    let rows = near.rows_of("a");
    let own = "pm25_ug_m3__at_a";
    let others: Vec<&str> = near
        .table
        .names()
        .filter(|name| name.contains("__at_"))
        .collect();
    assert_eq!(others.len(), 4, "only stations with train rows: {others:?}");
    assert_eq!(others[2], own);
    assert!(others[0].starts_with("pm25_ug_m3__at_b_2_"), "{others:?}");
    assert!(rows.iter().all(|&row| near.column(own)[row].is_none()));
    let said = near.column(others[0]);
    assert!(
        rows.iter()
            .all(|&row| said[row] == Some(near.hours()[row] as f32))
    );
    assert!(made(24).table.names().all(|name| !name.contains("__at_")));
}

#[test]
fn neighbours_reach_a_row_and_the_row_itself_does_not() {
    let mut b = counting("b", 60);
    pm25(&mut b)[20] = 500.0;
    let world = World::new(vec![counting("a", 60), b, counting("c", 60)]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 --features others_max(pm25),others_mean(change(pm25,1)) {}",
        cut(30, 40)
    ));
    let train = world.read("out/train.parquet");
    let [largest, rise] = [
        "pm25_ug_m3__others_max",
        "pm25_ug_m3__change_1h__others_mean",
    ];
    let at_20 = |station: &str| {
        let rows = train.rows_of(station);
        rows.into_iter()
            .find(|&row| train.hours()[row] == 20)
            .unwrap()
    };
    assert_eq!(train.column(largest)[at_20("a")], Some(500.0));
    assert_eq!(train.column(largest)[at_20("b")], Some(20.0));
    assert_eq!(train.column(rise)[at_20("c")], Some((1.0 + 481.0) / 2.0));
}

#[test]
fn a_day_ahead_is_the_mean_of_its_hours_and_is_purged_as_a_whole() {
    let mut a = counting("a", 120);
    pm25(&mut a)[101..103].fill(f32::NAN);
    let world = World::new(vec![a]);
    let report = world.made(&format!(
        "obs.parquet --out-dir out --task daymean --features pm25,mean(pm25,24) {}",
        cut(50, 80)
    ));
    assert_eq!(report.task, TaskFact::DayMean);
    let train = world.read("out/train.parquet");
    assert_eq!(train.hours(), (0..26).collect::<Vec<i64>>(), "t+24 < T1");
    assert_eq!(train.column("target_ug_m3")[0], Some(12.5));
    assert_eq!(train.column("persistence_ug_m3")[16..18], [None, Some(8.5)]);
    assert_eq!(train.column("persistence_ug_m3")[25], Some(13.5));
    let test = world.read("out/test.parquet");
    assert_eq!(
        test.hours().last(),
        Some(&99),
        "18 of the hours to 119 are there"
    );
    assert!(adds_up(&report.rows));
    assert_eq!(report.rows.dropped.target_after_record, 20);
    let refused = world.refused(
        &format!(
            "obs.parquet --out-dir out2 --task daymean --horizon-h 6 {}",
            cut(50, 80)
        ),
        2,
    );
    assert!(refused.contains("leave out --horizon-h"), "{refused}");
}

#[test]
fn hours_that_two_files_share_count_once_and_must_agree() {
    let world = World::new(vec![counting("a", 60)]);
    let made = |files: &str| {
        let args = format!(
            "{files} --out-dir out --task forecast --horizon-h 1 --features pm25 {}",
            cut(30, 45)
        );
        world.made(&args).rows
    };
    let alone = made("obs.parquet");
    let table = world.read("out/test.parquet").column("pm25_ug_m3");
    let mut later = counting("a", 60);
    for values in &mut later.values {
        values.drain(..40);
    }
    for flags in &mut later.flags {
        flags.drain(..40);
    }
    let later = from_hour(later, 40);
    world.observe("later.parquet", vec![later.clone()]);
    let both = made("obs.parquet later.parquet");
    assert_eq!((both.read, both.repeated, both.gap), (80, 20, 0));
    assert_eq!(
        (both.train, both.test, both.dropped),
        (alone.train, alone.test, alone.dropped)
    );
    assert_eq!(world.read("out/test.parquet").column("pm25_ug_m3"), table);
    let mut other = later;
    pm25(&mut other)[3] = 1.0;
    world.observe("other.parquet", vec![other]);
    let said = world.refused(
        &format!(
            "obs.parquet other.parquet --out-dir x --task nowcast {}",
            cut(30, 45)
        ),
        3,
    );
    assert!(
        said.contains("twice, and not with the same pm25_ug_m3"),
        "{said}"
    );
}
