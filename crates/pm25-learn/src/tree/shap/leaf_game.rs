//! What one leaf gives to the features on its path, for each set of them that a row passes.
//!
//! Several games, one form: a leaf has some results (one a slot, or one a pair of slots), and they depend on the row
//! only through its mask. So they can be looked up as well as computed, with the same bits.

use super::super::quadrature::Rule;
use super::mask::Mask;
use super::path::Leaf;

/// What is asked of every leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Game {
    /// What each feature adds.
    Values,
    /// Half of what two features add together beyond what they add alone (Lundberg and others 2020, supplement). One
    /// result for each pair of slots (0, 1), (0, 2), …, (1, 2), ….
    Pairs,
}

/// The numbers of a leaf at each point of the quadrature, in the two cases that a row passes a slot or does not.
pub(super) struct LeafGame {
    game: Game,
    n_slots: usize,
    /// The leaf's value times the point's weight.
    start: Vec<f64>,
    /// `factor[(slot * 2 + passes) * n_points + point]`: o t + z (1 - t).
    factor: Vec<f64>,
    /// (o - z) / factor, in the same places. Where the row does not pass, z cancels.
    change: Vec<f64>,
}

impl LeafGame {
    /// `rule` is exact for a product of as many factors as the leaf has slots, less one.
    pub(super) fn of(leaf: &Leaf, game: Game, rule: &Rule) -> Self {
        let n_numbers = leaf.shares.len() * 2 * rule.points.len();
        let mut factor = Vec::with_capacity(n_numbers);
        let mut change = Vec::with_capacity(n_numbers);
        for &z in &leaf.shares {
            factor.extend(rule.points.iter().map(|t| z * (1.0 - t)));
            factor.extend(rule.points.iter().map(|t| t + z * (1.0 - t)));
            change.extend(rule.points.iter().map(|t| -1.0 / (1.0 - t)));
            change.extend(rule.points.iter().map(|t| (1.0 - z) / (t + z * (1.0 - t))));
        }
        Self {
            game,
            n_slots: leaf.shares.len(),
            start: rule.weights.iter().map(|w| leaf.value * w).collect(),
            factor,
            change,
        }
    }

    pub(super) fn n_results(&self) -> usize {
        match self.game {
            Game::Values => self.n_slots,
            Game::Pairs => self.n_slots * self.n_slots.saturating_sub(1) / 2,
        }
    }

    /// The results for one mask; `results` has [`LeafGame::n_results`] places.
    pub(super) fn play(&self, mask: Mask, results: &mut [f64]) {
        results.fill(0.0);
        let n_points = self.start.len();
        for (point, &start) in self.start.iter().enumerate() {
            let place = |slot: usize| (slot * 2 + usize::from(mask >> slot & 1)) * n_points + point;
            let product = (0..self.n_slots).fold(start, |p, slot| p * self.factor[place(slot)]);
            let change = |slot: usize| self.change[place(slot)];
            match self.game {
                Game::Values => {
                    for (slot, result) in results.iter_mut().enumerate() {
                        *result += product * change(slot);
                    }
                }
                Game::Pairs => {
                    let mut pairs = results.iter_mut();
                    for a in 0..self.n_slots {
                        let half = 0.5 * product * change(a);
                        for (b, result) in (a + 1..self.n_slots).zip(&mut pairs) {
                            *result += half * change(b);
                        }
                    }
                }
            }
        }
    }
}
