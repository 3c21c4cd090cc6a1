//! From which hours the weather of an hour may be drawn.
//!
//! ```text
//! key     0, day of the year, or hour of the day x 366 + day of the year
//! order   [ rows with key 0 | rows with key 1 | ...            | rows with the last key ]
//! starts    0                 n(0)              ...                                     n
//! reach   all rows, or those of keys up to N days away, round the end of the year: at most two stretches of `order`
//! ```

use std::ops::Range;

use pm25_air::civil::Civil;
use pm25_stats::chance::Chance;

/// Days that a year may have.
const DAYS: usize = 366;
const HOURS: usize = 24;

/// How far from an hour its weather may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Any hour of the record.
    Whole,
    /// Hours of any year whose day of the year is at most so many days away.
    Days(usize),
    /// The same, at the same hour of the day.
    DaysAtHour(usize),
}

/// The hours of one station that may be drawn from, in the order of their keys.
pub(crate) struct Donors {
    reach: Reach,
    order: Vec<u32>,
    starts: Vec<usize>,
}

impl Donors {
    /// Of rows with their civil time.
    pub(crate) fn new(reach: Reach, rows: impl Iterator<Item = (u32, Civil)>) -> Self {
        let mut keyed: Vec<(usize, u32)> = rows
            .map(|(row, civil)| (key(reach, hour(reach, &civil), day(&civil)), row))
            .collect();
        keyed.sort_unstable();
        let starts = (0..=key(reach, HOURS, 0).max(DAYS))
            .map(|key| keyed.partition_point(|(of, _)| *of < key))
            .collect();
        Self {
            reach,
            order: keyed.into_iter().map(|(_, row)| row).collect(),
            starts,
        }
    }

    /// How many hours there are to draw from.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Stretches of hours that one hour may draw from; the second may be empty.
    pub(crate) fn within(&self, civil: &Civil) -> Within<'_> {
        let (Reach::Days(days) | Reach::DaysAtHour(days)) = self.reach else {
            return Within {
                donors: self,
                stretches: [0..self.order.len(), 0..0],
            };
        };
        let hour = hour(self.reach, civil);
        let stretch = |from: usize, until: usize| {
            let at = |day: usize| self.starts[key(self.reach, hour, day)];
            at(from)..at(until)
        };
        let middle = day(civil);
        let stretches = if DAYS <= 2 * days + 1 {
            [stretch(0, DAYS), 0..0]
        } else if middle < days {
            [
                stretch(0, middle + days + 1),
                stretch(DAYS + middle - days, DAYS),
            ]
        } else if DAYS < middle + days + 1 {
            [
                stretch(middle - days, DAYS),
                stretch(0, middle + days + 1 - DAYS),
            ]
        } else {
            [stretch(middle - days, middle + days + 1), 0..0]
        };
        Within {
            donors: self,
            stretches,
        }
    }
}

/// The hours that one hour may draw from.
pub(crate) struct Within<'a> {
    donors: &'a Donors,
    stretches: [Range<usize>; 2],
}

impl Within<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.stretches.iter().all(Range::is_empty)
    }

    /// Number `n` of the stream, as a row: each equally likely.
    pub(crate) fn draw(&self, chance: Chance, n: usize) -> usize {
        let [first, second] = &self.stretches;
        let place = chance.below(n, first.len() + second.len());
        let at = match place.checked_sub(first.len()) {
            None => first.start + place,
            Some(rest) => second.start + rest,
        };
        self.donors.order[at] as usize
    }
}

fn key(reach: Reach, hour: usize, day: usize) -> usize {
    match reach {
        Reach::DaysAtHour(_) => hour * DAYS + day,
        Reach::Days(_) => day,
        Reach::Whole => 0,
    }
}

fn hour(reach: Reach, civil: &Civil) -> usize {
    match reach {
        Reach::DaysAtHour(_) => usize::from(civil.hour),
        Reach::Whole | Reach::Days(_) => 0,
    }
}

fn day(civil: &Civil) -> usize {
    usize::from(civil.dayofyear) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const YEARS_H: usize = 3 * 366 * 24;

    fn civil() -> Vec<Civil> {
        Civil::consecutive(1_356_998_400, 480, YEARS_H)
    }

    /// What is drawn for a row, and what a slow look at every row allows.
    fn drawn_and_allowed(reach: Reach, row: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let civil = civil();
        let donors = Donors::new(reach, (0..).zip(civil.iter().copied()).step_by(7));
        let within = donors.within(&civil[row]);
        let chance = Chance::new(3);
        let drawn = (0..200_000).map(|n| within.draw(chance, n)).collect();
        let allowed = (0..YEARS_H).step_by(7).filter(|other| {
            let apart = day(&civil[*other]).abs_diff(day(&civil[row]));
            let near = |days: usize| apart.min(366 - apart) <= days;
            match reach {
                Reach::Whole => true,
                Reach::Days(days) => near(days),
                Reach::DaysAtHour(days) => near(days) && civil[*other].hour == civil[row].hour,
            }
        });
        (drawn, allowed.collect())
    }

    #[test]
    fn every_hour_within_reach_is_drawn_and_no_other() {
        for reach in [
            Reach::Whole,
            Reach::Days(14),
            Reach::Days(0),
            Reach::Days(400),
            Reach::DaysAtHour(14),
            Reach::DaysAtHour(182),
            Reach::DaysAtHour(183),
        ] {
            for row in [
                0,
                24 * 5 + 3,
                24 * 180 + 9,
                24 * 364 + 23,
                24 * 365 + 12,
                YEARS_H - 1,
            ] {
                let (drawn, allowed) = drawn_and_allowed(reach, row);
                assert!(drawn == allowed, "{reach:?} of row {row}");
            }
        }
    }

    #[test]
    fn draws_are_even_over_both_ends_of_the_year() {
        let civil = civil();
        let donors = Donors::new(Reach::Days(10), (0..).zip(civil.iter().copied()));
        let within = donors.within(&civil[12]);
        let chance = Chance::new(9);
        let early = (0..60_000)
            .filter(|n| day(&civil[within.draw(chance, *n)]) < 183)
            .count();
        // The first 11 days of three years against the last 10 of one leap year and 9 of two: 33 to 29 or so.
        assert!((30_000..34_500).contains(&early), "{early}");
    }

    #[test]
    fn nothing_to_draw_from_is_said() {
        let civil = civil();
        let donors = Donors::new(Reach::Days(1), [(0, civil[24 * 100])].into_iter());
        assert_eq!(donors.len(), 1);
        assert!(donors.within(&civil[24 * 200]).is_empty());
        assert!(!donors.within(&civil[24 * 101]).is_empty());
    }
}
