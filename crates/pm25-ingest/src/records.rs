//! Lines of a raw file as records of byte cells, each with its line number.
//!
//! Not their meaning. A line without a quote is cut where it lies; one with a quote goes through the `csv-core`
//! automaton, and what that lets pass is refused here: a quote that never closes, and a cell or a record without bound.
//!
//! The end of the text is marked with a record of our own. A quote that is still open swallows the mark, so a
//! file whose last record is not the mark has an open quote:
//!
//! ```text
//! 1,2⏎ 3,"4⏎ 5,6⏎ ⏎␞end␞⏎      records: [1 2] [3 "4⏎5,6⏎⏎␞end␞⏎"]      refused, line 2
//! ```

use std::cell::{Cell, RefCell};
use std::io::{Chain, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};
use csv_core::ReadRecordResult;
use memchr::{memchr_iter, memchr3_iter};
use pm25_file::{Fault, Hasher, Result, Sha256};

use crate::raw::{Cleaned, MARK, RECORD_BYTES_MAX, Raw, unreadable};
use crate::record::Cells;
use crate::word::{eightfold, equal};

/// A cell may not be longer.
const CELL_BYTES_MAX: usize = 64 << 10;
/// What stands after the last line.
const END: [u8; 7] = [b'\n', MARK, b'e', b'n', b'd', MARK, b'\n'];
/// Bytes that are asked for at a time.
const BUFFER_BYTES: usize = 1 << 16;

type Text = Chain<Chain<Cursor<Vec<u8>>, Cleaned>, Cursor<[u8; END.len()]>>;

/// The records of one file, to be read once.
pub(crate) struct Records {
    text: Text,
    delimiter: u8,
    /// What was read and not yet taken is `buffer[at..filled]`.
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    automaton: csv_core::Reader,
    /// The cells of a record with quotes, without them.
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    /// The cells of the current record, in `unquoted` or in the buffer from a position on.
    spans: Vec<(u32, u32)>,
    plain_from: Option<usize>,
    budget: Rc<Cell<usize>>,
    hasher: Rc<RefCell<Hasher>>,
    name: String,
    line: u64,
    n_lines: u64,
}

/// What stands at the head of the buffer.
enum Seen {
    /// A record without quotes, so many bytes long.
    Plain(usize),
    Quoted,
    Unfinished,
}

impl Records {
    /// The records of an opened file; `name` is for messages.
    pub(crate) fn new(raw: Raw, delimiter: u8, name: &str) -> Self {
        let (hasher, budget) = (raw.hasher(), Rc::clone(&raw.budget));
        let text = Cursor::new(raw.head)
            .chain(raw.rest)
            .chain(Cursor::new(END));
        Self {
            text,
            delimiter,
            buffer: vec![0; 2 * BUFFER_BYTES],
            at: 0,
            filled: 0,
            automaton: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            unquoted: vec![0; 1 << 10],
            ends: vec![0; 1 << 6],
            spans: Vec::new(),
            plain_from: None,
            budget,
            hasher,
            name: name.to_owned(),
            line: 1,
            n_lines: 0,
        }
    }

    /// The next record, if there is one; blank lines are no records.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        self.budget.set(RECORD_BYTES_MAX + BUFFER_BYTES);
        self.line += self.n_lines;
        loop {
            while self.at < self.filled && self.buffer[self.at] == b'\n' {
                self.at += 1;
                self.line += 1;
            }
            match self.look() {
                Seen::Plain(n_bytes) => {
                    self.n_lines = 1;
                    self.plain_from = Some(self.at);
                    let is_end = self.buffer[self.at] == MARK;
                    self.at += n_bytes + 1;
                    if CELL_BYTES_MAX < n_bytes {
                        self.refuse_long_cells()?;
                    }
                    return Ok(!is_end);
                }
                Seen::Quoted if self.unquote() => {
                    if self.unquoted().contains(&MARK) {
                        return Err(self.open_quote());
                    }
                    self.refuse_long_cells()?;
                    return Ok(true);
                }
                Seen::Quoted | Seen::Unfinished => {}
            }
            if !self.refill()? {
                // The mark is a record, so the text cannot end before it.
                return Err(self.open_quote());
            }
        }
    }

    /// The current record.
    pub(crate) fn cells(&self) -> Cells<'_> {
        let text = match self.plain_from {
            Some(from) => &self.buffer[from..],
            None => &self.unquoted,
        };
        Cells::new(text, &self.spans)
    }

    /// The line on which the current record starts, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Over how many lines the current record runs; more than one only where a quoted cell holds a line break.
    pub(crate) fn n_lines(&self) -> u64 {
        self.n_lines
    }

    /// How many lines there were, once [`Records::advance`] has said that there is no more; the last must have ended.
    pub(crate) fn n_lines_before_end(&self) -> u64 {
        // Before the mark stands a blank line of our own.
        self.line - 2
    }

    /// The hash of the file on disk; all of it once [`Records::advance`] has said that there is no more.
    pub(crate) fn hash(&self) -> Sha256 {
        Raw::hash(&self.hasher)
    }

    /// Cuts the next line into cells, unless it has a quote or does not end in the buffer.
    fn look(&mut self) -> Seen {
        self.spans.clear();
        let text = &self.buffer[self.at..self.filled];
        let (feed, delimiter) = (eightfold(b'\n'), eightfold(self.delimiter));
        let quote = eightfold(b'"');
        let mut from = 0;
        let (words, rest) = text.as_chunks::<8>();
        for (idx, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let mut marks = equal(word, feed) | equal(word, delimiter) | equal(word, quote);
            while marks != 0 {
                let at = 8 * idx + marks.trailing_zeros() as usize / 8;
                marks &= marks - 1;
                if text[at] == b'"' {
                    return Seen::Quoted;
                }
                self.spans.push((from, at as u32));
                from = at as u32 + 1;
                if text[at] == b'\n' {
                    return Seen::Plain(at);
                }
            }
        }
        let begun = text.len() - rest.len();
        for at in memchr3_iter(b'\n', self.delimiter, b'"', rest).map(|at| begun + at) {
            if text[at] == b'"' {
                return Seen::Quoted;
            }
            self.spans.push((from, at as u32));
            from = at as u32 + 1;
            if text[at] == b'\n' {
                return Seen::Plain(at);
            }
        }
        Seen::Unfinished
    }

    /// Takes a record with quotes; false if it does not end in the buffer.
    fn unquote(&mut self) -> bool {
        let (mut read, mut n_bytes, mut n_cells) = (0, 0, 0);
        self.automaton.reset();
        loop {
            let (result, n_in, n_out, n_ends) = self.automaton.read_record(
                &self.buffer[self.at + read..self.filled],
                &mut self.unquoted[n_bytes..],
                &mut self.ends[n_cells..],
            );
            read += n_in;
            n_bytes += n_out;
            n_cells += n_ends;
            match result {
                ReadRecordResult::OutputFull => self.unquoted.resize(2 * self.unquoted.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
            }
        }
        self.spans.clear();
        let mut from = 0;
        for &end in &self.ends[..n_cells] {
            self.spans.push((from, end as u32));
            from = end as u32;
        }
        let taken = &self.buffer[self.at..self.at + read];
        self.n_lines = memchr_iter(b'\n', taken).count() as u64;
        self.at += read;
        self.plain_from = None;
        true
    }

    /// The text of the current record, which had quotes.
    fn unquoted(&self) -> &[u8] {
        let n_bytes = self.spans.last().map_or(0, |(_, end)| *end as usize);
        &self.unquoted[..n_bytes]
    }

    /// Reads on behind what is not yet taken; false at the end of the text.
    fn refill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.buffer.len() < self.filled + BUFFER_BYTES {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        let room = &mut self.buffer[self.filled..];
        let n = self
            .text
            .read(room)
            .map_err(|e| unreadable(&format!("{} (after line {})", self.name, self.line), &e))?;
        self.filled += n;
        Ok(0 < n)
    }

    fn refuse_long_cells(&self) -> Result<()> {
        if self.cells().iter().all(|cell| cell.len() <= CELL_BYTES_MAX) {
            return Ok(());
        }
        Err(Fault::bad_data(format!(
            "{}:{}: a cell is longer than {CELL_BYTES_MAX} bytes",
            self.name, self.line
        ))
        .hint("look for a quote that is never closed"))
    }

    fn open_quote(&self) -> Fault {
        Fault::bad_data(format!(
            "{}:{}: a quote is opened and never closed",
            self.name, self.line
        ))
        .hint("close or remove the quote, or fetch the file again")
    }
}

/// A CSV reader that knows no header and lets records be of any length.
pub(crate) fn plain_csv(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(BUFFER_BYTES);
    builder
}

fn n_breaks(record: &ByteRecord) -> u64 {
    record
        .as_slice()
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count() as u64
}

/// The line on which the record starts that `csv` has just read, and over how many lines it runs. The reader
/// counts the line feeds that it has passed: blank lines before the record, breaks within it, and its end.
pub(crate) fn lines<R: Read>(
    line_before: u64,
    csv: &csv::Reader<R>,
    record: &ByteRecord,
) -> (u64, u64) {
    let line_after = csv.position().line();
    if line_after <= line_before + 1 {
        return (line_before, 1);
    }
    let n_breaks = n_breaks(record);
    (line_after.saturating_sub(1 + n_breaks), 1 + n_breaks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::Encoding;
    use pm25_file::Input;
    use pm25_file::Kind;
    use proptest::prelude::*;

    fn records(text: &[u8]) -> Records {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let raw = Raw::open(
            &Input::Path(file.path().to_owned()),
            None,
            Encoding::Seen,
            16,
        )
        .unwrap();
        Records::new(raw, b',', "f.csv")
    }

    fn all(text: &[u8]) -> Result<Vec<(u64, String)>> {
        let mut records = records(text);
        let mut lines = Vec::new();
        while records.advance()? {
            let cells: Vec<_> = records
                .cells()
                .iter()
                .map(String::from_utf8_lossy)
                .collect();
            lines.push((records.line(), cells.join("|")));
        }
        assert_eq!(records.hash(), Sha256::of(text));
        Ok(lines)
    }

    #[test]
    fn lines_are_numbered_whatever_the_line_ends() {
        let expected = [
            (1, "a|b"),
            (2, "1|2"),
            (5, "3|4"),
            (6, "5|x\ny"),
            (8, "7|8"),
        ];
        let expected: Vec<_> = expected.map(|(line, text)| (line, text.to_owned())).into();
        let text = "a,b\n1,2\n\n\n3,4\n5,\"x\ny\"\n7,8";
        assert_eq!(all(text.as_bytes()).unwrap(), expected);
        assert_eq!(
            all(text.replace('\n', "\r\n").as_bytes()).unwrap(),
            expected
        );
        assert_eq!(all(text.replace('\n', "\r").as_bytes()).unwrap(), expected);
        assert_eq!(all(format!("{text}\n\n").as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_quote_that_never_closes_is_refused_by_line() {
        for text in [
            "a,b\n1,2\n3,\"4\n5,6\n",
            "a,b\n1,2\n\"3",
            "a,b\n1,2\n3,\"4,5\n",
        ] {
            let fault = all(text.as_bytes()).unwrap_err();
            assert_eq!(fault.kind(), Kind::BadData);
            assert_eq!(
                fault.to_string(),
                "f.csv:3: a quote is opened and never closed",
                "{text}"
            );
        }
    }

    #[test]
    fn quotes_that_are_no_quotes_pass() {
        let text = "a,b\n5\" pipe,\"say \"\"no\"\"\"\n1,2\n";
        assert_eq!(all(text.as_bytes()).unwrap()[1].1, "5\" pipe|say \"no\"");
    }

    proptest! {
        /// The reader of the `csv` crate is the oracle: same cells, whatever the quotes; same lines.
        #[test]
        fn cells_are_those_of_the_csv_crate(text in "[a1,\"\n ]{0,60}", blank in 0_usize..3, at_front in 0_usize..200_000) {
            // Long lines before put the text across the end of a buffer now and then.
            let front = format!("{}{}\n", "x,".repeat(20), "7".repeat(at_front % 1_000));
            let text = format!("{}{}{text}\n", front.repeat(at_front / 1_000), "\n".repeat(blank));
            let mut oracle = plain_csv(b',').from_reader(text.as_bytes());
            let mut expected = Vec::new();
            let mut record = ByteRecord::new();
            loop {
                let before = oracle.position().line();
                if !oracle.read_byte_record(&mut record).unwrap() {
                    break;
                }
                let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
                expected.push((lines(before, &oracle, &record).0, cells.join("|")));
            }
            match all(text.as_bytes()) {
                Ok(found) => prop_assert_eq!(found, expected),
                // An open quote swallows the rest of the text.
                Err(fault) => prop_assert!(fault.to_string().contains("never closed")),
            }
        }
    }

    #[test]
    fn a_cell_or_record_without_bound_is_refused() {
        let long_cell = format!("a,b\n1,{}\n", "9".repeat(CELL_BYTES_MAX + 1));
        assert!(
            all(long_cell.as_bytes())
                .unwrap_err()
                .to_string()
                .starts_with("f.csv:2: a cell")
        );
        let lost_quote = format!("a,b\n1,\"{}", "2,3\n".repeat(RECORD_BYTES_MAX));
        let fault = all(lost_quote.as_bytes()).unwrap_err();
        assert!(
            fault.to_string().contains("longer than 1048576 bytes"),
            "{fault}"
        );
        let wide = format!("a,b\n{}\n", "1,".repeat(20_000));
        assert!(all(wide.as_bytes()).is_ok());
    }
}
