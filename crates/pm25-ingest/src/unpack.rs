//! Packed bytes to text bytes: gzip with all its members, one member of a zip archive, UTF-16 and Latin-1.
//!
//! Not line ends and not records; see [`crate::raw`]. Every reader here holds a few buffers and no more.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use crate::archive::{Member, Packing};

/// Bytes read at a time.
pub(crate) const BUFFER_BYTES: usize = 1 << 16;
/// Unpacked bytes that need no justification.
const FREE_BYTES: u64 = 64 << 20;
/// Unpacked bytes for each packed one. Station files pack 4 to 40 times; deflate's limit is 1032.
const RATIO_MAX: u64 = 400;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Starts of files that are no text table, and what they are.
pub(crate) const FOREIGN_STARTS: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "a zip archive or a spreadsheet (.xlsx)"),
    (b"PAR1", "a Parquet table"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"%PDF", "a PDF"),
];

/// How characters are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Encoding {
    /// As the bytes show: a byte order mark tells UTF-16; what is not UTF-8 is Latin-1.
    #[default]
    Seen,
    Utf8,
    Latin1,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// All that can be asked for.
    const NAMED: [Self; 4] = [Self::Utf8, Self::Latin1, Self::Utf16Le, Self::Utf16Be];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seen => "as seen",
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .into_iter()
            .find(|encoding| encoding.name() == name)
    }
}

/// Unpacks gzip, if it is that; refuses what is no text.
pub(crate) fn unpack(source: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let n_packed = Rc::new(Cell::new(0));
    let counted = Counted {
        source,
        n: Rc::clone(&n_packed),
    };
    let mut packed = BufReader::with_capacity(BUFFER_BYTES, counted);
    refuse_foreign(packed.fill_buf()?)?;
    if packed.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return Ok(Box::new(Bounded {
            source: MultiGzDecoder::new(packed),
            n: 0,
            n_packed,
        }));
    }
    Ok(Box::new(packed))
}

/// Unpacks a member whose packed bytes are `source`; its length and checksum must be those of the directory.
pub(crate) fn unpack_member(source: Box<dyn Read>, member: &Member) -> Box<dyn Read> {
    let n_packed = Rc::new(Cell::new(0));
    let counted = Counted {
        source: Box::new(source.take(member.packed_bytes)),
        n: Rc::clone(&n_packed),
    };
    let packed = BufReader::with_capacity(BUFFER_BYTES, counted);
    let text: Box<dyn Read> = match member.packing {
        Packing::Stored => Box::new(packed),
        Packing::Deflated => Box::new(DeflateDecoder::new(packed)),
    };
    Box::new(Checked {
        source: Bounded {
            source: text,
            n: 0,
            n_packed,
        },
        crc: Crc::new(),
        bytes: member.bytes,
        crc32: member.crc32,
    })
}

/// Whether text that begins so lies in the file as it is: neither packed nor of two bytes per letter.
pub(crate) fn is_plain(start: &[u8]) -> bool {
    let others: [&[u8]; 3] = [&GZIP_MAGIC, b"\xff\xfe", b"\xfe\xff"];
    !others.iter().any(|magic| start.starts_with(magic))
}

/// Refuses what a text table cannot begin with.
pub(crate) fn refuse_foreign(start: &[u8]) -> io::Result<()> {
    match FOREIGN_STARTS
        .iter()
        .find(|(magic, _)| start.starts_with(magic))
    {
        Some((_, what)) => Err(damage(format!("it is {what}, not a CSV file"))),
        None => Ok(()),
    }
}

/// A fault of the bytes themselves.
pub(crate) fn damage(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Counts what passes.
struct Counted {
    source: Box<dyn Read>,
    n: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.n.set(self.n.get() + n as u64);
        Ok(n)
    }
}

/// Refuses a bomb: a few packed bytes that swell without end.
struct Bounded<R> {
    source: R,
    n: u64,
    n_packed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.n += n as u64;
        if FREE_BYTES + RATIO_MAX * self.n_packed.get() < self.n {
            return Err(damage(format!(
                "it swells more than {RATIO_MAX} times when unpacked (a zip bomb?)"
            )));
        }
        Ok(n)
    }
}

/// Compares length and checksum at the end.
struct Checked<R> {
    source: Bounded<R>,
    crc: Crc,
    bytes: u64,
    crc32: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.source.read(buffer)?;
        self.crc.update(&buffer[..n]);
        if self.bytes < self.source.n {
            return Err(damage(
                "a packed file is longer than its zip directory says",
            ));
        }
        if n == 0 && (self.source.n != self.bytes || self.crc.sum() != self.crc32) {
            return Err(damage(
                "a packed file is not what its zip directory says (length or checksum)",
            ));
        }
        Ok(n)
    }
}

/// Any encoding to UTF-8, or to the bytes as they are where that is left open.
pub(crate) fn decoded(text: Box<dyn Read>, encoding: Encoding) -> io::Result<Box<dyn Read>> {
    let mut text = BufReader::with_capacity(BUFFER_BYTES, text);
    let start = text.fill_buf()?;
    refuse_foreign(start)?;
    let encoding = match encoding {
        Encoding::Seen if start.starts_with(b"\xff\xfe") => Encoding::Utf16Le,
        Encoding::Seen if start.starts_with(b"\xfe\xff") => Encoding::Utf16Be,
        other => other,
    };
    Ok(match encoding {
        Encoding::Seen | Encoding::Utf8 => Box::new(text),
        Encoding::Latin1 | Encoding::Utf16Le | Encoding::Utf16Be => Box::new(Transcoded {
            text,
            encoding,
            waiting: Vec::new(),
            given: 0,
            half: None,
        }),
    })
}

/// Text of two-byte units, or of one byte per character, as UTF-8.
struct Transcoded {
    text: BufReader<Box<dyn Read>>,
    encoding: Encoding,
    /// UTF-8 that is made and not yet given out.
    waiting: Vec<u8>,
    given: usize,
    /// The first half of a pair of surrogates.
    half: Option<u16>,
}

impl Transcoded {
    fn refill(&mut self) -> io::Result<()> {
        self.waiting.clear();
        self.given = 0;
        let mut bytes = Vec::with_capacity(BUFFER_BYTES / 4);
        (&mut self.text)
            .take(BUFFER_BYTES as u64 / 4)
            .read_to_end(&mut bytes)?;
        if self.encoding == Encoding::Latin1 {
            self.waiting = bytes
                .iter()
                .map(|&byte| char::from(byte))
                .collect::<String>()
                .into_bytes();
            return Ok(());
        }
        if bytes.len() % 2 == 1 || bytes.is_empty() && self.half.is_some() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let unit = |pair: &[u8]| match self.encoding {
            Encoding::Utf16Be => u16::from_be_bytes([pair[0], pair[1]]),
            _ => u16::from_le_bytes([pair[0], pair[1]]),
        };
        let mut units: Vec<u16> = self.half.take().into_iter().collect();
        units.extend(bytes.chunks_exact(2).map(unit));
        if units
            .last()
            .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
            && !bytes.is_empty()
        {
            self.half = units.pop();
        }
        let text: Result<String, _> = char::decode_utf16(units).collect();
        self.waiting = text
            .map_err(|_| damage("it is not sound UTF-16"))?
            .into_bytes();
        Ok(())
    }
}

impl Read for Transcoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.waiting.len() {
            self.refill()?;
            // A chunk may hold nothing but half a character.
            if self.waiting.is_empty() && self.half.is_some() {
                self.refill()?;
            }
        }
        let n = buffer.len().min(self.waiting.len() - self.given);
        buffer[..n].copy_from_slice(&self.waiting[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}
