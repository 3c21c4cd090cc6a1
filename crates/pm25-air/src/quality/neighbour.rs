//! Far outside everything that the neighbouring stations measured in the same hour.
//!
//! Not interpolation: nothing is estimated. Neighbours are the stations whose record goes most alike ([`crate::quality::alike`]),
//! which needs no coordinates and leaves out a near one behind a mountain. A fault of a neighbour widens the range and so can only
//! hide something.
//!
//! ```text
//! neighbours   80  95 120 140      range 80 to 140
//! far above    more than 3 x 140 and more than 100 above 140
//! far below    less than 80 / 3 and more than 100 below 80 (never true here)
//! ```

use crate::quality::alike::Sampled;

/// So many of them must have measured the hour; ours.
const PRESENT_MIN: usize = 3;
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
    /// The value at an hour since 1970 UTC; NaN where there is none.
    pub fn at(&self, hour: i64) -> f32 {
        let hour_idx = usize::try_from(hour - self.first_h).ok();
        hour_idx
            .and_then(|hour_idx| self.values.get(hour_idx))
            .copied()
            .unwrap_or(f32::NAN)
    }
}

/// The hours at which records are compared: no more than 2,048, evenly spread over all records.
#[derive(Clone, Debug)]
pub struct Sampling(std::iter::StepBy<std::ops::Range<i64>>);

impl Sampling {
    /// Over records that begin at an hour since 1970 and have so many hours.
    pub fn over(spans: impl Iterator<Item = (i64, usize)>) -> Self {
        let mut all: Option<(i64, i64)> = None;
        for (first_h, n_hours) in spans {
            let end_h = first_h + n_hours as i64;
            let (first, end) = all.get_or_insert((first_h, end_h));
            (*first, *end) = (first_h.min(*first), end_h.max(*end));
        }
        let (first, end) = all.unwrap_or((0, 0));
        let step = coprime_to_a_day(((end - first) as usize).div_ceil(SAMPLES_MAX));
        Self((first..end).step_by(step))
    }

    /// The hours since 1970 UTC, ascending.
    pub fn hours(&self) -> impl Iterator<Item = i64> {
        self.0.clone()
    }

    /// What of a record is compared: ln(1 + value). Memory: 8 KiB.
    pub fn sample(&self, record: &Record) -> Sampled {
        let values = self.hours().map(|hour| logarithm(record.at(hour)));
        Sampled::of(values.collect())
    }
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

/// Hours that are looked at together.
const BLOCK_H: usize = 1_024;

/// The hours of `own` far outside the range of its neighbours.
pub fn hours(own: &Record, neighbours: &[Record]) -> Vec<u32> {
    let mut hours = Vec::new();
    if neighbours.len() < PRESENT_MIN {
        return hours;
    }
    let mut around = Vec::with_capacity(BLOCK_H);
    for (block_idx, values) in own.values.chunks(BLOCK_H).enumerate() {
        let from = block_idx * BLOCK_H;
        around.clear();
        around.resize(values.len(), Around::NOBODY);
        for neighbour in neighbours {
            widen(&mut around, own.first_h + from as i64, neighbour);
        }
        let far = (from as u32..).zip(values.iter().zip(&around));
        hours.extend(
            far.filter(|(_, (value, around))| around.is_far(**value))
                .map(|(hour_idx, _)| hour_idx),
        );
    }
    hours
}

/// What the neighbours measured in an hour.
#[derive(Clone, Copy, Debug)]
struct Around {
    n: u32,
    low: f32,
    high: f32,
}

impl Around {
    const NOBODY: Self = Self {
        n: 0,
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
    };

    /// False for NaN.
    fn is_far(&self, value: f32) -> bool {
        let above = FAR_TIMES * self.high < value && FAR_UG_M3 < value - self.high;
        let below = FAR_TIMES * value < self.low && FAR_UG_M3 < self.low - value;
        PRESENT_MIN <= self.n as usize && (above || below)
    }
}

/// Adds a neighbour to the hours from `first_h` on, as far as it has them.
fn widen(around: &mut [Around], first_h: i64, neighbour: &Record) {
    let ahead = usize::try_from(neighbour.first_h - first_h).unwrap_or(0);
    let behind = usize::try_from(first_h - neighbour.first_h).unwrap_or(0);
    let around = around.iter_mut().skip(ahead);
    let theirs = neighbour.values.iter().skip(behind);
    for (around, &theirs) in around.zip(theirs) {
        around.n += u32::from(!theirs.is_nan());
        around.low = around.low.min(theirs);
        around.high = around.high.max(theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::alike;
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

    fn samples(records: &[Record]) -> Vec<Sampled> {
        let span = |record: &Record| (record.first_h, record.values.len());
        let sampling = Sampling::over(records.iter().map(span));
        records
            .iter()
            .map(|record| sampling.sample(record))
            .collect()
    }

    fn most_alike(own: usize, samples: &[Sampled]) -> Vec<u32> {
        alike::most_alike(samples)[own].clone()
    }

    fn found(values: &[Vec<f32>], own: usize) -> Vec<u32> {
        let records = records(values);
        let alike = most_alike(own, &samples(&records));
        let neighbours: Vec<Record> = alike.iter().map(|&at| records[at as usize]).collect();
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
    fn neighbours_that_begin_or_end_within_a_block_count_where_they_are() {
        let values = vec![10.0_f32; 3_000];
        let mut own = values.clone();
        for hour in [0, 699, 700, 1_023, 1_024, 2_047, 2_048, 2_499, 2_500, 2_999] {
            own[hour] = 900.0;
        }
        let record = |first_h: i64, n: usize| Record {
            first_h,
            values: &values[..n],
        };
        let own = Record {
            first_h: 0,
            values: &own,
        };
        let neighbours = [record(-50, 3_000), record(0, 3_000), record(700, 1_800)];
        let expected = [700, 1_023, 1_024, 2_047, 2_048, 2_499];
        assert_eq!(hours(&own, &neighbours), expected);
    }

    #[test]
    fn long_records_are_sampled_at_every_hour_of_the_day() {
        let values = vec![vec![1.0_f32; 100_000]];
        let record = &records(&values)[0];
        let sampling = Sampling::over([(record.first_h, record.values.len())].into_iter());
        assert!(sampling.hours().count() <= SAMPLES_MAX);
        assert!(samples(&[]).is_empty());
        for span in 1..100 {
            let step = coprime_to_a_day(span);
            let hours: BTreeSet<usize> = (0..24).map(|n| n * step % 24).collect();
            assert!(span <= step && hours.len() == 24, "{span} becomes {step}");
        }
        assert!(logarithm(f32::NAN).is_nan() && logarithm(-3.0) == 0.0);
    }
}
