//! Far outside everything that the neighbouring stations measured in the same hour.
//!
//! Not interpolation: nothing is estimated. Neighbours are the stations whose record goes most alike, which needs no
//! coordinates and leaves out a near one behind a mountain. A fault of a neighbour widens the range and so can only
//! hide something.
//!
//! ```text
//! neighbours   80  95 120 140      range 80 to 140
//! far above    more than 3 x 140 and more than 100 above 140
//! far below    less than 80 / 3 and more than 100 below 80 (never true here)
//! ```

/// So many neighbours at most; ours.
const NEIGHBOURS_MAX: usize = 8;
/// So many of them must have measured the hour; ours.
const PRESENT_MIN: usize = 3;
/// Correlation of ln(1 + PM2.5) from which a record goes alike; the nine UCI Beijing stations have 0.81 to 0.95 over
/// 50 km. Ours.
const ALIKE_MIN: f64 = 0.7;
/// Hours that two records must share to be compared; ours.
const SHARED_MIN: u32 = 100;
/// Far: by this factor and by this much. Wu et al. (2018, doi 10.1007/s00376-018-8067-9) name disagreement with
/// the neighbourhood as the first of the four faults of China's network and find 0.65 to 5.68 % of all faults
/// together; these numbers, which are ours, mark 0.1 % of the nine UCI Beijing stations.
const FAR_TIMES: f32 = 3.0;
const FAR_UG_M3: f32 = 100.0;
/// Hours at which records are compared.
pub const SAMPLES_MAX: usize = 2_048;

/// A record on the network's common count of hours.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Hours since 1970 UTC, rounded down, of the first value.
    pub first_h: i64,
    /// One value an hour; NaN = missing.
    pub values: &'a [f32],
}

impl Record<'_> {
    fn at(&self, hour: i64) -> f32 {
        let hour_idx = usize::try_from(hour - self.first_h).ok();
        hour_idx
            .and_then(|hour_idx| self.values.get(hour_idx))
            .copied()
            .unwrap_or(f32::NAN)
    }
}

/// What of each record is compared: ln(1 + value) at no more than 2,048 hours, evenly spread over all records.
/// Memory: 8 KiB a record.
pub fn samples(records: &[Record]) -> Vec<Vec<f32>> {
    let first = records.iter().map(|record| record.first_h).min();
    let end = records
        .iter()
        .map(|record| record.first_h + record.values.len() as i64)
        .max();
    let (Some(first), Some(end)) = (first, end) else {
        return Vec::new();
    };
    let step = coprime_to_a_day(((end - first) as usize).div_ceil(SAMPLES_MAX));
    let sample = |record: &Record| {
        let hours = (first..end).step_by(step);
        hours.map(|hour| logarithm(record.at(hour))).collect()
    };
    records.iter().map(sample).collect()
}

/// The next step that comes to every hour of the day: one that shares no factor with 24.
const fn coprime_to_a_day(mut step: usize) -> usize {
    while step == 0 || 1 < step && (step.is_multiple_of(2) || step.is_multiple_of(3)) {
        step += 1;
    }
    step
}

/// ln(1 + value), noise below zero as zero; NaN stays.
fn logarithm(value: f32) -> f32 {
    if value < 0.0 {
        0.0
    } else {
        libm::log1pf(value)
    }
}

/// The stations whose record goes most alike to that of `own`, the most alike first.
pub fn most_alike(own: usize, samples: &[Vec<f32>]) -> Vec<usize> {
    let others = (0..samples.len()).filter(|&other| other != own);
    let mut alike: Vec<(f64, usize)> = others
        .filter_map(|other| {
            let alike = correlation(&samples[own], &samples[other])?;
            (ALIKE_MIN <= alike).then_some((alike, other))
        })
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    alike.truncate(NEIGHBOURS_MAX);
    alike.into_iter().map(|(_, other)| other).collect()
}

/// Pearson's correlation over the hours that both have; none if they are too few or one is constant.
fn correlation(a: &[f32], b: &[f32]) -> Option<f64> {
    let (mut n, mut sum_a, mut sum_b) = (0_u32, 0.0_f64, 0.0_f64);
    let (mut sum_aa, mut sum_bb, mut sum_ab) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (&a, &b) in a.iter().zip(b) {
        if a.is_nan() || b.is_nan() {
            continue;
        }
        let (a, b) = (f64::from(a), f64::from(b));
        n += 1;
        sum_a += a;
        sum_b += b;
        sum_aa += a * a;
        sum_bb += b * b;
        sum_ab += a * b;
    }
    if n < SHARED_MIN {
        return None;
    }
    let n = f64::from(n);
    let variances = (sum_aa - sum_a * sum_a / n) * (sum_bb - sum_b * sum_b / n);
    (0.0 < variances).then(|| (sum_ab - sum_a * sum_b / n) / variances.sqrt())
}

/// The hours of `own` far outside the range of its neighbours.
pub fn hours(own: &Record, neighbours: &[Record]) -> Vec<u32> {
    if neighbours.len() < PRESENT_MIN {
        return Vec::new();
    }
    let is_far = |hour_idx: u32, value: f32| {
        !value.is_nan() && far(value, own.first_h + i64::from(hour_idx), neighbours)
    };
    (0_u32..)
        .zip(own.values)
        .filter(|(hour_idx, value)| is_far(*hour_idx, **value))
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

fn far(value: f32, hour: i64, neighbours: &[Record]) -> bool {
    let (mut n, mut low, mut high) = (0, f32::INFINITY, f32::NEG_INFINITY);
    for neighbour in neighbours {
        let theirs = neighbour.at(hour);
        if !theirs.is_nan() {
            n += 1;
            low = low.min(theirs);
            high = high.max(theirs);
        }
    }
    let above = FAR_TIMES * high < value && FAR_UG_M3 < value - high;
    let below = FAR_TIMES * value < low && FAR_UG_M3 < low - value;
    PRESENT_MIN <= n && (above || below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A common weather with a factor for each station, the same on every machine.
    fn city(n_stations: usize) -> Vec<Vec<f32>> {
        let weather =
            |hour: usize| 60.0 + 50.0 * libm::sinf(hour as f32 / 17.0) + (hour % 7) as f32;
        (0..n_stations)
            .map(|station| {
                let times = 0.8 + 0.1 * station as f32;
                (0..1_000).map(|hour| times * weather(hour)).collect()
            })
            .collect()
    }

    fn records(values: &[Vec<f32>]) -> Vec<Record<'_>> {
        let record = |values| Record {
            first_h: 500,
            values,
        };
        values.iter().map(|values| record(values)).collect()
    }

    fn found(values: &[Vec<f32>], own: usize) -> Vec<u32> {
        let records = records(values);
        let alike = most_alike(own, &samples(&records));
        let neighbours: Vec<Record> = alike.iter().map(|&other| records[other]).collect();
        hours(&records[own], &neighbours)
    }

    #[test]
    fn what_no_neighbour_saw_is_found() {
        let mut values = city(5);
        values[2][300] = 900.0;
        for station in &mut values {
            station[40] = 400.0;
        }
        values[2][40] = 20.0;
        assert_eq!(found(&values, 2), [40, 300]);
        assert!(found(&values, 0).is_empty());
    }

    #[test]
    fn an_episode_over_the_city_is_left() {
        let mut values = city(5);
        for station in &mut values {
            station[300..320].fill(800.0);
        }
        values[1][305] = 1_400.0;
        assert!((0..5).all(|own| found(&values, own).is_empty()));
    }

    #[test]
    fn few_or_unlike_neighbours_say_nothing() {
        let mut values = city(3);
        values[2][300] = 900.0;
        assert!(found(&values, 2).is_empty());
        let mut values = city(5);
        values[2] = (0..1_000)
            .map(|hour| ((hour * 7_919) % 101) as f32)
            .collect();
        values[2][300] = 900.0;
        assert!(found(&values, 2).is_empty());
        let mut values = city(5);
        values[2][300] = 900.0;
        for station in [0, 1, 3] {
            values[station][300] = f32::NAN;
        }
        assert!(found(&values, 2).is_empty());
    }

    #[test]
    fn records_are_laid_side_by_side_by_their_hours() {
        let mut values = city(5);
        let later = values[4].split_off(100);
        values[2][300] = 900.0;
        let mut records = records(&values);
        records[4] = Record {
            first_h: 600,
            values: &later,
        };
        let neighbours = [records[0], records[1], records[3], records[4]];
        assert_eq!(hours(&records[2], &neighbours), [300]);
        assert_eq!(records[4].at(600), later[0]);
        assert!(records[4].at(599).is_nan() && records[4].at(1_500).is_nan());
        assert_eq!(most_alike(2, &samples(&records)).len(), 4);
    }

    #[test]
    fn long_records_are_sampled_at_every_hour_of_the_day() {
        let values = vec![vec![1.0_f32; 100_000]];
        assert!(samples(&records(&values))[0].len() <= SAMPLES_MAX);
        assert!(samples(&[]).is_empty());
        for span in 1..100 {
            let step = coprime_to_a_day(span);
            let hours: BTreeSet<usize> = (0..24).map(|n| n * step % 24).collect();
            assert!(span <= step && hours.len() == 24, "{span} becomes {step}");
        }
        assert!(logarithm(f32::NAN).is_nan() && logarithm(-3.0) == 0.0);
    }
}
