//! Stretches of one value, and how often each value occurs.
//!
//! Not a verdict: runs are what the rules about stuck sensors, detection limits and full scales look at.
//!
//! ```text
//! values   5  7  7  ·  7  3          · = missing
//! runs     5  7────────7  3          a run goes on over up to six missing hours
//! hours    1  3           1          missing hours are not counted
//! ```

/// A stuck instrument that fails now and then is still stuck; after a quarter of a day equal values are chance.
const BRIDGED_H_MAX: usize = 6;
/// Hours that one run adds to a level: longer than the longest real run at a detection limit that we know (41 h,
/// Dongsi 2014), so that a stuck sensor does not look like a level that is often visited.
const HOURS_PER_RUN_MAX: u32 = 48;

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

/// The runs of a series (NaN = missing), in the order of time.
pub fn runs(values: &[f32]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(values.len());
    for (hour_idx, &value) in values.iter().enumerate() {
        if value.is_nan() {
            continue;
        }
        match runs.last_mut() {
            Some(run)
                if run.value == value && hour_idx - run.last as usize <= BRIDGED_H_MAX + 1 =>
            {
                run.last = hour_idx as u32;
                run.hours += 1;
            }
            _ => runs.push(Run {
                value,
                first: hour_idx as u32,
                last: hour_idx as u32,
                hours: 1,
            }),
        }
    }
    runs
}

/// The different values of the runs, ascending.
pub fn levels(runs: &[Run]) -> Vec<Level> {
    let mut sorted: Vec<u64> = runs
        .iter()
        .map(|run| {
            u64::from(ordered(run.value)) << 32 | u64::from(run.hours.min(HOURS_PER_RUN_MAX))
        })
        .collect();
    sort(&mut sorted);
    sorted
        .chunk_by(|a, b| value_of(*a) == value_of(*b))
        .map(|same| Level {
            value: value_of(same[0]),
            runs: same.len() as u32,
            hours: same.iter().map(|packed| *packed as u32).sum(),
        })
        .collect()
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
const fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    let flip = if bits >> 31 == 1 { u32::MAX } else { 1 << 31 };
    bits ^ flip
}

/// The value packed into the upper half.
const fn value_of(packed: u64) -> f32 {
    let ordered = (packed >> 32) as u32;
    let flip = if ordered >> 31 == 1 {
        1 << 31
    } else {
        u32::MAX
    };
    f32::from_bits(ordered ^ flip)
}

/// The hours of a run that have its value.
pub(crate) fn hours_of(run: &Run, values: &[f32]) -> impl Iterator<Item = u32> {
    (run.first..=run.last).filter(|&hour_idx| values[hour_idx as usize] == run.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

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
        let levels = levels(&runs(&values));
        let seen: Vec<(f32, u32, u32)> =
            levels.iter().map(|l| (l.value, l.runs, l.hours)).collect();
        assert_eq!(
            seen,
            [(0.0, 1, 2), (3.0, 1, 1), (5.0, 2, 2), (43.23, 1, 48)]
        );
    }
}
