//! The two channels of one low-cost instrument disagree.
//!
//! Not a correction; which of the two is right is unknown.

/// Barkjohn et al. 2021 (doi 10.5194/amt-14-4617-2021) and the EPA's sensortoolkit: invalid where the channels
/// differ by more than 5 µg/m³ and by more than 70 % of their mean.
const APART_UG_M3: f32 = 5.0;
const APART_SHARE: f32 = 0.70;

/// The hours in which the channels disagree, or only one of them reports.
pub fn hours(a: &[f32], b: &[f32]) -> Vec<u32> {
    (0_u32..)
        .zip(a.iter().zip(b))
        .filter(|(_, (a, b))| disagree(**a, **b))
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

fn disagree(a: f32, b: f32) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() != b.is_nan();
    }
    let apart = (a - b).abs();
    APART_UG_M3 < apart && APART_SHARE * (a + b) < 2.0 * apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conditions_are_needed() {
        let a = [10.0, 10.0, 1.0, 100.0, 3.0, f32::NAN, 4.0, 2.0];
        let b = [12.0, 22.0, 6.0, 140.0, 9.1, f32::NAN, f32::NAN, 6.9];
        // 6.0 - 1.0 is exactly 5; 140 against 100 is a third of the mean.
        assert_eq!(hours(&a, &b), [1, 4, 6]);
    }
}
