//! Each format as its providers write it, to the values in the table.

use crate::bench::{Bench, gz};
use pm25_air::civil::parse_rfc3339;
use pm25_air::{Quantity, flag};
use pm25_artifact::ingest::Place;
use pm25_artifact::prep::StationFact;
use std::collections::BTreeMap;

const UCI_HEADER: &str = "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"PM10\",\"SO2\",\"NO2\",\"CO\",\"O3\",\
    \"TEMP\",\"PRES\",\"DEWP\",\"RAIN\",\"wd\",\"WSPM\",\"station\"";

fn time_s(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

#[test]
fn beijing_with_twelve_stations() {
    let bench = Bench::new();
    let text = format!(
        "{UCI_HEADER}\r\n1,2013,3,1,0,4,4,4,7,300,77,-0.7,1023,-18.8,0,\"NNW\",4.4,\"Aotizhongxin\"\r\n\
         2,2013,3,1,1,NA,8,4,7,NA,77,-1.1,1023.2,-18.2,0,NA,4.7,\"Aotizhongxin\"\r\n"
    );
    let ingested = bench
        .write("PRSA_Data_A.csv", text)
        .ingested("PRSA_Data_A.csv");
    assert_eq!(ingested.station(0), "Aotizhongxin");
    assert_eq!(ingested.table.i16("utc_offset_min").unwrap(), [480, 480]);
    assert_eq!(
        ingested.table.time("time").unwrap(),
        [
            time_s("2013-02-28T16:00:00Z"),
            time_s("2013-02-28T17:00:00Z")
        ]
    );
    let first: Vec<f32> = Quantity::ALL
        .map(|quantity| ingested.values(quantity)[0])
        .to_vec();
    let expected = [
        4.0,
        4.0,
        7.0,
        4.0,
        77.0,
        0.3,
        -0.7,
        -18.8,
        f32::NAN,
        1023.0,
        0.0,
        4.4,
        337.5,
    ];
    for (found, expected) in first.iter().zip(expected) {
        assert_eq!(found.to_bits(), f32::to_bits(expected));
    }
    let second = Quantity::ALL.map(|quantity| ingested.values(quantity)[1]);
    assert!(second[0].is_nan() && second[5].is_nan() && second[12].is_nan());
    let names: Vec<&str> = ingested.table.names().collect();
    assert_eq!(
        names[..5],
        [
            "station",
            "time",
            "utc_offset_min",
            "pm25_ug_m3",
            "pm10_ug_m3"
        ]
    );
    assert_eq!(names[15..18], ["wind_deg", "pm25_flags", "pm10_flags"]);
    assert_eq!(names.len(), 29);
}

#[test]
fn beijing_with_one_station_does_not_pretend_to_know_the_wind() {
    let bench = Bench::new();
    let text = "PRSA_data_2010.1.1-2014.12.31\nNo,year,month,day,hour,pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir\n\
        1,2010,1,1,0,NA,-21,-11,1021,NW,1.79,0,0\n2,2010,1,1,1,129,-16,-4,1020,SE,1.79,0,0\n";
    let ingested = bench.write("a.csv", text).ingested("a.csv");
    assert_eq!(ingested.values(Quantity::Pm25)[1], 129.0);
    for quantity in [Quantity::WindSpeed, Quantity::WindDir, Quantity::Rain] {
        assert!(ingested.values(quantity)[1].is_nan());
    }
    let unused: Vec<&str> = ingested.report.files[0]
        .unused
        .iter()
        .map(|u| u.column.as_str())
        .collect();
    assert_eq!(unused, ["No", "cbwd", "Iws", "Is", "Ir"]);
    assert_eq!(ingested.report.stations[0].name, "US Embassy Beijing");
}

const KAGGLE: &str = "From Date,To Date,PM2.5 (ug/m3),NO (ug/m3),CO (ug/m3),BP (mmHg),RH (%)\n\
    2020-12-28 11:00:00,2020-12-28 12:00:00,105.0,2.83,0.65,985,40\n\
    2020-12-28 12:00:00,2020-12-28 13:00:00,,2.83,7.28,999.5,41\n\
    2020-12-28 14:00:00,2020-12-28 15:00:00,-999,2.83,0.0,700,NaN\n";

#[test]
fn india_from_kaggle() {
    let bench = Bench::new();
    let ingested = bench.write("in/AS002.csv", KAGGLE).ingested("in");
    assert_eq!(ingested.station(0), "AS002");
    assert_eq!(
        ingested.table.time("time").unwrap()[0],
        time_s("2020-12-28T05:30:00Z")
    );
    assert_eq!(ingested.table.i16("utc_offset_min").unwrap()[0], 330);
    // The hour 13:00 is absent from the file and a row without values in the table.
    assert_eq!(ingested.table.n_rows(), 4);
    assert!(ingested.values(Quantity::Pres)[2].is_nan());
    assert_eq!(ingested.flags(Quantity::Pm25), [0, 0, 0, flag::SENTINEL]);
    assert!(ingested.values(Quantity::Pm25)[3].is_nan());
    assert_eq!(ingested.values(Quantity::Co)[..2], [0.65, 7.28]);
    assert_eq!(ingested.values(Quantity::Pres)[..2], [985.0, 999.5]);
    let taken = |column: &str| {
        let file = &ingested.report.files[0];
        file.columns
            .iter()
            .find(|used| used.column == column)
            .unwrap()
            .taken
            .clone()
    };
    assert_eq!(taken("CO (ug/m3)"), "mg/m³");
    assert_eq!(taken("BP (mmHg)"), "hPa");
}

#[test]
fn india_from_the_portal() {
    let bench = Bench::new();
    let text = "CENTRAL POLLUTION CONTROL BOARD,,,,,\nCONTINUOUS AMBIENT AIR QUALITY,,,,,\n\
        \"Date: Monday, May 24 2021\",,,,,\nTime: 06:32:36 PM,,,,,\nState,Karnataka,,,,\nCity,Bengaluru,,,,\n\
        Station,\"BWSSB Kadabesanahalli, Bengaluru - CPCB\",,,,\nParameter,\"PM2.5,PM10,NH3,SO2\",,,,\n\
        AvgPeriod,1 Hours,,,,\nFrom,01-04-2020T00:00:00Z 00:00,,,,\nTo,24-05-2021T18:30:59Z 00:00,,,,\n,,,,,\n\
        \"BWSSB Kadabesanahalli, Bengaluru - CPCB\",,,,,\nPrescribed Standards, ,0-60,0-100,0-400,0-80\n\
        Exceeding Standards, ,NA,NA,NA,NA\nRemarks,,,,,\nFrom Date,To Date,PM2.5,PM10,NH3,SO2\n\
        01-04-2020 00:00,01-04-2020 01:00,9.46,None,None,6.91\n01-04-2020 01:00,01-04-2020 02:00,9.53,None,None,6.99\n\
        01-04-2020 02:00,01-04-2020 02:30,None,None,None,None\n";
    bench.write("BWSSB.csv", text).refused(
        "BWSSB.csv",
        3,
        &["1 of 3 lines", "partial or overlong interval"],
    );
    let ingested = bench.ingested("BWSSB.csv --max-rejects 50%");
    assert_eq!(
        ingested.station(0),
        "BWSSB Kadabesanahalli, Bengaluru - CPCB"
    );
    assert_eq!(
        ingested.table.time("time").unwrap()[0],
        time_s("2020-03-31T18:30:00Z")
    );
    assert_eq!(ingested.values(Quantity::Pm25), [9.46, 9.53]);
    assert_eq!(ingested.rejected(), [("partial or overlong interval", 1)]);
    let example = &ingested.report.examples["partial or overlong interval"][0];
    assert_eq!(example.at, "BWSSB.csv:20");
}

#[test]
fn india_from_the_bulk_archive_with_either_micro_sign_and_in_latin_1() {
    for micro in [
        "\u{b5}g/m\u{b3}".as_bytes(),
        "\u{3bc}g/m\u{b3}".as_bytes(),
        b"\xb5g/m\xb3",
    ] {
        let bench = Bench::new();
        let text = [
            b"Timestamp,PM2.5 (".as_slice(),
            micro,
            b"),CO (mg/m3)\n2023-01-01 00:00:00,5,1\n2023-01-01 01:00:00,6,1\n",
        ]
        .concat();
        let name = "Raw_data_1Hr_2023_site_5129_Shadipur_Delhi_CPCB_1Hr.csv";
        let ingested = bench.write(name, text).ingested(name);
        assert_eq!(ingested.report.files[0].source, "cpcb");
        assert_eq!(ingested.station(0), "site_5129");
        assert_eq!(ingested.values(Quantity::Pm25), [5.0, 6.0]);
    }
}

#[test]
fn a_plain_table_and_what_is_assumed_about_it() {
    let bench = Bench::new();
    let text =
        "DateTime,Station,PM2.5,colour\n2020-01-01 00:00,B,5,red\n2020-01-01 00:00,A,6,red\n";
    let ingested = bench.write("a.csv", text).ingested("a.csv");
    assert_eq!((ingested.station(0), ingested.station(1)), ("A", "B"));
    assert_eq!(
        ingested.table.time("time").unwrap()[0],
        time_s("2020-01-01T00:00:00Z")
    );
    let file = &ingested.report.files[0];
    assert_eq!(file.clock, "UTC, begin of the interval");
    assert!(
        file.notes.iter().any(|note| note.contains("taken as UTC")),
        "{:?}",
        file.notes
    );
    assert!(
        file.notes
            .iter()
            .any(|note| note.contains("begin of the interval"))
    );
    assert_eq!(file.columns[0].because, "no unit is stated: µg/m³ assumed");
    let ingested = bench.ingested("a.csv --tz Asia/Kolkata --stamp end");
    assert_eq!(
        ingested.table.time("time").unwrap()[0],
        time_s("2019-12-31T17:30:00Z")
    );
    assert_eq!(ingested.table.i16("utc_offset_min").unwrap()[0], 330);
}

#[test]
fn a_table_described_by_a_map() {
    let bench = Bench::new();
    bench.write(
        "map.toml",
        "time = 'Datum'\norder = 'day-first'\ntz = 'Europe/Vienna'\ndelimiter = ';'\nsentinels = [-888]\n\
         [columns]\npm25 = { column = 'Feinstaub', unit = 'ug/m3' }\nno2 = { column = 'NO2', unit = 'ppb' }\n\
         temp = { column = 'T', unit = '°F' }\n",
    );
    bench.write(
        "a.csv",
        "Datum;Feinstaub;NO2;T\n02.01.2020 01:00;5;10;77\n02.01.2020 02:00;-888;10;32\n",
    );
    let ingested = bench.ingested("a.csv --columns map.toml --station Graz");
    assert_eq!(ingested.station(0), "Graz");
    assert_eq!(
        ingested.table.time("time").unwrap()[0],
        time_s("2020-01-02T00:00:00Z")
    );
    assert_eq!(ingested.flags(Quantity::Pm25), [0, flag::SENTINEL]);
    assert_eq!(ingested.values(Quantity::Temp), [25.0, 0.0]);
    assert!((ingested.values(Quantity::No2)[0] - 18.8).abs() < 0.01);
    let inputs: Vec<&str> = ingested
        .report
        .pm25
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(inputs, ["a.csv", "map.toml"]);
}

#[test]
fn columns_in_another_order_give_the_same_values() {
    let shuffled = |text: &str, order: &[usize]| -> String {
        let lines = text.lines().map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            order
                .iter()
                .map(|&at| cells[at])
                .collect::<Vec<_>>()
                .join(",")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    // An hour without any value, whose first cells are empty where the dates stand last.
    let text = format!("{KAGGLE}2020-12-28 15:00:00,2020-12-28 16:00:00,,,,,\n");
    let bench = Bench::new();
    let plain = bench.write("AS002.csv", &text).ingested("AS002.csv");
    for order in [[6, 5, 4, 3, 2, 1, 0], [2, 0, 4, 1, 6, 3, 5]] {
        let ingested = bench
            .write("AS002.csv", shuffled(&text, &order))
            .ingested("AS002.csv");
        assert_eq!(ingested.contents(), plain.contents());
        assert_eq!(ingested.report.rows, plain.report.rows);
    }
}

#[test]
fn packed_and_oddly_ended_files_give_the_same_values() {
    let bench = Bench::new();
    let plain = bench
        .write("AS002.csv", KAGGLE)
        .ingested("AS002.csv")
        .contents();
    let crlf = KAGGLE.replace('\n', "\r\n");
    let (first, second) = KAGGLE.as_bytes().split_at(70);
    for (name, bytes) in [
        ("gz/AS002.csv.gz", gz(KAGGLE.as_bytes())),
        ("members/AS002.csv.gz", [gz(first), gz(second)].concat()),
        ("crlf/AS002.csv", crlf.clone().into_bytes()),
        ("cr/AS002.csv", KAGGLE.replace('\n', "\r").into_bytes()),
        (
            "bom/AS002.csv",
            [b"\xef\xbb\xbf".as_slice(), crlf.as_bytes()].concat(),
        ),
        ("open/AS002.csv", KAGGLE.trim_end().as_bytes().to_vec()),
        ("blank/AS002.csv", KAGGLE.replace('\n', "\n\n").into_bytes()),
        ("semicolon/AS002.csv", KAGGLE.replace(',', ";").into_bytes()),
    ] {
        assert_eq!(
            bench.write(name, bytes).ingested(name).contents(),
            plain,
            "{name}"
        );
    }
}

#[test]
fn places_go_into_the_header() {
    let bench = Bench::new();
    bench.write("AS002.csv", KAGGLE).write(
        "s.csv",
        "station,lat,lon,region\nAS002,26.18,91.75,east\nX,1,2,\n",
    );
    let ingested = bench.ingested("AS002.csv --stations s.csv");
    let header = ingested.table.header().unwrap();
    let stations: Vec<StationFact> = header.read_fact("stations").unwrap();
    assert_eq!(
        (stations[0].name.as_str(), stations[0].utc_offset_min),
        ("AS002", 330)
    );
    let places: BTreeMap<String, Place> = header.read_fact("places").unwrap();
    assert_eq!(places["AS002"].lat, Some(26.18));
    assert_eq!(places["AS002"].groups["region"], "east");
    assert_eq!(header.units["co_mg_m3"], "mg/m³");
}
