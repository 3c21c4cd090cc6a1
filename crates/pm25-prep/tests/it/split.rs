//! The edges of the parts, hour by hour.

use crate::world::{START_S, World, at, counting, cut, from_hour, pm25};
use pm25_air::Station;

#[test]
fn the_edges_are_exact() {
    let world = World::new(vec![counting("a", 100)]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 6 --features pm25 {}",
        cut(50, 70)
    ));
    let hours = |part: &str| world.read(&format!("out/{part}.parquet")).hours();
    assert_eq!(
        hours("train"),
        (0..44).collect::<Vec<i64>>(),
        "t+6 = T1 does not train"
    );
    assert_eq!(
        hours("valid"),
        (50..64).collect::<Vec<i64>>(),
        "t = T1 is valid, t+6 = T2 is not"
    );
    assert_eq!(
        hours("test"),
        (70..94).collect::<Vec<i64>>(),
        "t = T2 tests"
    );
    let report = world.report("out");
    assert_eq!(report.rows.dropped.purged, 12);
    assert_eq!(report.split.train_until, at(50));
}

#[test]
fn a_cut_between_two_hours_cuts_there() {
    let world = World::new(vec![counting("a", 100)]);
    world.made(
        "obs.parquet --out-dir out --task nowcast \
         --train-until 2020-01-03T10:00:00+08:00 --valid-until 2020-01-03T12:30:00Z",
    );
    assert_eq!(world.read("out/train.parquet").hours().last(), Some(&49));
    assert_eq!(world.read("out/test.parquet").hours().first(), Some(&61));
}

#[test]
fn half_hour_stations_keep_their_phase() {
    let india = Station {
        start_s: START_S + 1_800,
        utc_offset_min: 330,
        ..counting("i", 100)
    };
    let world = World::new(vec![india, counting("a", 100)]);
    world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 --features hour,lag(pm25,1) {}",
        cut(50, 70)
    ));
    let train = world.read("out/train.parquet");
    let times_s = train.table.time("time").unwrap();
    let own = |name: &str| {
        train
            .stations()
            .iter()
            .position(|station| *station == name)
            .unwrap()
    };
    assert_eq!(times_s[own("i")], START_S + 1_800);
    // 00:30 UTC is 06:00 in India.
    assert_eq!(train.column("hour")[own("i")], Some(6.0));
    assert_eq!(train.column("pm25_ug_m3__lag_1h")[own("i") + 1], Some(0.0));
    // The hour stamped 48:30 is answered by 49:30, before T1 at 50:00; the hour stamped 49:00 by 50:00, which is not.
    let last_s = |name: &str| {
        let rows = train.stations().into_iter().zip(times_s);
        rows.filter(|(station, _)| *station == name)
            .map(|(_, time_s)| *time_s)
            .max()
    };
    assert_eq!(last_s("i"), Some(START_S + 48 * 3_600 + 1_800));
    assert_eq!(last_s("a"), Some(START_S + 48 * 3_600));
}

#[test]
fn shares_are_pooled_over_stations() {
    let late = from_hour(counting("b", 50), 50);
    let world = World::new(vec![counting("a", 100), late]);
    let report = world.made("obs.parquet --out-dir out --task nowcast --split 0.6,0.2,0.2");
    // 150 rows, 90 of them train: hours 0..50 hold one row each, later hours two.
    assert_eq!(report.split.train_until, at(70));
    assert_eq!(report.split.valid_until, at(85));
    assert_eq!(
        (report.rows.train, report.rows.valid, report.rows.test),
        (90, 30, 30)
    );
    assert_eq!(report.split.shares, Some([0.6, 0.2, 0.2]));
}

#[test]
fn shares_count_rows_with_a_target() {
    let mut station = counting("a", 100);
    pm25(&mut station)[..50].fill(f32::NAN);
    let world = World::new(vec![station]);
    let report = world.made("obs.parquet --out-dir out --task nowcast --split 0.6,0.2,0.2");
    assert_eq!(report.split.train_until, at(80));
}
