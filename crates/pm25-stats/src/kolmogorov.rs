//! The distribution of the one-sample Kolmogorov-Smirnov statistic: the probability that D of n points exceeds d.
//!
//! It is not the statistic itself (see `ks`). The choice of method follows Simard & L'Ecuyer, "Computing the two-sided
//! Kolmogorov-Smirnov distribution", J. Stat. Softw. 39(11), 2011, with the limits that SciPy uses, so that both give
//! the same number:
//!
//! ```text
//!  n d^2   0.......................2.2 (n > 140) or 4 (n <= 140)...............370
//!          exact matrix power, or               twice the one-sided            0
//!          the Pelz-Good series for n > 140     probability (Smirnov)
//! ```

use std::f64::consts::PI;

/// Up to here the exact methods are used wherever the one-sided one is not yet precise (Simard & L'Ecuyer, figure 2).
const N_SMALL: u64 = 140;
/// Above this n the matrix power is slower than it is worth (SciPy's limit).
const N_MATRIX_MAX: u64 = 100_000;
/// The matrix method is used for n d^1.5 up to this (Simard & L'Ecuyer, figure 2).
const MATRIX_REACH: f64 = 1.4;
/// Above this n the one-sided sum gives way to its limit (as in SciPy; it then holds to 1e-7).
const N_SMIRNOV_SUM_MAX: u64 = 1_000_000;
/// Where n d^2 is larger, the probability is below 1e-300.
const NO_CHANCE: f64 = 370.0;

/// P(D_n > d) for a sample of `n` from a continuous distribution. In `0..=1`.
pub(crate) fn survival(n: u64, d: f64) -> f64 {
    let nf = n as f64;
    let t = nf * d;
    if n == 0 || t <= 0.5 {
        return 1.0;
    }
    if 1.0 <= d {
        return 0.0;
    }
    if t <= 1.0 {
        return 1.0 - smallest_distances(n, t);
    }
    if nf - 1.0 <= t {
        return 2.0 * libm::pow(1.0 - d, nf);
    }
    let spread = t * d;
    let tail_from = if n <= N_SMALL { 4.0 } else { 2.2 };
    let p = if NO_CHANCE <= spread && N_SMALL < n {
        0.0
    } else if 0.5 <= d || tail_from <= spread {
        2.0 * one_sided(n, d)
    } else if n <= N_SMALL || (n <= N_MATRIX_MAX && nf * d * d.sqrt() <= MATRIX_REACH) {
        1.0 - matrix_power(n, d)
    } else {
        1.0 - pelz_good(nf, d)
    };
    p.clamp(0.0, 1.0)
}

/// P(D_n <= d) for 1/2 <= t = n d <= 1: n! ((2t - 1) / n)^n (Ruben & Gambino).
fn smallest_distances(n: u64, t: f64) -> f64 {
    let step = (2.0 * t - 1.0) / n as f64;
    let mut product = 1.0;
    for i in 1..=n {
        product *= i as f64 * step;
        if product < f64::MIN_POSITIVE {
            return 0.0;
        }
    }
    product
}

/// P(D_n <= d), exactly: one entry of the n-th power of a matrix of order 2 ceil(n d) - 1, times n!/n^n (Durbin 1968;
/// Marsaglia, Tsang & Wang, "Evaluating Kolmogorov's distribution", J. Stat. Softw. 8(18), 2003).
fn matrix_power(n: u64, d: f64) -> f64 {
    let t = n as f64 * d;
    let k = t.ceil();
    let h = k - t;
    let order = 2 * k as usize - 1;
    let power = durbin_matrix(order, h).to_the(n);
    let middle = k as usize - 1;
    let mut p = Scaled {
        mantissa: power.matrix.at(middle, middle),
        exponent: power.exponent,
    };
    for i in 1..=n {
        p = Scaled {
            mantissa: p.mantissa * i as f64 / n as f64,
            ..p
        }
        .normal();
    }
    libm::ldexp(p.mantissa, p.exponent)
}

/// The matrix H of the paper: 1/(i-j+1)! on and below the superdiagonal; first column and last row lose powers of h.
fn durbin_matrix(order: usize, h: f64) -> ScaledMatrix {
    let mut factorial = vec![1.0; order + 1];
    let mut h_power = vec![1.0; order + 1];
    for i in 1..=order {
        factorial[i] = factorial[i - 1] * i as f64;
        h_power[i] = h_power[i - 1] * h;
    }
    let mut cells = vec![0.0; order * order];
    for row in 0..order {
        for column in 0..order.min(row + 2) {
            cells[row * order + column] = 1.0 / factorial[row + 1 - column];
        }
    }
    for i in 0..order {
        cells[i * order] -= h_power[i + 1] / factorial[i + 1];
        cells[(order - 1) * order + i] -= h_power[order - i] / factorial[order - i];
    }
    let overlap = (2.0 * h - 1.0).max(0.0);
    let overlap_power = (0..order).fold(1.0, |power, _| power * overlap);
    cells[(order - 1) * order] += overlap_power / factorial[order];
    ScaledMatrix {
        matrix: Matrix { order, cells },
        exponent: 0,
    }
}

/// Above and below this a mantissa is rescaled: 2^128.
const RESCALE_BITS: i32 = 128;

/// mantissa * 2^exponent, for products that leave the range of f64.
#[derive(Clone, Copy)]
struct Scaled {
    mantissa: f64,
    exponent: i32,
}

impl Scaled {
    fn normal(self) -> Self {
        if self.mantissa < libm::ldexp(1.0, -RESCALE_BITS) {
            Self {
                mantissa: libm::ldexp(self.mantissa, RESCALE_BITS),
                exponent: self.exponent - RESCALE_BITS,
            }
        } else {
            self
        }
    }
}

#[derive(Clone)]
struct Matrix {
    order: usize,
    /// Row by row.
    cells: Vec<f64>,
}

impl Matrix {
    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.order + column]
    }

    fn times(&self, other: &Self) -> Self {
        let order = self.order;
        let mut cells = vec![0.0; order * order];
        for (out, left) in cells
            .chunks_exact_mut(order)
            .zip(self.cells.chunks_exact(order))
        {
            for (factor, right) in left.iter().zip(other.cells.chunks_exact(order)) {
                for (sum, value) in out.iter_mut().zip(right) {
                    *sum += factor * value;
                }
            }
        }
        Self { order, cells }
    }
}

/// matrix * 2^exponent.
#[derive(Clone)]
struct ScaledMatrix {
    matrix: Matrix,
    exponent: i32,
}

impl ScaledMatrix {
    /// By squaring, from the highest bit of n down.
    fn to_the(&self, n: u64) -> Self {
        let mut power = self.clone();
        for bit in (0..n.ilog2()).rev() {
            power = power.times(&power);
            if n >> bit & 1 == 1 {
                power = power.times(self);
            }
        }
        power
    }

    fn times(&self, other: &Self) -> Self {
        let mut matrix = self.matrix.times(&other.matrix);
        let mut exponent = self.exponent + other.exponent;
        let middle = matrix.order / 2;
        if libm::ldexp(1.0, RESCALE_BITS) < matrix.at(middle, middle) {
            let down = libm::ldexp(1.0, -RESCALE_BITS);
            matrix.cells.iter_mut().for_each(|cell| *cell *= down);
            exponent += RESCALE_BITS;
        }
        Self { matrix, exponent }
    }
}

/// P(D_n <= d) to order n^-1.5: the series of Pelz & Good 1976 in the form of Simard & L'Ecuyer (12)-(15), z = d sqrt(n).
fn pelz_good(n: f64, d: f64) -> f64 {
    let z = d * n.sqrt();
    let z2 = z * z;
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let (z7, z8, z10) = (z6 * z, z4 * z4, z4 * z6);
    let (p2, p4, p6) = (PI * PI, PI * PI * PI * PI, PI * PI * PI * PI * PI * PI);
    let mut k = [0.0; 4];
    for odd in (1..=TERMS).rev().map(|i| f64::from(2 * i - 1)) {
        let (m2, weight) = (odd * odd, libm::exp(-p2 * odd * odd / (8.0 * z2)));
        let (m4, m6) = (m2 * m2, m2 * m2 * m2);
        k[0] += weight;
        k[1] += weight * (p2 / 4.0 * m2 - z2);
        k[2] += weight
            * (6.0 * z6
                + 2.0 * z4
                + (2.0 * z4 - 5.0 * z2) * p2 / 4.0 * m2
                + (1.0 - 2.0 * z2) * p4 / 16.0 * m4);
        k[3] += weight
            * (-30.0 * z6 - 90.0 * z8
                + (135.0 * z4 - 96.0 * z6) * p2 / 4.0 * m2
                + (212.0 * z4 - 60.0 * z2) * p4 / 16.0 * m4
                + (5.0 - 30.0 * z2) * p6 / 64.0 * m6);
    }
    let (mut extra2, mut extra3) = (0.0, 0.0);
    for i in (1..=TERMS).rev().map(f64::from) {
        let weight = i * i * libm::exp(-p2 * i * i / (2.0 * z2));
        extra2 += weight;
        extra3 += weight * (3.0 * z2 - p2 * i * i);
    }
    let k2 = k[2] / (72.0 * z7) - p2 * extra2 / (36.0 * z2 * z);
    let k3 = k[3] / (6480.0 * z10) + p2 * extra3 / (216.0 * z6);
    (2.0 * PI).sqrt() * (k[0] / z + k[1] / (6.0 * z4) / n.sqrt() + k2 / n + k3 / (n * n.sqrt()))
}

/// Terms of each series: for z <= sqrt(2.2), where the series is used, the 20th is below 1e-300.
const TERMS: i32 = 20;

/// P(D_n^+ > d) for one side. The sum of Smirnov 1944 / Birnbaum & Tingey 1951, each term written as a binomial
/// probability: d / p * Binomial(n, p)(j) with p = d + j / n, for all j <= n (1 - d).
fn one_sided(n: u64, d: f64) -> f64 {
    let nf = n as f64;
    if N_SMIRNOV_SUM_MAX < n {
        let shifted = 6.0 * nf * d + 1.0;
        return libm::exp(-shifted * shifted / (18.0 * nf));
    }
    let last = (nf * (1.0 - d)).floor() as u64;
    (0..=last)
        .map(|j| d / (d + j as f64 / nf) * binomial(n, j, d))
        .sum()
}

/// Binomial(n, p)(j) for p = d + j / n, by the saddle-point form of Loader 2000 ("Fast and accurate computation of
/// binomial probabilities"): no logarithm of a large factorial, so no digits lost.
fn binomial(n: u64, j: u64, d: f64) -> f64 {
    let (nf, jf) = (n as f64, j as f64);
    let rest = nf - jf;
    let shift = nf * d;
    if j == 0 {
        return libm::exp(nf * libm::log1p(-d));
    }
    if rest <= shift {
        return if j == n && shift == 0.0 { 1.0 } else { 0.0 };
    }
    let exponent = stirling_error(n)
        - stirling_error(j)
        - stirling_error(n - j)
        - deviance(jf, jf + shift)
        - deviance(rest, rest - shift);
    libm::exp(exponent) * (nf / (2.0 * PI * jf * rest)).sqrt()
}

/// x ln(x / mean) + mean - x, without cancellation where x is near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    let ratio = (x - mean) / (x + mean);
    if 0.1 <= ratio.abs() {
        return x * libm::log(x / mean) + mean - x;
    }
    // ln(x / mean) = 2 atanh(ratio), as a series.
    let square = ratio * ratio;
    let mut power = 2.0 * x * ratio;
    let mut sum = (x - mean) * ratio;
    for odd in (3..=41).step_by(2).map(f64::from) {
        power *= square;
        let next = sum + power / odd;
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// ln n! minus Stirling's formula, for n >= 1 (0 for n = 0, where it is not used).
fn stirling_error(n: u64) -> f64 {
    const EXACT_UP_TO: u64 = 15;
    if n == 0 {
        return 0.0;
    }
    let nf = n as f64;
    if n <= EXACT_UP_TO {
        let factorial: f64 = (1..=n).map(|i| i as f64).product();
        return libm::log(factorial) - (nf + 0.5) * libm::log(nf) + nf - 0.5 * libm::log(2.0 * PI);
    }
    // Bernoulli numbers: 1/12n - 1/360n^3 + 1/1260n^5 - 1/1680n^7 + 1/1188n^9.
    let n2 = nf * nf;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / n2) / n2) / n2) / n2)
        / nf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy_in_every_branch() {
        let mut compared = 0;
        for line in include_str!("../tests/data/kstwo.csv")
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            let cells: Vec<&str> = line.split(',').collect();
            let (n, d) = (cells[0].parse().unwrap(), cells[1].parse().unwrap());
            let (got, expected) = (survival(n, d), cells[2].parse::<f64>().unwrap());
            assert!(
                (got - expected).abs() <= 1e-12 + 1e-9 * expected,
                "n {n} d {d}: {got} for {expected}"
            );
            compared += 1;
        }
        assert_eq!(compared, 759);
    }

    #[test]
    fn the_binomial_form_agrees_with_factorials() {
        let choose = |n: u64, j: u64| (0..j).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        for n in 1..40u64 {
            for j in 0..n {
                let d = 0.3 / n as f64;
                let p = d + j as f64 / n as f64;
                let direct = choose(n, j) * p.powi(j as i32) * (1.0 - p).powi((n - j) as i32);
                assert!(
                    (binomial(n, j, d) / direct - 1.0).abs() < 1e-12,
                    "n {n} j {j}"
                );
            }
        }
    }

    #[test]
    fn never_rises_with_distance() {
        for n in [1, 2, 10, 139, 140, 141, 1000, 100_000, 100_001, 2_000_000] {
            let p: Vec<f64> = (0..=1000)
                .map(|i| survival(n, f64::from(i) / 1000.0))
                .collect();
            assert!(p.windows(2).all(|w| w[1] <= w[0] + 1e-6), "n {n}");
            assert_eq!((p[0], p[1000]), (1.0, 0.0));
        }
    }
}
