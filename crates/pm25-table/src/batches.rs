//! A Parquet file a batch of rows at a time, for tables of other programs that are too big to hold.
//!
//! Not for our own artifacts: those are read whole, because their seal covers all bytes.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use pm25_file::{Fault, Header, Result, unless_it_panics};

use crate::{Table, claims, decode};

/// Rows of a batch.
const ROWS: usize = 1 << 14;

/// The batches of one file, to be read once.
pub struct Batches {
    name: String,
    columns: Vec<String>,
    header: Option<Header>,
    reader: ParquetRecordBatchReader,
}

impl Batches {
    /// Opens a file; `name` is for messages. A damaged one is bad data, and so is one whose pages claim to be larger
    /// than a batch at a time needs.
    pub fn open(name: &str, path: &Path) -> Result<Self> {
        pm25_file::note_read(path);
        let file = File::open(path)
            .map_err(|e| Fault::unforeseen(format!("{name}: cannot be opened")).because(e))?;
        let opened = unless_it_panics(|| -> decode::Caused<_> {
            let pages = file.try_clone()?;
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
            claims::bound(&pages, builder.metadata())?;
            let pairs = builder.metadata().file_metadata().key_value_metadata();
            let header = decode::header(pairs)?;
            let columns = builder
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone());
            Ok((
                columns.collect(),
                header,
                builder.with_batch_size(ROWS).build()?,
            ))
        });
        let (columns, header, reader) = opened
            .unwrap_or_else(|| Err("the Parquet reader gave up on it".into()))
            .map_err(|e| damaged(name, e))?;
        Ok(Self {
            name: name.to_owned(),
            columns,
            header,
            reader,
        })
    }

    /// Names of its columns in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// The header, if it is one of our artifacts.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }
}

impl Iterator for Batches {
    type Item = Result<Table>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        let batch = unless_it_panics(|| -> decode::Caused<Option<Table>> {
            match reader.next() {
                Some(batch) => Ok(Some(decode::batch(&batch?)?)),
                None => Ok(None),
            }
        });
        batch
            .unwrap_or_else(|| Err("the Parquet reader gave up on it".into()))
            .map_err(|e| damaged(&self.name, e))
            .transpose()
    }
}

fn damaged(name: &str, cause: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    Fault::bad_data(format!("{name} cannot be read as a Parquet table"))
        .because(cause)
        .hint("fetch the file again")
}
