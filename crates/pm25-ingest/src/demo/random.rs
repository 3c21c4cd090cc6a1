//! Random numbers for the simulation: one small generator, so that a seed means the same bytes everywhere.
//!
//! Not for secrets and not for statistics that need a long period.

use std::f64::consts::TAU;

/// `SplitMix64` (Steele, Lea, Flood 2014): one 64-bit word of state.
pub(crate) struct Random(u64);

impl Random {
    /// Streams of one seed are independent, so that one more station changes no other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Neighbouring seeds start far apart.
        random.0 = random.word() ^ stream;
        random
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to 1, 1 excluded.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(TAU * self.uniform())
    }

    /// Exponential with the given mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.uniform())
    }
}

/// Noise that remembers: variance 1, correlation falling by 1/e over `memory_h` hours.
pub(crate) struct Memory {
    keep: f64,
    value: f64,
}

impl Memory {
    pub(crate) fn new(memory_h: f64, random: &mut Random) -> Self {
        Self {
            keep: libm::exp(-1.0 / memory_h),
            value: random.normal(),
        }
    }

    /// The next hour's value.
    pub(crate) fn next(&mut self, random: &mut Random) -> f64 {
        self.value =
            self.keep * self.value + libm::sqrt(1.0 - self.keep * self.keep) * random.normal();
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_stream_mean_one_sequence() {
        let first = |seed, stream| Random::new(seed, stream).uniform().to_bits();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }

    #[test]
    fn moments_are_what_they_should_be() {
        let mut random = Random::new(1, 1);
        let n = 100_000;
        let normals: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
            "{mean} {variance}"
        );
        let mut memory = Memory::new(10.0, &mut random);
        let values: Vec<f64> = (0..n).map(|_| memory.next(&mut random)).collect();
        let lag_10 = values.windows(11).map(|w| w[0] * w[10]).sum::<f64>() / f64::from(n);
        assert!((lag_10 - libm::exp(-1.0)).abs() < 0.05, "{lag_10}");
    }
}
