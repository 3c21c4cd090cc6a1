//! Tables through the file system: what goes in comes out, and no damage goes unnoticed.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use pm25_file::{Header, Input, Kind, Output, Place, fill_seal, program};
use pm25_table::{Batches, Column, Table, TableWriter, Text};

#[path = "it/damage.rs"]
mod damage;

const FORMAT: &str = "pm25-observations";

fn sample(n_rows: usize) -> Table {
    let mut table = Table::new();
    let stations = (0..n_rows).map(|i| {
        if i < n_rows / 2 {
            "Dongsi"
        } else {
            "\"seal\":"
        }
    });
    table.push("station", Column::Text(Text::from_rows(stations)));
    table.push(
        "time",
        Column::Time((0..n_rows as i64).map(|i| 3600 * (i - 2)).collect()),
    );
    table.push("utc_offset_min", Column::I16(vec![480; n_rows]));
    let value = |i: usize| {
        if i.is_multiple_of(3) {
            f32::NAN
        } else {
            0.1 * i as f32
        }
    };
    table.push("pm25_ug_m3", (0..n_rows).map(value).collect::<Vec<f32>>());
    table.push(
        "pm25_flags",
        Column::U16((0..n_rows).map(|i| i as u16).collect()),
    );
    table.push(
        "prediction_ug_m3",
        (0..n_rows)
            .map(|i| 1.0 / (i as f64 + 3.0))
            .collect::<Vec<f64>>(),
    );
    table
}

fn write(table: &Table, path: &Path) {
    let header = Header::new(&program!()).unit("pm25_ug_m3", "µg/m³");
    table
        .write(&Output::Path(path.to_owned()), FORMAT, header)
        .unwrap();
}

fn read(path: &Path) -> pm25_file::Result<Table> {
    Table::read(&Input::Path(path.to_owned()), FORMAT)
}

fn bits(column: &Column) -> Vec<u64> {
    match column {
        Column::F32(v) => v
            .iter()
            .map(|x| u64::from(if x.is_nan() { 0 } else { x.to_bits() }))
            .collect(),
        Column::F64(v) => v.iter().map(|x| x.to_bits()).collect(),
        other => panic!("{} is compared directly", other.type_name()),
    }
}

#[test]
fn what_goes_in_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    // More rows than a row group holds, so that dictionaries are joined.
    for n_rows in [0, 1, 7, 300_000] {
        let path = folder.path().join("t.parquet");
        let table = sample(n_rows);
        write(&table, &path);
        let back = read(&path).unwrap();
        assert_eq!(
            back.names().collect::<Vec<_>>(),
            table.names().collect::<Vec<_>>()
        );
        for name in ["time", "utc_offset_min", "pm25_flags"] {
            assert_eq!(back.column(name), table.column(name));
        }
        for name in ["pm25_ug_m3", "prediction_ug_m3"] {
            assert_eq!(
                bits(back.column(name).unwrap()),
                bits(table.column(name).unwrap())
            );
        }
        let (ours, theirs) = (
            table.text("station").unwrap(),
            back.text("station").unwrap(),
        );
        assert!((0..n_rows).all(|i| ours.get(i) == theirs.get(i)));
        assert!(theirs.words.len() <= 2);
        assert_eq!(back.header().unwrap().units["pm25_ug_m3"], "µg/m³");
    }
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    write(&sample(1000), &a);
    write(&sample(1000), &b);
    assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
}

#[test]
fn every_single_flipped_bit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&sample(5), &path);
    let good = fs::read(&path).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        let fault = read(&path).map(|_| ()).expect_err("a flipped bit passed");
        assert_eq!(fault.kind(), Kind::BadArtifact, "bit {bit}");
        assert!(fault.to_string().contains("t.parquet"));
    }
}

#[test]
fn a_table_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&sample(5), &path);
    let fault = Table::read(&Input::Path(path), "pm25-features").unwrap_err();
    assert_eq!(fault.kind(), Kind::BadArtifact);
    assert!(fault.to_string().contains("pm25-observations"));
}

#[test]
fn a_foreign_table_is_read_as_numbers_words_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.parquet");
    let columns: [(&str, ArrayRef); 3] = [
        (
            "target_ug_m3",
            Arc::new(Float64Array::from(vec![Some(1.5), None])),
        ),
        ("hour", Arc::new(Int64Array::from(vec![3, 4]))),
        ("station", Arc::new(StringArray::from(vec!["a", "a"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    fs::write(&path, bytes).unwrap();
    let table = read(&path).unwrap();
    assert!(table.header().is_none());
    assert_eq!(table.f64("hour").unwrap(), [3.0, 4.0]);
    assert!(table.f64("target_ug_m3").unwrap()[1].is_nan());
    assert_eq!(table.text("station").unwrap().get(1), "a");
}

#[test]
fn what_is_no_parquet_is_a_bad_artifact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    for bytes in [&b""[..], b"PAR1", b"station,time\na,b\n", &[0; 4096]] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), Kind::BadArtifact);
    }
}

#[test]
fn a_missing_column_is_named_with_its_nearest_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&sample(2), &path);
    let fault = read(&path).unwrap().f32("pm2_5_ug_m3").unwrap_err();
    assert_eq!(fault.kind(), Kind::BadData);
    assert!(fault.hint_text().unwrap().contains("pm25_ug_m3"));
}

fn hours(from: usize, n: usize) -> Table {
    let mut table = Table::new();
    let rows: Vec<String> = (from..from + n)
        .map(|row| format!("S{}", row / 7))
        .collect();
    table.push(
        "station",
        Column::Text(Text::from_rows(rows.iter().map(String::as_str))),
    );
    table.push(
        "time",
        Column::Time((from..from + n).map(|row| row as i64 * 3_600).collect()),
    );
    let value = |row: usize| {
        if row.is_multiple_of(5) {
            f32::NAN
        } else {
            row as f32 / 4.0
        }
    };
    table.push("value", (from..from + n).map(value).collect::<Vec<f32>>());
    table
}

#[test]
fn pieces_make_the_table_that_they_are_pieces_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let output = Output::Path(path.clone());
    let mut writer = TableWriter::new(&output, &hours(0, 0)).unwrap();
    let encoder = writer.encoder();
    // Encoded in any order, appended in theirs.
    let mut groups: Vec<_> = [(11, 30), (11, 0), (10, 1), (0, 10)]
        .map(|(from, n)| encoder.encode(hours(from, n)).unwrap())
        .into();
    while let Some(group) = groups.pop() {
        writer.append(group).unwrap();
    }
    assert!(encoder.encode(Table::new()).is_err());
    let header = Header::new(&program!());
    let hash = writer.finish("pm25-test", header).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let read = Table::read(&Input::Path(path.clone()), "pm25-test").unwrap();
    assert_eq!(read.source().sha256, hash);
    let whole = hours(0, 41);
    assert_eq!(read.time("time").unwrap(), whole.time("time").unwrap());
    let bits = |table: &Table| {
        table
            .f32("value")
            .unwrap()
            .iter()
            .map(|v| v.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&read), bits(&whole));
    for row in 0..41 {
        assert_eq!(
            read.text("station").unwrap().get(row),
            whole.text("station").unwrap().get(row)
        );
    }
    // The same file a batch at a time.
    let batches = Batches::open("t", &path).unwrap();
    assert_eq!(batches.header().unwrap().format, "pm25-test");
    assert_eq!(
        batches.columns().collect::<Vec<_>>(),
        ["station", "time", "value"]
    );
    let n_rows: usize = batches.map(|batch| batch.unwrap().n_rows()).sum();
    assert_eq!(n_rows, 41);
}

#[test]
fn a_table_without_columns_is_no_table() {
    let output = Output::Path("t.parquet".into());
    assert!(TableWriter::new(&output, &Table::new()).is_err());
}

/// The decoder would make room for a gigabyte; opening the file must be as far as it comes.
#[test]
fn a_file_whose_page_claims_a_gigabyte_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let header = Header::new(&program!());
    let output = Output::Path(path.clone());
    hours(0, 400).write(&output, "pm25-test", header).unwrap();
    assert!(Batches::open("t", &path).is_ok());
    let mut bytes = std::fs::read(&path).unwrap();
    // Behind `PAR1` the first page's header: its type, then `0x15` and the size that it unpacks to.
    assert_eq!((bytes[4], bytes[6]), (0x15, 0x15));
    bytes[7..12].copy_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x08]);
    bytes[12..15].copy_from_slice(&[0x15, 2, 0]);
    std::fs::write(&path, bytes).unwrap();
    let fault = Batches::open("t", &path).err().unwrap();
    assert_eq!(fault.kind(), pm25_file::Kind::BadData);
}
