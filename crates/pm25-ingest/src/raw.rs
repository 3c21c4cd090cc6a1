//! Bytes of a raw file: hashed as they are on disk, unpacked, without byte order mark, every line end a line
//! feed, and no control byte that a table cannot hold.
//!
//! Not split into records; [`crate::records`] does that. Nothing is held but a few buffers.
//!
//! ```text
//! file ── Hashed ── unpack (gzip, zip member) ── decoded (UTF-16, Latin-1) ── Cleaned ── csv
//!            └ SHA-256                                                           └ refuses NUL, counts down the budget
//! ```

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use memchr::{memchr, memchr2};
use pm25_file::{Fault, Hasher, Input, Result, Sha256};

use crate::archive::Member;
use crate::unpack::{Encoding, damage, decoded, refuse_foreign, unpack, unpack_member};

/// A record may not be longer; a lost quote would otherwise swallow a file of any size.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 20;
/// The record separator of ASCII: no table holds it, so [`crate::records`] may mark the end with it.
pub(crate) const MARK: u8 = 0x1e;

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

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
    /// Opens a file, or one that is packed in it, and reads its head of at most `head_bytes`.
    pub(crate) fn open(
        input: &Input,
        member: Option<&Member>,
        encoding: Encoding,
        head_bytes: usize,
    ) -> Result<Self> {
        let name = input.to_string();
        let hasher = Rc::new(RefCell::new(Hasher::default()));
        let hashed = |source| -> Box<dyn Read> {
            Box::new(Hashed {
                source,
                hasher: Rc::clone(&hasher),
            })
        };
        let source = source(input, member)?;
        // A packed file is known by its own bytes, whatever else is in the archive.
        let source = match member {
            Some(member) => hashed(unpack_member(source, member)),
            None => hashed(source),
        };
        let budget = Rc::new(Cell::new(usize::MAX));
        let text = unpack(source)
            .and_then(|text| decoded(text, encoding))
            .map_err(|e| unreadable(&name, &e))?;
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

    /// A part of a plain text file, from one byte up to another; not hashed.
    pub(crate) fn section(path: &Path, (from, end): (u64, u64)) -> Result<Self> {
        let opened = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            Ok(file.take(end - from))
        });
        let text = opened.map_err(|e| unreadable(&path.display().to_string(), &e))?;
        let budget = Rc::new(Cell::new(usize::MAX));
        let mut rest = Cleaned::new(Box::new(text), Rc::clone(&budget));
        if 0 < from {
            rest.position = Position::Within;
        }
        Ok(Self {
            head: Vec::new(),
            rest,
            budget,
            hasher: Rc::default(),
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
        UnexpectedEof => {
            Fault::bad_data(format!("{name} is truncated: its data end in the middle"))
                .hint("fetch the file again")
        }
        InvalidInput | InvalidData => {
            Fault::bad_data(format!("{name} is damaged: {cause}")).hint("fetch the file again")
        }
        _ => Fault::unforeseen(format!("{name}: cannot be read: {cause}")),
    }
}

fn source(input: &Input, member: Option<&Member>) -> Result<Box<dyn Read>> {
    let Input::Path(path) = input else {
        return Ok(Box::new(io::stdin()));
    };
    pm25_file::note_read(path);
    if let Some(Member {
        within: Some(archive),
        start,
        ..
    }) = member
    {
        let mut archive = Cursor::new(archive.clone());
        archive.set_position(*start);
        return Ok(Box::new(archive));
    }
    let opened = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(member.map_or(0, |member| member.start)))?;
        Ok(file)
    });
    match opened {
        Ok(file) => Ok(Box::new(file)),
        Err(e) => Err(Fault::unforeseen(format!("{input}: cannot be opened")).because(e)),
    }
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
        refuse_foreign(&buffer[..n])?;
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
        if !self.after_return && memchr(b'\r', bytes).is_none() {
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
            if memchr2(0, MARK, &buffer[..n]).is_some() {
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
        let input = Input::Path(file.path().to_owned());
        let raw = Raw::open(&input, None, Encoding::Seen, 7)?;
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
    fn text_of_two_bytes_per_letter_is_read() {
        let text = "a,b\r\nQu\u{e9}bec,\u{1f32b}\n";
        let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
        let clean = "a,b\nQu\u{e9}bec,\u{1f32b}\n";
        for bytes in [
            units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            units().flat_map(u16::to_be_bytes).collect(),
        ] {
            assert_eq!(read(&bytes).unwrap().0, clean.as_bytes());
            assert_eq!(read(&gz(&bytes)).unwrap().0, clean.as_bytes());
        }
    }

    #[test]
    fn declared_latin_1_is_turned_into_utf_8() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"Qu\xe9bec\n").unwrap();
        let input = Input::Path(file.path().to_owned());
        let raw = Raw::open(&input, None, Encoding::Latin1, 64).unwrap();
        assert_eq!(raw.head, "Qu\u{e9}bec\n".as_bytes());
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_anything() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b'\n'; 200 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(read(&bomb).unwrap_err().to_string().contains("swells"));
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
            b"\xff\xfea\0,\0b".to_vec(),
            b"\xff\xfea\0\x00\xd8b\0".to_vec(),
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
