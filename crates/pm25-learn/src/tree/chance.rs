//! Chance without a state: the n-th number of a stream is a hash of (seed, purpose, tree, n).
//!
//! Not a generator that is advanced: nobody can draw out of turn, so rows may be visited in any order and by any
//! number of threads, and every row still meets the same chance.

/// What a stream of numbers is for. Two purposes never share a number.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Which rows a tree sees.
    Rows = 1,
    /// Which columns a tree or a node may use.
    Columns = 2,
    /// Which way a gradient is rounded.
    Rounding = 3,
}

/// An endless sequence of independent numbers, each reachable at once.
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of one tree for one purpose.
    pub(crate) fn new(seed: u64, purpose: Purpose, tree_idx: usize) -> Self {
        let key = mix(mix(seed).wrapping_add(purpose as u64));
        Self {
            key: mix(key.wrapping_add(tree_idx as u64)),
        }
    }

    /// The stream of one child of whatever this stream belongs to.
    pub(crate) fn child(self, child_idx: u64) -> Self {
        Self {
            key: mix(self.key ^ mix(child_idx.wrapping_add(GOLDEN))),
        }
    }

    /// Number `n`: 64 even bits.
    #[inline(always)]
    pub(crate) fn bits(self, n: usize) -> u64 {
        mix(self.key.wrapping_add((n as u64).wrapping_mul(GOLDEN)))
    }

    /// Number `n` in four parts of 16 even bits.
    #[inline(always)]
    pub(crate) fn lanes(self, n: usize) -> [u16; 4] {
        let bits = self.bits(n);
        [0, 16, 32, 48].map(|shift| (bits >> shift) as u16)
    }

    /// Numbers from `n` on in four parts each of 16 even bits.
    #[inline(always)]
    pub(crate) fn fill<const N: usize>(self, n: usize, lanes: &mut [u16; N]) {
        for (n, lanes) in (n..).zip(lanes.as_chunks_mut::<4>().0) {
            *lanes = self.lanes(n);
        }
    }

    /// Number `n` as a fraction, for tests, 0 <= fraction < 1, on a grid of 2^-53.
    #[cfg(test)]
    pub(crate) fn fraction(self, n: usize) -> f64 {
        (self.bits(n) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Number `n` as a whole number below `limit`, by Lemire's multiplication; its bias is below `limit` / 2^64.
    pub(crate) fn below(self, n: usize, limit: usize) -> usize {
        ((u128::from(self.bits(n)) * limit as u128) >> 64) as usize
    }

    /// `n_chosen` different numbers of `0..n_all`, every choice and every order equally likely.
    pub(crate) fn choose(self, n_chosen: usize, n_all: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n_all).collect();
        for place in 0..n_chosen {
            all.swap(place, place + self.below(place, n_all - place));
        }
        all.truncate(n_chosen);
        all
    }
}

/// 2^64 divided by the golden ratio: steps of it fill 64 bits evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 (Steele, Lea and Flood 2014), with the step before it.
#[inline(always)]
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
        // First two outputs of SplitMix64 from seed 1234567, as published with its reference code.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(
            mix(1_234_567_u64.wrapping_add(GOLDEN)),
            3_203_168_211_198_807_973
        );
    }

    #[test]
    fn fractions_are_even() {
        let stream = Stream::new(7, Purpose::Rows, 3);
        let mut tenths = [0_u32; 10];
        for n in 0..100_000 {
            tenths[(stream.fraction(n) * 10.0) as usize] += 1;
        }
        // Five standard deviations of a count around 10,000 are 474.
        assert!(
            tenths
                .iter()
                .all(|&count| (9_526..=10_474).contains(&count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn purposes_trees_and_seeds_differ() {
        let first = |seed, purpose, tree| Stream::new(seed, purpose, tree).bits(0);
        let here = first(1, Purpose::Rows, 1);
        assert_ne!(here, first(2, Purpose::Rows, 1));
        assert_ne!(here, first(1, Purpose::Columns, 1));
        assert_ne!(here, first(1, Purpose::Rows, 2));
        assert_eq!(here, first(1, Purpose::Rows, 1));
    }

    #[test]
    fn children_differ_from_each_other_and_from_their_parent() {
        let parent = Stream::new(1, Purpose::Columns, 0);
        let (left, right) = (parent.child(0), parent.child(1));
        let grandchildren = [left.child(0), left.child(1), right.child(0), right.child(1)];
        let mut first: Vec<u64> = [parent, left, right]
            .iter()
            .chain(&grandchildren)
            .map(|stream| stream.bits(0))
            .collect();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 7);
    }

    #[test]
    fn chosen_numbers_are_different_and_every_one_has_its_turn() {
        let mut seen = [0_u32; 7];
        for tree in 0..700 {
            let mut chosen = Stream::new(1, Purpose::Columns, tree).choose(3, 7);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 3);
            chosen.iter().for_each(|&idx| seen[idx] += 1);
        }
        assert!(
            seen.iter().all(|&count| (230..=370).contains(&count)),
            "{seen:?}"
        );
    }
}
