//! Clock readings that a clock shows twice in autumn: which of the two instants a row means.
//!
//! Not the zone; see [`crate::zone`]. The order of a station's own rows tells, whatever stands between them:
//!
//! ```text
//! oldest first    00:30  01:00  01:30 │ 01:00  01:30  02:00        summer time, then standard time
//! newest first    02:00  01:30  01:00 │ 01:30  01:00  00:30        standard time, then summer time
//! ```

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A group of the reader and a station in it.
type Of = (usize, u32);

/// What tells the two instants apart.
#[derive(Default)]
pub(super) struct Twice {
    last: BTreeMap<Of, Last>,
    /// What was made of a clock reading that occurs twice, when it was met first.
    given: BTreeMap<(Of, i64), i64>,
}

/// A station's last row.
struct Last {
    time_s: i64,
    /// Whether it is earlier or later than the one before; equal as long as there is none.
    step: Ordering,
}

impl Twice {
    /// Whether no clock reading was met that occurs twice.
    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Remembers the instant of a row.
    pub(super) fn note(&mut self, of: Of, time_s: i64) {
        let last = self.last.entry(of).or_insert(Last {
            time_s,
            step: Ordering::Equal,
        });
        last.step = time_s.cmp(&last.time_s).then(last.step);
        last.time_s = time_s;
    }

    /// The instant of a clock reading, by summer time or by standard time.
    pub(super) fn instant(&mut self, of: Of, local_s: i64, instants_s: [i64; 2]) -> i64 {
        let [first_s, second_s] = instants_s;
        if let Some(&given_s) = self.given.get(&(of, local_s)) {
            return if given_s == first_s {
                second_s
            } else {
                first_s
            };
        }
        let time_s = match self.last.get(&of) {
            None => first_s,
            Some(last) => last.next(instants_s),
        };
        self.given.insert((of, local_s), time_s);
        time_s
    }
}

impl Last {
    /// The one of two instants that goes on as the rows before do.
    fn next(&self, [first_s, second_s]: [i64; 2]) -> i64 {
        let is_descending = match self.step {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => second_s < self.time_s,
        };
        // Readings of the other pass may be missing: then the next in line is of this one.
        let is_second = if is_descending {
            second_s < self.time_s
        } else {
            (first_s..second_s).contains(&self.time_s)
        };
        if is_second { second_s } else { first_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    /// The instants, in minutes, of clock readings given as minutes by summer time; 60 to 119 occur twice.
    fn instants(minutes: &[i64]) -> Vec<i64> {
        let mut twice = Twice::default();
        let instant = |minute: &i64| {
            let local_s = 60 * minute;
            let time_s = match minute {
                ..60 => local_s,
                60..120 => twice.instant((0, 0), local_s, [local_s, local_s + HOUR]),
                _ => local_s + HOUR,
            };
            twice.note((0, 0), time_s);
            time_s / 60
        };
        minutes.iter().map(instant).collect()
    }

    #[test]
    fn rows_go_on_as_they_went() {
        for (minutes, expected) in [
            (&[0, 60, 60, 120][..], &[0, 60, 120, 180][..]),
            (&[120, 60, 60, 0], &[180, 120, 60, 0]),
            (&[180, 120, 60, 60], &[240, 180, 120, 60]),
            (&[60, 60, 120], &[60, 120, 180]),
            (&[30, 60, 90, 60, 90, 120], &[30, 60, 90, 120, 150, 180]),
            (&[120, 90, 60, 90, 60, 30], &[180, 150, 120, 90, 60, 30]),
            // 01:00 is absent once.
            (&[30, 90, 60, 90, 120], &[30, 90, 120, 150, 180]),
            (&[120, 90, 90, 60, 30], &[180, 150, 90, 60, 30]),
        ] {
            assert_eq!(instants(minutes), expected, "{minutes:?}");
        }
    }
}
