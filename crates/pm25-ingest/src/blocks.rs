//! One big file by blocks, on all threads.
//!
//! Not for packed text, nor for sheets with tables below one another. What one block cannot tell alone (a quote that
//! goes on in the next block, an hour that a clock shows twice, any fault) makes the file be read from front to back
//! after all, so that the outcome and its line numbers are the same either way.
//!
//! ```text
//! file     header⏎ row⏎ row⏎ │ row⏎ row⏎ row⏎ │ row⏎ row⏎          cut behind line feeds
//! lines    1       2    3      1    2    3      1    2             counted in the block, moved when it is joined
//! ```
//!
//! A cut may fall on a line feed within quotes. Then the block before it ends in an open quote, which is a fault; as
//! the first block begins a record, no fault means that all of them do.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use pm25_file::{Fault, Hasher, Input, Result, Sha256};

use crate::count::Tally;
use crate::file::Job;
use crate::in_order::in_order;
use crate::layout::{Layout, Source};
use crate::raw::Raw;
use crate::reader::Reader;
use crate::records::Records;
use crate::rows::{Found, Line};
use crate::shelf::Shelves;
use crate::source::Wishes;
use crate::unpack::{Encoding, is_plain};

/// How large the pieces of a file are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// A block is a few hundred thousand rows; a smaller file has none.
    pub(crate) block_bytes: u64,
    /// Rows of a file that are held in memory; more of them go on a shelf.
    pub(crate) held_bytes: usize,
    /// Rows of a station on a shelf that are laid on its grid at once.
    pub(crate) stretch_rows: usize,
}

impl Sizes {
    /// Those of every run; they change no output.
    pub(crate) const USUAL: Self = Self {
        block_bytes: 8 << 20,
        held_bytes: 16 << 20,
        // Thirty years of hours.
        stretch_rows: 1 << 18,
    };
}
/// A line feed is looked for so far behind a cut.
const LINE_BYTES_MAX: usize = 1 << 16;

/// Where a block lies.
type Span = (u64, u64);

/// Why a file is not read by blocks.
enum Stop {
    Irregular,
    Fault(Fault),
}

/// A file's tables, read by blocks.
pub(crate) struct ByBlocks<'a> {
    pub(crate) found: Found<'a>,
    pub(crate) sha256: Sha256,
}

/// Reads a file's tables by blocks; nothing if it must be read from front to back.
pub(crate) fn read<'a>(
    job: Job<'a>,
    delimiter: u8,
    layout: &Layout,
    tally: &mut Tally,
) -> Result<Option<ByBlocks<'a>>> {
    let Job { input, wishes, .. } = job;
    let Input::Path(path) = &input.at else {
        return Ok(None);
    };
    let is_text = matches!(wishes.encoding, Encoding::Seen | Encoding::Utf8);
    let is_one_table = layout.source != Source::Cpcb && input.member.is_none();
    if !is_text || !is_one_table || rayon::current_num_threads() == 1 {
        return Ok(None);
    }
    let unreadable = |e| Fault::unforeseen(format!("{}: cannot be read", input.name)).because(e);
    let spans = spans(path, job.sizes.block_bytes).map_err(unreadable)?;
    let file = Blocks {
        path,
        name: &input.name,
        delimiter,
        layout,
        wishes,
    };
    file.read(&spans, Shelves::new(job.spill, job.sizes), tally)
}

/// A file and how it is read.
struct Blocks<'a> {
    path: &'a Path,
    name: &'a str,
    delimiter: u8,
    layout: &'a Layout,
    wishes: &'a Wishes,
}

impl<'a> Blocks<'a> {
    fn read<'s>(
        &self,
        spans: &[Span],
        mut shelves: Shelves<'s>,
        tally: &mut Tally,
    ) -> Result<Option<ByBlocks<'s>>> {
        if spans.len() < 2 {
            return Ok(None);
        }
        let mut whole = Reader::new(self.name, self.layout.clone(), self.wishes);
        let mut counts = Tally::default();
        let mut hasher = Hasher::default();
        let (mut n_lines, mut block_idx) = (0, 0);
        let join = |(block, of_block, n_lines_more): (Reader<'a>, Tally, u64)| {
            self.hash(spans[block_idx], &mut hasher)
                .map_err(Stop::Fault)?;
            block_idx += 1;
            counts.append(of_block, n_lines);
            if !whole.append(block, n_lines) {
                return Err(Stop::Irregular);
            }
            n_lines += n_lines_more;
            shelves.relieve(&mut whole).map_err(Stop::Fault)
        };
        let block = |at: usize| self.block(spans[at]).ok_or(Stop::Irregular);
        match in_order(spans.len(), block, join) {
            Ok(()) => {}
            Err(Stop::Irregular) => return Ok(None),
            Err(Stop::Fault(fault)) => return Err(fault),
        }
        tally.append(counts, 0);
        Ok(Some(ByBlocks {
            found: whole.finish(shelves, tally)?,
            sha256: hasher.hash(),
        }))
    }

    /// The rows of a block, its counts, and over how many lines it runs; nothing if it cannot be read alone, as where
    /// the first ends before the header does.
    fn block(&self, span: Span) -> Option<(Reader<'a>, Tally, u64)> {
        let raw = Raw::section(self.path, span).ok()?;
        let mut records = Records::new(raw, self.delimiter, self.name);
        let header_line = if span.0 == 0 {
            self.layout.header_line
        } else {
            0
        };
        let mut reader = Reader::new(self.name, self.layout.clone(), self.wishes);
        let mut tally = Tally::default();
        while records.advance().ok()? {
            if records.line() <= header_line {
                continue;
            }
            let line = Line {
                cells: records.cells(),
                number: records.line(),
                n_lines: records.n_lines(),
            };
            reader.feed(line, &mut tally).ok()?;
        }
        let n_lines = records.n_lines_before_end();
        (header_line <= n_lines).then_some((reader, tally, n_lines))
    }

    fn hash(&self, (from, end): Span, hasher: &mut Hasher) -> Result<()> {
        let mut hashed = || -> io::Result<()> {
            let mut file = File::open(self.path)?;
            file.seek(SeekFrom::Start(from))?;
            let mut block = file.take(end - from);
            let mut buffer = vec![0; 1 << 16];
            loop {
                match block.read(&mut buffer)? {
                    0 => return Ok(()),
                    n => hasher.update(&buffer[..n]),
                }
            }
        };
        hashed().map_err(|e| Fault::unforeseen(format!("{}: cannot be read", self.name)).because(e))
    }
}

/// The blocks of a plain text file; a single one where it has no line feeds to cut behind, or is not plain.
fn spans(path: &Path, block_bytes: u64) -> io::Result<Vec<Span>> {
    let mut file = File::open(path)?;
    let n_bytes = file.metadata()?.len();
    let n_blocks = n_bytes / block_bytes;
    let mut near = vec![0; LINE_BYTES_MAX];
    let n = file.read(&mut near)?;
    let mut cuts = vec![0];
    if is_plain(&near[..n]) {
        for block in 1..n_blocks {
            let at = n_bytes / n_blocks * block;
            file.seek(SeekFrom::Start(at))?;
            let n = file.read(&mut near)?;
            if let Some(feed) = memchr::memchr(b'\n', &near[..n]) {
                cuts.push(at + feed as u64 + 1);
            }
        }
    }
    cuts.push(n_bytes);
    cuts.dedup();
    Ok(cuts.windows(2).map(|cut| (cut[0], cut[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::HEAD_BYTES;
    use crate::source::{self, Recognised};
    use crate::spill::Spill;
    use pm25_file::Output;
    use proptest::prelude::*;

    /// What a text becomes by blocks of so many bytes, or from front to back.
    fn outcome(text: &str, block_bytes: Option<u64>) -> Option<(String, Sha256)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let wishes = Wishes::default();
        let at = Input::Path(file.path().to_owned());
        let raw = Raw::open(&at, None, Encoding::Seen, HEAD_BYTES).unwrap();
        let Recognised::Table(head, fit) = source::recognise("f.csv", &raw.head, &wishes).unwrap()
        else {
            panic!("not recognised");
        };
        let delimiter = head.delimiter;
        let layout = source::layout("f.csv", &head, fit, &wishes).unwrap();
        let mut tally = Tally::default();
        let spill = Spill::beside(&Output::Stdout);
        let shelves = Shelves::new(&spill, Sizes::USUAL);
        let (found, hash) = match block_bytes {
            None => {
                let mut records = Records::new(raw, delimiter, "f.csv");
                let named = ("f.csv", &wishes);
                let read = crate::rows::read(named, &mut records, layout, shelves, &mut tally);
                (read.ok()?, records.hash())
            }
            Some(block_bytes) => {
                let blocks = Blocks {
                    path: file.path(),
                    name: "f.csv",
                    delimiter,
                    layout: &layout,
                    wishes: &wishes,
                };
                let spans = spans(file.path(), block_bytes).unwrap();
                let read = blocks.read(&spans, shelves, &mut tally).unwrap()?;
                (read.found, read.sha256)
            }
        };
        let rows: Vec<_> = found.tables.into_iter().map(|(_, rows)| rows).collect();
        Some((format!("{rows:?} {tally:?}"), hash))
    }

    fn table(n_rows: usize) -> String {
        let mut text = "time,station,pm25,no2\n".to_owned();
        for row in 0..n_rows {
            let (day, hour) = (1 + row / 24 % 28, row % 24);
            text.push_str(&match row % 17 {
                3 => format!("2020-01-{day:02} {hour:02}:00,S{},-999,{row}\n", row % 3),
                5 => "2020-01-77 00:00,A,1,2\n".to_owned(),
                7 => format!(
                    "2020-01-{day:02} {hour:02}:00,\"late, {}\",5,x\n\n",
                    row / 100
                ),
                11 => format!("2020-01-{day:02} {hour:02}:00,A,1\n"),
                _ => format!("2020-01-{day:02} {hour:02}:00,S{},{row},4.5\n", row / 200),
            });
        }
        text
    }

    #[test]
    fn blocks_make_what_one_pass_makes() {
        for text in [
            table(600),
            table(600).replace('\n', "\r\n"),
            table(601).trim_end().to_owned(),
        ] {
            let whole = outcome(&text, None);
            assert!(whole.is_some());
            for block_bytes in [300, 1_000, 7_001] {
                assert_eq!(outcome(&text, Some(block_bytes)), whole);
            }
        }
    }

    #[test]
    fn what_a_block_cannot_tell_alone_is_left_to_one_pass() {
        let front_to_back = |text: &str| outcome(text, Some(100)).is_none();
        let broken = table(30)
            + "2020-01-05 00:00,\"A\n"
            + &"B\n".repeat(300)
            + "\",5,6\n"
            + &table(30)[22..];
        assert!(front_to_back(&broken));
        assert!(outcome(&broken, None).is_some());
        assert!(front_to_back(
            &(table(30) + "2020-01-05 00:00,\"A,5,6\n" + &table(30)[22..])
        ));
        let offsets = |second: &str| {
            let row = |offset: &str| format!("2020-01-05T00:00:00{offset},A,5,6\n");
            "time,station,pm25,no2\n".to_owned() + &row("Z").repeat(20) + &row(second).repeat(20)
        };
        assert!(front_to_back(&offsets("+01:00")));
        assert_eq!(
            outcome(&offsets("Z"), Some(100)),
            outcome(&offsets("Z"), None)
        );
        // A header behind the first block.
        assert!(front_to_back(
            &("# as sent by the council\n".repeat(8) + &table(30))
        ));
        // Nowhere to cut.
        assert!(front_to_back(&table(60).replace('\n', "\r")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_of_any_text_make_what_one_pass_makes(
            rows in prop::collection::vec("(2020-01-0[1-3] 0[0-9]:00,[AB],[1-9],(NA|4)|\"?[a-c1,\"\n]{0,12}\"?)", 1..60),
            block_bytes in 30_u64..400,
        ) {
            let text = format!("time,station,pm25,no2\n2020-01-01 00:00,A,1,2\n{}\n", rows.join("\n"));
            if let Some(by_blocks) = outcome(&text, Some(block_bytes)) {
                prop_assert_eq!(Some(by_blocks), outcome(&text, None));
            }
        }
    }

    #[test]
    fn packed_and_wide_text_is_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        for bytes in [
            b"\x1f\x8b\n\n\n\n\n\n".as_slice(),
            b"\xff\xfea\0\n\0b\0\n\0",
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(spans(&path, 2).unwrap(), [(0, bytes.len() as u64)]);
        }
        std::fs::write(&path, "a\nbb\ncc\n").unwrap();
        assert_eq!(spans(&path, 2).unwrap(), [(0, 5), (5, 8)]);
    }
}
