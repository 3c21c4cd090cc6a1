//! Weights of a blend: none below 0, together 1, with the least squared error on rows out of fold.
//!
//! With weights w that add up to 1 the error of a blend is Σ w (p - y), so what is minimised is wᵀ E w, where E holds the
//! products of the parts' errors. Where only a set S of weights is above 0, the best of them are proportional to
//! the solution v of E_S v = 1 (Bates and Granger 1969). Parts are few, so all sets are tried: no iteration, no
//! starting point, the same bits everywhere.

/// More parts make too many sets.
pub(crate) const N_PARTS_MAX: usize = 12;

/// The best weights for the errors of parts, a list a part; equal weights if all are the same.
pub(crate) fn best(errors: &[&[f64]]) -> Vec<f64> {
    let products = products(errors);
    let n_parts = errors.len();
    let sets = 1..1_u32 << n_parts;
    let tried = sets.filter_map(|set| {
        let of: Vec<usize> = (0..n_parts).filter(|part| set >> part & 1 == 1).collect();
        weights_of(&products, &of)
    });
    let best = tried.min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or_else(|| equal(n_parts), |(weights, _)| weights)
}

/// The plain mean.
pub(crate) fn equal(n_parts: usize) -> Vec<f64> {
    vec![1.0 / n_parts as f64; n_parts]
}

/// What the blend says on each row.
pub(crate) fn blended(parts: &[&[f64]], weights: &[f64], rows: std::ops::Range<usize>) -> Vec<f64> {
    rows.map(|row| {
        let pairs = parts.iter().zip(weights);
        pairs.fold(0.0, |sum, (part, weight)| sum + weight * part[row])
    })
    .collect()
}

/// Sums of products of each two parts' errors.
fn products(errors: &[&[f64]]) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
    errors
        .iter()
        .map(|a| errors.iter().map(|b| dot(a, b)).collect())
        .collect()
}

/// The best weights if exactly these parts have some, with the squared error; none if one would be below 0.
fn weights_of(products: &[Vec<f64>], of: &[usize]) -> Option<(Vec<f64>, f64)> {
    let inner: Vec<Vec<f64>> = of
        .iter()
        .map(|&i| of.iter().map(|&j| products[i][j]).collect())
        .collect();
    let v = solve(inner)?;
    let total: f64 = v.iter().sum();
    if total.is_nan() || total <= 0.0 || v.iter().any(|&v| v < 0.0) {
        return None;
    }
    let mut weights = vec![0.0; products.len()];
    for (&part, v) in of.iter().zip(v) {
        weights[part] = v / total;
    }
    Some((weights, 1.0 / total))
}

/// Solves E v = 1 by elimination with the largest pivot of each column; none if E is as good as singular.
fn solve(mut e: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    /// Parts whose errors differ by less than this are one part.
    const SINGULAR: f64 = 1e-12;
    let n = e.len();
    let largest = e.iter().flatten().fold(0.0_f64, |max, x| max.max(x.abs()));
    let mut v = vec![1.0; n];
    for at in 0..n {
        let pivot = (at..n).max_by(|&a, &b| e[a][at].abs().total_cmp(&e[b][at].abs()))?;
        if e[pivot][at].abs() <= SINGULAR * largest {
            return None;
        }
        e.swap(at, pivot);
        v.swap(at, pivot);
        for below in at + 1..n {
            let factor = e[below][at] / e[at][at];
            let (above, rest) = e.split_at_mut(below);
            for (x, pivot) in rest[0].iter_mut().zip(&above[at]).skip(at) {
                *x -= factor * pivot;
            }
            v[below] -= factor * v[at];
        }
    }
    for at in (0..n).rev() {
        let known: f64 = (at + 1..n).map(|right| e[at][right] * v[right]).sum();
        v[at] = (v[at] - known) / e[at][at];
    }
    Some(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn independent_errors_weigh_by_the_inverse_of_their_variance() {
        let (a, b) = ([1.0, -1.0, 1.0, -1.0], [2.0, 2.0, -2.0, -2.0]);
        let weights = best(&[&a, &b]);
        assert!((weights[0] - 0.8).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn a_part_that_only_harms_has_no_weight_and_twins_share() {
        let (good, bad) = ([0.1, -0.1, 0.2], [5.0, -5.0, 10.0]);
        assert_eq!(best(&[&bad, &good]), [0.0, 1.0]);
        let weights = best(&[&good, &good]);
        assert_eq!(weights.iter().sum::<f64>(), 1.0);
        assert_eq!(best(&[&[0.0], &[0.0]]), [0.5, 0.5]);
    }

    proptest! {
        #[test]
        fn no_other_weights_are_better(
            errors in proptest::collection::vec(proptest::collection::vec(-10.0..10.0_f64, 12), 1..5),
            other in proptest::collection::vec(0.0..1.0_f64, 5),
        ) {
            let slices: Vec<&[f64]> = errors.iter().map(Vec::as_slice).collect();
            let squares = |weights: &[f64]| -> f64 {
                blended(&slices, weights, 0..12).iter().map(|e| e * e).sum()
            };
            let found = best(&slices);
            prop_assert!(found.iter().all(|w| 0.0 <= *w));
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let total: f64 = other[..slices.len()].iter().sum::<f64>() + 1e-9;
            let other: Vec<f64> = other[..slices.len()].iter().map(|w| (w + 1e-9 / slices.len() as f64) / total).collect();
            prop_assert!(squares(&found) <= squares(&other) * (1.0 + 1e-9) + 1e-9);
        }
    }
}
