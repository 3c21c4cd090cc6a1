//! Values a thousand times too large or too small: a unit other than the one declared.
//!
//! Not a correction: the raw values stay, the suspected factor is reported.

use std::ops::Range;

use crate::Quantity;
use crate::quality::hundredths::Hundredths;

/// Between µg and mg, ppb and ppm, µg and g/1000: the factor that units of concentration are confused by.
const FACTOR: f64 = 1_000.0;
/// A median within this factor of a thousand times the reference is a slip; real stations of one network differ by
/// less than a hundred. Ours.
const WITHIN: f64 = 10.0;
/// So many other stations make a reference; ours.
const OTHERS_MIN: usize = 2;
/// Of fewer readings the median is found faster without counting; ours.
const COUNTED_MIN: usize = 1 << 13;
/// So many positive readings make a median worth comparing; ours.
const READINGS_MIN: usize = 24;

/// Where the median of a station's readings lies, in our units: from the cleanest to the worst sites of the world
/// with a margin. Medians, not hours: an hour may leave it. Background CO is 0.1 mg/m³, PM2.5 at remote sites 1 to
/// 2 µg/m³, the worst cities' medians are some hundreds. Ours.
const fn plausible_median(quantity: Quantity) -> Option<(f64, f64)> {
    match quantity {
        Quantity::Pm25 => Some((0.5, 500.0)),
        Quantity::Pm10 => Some((1.0, 1_000.0)),
        Quantity::No2 | Quantity::So2 => Some((0.05, 400.0)),
        Quantity::O3 => Some((0.5, 400.0)),
        Quantity::Co => Some((0.03, 15.0)),
        _ => None,
    }
}

/// The median of the positive readings; none where there are too few of them.
pub fn median_positive(values: &[f32]) -> Option<f32> {
    if COUNTED_MIN <= values.len()
        && let Some(counted) = Hundredths::of(values)
    {
        let n_zero = counted.n_zero();
        let n_positive = counted.n() - n_zero;
        let median = counted.at_rank(n_zero + n_positive / 2);
        return median.filter(|_| READINGS_MIN <= n_positive);
    }
    let mut positive = Vec::with_capacity(values.len());
    positive.extend(values.iter().copied().filter(|value| 0.0 < *value));
    if positive.len() < READINGS_MIN {
        return None;
    }
    let middle = positive.len() / 2;
    Some(*positive.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// By how much values with this median seem multiplied, 1000 or 0.001; none if nothing is suspected.
///
/// Dividing by the factor must make the median plausible, and either the other stations' medians ([`Medians::of_others`])
/// are that far away or, where fewer than two others are known, the median is implausible as it stands.
pub fn factor(quantity: Quantity, median: f32, others: Option<f64>) -> Option<f32> {
    let (lowest, highest) = plausible_median(quantity)?;
    let plausible = |value: f64| (lowest..=highest).contains(&value);
    let median = f64::from(median);
    [FACTOR, 1.0 / FACTOR]
        .into_iter()
        .find(|&factor| {
            let repaired = median / factor;
            plausible(repaired)
                && match others {
                    Some(reference) => {
                        let apart = repaired / reference;
                        1.0 / WITHIN < apart && apart < WITHIN
                    }
                    None => !plausible(median),
                }
        })
        .map(|factor| factor as f32)
}

/// What a stretch of a station's readings is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    quantity: Quantity,
    usual: f64,
    /// Between these no median is suspected.
    ordinary: (f32, f32),
}

impl Usual {
    /// The median of other stations' medians, or whatever else tells what is usual.
    pub fn of(quantity: Quantity, usual: f64) -> Self {
        // A hundredth and a hundredfold are the borders of suspicion; a little closer, so that no rounding matters.
        let far = 0.99 * FACTOR / WITHIN;
        Self {
            quantity,
            usual,
            ordinary: ((usual / far) as f32, (usual * far) as f32),
        }
    }

    /// By how much the median of a stretch seems multiplied; see [`factor`].
    pub fn factor(&self, stretch: &[f32]) -> Option<f32> {
        if self.is_ordinary(stretch) {
            return None;
        }
        factor(self.quantity, median_positive(stretch)?, Some(self.usual))
    }

    /// Whether the median of the positive readings lies where nothing is suspected, without looking for it.
    fn is_ordinary(&self, stretch: &[f32]) -> bool {
        let (low, high) = self.ordinary;
        let (mut n, mut n_below, mut n_above) = (0_u32, 0_u32, 0_u32);
        for &value in stretch {
            let is_positive = 0.0 < value;
            n += u32::from(is_positive);
            n_below += u32::from(is_positive & (value < low));
            n_above += u32::from(high < value);
        }
        n_below <= n / 2 && n_above < n - n / 2
    }
}

/// From where to where readings are multiplied by a factor: the stretch in which most are nearer to that many times what is
/// usual than to what is usual, cut so that one more hour at either end would make it worse. Ours.
pub fn extent(values: &[f32], usual: f64, factor: f32) -> Option<Range<usize>> {
    let between = usual * f64::from(factor).sqrt();
    let slips = |value: f64| (1.0 < factor) == (between < value);
    let mut best: (i64, Range<usize>) = (0, 0..0);
    let (mut sum, mut from) = (0, 0);
    for (at, &value) in values.iter().enumerate() {
        if value.is_nan() || value <= 0.0 {
            continue;
        }
        if sum <= 0 {
            (sum, from) = (0, at);
        }
        sum += if slips(f64::from(value)) { 1 } else { -1 };
        if best.0 < sum {
            best = (sum, from..at + 1);
        }
    }
    (0 < best.0).then_some(best.1)
}

/// The medians of all stations, to be asked for that of the others without looking at each of them.
#[derive(Clone, Debug, Default)]
pub struct Medians(Vec<f32>);

impl Medians {
    /// Of the stations that have one.
    pub fn of(medians: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = medians.collect();
        sorted.sort_unstable_by(f32::total_cmp);
        Self(sorted)
    }

    /// The upper median of all medians but one's own, which is among them; none where fewer than two are left.
    pub fn of_others(&self, own: Option<f32>) -> Option<f64> {
        let sorted = &self.0;
        let own_at = own.map(|own| sorted.partition_point(|median| median.total_cmp(&own).is_lt()));
        let n_others = sorted.len() - usize::from(own.is_some());
        if n_others < OTHERS_MIN {
            return None;
        }
        let middle = n_others / 2;
        let skipped = usize::from(own_at.is_some_and(|own_at| own_at <= middle));
        Some(f64::from(sorted[middle + skipped]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CO: [f32; 8] = [0.9, 0.7, 1.1, 1.2, 0.6, 0.8, 1.0, 0.9];

    fn co() -> Option<f64> {
        Medians::of(CO.into_iter()).of_others(None)
    }

    #[test]
    fn the_median_of_others_is_that_of_a_list_without_ones_own() {
        let mut medians = CO.to_vec();
        while !medians.is_empty() {
            let known = Medians::of(medians.iter().copied());
            for own in 0..medians.len() {
                let mut others = medians.clone();
                let own = others.remove(own);
                others.sort_by(f32::total_cmp);
                let expected = (2 <= others.len()).then(|| f64::from(others[others.len() / 2]));
                assert_eq!(known.of_others(Some(own)), expected);
            }
            medians.pop();
        }
        assert_eq!(Medians::default().of_others(None), None);
    }

    #[test]
    fn a_thousandfold_is_named_against_other_stations() {
        assert_eq!(factor(Quantity::Co, 900.0, co()), Some(1_000.0));
        assert_eq!(factor(Quantity::Co, 0.000_9, co()), Some(0.001));
        assert_eq!(factor(Quantity::No2, 0.04, Some(47.0)), Some(0.001));
    }

    #[test]
    fn a_dirty_or_a_clean_station_is_left() {
        for median in [0.1, 0.3, 2.0, 9.0, 14.0] {
            assert_eq!(factor(Quantity::Co, median, co()), None);
        }
        assert_eq!(factor(Quantity::Pm25, 3.0, Some(95.0)), None);
        assert_eq!(factor(Quantity::Pm25, 300.0, Some(5.0)), None);
        assert_eq!(factor(Quantity::Temp, 20_000.0, Some(21.0)), None);
    }

    #[test]
    fn a_lone_station_is_judged_by_what_is_plausible() {
        assert_eq!(factor(Quantity::Co, 900.0, None), Some(1_000.0));
        assert_eq!(factor(Quantity::Co, 1.2, None), None);
        assert_eq!(factor(Quantity::Pm25, 0.05, None), Some(0.001));
    }

    #[test]
    fn a_median_needs_readings() {
        assert_eq!(median_positive(&[1.0; 23]), None);
        let mut values = vec![2.0; 25];
        values.extend([0.0, -1.0, f32::NAN]);
        assert_eq!(median_positive(&values), Some(2.0));
    }

    #[test]
    fn counting_finds_the_median_that_selecting_finds() {
        let mut values: Vec<f32> = (0..20_000)
            .map(|i| ((i * 7_919) % 6_007) as f32 / 100.0)
            .collect();
        for at in (0..20_000).step_by(11) {
            values[at] = if at % 2 == 0 { f32::NAN } else { 0.0 };
        }
        let mut positive: Vec<f32> = values.iter().copied().filter(|v| 0.0 < *v).collect();
        positive.sort_by(f32::total_cmp);
        let middle = Some(positive[positive.len() / 2]);
        assert_eq!(median_positive(&values), middle);
        // One value that is no hundredth, and nothing is counted.
        values.push(-0.001);
        assert_eq!(median_positive(&values), middle);
    }

    #[test]
    fn a_slip_is_found_from_its_first_hour_to_its_last() {
        for (from, until) in [(0, 5), (37, 900), (500, 1_000), (999, 1_000)] {
            for factor in [1_000.0_f32, 0.001] {
                let mut values: Vec<f32> =
                    (0..1_000).map(|at| 5.0 + (at * 37 % 90) as f32).collect();
                values[from..until]
                    .iter_mut()
                    .for_each(|value| *value *= factor);
                if until - from > 100 {
                    values[from + 50..from + 60].fill(f32::NAN);
                }
                let expected = Some(from..until);
                assert_eq!(extent(&values, 45.0, factor), expected, "{factor}");
            }
        }
        assert_eq!(extent(&[40.0, f32::NAN, 0.0], 45.0, 1_000.0), None);
    }

    #[test]
    fn a_stretch_is_suspected_as_its_median_is() {
        for times in [
            0.000_5, 0.001, 0.009, 0.011, 0.5, 1.0, 90.0, 101.0, 1_000.0, 2_000.0,
        ] {
            let readings = |n: usize, times: f32| -> Vec<f32> {
                (0..n)
                    .map(|i| times * (1.0 + (i % 7) as f32 / 10.0))
                    .collect()
            };
            for (n_far, n_near) in [
                (720, 0),
                (400, 320),
                (361, 360),
                (360, 360),
                (100, 620),
                (20, 0),
            ] {
                let mut stretch = readings(n_far, times);
                stretch.extend(readings(n_near, 1.0));
                stretch.extend([f32::NAN, 0.0, -1.0]);
                let expected =
                    median_positive(&stretch).and_then(|median| factor(Quantity::Co, median, co()));
                let found = Usual::of(Quantity::Co, co().unwrap()).factor(&stretch);
                assert_eq!(found, expected, "{times} {n_far} {n_near}");
            }
        }
    }
}
