//! Whose record goes most alike: the neighbours of each station without any coordinates.
//!
//! Not the rule about neighbours; see [`crate::quality::neighbour`]. Every pair is looked at, but hours of only those that can
//! be compared: which hours a record has is one bit each, and so the hours that two share are counted 64 at a time.
//!
//! ```text
//! A  present 1 1 0 1 1 ..    values 2.1 3.0  0  2.2 2.5 ..     the products of hours that one lacks are 0,
//! B  present 1 1 1 1 0 ..    values 2.0 2.8 2.9 2.1  0  ..     the sums of A are less by the hour that B lacks
//! ```

use rayon::prelude::*;

/// So many neighbours at most; ours.
const NEIGHBOURS_MAX: usize = 8;
/// Correlation of ln(1 + PM2.5) from which a record goes alike; the nine UCI Beijing stations have 0.81 to 0.95 over
/// 50 km. Ours.
const ALIKE_MIN: f64 = 0.7;
/// Hours that two records must share to be compared; ours.
const SHARED_MIN: u32 = 100;
/// A variance below this share of the sum of squares is rounding: the record is constant.
const CONSTANT_SHARE: f64 = 1e-9;
/// Hours that share a word of presence.
const WORD_H: usize = 64;

/// What of a record is compared, hour by hour. Memory: 4 bytes an hour and little more.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// 0 where there is none; a whole number of words.
    values: Vec<f32>,
    /// One bit for each hour that has a value.
    present: Vec<u64>,
    sum: f64,
    sum_of_squares: f64,
    n: u32,
}

impl Sampled {
    /// Of values at hours that all records share; NaN = missing.
    pub fn of(mut values: Vec<f32>) -> Self {
        let n_words = values.len().div_ceil(WORD_H);
        values.resize(n_words * WORD_H, f32::NAN);
        let bits = |hours: &[f32]| {
            let bits = hours.iter().enumerate();
            bits.fold(0, |bits, (at, value)| {
                bits | u64::from(!value.is_nan()) << at
            })
        };
        let present: Vec<u64> = values.chunks(WORD_H).map(bits).collect();
        let there = values.iter().filter(|value| !value.is_nan());
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        for value in there.map(|&value| f64::from(value)) {
            sum += value;
            sum_of_squares += value * value;
        }
        values.iter_mut().for_each(|value| {
            if value.is_nan() {
                *value = 0.0;
            }
        });
        Self {
            n: present.iter().map(|word| word.count_ones()).sum(),
            values,
            present,
            sum,
            sum_of_squares,
        }
    }

    /// Sum and sum of squares over the hours that another record has too.
    fn shared_sums(&self, other: &Self) -> (f64, f64) {
        let (mut sum, mut sum_of_squares) = (self.sum, self.sum_of_squares);
        for (word, (ours, theirs)) in self.present.iter().zip(&other.present).enumerate() {
            let mut lost = ours & !theirs;
            while lost != 0 {
                let value = f64::from(self.values[word * WORD_H + lost.trailing_zeros() as usize]);
                sum -= value;
                sum_of_squares -= value * value;
                lost &= lost - 1;
            }
        }
        (sum, sum_of_squares)
    }
}

/// Pearson's correlation over the hours that both have; none if they are too few or one is constant.
fn correlation(a: &Sampled, b: &Sampled) -> Option<f64> {
    let words = a.present.iter().zip(&b.present);
    let n: u32 = words.map(|(a, b)| (a & b).count_ones()).sum();
    if n < SHARED_MIN {
        return None;
    }
    let n = f64::from(n);
    let ((sum_a, sum_aa), (sum_b, sum_bb)) = (a.shared_sums(b), b.shared_sums(a));
    let variance = |sum: f64, sum_of_squares: f64| {
        let variance = sum_of_squares - sum * sum / n;
        (CONSTANT_SHARE * sum_of_squares < variance).then_some(variance)
    };
    let variances = variance(sum_a, sum_aa)? * variance(sum_b, sum_bb)?;
    Some((product(&a.values, &b.values) - sum_a * sum_b / n) / variances.sqrt())
}

/// The sum of products, in lanes so that the machine makes several at once; hours that one lacks add nothing.
fn product(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0_f64; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    lanes.iter().sum()
}

/// For each station the others whose record goes most alike, the most alike first; eight at most.
pub fn most_alike(samples: &[Sampled]) -> Vec<Vec<u32>> {
    let known: Vec<u32> = (0..samples.len() as u32)
        .filter(|&station| SHARED_MIN <= samples[station as usize].n)
        .collect();
    let stations = (0..samples.len()).into_par_iter();
    stations
        .map(|own| most_alike_of(own, samples, &known))
        .collect()
}

fn most_alike_of(own: usize, samples: &[Sampled], others: &[u32]) -> Vec<u32> {
    let mut alike: Vec<(f64, u32)> = Vec::new();
    if SHARED_MIN <= samples[own].n {
        let others = others.iter().filter(|other| **other as usize != own);
        alike.extend(others.filter_map(|&other| {
            let alike = correlation(&samples[own], &samples[other as usize])?;
            (ALIKE_MIN <= alike).then_some((alike, other))
        }));
    }
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    alike.truncate(NEIGHBOURS_MAX);
    alike.into_iter().map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::neighbour::{self, Record};

    struct Noise(u32);

    impl Noise {
        /// Between -0.5 and 0.5.
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 16) as f32 / 65_536.0 - 0.5
        }
    }

    const N_HOURS: usize = 700;

    /// Regions with weather of their own, `per_region` stations each, with gaps, later starts and a fault here and there.
    fn country(n_regions: usize, per_region: usize) -> Vec<Vec<f32>> {
        let mut noise = Noise(3);
        let mut stations = Vec::new();
        for _ in 0..n_regions {
            let mut level = 3.5;
            let weather: Vec<f32> = (0..N_HOURS)
                .map(|_| {
                    level = (level + 0.35 * noise.next()).clamp(2.0, 5.5);
                    level
                })
                .collect();
            for at in 0..per_region {
                let own_level = 0.6 * noise.next();
                let spread = 0.3 + 0.6 * (noise.next() + 0.5);
                let start = if at % 9 == 4 { 300 } else { 0 };
                let mut values: Vec<f32> = weather
                    .iter()
                    .map(|weather| (weather + own_level + spread * noise.next()).exp())
                    .collect();
                values[..start].fill(f32::NAN);
                for value in &mut values {
                    if noise.next() < -0.45 {
                        *value = f32::NAN;
                    }
                }
                if at % 5 == 2 {
                    values[400 + at] = 1_500.0;
                }
                stations.push(values);
            }
        }
        stations
    }

    fn sampled(stations: &[Vec<f32>]) -> Vec<Sampled> {
        let logarithm = |value: &f32| libm::log1pf(*value);
        let sample = |values: &Vec<f32>| Sampled::of(values.iter().map(logarithm).collect());
        stations.iter().map(sample).collect()
    }

    fn flagged(stations: &[Vec<f32>], neighbours: &[Vec<u32>]) -> Vec<Vec<u32>> {
        fn record(values: &[f32]) -> Record<'_> {
            Record { first_h: 0, values }
        }
        let of_station = |(values, near): (&Vec<f32>, &Vec<u32>)| {
            let near = near.iter().map(|at| record(&stations[*at as usize]));
            neighbour::hours(&record(values), &near.collect::<Vec<Record>>())
        };
        stations.iter().zip(neighbours).map(of_station).collect()
    }

    /// The eight most alike by the plain correlation.
    fn plainly(stations: &[Vec<f32>]) -> Vec<Vec<u32>> {
        let logarithms: Vec<Vec<f32>> = stations
            .iter()
            .map(|values| values.iter().map(|value| libm::log1pf(*value)).collect())
            .collect();
        let of_station = |own: usize| {
            let others = (0..stations.len()).filter(|other| *other != own);
            let mut alike: Vec<(f64, u32)> = others
                .filter_map(|other| {
                    Some((plain(&logarithms[own], &logarithms[other])?, other as u32))
                })
                .filter(|(alike, _)| 0.7 <= *alike)
                .collect();
            alike.sort_by(|a, b| b.0.total_cmp(&a.0));
            alike.into_iter().take(8).map(|(_, other)| other).collect()
        };
        (0..stations.len()).map(of_station).collect()
    }

    #[test]
    fn words_lead_to_the_neighbours_and_flags_of_single_hours() {
        let stations = country(6, 15);
        let (found, expected) = (most_alike(&sampled(&stations)), plainly(&stations));
        assert_eq!(found, expected);
        let flags = flagged(&stations, &found);
        assert!(10 < flags.iter().map(Vec::len).sum::<usize>());
        assert_eq!(flags, flagged(&stations, &expected));
    }

    /// As its definition has it, one hour after the other.
    fn plain(a: &[f32], b: &[f32]) -> Option<f64> {
        let both = a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
        let pairs: Vec<(f64, f64)> = both.map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
        let n = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (mean_a, mean_b) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            pairs.iter().map(|(a, b)| of(a - mean_a, b - mean_b)).sum()
        };
        let (aa, bb) = (sum(&|a, _| a * a), sum(&|_, b| b * b));
        (100 <= pairs.len() && 1e-9 < aa.min(bb)).then(|| sum(&|a, b| a * b) / (aa * bb).sqrt())
    }

    #[test]
    fn words_make_the_correlation_of_single_hours() {
        let mut noise = Noise(9);
        for n in [0, 1, 63, 99, 100, 130, 2_048] {
            for gap in [-0.5, -0.3, 0.2, 0.45] {
                let mut series = || -> Vec<f32> {
                    let mut value = |at: usize| match noise.next() {
                        out if out < gap => f32::NAN,
                        out => (at as f32 / 50.0).sin() + out,
                    };
                    (0..n).map(&mut value).collect()
                };
                let (a, b) = (series(), series());
                let made = correlation(&Sampled::of(a.clone()), &Sampled::of(b.clone()));
                match (made, plain(&a, &b)) {
                    (Some(made), Some(plain)) => assert!((made - plain).abs() < 1e-9),
                    (made, plain) => assert_eq!(made, plain, "{n} {gap}"),
                }
            }
        }
        let constant = Sampled::of(vec![0.1; 500]);
        let wave = Sampled::of((0..500).map(|at| (at % 7) as f32).collect());
        assert_eq!(correlation(&constant, &wave), None);
        assert!(correlation(&wave, &wave).unwrap() > 0.999_999);
    }

    #[test]
    fn short_records_are_compared_with_nobody() {
        let short: Vec<Vec<f32>> = country(1, 30).iter().map(|v| v[..99].to_vec()).collect();
        assert!(most_alike(&sampled(&short)).iter().all(Vec::is_empty));
        assert!(most_alike(&[]).is_empty());
    }
}
