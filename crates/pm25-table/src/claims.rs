//! The sizes that the pages of a Parquet file claim, read and bounded before anything is decoded.
//!
//! Not a check of the pages. The decoder makes room for what a page's header says will come out of it; a damaged header
//! may say two gigabytes. Headers are Thrift structs in the compact protocol, of which no more is read here than the
//! sizes (`parquet.thrift`, `thrift-compact-protocol.md`).
//!
//! ```text
//! column chunk    [header│page][header│page] ...     header: kind, bytes unpacked, bytes packed, ...
//! row group       for each column its largest page and its dictionary are held together
//! ```

use std::io::Read;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;

/// What the columns of a row group may take together while they are unpacked: a file of the EEA with 20 years of hours
/// in one row group and each of its twelve columns in one page has 20 MiB.
const ROW_GROUP_BYTES_MAX: u64 = 192 << 20;
/// A header is some twenty bytes; with the smallest and largest of its values it may be longer.
const HEADER_BYTES_MAX: usize = 1 << 20;
/// So much is looked at first.
const HEADER_BYTES: usize = 1 << 8;
/// Structs within structs; a header has two.
const DEPTH_MAX: usize = 8;

type Claimed<T> = std::result::Result<T, String>;

/// Refuses a file whose pages claim more than may be held at once, or whose headers cannot be read.
pub(crate) fn bound<R: ChunkReader>(file: &R, metadata: &ParquetMetaData) -> Claimed<()> {
    for group in metadata.row_groups() {
        let mut together = 0_u64;
        for column in group.columns() {
            let held = held(file, column).map_err(|why| format!("{}: {why}", column.column_path()));
            together = together.saturating_add(held?);
            refuse_more(together)?;
        }
    }
    Ok(())
}

fn refuse_more(claimed: u64) -> Claimed<()> {
    if claimed <= ROW_GROUP_BYTES_MAX {
        return Ok(());
    }
    Err(format!(
        "its pages claim {} MiB at once, more than the {} that are allowed",
        claimed >> 20,
        ROW_GROUP_BYTES_MAX >> 20
    ))
}

/// Bytes of a column's largest page and its dictionary.
fn held<R: ChunkReader>(file: &R, column: &ColumnChunkMetaData) -> Claimed<u64> {
    let start = column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset());
    let sizes = (
        u64::try_from(start),
        u64::try_from(column.compressed_size()),
    );
    let (Ok(mut at), Ok(n_bytes)) = sizes else {
        return Err("a negative size".to_owned());
    };
    let end = at.saturating_add(n_bytes).min(file.len());
    let (mut largest, mut dictionary) = (0, 0);
    while at < end {
        let page = page_at(file, at, end)?;
        if page.is_dictionary {
            dictionary = page.unpacked_bytes.max(dictionary);
        } else {
            largest = page.unpacked_bytes.max(largest);
        }
        // What comes behind such a page may be nonsense too; this is what is wrong.
        refuse_more(largest + dictionary)?;
        at = at.saturating_add(page.whole_bytes);
    }
    Ok(largest + dictionary)
}

/// What a page's header says.
#[derive(Debug, PartialEq)]
struct Page {
    is_dictionary: bool,
    unpacked_bytes: u64,
    /// With its header.
    whole_bytes: u64,
}

fn page_at<R: ChunkReader>(file: &R, at: u64, end: u64) -> Claimed<Page> {
    let unreadable = |_| "a page's header cannot be read".to_owned();
    let mut room = HEADER_BYTES;
    loop {
        let n_bytes = (room as u64).min(end - at);
        let mut bytes = Vec::with_capacity(room);
        let read = file.get_read(at).map_err(|e| e.to_string())?;
        read.take(n_bytes)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        match (Thrift { left: &bytes }).page(bytes.len()) {
            Ok(page) => return Ok(page),
            Err(Stop::Damage) => return Err("a page's header is damaged".to_owned()),
            Err(Stop::TooShort) if HEADER_BYTES_MAX <= room || n_bytes < room as u64 => {
                return Err("a page's header has no end".to_owned());
            }
            Err(Stop::TooShort) => room *= 16,
        }
    }
}

/// Why a header was not read.
#[derive(Debug)]
enum Stop {
    TooShort,
    Damage,
}

/// Types of the compact protocol.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const STRUCT: u8 = 12;
}

/// Fields of `PageHeader`, and of its `DictionaryPageHeader`.
const PAGE_TYPE: i64 = 1;
const UNPACKED: i64 = 2;
const PACKED: i64 = 3;
const DICTIONARY_HEADER: i64 = 7;
const N_VALUES: i64 = 1;
/// The page type of a dictionary.
const DICTIONARY: i64 = 2;

/// Bytes of the compact protocol.
struct Thrift<'a> {
    left: &'a [u8],
}

impl Thrift<'_> {
    /// The header at the beginning of so many bytes.
    fn page(mut self, n_bytes: usize) -> Result<Page, Stop> {
        let (mut page_type, mut unpacked, mut packed, mut n_words) = (None, None, None, 0);
        let mut id = 0;
        while let Some(of) = self.field(&mut id)? {
            match (id, of) {
                (PAGE_TYPE, kind::I32) => page_type = Some(self.number()?),
                (UNPACKED, kind::I32) => unpacked = Some(self.number()?),
                (PACKED, kind::I32) => packed = Some(self.number()?),
                (DICTIONARY_HEADER, kind::STRUCT) => n_words = self.n_values()?,
                _ => self.skip(of, DEPTH_MAX)?,
            }
        }
        let size = |claim: Option<i64>| {
            let claim = claim.and_then(|n| i32::try_from(n).ok());
            claim
                .and_then(|n| u64::try_from(n).ok())
                .ok_or(Stop::Damage)
        };
        let (unpacked_bytes, packed_bytes) = (size(unpacked)?, size(packed)?);
        // Every word of a dictionary has a byte at least.
        let words = u64::try_from(n_words).map_err(|_| Stop::Damage)?;
        if unpacked_bytes < words {
            return Err(Stop::Damage);
        }
        Ok(Page {
            is_dictionary: page_type == Some(DICTIONARY),
            unpacked_bytes,
            whole_bytes: (n_bytes - self.left.len()) as u64 + packed_bytes,
        })
    }

    /// `num_values` of a header within the header.
    fn n_values(&mut self) -> Result<i64, Stop> {
        let (mut id, mut n) = (0, 0);
        while let Some(of) = self.field(&mut id)? {
            match (id, of) {
                (N_VALUES, kind::I32) => n = self.number()?,
                _ => self.skip(of, DEPTH_MAX)?,
            }
        }
        Ok(n)
    }

    /// The type of the next field of a struct, and its number; nothing at the struct's end.
    fn field(&mut self, id: &mut i64) -> Result<Option<u8>, Stop> {
        let byte = self.byte()?;
        if byte & 15 == kind::STOP {
            return Ok(None);
        }
        *id = match byte >> 4 {
            0 => self.number()?,
            more => id.checked_add(i64::from(more)).ok_or(Stop::Damage)?,
        };
        Ok(Some(byte & 15))
    }

    fn skip(&mut self, of: u8, depth: usize) -> Result<(), Stop> {
        let deeper = depth.checked_sub(1).ok_or(Stop::Damage)?;
        match of {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.pass(1),
            kind::I16 | kind::I32 | kind::I64 => self.number().map(drop),
            kind::DOUBLE => self.pass(8),
            kind::BINARY => {
                let n_bytes = self.unsigned()?;
                self.pass(n_bytes)
            }
            kind::LIST | kind::SET => self.skip_list(deeper),
            kind::STRUCT => {
                let mut id = 0;
                while let Some(of) = self.field(&mut id)? {
                    self.skip(of, deeper)?;
                }
                Ok(())
            }
            _ => Err(Stop::Damage),
        }
    }

    fn skip_list(&mut self, depth: usize) -> Result<(), Stop> {
        let byte = self.byte()?;
        let n = match byte >> 4 {
            15 => self.unsigned()?,
            n => u64::from(n),
        };
        for _ in 0..n {
            match byte & 15 {
                kind::TRUE | kind::FALSE => self.pass(1)?,
                of => self.skip(of, depth)?,
            }
        }
        Ok(())
    }

    /// A signed number: zigzag, so that small ones are short.
    fn number(&mut self) -> Result<i64, Stop> {
        let raw = self.unsigned()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// Seven bits in a byte, the lowest first.
    fn unsigned(&mut self) -> Result<u64, Stop> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(Stop::Damage)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let (&byte, left) = self.left.split_first().ok_or(Stop::TooShort)?;
        self.left = left;
        Ok(byte)
    }

    fn pass(&mut self, n_bytes: u64) -> Result<(), Stop> {
        let n_bytes = usize::try_from(n_bytes).map_err(|_| Stop::Damage)?;
        self.left = self.left.get(n_bytes..).ok_or(Stop::TooShort)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Table, Text};
    use bytes::Bytes;
    use parquet::file::metadata::ParquetMetaDataReader;
    use pm25_file::{Header, program};

    fn page(bytes: &[u8]) -> Result<Page, Stop> {
        Thrift { left: bytes }.page(bytes.len())
    }

    #[test]
    fn a_header_is_read_over_fields_of_every_type() {
        // type 2, unpacked 300, packed 5, then: a list of three structs, a string, a double, true, a struct in a struct.
        let header = [
            &[0x15, 4, 0x15, 0xd8, 4, 0x15, 10][..],
            &[0x69, 0x3c, 0, 0x15, 2, 0, 0],
            &[0x18, 2, b'a', b'b', 0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0x11],
            &[0x1c, 0x1c, 0x15, 2, 0, 0, 0],
            b"body.",
        ]
        .concat();
        let expected = Page {
            is_dictionary: true,
            unpacked_bytes: 300,
            whole_bytes: header.len() as u64,
        };
        assert_eq!(page(&header).unwrap(), expected);
        let n_header = header.len() - 5;
        for n in 0..n_header {
            assert!(matches!(page(&header[..n]), Err(Stop::TooShort)), "{n}");
        }
    }

    #[test]
    fn what_no_header_says_is_damage() {
        for bytes in [
            // Unpacked -1; no sizes at all; a dictionary of a thousand words in ten bytes.
            &[0x15, 0, 0x15, 1, 0x15, 10, 0][..],
            &[0],
            &[0x15, 4, 0x15, 20, 0x15, 20, 0x4c, 0x15, 0xd0, 15, 0, 0],
            // A number without end; a type that there is not; structs without end.
            &[0x15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            &[0x1e, 0],
            &[0x1c; 40],
        ] {
            assert!(matches!(page(bytes), Err(Stop::Damage)), "{bytes:?}");
        }
    }

    /// A file whose first page claims to become a gigabyte, which the reader would make room for.
    #[test]
    fn a_page_that_claims_a_gigabyte_is_refused_before_it_is_unpacked() {
        let mut table = Table::new();
        table.push(
            "word",
            Column::Text(Text::from_rows((0..500).map(|_| "Samplingpoint"))),
        );
        let bytes = crate::encode::table(&table, &Header::new(&program!())).unwrap();
        let bound_of = |bytes: Vec<u8>| {
            let bytes = Bytes::from(bytes);
            let metadata = ParquetMetaDataReader::new()
                .parse_and_finish(&bytes)
                .unwrap();
            bound(&bytes, &metadata)
        };
        assert_eq!(bound_of(bytes.clone()), Ok(()));
        // The header begins behind `PAR1`: 0x15 type, 0x15 unpacked. The packed bytes behind it need not be there.
        assert_eq!((bytes[4], bytes[6]), (0x15, 0x15));
        let mut claiming = bytes;
        claiming[7..12].copy_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x08]);
        claiming[12..15].copy_from_slice(&[0x15, 2, 0]);
        let refused = bound_of(claiming).unwrap_err();
        assert!(refused.contains("claim 1024 MiB at once"), "{refused}");
    }
}
