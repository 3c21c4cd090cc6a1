//! A long station's hours from stretches of its rows, so that not all of its rows are in memory at once.
//!
//! Not where rows lie; see [`crate::shelf`]. Stretches end at full hours of the station's grid, so each hour is made as
//! from all rows; what a stretch cannot tell alone ([`Whole`]) is decided before the first.

use pm25_air::civil::HOUR_S;

use crate::average::{self, Finer};
use crate::count::Tally;
use crate::hourly::{Part, lag_of, main_phase_s, shift_ends, stretch_part};
use crate::layout::Layout;
use crate::rows::Rows;
use crate::zone::Zone;

/// What is decided of all rows of a station.
pub(crate) struct Whole {
    step_s: i64,
    /// An hour of the grid, seconds since 1970 UTC, before the first reading or at it.
    pub(crate) begin_s: i64,
    /// Of readings finer than an hour: the offset by which the local clock's hours are found.
    finer_offset_min: Option<i16>,
    /// Of the station, if its readings are finer than an hour.
    offset_min: i16,
}

impl Whole {
    /// From the station's name, its first stamp, and how many rows stand so many seconds after a full hour.
    pub(crate) fn of(
        name: &Rows,
        layout: &Layout,
        step_s: i64,
        (first_s, phases): (i64, impl Iterator<Item = (i64, u64)>),
    ) -> Self {
        let lag_s = lag_of(layout, step_s);
        let first_s = first_s - lag_s;
        let offset_min = |at_s: i64| Part::empty(name, layout, &[0], at_s).utc_offset_min;
        if step_s < HOUR_S {
            let local = offset_min(first_s);
            let begin_s = first_s - (first_s + 60 * i64::from(local)).rem_euclid(HOUR_S);
            return Self {
                step_s,
                begin_s,
                finer_offset_min: Some(local),
                offset_min: offset_min(begin_s),
            };
        }
        let shifted = phases.map(|(phase_s, n)| ((phase_s - lag_s).rem_euclid(HOUR_S), n));
        let phase_s = main_phase_s(shifted);
        Self {
            step_s,
            begin_s: first_s - (first_s - phase_s).rem_euclid(HOUR_S),
            finer_offset_min: None,
            offset_min: 0,
        }
    }

    /// The hours of some rows.
    pub(crate) fn piece(&self, mut rows: Rows, layout: &Layout) -> Piece {
        shift_ends(&mut rows, layout, self.step_s);
        let all: Vec<u32> = (0..rows.stamp_s.len() as u32).collect();
        let Some(offset_min) = self.finer_offset_min else {
            let mut tally = Tally::default();
            let phase_s = self.begin_s.rem_euclid(HOUR_S);
            return Piece {
                part: stretch_part(&mut rows, layout, &all, phase_s, &mut tally),
                tallies: vec![tally],
                examples: Examples::ByLine,
                is_last: false,
            };
        };
        if all.is_empty() {
            return Piece::default();
        }
        // A zone's standard time may have changed; that of the first reading counts.
        let mut fixed = layout.clone();
        fixed.zone = Zone::Fixed(offset_min);
        let (mut part, tallies) =
            average::part_by_column(&mut rows, &fixed, &all, &Finer::of(self.step_s));
        part.utc_offset_min = self.offset_min;
        part.offset_from = Part::empty(&rows, layout, &[0], self.begin_s).offset_from;
        Piece {
            part: Some(part),
            tallies,
            examples: Examples::ByTime,
            is_last: false,
        }
    }
}

/// Which lines of a station become examples.
#[derive(Clone, Copy, Default)]
enum Examples {
    /// Those of the earliest hours.
    #[default]
    ByTime,
    /// Those that stand first in the file.
    ByLine,
}

/// The hours of a stretch.
#[derive(Default)]
pub(crate) struct Piece {
    part: Option<Part>,
    /// One, or one for rows and one for each column.
    tallies: Vec<Tally>,
    examples: Examples,
    /// Whether it ends its station.
    pub(crate) is_last: bool,
}

impl Piece {
    /// All hours of a station.
    pub(crate) fn whole(part: Part, tally: Tally) -> Self {
        Self {
            part: Some(part),
            tallies: vec![tally],
            examples: Examples::ByTime,
            is_last: true,
        }
    }
}

/// A station's hours so far.
#[derive(Default)]
pub(crate) struct Joined {
    part: Option<Part>,
    tallies: Vec<Tally>,
}

impl Joined {
    /// With the hours of the next stretch.
    pub(crate) fn append(mut self, piece: Piece) -> Self {
        if self.tallies.len() < piece.tallies.len() {
            self.tallies
                .resize_with(piece.tallies.len(), Tally::default);
        }
        for (known, more) in self.tallies.iter_mut().zip(piece.tallies) {
            match piece.examples {
                Examples::ByTime => known.append(more, 0),
                Examples::ByLine => known.mix(more),
            }
        }
        match (&mut self.part, piece.part) {
            (Some(part), Some(later)) => part.append(later),
            (None, later) => self.part = later,
            (Some(_), None) => {}
        }
        self
    }

    /// The station, whose lines are counted now.
    pub(crate) fn end(self, tally: &mut Tally) -> Option<Part> {
        for of_column in self.tallies {
            tally.append(of_column, 0);
        }
        self.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hourly::OffsetFrom;

    fn part(start_s: i64, line: &[u32], n_lines: &[u16]) -> Part {
        Part {
            station: "A".to_owned(),
            utc_offset_min: 0,
            offset_from: OffsetFrom::Zone,
            start_s,
            line: line.to_vec(),
            n_lines: n_lines.to_vec(),
            values: Default::default(),
            flags: Default::default(),
            channels: Default::default(),
            pm25_incomplete: 0,
        }
    }

    #[test]
    fn a_stretch_whose_lines_were_not_counted_counts_one_for_each_hour() {
        let plain = || part(0, &[2, 0, 3], &[]);
        let counted = || part(4 * HOUR_S, &[5, 7], &[2, 1]);
        let joined = |mut first: Part, later: Part| {
            first.append(later);
            first.n_lines
        };
        assert_eq!(joined(plain(), counted()), [1, 0, 1, 0, 2, 1]);
        let mut later = plain();
        later.start_s = 7 * HOUR_S;
        assert_eq!(joined(counted(), later), [2, 1, 0, 1, 0, 1]);
        assert!(joined(plain(), part(4 * HOUR_S, &[5], &[])).is_empty());
    }
}
