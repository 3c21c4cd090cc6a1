//! Parquet bytes to a table: ours exactly, others' as far as their columns are numbers, words or times.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, new_empty_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{
    DataType, Float32Type, Int16Type, Int32Type, TimeUnit, TimestampMicrosecondType, UInt16Type,
    UInt32Type,
};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use pm25_file::{Fault, Header, Result, unless_it_panics};

use crate::encode::{HEADER_KEY, US_PER_S};
use crate::{Column, Table, Text};

pub(crate) type Caused<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Decodes a whole file. `ours` says that it bears our mark, so it must have our header.
pub(crate) fn table(name: &str, bytes: Vec<u8>, ours: bool) -> Result<Table> {
    // The parquet crate holds panics on hostile files to be bugs, not vulnerabilities; they must not
    // become ours.
    let decoded = unless_it_panics(|| decode(Bytes::from(bytes)))
        .unwrap_or_else(|| Err("the Parquet reader gave up on it".into()));
    let table = decoded.map_err(|e| {
        Fault::bad_artifact(format!("{name} cannot be read as a Parquet table"))
            .because(e)
            .hint("give a .parquet file; `pm25-ingest` makes one from CSV files")
    })?;
    if ours && table.header().is_none() {
        return Err(Fault::bad_artifact(format!(
            "{name} is damaged: its header is gone"
        )));
    }
    Ok(table)
}

fn decode(bytes: Bytes) -> Caused<Table> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let header = header(builder.metadata().file_metadata().key_value_metadata())?;
    let schema = builder.schema().clone();
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); schema.fields().len()];
    for batch in builder.with_batch_size(1 << 16).build()? {
        for (pieces, piece) in columns.iter_mut().zip(batch?.columns()) {
            pieces.push(piece.clone());
        }
    }
    let mut table = Table::new();
    // The pieces of a column are gone before the next column is put together: one copy of the table, not three.
    for (field, pieces) in schema.fields().iter().zip(columns) {
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        let whole = match pieces.is_empty() {
            true => new_empty_array(field.data_type()),
            false => concat(&pieces)?,
        };
        push(&mut table, field.name(), &whole)?;
    }
    if let Some(header) = header {
        table.set_header(header);
    }
    Ok(table)
}

/// The columns of some rows.
pub(crate) fn batch(batch: &RecordBatch) -> Caused<Table> {
    let mut table = Table::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        push(&mut table, field.name(), array)?;
    }
    Ok(table)
}

fn push(table: &mut Table, name: &str, array: &ArrayRef) -> Caused<()> {
    let column = column(name, array)?;
    if table.column(name).is_some() {
        return Err(format!("it has two columns named `{name}`").into());
    }
    table.push(name, column);
    Ok(())
}

/// Our header among a file's key-value metadata.
pub(crate) fn header(pairs: Option<&Vec<KeyValue>>) -> Caused<Option<Header>> {
    let value = pairs
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == HEADER_KEY))
        .and_then(|pair| pair.value.as_deref());
    Ok(value.map(serde_json::from_str).transpose()?)
}

fn column(name: &str, array: &ArrayRef) -> Caused<Column> {
    let whole = |column: Column| {
        if array.null_count() == 0 {
            Ok(column)
        } else {
            Err(format!("column `{name}` has nulls where none may be").into())
        }
    };
    match array.data_type() {
        DataType::Float32 => Ok(Column::F32(
            array
                .as_primitive::<Float32Type>()
                .iter()
                .map(|v| v.unwrap_or(f32::NAN))
                .collect(),
        )),
        DataType::Int16 => whole(Column::I16(
            array.as_primitive::<Int16Type>().values().to_vec(),
        )),
        DataType::UInt16 => whole(Column::U16(
            array.as_primitive::<UInt16Type>().values().to_vec(),
        )),
        DataType::Int32 => whole(Column::I32(
            array.as_primitive::<Int32Type>().values().to_vec(),
        )),
        DataType::Timestamp(_, _) => whole(Column::Time(seconds(name, array)?)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            whole(Column::Text(words(array)?))
        }
        other if other.is_numeric() || *other == DataType::Boolean => {
            Ok(Column::F64(numbers(array)?))
        }
        other => Err(format!("column `{name}` has the type {other}, which is not read").into()),
    }
}

fn numbers(array: &ArrayRef) -> Caused<Vec<f64>> {
    let cast = cast(array, &DataType::Float64)?;
    let values: &Float64Array = cast.as_primitive();
    Ok(values.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

fn seconds(name: &str, array: &ArrayRef) -> Caused<Vec<i64>> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let cast = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    let micros = cast.as_primitive::<TimestampMicrosecondType>();
    micros
        .values()
        .iter()
        .map(|&us| match us % US_PER_S {
            0 => Ok(us / US_PER_S),
            _ => Err(format!("column `{name}` has instants that are not whole seconds").into()),
        })
        .collect()
}

fn words(array: &ArrayRef) -> Caused<Text> {
    if let DataType::Dictionary(key, _) = array.data_type()
        && **key == DataType::UInt32
    {
        let dictionary = array.as_dictionary::<UInt32Type>();
        let values = cast(dictionary.values(), &DataType::Utf8)?;
        // Each batch brings its own dictionary, so after joining them a word may stand there twice.
        let each_once = Text::from_rows(
            values
                .as_string::<i32>()
                .iter()
                .map(Option::unwrap_or_default),
        );
        let codes = dictionary.keys().values().iter();
        return Ok(Text {
            codes: codes.map(|&code| each_once.codes[code as usize]).collect(),
            words: each_once.words,
        });
    }
    let plain = cast(array, &DataType::Utf8)?;
    let rows: &StringArray = plain.as_string();
    Ok(Text::from_rows(rows.iter().map(Option::unwrap_or_default)))
}
