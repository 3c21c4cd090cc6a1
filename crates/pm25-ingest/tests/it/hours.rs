//! The hourly grid: duplicates, files over files, readings finer than an hour, flags.

use crate::bench::{Bench, Ingested};
use pm25_air::{Quantity, flag};

/// A plain file of station A on 2020-01-01 with the given hours and cells, and enough further days of rows that a
/// few rejections stay under the limit.
fn hourly(cells: &[(&str, &str)]) -> String {
    let mut text = "time,station,pm25,no2\n".to_owned();
    for (hour, values) in cells {
        text.push_str(&format!("2020-01-01 {hour}:00,A,{values}\n"));
    }
    for day in 2..=31 {
        for hour in 0..24 {
            text.push_str(&format!(
                "2020-01-{day:02} {hour:02}:00,A,{}.5,7\n",
                day + hour
            ));
        }
    }
    text
}

fn pm25(ingested: &Ingested, n: usize) -> Vec<f32> {
    ingested.values(Quantity::Pm25)[..n].to_vec()
}

#[test]
fn duplicates_are_rejected_and_contradictions_flagged() {
    let text = hourly(&[
        ("00", "1,5"),
        ("01", "2,5"),
        ("01", "2,5"),
        ("02", "3,5"),
        ("02", "4,5"),
        ("02", "3,"),
    ]);
    let bench = Bench::new();
    let ingested = bench.write("a.csv", text).ingested("a.csv");
    assert_eq!(pm25(&ingested, 3), [1.0, 2.0, 3.0]);
    assert_eq!(
        ingested.rejected(),
        [
            ("conflicting duplicate", 1),
            ("exact duplicate", 1),
            ("nothing new beside an earlier line", 1)
        ]
    );
    assert_eq!(ingested.flags(Quantity::Pm25)[..3], [0, 0, flag::CONFLICT]);
    assert!(ingested.flags(Quantity::No2).iter().all(|mask| *mask == 0));
    assert_eq!(ingested.report.examples["exact duplicate"][0].at, "a.csv:4");
    assert_eq!(
        ingested.report.stations[0].flags["pm25_ug_m3"]["conflict"],
        1
    );
}

#[test]
fn raw_values_stay_whatever_their_flags() {
    let text = hourly(&[
        ("00", "-3,1"),
        ("01", "-500,1"),
        ("02", "12000,-9999"),
        ("03", "-0.0,-999.0"),
    ]);
    let bench = Bench::new();
    let ingested = bench.write("a.csv", text).ingested("a.csv");
    assert_eq!(pm25(&ingested, 4), [-3.0, -500.0, 12_000.0, 0.0]);
    assert_eq!(
        ingested.flags(Quantity::Pm25)[..4],
        [flag::NEGATIVE, flag::IMPOSSIBLE, flag::IMPOSSIBLE, 0]
    );
    assert_eq!(
        ingested.flags(Quantity::No2)[2..4],
        [flag::SENTINEL, flag::SENTINEL]
    );
    let effect = &ingested.report.stations[0].pm25_ug_m3;
    assert_eq!(effect.all.hours - effect.without["impossible"].hours, 2);
    assert!(effect.unflagged.mean.unwrap() < effect.all.mean.unwrap());
}

#[test]
fn rows_between_the_hours_are_rejected() {
    let text = hourly(&[("00", "1,1")]).replace("2020-01-03 05:00", "2020-01-03 05:20");
    let bench = Bench::new();
    let ingested = bench.write("a.csv", text).ingested("a.csv");
    assert_eq!(ingested.rejected(), [("off the hourly grid", 1)]);
    assert_eq!(ingested.report.files[0].step_s, 3_600);
}

#[test]
fn unsorted_rows_give_the_same_table() {
    let text = hourly(&[("05", "1,1")]);
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    let bench = Bench::new();
    let sorted = bench.write("a.csv", &text).ingested("a.csv").contents();
    let newest_first = format!("{header}\n{}\n", rows.join("\n"));
    assert_eq!(
        bench
            .write("a.csv", newest_first)
            .ingested("a.csv")
            .contents(),
        sorted
    );
}

/// The clock goes back at 02:00 of that day; rows of two stations stand between one another.
#[test]
fn an_hour_shown_twice_is_told_apart_newest_first_and_oldest_first() {
    let hours = [("00:00", 1), ("01:00", 2), ("01:00", 3), ("02:00", 4)];
    let mut rows: Vec<String> = hours
        .iter()
        .flat_map(|(hour, value)| {
            ["A", "B"].map(|station| format!("2018-10-28 {hour},{station},{value}\n"))
        })
        .collect();
    let bench = Bench::new();
    for order in ["oldest first", "newest first"] {
        let text = format!("time,station,pm25\n{}", rows.concat());
        bench.write("a.csv", text);
        let ingested = bench.ingested("a.csv --tz Europe/London");
        assert_eq!(
            ingested.values(Quantity::Pm25),
            [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0],
            "{order}"
        );
        assert_eq!(ingested.report.rows.n_rejected(), 0);
        rows.reverse();
    }
}

/// Moscow's standard time was UTC+3 in 2010 and UTC+4 in 2013.
#[test]
fn years_of_a_zone_whose_standard_time_changed_are_one_station() {
    let header = "time,station,pm25\n";
    for minutes in [&["00"][..], &["00", "15", "30", "45"]] {
        let year = |year: i32| -> String {
            let stamps = (0..24).flat_map(|hour| minutes.iter().map(move |min| (hour, min)));
            stamps
                .map(|(hour, min)| format!("{year}-01-05 {hour:02}:{min},M,{}\n", year - 2000))
                .collect()
        };
        let bench = Bench::new();
        bench.write("one/a.csv", format!("{header}{}{}", year(2010), year(2013)));
        bench.write("two/a.csv", format!("{header}{}", year(2010)));
        bench.write("two/b.csv", format!("{header}{}", year(2013)));
        let one = bench.ingested("one --tz Europe/Moscow");
        let two = bench.ingested("two --tz Europe/Moscow");
        assert_eq!(two.contents(), one.contents());
        for of in [&one, &two] {
            assert_eq!(of.report.stations[0].utc_offset_min, 180);
            assert_eq!(of.report.stations[0].pm25_present, 48);
        }
    }
}

#[test]
fn files_of_one_station_are_laid_over_one_another() {
    let bench = Bench::new();
    let row = |hour: usize, value: &str| format!("2020-01-01 {hour:02}:00,A,{value}\n");
    let first: String = (0..10)
        .map(|hour| row(hour, if hour == 2 { "" } else { "5" }))
        .collect();
    let second: String = (2..12)
        .map(|hour| row(hour, if hour == 3 { "8" } else { "6" }))
        .collect();
    bench.write("in/a.csv", format!("time,station,pm25\n{first}"));
    bench.write(
        "in/b.csv",
        format!("time,station,no2,pm25\n{}", second.replace(",A,", ",A,7,")),
    );
    let ingested = bench.ingested("in");
    assert_eq!(
        pm25(&ingested, 12),
        [5.0, 5.0, 6.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 6.0, 6.0]
    );
    assert_eq!(ingested.values(Quantity::No2)[2..12], [7.0; 10]);
    assert_eq!(
        ingested.flags(Quantity::Pm25)[2..5],
        [0, flag::CONFLICT, flag::CONFLICT]
    );
    // Each line of b.csv brought NO2, so none of them was in vain.
    assert_eq!(ingested.rejected(), []);
    assert_eq!(ingested.report.stations[0].files, ["a.csv", "b.csv"]);
    // In the other order the other file comes first.
    let reversed = bench.ingested("in/b.csv in/a.csv --max-rejects 50%");
    assert_eq!(reversed.values(Quantity::Pm25)[3], 8.0);
    assert_eq!(
        reversed.rejected(),
        [
            ("conflicting duplicate", 7),
            ("nothing new beside an earlier line", 1)
        ]
    );
    // A copy under another name says nothing that is not known.
    bench.write("in/c.csv", std::fs::read(bench.path("in/b.csv")).unwrap());
    let copied = bench.ingested("in/b.csv in/c.csv --max-rejects 50%");
    assert_eq!(copied.rejected(), [("exact duplicate", 10)]);
}

/// Two lines for each of four hours: a value and nothing, either way round; two nothings; a value beside another.
const TWICE: [[&str; 2]; 4] = [
    ["5,", ",40"],
    [",41", "-999,"],
    [",", ",NA"],
    ["7,43", "8,"],
];

#[test]
fn an_empty_cell_contradicts_nothing_within_a_file_or_over_files() {
    let bench = Bench::new();
    let rows = |line: usize, step_min: usize| -> String {
        let hours = TWICE.iter().enumerate();
        let rows = hours.flat_map(|(hour, cells)| {
            let minutes = (0..60).step_by(step_min);
            minutes
                .map(move |minute| format!("2020-01-01 {hour:02}:{minute:02},A,{}\n", cells[line]))
        });
        rows.collect()
    };
    for step_min in [60, 15] {
        let header = "time,station,pm25,no2\n";
        let (first, later) = (rows(0, step_min), rows(1, step_min));
        bench.write("one/a.csv", format!("{header}{first}{later}"));
        bench.write("two/a.csv", format!("{header}{first}"));
        bench.write("two/b.csv", format!("{header}{later}"));
        let args = "--max-rejects 100%";
        let one = bench.ingested(&format!("one {args}"));
        let values = one.values(Quantity::Pm25);
        assert_eq!((values[0], values[3]), (5.0, 7.0));
        assert!(values[1].is_nan() && values[2].is_nan());
        assert_eq!(one.values(Quantity::No2)[..2], [40.0, 41.0]);
        let conflicts: Vec<bool> = [Quantity::Pm25, Quantity::No2]
            .iter()
            .flat_map(|q| {
                one.flags(*q)[..4]
                    .iter()
                    .map(|mask| mask & flag::CONFLICT != 0)
            })
            .collect();
        assert_eq!(
            conflicts,
            [false, false, false, true, false, false, false, false]
        );
        let n = 60 / step_min as u64;
        let expected = [
            ("conflicting duplicate", n),
            ("exact duplicate", n),
            ("nothing new beside an earlier line", n),
        ];
        assert_eq!(one.rejected(), expected);
        let rows = &one.report.rows;
        assert_eq!((rows.read, rows.kept), (8 * n, 5 * n));
        let two = bench.ingested(&format!("two {args}"));
        assert_eq!(two.contents(), one.contents());
        assert_eq!(two.report.rows, one.report.rows);
        // New months beside an earlier table.
        bench.ingested(&format!("two/a.csv {args}"));
        std::fs::rename(bench.path("out/o.parquet"), bench.path("earlier.parquet")).unwrap();
        let appended = bench.ingested(&format!("earlier.parquet two/b.csv {args}"));
        assert_eq!(appended.contents(), one.contents());
    }
}

#[test]
fn a_value_that_fills_a_gap_brings_its_own_verdict() {
    // The first line is declared invalid and holds nothing; so is the second, which has a value.
    let row = |hour: usize, value: &str, verdict: &str| {
        format!(
            "Chennai,PM2.5 - Principal,2020-02-09 {hour:02}:00 AM,2020,02,09,{hour:02},22,72,Moderate,{value},UG/M3,1 Hr,{verdict}\n"
        )
    };
    let header = "Site,Parameter,Date (LT),Year,Month,Day,Hour,NowCast Conc.,AQI,AQI Category,Raw Conc.,Conc. Unit,Duration,QC Name\n";
    let text = [
        header.to_owned(),
        row(1, "-999", "Invalid"),
        row(1, "18.0", "Valid"),
        row(2, "-999", "Valid"),
        row(2, "19.0", "Invalid"),
    ];
    let bench = Bench::new();
    let ingested = bench
        .write("a.csv", text.concat())
        .ingested("a.csv --tz +05:30 --max-rejects 100%");
    assert_eq!(pm25(&ingested, 2), [18.0, 19.0]);
    assert_eq!(
        ingested.flags(Quantity::Pm25)[..2],
        [0, flag::PROVIDER_INVALID]
    );
}

#[test]
fn a_station_with_two_clocks_is_refused() {
    let bench = Bench::new();
    bench.write(
        "in/a.csv",
        "time,station,pm25\n2020-01-01T00:00:00+05:30,A,1\n",
    );
    bench.write(
        "in/b.csv",
        "time,station,pm25\n2020-01-02T00:00:00+08:00,A,1\n",
    );
    bench.refused(
        "in",
        3,
        &[
            "station `A` has the offset +05:30 in a.csv and +08:00 in b.csv",
            "hint:",
        ],
    );
    bench.write(
        "in/b.csv",
        "time,station,pm25\n2020-01-02T00:30:00+05:30,A,1\n",
    );
    bench.refused("in", 3, &["station `A` has hours from"]);
}

#[test]
fn finer_readings_become_hours_if_three_quarters_are_there() {
    let mut text = "time,pm25,rain,wind_dir\n".to_owned();
    for minute in (0..60).step_by(10) {
        text.push_str(&format!(
            "2020-01-01T00:{minute:02}:00+05:30,{minute},0.1,{}\n",
            (350 + minute) % 360
        ));
    }
    for minute in [0, 10, 20, 30] {
        text.push_str(&format!("2020-01-01T01:{minute:02}:00+05:30,7,0.1,90\n"));
    }
    for minute in [0, 10, 20, 30, 40] {
        text.push_str(&format!("2020-01-01T02:{minute:02}:00+05:30,9,0.2,90\n"));
    }
    let bench = Bench::new();
    let ingested = bench.write("P1.csv", text).ingested("P1.csv");
    assert_eq!(ingested.station(0), "P1");
    let values = ingested.values(Quantity::Pm25);
    assert_eq!(
        (values[0], values[1].is_nan(), values[2]),
        (25.0, true, 9.0)
    );
    assert_eq!(ingested.values(Quantity::Rain)[0], 0.6);
    assert!((ingested.values(Quantity::WindDir)[0] - 15.0).abs() < 1e-3);
    assert_eq!(
        (ingested.report.rows.averaged, ingested.report.rows.kept),
        (15, 15)
    );
    assert_eq!(ingested.report.files[0].step_s, 600);
    assert_eq!(ingested.report.stations[0].pm25_incomplete, 1);
    // Local hours, though India's lie between those of UTC.
    assert_eq!(ingested.table.time("time").unwrap()[0] % 3_600, 1_800);
}

#[test]
fn stamps_at_the_end_of_finer_readings_belong_to_the_hour_before() {
    let mut text = "time,pm25\n".to_owned();
    for minute in [15, 30, 45] {
        text.push_str(&format!("2020-01-01 00:{minute:02},1\n"));
    }
    text.push_str("2020-01-01 01:00,5\n");
    let bench = Bench::new();
    let ingested = bench.write("a.csv", text).ingested("a.csv --stamp end");
    assert_eq!(ingested.values(Quantity::Pm25), [2.0]);
}

#[test]
fn impossible_and_repeated_fine_readings_do_not_move_the_hour() {
    let text = "time,pm25\n2020-01-01 00:00,4\n2020-01-01 00:15,4\n2020-01-01 00:15,4\n2020-01-01 00:30,99999\n\
        2020-01-01 00:45,4\n2020-01-01 01:00,-999\n2020-01-01 01:15,-999\n2020-01-01 01:30,-999\n2020-01-01 01:45,4\n\
        2020-01-01 02:00,4\n2020-01-01 02:15,4\n2020-01-01 02:15,8\n2020-01-01 02:30,4\n2020-01-01 02:45,4\n";
    let bench = Bench::new();
    let ingested = bench
        .write("a.csv", text)
        .ingested("a.csv --max-rejects 20%");
    let values = ingested.values(Quantity::Pm25);
    assert_eq!((values[0], values[2]), (4.0, 4.0));
    assert!(values[1].is_nan());
    assert_eq!(
        ingested.flags(Quantity::Pm25),
        [0, flag::SENTINEL, flag::CONFLICT]
    );
    assert_eq!(
        ingested.rejected(),
        [("conflicting duplicate", 1), ("exact duplicate", 1)]
    );
    assert_eq!(
        ingested.report.cells["impossible reading left out of an hourly mean"],
        1
    );
}

#[test]
fn finer_files_of_one_station_are_counted_once() {
    let rows = |hours: std::ops::Range<usize>| -> String {
        let stamps = hours.flat_map(|hour| [0, 15, 30, 45].map(|minute| (hour, minute)));
        stamps
            .map(|(hour, minute)| format!("2020-01-01 {hour:02}:{minute:02},A,5\n"))
            .collect()
    };
    let bench = Bench::new();
    bench.write("a.csv", format!("time,station,pm25\n{}", rows(0..10)));
    bench.write("b.csv", format!("time,station,pm25\n{}", rows(8..12)));
    let ingested = bench.ingested("a.csv b.csv --max-rejects 50%");
    let rows = &ingested.report.rows;
    assert_eq!((rows.read, rows.kept, rows.averaged), (56, 48, 48));
    assert_eq!(ingested.rejected(), [("exact duplicate", 8)]);
}

#[test]
fn a_daily_series_is_refused() {
    let days: String = (1..=20)
        .map(|day| format!("2020-01-{day:02} 00:00,5\n"))
        .collect();
    let bench = Bench::new();
    bench
        .write("a.csv", format!("time,pm25\n{days}"))
        .refused("a.csv", 3, &["24 hours apart"]);
}
