//! Like with like.

use pm25_artifact::drift::Verdict;

use super::house::{House, spread, verdict};

const YEAR_H: usize = 8766;

/// Temperature of three years and a bit: cold in January, warm in July, with weather on top.
fn temp(first_h: usize, n: usize, seed: u64) -> Vec<(&'static str, Vec<f32>)> {
    let weather = spread(n, seed, 16.0);
    let season = |h: usize| -12.0 * (h as f32 / YEAR_H as f32 * std::f32::consts::TAU).cos();
    vec![(
        "temp_c",
        (0..n)
            .map(|i| 10.0 + season(first_h + i) + weather[i])
            .collect(),
    )]
}

/// Hours from 1970-01-01 to 1973-07-01: three years, one of them a leap year, and six months.
const JULY: usize = (3 * 365 + 1 + 181) * 24;

#[test]
fn summer_is_drift_from_the_year_and_not_from_summers() {
    let house = House::new();
    house.features("years.parquet", 0, &temp(0, 3 * YEAR_H, 1));
    house.features("july.parquet", JULY as i64 - 8, &temp(JULY - 8, 744, 2));
    let (_, year) = house.check("years.parquet", "july.parquet", &[]);
    assert_eq!(verdict(&year, "temp_c"), Verdict::Significant);
    assert_eq!(year.reference.days_of_year, None);
    let (status, season) = house.check("years.parquet", "july.parquet", &["--season"]);
    // Local days: the first hour of July in Beijing is the last of June in UTC. 1973 is no leap year.
    assert_eq!(season.reference.days_of_year, Some(vec![[167, 227]]));
    assert_eq!((status, season.verdict), (0, Verdict::None), "{season:?}");
    assert_eq!(season.reference.rows.rows, 3 * 61 * 24);
    assert_eq!(
        season.reference.rows.first.as_deref(),
        Some("1970-06-15T16:00:00Z")
    );
}

#[test]
fn what_has_no_times_has_no_season() {
    let house = House::new();
    house.features("years.parquet", 0, &temp(0, 1000, 1));
    house.profile("years.parquet", &[]);
    std::fs::write(house.path("r.jsonl"), "{\"temp_c\": 3}\n").unwrap();
    for (reference, current, words) in [
        (
            "profile.json",
            "years.parquet",
            "needs a table as the reference",
        ),
        ("years.parquet", "r.jsonl", "r.jsonl has none"),
    ] {
        let (status, said) = house.refused(reference, current, &["--season"]);
        assert!(status == 2 && said.contains(words), "{status} {said}");
    }
    house.features("july.parquet", JULY as i64, &temp(JULY, 744, 2));
    let (status, said) = house.refused("years.parquet", "july.parquet", &["--season"]);
    assert!(
        status == 3 && said.contains("no row of the days 167 to 228 of a year"),
        "{status} {said}"
    );
}

#[test]
fn requests_with_times_have_a_season() {
    let house = House::new();
    house.features("years.parquet", 0, &temp(0, YEAR_H, 1));
    let line = "{\"temp_c\": 3, \"time\": \"1973-12-05T00:00:00Z\"}\n";
    std::fs::write(house.path("r.jsonl"), line.repeat(300)).unwrap();
    let (_, report) = house.check("years.parquet", "r.jsonl", &["--season"]);
    assert_eq!(report.reference.days_of_year, Some(vec![[324, 354]]));
    assert_eq!(
        report.current.rows.last.as_deref(),
        Some("1973-12-05T00:00:00Z")
    );
}
