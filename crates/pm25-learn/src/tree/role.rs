//! What a column is to the trees.
//!
//! Not its name or unit: a table knows columns by position only.

/// How a column may be split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A number; predictions may rise and fall with it.
    #[default]
    Number,
    /// A number; predictions never fall as it rises, all else equal. XGBoost's `monotone_constraints` 1.
    Rising,
    /// A number; predictions never rise as it rises, all else equal. XGBoost's `monotone_constraints` -1.
    Falling,
    /// A category: a whole number from 0 to 254, and anything else is missing.
    Category,
}

/// Values that a node's leaves may take, between steps of a gradient and of a weight.
pub(crate) type Bounds = [f64; 2];

/// Any value.
pub(crate) const UNBOUND: Bounds = [f64::NEG_INFINITY, f64::INFINITY];

impl Role {
    /// Whether the left child's value may stand beside the right one's.
    pub(crate) fn allows(self, left: f64, right: f64) -> bool {
        match self {
            Self::Rising => left <= right,
            Self::Falling => right <= left,
            Self::Number | Self::Category => true,
        }
    }

    /// The children's bounds: halfway between their values nobody below may cross, as XGBoost has it.
    pub(crate) fn share(self, [low, high]: Bounds, [left, right]: [f64; 2]) -> [Bounds; 2] {
        let middle = f64::midpoint(left, right);
        match self {
            Self::Rising => [[low, middle], [middle, high]],
            Self::Falling => [[middle, high], [low, middle]],
            Self::Number | Self::Category => [[low, high]; 2],
        }
    }
}
