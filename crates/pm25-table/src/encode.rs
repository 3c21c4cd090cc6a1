//! Table to Parquet bytes: zstd, our header as key-value metadata in the footer, then the seal.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float32Array, Float64Array, Int16Array, Int32Array, StringArray,
    TimestampMicrosecondArray, UInt16Array, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, SchemaRef, UInt32Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
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

/// Bytes that are split by significance are noise or constant: a longer search finds nothing in them.
const PIECES_ZSTD_LEVEL: i32 = 1;

/// The newest version of our table formats.
pub(crate) const VERSION: u32 = 1;

pub(crate) type Encoded<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Sets what the format decides in a header.
pub(crate) fn stamp(header: &mut Header, format: &str) {
    format.clone_into(&mut header.format);
    header.version = VERSION;
}

/// A whole table as the bytes of its file.
pub(crate) fn table(table: &Table, header: &Header) -> Result<Vec<u8>> {
    let filled = || -> Encoded<ArrowWriter<Vec<u8>>> {
        let batch = batch(table)?;
        let mut writer = writer(batch.schema())?;
        writer.write(&batch)?;
        Ok(writer)
    };
    close(filled().map_err(|e| unwritable(header, e))?, header)
}

/// A writer into memory.
pub(crate) fn writer(schema: SchemaRef) -> Encoded<ArrowWriter<Vec<u8>>> {
    Ok(ArrowWriter::try_new(
        Vec::new(),
        schema,
        Some(properties()?),
    )?)
}

/// Ends the file with our header and seals it.
pub(crate) fn close(mut writer: ArrowWriter<Vec<u8>>, header: &Header) -> Result<Vec<u8>> {
    let closed = || -> Encoded<Vec<u8>> {
        writer.append_key_value_metadata(KeyValue::new(
            HEADER_KEY.to_owned(),
            serde_json::to_string(header)?,
        ));
        Ok(writer.into_inner()?)
    };
    let mut bytes = closed().map_err(|e| unwritable(header, e))?;
    fill_seal(&mut bytes, Place::Last).map_err(|e| unwritable(header, e.into()))?;
    Ok(bytes)
}

fn unwritable(header: &Header, cause: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    Fault::unforeseen(format!("cannot encode a `{}`", header.format)).because(cause)
}

fn properties() -> parquet::errors::Result<WriterProperties> {
    Ok(builder(ZSTD_LEVEL)?.build())
}

/// For tables of many rows that are written in pieces. Numbers get no dictionary, which costs more than all the rest
/// of the writing together: their bytes are split by significance, which leaves zstd little to search for. Instants
/// are written as their differences, which are all alike in a gapless record.
pub(crate) fn properties_of_pieces(
    schema: &SchemaRef,
) -> parquet::errors::Result<WriterProperties> {
    let encoding = |data_type: &DataType| match data_type {
        DataType::Float32 | DataType::Float64 => Some(Encoding::BYTE_STREAM_SPLIT),
        DataType::Timestamp(_, _) => Some(Encoding::DELTA_BINARY_PACKED),
        _ => None,
    };
    let mut properties = builder(PIECES_ZSTD_LEVEL)?;
    for field in schema.fields() {
        if let Some(encoding) = encoding(field.data_type()) {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
    }
    Ok(properties.build())
}

fn builder(zstd_level: i32) -> parquet::errors::Result<WriterPropertiesBuilder> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_created_by("pm25".to_owned()))
}

pub(crate) fn batch(table: &Table) -> arrow::error::Result<RecordBatch> {
    let columns = table.names().map(|name| {
        let column = table.column(name).expect("its own name");
        (
            name,
            array(column.clone()),
            matches!(column, Column::F32(_) | Column::F64(_)),
        )
    });
    RecordBatch::try_from_iter_with_nullable(columns)
}

pub(crate) fn array(column: Column) -> ArrayRef {
    match column {
        Column::Text(text) => words(text),
        Column::Time(values) => Arc::new(
            TimestampMicrosecondArray::from_iter_values(values.iter().map(|s| s * US_PER_S))
                .with_timezone("UTC"),
        ),
        Column::F32(values) => {
            let present = present(values.len(), |row| !values[row].is_nan());
            Arc::new(Float32Array::new(values.into(), present))
        }
        Column::F64(values) => {
            let present = present(values.len(), |row| !values[row].is_nan());
            Arc::new(Float64Array::new(values.into(), present))
        }
        Column::I16(values) => Arc::new(Int16Array::from(values)),
        Column::U16(values) => Arc::new(UInt16Array::from(values)),
        Column::I32(values) => Arc::new(Int32Array::from(values)),
    }
}

/// Which values are there; nothing if all are.
fn present(n_rows: usize, is_there: impl FnMut(usize) -> bool) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(n_rows, is_there));
    (0 < nulls.null_count()).then_some(nulls)
}

fn words(text: Text) -> ArrayRef {
    let keys = UInt32Array::from(text.codes);
    let words = StringArray::from_iter_values(&text.words);
    Arc::new(DictionaryArray::<UInt32Type>::new(keys, Arc::new(words)))
}
