//! How many values lie below each of some bounds, and what they add up to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::exposition::Exposition;

/// Counts between `N` ascending bounds; the last cell is for what lies above them.
///
/// ```text
/// bounds      5     10     15
/// cells   <=5 | <=10 | <=15 |      above     is kept apart, since an array of N + 1 cannot be written yet
/// ```
pub(super) struct Histogram<const N: usize> {
    cells: [AtomicU64; N],
    above: AtomicU64,
    /// Bits of an f64.
    sum: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            cells: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum: AtomicU64::new(0.0_f64.to_bits()),
        }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts one value.
    pub(super) fn add(&self, bounds: &[f64; N], value: f64) {
        self.add_all(bounds, &[value]);
    }

    /// Counts many values.
    pub(super) fn add_all(&self, bounds: &[f64; N], values: &[f64]) {
        for &value in values {
            let cell_idx = bounds.iter().position(|&bound| value <= bound);
            let cell = cell_idx
                .and_then(|idx| self.cells.get(idx))
                .unwrap_or(&self.above);
            cell.fetch_add(1, Ordering::Relaxed);
        }
        let more: f64 = values.iter().sum();
        let added = |bits: u64| Some((f64::from_bits(bits) + more).to_bits());
        // The closure always gives a number, so this cannot fail.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// How many values there were.
    pub(super) fn count(&self) -> u64 {
        let cells = self.cells.iter().chain([&self.above]);
        cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// Writes the series. The count is the sum of the cells that were just written, so that they agree even while
    /// others are counting.
    pub(super) fn write(
        &self,
        out: &mut Exposition,
        name: &str,
        label: Option<(&str, &str)>,
        bounds: &[f64; N],
    ) {
        let [buckets, sum, count] =
            ["bucket", "sum", "count"].map(|suffix| format!("{name}_{suffix}"));
        let mut below = 0;
        for (bound, cell) in bounds.iter().zip(&self.cells) {
            below += cell.load(Ordering::Relaxed);
            let bound = bound.to_string();
            let labels: Vec<_> = label.into_iter().chain([("le", &*bound)]).collect();
            out.sample(&buckets, &labels, below);
        }
        below += self.above.load(Ordering::Relaxed);
        let labels: Vec<_> = label.into_iter().chain([("le", "+Inf")]).collect();
        out.sample(&buckets, &labels, below);
        let labels: Vec<_> = label.into_iter().collect();
        out.sample(
            &sum,
            &labels,
            f64::from_bits(self.sum.load(Ordering::Relaxed)),
        );
        out.sample(&count, &labels, below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_cell_below_it() {
        let histogram = Histogram::<2>::default();
        histogram.add_all(&[1.0, 2.0], &[-3.0, 1.0, 1.5, 2.0, 2.5]);
        let mut out = Exposition::default();
        histogram.write(&mut out, "x", None, &[1.0, 2.0]);
        let wanted = "x_bucket{le=\"1\"} 2\nx_bucket{le=\"2\"} 4\nx_bucket{le=\"+Inf\"} 5\nx_sum 4\nx_count 5\n";
        assert_eq!(out.text(), wanted);
        assert_eq!(histogram.count(), 5);
    }
}
