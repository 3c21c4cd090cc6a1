//! Each network's format, in small files of our own making whose oddities are those of real ones.

use std::path::{Path, PathBuf};

use crate::bench::{Bench, Ingested, gz};
use pm25_air::civil::format_at;
use pm25_air::{Quantity, flag};

/// A file of made-up numbers.
fn fixture(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    path.display().to_string()
}

fn ingested(name: &str, flags: &str) -> Ingested {
    Bench::new().ingested(&format!("{} {flags}", fixture(name)))
}

/// The hours of the first station from its first one on, local time without date, and PM2.5.
fn hours(ingested: &Ingested) -> Vec<(String, f32)> {
    let times = ingested.table.time("time").unwrap();
    let offsets = ingested.table.i16("utc_offset_min").unwrap();
    let values = ingested.values(Quantity::Pm25);
    let first = ingested.station(0).to_owned();
    let rows = (0..times.len()).filter(|&row| ingested.station(row) == first);
    rows.map(|row| {
        (
            format_at(times[row], offsets[row])[11..].to_owned(),
            values[row],
        )
    })
    .collect()
}

fn source(ingested: &Ingested) -> &str {
    &ingested.report.files[0].source
}

#[test]
fn stateair_with_preamble_and_a_false_summer_time() {
    let ingested = ingested("stateair_old.csv", "");
    assert_eq!(
        (source(&ingested), ingested.station(0)),
        ("stateair", "Beijing")
    );
    let report = &ingested.report;
    assert_eq!((report.rows.read, report.rows.kept), (8, 8));
    assert_eq!(report.cells["hour of a false summer time, moved back"], 1);
    let hours = hours(&ingested);
    assert_eq!(hours.len(), 8);
    assert_eq!(hours[0], ("22:00:00+08:00".to_owned(), 31.0));
    assert_eq!(hours[4], ("02:00:00+08:00".to_owned(), 40.0));
    assert_eq!(hours[5], ("03:00:00+08:00".to_owned(), 22.0));
    assert!(hours[2].1.is_nan());
    assert_eq!(ingested.flags(Quantity::Pm25)[2], flag::SENTINEL);
    assert_eq!(ingested.flags(Quantity::Pm25)[6], flag::NEGATIVE);
}

#[test]
fn stateair_saved_again_by_a_spreadsheet_in_latin_1() {
    let ingested = ingested("stateair_resaved.csv", "");
    assert_eq!(ingested.report.rows.kept, 5);
    assert_eq!(hours(&ingested)[1], ("01:00:00+08:00".to_owned(), 41.0));
    let day = format_at(ingested.table.time("time").unwrap()[0], 480);
    assert!(day.starts_with("2017-01-13"), "{day}");
    assert_eq!(
        ingested.report.files[0].columns[0].claimed.as_deref(),
        Some("µg/m³")
    );
}

#[test]
fn airnows_successor_of_stateair_has_a_clock_of_twelve_hours_and_an_agencys_verdict() {
    let ingested = ingested("stateair_airnow.csv", "");
    let hours = hours(&ingested);
    assert_eq!(hours[0], ("22:00:00+05:30".to_owned(), 15.0));
    assert_eq!(hours[2], ("00:00:00+05:30".to_owned(), 11.0));
    assert_eq!(hours[14], ("12:00:00+05:30".to_owned(), 7.0));
    assert_eq!(
        hours[3].1, 18.0,
        "what is declared invalid stays and is flagged"
    );
    assert_eq!(ingested.flags(Quantity::Pm25)[3], flag::PROVIDER_INVALID);
    assert!(hours[4].1.is_nan());
}

#[test]
fn a_city_whose_clock_is_not_known_needs_a_zone() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(fixture("stateair_old.csv")).unwrap();
    bench.write("a.csv", text.replace("Beijing", "Ulaanbaatar"));
    bench.refused(
        "a.csv",
        3,
        &["the clock of `Ulaanbaatar` is not known", "--tz"],
    );
    let ingested = bench.ingested("a.csv --tz Asia/Ulaanbaatar");
    assert_eq!(ingested.report.rows.kept, 8);
}

#[test]
fn openaq_stamps_the_end_and_holds_one_reading_in_a_row() {
    let ingested = ingested("openaq_v1.csv", "");
    assert_eq!(
        (source(&ingested), ingested.station(0)),
        ("openaq", "Somewhere, Town - X")
    );
    let rows = &ingested.report.rows;
    assert_eq!((rows.read, rows.kept, rows.out_of_scope), (19, 19, 6));
    // The stamp 05:30 is the end of the hour that began at 04:30.
    let hours = hours(&ingested);
    assert_eq!(hours.len(), 7);
    assert_eq!(hours[0].0, "04:30:00+05:30");
    assert!(hours[0].1.is_nan());
    assert_eq!(ingested.flags(Quantity::Pm25)[0], flag::SENTINEL);
    assert_eq!(hours[1], ("05:30:00+05:30".to_owned(), 11.0));
    assert_eq!(ingested.values(Quantity::Co)[1], 0.401);
}

#[test]
fn the_users_word_on_stamps_counts_more_than_the_networks() {
    let ingested = ingested("openaq_v1.csv", "--stamp begin");
    assert_eq!(hours(&ingested)[1].0, "06:30:00+05:30");
}

#[test]
fn the_archive_of_openaq_moves_by_an_hour_in_summer() {
    let bench = Bench::new();
    for (from, to) in [
        (
            "openaq_archive.csv",
            "in/locationid=9369/year=2020/month=07/location-9369-20200730.csv.gz",
        ),
        (
            "openaq_archive_winter.csv",
            "in/locationid=9369/year=2020/month=12/location-9369-20201230.csv.gz",
        ),
    ] {
        bench.write(to, gz(&std::fs::read(fixture(from)).unwrap()));
    }
    let ingested = bench.ingested("in");
    let station = &ingested.report.stations[0];
    assert_eq!(ingested.report.stations.len(), 1);
    assert_eq!((station.utc_offset_min, station.pm25_present), (120, 12));
    // 01:00+03:00 ends the hour that began at 21:00 UTC.
    assert_eq!(station.first, "2020-07-29T23:00:00+02:00");
}

#[test]
fn a_winter_is_added_to_a_summer_and_a_summer_to_a_winter() {
    let bench = Bench::new();
    let months = ["openaq_archive.csv", "openaq_archive_winter.csv"];
    for month in months {
        bench.write(month, std::fs::read(fixture(month)).unwrap());
    }
    let whole = bench.ingested(&months.join(" "));
    for [earlier, later] in [months, [months[1], months[0]]] {
        bench.ingested(earlier);
        std::fs::rename(bench.path("out/o.parquet"), bench.path("e.parquet")).unwrap();
        let added = bench.ingested(&format!("e.parquet {later}"));
        assert_eq!(added.contents(), whole.contents(), "{later} later");
        assert_eq!(
            added.report.stations[0].utc_offset_min,
            whole.report.stations[0].utc_offset_min
        );
    }
}

#[test]
fn airnow_has_no_header_and_offsets_of_quarter_hours() {
    let ingested = ingested("airnow.dat", "");
    assert_eq!(source(&ingested), "airnow");
    let rows = &ingested.report.rows;
    assert_eq!((rows.read, rows.kept, rows.out_of_scope), (24, 24, 6));
    let stations: Vec<(&str, i16, &str)> = ingested
        .report
        .stations
        .iter()
        .map(|station| {
            (
                station.name.as_str(),
                station.utc_offset_min,
                station.first.as_str(),
            )
        })
        .collect();
    assert_eq!(
        stations,
        [
            ("000050308", -300, "2024-04-07T19:00:00-05:00"),
            ("NPL010001", 345, "2024-04-08T06:00:00+05:45")
        ]
    );
    assert_eq!(hours(&ingested)[1].1, 8.4);
    // 30 ppb of ozone are 58.9 µg/m³ at 25 °C.
    assert!((ingested.values(Quantity::O3)[0] - 58.9).abs() < 0.1);
    assert_eq!(
        ingested.report.stations[1].flags["pm25_ug_m3"]["negative"],
        1
    );
}

#[test]
fn purpleair_in_any_order_is_averaged_and_corrected_only_when_asked() {
    let raw = ingested("purpleair.csv", "--max-rejects 6%");
    assert_eq!((source(&raw), raw.station(0)), ("purpleair", "purpleair"));
    assert_eq!(raw.rejected(), [("exact duplicate", 1)]);
    assert_eq!(raw.report.files[0].step_s, 600);
    let mean = hours(&raw)[0].1;
    assert_eq!(mean, 21.666_666);
    let corrected = ingested("purpleair.csv", "--max-rejects 6% --correct epa");
    // 0.524 x 21.6667 - 0.0862 x 61 + 5.75, by EPA's formula below 30.
    assert!(
        (hours(&corrected)[0].1 - 11.845_13).abs() < 1e-4,
        "{:?}",
        hours(&corrected)[0]
    );
    assert_eq!(
        raw.values(Quantity::Temp)[0],
        ((69.5 - 32.0) * 5.0 / 9.0) as f32
    );
}

#[test]
fn two_channels_are_averaged() {
    let ingested = ingested("purpleair_channels.csv", "");
    assert_eq!(ingested.station(0), "123");
    assert_eq!(hours(&ingested)[0].1, 23.5);
}

#[test]
fn codes_of_aqs_keep_their_zeros_and_monitors_stay_apart() {
    let all = ingested("aqs.csv", "");
    let names: Vec<&str> = all
        .report
        .stations
        .iter()
        .map(|station| station.name.as_str())
        .collect();
    assert_eq!(names, ["06-037-1103-1", "06-037-1103-3"]);
    assert_eq!(hours(&all)[0], ("00:00:00-08:00".to_owned(), 9.5));
    let one = ingested("aqs.csv", "--poc 3");
    assert_eq!(one.station(0), "06-037-1103");
    assert_eq!(
        (one.report.rows.kept, one.report.rows.out_of_scope),
        (10, 5)
    );
    assert_eq!(hours(&one)[0].1, 11.5);
}

#[test]
fn pm25_of_sensor_community_is_p2() {
    let ingested = ingested("sensor_community.csv", "");
    assert_eq!(
        (source(&ingested), ingested.station(0)),
        ("sensor-community", "7789")
    );
    assert_eq!(ingested.report.rows.averaged, ingested.report.rows.read);
    let hours = hours(&ingested);
    assert_eq!(hours.len(), 3);
    assert!((5.0..12.0).contains(&hours[0].1));
    assert!((14.0..19.0).contains(&ingested.values(Quantity::Pm10)[0]));
}

#[test]
fn a_sheet_of_several_cpcb_stations() {
    let ingested = ingested("cpcb_sheets.csv", "--max-rejects 10%");
    let stations: Vec<(&str, u64)> = ingested
        .report
        .stations
        .iter()
        .map(|station| (station.name.as_str(), station.pm25_present))
        .collect();
    assert_eq!(
        stations,
        [("One Road  City - CPCB", 6), ("Two Road  City - KSPCB", 5)]
    );
    assert_eq!(ingested.rejected(), [("partial or overlong interval", 1)]);
    assert_eq!(ingested.report.rows.read, 12);
    assert_eq!(ingested.values(Quantity::Pm25)[6], 40.25);
    assert_eq!(ingested.values(Quantity::No2)[6], 20.0);
    assert!(ingested.values(Quantity::No2)[0].is_nan());
}

#[test]
fn a_council_with_semicolons_and_hours_that_end() {
    let ingested = ingested("council.csv", "--tz Europe/London --stamp end");
    assert_eq!(source(&ingested), "generic");
    assert_eq!(
        (ingested.report.rows.read, ingested.report.rows.n_rejected()),
        (23, 0)
    );
    let hours = hours(&ingested);
    assert_eq!((hours.len(), hours[0].0.as_str()), (23, "19:00:00+00:00"));
    assert_eq!(ingested.flags(Quantity::Pm25)[6], flag::NEGATIVE);
    let untold = Bench::new().ingest(&fixture("council.csv"));
    let stderr = crate::bench::text(&untold.stderr);
    assert!(
        stderr.contains("as a clock with summer time does"),
        "{stderr}"
    );
}

#[test]
fn minutes_with_letters_for_numbers() {
    let ingested = ingested("minutes.csv", "--max-rejects 2%");
    assert_eq!(source(&ingested), "generic");
    assert_eq!(ingested.report.cells["unreadable cell"], 3);
    assert_eq!(ingested.report.rows.averaged, 180);
    assert_eq!(hours(&ingested).len(), 3);
    assert_eq!(hours(&ingested)[2].1, 17.3);
}

#[test]
fn a_decimal_comma_is_seen() {
    let ingested = ingested("decimal_comma.tsv", "");
    assert_eq!(hours(&ingested)[0].1, 7.5);
    assert_eq!(ingested.values(Quantity::No2)[5], 25.25);
    assert!(
        ingested.report.files[0]
            .notes
            .iter()
            .any(|note| note.contains("decimal comma"))
    );
}

#[test]
fn the_agency_of_europe_writes_decimals_in_parquet() {
    let ingested = ingested("eea.parquet", "--max-rejects 20%");
    assert_eq!(
        (source(&ingested), ingested.station(0)),
        ("eea", "ES/SP_01")
    );
    let rows = &ingested.report.rows;
    assert_eq!((rows.read, rows.kept, rows.out_of_scope), (15, 14, 2));
    assert_eq!(ingested.rejected(), [("not an hourly mean", 1)]);
    let hours = hours(&ingested);
    assert_eq!(hours[0], ("00:00:00+01:00".to_owned(), 7.25));
    assert_eq!(hours[3].1, 9.123_456);
    assert!(hours[2].1.is_nan() && hours[6].1.is_nan());
    let invalid = flag::SENTINEL | flag::PROVIDER_INVALID;
    let flags = ingested.flags(Quantity::Pm25);
    assert_eq!(
        [flags[2], flags[4], flags[5], flags[7]],
        [invalid, flag::NEGATIVE, flag::PROVIDER_INVALID, 0]
    );
    assert_eq!(ingested.values(Quantity::Pm10)[1], 18.5);
    let told = self::ingested("eea.parquet", "--max-rejects 20% --tz UTC");
    assert_eq!(self::hours(&told)[0].0, "00:00:00+00:00");
}

#[test]
fn a_header_repeated_is_called_so_whatever_the_rows_are_asked_for() {
    let text = std::fs::read_to_string(fixture("stateair_airnow.csv")).unwrap();
    let bench = Bench::new();
    bench.write("a.csv", format!("{}\n{text}", text.trim_end()));
    let ingested = bench.ingested("a.csv --max-rejects 60%");
    let rejected = ingested.rejected();
    assert!(rejected.contains(&("header repeated", 1)), "{rejected:?}");
}

#[test]
fn columns_in_another_order_mean_the_same() {
    for (name, delimiter, flags) in [
        ("stateair_resaved.csv", ',', ""),
        ("stateair_airnow.csv", ',', ""),
        ("openaq_archive.csv", ',', ""),
        ("purpleair.csv", ',', "--max-rejects 6%"),
        ("aqs.csv", ',', ""),
        ("sensor_community.csv", ';', ""),
        ("council.csv", ';', "--tz Europe/London"),
        ("minutes.csv", ',', "--max-rejects 2%"),
        ("decimal_comma.tsv", '\t', ""),
    ] {
        let bench = Bench::new();
        let bytes = std::fs::read(fixture(name)).unwrap();
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let turned: Vec<String> = text
            .lines()
            .map(|line| {
                let mut cells: Vec<&str> = line.split(delimiter).collect();
                cells.rotate_left(2);
                cells.reverse();
                cells.join(&delimiter.to_string())
            })
            .collect();
        let latin_1: Vec<u8> = turned
            .join("\n")
            .chars()
            .map(|letter| letter as u8)
            .collect();
        bench
            .write(&format!("a/{name}"), &bytes)
            .write(&format!("b/{name}"), latin_1);
        let (as_is, shuffled) = (
            bench.ingested(&format!("a {flags}")),
            bench.ingested(&format!("b {flags}")),
        );
        assert_eq!(as_is.contents(), shuffled.contents(), "{name}");
    }
}
