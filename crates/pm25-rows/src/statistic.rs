//! What a column's values are like. Sums run in the order of the rows, so any number of threads gives the same bits.

use pm25_artifact::prep::Statistic;

/// Mean, standard deviation (over the values, two passes), smallest and largest; NaN counts as missing.
pub fn statistic(column: &[f32]) -> Statistic {
    let values = || {
        column
            .iter()
            .filter(|value| !value.is_nan())
            .map(|&value| f64::from(value))
    };
    let present = values().count();
    let missing = column.len() - present;
    let mut statistic = Statistic {
        mean: None,
        std: None,
        min: None,
        max: None,
        present: present as u64,
        missing: missing as u64,
    };
    if present == 0 {
        return statistic;
    }
    let mean = values().sum::<f64>() / present as f64;
    let squares: f64 = values().map(|value| (value - mean) * (value - mean)).sum();
    statistic.mean = Some(mean);
    statistic.std = Some((squares / present as f64).sqrt());
    statistic.min = values().reduce(f64::min);
    statistic.max = values().reduce(f64::max);
    statistic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_column() {
        let known = statistic(&[1.0, f32::NAN, 3.0, 5.0, 7.0]);
        assert_eq!(known.mean, Some(4.0));
        assert_eq!(known.std, Some(5.0_f64.sqrt()));
        assert_eq!((known.min, known.max), (Some(1.0), Some(7.0)));
        assert_eq!((known.present, known.missing), (4, 1));
    }

    #[test]
    fn a_column_without_values() {
        let known = statistic(&[f32::NAN; 3]);
        assert_eq!(
            (known.mean, known.std, known.present, known.missing),
            (None, None, 0, 3)
        );
    }
}
