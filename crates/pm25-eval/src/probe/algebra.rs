//! Correlations of a few columns, and what is left of them when the others are known.
//!
//! It is no linear algebra library: matrices here have as many rows as a table has columns.

/// Added to the diagonal of a correlation matrix, so that columns that say the same twice can be inverted.
const JITTER: f64 = 1e-6;

/// Columns in units of their own spread around their own mean; a missing value is the mean, a constant column is 0.
pub(super) fn standardised(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    columns.iter().map(|column| standard(column)).collect()
}

fn standard(column: &[f64]) -> Vec<f64> {
    let present = || column.iter().copied().filter(|value| value.is_finite());
    let n = present().count().max(1) as f64;
    let mean = present().sum::<f64>() / n;
    let squares: f64 = present().map(|value| (value - mean) * (value - mean)).sum();
    let spread = (squares / column.len().max(1) as f64).sqrt();
    let scaled = |value: &f64| {
        if value.is_finite() && 0.0 < spread {
            (value - mean) / spread
        } else {
            0.0
        }
    };
    column.iter().map(scaled).collect()
}

/// Correlation of every column with the last, given all the others; columns as [`standardised`] makes them. 0 where a
/// column is constant.
pub(super) fn partial_with_last(columns: &[Vec<f64>]) -> Vec<f64> {
    let n_rows = columns.first().map_or(0, Vec::len).max(1) as f64;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n_rows;
    let mut matrix = vec![vec![0.0; columns.len()]; columns.len()];
    for i in 0..columns.len() {
        for j in i..columns.len() {
            matrix[i][j] = product(&columns[i], &columns[j]);
            matrix[j][i] = matrix[i][j];
        }
        matrix[i][i] += JITTER;
    }
    let inverse = inverse(matrix);
    let last = columns.len() - 1;
    (0..last)
        .map(|i| -inverse[i][last] / (inverse[i][i] * inverse[last][last]).sqrt())
        .collect()
}

/// Of a symmetric positive matrix, by Gauss and Jordan without exchange of rows.
fn inverse(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = matrix.len();
    for pivot in 0..n {
        let by = 1.0 / matrix[pivot][pivot];
        matrix[pivot][pivot] = 1.0;
        matrix[pivot].iter_mut().for_each(|value| *value *= by);
        let line = matrix[pivot].clone();
        for (row, values) in matrix.iter_mut().enumerate() {
            if row != pivot {
                let factor = std::mem::take(&mut values[pivot]);
                for (value, other) in values.iter_mut().zip(&line) {
                    *value -= factor * other;
                }
            }
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes() {
        let matrix = vec![
            vec![4.0, 1.0, 0.5],
            vec![1.0, 3.0, 0.2],
            vec![0.5, 0.2, 2.0],
        ];
        let inverse = inverse(matrix.clone());
        for (i, line) in matrix.iter().enumerate() {
            for j in 0..3 {
                let sum: f64 = line
                    .iter()
                    .zip(&inverse)
                    .map(|(a, other)| a * other[j])
                    .sum();
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_another_column_says_is_not_said_twice() {
        // y = a + c; b is a with noise of its own, so given a it says nothing of y.
        let noise = |seed: usize| (0..500).map(move |i| ((i * seed) % 101) as f64 / 101.0);
        let a: Vec<f64> = noise(37).collect();
        let c: Vec<f64> = noise(59).collect();
        let b: Vec<f64> = a.iter().zip(noise(83)).map(|(a, e)| a + e).collect();
        let y: Vec<f64> = a.iter().zip(&c).map(|(a, c)| a + c).collect();
        let got = partial_with_last(&standardised(&[a, b, vec![f64::NAN; 500], y]));
        assert!(0.4 < got[0] && got[1].abs() < 0.1, "{got:?}");
        assert_eq!(got[2], 0.0);
    }
}
