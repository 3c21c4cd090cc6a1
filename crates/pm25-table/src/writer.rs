//! A table written piece by piece: what was given is encoded and let go, so that a table of any length needs no more
//! memory than its packed bytes and one row group.
//!
//! The bytes depend on the rows and on where the pieces end, on nothing else.

use parquet::arrow::ArrowWriter;
use pm25_file::{Fault, Header, Output, Result, Sha256};

use crate::{Table, encode};

/// Takes pieces of one table, in order.
#[derive(Default)]
pub struct TableWriter {
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl TableWriter {
    /// A table without rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends rows. Every piece must have the columns of the first, in its order; a piece without rows adds none.
    pub fn push(&mut self, piece: &Table) -> Result<()> {
        let pushed = || -> encode::Encoded<()> {
            let batch = encode::batch(piece)?;
            let writer = match &mut self.writer {
                Some(writer) => writer,
                None => self.writer.insert(encode::writer(batch.schema())?),
            };
            Ok(writer.write(&batch)?)
        };
        let mut pushed = pushed;
        pushed().map_err(|e| unwritable("rows", e))
    }

    /// Publishes the table with this header, sealed; returns the hash of the file.
    ///
    /// # Errors
    /// If nothing was pushed, or the output cannot be written.
    pub fn finish(self, output: &Output, format: &str, mut header: Header) -> Result<Sha256> {
        output.refuse_terminal()?;
        encode::stamp(&mut header, format);
        let writer = self
            .writer
            .ok_or_else(|| Fault::unforeseen("a table without columns"))?;
        let bytes = encode::close(writer, &header)?;
        output.write(&bytes)?;
        Ok(Sha256::of(&bytes))
    }
}

fn unwritable(what: &str, cause: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    Fault::unforeseen(format!("cannot encode {what} of a table")).because(cause)
}
