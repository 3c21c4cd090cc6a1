//! Lines of a raw file as records of byte cells, each with its line number.
//!
//! Not their meaning. What the `csv` crate lets pass is refused here: a quote that never closes, and a cell or
//! a record without bound.
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

use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use pm25_file::{Fault, Hasher, Result, Sha256};

use crate::raw::{Cleaned, MARK, RECORD_BYTES_MAX, Raw, unreadable};

/// A cell may not be longer.
const CELL_BYTES_MAX: usize = 64 << 10;
/// What stands after the last line.
const END: [u8; 7] = [b'\n', MARK, b'e', b'n', b'd', MARK, b'\n'];
/// Bytes that the CSV reader asks for at a time.
const BUFFER_BYTES: usize = 1 << 16;

type Text = Chain<Chain<Cursor<Vec<u8>>, Cleaned>, Cursor<[u8; END.len()]>>;

/// The records of one file, to be read once.
pub(crate) struct Records {
    csv: csv::Reader<Text>,
    record: ByteRecord,
    budget: Rc<Cell<usize>>,
    hasher: Rc<RefCell<Hasher>>,
    name: String,
    line: u64,
    n_lines: u64,
}

impl Records {
    /// The records of an opened file; `name` is for messages.
    pub(crate) fn new(raw: Raw, delimiter: u8, name: &str) -> Self {
        let (hasher, budget) = (raw.hasher(), Rc::clone(&raw.budget));
        let text = Cursor::new(raw.head)
            .chain(raw.rest)
            .chain(Cursor::new(END));
        Self {
            csv: plain_csv(delimiter).from_reader(text),
            record: ByteRecord::new(),
            budget,
            hasher,
            name: name.to_owned(),
            line: 0,
            n_lines: 0,
        }
    }

    /// The next record, if there is one; blank lines are no records.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        self.budget.set(RECORD_BYTES_MAX + BUFFER_BYTES);
        let line_before = self.csv.position().line();
        let found = self.csv.read_byte_record(&mut self.record);
        if !found.map_err(|e| self.broken(e))? {
            // The mark is a record, so the text cannot end before it.
            return Err(self.open_quote());
        }
        if self.record.as_slice().contains(&MARK) {
            return self.end();
        }
        (self.line, self.n_lines) = lines(line_before, &self.csv, &self.record);
        self.refuse_long_cells()?;
        Ok(true)
    }

    /// The current record.
    pub(crate) fn cells(&self) -> &ByteRecord {
        &self.record
    }

    /// The line on which the current record starts, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Over how many lines the current record runs; more than one only where a quoted cell holds a line break.
    pub(crate) fn n_lines(&self) -> u64 {
        self.n_lines
    }

    /// The hash of the file on disk; all of it once [`Records::advance`] has said that there is no more.
    pub(crate) fn hash(&self) -> Sha256 {
        Raw::hash(&self.hasher)
    }

    /// The mark alone is the end. Within another record it was swallowed, together with the record's own end.
    fn end(&mut self) -> Result<bool> {
        if self.record.len() == 1 && self.record[0] == END[1..END.len() - 1] {
            return Ok(false);
        }
        self.line = self
            .csv
            .position()
            .line()
            .saturating_sub(n_breaks(&self.record));
        Err(self.open_quote())
    }

    fn refuse_long_cells(&self) -> Result<()> {
        if self.record.as_slice().len() <= CELL_BYTES_MAX {
            return Ok(());
        }
        if self.record.iter().all(|cell| cell.len() <= CELL_BYTES_MAX) {
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

    fn broken(&self, cause: csv::Error) -> Fault {
        match cause.into_kind() {
            ErrorKind::Io(cause) => {
                unreadable(&format!("{} (after line {})", self.name, self.line), &cause)
            }
            other => Fault::bad_data(format!("{}: not a table: {other:?}", self.name)),
        }
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
