//! A table that comes in batches of rows: looked at once to find where columns are cut, once more to sort rows into bins.
//!
//! Not kept: a batch can be dropped as soon as it has been added, so that a table of which only the bins fit into memory
//! can be learned from.
//!
//! ```text
//! first look    batch → Edges    6 MiB a column at most        ┐ the same batches,
//! second look   batch → Binned   a byte a row and column       ┘ of any sizes
//! ```

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::bins::{Cuts, Packed, Table, cut_all, pack_columns};
use super::counts::Counts;
use super::params::BoostParams;
use super::role::Role;
use super::rows::Layout;
use crate::columns::Columns;

/// What a first look at a table finds: how its values are spread.
pub struct Edges {
    /// None for a column of categories.
    counts: Vec<Option<Counts>>,
    roles: Vec<Role>,
}

/// A table in bins.
pub struct Binned {
    cuts: Vec<Cuts>,
    pub(crate) roles: Vec<Role>,
    /// Column after column.
    bins: Vec<Vec<u8>>,
}

impl Edges {
    /// Of a table of so many columns. `roles` may be empty if all are plain numbers.
    ///
    /// # Panics
    /// If there are roles, but not for every column.
    #[must_use]
    pub fn new(n_columns: usize, roles: &[Role]) -> Self {
        assert!(
            roles.is_empty() || roles.len() == n_columns,
            "every column has a role"
        );
        let counts = |column: usize| match roles.get(column) {
            Some(Role::Category) => None,
            _ => Some(Counts::new()),
        };
        Self {
            counts: (0..n_columns).map(counts).collect(),
            roles: roles.to_vec(),
        }
    }

    /// Looks at some rows.
    ///
    /// # Panics
    /// If they have another number of columns.
    pub fn add(&mut self, x: &Columns) {
        assert_eq!(x.n_columns(), self.counts.len(), "as many columns");
        let counts = self.counts.par_iter_mut().enumerate();
        counts.for_each(|(column, counts)| {
            if let Some(counts) = counts {
                counts.add(x.column(column));
            }
        });
    }

    /// A table without rows yet, its columns cut into at most `max_bin` bins: the cuts of
    /// [`fit_lesson`](super::fit_lesson) where a column has at most 131,072 different values. Where it has more, values
    /// that are neighbours count as one when bins are made equal.
    #[must_use]
    pub fn cut(self, params: &BoostParams) -> Binned {
        let cut = |counts: Option<Counts>| match counts {
            Some(counts) => Cuts::of_spread(&counts.finish()[..], params.max_bin),
            None => Cuts::of_categories(),
        };
        let cuts: Vec<Cuts> = self.counts.into_par_iter().map(cut).collect();
        Binned {
            bins: vec![Vec::new(); cuts.len()],
            cuts,
            roles: self.roles,
        }
    }
}

impl Binned {
    /// Of columns that are in memory, and need not stay there: each is dropped once it is in bins, and is cut as
    /// [`fit_lesson`](super::fit_lesson) does. `roles` may be empty if all are plain numbers; `max_bin` counts bins of
    /// numbers, 2 ..= 255.
    ///
    /// # Panics
    /// If there are roles, but not for every column.
    #[must_use]
    pub fn of(columns: Vec<Vec<f32>>, roles: &[Role], max_bin: usize) -> Self {
        assert!(
            roles.is_empty() || roles.len() == columns.len(),
            "every column has a role"
        );
        let binned = |(at, column): (usize, Vec<f32>)| {
            let x = Columns::new(vec![&column], column.len());
            let role = roles.get(at).map_or(&[][..], std::slice::from_ref);
            let cuts = cut_all(&x, role, max_bin).remove(0);
            let bins = column.iter().map(|&x| cuts.bin(x)).collect();
            (cuts, bins)
        };
        let columns = columns.into_par_iter().enumerate();
        let (cuts, bins) = columns.map(binned).unzip();
        Self {
            cuts,
            roles: roles.to_vec(),
            bins,
        }
    }

    /// For some rows and each column values that all trees grown on the table send where they sent the rows, if none
    /// of its values is infinite.
    pub(crate) fn stand_ins(&self, rows: Range<usize>) -> Vec<Vec<f32>> {
        let columns = self.cuts.iter().zip(&self.bins);
        let column = |(cuts, bins): (&Cuts, &Vec<u8>)| {
            let of_bin: Vec<f32> = (0..=u8::MAX).map(|bin| cuts.stand_in(bin)).collect();
            let bins = bins[rows.clone()].iter();
            bins.map(|&bin| of_bin[usize::from(bin)]).collect()
        };
        columns.map(column).collect()
    }

    /// Adds some rows behind those that are there.
    ///
    /// # Panics
    /// If they have another number of columns.
    pub fn add(&mut self, x: &Columns) {
        assert_eq!(x.n_columns(), self.cuts.len(), "as many columns");
        let columns = self.bins.par_iter_mut().zip(&self.cuts).enumerate();
        columns.for_each(|(column, (bins, cuts))| {
            bins.extend(x.column(column).iter().map(|&x| cuts.bin(x)));
        });
    }
}

impl Table for Binned {
    fn n_rows(&self) -> usize {
        self.bins.first().map_or(0, Vec::len)
    }

    fn n_columns(&self) -> usize {
        self.cuts.len()
    }

    fn cuts(&self, _: &[Role], _: usize) -> Vec<Cuts> {
        self.cuts.clone()
    }

    fn pack(&self, _: &[Cuts], layout: Layout) -> Packed<'_> {
        Packed {
            layout,
            table: pack_columns(self.n_rows(), &self.bins, &layout),
            columns: Cow::Borrowed(&self.bins),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{
        ForestParams, Lesson, fit_binned, fit_binned_forest, fit_forest, fit_lesson,
    };
    use super::*;

    fn a_value() -> impl Strategy<Value = f32> {
        prop_oneof![6 => (-90..90_i32).prop_map(|x| x as f32 / 4.0), 1 => Just(f32::NAN)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn what_is_learned_from_batches_is_what_is_learned_from_the_table(
            rows in proptest::collection::vec(proptest::collection::vec(a_value(), 9), 1..300),
            batch_rows in 1..400_usize,
            has_weights in any::<bool>(),
        ) {
            let table: Vec<Vec<f32>> = (0..9).map(|c| rows.iter().map(|row| row[c]).collect()).collect();
            let slices = |from: usize, to: usize| table.iter().map(|c| &c[from..to]).collect::<Vec<_>>();
            let n = rows.len();
            let x = Columns::new(slices(0, n), n);
            let y: Vec<f32> = (0..n).map(|row| (row % 17) as f32).collect();
            let weights: Vec<f32> = (0..n * usize::from(has_weights)).map(|row| (row % 3) as f32).collect();
            let mut roles = vec![Role::Number; 9];
            roles[2] = Role::Category;
            roles[4] = Role::Rising;
            let pairs = [("n_estimators", "9"), ("max_bin", "50"), ("early_stopping_rounds", "2")];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let params = BoostParams::from_pairs(&pairs).unwrap();
            let lesson = Lesson { x: &x, y: &y, weights: &weights, roles: &roles };
            // Few enough rows that a table of as many decides when to stop.
            let valid = Some((&x, &y[..]));
            let whole = fit_lesson(lesson, valid, &params, &|_| ());

            let batches = || (0..n).step_by(batch_rows).map(|from| {
                let to = n.min(from + batch_rows);
                Columns::new(slices(from, to), to - from)
            });
            let mut edges = Edges::new(9, &roles);
            batches().for_each(|batch| edges.add(&batch));
            let mut binned = edges.cut(&params);
            batches().for_each(|batch| binned.add(&batch));
            prop_assert_eq!(&fit_binned(&binned, (&y, &weights), valid, &params, &|_| ()), &whole);

            let binned = Binned::of(table.clone(), &roles, params.max_bin);
            prop_assert_eq!(&fit_binned(&binned, (&y, &weights), valid, &params, &|_| ()), &whole);
            prop_assert_eq!(whole.ensemble.predict_binned(&binned), whole.ensemble.predict(&x));
            prop_assert_eq!(whole.ensemble.scores_of_binned(&binned), whole.ensemble.scores(&x));
        }

        #[test]
        fn a_forest_of_bins_is_the_forest_of_the_table(
            rows in proptest::collection::vec(proptest::collection::vec(a_value(), 9), 1..200),
        ) {
            let table: Vec<Vec<f32>> = (0..9).map(|c| rows.iter().map(|row| row[c]).collect()).collect();
            let x = Columns::new(table.iter().map(Vec::as_slice).collect(), rows.len());
            let y: Vec<f32> = (0..rows.len()).map(|row| (row % 17) as f32).collect();
            let pairs = [("n_estimators", "3"), ("max_bin", "20")];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let params = ForestParams::from_pairs(&pairs).unwrap();
            let whole = fit_forest(&x, &y, &params, &|_| ());
            let binned = Binned::of(table.clone(), &[], params.max_bin);
            let found = fit_binned_forest(&binned, &y, &params, &|_| ());
            prop_assert_eq!(&found.ensemble, &whole.ensemble);
            prop_assert_eq!(found.out_of_bag_rmse.to_bits(), whole.out_of_bag_rmse.to_bits());
            prop_assert_eq!(whole.ensemble.predict_binned(&binned), whole.ensemble.predict(&x));
        }
    }
}
