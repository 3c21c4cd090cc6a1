//! Bytes of a raw file: hashed as they are on disk, unpacked, without byte order mark, every line end a line
//! feed, and no control byte that a table cannot hold.
//!
//! Not split into records; [`crate::records`] does that. Nothing is held but a few buffers.
//!
//! ```text
//! file ── Hashed ── (gunzip, all members) ── Cleaned ── csv
//!            └ SHA-256                           └ refuses NUL, counts down the budget of a record
//! ```

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use pm25_file::{Fault, Hasher, Input, Result, Sha256};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 1 << 16;
/// A record may not be longer; a lost quote would otherwise swallow a file of any size.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 20;
/// The record separator of ASCII: no table holds it, so [`crate::records`] may mark the end with it.
pub(crate) const MARK: u8 = 0x1e;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Starts of files that are no text table, and what they are.
const FOREIGN_STARTS: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a zip archive or a spreadsheet (.xlsx)"),
    (b"PAR1", "a Parquet table"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"%PDF", "a PDF"),
];

/// An opened raw file.
pub(crate) struct Raw {
    /// Its first bytes, cleaned; the whole file if it is shorter.
    pub(crate) head: Vec<u8>,
    /// What follows the head.
    pub(crate) rest: Cleaned,
    /// Bytes that may still be read before the next record must be complete.
    pub(crate) budget: Rc<Cell<usize>>,
    hasher: Rc<RefCell<Hasher>>,
}

impl Raw {
    /// Opens a file and reads its head of at most `head_bytes`.
    pub(crate) fn open(input: &Input, head_bytes: usize) -> Result<Self> {
        let name = input.to_string();
        let source: Box<dyn Read> = match input {
            Input::Stdin => Box::new(io::stdin()),
            Input::Path(path) => {
                pm25_file::note_read(path);
                Box::new(File::open(path).map_err(|e| {
                    Fault::unforeseen(format!("{name}: cannot be opened")).because(e)
                })?)
            }
        };
        let hasher = Rc::new(RefCell::new(Hasher::default()));
        let hashed = Hashed {
            source,
            hasher: Rc::clone(&hasher),
        };
        let budget = Rc::new(Cell::new(usize::MAX));
        let text = unpack(hashed).map_err(|e| unreadable(&name, &e))?;
        let mut rest = Cleaned::new(text, Rc::clone(&budget));
        let mut head = Vec::new();
        let mut first = (&mut rest).take(head_bytes as u64);
        first
            .read_to_end(&mut head)
            .map_err(|e| unreadable(&name, &e))?;
        Ok(Self {
            head,
            rest,
            budget,
            hasher,
        })
    }

    /// The hash, once all has been read.
    pub(crate) fn hash(hasher: &RefCell<Hasher>) -> Sha256 {
        hasher.borrow().hash()
    }

    /// The running hash of what was read so far.
    pub(crate) fn hasher(&self) -> Rc<RefCell<Hasher>> {
        Rc::clone(&self.hasher)
    }
}

/// What a failure to read means: damage of the file is bad data, the rest is the machine's fault.
pub(crate) fn unreadable(name: &str, cause: &io::Error) -> Fault {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match cause.kind() {
        UnexpectedEof => Fault::bad_data(format!(
            "{name} is truncated: its gzip data ends in the middle"
        ))
        .hint("fetch the file again"),
        InvalidInput | InvalidData => {
            Fault::bad_data(format!("{name} is damaged: {cause}")).hint("fetch the file again")
        }
        _ => Fault::unforeseen(format!("{name}: cannot be read: {cause}")),
    }
}

fn unpack(hashed: Hashed) -> io::Result<Box<dyn Read>> {
    let mut packed = BufReader::with_capacity(BUFFER_BYTES, hashed);
    let start = packed.fill_buf()?;
    for (magic, what) in FOREIGN_STARTS {
        if start.starts_with(magic) {
            return Err(damage(format!("it is {what}, not a CSV file")));
        }
    }
    if start.starts_with(&GZIP_MAGIC) {
        return Ok(Box::new(MultiGzDecoder::new(packed)));
    }
    Ok(Box::new(packed))
}

fn damage(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Hashes what passes.
struct Hashed {
    source: Box<dyn Read>,
    hasher: Rc<RefCell<Hasher>>,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.hasher.borrow_mut().update(&buffer[..n]);
        Ok(n)
    }
}

/// Text with line feeds only.
pub(crate) struct Cleaned {
    text: Box<dyn Read>,
    budget: Rc<Cell<usize>>,
    position: Position,
    /// The last byte was a carriage return, already given out as a line feed.
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Position {
    Start,
    Within,
}

impl Cleaned {
    fn new(text: Box<dyn Read>, budget: Rc<Cell<usize>>) -> Self {
        Self {
            text,
            budget,
            position: Position::Start,
            after_return: false,
        }
    }

    /// Drops a byte order mark, which may come in pieces, and refuses one of another encoding.
    fn first_bytes(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.position = Position::Within;
        let mut n = 0;
        while n < BYTE_ORDER_MARK.len().min(buffer.len()) {
            match self.text.read(&mut buffer[n..])? {
                0 => break,
                more => n += more,
            }
        }
        for (magic, what) in FOREIGN_STARTS {
            if buffer[..n].starts_with(magic) {
                return Err(damage(format!("it holds {what}, not a CSV file")));
            }
        }
        if buffer[..n].starts_with(&BYTE_ORDER_MARK) {
            buffer.copy_within(BYTE_ORDER_MARK.len()..n, 0);
            n -= BYTE_ORDER_MARK.len();
            if n == 0 {
                return self.text.read(buffer);
            }
        }
        Ok(n)
    }

    /// Makes every line end (CR LF, CR, LF) a line feed, in place; returns the new length.
    fn mend_line_ends(&mut self, bytes: &mut [u8]) -> usize {
        if !self.after_return && !bytes.contains(&b'\r') {
            return bytes.len();
        }
        let mut kept = 0;
        for position in 0..bytes.len() {
            let byte = bytes[position];
            let is_second_half = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            if is_second_half {
                continue;
            }
            bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
            kept += 1;
        }
        kept
    }
}

impl Read for Cleaned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.budget.get() == 0 {
            return Err(damage(format!(
                "a record is longer than {RECORD_BYTES_MAX} bytes (a lost quote?)"
            )));
        }
        loop {
            let n = match self.position {
                Position::Start => self.first_bytes(buffer)?,
                Position::Within => self.text.read(buffer)?,
            };
            if n == 0 {
                return Ok(0);
            }
            if buffer[..n].iter().any(|&byte| byte == 0 || byte == MARK) {
                return Err(damage(
                    "it holds NUL or other control bytes; a crash or a broken copy leaves such",
                ));
            }
            let kept = self.mend_line_ends(&mut buffer[..n]);
            // A chunk that held nothing but the second half of a line end is not the end of the file.
            if 0 < kept {
                self.budget.set(self.budget.get().saturating_sub(kept));
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use pm25_file::Kind;
    use std::io::Write;

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, Sha256)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let raw = Raw::open(&Input::Path(file.path().to_owned()), 7)?;
        let hasher = raw.hasher();
        let mut text = raw.head.clone();
        let mut rest = raw.rest;
        rest.read_to_end(&mut text)
            .map_err(|e| unreadable("f", &e))?;
        Ok((text, Raw::hash(&hasher)))
    }

    #[test]
    fn packed_and_plain_text_are_the_same_text_and_hashed_as_they_are() {
        let text = b"\xef\xbb\xbfa,b\r\n1,2\r3,4\n\r\n".as_slice();
        let clean = b"a,b\n1,2\n3,4\n\n";
        for bytes in [
            text.to_vec(),
            gz(text),
            [gz(&text[..9]), gz(&text[9..])].concat(),
        ] {
            let (read, hash) = read(&bytes).unwrap();
            assert_eq!(read, clean);
            assert_eq!(hash, Sha256::of(&bytes));
        }
    }

    #[test]
    fn damage_is_refused() {
        let packed = gz(b"a,b\n1,2\n");
        let mut flipped = packed.clone();
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        for bytes in [
            packed[..packed.len() - 3].to_vec(),
            [packed.clone(), b"garbage".to_vec()].concat(),
            flipped,
            b"a,b\n1,2\n\0\0\0\0".to_vec(),
            b"\xff\xfea\0,\0b\0".to_vec(),
            b"PK\x03\x04rest".to_vec(),
            gz(b"PAR1rest"),
        ] {
            let fault = read(&bytes).unwrap_err();
            assert_eq!(fault.kind(), Kind::BadData, "{fault}");
        }
    }

    /// Gives one byte at a time, so that every boundary between chunks occurs.
    struct Drip(Vec<u8>);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    #[test]
    fn line_ends_and_marks_may_fall_between_chunks() {
        let drip = Drip(b"\xef\xbb\xbfa\r\n\r\nb\r\rc\n".to_vec());
        let mut cleaned = Cleaned::new(Box::new(drip), Rc::new(Cell::new(usize::MAX)));
        let mut text = Vec::new();
        cleaned.read_to_end(&mut text).unwrap();
        assert_eq!(text, b"a\n\nb\n\nc\n");
    }
}
