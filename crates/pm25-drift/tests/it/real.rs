//! Four years of one Beijing station, where the raw files are at hand: what must not alarm, and what must.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use pm25_artifact::drift::{DriftReport, Verdict};

use super::house::{Columns, House, column};

/// 2013-03-01T00:00+08:00 in hours since 1970 UTC: the first row of the file.
const FIRST_H: i64 = 378_352;
const FILE: &str = "beijing/PRSA_Data_Aotizhongxin_20130301-20170228.csv.gz";
const COLUMNS: [(&str, &str); 6] = [
    ("PM2.5", "pm25_ug_m3"),
    ("PM10", "pm10_ug_m3"),
    ("TEMP", "temp_c"),
    ("DEWP", "dewpoint_c"),
    ("PRES", "pres_hpa"),
    ("WSPM", "wind_m_s"),
];

/// The whole record, or nothing where the raw files are not at hand.
fn record() -> Option<Columns<'static>> {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let path = Path::new(&here).join("../../../shared/data").join(FILE);
    let packed = std::fs::read(path).ok()?;
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let mut lines = text
        .lines()
        .map(|line| line.split(',').map(|cell| cell.trim_matches('"')));
    let head: Vec<&str> = lines.next().unwrap().collect();
    let mut columns: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for line in lines {
        for (name, cell) in head.iter().zip(line) {
            columns
                .entry(name)
                .or_default()
                .push(cell.parse().unwrap_or(f32::NAN));
        }
    }
    Some(
        COLUMNS
            .iter()
            .map(|(raw, ours)| (*ours, columns[raw].clone()))
            .collect(),
    )
}

fn rows<'a>(record: &Columns<'a>, keep: impl Fn(usize) -> bool) -> Columns<'a> {
    let kept = |values: &[f32]| {
        (0..values.len())
            .filter(|&i| keep(i))
            .map(|i| values[i])
            .collect()
    };
    record
        .iter()
        .map(|(name, values)| (*name, kept(values)))
        .collect()
}

fn verdicts(report: &DriftReport) -> Vec<(&str, Verdict)> {
    report
        .columns
        .iter()
        .map(|(name, drift)| (name.as_str(), drift.verdict))
        .collect()
}

#[test]
fn alternate_weeks_of_one_series_do_not_alarm() {
    let Some(record) = record() else { return };
    let house = House::new();
    house.features("odd.parquet", FIRST_H, &rows(&record, |i| i / 168 % 2 == 0));
    house.features(
        "even.parquet",
        FIRST_H,
        &rows(&record, |i| i / 168 % 2 == 1),
    );
    house.profile("odd.parquet", &[]);
    for reference in ["odd.parquet", "profile.json"] {
        let (status, report) = house.check(reference, "even.parquet", &["--fail-on", "moderate"]);
        assert_eq!(
            (status, report.verdict),
            (0, Verdict::None),
            "{:?}",
            verdicts(&report)
        );
        // A test by p-value would have cried wolf.
        assert!(
            column(&report, "dewpoint_c").ks.unwrap().p_value < 1e-8,
            "{report:?}"
        );
    }
}

#[test]
fn a_unit_slip_alarms() {
    let Some(record) = record() else { return };
    let house = House::new();
    house.features("all.parquet", FIRST_H, &record);
    let mut slipped = rows(&record, |i| i / 168 % 2 == 1);
    slipped[1].1.iter_mut().for_each(|v| *v *= 1000.0);
    house.features("slip.parquet", FIRST_H, &slipped);
    house.profile("all.parquet", &[]);
    let (status, report) = house.check("profile.json", "slip.parquet", &[]);
    assert_eq!(
        (status, column(&report, "pm10_ug_m3").verdict),
        (11, Verdict::Significant)
    );
    let others = verdicts(&report)
        .into_iter()
        .filter(|(name, _)| *name != "pm10_ug_m3");
    assert!(
        others
            .into_iter()
            .all(|(_, verdict)| verdict == Verdict::None),
        "{:?}",
        verdicts(&report)
    );
}

/// July 2016 against everything before it, and against the summers before it.
#[test]
fn july_is_drift_from_the_years_and_less_so_from_the_summers() {
    let Some(record) = record() else { return };
    let house = House::new();
    // 2016-07-01 is day 1218 of the record.
    let july = 1218 * 24..(1218 + 31) * 24;
    house.features(
        "before.parquet",
        FIRST_H,
        &rows(&record, |i| i < july.start),
    );
    house.features(
        "july.parquet",
        FIRST_H + july.start as i64,
        &rows(&record, |i| july.contains(&i)),
    );
    let (status, year) = house.check("before.parquet", "july.parquet", &[]);
    assert_eq!(status, 11);
    let (_, season) = house.check("before.parquet", "july.parquet", &["--season"]);
    assert_eq!(season.reference.days_of_year, Some(vec![[168, 228]]));
    for name in ["temp_c", "dewpoint_c"] {
        let psi = |report: &DriftReport| column(report, name).psi.unwrap();
        assert!(
            4.0 < psi(&year) && psi(&season) < 0.5,
            "{name}: {} {}",
            psi(&year),
            psi(&season)
        );
    }
}
