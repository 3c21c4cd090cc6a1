//! Block bootstrap over time: how far a score would move with other weather, of the kind there was.
//!
//! Hours next to each other, and stations in the same hour, share their weather; rows drawn one by one would pretend
//! that they do not. So whole stretches of time are drawn, with all stations in them:
//!
//! ```text
//! hours    0 1 2 3 4 5 6 7 8 9 …     sums over all stations per hour, one column per term of a score
//! draw     [3 4 5 6][8 9 0 1][2 …     blocks start anywhere and go round the end (circular), cut to the same length
//! score    of the summed terms
//! ```
//!
//! Circular block bootstrap: Politis and Romano (1992); percentile interval: Efron and Tibshirani (1993), chapter 13.
//! It is not a test of hypotheses, and it knows nothing of scores but that they are functions of sums.

use crate::chance::Chance;

/// Fewer whole blocks than this have no interval: their percentiles would tell of a handful of weeks.
pub const BLOCKS_MIN: usize = 5;

/// Replicates without a value (no event in the drawn weeks) beyond this share leave no interval.
const UNDEFINED_SHARE_MAX: f64 = 0.05;

/// Shortest block: a week, which spans a synoptic episode of a few days, and twice the horizon, over which errors of
/// forecasts overlap.
#[must_use]
pub fn block_h(horizon_h: u16) -> usize {
    (7 * 24).max(2 * usize::from(horizon_h))
}

/// How to draw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockPlan {
    /// Hours of a block, at least 1.
    pub block_h: usize,
    /// How many times the record is drawn anew.
    pub replicates: usize,
    /// Another seed draws other blocks.
    pub seed: u64,
}

/// Terms of scores, summed over all rows of each hour of a record without holes.
#[derive(Clone, Debug)]
pub struct HourlySums {
    n_columns: usize,
    /// Row-major: hour, then column.
    sums: Vec<f64>,
}

impl HourlySums {
    /// Zeros.
    #[must_use]
    pub fn new(n_hours: usize, n_columns: usize) -> Self {
        Self {
            n_columns,
            sums: vec![0.0; n_hours * n_columns],
        }
    }

    /// Adds to one term of one hour.
    ///
    /// # Panics
    /// If there is no such hour or column.
    pub fn add(&mut self, hour: usize, column: usize, value: f64) {
        assert!(column < self.n_columns, "one of the columns");
        self.sums[hour * self.n_columns + column] += value;
    }

    /// Hours of the record.
    #[must_use]
    pub fn n_hours(&self) -> usize {
        self.sums.len().checked_div(self.n_columns).unwrap_or(0)
    }

    /// Terms of the whole record.
    #[must_use]
    pub fn total(&self) -> Vec<f64> {
        self.prefix(self.n_hours())[self.n_hours() * self.n_columns..].to_vec()
    }

    /// The middle `level` of a score over the replicates, 0 < level < 1: of n values the k-th smallest and the k-th
    /// largest, k = n (1 - level) / 2 rounded, at least 1. `None` where the record has fewer than
    /// [`BLOCKS_MIN`] blocks or the score is undefined in more than a twentieth of the replicates.
    #[must_use]
    pub fn interval(
        &self,
        plan: &BlockPlan,
        level: f64,
        score: impl Fn(&[f64]) -> Option<f64>,
    ) -> Option<[f64; 2]> {
        let mut values: Vec<f64> = self
            .replicates(plan)?
            .iter()
            .filter_map(|sums| score(sums).filter(|value| value.is_finite()))
            .collect();
        if ((1.0 - UNDEFINED_SHARE_MAX) * plan.replicates as f64) > values.len() as f64 {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let outside = (1.0 - level) / 2.0 * values.len() as f64;
        let from_end = (outside.round() as usize).max(1);
        let low = *values.get(from_end - 1)?;
        let high = *values.get(values.len() - from_end)?;
        Some([low, high])
    }

    /// The summed terms of each replicate; `None` where there are too few blocks.
    #[must_use]
    pub fn replicates(&self, plan: &BlockPlan) -> Option<Vec<Vec<f64>>> {
        let n_hours = self.n_hours();
        if plan.block_h == 0 || n_hours / plan.block_h < BLOCKS_MIN {
            return None;
        }
        let prefix = self.prefix(n_hours + plan.block_h);
        let n_blocks = n_hours.div_ceil(plan.block_h);
        let chance = Chance::new(plan.seed);
        let draw = |replicate: usize| {
            let mut sums = vec![0.0; self.n_columns];
            for block in 0..n_blocks {
                let start = chance.below(replicate * n_blocks + block, n_hours);
                let end = start + plan.block_h.min(n_hours - block * plan.block_h);
                for (column, sum) in sums.iter_mut().enumerate() {
                    let at = |hour: usize| prefix[hour * self.n_columns + column];
                    *sum += at(end) - at(start);
                }
            }
            sums
        };
        Some((0..plan.replicates).map(draw).collect())
    }

    /// Sums of the first 0, 1, 2, … hours, going round the end.
    fn prefix(&self, n_hours: usize) -> Vec<f64> {
        let mut prefix = vec![0.0; (n_hours + 1) * self.n_columns];
        for place in 0..n_hours * self.n_columns {
            prefix[place + self.n_columns] = prefix[place] + self.sums[place % self.sums.len()];
        }
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAN: BlockPlan = BlockPlan {
        block_h: 4,
        replicates: 500,
        seed: 1,
    };

    fn filled(n_hours: usize, value: impl Fn(usize) -> f64) -> HourlySums {
        let mut sums = HourlySums::new(n_hours, 2);
        for hour in 0..n_hours {
            sums.add(hour, 0, value(hour));
            sums.add(hour, 1, 1.0);
        }
        sums
    }

    fn mean(sums: &[f64]) -> Option<f64> {
        (0.0 < sums[1]).then(|| sums[0] / sums[1])
    }

    #[test]
    fn blocks_are_a_week_or_twice_the_horizon() {
        assert_eq!([0, 1, 72, 84, 100].map(block_h), [168, 168, 168, 168, 200]);
    }

    #[test]
    fn draws_are_what_a_slow_loop_draws() {
        let sums = filled(22, |hour| (hour * hour) as f64);
        let chance = Chance::new(PLAN.seed);
        for (replicate, got) in sums.replicates(&PLAN).unwrap().iter().enumerate() {
            let mut hours = Vec::new();
            for block in 0..6 {
                let start = chance.below(replicate * 6 + block, 22);
                hours.extend((start..start + 4).map(|hour| hour % 22));
            }
            hours.truncate(22);
            let expected: f64 = hours.iter().map(|hour| (hour * hour) as f64).sum();
            assert_eq!(got, &[expected, 22.0]);
        }
    }

    #[test]
    fn a_constant_has_no_spread_and_the_middle_holds_the_truth() {
        assert_eq!(
            filled(40, |_| 3.0).interval(&PLAN, 0.95, mean),
            Some([3.0, 3.0])
        );
        let [low, high] = filled(400, |hour| (hour % 7) as f64)
            .interval(&PLAN, 0.95, mean)
            .unwrap();
        assert!(low < 3.0 && 3.0 < high && high - low < 0.6, "{low} {high}");
    }

    #[test]
    fn episodes_make_wider_intervals_than_the_same_hours_mixed() {
        let episodes = filled(2000, |hour| f64::from(u8::from(hour / 40 % 2 == 0)));
        let mixed = filled(2000, |hour| f64::from(u8::from(hour % 2 == 0)));
        let plan = BlockPlan {
            block_h: 40,
            ..PLAN
        };
        let width = |sums: &HourlySums| {
            let [low, high] = sums.interval(&plan, 0.95, mean).unwrap();
            high - low
        };
        assert!(5.0 * width(&mixed) < width(&episodes));
    }

    #[test]
    fn few_blocks_or_undefined_scores_have_no_interval() {
        assert_eq!(filled(19, |_| 1.0).interval(&PLAN, 0.95, mean), None);
        assert!(filled(20, |_| 1.0).interval(&PLAN, 0.95, mean).is_some());
        let rare = filled(40, |hour| f64::from(u8::from(hour == 3)));
        let of_events = |sums: &[f64]| (0.0 < sums[0]).then_some(1.0);
        assert_eq!(rare.interval(&PLAN, 0.95, of_events), None);
    }

    #[test]
    fn independent_hours_have_the_interval_of_the_normal_law() {
        let chance = Chance::new(99);
        let noise = filled(4000, |hour| chance.below(hour, 1_000_001) as f64 / 1e6);
        let plan = BlockPlan {
            block_h: 4,
            replicates: 4000,
            seed: 5,
        };
        let [low, high] = noise.interval(&plan, 0.95, mean).unwrap();
        // Standard error of a mean of 4000 even numbers: sqrt(1 / 12 / 4000).
        let expected = 2.0 * 1.96 * (1.0f64 / 12.0 / 4000.0).sqrt();
        assert!(((high - low) / expected - 1.0).abs() < 0.1, "{low} {high}");
    }

    proptest! {
        #[test]
        fn every_hour_is_drawn_equally_often_on_average(seed in 0..1000u64) {
            let plan = BlockPlan { seed, ..PLAN };
            let sums = filled(20, |hour| f64::from(u8::from(hour == 0)));
            let drawn: f64 = sums.replicates(&plan).unwrap().iter().map(|sums| sums[0]).sum();
            // 500 draws of a count with mean 1 and variance near 5 / 4 of a block's: five deviations.
            prop_assert!((drawn / 500.0 - 1.0).abs() < 0.3);
        }
    }
}
