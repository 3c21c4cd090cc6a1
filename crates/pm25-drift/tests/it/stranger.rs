//! The same numbers as SciPy, through the program; and a table that pyarrow wrote.

use pm25_file::{Header, program};
use pm25_table::{Column, Table};

use super::house::{House, column, said};

/// See the head of `data/distances.csv`.
fn values(cells: &[f64]) -> Vec<f32> {
    let [n, step, modulus, per] = cells else {
        panic!("four numbers describe a column")
    };
    let value = |k: i64| ((k * *step as i64) % *modulus as i64) as f64 / per;
    (0..*n as i64).map(|k| value(k) as f32).collect()
}

fn write(house: &House, name: &str, values: &[f32], double: bool) {
    let mut table = Table::new();
    let column = match double {
        true => Column::F64(values.iter().map(|&v| f64::from(v)).collect()),
        false => Column::F32(values.to_vec()),
    };
    table.push("x", column);
    house.write(name, &table, "pm25-features", Header::new(&program!()));
}

#[test]
fn distances_are_those_of_scipy() {
    let vectors = include_str!("../data/distances.csv")
        .lines()
        .filter(|line| !line.starts_with('#'));
    for line in vectors {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let [statistic, p_value, distance] = cells[8..] else {
            panic!("eleven cells")
        };
        for (double_before, double_now) in [(false, false), (true, true), (true, false)] {
            let house = House::new();
            write(&house, "then.parquet", &values(&cells[..4]), double_before);
            write(&house, "now.parquet", &values(&cells[4..8]), double_now);
            let (_, report) = house.check("then.parquet", "now.parquet", &[]);
            let drift = column(&report, "x");
            let ks = drift.ks.unwrap();
            assert!((ks.statistic - statistic).abs() < 1e-12, "{line}: {ks:?}");
            assert!(
                (ks.p_value - p_value).abs() <= 1e-9 * p_value,
                "{line}: {ks:?}"
            );
            assert!(
                (drift.wasserstein.unwrap() - distance).abs() <= 1e-9 * distance,
                "{line}: {drift:?}"
            );

            house.profile("then.parquet", &[]);
            let (_, kept) = house.check("profile.json", "now.parquet", &[]);
            let (kept, error_max) = (column(&kept, "x"), column(&kept, "x").ks.unwrap().error_max);
            assert!((kept.ks.unwrap().statistic - statistic).abs() <= error_max + 1e-12);
            assert!(error_max < 0.005);
            assert_eq!((kept.psi, kept.reference), (drift.psi, drift.reference));
        }
    }
}

/// `data/foreign.parquet` was written by pyarrow: x = 0, 0.1, ... (double), n = 0..6 with nulls (long), name (string).
#[test]
fn a_table_of_another_program_is_used_with_a_warning() {
    let house = House::new();
    std::fs::write(
        house.path("f.parquet"),
        include_bytes!("../data/foreign.parquet"),
    )
    .unwrap();
    let output = house.run(&[
        "check",
        "--reference",
        "f.parquet",
        "--current",
        "f.parquet",
        "--out",
        "drift.json",
    ]);
    assert_eq!(
        said(&output).matches("warning:").count(),
        2,
        "one for each table: {}",
        said(&output)
    );
    let report = house.report();
    assert_eq!(report.columns.keys().collect::<Vec<_>>(), ["n", "x"]);
    assert_eq!(column(&report, "n").current.missing, 40);
    assert_eq!(report.current.rows.first, None);
}

/// Requests are decimals and tables are f32: 0.1 must be found among values that are 0.1.
#[test]
fn decimals_meet_the_precision_of_the_reference() {
    let house = House::new();
    let steps: Vec<f32> = (0..400).map(|i| [0.1, 0.7, 1.3][i % 3]).collect();
    write(&house, "single.parquet", &steps, false);
    let lines: Vec<String> = steps.iter().map(|v| format!("{{\"x\": {v}}}")).collect();
    std::fs::write(house.path("r.jsonl"), lines.join("\n")).unwrap();
    house.profile("single.parquet", &[]);
    for reference in ["single.parquet", "profile.json"] {
        let (_, report) = house.check(reference, "r.jsonl", &[]);
        assert_eq!(
            column(&report, "x").ks.unwrap().statistic,
            0.0,
            "{reference}"
        );
    }
    let exact: Vec<f64> = steps
        .iter()
        .map(|v| v.to_string().parse().unwrap())
        .collect();
    let mut table = Table::new();
    table.push("x", exact);
    house.write(
        "double.parquet",
        &table,
        "pm25-features",
        Header::new(&program!()),
    );
    for (reference, current) in [
        ("double.parquet", "r.jsonl"),
        ("double.parquet", "single.parquet"),
    ] {
        let (_, report) = house.check(reference, current, &[]);
        assert_eq!(
            column(&report, "x").ks.unwrap().statistic,
            0.0,
            "{reference} {current}"
        );
    }
}
