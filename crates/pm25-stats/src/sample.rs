//! A column of numbers, sorted once, with its missing values counted: what every distance here starts from.
//!
//! It is not a table column: it keeps no row order and no name.

/// Sorted finite values and the number of missing ones (NaN or infinite).
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    sorted: Vec<f64>,
    missing: u64,
}

impl Sample {
    /// Sorts a column of `f64`.
    #[must_use]
    pub fn of_f64(values: &[f64]) -> Self {
        // Adding zero turns -0.0 into 0.0: they are the same value and must not be two steps of a distribution.
        let mut sorted: Vec<f64> = values
            .iter()
            .filter(|v| v.is_finite())
            .map(|v| v + 0.0)
            .collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let missing = (values.len() - sorted.len()) as u64;
        Self { sorted, missing }
    }

    /// Sorts a column of `f32`, as tables hold them; each value is taken exactly.
    #[must_use]
    pub fn of_f32(values: &[f32]) -> Self {
        let mut keys: Vec<u32> = values
            .iter()
            .filter(|v| v.is_finite())
            .map(|v| ordered(v + 0.0))
            .collect();
        keys.sort_unstable();
        let missing = (values.len() - keys.len()) as u64;
        Self {
            sorted: keys
                .into_iter()
                .map(|key| f64::from(unordered(key)))
                .collect(),
            missing,
        }
    }

    /// The present values, ascending.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Number of present values.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// Number of missing values.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// All values, present or missing.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.present() + self.missing
    }

    /// How many values are `<= x`.
    #[must_use]
    pub fn at_most(&self, x: f64) -> u64 {
        self.sorted.partition_point(|v| *v <= x) as u64
    }

    /// How many values are `< x`.
    #[must_use]
    pub fn below(&self, x: f64) -> u64 {
        self.sorted.partition_point(|v| *v < x) as u64
    }

    /// The smallest value that at least `numerator / denominator` of the present values do not exceed (the inverse of
    /// the empirical distribution; always a value that occurs). `None` where nothing is present.
    #[must_use]
    pub fn quantile(&self, numerator: u64, denominator: u64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let rank = (u128::from(numerator) * self.sorted.len() as u128)
            .div_ceil(u128::from(denominator.max(1)));
        let position = usize::try_from(rank)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        Some(self.sorted[position.min(last)])
    }

    /// Mean of the present values, summed in ascending order.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.sorted.is_empty())
            .then(|| self.sorted.iter().sum::<f64>() / self.sorted.len() as f64)
    }

    /// Population standard deviation of the present values; exactly 0 where they are all equal.
    #[must_use]
    pub fn std(&self) -> Option<f64> {
        let (mean, first, last) = (self.mean()?, self.sorted.first()?, self.sorted.last()?);
        if first == last {
            return Some(0.0);
        }
        let squares: f64 = self.sorted.iter().map(|v| (v - mean) * (v - mean)).sum();
        Some((squares / self.sorted.len() as f64).sqrt())
    }
}

/// A key whose order as an integer is the order of the float: sorting integers is about twice as fast.
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 0x8000_0000
    } else {
        !bits
    }
}

fn unordered(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 {
        key & 0x7fff_ffff
    } else {
        !key
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_values_that_occur() {
        let s = Sample::of_f64(&[4.0, 1.0, 3.0, 2.0, f64::NAN]);
        assert_eq!((s.present(), s.missing(), s.rows()), (4, 1, 5));
        let quartiles: Vec<_> = (0..=4).map(|k| s.quantile(k, 4).unwrap()).collect();
        assert_eq!(quartiles, [1.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(s.quantile(26, 100), Some(2.0));
    }

    #[test]
    fn nothing_present_has_no_statistics() {
        let s = Sample::of_f32(&[f32::NAN, f32::INFINITY]);
        assert_eq!(
            (s.missing(), s.quantile(1, 2), s.mean(), s.std()),
            (2, None, None, None)
        );
    }

    #[test]
    fn equal_values_have_no_spread_at_all() {
        assert_eq!(Sample::of_f64(&[0.1; 7]).std(), Some(0.0));
        assert_eq!(Sample::of_f64(&[1.0, 3.0]).std(), Some(1.0));
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(
            Sample::of_f32(&[0.0, -0.0])
                .sorted()
                .iter()
                .map(|v| v.to_bits())
                .collect::<Vec<_>>(),
            [0, 0]
        );
        assert_eq!(Sample::of_f64(&[-0.0]).sorted()[0].to_bits(), 0);
    }

    proptest! {
        #[test]
        fn both_ways_of_sorting_agree(values in proptest::collection::vec(proptest::num::f32::ANY, 0..200)) {
            let wide: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
            prop_assert_eq!(Sample::of_f32(&values), Sample::of_f64(&wide));
        }

        #[test]
        fn counting_agrees_with_a_scan(values in proptest::collection::vec(0..20i32, 1..80), x in 0..20i32) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (s, x) = (Sample::of_f64(&values), f64::from(x));
            prop_assert_eq!(s.at_most(x), values.iter().filter(|v| **v <= x).count() as u64);
            prop_assert_eq!(s.below(x), values.iter().filter(|v| **v < x).count() as u64);
        }
    }
}
