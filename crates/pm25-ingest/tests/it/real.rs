//! Real measurements, where they are at hand: `../shared/data` beside the workspace. They are not part of it.

use std::path::PathBuf;

use crate::bench::{Bench, Ingested};
use pm25_air::Quantity;

/// The folder of one data set, or nothing with a word on why the test does nothing.
#[expect(
    clippy::print_stdout,
    reason = "who runs the tests must see what they did not test"
)]
pub(crate) fn data(set: &str) -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join("../shared/data").join(set);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn ingested(set: &str) -> Option<Ingested> {
    Some(Bench::new().ingested(&data(set)?.display().to_string()))
}

fn present(ingested: &Ingested) -> u64 {
    ingested
        .values(Quantity::Pm25)
        .iter()
        .filter(|value| !value.is_nan())
        .count() as u64
}

#[test]
fn beijing() {
    let Some(ingested) = ingested("beijing") else {
        return;
    };
    assert_eq!(ingested.report.rows.read, 9 * 35_064);
    assert_eq!(ingested.report.rows.n_rejected(), 0);
    assert_eq!(ingested.table.n_rows(), 9 * 35_064);
    let missing: Vec<u64> = ingested
        .report
        .stations
        .iter()
        .map(|station| station.hours - station.pm25_present)
        .collect();
    // Counted with `zcat FILE | cut -d, -f6 | grep -c NA`.
    assert_eq!(missing, [925, 774, 779, 750, 616, 646, 913, 677, 696]);
    assert_eq!(present(&ingested), 9 * 35_064 - missing.iter().sum::<u64>());
}

#[test]
fn beijing_2010_2014() {
    let Some(ingested) = ingested("beijing_2010_2014") else {
        return;
    };
    assert_eq!(ingested.report.rows.read, 43_824);
    let missing = 43_824 - present(&ingested);
    assert_eq!(format!("{:.2}", 100.0 * missing as f64 / 43_824.0), "4.72");
}

#[test]
fn india_from_kaggle() {
    let Some(ingested) = ingested("cpcb") else {
        return;
    };
    let hours: Vec<(&str, u64)> = ingested
        .report
        .stations
        .iter()
        .map(|station| (station.name.as_str(), station.hours))
        .collect();
    assert_eq!(
        hours,
        [("AS002", 19_764), ("CH003", 10_189), ("MP014", 27_973)]
    );
    assert_eq!(ingested.report.rows.read, 19_764 + 10_189 + 27_973);
    assert_eq!(ingested.report.rows.n_rejected(), 0);
    assert_eq!(ingested.report.skipped[0].name, "stations_info.csv");
}

#[test]
fn india_from_the_portal() {
    let Some(ingested) = ingested("cpcb_portal") else {
        return;
    };
    assert_eq!(ingested.report.rows.read, 10_051);
    assert_eq!(ingested.rejected(), [("partial or overlong interval", 1)]);
}

#[test]
fn purpleair_in_ten_minutes_by_a_map() {
    let Some(folder) = data("purpleair") else {
        return;
    };
    let bench = Bench::new();
    bench.write(
        "map.toml",
        "time = 'time_stamp'\n[columns]\npm25 = { column = 'pm2.5_cf_1', unit = 'ug/m3' }\n\
         temp = { column = 'temperature', unit = 'degF' }\n",
    );
    let file = folder.join("159965_10-Minute_Average.csv.gz");
    let ingested = bench.ingested(&format!("{} --columns map.toml", file.display()));
    let rows = &ingested.report.rows;
    assert_eq!((rows.read, rows.rejected["exact duplicate"]), (5_600, 6));
    assert_eq!(rows.averaged, rows.kept);
    assert_eq!(ingested.report.files[0].step_s, 600);
}
