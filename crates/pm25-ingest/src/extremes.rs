//! How many numbers a column has, the smallest and the largest.
//!
//! Not a judgement of them.

/// Of the finite numbers of a column.
#[derive(Debug, PartialEq)]
pub(crate) struct Extremes {
    pub(crate) n: u64,
    /// Infinity where there is no number.
    pub(crate) min: f32,
    /// Minus infinity where there is no number.
    pub(crate) max: f32,
}

/// Numbers that are looked at together.
const LANES: usize = 8;

impl Extremes {
    /// Looks at several numbers at once, and so has no branches.
    pub(crate) fn of(values: &[f32]) -> Self {
        let (lanes, rest) = values.as_chunks::<LANES>();
        let mut last = [f32::NAN; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let mut n = [0_u32; LANES];
        let (mut mins, mut maxs) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for some in lanes.iter().chain([&last]) {
            for lane in 0..LANES {
                let value = some[lane];
                let is_finite = value.abs() < f32::INFINITY;
                n[lane] = n[lane].wrapping_add(u32::from(is_finite));
                let low = if is_finite { value } else { f32::INFINITY };
                let high = if is_finite { value } else { f32::NEG_INFINITY };
                mins[lane] = if low < mins[lane] { low } else { mins[lane] };
                maxs[lane] = if maxs[lane] < high { high } else { maxs[lane] };
            }
        }
        Self {
            n: n.into_iter().map(u64::from).sum(),
            min: mins.into_iter().fold(f32::INFINITY, f32::min),
            max: maxs.into_iter().fold(f32::NEG_INFINITY, f32::max),
        }
    }

    /// Further numbers of the same column.
    pub(crate) fn append(&mut self, more: &Self) {
        self.n += more.n;
        self.min = self.min.min(more.min);
        self.max = self.max.max(more.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_those_of_a_plain_pass(mut values in prop::collection::vec(-50.0_f32..900.0, 0..60), holes in 0_usize..20) {
            for (at, hole) in (0..holes).zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle()) {
                if let Some(value) = values.get_mut(7 * at % 61) {
                    *value = hole;
                }
            }
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let plain = Extremes {
                n: finite().count() as u64,
                min: finite().fold(f32::INFINITY, f32::min),
                max: finite().fold(f32::NEG_INFINITY, f32::max),
            };
            prop_assert_eq!(&Extremes::of(&values), &plain);
            let (front, back) = values.split_at(values.len() / 3);
            let mut joined = Extremes::of(front);
            joined.append(&Extremes::of(back));
            prop_assert_eq!(joined, plain);
        }
    }
}
