//! Readings counted by value without sorting them, where all are whole hundredths, as most instruments write them.
//!
//! Not a rounding: one reading that is no hundredth, is negative or too large, and there are no counts.
//!
//! ```text
//! readings   0.02  0.05  0.02  ·           · = missing
//! counts     0  0  2  0  0  1              by hundredths
//! ```

/// The first value that is too large to count: 1310.72.
const END: i32 = 1 << 17;
/// Values that are looked at together.
const LANES: usize = 8;

/// How often each hundredth occurs.
#[derive(Clone, Debug)]
pub struct Hundredths {
    counts: Vec<u32>,
    n: usize,
}

impl Hundredths {
    /// Of readings (NaN = missing); nothing if they cannot be counted.
    pub fn of(readings: &[f32]) -> Option<Self> {
        let mut counts = vec![0; span(readings)?];
        let mut n = 0;
        for &reading in readings.iter().filter(|reading| !reading.is_nan()) {
            counts[position(reading)] += 1;
            n += 1;
        }
        Some(Self { counts, n })
    }

    /// How many readings there are.
    pub const fn n(&self) -> usize {
        self.n
    }

    /// How many of them are zero.
    pub fn n_zero(&self) -> usize {
        self.counts.first().map_or(0, |&n| n as usize)
    }

    /// Takes back a reading that was counted.
    pub fn forget(&mut self, reading: f32) {
        if let Some(count) = self.counts.get_mut(position(reading)) {
            *count -= 1;
            self.n -= 1;
        }
    }

    /// The reading at a rank from 0; nothing behind the last.
    pub fn at_rank(&self, rank: usize) -> Option<f32> {
        if self.n <= rank {
            return None;
        }
        // From the nearer end.
        if rank < self.n / 2 {
            let mut before = 0;
            let found = self.counts.iter().position(|&count| {
                before += count as usize;
                rank < before
            });
            return found.map(value);
        }
        let mut not_above = self.n;
        let found = self.counts.iter().rposition(|&count| {
            not_above -= count as usize;
            not_above <= rank
        });
        found.map(value)
    }
}

/// The hundredth at a position.
pub(crate) const fn value(position: usize) -> f32 {
    position as f32 / 100.0
}

/// Where a hundredth stands.
pub(crate) const fn position(hundredth: f32) -> usize {
    nearest(hundredth) as usize
}

/// The nearest number of hundredths, of positive numbers.
const fn nearest(reading: f32) -> i32 {
    (reading * 100.0 + 0.5) as i32
}

/// How many positions the readings need; nothing if one of them is no hundredth from 0 to 1310.71.
pub(crate) fn span(readings: &[f32]) -> Option<usize> {
    // Side by side and without branches, so that the machine looks at several at once.
    let (lanes, rest) = readings.as_chunks::<LANES>();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    let mut largest = [0_i32; LANES];
    let mut misfits = [0_u32; LANES];
    for some in lanes.iter().chain([&last]) {
        for lane in 0..LANES {
            let near = nearest(some[lane]);
            // Missing readings become 0, which is a hundredth.
            let present = if some[lane].is_nan() { 0.0 } else { some[lane] };
            misfits[lane] |= (near as f32 / 100.0).to_bits() ^ present.to_bits();
            largest[lane] = largest[lane].max(near);
        }
    }
    let largest = largest.into_iter().max().unwrap_or(0);
    let fits = misfits == [0; LANES] && largest < END;
    fits.then_some(largest as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hundredth_has_its_place() {
        for hundredths in 0..END as usize {
            let reading = value(hundredths);
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), reading.to_bits());
            assert_eq!(position(reading), hundredths);
            assert_eq!(span(&[reading]), Some(hundredths + 1));
        }
    }

    #[test]
    fn ranks_are_those_of_sorted_readings() {
        let mut readings: Vec<f32> = (0..5_000)
            .map(|i| ((i * 7_919) % 3_001) as f32 / 100.0)
            .collect();
        readings[77] = f32::NAN;
        let mut counted = Hundredths::of(&readings).unwrap();
        let gone = readings.split_off(4_900);
        gone.iter().for_each(|&reading| counted.forget(reading));
        readings.retain(|reading| !reading.is_nan());
        readings.sort_by(f32::total_cmp);
        assert_eq!(counted.n(), readings.len());
        for (rank, &reading) in readings.iter().enumerate() {
            assert_eq!(counted.at_rank(rank), Some(reading));
        }
        assert_eq!(counted.at_rank(readings.len()), None);
        assert_eq!(
            counted.n_zero(),
            readings.iter().filter(|r| **r == 0.0).count()
        );
    }

    #[test]
    fn what_is_no_hundredth_is_not_counted() {
        for other in [
            0.001,
            12.345,
            -0.01,
            -0.0,
            1_310.72,
            1e30,
            f32::INFINITY,
            -f32::INFINITY,
        ] {
            for at in [0, 3, 8, 12] {
                let mut readings = vec![0.25; 13];
                assert!(Hundredths::of(&readings).is_some());
                readings[at] = other;
                assert!(Hundredths::of(&readings).is_none(), "{other}");
            }
        }
        assert_eq!(Hundredths::of(&[]).unwrap().at_rank(0), None);
        assert_eq!(Hundredths::of(&[f32::NAN; 9]).unwrap().n(), 0);
    }
}
