//! The best way to part a node's rows in two by one feature.
//!
//! Not the choice between features: the grower compares what is found here.

use std::ops::Range;

use super::bins::{ALL_PRESENT, MISSING};
use super::categories;
use super::cutting::{Below, BestCut, Cutting, Parted};
use super::histogram::{Histogram, Sum};
use super::role::{Bounds, Role, UNBOUND};
use super::sparse::SparseSlots;
use super::wide::run;

/// What a split is worth and which ones are allowed, in quantised steps.
///
/// A child with gradient sum G and weight H scores max(|G| - alpha, 0)^2 / (H + lambda), and the gain is what the
/// children score more than their parent: XGBoost's loss change (Chen and Guestrin 2016, equation 7, without its
/// factor 1/2, as the program has it). With lambda = alpha = 0 it is the decrease of the sum of squared errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    lambda: f64,
    alpha_steps: f64,
    gain_steps2_min: f64,
    weight_min: f64,
    weight_step: f64,
}

/// Regularisation in units of the target, as users state it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalties {
    pub(crate) reg_lambda: f64,
    pub(crate) reg_alpha: f64,
    pub(crate) min_split_gain: f64,
    pub(crate) min_child_weight: f64,
}

/// What one step of a gradient and of a weight stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) gradient: f64,
    pub(crate) weight: f64,
}

/// What a node asks of a bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ask {
    /// Whether it is at most this one.
    UpTo(u8),
    /// Whether it is one of those whose bits are set.
    OneOf([u64; 4]),
}

/// One way to part a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    /// Column of the table.
    pub(crate) feature: usize,
    /// What goes left.
    pub(crate) ask: Ask,
    pub(crate) missing_left: bool,
    /// Improvement in steps squared, above zero.
    pub(crate) gain: f64,
    /// The sums that go left.
    pub(crate) left: Sum,
}

impl Split {
    /// Whether a row in this bin goes left.
    pub(crate) fn goes_left(&self, bin: u8) -> bool {
        match self.ask {
            _ if bin == MISSING => self.missing_left,
            Ask::UpTo(last) => bin <= last,
            Ask::OneOf(bins) => bins[usize::from(bin / 64)] >> (bin % 64) & 1 == 1,
        }
    }

    /// Numbers `[add, limit]` with which `bin + add <= limit`, in 8 bits, is the answer, missing values included:
    /// adding 1 takes these from the top to 0.
    pub(crate) fn interval(&self) -> Option<[u8; 2]> {
        let Ask::UpTo(last) = self.ask else {
            return None;
        };
        let add = u8::from(self.missing_left);
        Some([add, last + add])
    }
}

/// A gain below this share of the children's score is rounding: f64 keeps 2^-53 of each term.
const GAIN_SHARE_MIN: f64 = 1e-13;

/// A node of which a feature's slots are searched.
#[derive(Clone, Copy)]
pub(crate) struct Searched {
    /// Column of the table.
    pub(crate) feature: usize,
    /// Where it is among those that have histograms.
    pub(crate) place: usize,
    /// Bins that the feature's values are sorted into, 1 at least.
    pub(crate) n_bins: usize,
    /// The sum over all of the node's rows.
    pub(crate) total: Sum,
    pub(crate) role: Role,
    /// What its leaves may say.
    pub(crate) bounds: Bounds,
}

impl Searched {
    fn is_bound(&self) -> bool {
        self.bounds != UNBOUND || matches!(self.role, Role::Rising | Role::Falling)
    }
}

impl Rule {
    /// Translates penalties to steps of the given size.
    pub(crate) fn new(penalties: &Penalties, steps: Steps) -> Self {
        let Steps { gradient, weight } = steps;
        Self {
            lambda: penalties.reg_lambda / weight,
            alpha_steps: penalties.reg_alpha / gradient,
            gain_steps2_min: penalties.min_split_gain * weight / (gradient * gradient),
            // A child without any weight has no mean.
            weight_min: (penalties.min_child_weight / weight).max(1.0),
            weight_step: weight,
        }
    }

    /// The rule for sorted categories, of which there are many ways to be lucky with.
    pub(crate) fn for_sorted_categories(&self) -> Self {
        Self {
            lambda: self.lambda + categories::LAMBDA_MORE / self.weight_step,
            ..*self
        }
    }

    /// What a category must weigh to be sorted, in steps.
    pub(crate) fn category_weight(&self) -> f64 {
        categories::SMOOTH / self.weight_step
    }

    /// Whether a node is heavy enough to have two children.
    pub(crate) fn may_split(&self, total: Sum) -> bool {
        2.0 * self.weight_min <= total.weight as f64
    }

    /// The best split of a node by a feature whose histogram is at hand. After each bin a cut is tried twice where
    /// values are missing, with these at the right and at the left; of equal cuts the lowest counts, right first.
    pub(crate) fn best_of(
        &self,
        histogram: &Histogram,
        searched: Searched,
        below: &mut Below,
    ) -> Option<Split> {
        let Searched { place, n_bins, .. } = searched;
        let missing = histogram.sum(place, usize::from(MISSING));
        let slots = || histogram.sums(place, n_bins).enumerate();
        if searched.role == Role::Category {
            return self.best_of_categories(slots(), &searched);
        }
        if searched.is_bound() {
            return self.scan(slots(), missing, &searched);
        }
        // Without a value on its left a cut would part the missing values alone, which is tried at the end.
        let first = histogram.first_in_use(place, 0..n_bins)?;
        let [right, left] = run(Cutting {
            rule: self,
            histogram,
            searched: &searched,
            cuts: first..n_bins - 1,
            missing,
            below: &mut *below,
        });
        let mut best = Best::default();
        best.improve_either([right, left], missing, below);
        if 0 < missing.weight {
            self.consider_all_present(&mut best, missing, &searched);
        }
        if best.score == 0.0 {
            return None;
        }
        if let Ask::UpTo(last) = best.way.ask
            && last != ALL_PRESENT
        {
            best.way.ask = Ask::UpTo(middle(histogram, place, [usize::from(last), n_bins]));
        }
        self.accept(&best, missing, &searched)
    }

    fn consider_all_present(&self, best: &mut Best, missing: Sum, searched: &Searched) {
        let way = Way {
            ask: Ask::UpTo(ALL_PRESENT),
            left: searched.total - missing,
            missing_left: false,
        };
        // Present and missing values have no order that a constraint could speak of.
        let unordered = Searched {
            role: Role::Number,
            ..*searched
        };
        self.consider(best, way, &unordered);
    }

    /// The best of the cuts after these bins where `more` goes left too. A cut after an empty bin is never better
    /// than the one before it.
    #[inline(always)]
    pub(super) fn best_cut(
        &self,
        below: &Below,
        cuts: Range<usize>,
        [more, total]: [Sum; 2],
    ) -> BestCut {
        let [more, total] = [more, total].map(|sum| [sum.gradient as f64, sum.weight as f64]);
        let mut scores = [0.0; MISSING as usize];
        let scores = &mut scores[cuts.clone()];
        let left = below.gradients[cuts.clone()].iter();
        let left = left.zip(&below.weights[cuts.clone()]);
        for (score, (&gradient, &weight)) in scores.iter_mut().zip(left) {
            let [left, left_weight] = [gradient + more[0], weight + more[1]];
            let [right, right_weight] = [total[0] - left, total[1] - left_weight];
            let both = self.score_of_both([left, right], [left_weight, right_weight]);
            let allowed = self.weight_min <= left_weight.min(right_weight);
            *score = if allowed { both } else { 0.0 };
        }
        let score = largest(scores);
        let place = scores.iter().position(|&other| other == score);
        BestCut {
            score,
            last: cuts.start + place.unwrap_or(0),
        }
    }

    /// The same from the sums of a small node.
    pub(crate) fn best_of_sparse(
        &self,
        slots: &SparseSlots,
        searched: Searched,
        below: &mut Below,
    ) -> Option<Split> {
        let missing = slots.slot(usize::from(MISSING));
        let present = slots
            .iter()
            .filter(|&(slot, _)| slot < usize::from(MISSING));
        if searched.role == Role::Category {
            return self.best_of_categories(present, &searched);
        }
        if searched.is_bound() {
            return self.scan(present, missing, &searched);
        }
        if missing.weight == 0 {
            return self.scan_free(present, &searched);
        }
        self.scan_with_missing(present, missing, &searched, below)
    }

    /// Tries all cuts between bins in use at once, with missing values on either side: the same cut as [`Self::scan`]
    /// finds.
    pub(super) fn scan_with_missing(
        &self,
        present: impl Iterator<Item = (usize, Sum)>,
        missing: Sum,
        searched: &Searched,
        below: &mut Below,
    ) -> Option<Split> {
        let mut bins = [0_u8; MISSING as usize];
        let (mut n, mut sum) = (0, Sum::default());
        for (bin, more) in present.filter(|(_, more)| 0 < more.weight) {
            sum += more;
            bins[n] = bin as u8;
            below.gradients[n] = sum.gradient as f64;
            below.weights[n] = sum.weight as f64;
            n += 1;
        }
        let mut best = Best::default();
        if 1 < n {
            let [right, left] = run(Parted {
                rule: self,
                below,
                cuts: 0..n - 1,
                total: searched.total,
                missing,
            });
            best.improve_either([right, left], missing, below);
            if let Ask::UpTo(last) = &mut best.way.ask
                && 0.0 < best.score
            {
                let [low, high] = [0, 1].map(|more| usize::from(bins[usize::from(*last) + more]));
                *last = ((low + high - 1) / 2) as u8;
            }
        }
        self.consider_all_present(&mut best, missing, searched);
        self.accept(&best, missing, searched)
    }

    /// Goes from one bin in use to the next where no value is missing and nothing binds what leaves say: the same cut
    /// as [`Self::scan`] finds. Most nodes of a deep tree are small and are searched here.
    pub(super) fn scan_free(
        &self,
        present: impl Iterator<Item = (usize, Sum)>,
        searched: &Searched,
    ) -> Option<Split> {
        let total = [searched.total.gradient as f64, searched.total.weight as f64];
        let mut best = Best::default();
        let mut left = Sum::default();
        let mut last = None;
        for (bin, sum) in present.filter(|(_, sum)| 0 < sum.weight) {
            if let Some(last) = last {
                // Sums below 2^53 are exact, and so are their differences.
                let [gradient, weight] = [left.gradient as f64, left.weight as f64];
                let right_weight = total[1] - weight;
                if self.weight_min <= weight.min(right_weight) {
                    let gradients = [gradient, total[0] - gradient];
                    let score = self.score_of_both(gradients, [weight, right_weight]);
                    if best.score < score {
                        let ask = Ask::UpTo(((last + bin - 1) / 2) as u8);
                        let missing_left = false;
                        let way = Way {
                            ask,
                            left,
                            missing_left,
                        };
                        best = Best { score, way };
                    }
                }
            }
            left += sum;
            last = Some(bin);
        }
        self.accept(&best, Sum::default(), searched)
    }

    /// Goes from one bin in use to the next.
    pub(super) fn scan(
        &self,
        present: impl Iterator<Item = (usize, Sum)>,
        missing: Sum,
        searched: &Searched,
    ) -> Option<Split> {
        let mut best = Best::default();
        let mut left = Sum::default();
        let mut last = None;
        for (bin, sum) in present.filter(|(_, sum)| 0 < sum.weight) {
            if let Some(last) = last {
                let ask = Ask::UpTo(((last + bin - 1) / 2) as u8);
                let way = Way {
                    ask,
                    left,
                    missing_left: false,
                };
                self.consider(&mut best, way, searched);
                if 0 < missing.weight {
                    let left = left + missing;
                    self.consider(
                        &mut best,
                        Way {
                            left,
                            missing_left: true,
                            ..way
                        },
                        searched,
                    );
                }
            }
            left += sum;
            last = Some(bin);
        }
        if 0 < missing.weight {
            self.consider_all_present(&mut best, missing, searched);
        }
        self.accept(&best, missing, searched)
    }

    #[inline]
    pub(crate) fn consider(&self, best: &mut Best, way: Way, searched: &Searched) {
        let score = self.score_of_children([way.left, searched.total - way.left], searched);
        if best.score < score {
            *best = Best { score, way };
        }
    }

    /// Zero, which is never best, if a child is too light or the children's values are not in order.
    #[inline]
    fn score_of_children(&self, [left, right]: [Sum; 2], searched: &Searched) -> f64 {
        if (left.weight.min(right.weight) as f64) < self.weight_min {
            return 0.0;
        }
        if !searched.is_bound() {
            let gradients = [left, right].map(|sum| sum.gradient as f64);
            let weights = [left, right].map(|sum| sum.weight as f64);
            return self.score_of_both(gradients, weights);
        }
        let values = [left, right].map(|sum| self.value(sum, searched.bounds));
        if !searched.role.allows(values[0], values[1]) {
            return 0.0;
        }
        self.score_at(left, values[0]) + self.score_at(right, values[1])
    }

    /// What a leaf with this sum would say within bounds, in steps of a gradient by steps of a weight.
    pub(crate) fn value(&self, sum: Sum, [low, high]: Bounds) -> f64 {
        let gradient = sum.gradient as f64;
        let shrunk = (gradient.abs() - self.alpha_steps)
            .max(0.0)
            .copysign(gradient);
        (shrunk / (sum.weight as f64 + self.lambda)).clamp(low, high)
    }

    /// The score of a child that says a value, which need not be its best one.
    fn score_at(&self, sum: Sum, value: f64) -> f64 {
        let pull = sum.gradient as f64 * value - self.alpha_steps * value.abs();
        2.0 * pull - (sum.weight as f64 + self.lambda) * value * value
    }

    fn score(&self, sum: Sum) -> f64 {
        self.score_of(sum.gradient as f64, sum.weight as f64)
    }

    /// The sum of two children's scores, with one division for both.
    #[inline(always)]
    fn score_of_both(&self, gradients: [f64; 2], weights: [f64; 2]) -> f64 {
        let [left, right] = gradients.map(|gradient| (gradient.abs() - self.alpha_steps).max(0.0));
        let [left_weight, right_weight] = weights.map(|weight| weight + self.lambda);
        (left * left * right_weight + right * right * left_weight) / (left_weight * right_weight)
    }

    #[inline(always)]
    fn score_of(&self, gradient: f64, weight: f64) -> f64 {
        let beyond = (gradient.abs() - self.alpha_steps).max(0.0);
        beyond * beyond / (weight + self.lambda)
    }

    pub(crate) fn accept(&self, best: &Best, missing: Sum, searched: &Searched) -> Option<Split> {
        let Searched {
            feature,
            total,
            bounds,
            ..
        } = *searched;
        let alone = if bounds == UNBOUND {
            self.score(total)
        } else {
            self.score_at(total, self.value(total, bounds))
        };
        let gain = best.score - alone;
        if gain <= self.gain_steps2_min || gain <= GAIN_SHARE_MIN * best.score {
            return None;
        }
        // Where no value was missing, one that is missing later joins the larger part.
        let larger_is_left = total.weight <= 2 * best.way.left.weight;
        Some(Split {
            feature,
            ask: best.way.ask,
            missing_left: if 0 < missing.weight {
                best.way.missing_left
            } else {
                larger_is_left
            },
            gain,
            left: best.way.left,
        })
    }
}

/// Midway between the cut's last bin and the next that is in use: values that fell between are shared fairly.
/// If there is none, the cut parts present from missing values.
fn middle(histogram: &Histogram, place: usize, [last, n_bins]: [usize; 2]) -> u8 {
    let next = histogram.first_in_use(place, last + 1..n_bins);
    next.map_or(ALL_PRESENT, |next| ((last + next - 1) / 2) as u8)
}

/// The largest of scores, none of which is below zero; 0 of none.
#[inline(always)]
fn largest(scores: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if a < b { b } else { a };
    let (chunks, rest) = scores.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, &score) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, score);
        }
    }
    let rest = rest.iter().fold(0.0, |max, &score| larger(max, score));
    lanes.into_iter().fold(rest, larger)
}

/// A way to part a node, and the sums that go left.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) ask: Ask,
    pub(crate) left: Sum,
    pub(crate) missing_left: bool,
}

/// The best way so far; a score of zero means none.
pub(crate) struct Best {
    score: f64,
    way: Way,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            score: 0.0,
            way: Way {
                ask: Ask::UpTo(0),
                left: Sum::default(),
                missing_left: false,
            },
        }
    }
}

impl Best {
    /// Takes the better of the best cuts with missing values on the right and on the left; of equal ones the lowest,
    /// right first.
    fn improve_either(&mut self, [right, left]: [BestCut; 2], missing: Sum, below: &Below) {
        self.improve(right, Sum::default(), below);
        let is_lower = self.score == left.score && left.last < right.last;
        if self.score < left.score || is_lower {
            self.improve(left, missing, below);
        }
    }

    /// Takes a cut where `more` goes left too.
    fn improve(&mut self, cut: BestCut, more: Sum, below: &Below) {
        if 0.0 < cut.score {
            *self = Self {
                score: cut.score,
                way: Way {
                    ask: Ask::UpTo(cut.last as u8),
                    left: below.sum(cut.last) + more,
                    missing_left: 0 < more.weight,
                },
            };
        }
    }
}
