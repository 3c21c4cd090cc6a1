//! What a file is, told by its first bytes: a table of any kind, one of our documents, or something else.

use std::fs::File;
use std::io::Read;

use pm25_file::{Fault, Input, Result};
use pm25_table::Table;
use serde::Deserialize;

/// A Parquet file begins with it.
const PARQUET: &[u8] = b"PAR1";
/// Tables of ours whose columns are worth comparing; the first is the usual one.
const TABLES: [&str; 4] = [
    "pm25-features",
    "pm25-predictions",
    "pm25-observations",
    "pm25-forecast",
];

/// Whether this is a table. Standard input can be read only once, so it is taken to be none.
pub(crate) fn is_table(input: &Input) -> bool {
    let Input::Path(path) = input else {
        return false;
    };
    let mut head = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(PARQUET.len() as u64).read_to_end(&mut head));
    // What cannot be opened is no table; whoever reads it as something else says why.
    read.is_ok() && head == PARQUET
}

/// Reads a table of any kind that is worth comparing.
pub(crate) fn table(input: &Input) -> Result<Table> {
    let [usual, others @ ..] = TABLES;
    let refused = match Table::read(input, usual) {
        Ok(table) => return Ok(table),
        Err(refused) => refused,
    };
    let other = others
        .iter()
        .find_map(|format| Table::read(input, format).ok());
    other.ok_or(refused)
}

/// The format that a document of ours claims; nothing for other bytes.
pub(crate) fn format(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        pm25: Claim,
    }
    #[derive(Deserialize)]
    struct Claim {
        format: String,
    }
    serde_json::from_slice(bytes)
        .ok()
        .map(|envelope: Envelope| envelope.pm25.format)
}

/// A table on standard input has to be a file.
pub(crate) fn refuse_piped_table(input: &Input, bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(PARQUET) {
        return Err(
            Fault::usage(format!("{input}: a table cannot be read from a pipe here"))
                .hint("give the file's name instead of `-`"),
        );
    }
    Ok(())
}
