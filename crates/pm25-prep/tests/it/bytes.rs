//! Which bytes depend on what.

use crate::world::{World, counting, cut, from_hour, pm25, pm25_flags};
use pm25_air::Station;
use pm25_file::{Input, Sha256};

const T1: i64 = 50;
const T2: i64 = 70;

fn prepare(stations: Vec<Station>) -> World {
    let world = World::new(stations);
    let args = "obs.parquet --out-dir out --task forecast --horizon-h 3 --features full";
    world.made(&format!("{args} {}", cut(T1, T2)));
    world
}

/// Which of the three tables differ from those of the unchanged stations.
fn changed_by(change: impl FnOnce(&mut Vec<Station>)) -> [bool; 3] {
    let mut stations = vec![counting("a", 100), counting("b", 100)];
    let before = prepare(stations.clone());
    change(&mut stations);
    let after = prepare(stations);
    ["train", "valid", "test"].map(|part| {
        let name = format!("out/{part}.parquet");
        before.bytes(&name) != after.bytes(&name)
    })
}

#[test]
fn a_later_row_leaves_the_train_table_alone() {
    for hour in [T1, T1 + 1, T2 - 1] {
        let hour = hour as usize;
        assert!(
            !changed_by(|stations| pm25(&mut stations[0])[hour] = 999.0)[0],
            "value {hour}"
        );
        assert!(
            !changed_by(|stations| pm25_flags(&mut stations[1])[hour] = 2)[0],
            "flag {hour}"
        );
        assert!(
            !changed_by(|stations| stations[1].values[6][hour] = f32::NAN)[0],
            "temperature {hour}"
        );
    }
    assert_eq!(
        changed_by(|stations| pm25(&mut stations[0])[T2 as usize] = 999.0),
        [false, false, true]
    );
    assert_eq!(
        changed_by(|stations| pm25(&mut stations[0])[99] = 999.0),
        [false, false, true]
    );
}

#[test]
fn more_hours_and_more_stations_leave_the_train_table_alone() {
    let longer = changed_by(|stations| stations[0] = counting("a", 140));
    assert_eq!(longer, [false, false, true]);
    let new_station = changed_by(|stations| stations.push(from_hour(counting("0", 60), T1)));
    assert_eq!(new_station, [false, true, true]);
}

#[test]
fn a_train_row_changes_every_table() {
    assert_eq!(
        changed_by(|stations| pm25(&mut stations[0])[10] = 999.0),
        [true; 3]
    );
}

#[test]
fn the_tables_say_which_rows_they_depend_on() {
    let world = prepare(vec![counting("a", 100)]);
    let inputs = |part: &str| {
        let made = world.read(&format!("out/{part}.parquet"));
        made.table.header().unwrap().inputs.clone()
    };
    assert_eq!(
        inputs("train")[0].name,
        "obs.parquet[time < 2020-01-03T02:00:00Z]"
    );
    assert_eq!(
        inputs("valid")[0].name,
        "obs.parquet[time < 2020-01-03T22:00:00Z]"
    );
    assert_eq!(inputs("test")[0].name, "obs.parquet[all rows]");
    let report = world.report("out");
    assert_eq!(report.pm25.inputs[0].name, "obs.parquet");
    assert_eq!(
        report.pm25.inputs[0].sha256,
        Sha256::of(&world.bytes("obs.parquet"))
    );
    for file in &report.pm25.files {
        let bytes = Input::Path(world.path("out").join(&file.name))
            .bytes()
            .unwrap();
        assert_eq!(file.sha256, Sha256::of(&bytes), "{}", file.name);
    }
    assert_eq!(report.pm25.files.len(), 3);
}

#[test]
fn threads_and_folders_leave_no_trace() {
    let mut stations: Vec<Station> = (0..5).map(|n| counting(&format!("s{n}"), 100)).collect();
    pm25(&mut stations[2])[30] = f32::NAN;
    let (one, other) = (World::new(stations.clone()), World::new(stations));
    let args = format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 {}",
        cut(T1, T2)
    );
    one.made(&format!("{args} --threads 1"));
    other.made(&format!("{args} --threads 4"));
    for name in [
        "train.parquet",
        "valid.parquet",
        "test.parquet",
        "prep.json",
    ] {
        let name = format!("out/{name}");
        assert!(one.bytes(&name) == other.bytes(&name), "{name}");
    }
}
