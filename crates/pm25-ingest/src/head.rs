//! The first records of a raw file as text: where headers and preambles are looked for.
//!
//! Not the data; those are read as bytes by [`crate::rows`].

use crate::records::{lines, plain_csv};

/// Bytes that hold any preamble and header, with a few rows of data.
pub(crate) const HEAD_BYTES: usize = 1 << 16;
/// A header is looked for among so many records (the CPCB portal's stands on the 17th).
pub(crate) const HEADER_WITHIN: usize = 40;
/// Records that the head keeps: the header may be the last of those searched, and some data must follow it.
const RECORDS_MAX: usize = HEADER_WITHIN + 60;

/// The first records.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// In order; blank lines are left out.
    pub(crate) rows: Vec<HeadRow>,
    /// What separates the cells.
    pub(crate) delimiter: u8,
    /// Whether every row was UTF-8; others were read as Latin-1.
    pub(crate) is_utf8: bool,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct HeadRow {
    /// From 1.
    pub(crate) line: u64,
    /// Trimmed.
    pub(crate) cells: Vec<String>,
}

impl Head {
    /// Splits the first bytes of a file.
    pub(crate) fn parse(bytes: &[u8], delimiter: u8) -> Self {
        let mut csv = plain_csv(delimiter).from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        let mut head = Self {
            rows: Vec::new(),
            delimiter,
            is_utf8: true,
        };
        while head.rows.len() < RECORDS_MAX {
            let line_before = csv.position().line();
            match csv.read_byte_record(&mut record) {
                Ok(true) => {}
                // Bytes in memory cannot fail to be read.
                Ok(false) | Err(_) => break,
            }
            head.is_utf8 &= std::str::from_utf8(record.as_slice()).is_ok();
            let cells = record
                .iter()
                .map(|cell| decode(cell).trim().to_owned())
                .collect();
            let (line, _) = lines(line_before, &csv, &record);
            head.rows.push(HeadRow { line, cells });
        }
        // The last record of a longer file may be cut off in the middle.
        if HEAD_BYTES <= bytes.len() && 1 < head.rows.len() && head.rows.len() < RECORDS_MAX {
            head.rows.pop();
        }
        head
    }

    /// The rows among which the header must be.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = (usize, &HeadRow)> {
        self.rows.iter().enumerate().take(HEADER_WITHIN)
    }

    /// A cell of the first row after the header that has as many cells as it.
    pub(crate) fn first_value(&self, header_idx: usize, column: usize) -> Option<&str> {
        let n_columns = self.rows[header_idx].cells.len();
        let first = self.rows[header_idx + 1..]
            .iter()
            .find(|row| row.cells.len() == n_columns)?;
        Some(&first.cells[column])
    }
}

impl HeadRow {
    /// Where the cell with that text is, ignoring case.
    pub(crate) fn position(&self, wanted: &str) -> Option<usize> {
        self.cells
            .iter()
            .position(|cell| cell.eq_ignore_ascii_case(wanted))
    }
}

/// UTF-8, or else Latin-1, in which every byte is the character of that number.
pub(crate) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_is_read_as_such() {
        let head = Head::parse(b"Date,PM (\xb5g/m\xb3)\n2020-01-01 00:00,5\n", b',');
        assert_eq!(head.rows[0].cells[1], "PM (µg/m³)");
        assert!(!head.is_utf8);
        assert_eq!(head.first_value(0, 1), Some("5"));
    }

    #[test]
    fn a_record_that_the_head_cuts_off_is_left_out() {
        let mut text = b"a,b\n".to_vec();
        text.resize(HEAD_BYTES, b'7');
        assert_eq!(Head::parse(&text, b',').rows.len(), 1);
        assert_eq!(Head::parse(&text[..20], b',').rows.len(), 2);
    }
}
