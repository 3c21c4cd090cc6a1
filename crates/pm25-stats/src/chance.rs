//! Chance without a state: number `n` of a stream is a hash of the seed and `n`.
//!
//! It is not a generator that is advanced, so what is drawn does not depend on the order of drawing, and a script in
//! another language can draw the same numbers from these three lines.

/// 2^64 divided by the golden ratio: steps of it fill 64 bits evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// An endless sequence of independent numbers, each reachable at once.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    key: u64,
}

impl Chance {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed) }
    }

    /// Number `n` as a whole number below `limit`, by Lemire's multiplication; its bias is below `limit` / 2^64.
    #[must_use]
    pub fn below(self, n: usize, limit: usize) -> usize {
        let bits = mix(self.key.wrapping_add((n as u64).wrapping_mul(GOLDEN)));
        ((u128::from(bits) * limit as u128) >> 64) as usize
    }

    /// The numbers `0..n` in an order where each order is equally likely (Fisher and Yates).
    #[must_use]
    pub fn shuffled(self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        for place in 1..n {
            all.swap(place, self.below(place, place + 1));
        }
        all
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood 2014), with the step before it.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(GOLDEN);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_is_splitmix64() {
        // First output of SplitMix64 from seed 1234567, as published with its reference code.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn draws_are_even_and_orders_are_permutations() {
        let chance = Chance::new(7);
        let mut tenths = [0_u32; 10];
        (0..100_000).for_each(|n| tenths[chance.below(n, 10)] += 1);
        // Five standard deviations of a count around 10,000 are 474.
        assert!(tenths.iter().all(|count| (9_526..=10_474).contains(count)));
        let mut order = chance.shuffled(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        assert_eq!(chance.shuffled(0), Vec::<usize>::new());
    }
}
