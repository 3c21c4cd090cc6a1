//! Which values a column is given.
//!
//! Evenly spaced between its 1st and 99th percentile, so that a picture is not spent on the one storm of the record; all
//! of them where there are few, as of hours and months.

/// Share of the rows beyond each end.
const BEYOND: f64 = 0.01;

/// At most `points` rising values; none of a column without values.
pub(crate) fn values(column: &[f32], points: usize) -> Vec<f32> {
    let sorted = sorted(column);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= points {
        return distinct;
    }
    let (from, to) = (quantile(&sorted, BEYOND), quantile(&sorted, 1.0 - BEYOND));
    let step = (f64::from(to) - f64::from(from)) / (points - 1) as f64;
    let mut values: Vec<f32> = (0..points)
        .map(|point| (f64::from(from) + step * point as f64) as f32)
        .collect();
    values.dedup();
    values
}

/// The nine values that part the rows into tenths; fewer of a column without values.
pub(crate) fn deciles(column: &[f32]) -> Vec<f64> {
    let sorted = sorted(column);
    let tenths = (1..10).filter(|_| !sorted.is_empty());
    tenths
        .map(|tenth| f64::from(quantile(&sorted, f64::from(tenth) / 10.0)))
        .collect()
}

fn sorted(column: &[f32]) -> Vec<f32> {
    let mut sorted: Vec<f32> = column
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted
}

fn quantile(sorted: &[f32], share: f64) -> f32 {
    sorted[(share * (sorted.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_all_taken_and_many_are_evenly_spaced() {
        assert_eq!(values(&[3.0, 1.0, f32::NAN, 1.0, 2.0], 5), [1.0, 2.0, 3.0]);
        let many: Vec<f32> = (0..=1000).map(|i| i as f32).collect();
        assert_eq!(values(&many, 5), [10.0, 255.0, 500.0, 745.0, 990.0]);
        // Nine in ten are 0: the ends may fall together, and then there is nothing to vary.
        let calm: Vec<f32> = (0..1000)
            .map(|i| if i < 995 { 0.0 } else { i as f32 })
            .collect();
        assert_eq!(values(&calm, 5), [0.0]);
        assert!(values(&[f32::NAN, f32::INFINITY], 5).is_empty());
        assert_eq!(deciles(&many)[4], 500.0);
        assert!(deciles(&[]).is_empty());
    }
}
