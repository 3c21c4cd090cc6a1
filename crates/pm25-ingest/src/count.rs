//! What became of every data line: the reasons, the counts, the first examples.
//!
//! Not the report; the tallies of all files are gathered there.

use std::collections::BTreeMap;

use pm25_artifact::ingest::{Example, Rows};

/// Examples kept per reason and file.
const EXAMPLES_MAX: usize = 3;
/// Characters of a raw line that an example shows.
const SHOWN_MAX: usize = 60;

/// Why a line was not used, or a cell not taken as a number. The text is part of the report's interface.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Reason {
    /// More or fewer cells than the header.
    Ragged,
    /// A quoted cell runs over several lines.
    LineBreak,
    /// The header's own text once more.
    HeaderAgain,
    /// The station's name is empty or holds control characters.
    Station,
    /// No date and time, or one that no calendar has.
    Time,
    /// Skipped by the change to summer time.
    NoSuchHour,
    /// A year that cannot be meant.
    Year,
    /// The interval is shorter or longer than the file's step.
    Interval,
    /// The stamp lies between the hours of the others.
    OffGrid,
    /// Same station, hour and values as an earlier line.
    ExactDuplicate,
    /// Same station and hour as an earlier line, a value that differs and none that was missing.
    ConflictingDuplicate,
    /// Same station and hour as an earlier line, fewer values and none that differs.
    NothingNew,
    /// A stamp after the last instant that the user accepts.
    Future,
    /// The column of offsets holds none.
    Offset,
    /// The parameter's name is missing.
    Parameter,
    /// The readings are means over another time than an hour.
    OtherMean,
    /// The hour of a false summer time, moved back to where it belongs.
    FalseSummer,
    /// The provider's own verdict is that the reading is invalid; it is left out of an hourly mean.
    CellInvalid,
    /// There is no humidity to correct the reading by.
    CellUncorrected,
    /// The same value again and again at the very top of the range: a code of the instrument.
    CellCeiling,
    /// A cell that is neither empty nor a number.
    CellUnreadable,
    /// An impossible reading left out of an hourly mean.
    CellImpossible,
    /// A clock hour that occurs twice; taken in the order of the lines.
    ClockTwice,
}

impl Reason {
    /// What the report calls it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Ragged => "ragged row",
            Self::LineBreak => "line break inside quotes",
            Self::HeaderAgain => "header repeated",
            Self::Station => "unusable station name",
            Self::Time => "unreadable time",
            Self::NoSuchHour => "clock hour skipped by summer time",
            Self::Year => "year outside 1970 to 2099",
            Self::Interval => "partial or overlong interval",
            Self::OffGrid => "off the hourly grid",
            Self::ExactDuplicate => "exact duplicate",
            Self::ConflictingDuplicate => "conflicting duplicate",
            Self::NothingNew => "nothing new beside an earlier line",
            Self::Future => "after --not-after",
            Self::Offset => "unusable offset from UTC",
            Self::Parameter => "no parameter",
            Self::OtherMean => "not an hourly mean",
            Self::FalseSummer => "hour of a false summer time, moved back",
            Self::CellInvalid => "declared invalid, left out of an hourly mean",
            Self::CellUncorrected => "no humidity to correct by",
            Self::CellCeiling => "ceiling of the instrument, left out of an hourly mean",
            Self::CellUnreadable => "unreadable cell",
            Self::CellImpossible => "impossible reading left out of an hourly mean",
            Self::ClockTwice => "clock hour that occurs twice",
        }
    }

    const fn concerns_a_cell(self) -> bool {
        matches!(
            self,
            Self::CellUnreadable
                | Self::CellImpossible
                | Self::CellInvalid
                | Self::CellUncorrected
                | Self::CellCeiling
                | Self::ClockTwice
                | Self::FalseSummer
        )
    }
}

/// Counts of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Data lines.
    pub(crate) read: u64,
    /// Of those used: lines finer than an hour.
    pub(crate) averaged: u64,
    /// Of those used: lines about another pollutant.
    pub(crate) out_of_scope: u64,
    /// Cells of mapped columns that are not empty.
    pub(crate) cells_filled: u64,
    counts: BTreeMap<Reason, u64>,
    examples: BTreeMap<Reason, Vec<(u64, String)>>,
}

impl Tally {
    /// Counts something about the line `number`; `text` is made only when it becomes an example.
    pub(crate) fn note(&mut self, reason: Reason, number: u64, text: impl FnOnce() -> String) {
        self.note_lines(reason, 1, number, text);
    }

    /// Counts `n` lines or cells at once; the example names the line `number`.
    pub(crate) fn note_lines(
        &mut self,
        reason: Reason,
        n: u64,
        number: u64,
        text: impl FnOnce() -> String,
    ) {
        *self.counts.entry(reason).or_default() += n;
        let examples = self.examples.entry(reason).or_default();
        if examples.len() < EXAMPLES_MAX {
            examples.push((number, text()));
        }
    }

    /// Adds the counts of lines that come `n_lines` later.
    pub(crate) fn append(&mut self, later: Self, n_lines: u64) {
        self.read += later.read;
        self.averaged += later.averaged;
        self.out_of_scope += later.out_of_scope;
        self.cells_filled += later.cells_filled;
        for (reason, n) in later.counts {
            *self.counts.entry(reason).or_default() += n;
        }
        for (reason, examples) in later.examples {
            let known = self.examples.entry(reason).or_default();
            let left = EXAMPLES_MAX - known.len();
            let moved = examples
                .into_iter()
                .map(|(line, text)| (line + n_lines, text));
            known.extend(moved.take(left));
        }
    }

    /// Adds the counts of lines that stand among these; the first examples are those of the first lines.
    pub(crate) fn mix(&mut self, others: Self) {
        let examples = others.examples.clone();
        let counted = Self {
            examples: BTreeMap::new(),
            ..others
        };
        self.append(counted, 0);
        for (reason, more) in examples {
            let known = self.examples.entry(reason).or_default();
            known.extend(more);
            known.sort_by_key(|(line, _)| *line);
            known.truncate(EXAMPLES_MAX);
        }
    }

    /// How often a reason was noted.
    pub(crate) fn count(&self, reason: Reason) -> u64 {
        self.counts.get(&reason).copied().unwrap_or_default()
    }

    /// The counts of lines, as the report holds them.
    pub(crate) fn rows(&self) -> Rows {
        let rejected = self.texts(|reason| !reason.concerns_a_cell());
        Rows {
            read: self.read,
            kept: self.read - rejected.values().sum::<u64>(),
            rejected,
            out_of_scope: self.out_of_scope,
            averaged: self.averaged,
        }
    }

    /// The counts of cells, as the report holds them.
    pub(crate) fn cells(&self) -> BTreeMap<String, u64> {
        self.texts(Reason::concerns_a_cell)
    }

    /// The first examples of each reason, in the order of the lines.
    pub(crate) fn examples(&self, file: &str) -> impl Iterator<Item = (&'static str, Example)> {
        self.examples.iter().flat_map(move |(reason, lines)| {
            lines.iter().map(move |(number, text)| {
                let at = format!("{file}:{number}");
                (
                    reason.text(),
                    Example {
                        at,
                        text: text.clone(),
                    },
                )
            })
        })
    }

    fn texts(&self, wanted: impl Fn(Reason) -> bool) -> BTreeMap<String, u64> {
        let counts = self.counts.iter().filter(|(reason, _)| wanted(**reason));
        counts
            .map(|(reason, n)| (reason.text().to_owned(), *n))
            .collect()
    }
}

/// Raw text for people: shortened, control characters escaped, so that it cannot play with a terminal.
pub(crate) fn shown(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(escape).collect();
    if SHOWN_MAX < text.chars().count() {
        shown.push('…');
    }
    shown
}

fn escape(character: char) -> impl Iterator<Item = char> {
    let plain = (!character.is_control()).then_some(character);
    let escaped = character.is_control().then(|| character.escape_default());
    plain.into_iter().chain(escaped.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_line_is_not_kept_and_a_lost_cell_does_not_reject() {
        let mut tally = Tally {
            read: 10,
            ..Tally::default()
        };
        tally.note(Reason::Ragged, 4, || "1,2".to_owned());
        tally.note_lines(Reason::OffGrid, 2, 5, || "x".to_owned());
        tally.note(Reason::CellUnreadable, 6, || "P".to_owned());
        let rows = tally.rows();
        assert_eq!((rows.read, rows.kept, rows.n_rejected()), (10, 7, 3));
        assert_eq!(
            tally.cells(),
            BTreeMap::from([("unreadable cell".to_owned(), 1)])
        );
    }

    #[test]
    fn only_the_first_lines_become_examples() {
        let mut tally = Tally::default();
        for number in 2..10 {
            tally.note(Reason::Time, number, || number.to_string());
        }
        let at: Vec<String> = tally
            .examples("a.csv")
            .map(|(_, example)| example.at)
            .collect();
        assert_eq!(at, ["a.csv:2", "a.csv:3", "a.csv:4"]);
        assert_eq!(tally.count(Reason::Time), 8);
    }

    #[test]
    fn raw_text_cannot_play_with_a_terminal() {
        assert_eq!(shown(b"\x1b[31mred\n"), "\\u{1b}[31mred\\n");
        assert_eq!(shown(&[b'x'; 100]).chars().count(), 61);
    }
}
