//! Normal equations of a standardised table, summed in an order that does not depend on threads.
//!
//! ```text
//! rows      | chunk 0 | chunk 1 | chunk 2 | …     fixed size, in parallel
//! partial   |   G0    |   G1    |   G2    | …     each summed row by row
//! result    ((G0 + G1) + G2) + …                  in chunk order
//! ```
//!
//! Not a general matrix product: those choose their kernel by the processor, and so their last bits.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// Rows of one chunk; large enough that summing the partial results costs nothing.
const ROWS_PER_CHUNK: usize = 1 << 14;

/// XᵀX and Xᵀy of standardised columns.
pub(crate) struct Gram {
    /// Columns x columns, upper triangle and diagonal filled, mirrored below.
    pub(crate) xtx: Array2<f64>,
    /// One per column.
    pub(crate) xty: Array1<f64>,
}

/// Sums over `n_rows` rows. `fill(row_idx, x)` writes a row's standardised values and returns its target.
pub(crate) fn gram(
    n_rows: usize,
    n_columns: usize,
    fill: &(dyn Fn(usize, &mut [f64]) -> f64 + Sync),
) -> Gram {
    let chunks: Vec<usize> = (0..n_rows).step_by(ROWS_PER_CHUNK).collect();
    let mut total = Gram::zero(n_columns);
    // A few chunks at a time, so that memory does not grow with the rows.
    for group in chunks.chunks(rayon::current_num_threads().max(1)) {
        let partial: Vec<Gram> = group
            .par_iter()
            .map(|&from| chunk(from..n_rows.min(from + ROWS_PER_CHUNK), n_columns, fill))
            .collect();
        for part in &partial {
            total.xtx += &part.xtx;
            total.xty += &part.xty;
        }
    }
    total.mirror();
    total
}

fn chunk(
    rows: std::ops::Range<usize>,
    n_columns: usize,
    fill: &(dyn Fn(usize, &mut [f64]) -> f64 + Sync),
) -> Gram {
    let mut sums = Gram::zero(n_columns);
    let mut x = vec![0.0; n_columns];
    for row_idx in rows {
        let y = fill(row_idx, &mut x);
        for (i, (&xi, mut line)) in x.iter().zip(sums.xtx.rows_mut()).enumerate() {
            // Most indicator columns are zero in most rows.
            if xi != 0.0 {
                let line = line
                    .as_slice_mut()
                    .expect("rows of a new array lie together");
                for (sum, &xj) in line[i..].iter_mut().zip(&x[i..]) {
                    *sum += xi * xj;
                }
            }
        }
        for (sum, &xi) in sums.xty.iter_mut().zip(&x) {
            *sum += xi * y;
        }
    }
    sums
}

impl Gram {
    fn zero(n_columns: usize) -> Self {
        Self {
            xtx: Array2::zeros((n_columns, n_columns)),
            xty: Array1::zeros(n_columns),
        }
    }

    fn mirror(&mut self) {
        for i in 0..self.xty.len() {
            for j in 0..i {
                self.xtx[[i, j]] = self.xtx[[j, i]];
            }
        }
    }
}
