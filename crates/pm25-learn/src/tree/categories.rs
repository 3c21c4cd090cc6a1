//! The best way to part a node's rows by categories, which have no order of their own.
//!
//! Not a trial of all subsets: sorted by what their rows want on average, the best subset for squared error is a run
//! from one end (Fisher 1958). As LightGBM does it, with its defaults: rare categories stay out of the run, the run is
//! short, and a penalty stands against finding patterns in noise.

use super::histogram::Sum;
use super::split::{Ask, Best, Rule, Searched, Split, Way};

/// Draws that a category needs to be sorted, and that are added to all when averages are compared (`cat_smooth`).
pub(crate) const SMOOTH: f64 = 10.0;
/// Added to lambda where categories are sorted (`cat_l2`).
pub(crate) const LAMBDA_MORE: f64 = 10.0;
/// With so many or fewer, each is tried against the others (`max_cat_to_onehot`).
const ONE_BY_ONE_MAX: usize = 4;
/// The longest run from either end (`max_cat_threshold`).
const RUN_MAX: usize = 32;

impl Rule {
    /// The best split by the categories in use. What is missing, and what was never seen, stays at the right.
    pub(crate) fn best_of_categories(
        &self,
        used: impl Iterator<Item = (usize, Sum)>,
        searched: &Searched,
    ) -> Option<Split> {
        let mut used: Vec<(usize, Sum)> = used.filter(|(_, sum)| 0 < sum.weight).collect();
        let mut best = Best::default();
        if used.len() <= ONE_BY_ONE_MAX {
            for one in &used {
                self.consider_run(&mut best, std::slice::from_ref(one).iter(), searched);
            }
        } else {
            let rule = self.for_sorted_categories();
            used.retain(|(_, sum)| self.category_weight() <= sum.weight as f64);
            let average =
                |sum: &Sum| sum.gradient as f64 / (sum.weight as f64 + self.category_weight());
            used.sort_by(|a, b| average(&a.1).total_cmp(&average(&b.1)));
            rule.consider_run(&mut best, used.iter().take(RUN_MAX), searched);
            rule.consider_run(&mut best, used.iter().rev().take(RUN_MAX), searched);
        }
        self.accept(&best, Sum::default(), searched)
            .map(|split| Split {
                missing_left: false,
                ..split
            })
    }

    /// Tries the first category, the first two, and so on.
    fn consider_run<'a>(
        &self,
        best: &mut Best,
        run: impl Iterator<Item = &'a (usize, Sum)>,
        searched: &Searched,
    ) {
        let (mut set, mut left) = ([0; 4], Sum::default());
        for &(category, sum) in run {
            set[category / 64] |= 1 << (category % 64);
            left += sum;
            let way = Way {
                ask: Ask::OneOf(set),
                left,
                missing_left: false,
            };
            self.consider(best, way, searched);
        }
    }
}
