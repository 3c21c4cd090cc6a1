//! The simulated files: reproducible, honest about themselves, and readable by the program that wrote them.

use crate::bench::{Bench, text};
use pm25_air::{Quantity, flag};

fn bytes(bench: &Bench, name: &str) -> Vec<u8> {
    std::fs::read(bench.path(name)).unwrap()
}

#[test]
fn a_seed_means_the_same_bytes_and_one_more_station_changes_no_other() {
    let bench = Bench::new();
    bench.run("demo --out one --stations 2 --days 40 --seed 7");
    bench.run("demo --out two --stations 2 --days 40 --seed 7");
    bench.run("demo --out other --stations 2 --days 40 --seed 8");
    bench.run("demo --out more --stations 9 --days 40 --seed 7");
    for name in ["demo-01.csv", "demo-02.csv"] {
        assert_eq!(
            bytes(&bench, &format!("one/{name}")),
            bytes(&bench, &format!("two/{name}"))
        );
        assert_ne!(
            bytes(&bench, &format!("one/{name}")),
            bytes(&bench, &format!("other/{name}"))
        );
    }
    let first = text(&bytes(&bench, "one/demo-01.csv"));
    assert!(first.starts_with(
        "# simulated by pm25-ingest demo (seed 7): not a measurement\ntime,station,PM2.5"
    ));
    // Only which station has which fault depends on how many there are; the air does not.
    let temperatures = |folder: &str| -> Vec<String> {
        let text = text(&bytes(&bench, &format!("{folder}/demo-01.csv")));
        text.lines()
            .skip(2)
            .map(|line| line.split(',').nth(8).unwrap().to_owned())
            .collect()
    };
    assert_eq!(temperatures("one"), temperatures("more"));
}

#[test]
fn the_files_are_read_and_their_faults_are_found() {
    let bench = Bench::new();
    let output = bench.run("demo --out sim");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let ingested = bench.ingested("sim");
    let report = &ingested.report;
    assert_eq!(report.stations.len(), 6);
    assert_eq!(
        report.notes,
        ["simulated by pm25-ingest demo (seed 1): not a measurement"]
    );
    let remarks: Vec<String> = ingested
        .table
        .header()
        .unwrap()
        .read_fact("remarks")
        .unwrap();
    assert_eq!(remarks, report.notes);
    assert_eq!(
        ingested.rejected(),
        [("conflicting duplicate", 2), ("exact duplicate", 3)]
    );
    let count = |station: usize, column: &str, flag: &str| {
        report.stations[station]
            .flags
            .get(column)
            .and_then(|flags| flags.get(flag))
            .copied()
    };
    assert_eq!(count(3, "pm25_ug_m3", "sentinel"), Some(6));
    assert_eq!(count(1, "pm25_ug_m3", "conflict"), Some(2));
    assert!(
        count(4, "co_mg_m3", "impossible").is_some_and(|n| 150 < n),
        "{:?}",
        report.stations[4].flags
    );
    let offsets = ingested.table.i16("utc_offset_min").unwrap();
    assert!(offsets.iter().all(|&offset| offset == 330));
    let air = |quantity: Quantity| {
        ingested
            .values(quantity)
            .iter()
            .filter(|value| !value.is_nan())
            .count()
    };
    for quantity in Quantity::ALL {
        assert!(150_000 < air(quantity), "{quantity:?}");
    }
}

/// What a person would look for to believe that it is air.
#[test]
fn it_looks_like_air() {
    let bench = Bench::new();
    bench.run("demo --out sim");
    let ingested = bench.ingested("sim");
    for station in &ingested.report.stations {
        let level = station.pm25_ug_m3.unflagged;
        let (mean, p98) = (level.mean.unwrap(), level.p98.unwrap());
        assert!(
            (40.0..150.0).contains(&mean) && 2.0 * mean < p98,
            "{mean} {p98}"
        );
        assert!((0.95..0.99).contains(&station.pm25_present_share));
    }
    let hours = ingested.report.stations[0].hours as usize;
    let pm25 = &ingested.values(Quantity::Pm25)[..hours];
    let [hourly, daily] = [1, 24].map(|lag| correlation(&pm25[..hours - lag], &pm25[lag..]));
    assert!(
        (0.93..0.99).contains(&hourly) && (0.4..0.75).contains(&daily),
        "{hourly} {daily}"
    );
    let of = |quantity| &ingested.values(quantity)[..hours];
    assert!(0.6 < correlation(pm25, of(Quantity::Pm10)));
    assert!(0.7 < correlation(pm25, of(Quantity::Co)));
    assert!(correlation(of(Quantity::No2), of(Quantity::O3)) < -0.3);
    assert!(correlation(pm25, of(Quantity::WindSpeed)) < -0.2);
    let above = pm25
        .iter()
        .zip(of(Quantity::Pm10))
        .filter(|(fine, all)| all < fine)
        .count();
    assert!((1..hours / 50).contains(&above), "{above}");
    let flags = &ingested.flags(Quantity::Pm25)[..hours];
    assert!(flags.iter().all(|mask| mask & flag::IMPOSSIBLE == 0));
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let pairs: Vec<(f64, f64)> = a
        .iter()
        .zip(b)
        .filter(|(a, b)| !a.is_nan() && !b.is_nan())
        .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        .collect();
    let n = pairs.len() as f64;
    let (mean_a, mean_b) = pairs
        .iter()
        .fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a / n, sum.1 + b / n));
    let sum = |f: &dyn Fn(f64, f64) -> f64| {
        pairs
            .iter()
            .map(|(a, b)| f(a - mean_a, b - mean_b))
            .sum::<f64>()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn files_of_a_larger_demo_go_and_those_of_others_are_pointed_out() {
    let bench = Bench::new();
    bench.run("demo --out sim --stations 3 --days 2");
    bench.write("sim/demo-04.csv", "time,pm25\n");
    let output = bench.run("demo --out sim --stations 2 --days 2");
    assert!(text(&output.stderr).contains("demo-04.csv"));
    assert!(!bench.path("sim/demo-03.csv").exists());
    assert!(bench.path("sim/demo-04.csv").exists(), "not made by us");
    assert_eq!(
        bench.run("demo --out sim --stations 0").status.code(),
        Some(2)
    );
}
