//! Several horizons in one table: a target for each, one split for all.

use crate::world::{World, at, counting, cut, pm25, pm25_flags};
use pm25_air::flag;
use pm25_artifact::prep::{Asked, TaskFact};

const ARGS: &str =
    "obs.parquet --out-dir out --task forecast --horizon-h 1,6,24 --features pm25,hour";

fn numbers(hours: std::ops::Range<i64>) -> Vec<i64> {
    hours.collect()
}

#[test]
fn no_target_of_any_horizon_lies_beyond_a_cut() {
    let world = World::new(vec![counting("a", 200)]);
    let report = world.made(&format!("{ARGS} {}", cut(80, 140)));
    let part = |name: &str| world.read(&format!("out/{name}.parquet"));
    let (train, valid, test) = (part("train"), part("valid"), part("test"));
    assert_eq!(train.hours(), numbers(0..56), "t+24 = T1 does not train");
    assert_eq!(valid.hours(), numbers(80..116), "t+24 = T2 is not valid");
    assert_eq!(
        test.hours(),
        numbers(140..199),
        "a row stays while any target is known"
    );
    assert_eq!(report.rows.dropped.purged, 48);
    assert_eq!(report.rows.dropped.target_after_record, 1);
    for table in [&train, &valid, &test] {
        for (row, hour) in table.hours().into_iter().enumerate() {
            for horizon_h in [1, 6, 24] {
                let asked = hour + horizon_h;
                let target = table.column(&format!("target_h{horizon_h}_ug_m3"))[row];
                assert_eq!(target, (asked < 200).then_some(asked as f32));
            }
        }
    }
    let names: Vec<&str> = train.table.names().collect();
    let wanted = [
        "station",
        "time",
        "target_h1_ug_m3",
        "target_h6_ug_m3",
        "target_h24_ug_m3",
        "persistence_ug_m3",
        "pm25_ug_m3",
        "hour",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn the_tables_and_the_report_say_which_horizons_there_are() {
    let world = World::new(vec![counting("a", 200)]);
    let report = world.made(&format!("{ARGS} {}", cut(80, 140)));
    let tasks = [1, 6, 24].map(|horizon_h| TaskFact::Forecast { horizon_h });
    assert_eq!(report.tasks(), tasks);
    assert_eq!(
        report.pm25.params["horizon_h"],
        serde_json::json!([1, 6, 24])
    );
    let known: Vec<u64> = report
        .parts
        .test
        .targets
        .values()
        .map(|it| it.present)
        .collect();
    assert_eq!(known, [59, 54, 36]);
    assert_eq!(report.parts.test.rows, 59);
    let facts = world.read("out/test.parquet").facts();
    assert_eq!(facts.tasks(), tasks);
    let asked = Asked {
        task: tasks[1],
        target: "target_h6_ug_m3".to_owned(),
    };
    assert_eq!(facts.asked("t", Some(6)).unwrap(), asked);
    let fault = facts.asked("t", None).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "t has targets for several horizons: 1, 6, 24 h"
    );
    assert_eq!(
        facts.asked("t", Some(3)).unwrap_err().to_string(),
        "t has no targets 3 h ahead"
    );
}

#[test]
fn a_row_needs_one_target_and_every_row_is_accounted_for() {
    let mut station = counting("a", 200);
    // Hour 30 has neither 31, 36 nor 54; hour 31 has 32.
    for hour in [31, 36] {
        pm25(&mut station)[hour] = f32::NAN;
    }
    pm25_flags(&mut station)[54] = flag::IMPOSSIBLE;
    let world = World::new(vec![station]);
    let report = world.made(&format!("{ARGS} {}", cut(80, 140)));
    let train = world.read("out/train.parquet");
    let wanted: Vec<i64> = (0..56).filter(|hour| *hour != 30).collect();
    assert_eq!(train.hours(), wanted);
    let row = train.hours().iter().position(|hour| *hour == 35).unwrap();
    assert_eq!(train.column("target_h1_ug_m3")[row], None);
    assert_eq!(train.column("target_h6_ug_m3")[row], Some(41.0));
    assert_eq!(train.column("persistence_ug_m3")[row], Some(35.0));
    let rows = report.rows;
    assert_eq!(
        (rows.dropped.target_invalid, rows.dropped.target_missing),
        (1, 0)
    );
    let all = rows.train + rows.valid + rows.test + rows.dropped.total();
    assert_eq!(rows.read + rows.gap, all);
    assert_eq!(rows.train, 55);
    let missing: Vec<u64> = report
        .parts
        .train
        .targets
        .values()
        .map(|it| it.missing)
        .collect();
    assert_eq!(missing, [2, 2, 2]);
}

#[test]
fn one_horizon_makes_the_table_that_it_always_made() {
    let world = World::new(vec![counting("a", 200)]);
    let report = world.made(&format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 6 --features pm25 {}",
        cut(80, 140)
    ));
    let bytes = String::from_utf8(world.bytes("out/prep.json")).unwrap();
    assert!(
        !bytes.contains("horizons_h") && !bytes.contains("\"targets\""),
        "{bytes}"
    );
    let train = world.read("out/train.parquet");
    assert!(train.table.column("target_ug_m3").is_some());
    assert!(
        !train
            .table
            .header()
            .unwrap()
            .facts
            .contains_key("horizons_h")
    );
    assert_eq!(report.pm25.params["horizon_h"], 6);
    let facts = train.facts();
    assert_eq!(
        facts.asked("t", Some(6)).unwrap(),
        facts.asked("t", None).unwrap()
    );
    assert!(facts.asked("t", Some(24)).is_err());
}

#[test]
fn shares_and_words_are_those_of_all_horizons() {
    let world = World::new(vec![counting("a", 200)]);
    let report = world.made(&format!("{ARGS} --split 0.6,0.2,0.2"));
    assert_eq!(
        report.split.train_until,
        at(119),
        "199 hours have a target at 1 h"
    );
    let finished = world.prep(&format!("{ARGS} {}", cut(80, 140)));
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(text.contains("targets: 1 h 59, 6 h 54, 24 h 36"), "{text}");
    let finished = world.prep("--task forecast --horizon-h 1,6,24 --explain --features pm25");
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(
        text.starts_with("forecast 1, 6, 24 h ahead: 1 features"),
        "{text}"
    );
    assert!(
        text.contains("PM2.5 of the hours stamped t+1h, t+6h, t+24h, each a column"),
        "{text}"
    );
}
