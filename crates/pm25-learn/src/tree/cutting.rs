//! All cuts of one feature at once, in vector instructions.
//!
//! Not what a cut is worth: the rule says that.

use std::ops::Range;

use super::bins::MISSING;
use super::histogram::{Histogram, Sum};
use super::split::{Rule, Searched};
use super::wide::Work;

/// For each bin the sums up to and including it. Sums below 2^53 are exact in f64.
pub(crate) struct Below {
    pub(super) gradients: [f64; MISSING as usize],
    pub(super) weights: [f64; MISSING as usize],
}

impl Below {
    pub(crate) fn new() -> Self {
        Self {
            gradients: [0.0; MISSING as usize],
            weights: [0.0; MISSING as usize],
        }
    }

    pub(super) fn sum(&self, bin: usize) -> Sum {
        Sum {
            gradient: self.gradients[bin] as i64,
            weight: self.weights[bin] as i64,
        }
    }
}

/// Trying all cuts of one feature, with missing values on the right and, if there are any, on the left.
pub(super) struct Cutting<'a> {
    pub(super) rule: &'a Rule,
    pub(super) histogram: &'a Histogram,
    pub(super) searched: &'a Searched,
    pub(super) cuts: Range<usize>,
    pub(super) missing: Sum,
    pub(super) below: &'a mut Below,
}

impl Work for Cutting<'_> {
    type Done = [BestCut; 2];

    #[inline(always)]
    fn work(self) -> [BestCut; 2] {
        let Self {
            rule,
            histogram,
            searched,
            cuts,
            missing,
            below,
        } = self;
        let Searched {
            place,
            n_bins,
            total,
            ..
        } = *searched;
        let sums = (&mut below.gradients[..n_bins], &mut below.weights[..n_bins]);
        histogram.sum_below(place, sums.0, sums.1);
        let parted = Parted {
            rule,
            below,
            cuts,
            total,
            missing,
        };
        parted.work()
    }
}

/// Trying cuts of which the sums below are known.
pub(super) struct Parted<'a> {
    pub(super) rule: &'a Rule,
    pub(super) below: &'a Below,
    pub(super) cuts: Range<usize>,
    pub(super) total: Sum,
    pub(super) missing: Sum,
}

impl Work for Parted<'_> {
    type Done = [BestCut; 2];

    #[inline(always)]
    fn work(self) -> [BestCut; 2] {
        let Self {
            rule,
            below,
            cuts,
            total,
            missing,
        } = self;
        let right = rule.best_cut(below, cuts.clone(), [Sum::default(), total]);
        if missing.weight == 0 {
            return [right, BestCut::default()];
        }
        [right, rule.best_cut(below, cuts, [missing, total])]
    }
}

/// The best of some cuts: what it scores, and the last bin at its left.
#[derive(Clone, Copy, Default)]
pub(super) struct BestCut {
    pub(super) score: f64,
    pub(super) last: usize,
}
