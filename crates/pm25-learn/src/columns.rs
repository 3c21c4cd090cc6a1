//! A table of numbers as the learners see it: columns side by side, all of one length.
//!
//! It owns nothing and names nothing: a column is known by its position.

/// Feature columns of equal length; row `i` is the `i`-th value of each. NaN means missing.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    columns: Vec<&'a [f32]>,
    n_rows: usize,
}

impl<'a> Columns<'a> {
    /// Puts columns side by side. `n_rows` is stated because a table may have no column at all.
    ///
    /// # Panics
    /// If a column has not `n_rows` values: the caller mixed up two tables.
    #[must_use]
    pub fn new(columns: Vec<&'a [f32]>, n_rows: usize) -> Self {
        assert!(
            columns.iter().all(|column| column.len() == n_rows),
            "every column has {n_rows} rows"
        );
        Self { columns, n_rows }
    }

    /// The values of one column, from the first row to the last.
    #[must_use]
    pub fn column(&self, column_idx: usize) -> &'a [f32] {
        self.columns[column_idx]
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }
}
