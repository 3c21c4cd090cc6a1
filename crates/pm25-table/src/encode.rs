//! Table to Parquet bytes: zstd, our header as key-value metadata in the footer, then the seal.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float32Array, Float64Array, Int16Array, Int32Array, StringArray,
    TimestampMicrosecondArray, UInt16Array, UInt32Array,
};
use arrow::datatypes::UInt32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use pm25_file::{Fault, Header, Place, Result, fill_seal};

use crate::{Column, Table, Text};

/// Key of our header in the footer's metadata.
pub(crate) const HEADER_KEY: &str = "pm25";
/// Microseconds in a second.
pub(crate) const US_PER_S: i64 = 1_000_000;
/// Rows of a row group: large enough to compress, small enough to read one at a time.
const ROWS_PER_GROUP: usize = 1 << 18;
/// zstd's own default: past it files shrink little and writing slows much.
const ZSTD_LEVEL: i32 = 3;

pub(crate) fn table(table: &Table, header: &Header) -> Result<Vec<u8>> {
    let unwritable = |e: Box<dyn std::error::Error + Send + Sync>| {
        Fault::unforeseen(format!("cannot encode a `{}`", header.format)).because(e)
    };
    let mut bytes = parquet(table, header).map_err(unwritable)?;
    fill_seal(&mut bytes, Place::Last).map_err(|e| unwritable(e.into()))?;
    Ok(bytes)
}

type Encoded = std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

fn parquet(table: &Table, header: &Header) -> Encoded {
    let batch = batch(table)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties()?))?;
    writer.write(&batch)?;
    writer.append_key_value_metadata(KeyValue::new(
        HEADER_KEY.to_owned(),
        serde_json::to_string(header)?,
    ));
    writer.close()?;
    Ok(bytes)
}

fn properties() -> parquet::errors::Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_created_by("pm25".to_owned())
        .build())
}

fn batch(table: &Table) -> arrow::error::Result<RecordBatch> {
    let columns = table.names().map(|name| {
        let column = table.column(name).expect("its own name");
        (
            name,
            array(column),
            matches!(column, Column::F32(_) | Column::F64(_)),
        )
    });
    RecordBatch::try_from_iter_with_nullable(columns)
}

fn array(column: &Column) -> ArrayRef {
    match column {
        Column::Text(text) => words(text),
        Column::Time(values) => Arc::new(
            TimestampMicrosecondArray::from_iter_values(values.iter().map(|s| s * US_PER_S))
                .with_timezone("UTC"),
        ),
        Column::F32(values) => Arc::new(Float32Array::from_iter(
            values.iter().map(|&v| (!v.is_nan()).then_some(v)),
        )),
        Column::F64(values) => Arc::new(Float64Array::from_iter(
            values.iter().map(|&v| (!v.is_nan()).then_some(v)),
        )),
        Column::I16(values) => Arc::new(Int16Array::from(values.clone())),
        Column::U16(values) => Arc::new(UInt16Array::from(values.clone())),
        Column::I32(values) => Arc::new(Int32Array::from(values.clone())),
    }
}

fn words(text: &Text) -> ArrayRef {
    let keys = UInt32Array::from(text.codes.clone());
    let words = StringArray::from_iter_values(&text.words);
    Arc::new(DictionaryArray::<UInt32Type>::new(keys, Arc::new(words)))
}
