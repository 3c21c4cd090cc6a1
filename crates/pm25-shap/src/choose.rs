//! Which rows of a table are explained.
//!
//! Never by chance: the same table and the same number give the same rows.

use pm25_file::{Fault, Result};
use pm25_table::Table;

/// Rows of a background at most. A hundred to a thousand are usual (Lundberg's `shap` takes a hundred); time grows with
/// them.
pub(crate) const N_BACKGROUND_MAX: usize = 100;

/// Which of the rows.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    /// The first so many.
    First(u32),
    /// So many, evenly spaced over the whole table.
    Spread(u32),
}

impl Choice {
    /// Numbers of the rows, rising from 0.
    pub(crate) fn rows(self, table: &Table) -> Result<Vec<usize>> {
        let n_rows = table.n_rows();
        if n_rows == 0 {
            let name = &table.source().name;
            return Err(Fault::bad_data(format!("{name} has no rows to explain")));
        }
        Ok(match self {
            Self::First(n) => (0..n_rows.min(n as usize)).collect(),
            Self::Spread(n) => spread(n_rows, n as usize),
        })
    }
}

/// The rows of a background.
pub(crate) fn background(table: &Table) -> Result<Vec<usize>> {
    if table.n_rows() == 0 {
        let name = &table.source().name;
        return Err(Fault::bad_data(format!(
            "{name} has no rows to compare with"
        )));
    }
    Ok(spread(table.n_rows(), N_BACKGROUND_MAX))
}

/// The middles of `n` equal parts of the rows; all rows if there are no more.
fn spread(n_rows: usize, n: usize) -> Vec<usize> {
    if n_rows <= n {
        return (0..n_rows).collect();
    }
    (0..n)
        .map(|part| (2 * part + 1) * n_rows / (2 * n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_rows_rise_and_leave_no_part_out() {
        assert_eq!(spread(10, 3), [1, 5, 8]);
        assert_eq!(spread(3, 3), [0, 1, 2]);
        assert_eq!(spread(2, 5), [0, 1]);
        let rows = spread(1_000_003, 2000);
        assert!(rows.is_sorted_by(|a, b| a < b));
        assert!(rows.windows(2).all(|pair| pair[1] - pair[0] <= 501));
        assert!(rows[0] < 500 && 999_503 < rows[1999]);
    }
}
