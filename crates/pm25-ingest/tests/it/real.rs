//! Real measurements, where they are at hand: the folder that `PM25_DATA` names, or `shared/data` beside the
//! checkout or further up. They are not part of it.

use std::path::PathBuf;

use crate::bench::{Bench, Ingested};
use pm25_air::Quantity;
use pm25_air::civil::format_at;

/// The folder of one data set, or nothing with a word on why the test does nothing.
#[expect(
    clippy::print_stdout,
    reason = "who runs the tests must see what they did not test"
)]
pub(crate) fn data(set: &str) -> Option<PathBuf> {
    // Asked at run time: a checkout may be moved after it was built.
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| ".".into()));
    let mut beside = own.ancestors().map(|above| above.join("shared/data"));
    let folder = match std::env::var_os("PM25_DATA") {
        Some(named) => PathBuf::from(named),
        None => beside
            .find(|folder| folder.is_dir())
            .unwrap_or_else(|| "shared/data".into()),
    }
    .join(set);
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn ingested(set: &str) -> Option<Ingested> {
    Some(Bench::new().ingested(&data(set)?.display().to_string()))
}

/// What must come out of a file: the flag that its description implies, the source, lines read and kept, the first
/// hour, and the median of hourly PM2.5 over all its stations (none if there is no value).
struct Expected {
    file: &'static str,
    flags: &'static str,
    source: &'static str,
    read: u64,
    kept: u64,
    first: &'static str,
    median: Option<f32>,
}

/// Counts and medians of hourly files were computed from the raw lines by other means; so were the means of finer ones.
const EXPECTED: &[Expected] = &[
    expected(
        ("aberdeen/2018-03-04_sds011_sensor_7789.csv.gz", ""),
        "sensor-community",
        (587, 587),
        "2018-03-04T00:00:00+00:00",
        Some(17.633_333),
    ),
    expected(
        ("aberdeen/2018-03-05_sds011_sensor_7789.csv.gz", ""),
        "sensor-community",
        (587, 587),
        "2018-03-05T00:00:00+00:00",
        Some(24.919_582),
    ),
    expected(
        ("aberdeen/2018-03-06_sds011_sensor_7789.csv.gz", ""),
        "sensor-community",
        (584, 584),
        "2018-03-06T00:00:00+00:00",
        Some(12.123_567),
    ),
    expected(
        (
            "aberdeen/council-errol-place.csv.gz",
            "--tz Europe/London --stamp end",
        ),
        "generic",
        (14_782, 14_782),
        "2017-09-30T23:00:00+00:00",
        Some(5.0),
    ),
    expected(
        (
            "aberdeen/council-union-street-roadside.csv.gz",
            "--tz Europe/London --stamp end",
        ),
        "generic",
        (14_782, 14_782),
        "2017-09-30T23:00:00+00:00",
        Some(6.0),
    ),
    expected(
        ("airnow/HourlyData_2024041001.dat.gz", ""),
        "airnow",
        (8_122, 8_122),
        "2024-04-07T15:00:00-10:00",
        Some(3.6),
    ),
    expected(
        ("airnow/HourlyData_PM25_selected_sites.dat.gz", ""),
        "airnow",
        (10_837, 10_837),
        "2024-04-07T16:00:00-08:00",
        Some(6.0),
    ),
    expected(
        ("beijing_2010_2014/PRSA_data_2010.1.1-2014.12.31.csv.gz", ""),
        "uci-beijing",
        (43_824, 43_824),
        "2010-01-01T00:00:00+08:00",
        Some(72.0),
    ),
    expected(
        ("cpcb/AS002.csv.gz", ""),
        "cpcb",
        (19_764, 19_764),
        "2020-12-28T12:00:00+05:30",
        Some(42.88),
    ),
    expected(
        ("cpcb/CH003.csv.gz", ""),
        "cpcb",
        (10_189, 10_189),
        "2022-01-31T11:00:00+05:30",
        Some(61.25),
    ),
    expected(
        ("cpcb/MP014.csv.gz", ""),
        "cpcb",
        (27_973, 27_973),
        "2020-01-21T11:00:00+05:30",
        Some(25.08),
    ),
    expected(
        ("cpcb_portal/BWSSB_60min.csv.gz", ""),
        "cpcb",
        (10_051, 10_050),
        "2020-04-01T00:00:00+05:30",
        Some(21.37),
    ),
    expected(
        ("openaq/openaq_addis-ababa-20180202.csv.gz", ""),
        "openaq",
        (10, 10),
        "2018-02-02T17:00:00+03:00",
        None,
    ),
    expected(
        ("openaq/pandas_air_quality_long.csv.gz", ""),
        "openaq",
        (5_272, 5_272),
        "2019-04-09T00:00:00+00:00",
        Some(10.0),
    ),
    expected(
        ("openaq/pollucheck_OpenAQ_Bengaluru.csv.gz", ""),
        "openaq",
        (540, 540),
        "2020-11-01T11:00:00+05:30",
        Some(22.003_334),
    ),
    expected(
        ("purpleair/159965_10-Minute_Average.csv.gz", ""),
        "purpleair",
        (5_600, 5_594),
        "2023-06-17T03:00:00+00:00",
        Some(20.750_084),
    ),
    expected(
        ("purpleair/deq_data_merge.csv.gz", ""),
        "generic",
        (60_480, 60_480),
        "2023-06-16T00:00:00+00:00",
        Some(8.851_666),
    ),
    expected(
        ("stateair/Beijing_2014_HourlyPM25.csv.gz", ""),
        "stateair",
        (8_760, 8_760),
        "2014-01-01T00:00:00+08:00",
        Some(72.0),
    ),
    expected(
        ("stateair/Chennai_2020_AirNow.csv.gz", ""),
        "stateair",
        (7_212, 7_212),
        "2020-01-01T02:00:00+05:30",
        Some(18.0),
    ),
    expected(
        ("stateair/Guangzhou_2017_HourlyPM25.csv.gz", ""),
        "stateair",
        (4_344, 4_344),
        "2017-01-01T00:00:00+08:00",
        Some(37.0),
    ),
    expected(
        (
            "beijing/PRSA_Data_Aotizhongxin_20130301-20170228.csv.gz",
            "",
        ),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(58.0),
    ),
    expected(
        ("beijing/PRSA_Data_Changping_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(46.0),
    ),
    expected(
        ("beijing/PRSA_Data_Dingling_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(41.0),
    ),
    expected(
        ("beijing/PRSA_Data_Dongsi_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(61.0),
    ),
    expected(
        ("beijing/PRSA_Data_Guanyuan_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(59.0),
    ),
    expected(
        ("beijing/PRSA_Data_Gucheng_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(60.0),
    ),
    expected(
        ("beijing/PRSA_Data_Shunyi_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(55.0),
    ),
    expected(
        ("beijing/PRSA_Data_Tiantan_20130301-20170228.csv.gz", ""),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(59.0),
    ),
    expected(
        (
            "beijing/PRSA_Data_Wanshouxigong_20130301-20170228.csv.gz",
            "",
        ),
        "uci-beijing",
        (35_064, 35_064),
        "2013-03-01T00:00:00+08:00",
        Some(60.0),
    ),
];

const fn expected(
    (file, flags): (&'static str, &'static str),
    source: &'static str,
    (read, kept): (u64, u64),
    first: &'static str,
    median: Option<f32>,
) -> Expected {
    Expected {
        file,
        flags,
        source,
        read,
        kept,
        first,
        median,
    }
}

fn median(ingested: &Ingested) -> Option<f32> {
    let mut values: Vec<f32> = ingested
        .values(Quantity::Pm25)
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    values.sort_by(f32::total_cmp);
    let n = values.len();
    (0 < n).then(|| (values[(n - 1) / 2] + values[n / 2]) / 2.0)
}

#[test]
fn every_file_is_recognised_by_its_content() {
    let present: Vec<(&Expected, PathBuf)> = EXPECTED
        .iter()
        .filter_map(|expected| Some((expected, data(expected.file)?)))
        .collect();
    println!(
        "{} of {} real files are here",
        present.len(),
        EXPECTED.len()
    );
    for (expected, file) in present {
        let ingested = Bench::new().ingested(&format!(
            "{} {} --max-rejects 5%",
            file.display(),
            expected.flags
        ));
        assert_as_expected(expected, &ingested);
    }
}

fn assert_as_expected(expected: &Expected, ingested: &Ingested) {
    let report = &ingested.report;
    let times_s = ingested.table.time("time").unwrap();
    let offsets_min = ingested.table.i16("utc_offset_min").unwrap();
    let first = times_s.iter().zip(offsets_min).min();
    let first = first.map(|(time_s, offset_min)| format_at(*time_s, *offset_min));
    assert_eq!(
        (
            report.files[0].source.as_str(),
            report.rows.read,
            report.rows.kept,
            first.as_deref(),
            median(ingested)
        ),
        (
            expected.source,
            expected.read,
            expected.kept,
            Some(expected.first),
            expected.median
        ),
        "{}",
        expected.file
    );
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
