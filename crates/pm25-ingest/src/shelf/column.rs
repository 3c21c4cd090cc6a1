//! What must be known of a whole column and is gathered piece by piece.
//!
//! Not its numbers; those are on the shelf.

use pm25_air::quality::ceiling::FullScales;

use super::is_particles;
use crate::claim::{Decision, Shares, decide_by};
use crate::extremes::Extremes;
use crate::file::ColumnFacts;
use crate::layout::Mapped;

/// A column so far.
pub(super) struct ColumnSoFar {
    extremes: Extremes,
    shares: Shares,
    /// Of particles.
    scales: Option<FullScales>,
}

impl ColumnSoFar {
    pub(super) fn new(column: &Mapped) -> Self {
        Self {
            extremes: Extremes::of(&[]),
            shares: Shares::of(column.quantity, &column.claim),
            scales: is_particles(column.quantity).then(FullScales::default),
        }
    }

    pub(super) fn push(&mut self, values: &[f32]) {
        self.extremes.append(&Extremes::of(values));
        self.shares.push(values);
        if let Some(scales) = &mut self.scales {
            scales.push(values);
        }
    }

    /// What the whole column shows.
    pub(super) fn facts(&self, column: &Mapped) -> ColumnFacts<'_> {
        let share = |unit| self.shares.share(unit);
        ColumnFacts {
            decision: decide_by(column.quantity, &column.claim, share),
            codes: self.scales.clone().map_or_else(Vec::new, FullScales::end),
            extremes: &self.extremes,
        }
    }
}

/// A column's unit and, in the file's own, the full scales that readings pile up at.
pub(super) struct Settled {
    pub(super) decision: Decision,
    pub(super) codes: Vec<f32>,
}

impl Settled {
    /// The codes in our unit.
    pub(super) fn ceilings(&self) -> Vec<f32> {
        let conversion = self.decision.conversion;
        self.codes
            .iter()
            .map(|&code| conversion.apply(code))
            .collect()
    }
}
