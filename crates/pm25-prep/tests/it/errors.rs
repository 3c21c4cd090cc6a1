//! What is refused, how it is said, and with which exit status.

use crate::world::{World, counting, cut, from_hour, is_absent, pm25, table};
use pm25_air::Network;
use pm25_table::{Column, Table, Text};

const NOWCAST: &str = "obs.parquet --out-dir out --task nowcast";
const FORECAST: &str = "obs.parquet --out-dir out --task forecast";

fn world() -> World {
    World::new(vec![counting("a", 100)])
}

/// The call is a mistake; the message names it and says what to type.
fn usage(args: &str, what: &str, hint: &str) {
    let world = world();
    let said = world.refused(args, 2);
    assert!(said.contains(what), "{args}: {said}");
    assert!(said.contains(hint), "{args}: {said}");
    assert!(is_absent(&world.path("out")));
}

#[test]
fn a_time_needs_its_offset() {
    usage(
        &format!("{NOWCAST} --train-until 2020-01-03 --valid-until 2020-01-04T00:00:00Z"),
        "--train-until: `2020-01-03T00:00:00` does not say its offset",
        "2020-01-03T00:00:00+08:00",
    );
}

#[test]
fn the_cut_must_be_said_and_ordered() {
    usage(NOWCAST, "where to cut time", "--split 0.7,0.1,0.2");
    usage(
        &format!("{NOWCAST} --train-until 2020-01-03T00:00:00Z"),
        "where to cut time",
        "--valid-until T2",
    );
    usage(
        &format!("{NOWCAST} {}", cut(70, 50)),
        "not after train",
        "T1 < T2",
    );
    usage(
        &format!("{NOWCAST} --split 0.7,0.2,0.2"),
        "do not add up to 1",
        "0.7,0.1,0.2",
    );
    usage(
        &format!("{NOWCAST} --split 0.7,0.1,0.2 {}", cut(50, 70)),
        "cannot be used with",
        "--train-until",
    );
}

#[test]
fn horizons_are_hours_that_rise() {
    let cut = cut(50, 70);
    for list in ["24,6", "6,6"] {
        usage(
            &format!("{FORECAST} {cut} --horizon-h {list}"),
            "do not rise",
            "--horizon-h 1,6,24",
        );
    }
    usage(
        &format!("{FORECAST} {cut} --horizon-h 1,,6"),
        "not a number of hours",
        "--horizon-h 24",
    );
    usage(
        &format!("{FORECAST} {cut} --horizon-h 0,6"),
        "at least one hour ahead",
        "--task nowcast",
    );
    let many: Vec<String> = (1..=73).map(|h: u8| h.to_string()).collect();
    usage(
        &format!("{FORECAST} {cut} --horizon-h {}", many.join(",")),
        "at most 72 horizons",
        "leave some out",
    );
    usage(
        &format!("{NOWCAST} {cut} --horizon-h 1,6"),
        "looks no hours ahead",
        "--task forecast",
    );
    usage(
        &format!("{FORECAST} {cut} --horizon-h 0"),
        "at least one hour ahead",
        "--task nowcast",
    );
    usage(
        &format!("{FORECAST} {cut} --horizon-h x"),
        "not a number of hours",
        "--horizon-h 24",
    );
    usage(
        &format!("{NOWCAST} {cut} --horizon-h 6"),
        "looks no hours ahead",
        "--task forecast",
    );
}

#[test]
fn features_are_checked_before_data() {
    let cut = cut(50, 70);
    usage(
        &format!("{NOWCAST} {cut} --features pm10,PM2.5"),
        "--features: column 6: unknown feature `PM2.5`",
        "`pm25`",
    );
    usage(
        &format!("{NOWCAST} {cut} --features pm25"),
        "`pm25` uses PM2.5 of the hour t",
        "lag(pm25,1)",
    );
    usage(
        &format!("{FORECAST} {cut} --features o3,o3"),
        "`o3` is named twice",
        "once",
    );
}

#[test]
fn an_empty_part_is_bad_data() {
    for (t1, t2, part) in [
        (-10, 50, "train"),
        (50, 99, "test"),
        (50, 51, "valid"),
        (200, 300, "valid"),
    ] {
        let world = world();
        let said = world.refused(&format!("{FORECAST} --horizon-h 1 {}", cut(t1, t2)), 3);
        assert!(
            said.contains(&format!("no {part} row has a target")),
            "{said}"
        );
        assert!(
            said.contains("from 2020-01-01T00:00:00Z to 2020-01-05T03:00:00Z"),
            "{said}"
        );
        assert!(is_absent(&world.path("out")));
    }
}

#[test]
fn too_few_hours_cannot_be_shared_out() {
    let mut station = counting("a", 100);
    pm25(&mut station).fill(f32::NAN);
    let world = World::new(vec![station]);
    let said = world.refused(&format!("{NOWCAST} --split 0.7,0.1,0.2"), 3);
    assert!(said.contains("0 rows with a target"), "{said}");
}

#[test]
fn an_hour_twice_is_bad_data() {
    let world = world();
    world.observe("two.parquet", vec![from_hour(counting("a", 10), 99)]);
    let said = world.refused(&format!("two.parquet {NOWCAST} {}", cut(50, 70)), 3);
    assert!(
        said.contains("station `a` has the hour 2020-01-05T03:00:00Z twice"),
        "{said}"
    );
    assert!(said.contains("hint: "), "{said}");
}

#[test]
fn a_grid_with_a_hole_is_bad_data() {
    let world = world();
    let mut columns = Network::from_stations(vec![counting("a", 100)])
        .unwrap()
        .to_columns();
    columns.time_s[80..]
        .iter_mut()
        .for_each(|time_s| *time_s += 7_200);
    let mut holed = table(&Network::from_stations(vec![counting("a", 100)]).unwrap());
    holed = replace(&holed, "time", Column::Time(columns.time_s));
    world.write("obs.parquet", &holed);
    let said = world.refused(&format!("{NOWCAST} {}", cut(50, 70)), 3);
    assert!(
        said.contains("obs.parquet: station `a` has no rows between"),
        "{said}"
    );
    assert!(said.contains("hint: keep a row for every hour"), "{said}");
}

#[test]
fn a_missing_column_is_bad_data() {
    let world = world();
    let mut partial = Table::new();
    partial.push("station", Column::Text(Text::from_rows(["a"])));
    world.write("obs.parquet", &partial);
    let said = world.refused(&format!("{NOWCAST} {}", cut(50, 70)), 3);
    assert!(
        said.contains("obs.parquet has no column `pm25_ug_m3`"),
        "{said}"
    );
}

#[test]
fn what_is_no_observation_table_is_a_bad_artifact() {
    let world = world();
    world.made(&format!("{NOWCAST} {}", cut(50, 70)));
    let cut = cut(50, 70);
    let said = world.refused(
        &format!("out/train.parquet --out-dir out2 --task nowcast {cut}"),
        4,
    );
    assert!(
        said.contains("is a `pm25-features`, not a `pm25-observations`"),
        "{said}"
    );
    let said = world.refused(
        &format!("absent.parquet --out-dir out2 --task nowcast {cut}"),
        4,
    );
    assert!(
        said.contains("absent.parquet: there is no such file"),
        "{said}"
    );
    let mut bytes = world.bytes("obs.parquet");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(world.path("obs.parquet"), bytes).unwrap();
    let said = world.refused(&format!("{NOWCAST} {cut}"), 4);
    assert!(said.contains("obs.parquet is damaged"), "{said}");
}

/// The table with one column replaced.
fn replace(table: &Table, name: &str, column: Column) -> Table {
    let mut replaced = Table::new();
    for own in table.names() {
        let kept = table.column(own).unwrap().clone();
        replaced.push(own, if own == name { column.clone() } else { kept });
    }
    replaced
}
