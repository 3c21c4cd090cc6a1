//! A table written piece by piece: pieces are encoded side by side, each a row group, and appended in order to a file
//! without a name beside the output, which is published whole at the end.
//!
//! Needs no more memory than the pieces that are under way and the file's footer. The bytes depend on the rows and on
//! where the pieces end, on nothing else.
//!
//! ```text
//! piece ── Encoder::encode (any thread) ── Group ── TableWriter::append (in order) ── finish: header, seal, publish
//! ```

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use pm25_file::{Draft, Fault, Hasher, Header, Output, Result, Sha256, fill_last_seal};

use crate::regular::{Copied, Known, Shape};
use crate::{Column, Table, encode};

/// Takes the pieces of one table, in order.
pub struct TableWriter {
    file: SerializedFileWriter<Sink>,
    encoder: Arc<Encoder>,
}

/// Encodes pieces of one table, on any thread.
pub struct Encoder {
    schema: SchemaRef,
    groups: ArrowRowGroupWriterFactory,
    known: Known,
}

/// A piece, encoded: a row group that is in no file yet.
pub struct Group {
    chunks: Vec<Chunk>,
}

/// A column of a piece.
enum Chunk {
    Own(Box<ArrowColumnChunk>),
    /// Other pieces may have the same one.
    Shared(Arc<Copied>),
}

impl TableWriter {
    /// A table that goes to `output`, without rows yet, with the columns of `shape`.
    ///
    /// # Errors
    /// If `shape` has no columns, or the output is a terminal.
    pub fn new(output: &Output, shape: &Table) -> Result<Self> {
        output.refuse_terminal()?;
        if shape.names().next().is_none() {
            return Err(Fault::unforeseen("a table without columns"));
        }
        let opened = || -> encode::Encoded<Self> {
            let schema = encode::batch(shape)?.schema();
            let sink = Sink {
                draft: output.draft(),
                hasher: Hasher::default(),
                end: None,
            };
            let properties = encode::properties_of_pieces(&schema)?;
            let writer = ArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties))?;
            let (file, groups) = writer.into_serialized_writer()?;
            let known = Known::new(schema.fields().len());
            let encoder = Encoder {
                schema,
                groups,
                known,
            };
            Ok(Self {
                file,
                encoder: Arc::new(encoder),
            })
        };
        opened().map_err(unwritable)
    }

    /// What encodes its pieces.
    pub fn encoder(&self) -> Arc<Encoder> {
        Arc::clone(&self.encoder)
    }

    /// Appends a row group.
    pub fn append(&mut self, group: Group) -> Result<()> {
        let append = || -> encode::Encoded<()> {
            let mut row_group = self.file.next_row_group()?;
            for chunk in group.chunks {
                match chunk {
                    Chunk::Own(chunk) => chunk.append_to_row_group(&mut row_group)?,
                    Chunk::Shared(copied) => copied.append_to(&mut row_group)?,
                }
            }
            row_group.close()?;
            Ok(())
        };
        append().map_err(unwritable)
    }

    /// Publishes the table with this header, sealed; returns the hash of the file.
    pub fn finish(mut self, format: &str, mut header: Header) -> Result<Sha256> {
        encode::stamp(&mut header, format);
        let close = || -> encode::Encoded<Sink> {
            self.file.flush()?;
            self.file.inner_mut().end = Some(Vec::new());
            self.file.append_key_value_metadata(KeyValue::new(
                encode::HEADER_KEY.to_owned(),
                serde_json::to_string(&header)?,
            ));
            Ok(self.file.into_inner()?)
        };
        let mut sink = close().map_err(unwritable)?;
        let mut end = sink.end.take().unwrap_or_default();
        let hash = fill_last_seal(&sink.hasher, &mut end).map_err(|e| unwritable(e.into()))?;
        let ended = sink.draft.write_all(&end);
        ended.map_err(|e| unwritable(e.into()))?;
        sink.draft.publish()?;
        Ok(hash)
    }
}

impl Encoder {
    /// Encodes a piece, which must have the columns of the table's shape, in its order. Columns are given up one by
    /// one.
    pub fn encode(&self, piece: Table) -> Result<Group> {
        let encoded = || -> encode::Encoded<Group> {
            let mut chunks = Vec::with_capacity(self.schema.fields().len());
            let writers = self.groups.create_column_writers(0)?;
            let mut columns = piece.into_columns();
            for (at, (field, writer)) in self.schema.fields().iter().zip(writers).enumerate() {
                let column = columns.next().filter(|(name, _)| name == field.name());
                let (_, column) = column.ok_or("a piece with other columns")?;
                chunks.push(match Shape::of(&column) {
                    Some(shape) => {
                        let encode = || encoded_column(field, writer, column);
                        Chunk::Shared(self.known.or_encode(at, shape, encode)?)
                    }
                    None => Chunk::Own(Box::new(encoded_column(field, writer, column)?)),
                });
            }
            Ok(Group { chunks })
        };
        encoded().map_err(unwritable)
    }
}

fn encoded_column(
    field: &FieldRef,
    mut writer: ArrowColumnWriter,
    column: Column,
) -> encode::Encoded<ArrowColumnChunk> {
    let array = encode::array(column);
    for leaf in compute_leaves(field, &array)? {
        writer.write(&leaf)?;
    }
    Ok(writer.close()?)
}

/// The file until it is published; its end stays at hand, because the seal stands there.
struct Sink {
    draft: Draft,
    hasher: Hasher,
    end: Option<Vec<u8>>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            end.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let n = self.draft.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

fn unwritable(cause: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    Fault::unforeseen("a table cannot be written").because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_file::program;

    fn piece(from: usize, n: usize) -> Table {
        let rows = || from..from + n;
        let mut table = Table::new();
        table.push(
            "time",
            Column::Time(rows().map(|row| 3_600 * row as i64).collect()),
        );
        table.push("offset", Column::I16(vec![330; n]));
        table.push("flags", Column::U16(vec![0; n]));
        table.push("none", Column::F32(vec![f32::NAN; n]));
        let value = |row: usize| if row < 70_000 { 2.5 } else { row as f32 };
        table.push("value", Column::F32(rows().map(value).collect()));
        table
    }

    /// As [`Encoder::encode`], without knowing what was encoded before.
    fn encoded_anew(encoder: &Encoder, piece: Table) -> Group {
        let writers = encoder.groups.create_column_writers(0).unwrap();
        let fields = encoder.schema.fields().iter();
        let chunks = fields.zip(writers).zip(piece.into_columns());
        let chunks = chunks.map(|((field, writer), (_, column))| {
            Chunk::Own(Box::new(encoded_column(field, writer, column).unwrap()))
        });
        Group {
            chunks: chunks.collect(),
        }
    }

    #[test]
    fn a_column_that_is_copied_has_the_bytes_of_one_that_is_encoded() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, encode: &dyn Fn(&Encoder, Table) -> Group| {
            let path = folder.path().join(name);
            let mut writer = TableWriter::new(&Output::Path(path.clone()), &piece(0, 0)).unwrap();
            // Pages end within a piece, shapes come back and change.
            for (from, n) in [
                (0, 50_000),
                (0, 50_000),
                (60_000, 50_000),
                (5, 3),
                (6, 3),
                (0, 1),
                (7, 0),
            ] {
                let group = encode(&writer.encoder(), piece(from, n));
                writer.append(group).unwrap();
            }
            writer
                .finish("pm25-test", Header::new(&program!()))
                .unwrap();
            std::fs::read(path).unwrap()
        };
        let copied = write("a", &|encoder, piece| encoder.encode(piece).unwrap());
        assert!(copied == write("b", &encoded_anew));
    }
}
