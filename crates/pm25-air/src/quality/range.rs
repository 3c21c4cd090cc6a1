//! Outside what the instruments of a network report.
//!
//! Not the impossible, which is flagged while reading and removes a target; what this rule marks may be real.

use crate::Quantity;
use crate::quality::Profile;

/// The hours whose value lies outside the profile's range; none where the profile has none.
pub fn hours(values: &[f32], quantity: Quantity, profile: Profile) -> Vec<u32> {
    let Some(range) = profile.range(quantity) else {
        return Vec::new();
    };
    let outside = |value: f32| !value.is_nan() && !range.contains(&value);
    (0_u32..)
        .zip(values)
        .filter(|(_, value)| outside(**value))
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoke_is_plausible_in_america_and_not_elsewhere() {
        // 1847 µg/m³ was measured in the smoke of the Camp Fire, 2018.
        let values = [-11.0, -9.9, 0.0, 985.0, 1_000.5, 1_847.0, f32::NAN];
        let of = |profile| hours(&values, Quantity::Pm25, profile);
        assert_eq!(of(Profile::Us), [0]);
        assert_eq!(of(Profile::Eu), [0, 4, 5]);
        assert_eq!(of(Profile::In), [0, 4, 5]);
        assert_eq!(of(Profile::Cn), [0, 4, 5]);
        assert!(of(Profile::None).is_empty());
    }

    #[test]
    fn gases_have_the_range_of_reference_analysers() {
        let co = [0.3, 57.0, 59.0];
        assert_eq!(hours(&co, Quantity::Co, Profile::Cn), [2]);
        assert!(hours(&co, Quantity::Co, Profile::None).is_empty());
        assert!(hours(&[-60.0], Quantity::Temp, Profile::Us).is_empty());
    }
}
