//! Several lines about one station and time: what a later one adds to the first, and how it is counted.
//!
//! Not a choice between values: the first one stays. A cell without a value says nothing, so it contradicts nothing; the
//! same rule holds within a file, over its blocks and over files (see [`crate::stations`]).
//!
//! ```text
//! first     5  ·  8  ·          · = no value: an empty cell, or a code for one
//! later     5  7  9  ·          fills the second, contradicts the third
//! hour      5  7  8  ·          8 is flagged; the later line is kept, because it filled something
//! ```

use std::collections::BTreeMap;

use pm25_air::Quantity;
use pm25_air::civil::format_utc;

use crate::count::{Reason, Tally};
use crate::layout::Layout;
use crate::rows::{Rows, SENTINEL};

/// What a later line says beside what is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    fills: bool,
    differs: bool,
    lacks: bool,
}

/// What a value says beside a known one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Says {
    Nothing,
    Same,
    /// There was none.
    More,
    Otherwise,
}

impl Beside {
    /// Compares a further value with the known one of the same quantity.
    pub(crate) fn compare(&mut self, known: f32, value: f32) -> Says {
        let says = match (is_missing(known), is_missing(value)) {
            (true, true) => Says::Nothing,
            (true, false) => Says::More,
            (false, true) => {
                self.lacks = true;
                Says::Nothing
            }
            (false, false) if known == value => Says::Same,
            (false, false) => Says::Otherwise,
        };
        self.fills |= says == Says::More;
        self.differs |= says == Says::Otherwise;
        says
    }

    /// Why the line is not used; none if it fills something.
    pub(crate) fn rejected(self) -> Option<Reason> {
        match self {
            Self { fills: true, .. } => None,
            Self { differs: true, .. } => Some(Reason::ConflictingDuplicate),
            Self { lacks: true, .. } => Some(Reason::NothingNew),
            _ => Some(Reason::ExactDuplicate),
        }
    }
}

fn is_missing(value: f32) -> bool {
    value.is_nan() || value == SENTINEL
}

/// What later rows of one station filled in and contradicted.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    /// The row that a value of a first row was taken from, by column and first row.
    taken_from: BTreeMap<(usize, u32), u32>,
    /// Rows that filled something.
    pub(crate) filling: Vec<u32>,
    /// First rows and the quantities in which a later one differs.
    pub(crate) conflicts: Vec<(u32, Quantity)>,
}

impl Duplicates {
    /// Lays a row over the first one of the same station and time, which takes what it lacks; counts it.
    pub(crate) fn lay_over(
        &mut self,
        rows: &mut Rows,
        layout: &Layout,
        (first, row): (u32, u32),
        tally: &mut Tally,
    ) {
        let mut beside = Beside::default();
        for (at, (column, values)) in layout.mapped.iter().zip(&mut rows.values).enumerate() {
            let value = values[row as usize];
            match beside.compare(values[first as usize], value) {
                Says::More => {
                    values[first as usize] = value;
                    self.taken_from.insert((at, first), row);
                    if column.quantity == Quantity::Pm25 {
                        take_channels(&mut rows.channels, first, row);
                    }
                }
                Says::Otherwise => self.conflicts.push((first, column.quantity)),
                Says::Nothing | Says::Same => {}
            }
        }
        let Some(reason) = beside.rejected() else {
            self.filling.push(row);
            return;
        };
        let text = || {
            let time = format_utc(rows.stamp_s[row as usize]);
            format!("{time}, as line {}", rows.line[first as usize])
        };
        tally.note(reason, u64::from(rows.line[row as usize]), text);
    }

    /// The row that the value of a column stands in.
    pub(crate) fn origin(&self, column: usize, row: u32) -> u32 {
        self.taken_from.get(&(column, row)).copied().unwrap_or(row)
    }
}

/// PM2.5 of an instrument with two channels is made of them.
fn take_channels(channels: &mut [Vec<f32>; 2], first: u32, row: u32) {
    for readings in channels.iter_mut().filter(|readings| !readings.is_empty()) {
        readings[first as usize] = readings[row as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    fn of(known: &[f32], later: &[f32]) -> (Vec<Says>, Option<Reason>) {
        let mut beside = Beside::default();
        let pairs = known.iter().zip(later);
        let says = pairs.map(|(known, value)| beside.compare(*known, *value));
        (says.collect(), beside.rejected())
    }

    #[test]
    fn what_has_no_value_says_nothing() {
        for none in [NAN, SENTINEL] {
            assert_eq!(of(&[none], &[7.0]), (vec![Says::More], None));
            let (says, why) = of(&[7.0], &[none]);
            assert_eq!((says[0], why), (Says::Nothing, Some(Reason::NothingNew)));
            assert_eq!(of(&[none], &[NAN]).1, Some(Reason::ExactDuplicate));
            assert_eq!(of(&[none], &[SENTINEL]).1, Some(Reason::ExactDuplicate));
        }
    }

    #[test]
    fn a_line_that_fills_anything_is_used_and_others_are_named_by_what_they_say() {
        assert_eq!(of(&[5.0, NAN, 8.0], &[5.0, 7.0, 9.0]).1, None);
        let why = |later: &[f32]| of(&[5.0, NAN, 8.0], later).1;
        assert_eq!(why(&[5.0, NAN, 9.0]), Some(Reason::ConflictingDuplicate));
        assert_eq!(why(&[NAN, NAN, 9.0]), Some(Reason::ConflictingDuplicate));
        assert_eq!(why(&[5.0, NAN, 8.0]), Some(Reason::ExactDuplicate));
        assert_eq!(why(&[5.0, NAN, NAN]), Some(Reason::NothingNew));
    }
}
