//! Codes of a saturated instrument: one number again and again at the very top of a column.
//!
//! Not a bound: a single 985 µg/m³ is smoke, and smoke above 1,000 is real. Only the pile-up gives a code away.

/// Numbers that instruments and networks stop at. 985, 999.99 and 1000 are CPCB's (529, 47 and 7 hours over 278
/// stations), 999.9 and 1999.9 the SDS011's (its data sheet), 1985 and 9985 seen in AirNow and OpenAQ.
pub(crate) const CEILINGS: [f32; 9] = [
    985.0, 995.0, 999.0, 999.9, 999.99, 1000.0, 1985.0, 1999.9, 9985.0,
];
/// So often the same number at the top is no weather.
const PILE_MIN: usize = 5;

/// The codes of a column of raw numbers: known ceilings that pile up with nothing but other ceilings above them.
pub(crate) fn pile_ups(values: &[f32]) -> Vec<f32> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    if !finite().any(|value| CEILINGS.contains(&value)) {
        return Vec::new();
    }
    let top = finite()
        .filter(|value| !CEILINGS.contains(value))
        .fold(f32::NEG_INFINITY, f32::max);
    let piles_up = |ceiling: &f32| PILE_MIN <= finite().filter(|value| value == ceiling).count();
    CEILINGS
        .into_iter()
        .filter(|ceiling| top < *ceiling)
        .filter(piles_up)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pile_at_the_top_is_a_code_and_a_single_peak_is_weather() {
        let mut values = vec![12.0, 400.0, f32::NAN, f32::INFINITY];
        values.extend([985.0; 5]);
        assert_eq!(pile_ups(&values), [985.0]);
        assert!(pile_ups(&values[..8]).is_empty());
        values.push(1_240.0);
        assert!(
            pile_ups(&values).is_empty(),
            "readings above it show that it is no ceiling"
        );
    }

    #[test]
    fn two_codes_may_stand_above_each_other() {
        let mut values = vec![5.0];
        values.extend([985.0; 6]);
        values.extend([999.99; 7]);
        assert_eq!(pile_ups(&values), [985.0, 999.99]);
    }
}
