//! Stretches of one value, and how often each value occurs.
//!
//! Not a verdict: runs are what the rules about stuck sensors, detection limits and full scales look at.
//!
//! ```text
//! values   5  7  7  ·  7  3          · = missing
//! runs     5  7────────7  3          a run goes on over up to six missing hours
//! hours    1  3           1          missing hours are not counted
//! ```

use std::collections::BTreeMap;

use crate::quality::hundredths;

/// A stuck instrument that fails now and then is still stuck; after a quarter of a day equal values are chance.
const BRIDGED_H_MAX: u32 = 6;
/// Hours that one run adds to a level: longer than the longest real run at a detection limit that we know (41 h,
/// Dongsi 2014), so that a stuck sensor does not look like a level that is often visited.
const HOURS_PER_RUN_MAX: u32 = 48;
/// A run of so many hours may be a stuck sensor; see [`crate::quality::flat`].
pub const LONG_H: u32 = 7;
/// Places for each value, from which on sorting is quicker; ours.
const PLACES_PER_VALUE: usize = 8;

/// A stretch of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The value.
    pub value: f32,
    /// Its first hour.
    pub first: u32,
    /// Its last hour.
    pub last: u32,
    /// Hours that have the value; missing hours in between are not counted.
    pub hours: u32,
}

/// A value and how often it occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The value.
    pub value: f32,
    /// In how many runs.
    pub runs: u32,
    /// In how many hours, each run counted with at most 48.
    pub hours: u32,
}

/// What the rules look at of a series.
#[derive(Clone, Debug, Default)]
pub struct Stretches {
    /// The different values, ascending.
    pub levels: Vec<Level>,
    /// The runs of at least [`LONG_H`] hours, in the order of time.
    pub long: Vec<Run>,
    /// How many runs there are in all.
    pub n_runs: usize,
}

impl Stretches {
    /// Of a series (NaN = missing).
    pub fn of(values: &[f32]) -> Self {
        let mut long = Vec::new();
        let mut n_runs = 0;
        let mut counts = Counts::of(values);
        each(values, |run| {
            n_runs += 1;
            counts.add(run);
            if LONG_H <= run.hours {
                long.push(*run);
            }
        });
        Self {
            levels: counts.levels(),
            long,
            n_runs,
        }
    }
}

/// Hands over the runs of a series (NaN = missing), in the order of time.
pub fn each(values: &[f32], mut take: impl FnMut(&Run)) {
    let mut open = OpenRun::default();
    open.push(values, &mut take);
    open.end(take);
}

/// The run that a series ends in, as long as more of the series may come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRun {
    run: Run,
    n_hours: u32,
}

impl Default for OpenRun {
    fn default() -> Self {
        let run = Run {
            value: f32::NAN,
            first: 0,
            last: 0,
            hours: 0,
        };
        Self { run, n_hours: 0 }
    }
}

impl OpenRun {
    /// Goes on; hands over the runs that end.
    pub(crate) fn push(&mut self, values: &[f32], mut take: impl FnMut(&Run)) {
        let mut run = self.run;
        for (hour_idx, &value) in (self.n_hours..).zip(values) {
            if value.is_nan() {
                continue;
            }
            if run.value == value && hour_idx - run.last <= BRIDGED_H_MAX + 1 {
                run.last = hour_idx;
                run.hours += 1;
                continue;
            }
            if 0 < run.hours {
                take(&run);
            }
            run = Run {
                value,
                first: hour_idx,
                last: hour_idx,
                hours: 1,
            };
        }
        self.run = run;
        self.n_hours += values.len() as u32;
    }

    /// Hands over the last run.
    pub(crate) fn end(self, mut take: impl FnMut(&Run)) {
        if 0 < self.run.hours {
            take(&self.run);
        }
    }
}

/// Runs by value.
enum Counts {
    /// By hundredths: runs and hours.
    Placed(Vec<(u32, u32)>),
    /// Value and hours of each run, to be sorted.
    Listed(Vec<u64>),
}

impl Counts {
    fn of(values: &[f32]) -> Self {
        match hundredths::span(values) {
            // To look through all places must not take longer than to sort.
            Some(n) if n <= PLACES_PER_VALUE * values.len() => Self::Placed(vec![(0, 0); n]),
            _ => Self::Listed(Vec::new()),
        }
    }

    fn add(&mut self, run: &Run) {
        let hours = run.hours.min(HOURS_PER_RUN_MAX);
        match self {
            Self::Placed(places) => {
                let place = &mut places[hundredths::position(run.value)];
                place.0 += 1;
                place.1 += hours;
            }
            Self::Listed(runs) => {
                runs.push(u64::from(ordered(run.value)) << 32 | u64::from(hours));
            }
        }
    }

    fn levels(self) -> Vec<Level> {
        match self {
            Self::Placed(places) => places
                .into_iter()
                .enumerate()
                .filter(|(_, (runs, _))| 0 < *runs)
                .map(|(place, (runs, hours))| Level {
                    value: hundredths::value(place),
                    runs,
                    hours,
                })
                .collect(),
            Self::Listed(mut runs) => {
                sort(&mut runs);
                let same = runs.chunk_by(|a, b| value_of(*a) == value_of(*b));
                same.map(|same| Level {
                    value: value_of(same[0]),
                    runs: same.len() as u32,
                    hours: same.iter().map(|packed| *packed as u32).sum(),
                })
                .collect()
            }
        }
    }
}

/// The levels from a value on, of a series that comes in pieces. Memory: one number for each different value.
#[derive(Clone, Debug)]
pub(crate) struct HighLevels {
    least: f32,
    open: OpenRun,
    /// Runs and hours by the order of the value.
    seen: BTreeMap<u32, (u32, u32)>,
}

impl HighLevels {
    pub(crate) fn from(least: f32) -> Self {
        Self {
            least,
            open: OpenRun::default(),
            seen: BTreeMap::new(),
        }
    }

    pub(crate) fn push(&mut self, values: &[f32]) {
        let (least, seen) = (self.least, &mut self.seen);
        self.open.push(values, |run| note(least, seen, run));
    }

    /// The levels, ascending.
    pub(crate) fn end(mut self) -> Vec<Level> {
        let (least, seen) = (self.least, &mut self.seen);
        self.open.end(|run| note(least, seen, run));
        let level = |(value, (runs, hours))| Level {
            value: unordered(value),
            runs,
            hours,
        };
        self.seen.into_iter().map(level).collect()
    }
}

fn note(least: f32, seen: &mut BTreeMap<u32, (u32, u32)>, run: &Run) {
    if least <= run.value {
        let (runs, hours) = seen.entry(ordered(run.value)).or_default();
        *runs += 1;
        *hours += run.hours.min(HOURS_PER_RUN_MAX);
    }
}

/// Below so many numbers comparing is quicker.
const RADIX_MIN: usize = 1 << 10;
/// Bits of a digit.
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;

/// Sorts by the upper half, digit by digit from the last; the order among equal upper halves is left open.
fn sort(packed: &mut Vec<u64>) {
    if packed.len() < RADIX_MIN {
        packed.sort_unstable();
        return;
    }
    let mut sorted = vec![0; packed.len()];
    for shift in (32..64).step_by(DIGIT_BITS as usize) {
        let digit = |packed: u64| (packed >> shift) as usize & (DIGITS - 1);
        let mut ends = [0_usize; DIGITS];
        for &number in packed.iter() {
            ends[digit(number)] += 1;
        }
        // All alike in this digit, as in the sign.
        if ends.contains(&packed.len()) {
            continue;
        }
        let mut end = 0;
        for place in &mut ends {
            end += *place;
            *place = end;
        }
        for &number in packed.iter().rev() {
            let place = &mut ends[digit(number)];
            *place -= 1;
            sorted[*place] = number;
        }
        std::mem::swap(packed, &mut sorted);
    }
}

/// A number whose order as an integer is that of the value, so that plain integers are sorted.
pub(crate) const fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    let flip = if bits >> 31 == 1 { u32::MAX } else { 1 << 31 };
    bits ^ flip
}

/// The value whose order this is.
pub(crate) const fn unordered(ordered: u32) -> f32 {
    let flip = if ordered >> 31 == 1 {
        1 << 31
    } else {
        u32::MAX
    };
    f32::from_bits(ordered ^ flip)
}

/// The value packed into the upper half.
const fn value_of(packed: u64) -> f32 {
    unordered((packed >> 32) as u32)
}

/// The hours of a run that have its value.
pub(crate) fn hours_of(run: &Run, values: &[f32]) -> impl Iterator<Item = u32> {
    (run.first..=run.last).filter(|&hour_idx| values[hour_idx as usize] == run.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    fn runs(values: &[f32]) -> Vec<Run> {
        let mut runs = Vec::new();
        each(values, |run| runs.push(*run));
        runs
    }

    #[test]
    fn a_run_goes_on_over_six_missing_hours() {
        let mut values = vec![5.0, 7.0, 7.0];
        values.extend([NAN; 6]);
        values.extend([7.0, 3.0]);
        values.extend([NAN; 7]);
        values.push(3.0);
        let seen: Vec<(f32, u32)> = runs(&values).iter().map(|r| (r.value, r.hours)).collect();
        assert_eq!(seen, [(5.0, 1), (7.0, 3), (3.0, 1), (3.0, 1)]);
        let run = runs(&values)[1];
        assert_eq!(hours_of(&run, &values).collect::<Vec<_>>(), [1, 2, 9]);
    }

    #[test]
    fn integers_keep_the_order_of_values() {
        let values = [-15.5, -0.1, -0.0, 0.0, 0.01, 3.0, 985.0, f32::MAX];
        let packed = values.map(|value| u64::from(ordered(value)) << 32 | 7);
        assert!(packed.is_sorted());
        assert_eq!(packed.map(value_of), values);
    }

    #[test]
    fn digits_sort_as_comparing_does() {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 16
        };
        for n in [0, 1, RADIX_MIN - 1, RADIX_MIN, 5_000] {
            let values: Vec<f32> = (0..n)
                .map(|_| (next() % 2_000) as f32 / 8.0 - 100.0)
                .collect();
            let mut packed: Vec<u64> = values
                .iter()
                .map(|&value| (u64::from(ordered(value)) << 32) | (next() % 48))
                .collect();
            let mut expected = packed.clone();
            sort(&mut packed);
            expected.sort_unstable();
            let values = |packed: &[u64]| packed.iter().map(|p| p >> 32).collect::<Vec<_>>();
            assert_eq!(values(&packed), values(&expected));
            packed.sort_unstable();
            assert_eq!(packed, expected);
        }
    }

    #[test]
    fn one_long_run_does_not_make_a_level() {
        let mut values = vec![43.23; 1_180];
        values.extend([5.0, 3.0, 5.0, -0.0, 0.0]);
        let levels = Stretches::of(&values).levels;
        let seen: Vec<(f32, u32, u32)> =
            levels.iter().map(|l| (l.value, l.runs, l.hours)).collect();
        assert_eq!(
            seen,
            [(0.0, 1, 2), (3.0, 1, 1), (5.0, 2, 2), (43.23, 1, 48)]
        );
    }

    #[test]
    fn counted_levels_are_the_sorted_ones() {
        let mut state = 11_u32;
        let mut next = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        for n in [0, 1, 40, 3_000] {
            let mut values: Vec<f32> = Vec::new();
            while values.len() < n {
                let value = match next(9) {
                    0 => NAN,
                    _ => hundredths::value(next(700) as usize),
                };
                values.extend(std::iter::repeat_n(value, 1 + next(60) as usize));
            }
            let counted = Stretches::of(&values);
            let mut listed = Counts::Listed(Vec::new());
            runs(&values).iter().for_each(|run| listed.add(run));
            assert_eq!(counted.levels, listed.levels());
            assert_eq!(counted.n_runs, runs(&values).len());
            let long = runs(&values).into_iter().filter(|run| 7 <= run.hours);
            assert_eq!(counted.long, long.collect::<Vec<_>>());
            // One value that is no hundredth, and all are sorted.
            values.push(0.001);
            let sorted = Stretches::of(&values);
            assert_eq!(sorted.n_runs, counted.n_runs + 1);
            let others = sorted.levels.iter().filter(|level| level.value != 0.001);
            assert!(others.eq(&counted.levels));
        }
    }
}
