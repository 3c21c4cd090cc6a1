//! Which rows train, which choose, which judge: a cut of time at two instants.
//!
//! Not a shuffle. Neighbouring hours are nearly copies of each other, so a random split would let a model look up
//! its answers; and what is issued before a cut but answered after it belongs to no part.
//!
//! ```text
//!                       T1                     T2
//! ────── train ─────┤···│────── valid ─────┤···│────── test ─────────▶ t
//!        t+h < T1    h       t+h < T2       h         T2 <= t
//!                  purged                 purged
//! ```

use crate::civil::{HOUR_S, format_utc};
use std::str::FromStr;

/// The two instants of a split, T1 before T2.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    train_until_s: i64,
    valid_until_s: i64,
}

/// Where a row belongs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Answered before T1.
    Train,
    /// Issued from T1 on, answered before T2.
    Valid,
    /// Issued from T2 on.
    Test,
    /// Issued before a cut and answered after it.
    Purged,
}

/// Why there is no such split.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The instants do not follow each other.
    #[error("valid ends at {valid_until}, not after train, which ends at {train_until}", valid_until = format_utc(*valid_until_s), train_until = format_utc(*train_until_s))]
    Order {
        /// T1.
        train_until_s: i64,
        /// T2.
        valid_until_s: i64,
    },
    /// Not three shares that make a whole.
    #[error("`{text}` is no split: {reason}")]
    Shares {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too few different hours to cut twice.
    #[error("{n_rows} rows with a target cannot be cut into shares")]
    TooFew {
        /// Rows with a target.
        n_rows: usize,
    },
}

impl SplitError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Order { .. } => {
                "T1 < T2: train until T1, then valid until T2, then test".to_owned()
            }
            Self::Shares { .. } => {
                "write three positive shares that add up to 1: `0.7,0.1,0.2`".to_owned()
            }
            Self::TooFew { .. } => "give more hours, or shares that are less uneven".to_owned(),
        }
    }
}

impl Cut {
    /// A cut at T1 and T2, seconds since 1970 UTC.
    ///
    /// # Errors
    /// Unless T1 < T2.
    pub fn new(train_until_s: i64, valid_until_s: i64) -> Result<Self, SplitError> {
        if valid_until_s <= train_until_s {
            return Err(SplitError::Order {
                train_until_s,
                valid_until_s,
            });
        }
        Ok(Self {
            train_until_s,
            valid_until_s,
        })
    }

    /// A cut by shares of the rows, pooled over stations; `times_s` are the rows' hours in any order. T1 is the hour
    /// of the first row after the train share, T2 that of the first row after train and valid; both are hours
    /// at which rows begin, so no hour is torn between parts.
    ///
    /// # Errors
    /// When the rows' hours are too few to be cut twice.
    pub fn at_shares(mut times_s: Vec<i64>, shares: Shares) -> Result<Self, SplitError> {
        let n_rows = times_s.len();
        let mut hour_after = |share: f64| {
            let n_before = (share * n_rows as f64).round() as usize;
            (n_before < n_rows).then(|| *times_s.select_nth_unstable(n_before).1)
        };
        let first_s = hour_after(0.0);
        let cuts = (
            hour_after(shares.train),
            hour_after(shares.train + shares.valid),
        );
        match (first_s, cuts) {
            (Some(first_s), (Some(t1_s), Some(t2_s))) if first_s < t1_s && t1_s < t2_s => {
                Self::new(t1_s, t2_s)
            }
            _ => Err(SplitError::TooFew { n_rows }),
        }
    }

    /// T1: train rows are answered before it.
    pub const fn train_until_s(self) -> i64 {
        self.train_until_s
    }

    /// T2: valid rows are answered before it, test rows issued from it on.
    pub const fn valid_until_s(self) -> i64 {
        self.valid_until_s
    }

    /// Where the row of the hour `time_s` belongs when its answer is `horizon_h` hours later.
    pub fn part(self, time_s: i64, horizon_h: u16) -> Part {
        let answer_s = time_s + i64::from(horizon_h) * HOUR_S;
        if answer_s < self.train_until_s {
            Part::Train
        } else if self.train_until_s <= time_s && answer_s < self.valid_until_s {
            Part::Valid
        } else if self.valid_until_s <= time_s {
            Part::Test
        } else {
            Part::Purged
        }
    }
}

/// Shares of the rows for train, valid and test; positive, adding up to 1.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Shares {
    train: f64,
    valid: f64,
    test: f64,
}

impl Shares {
    /// Train, valid and test.
    pub const fn get(self) -> [f64; 3] {
        [self.train, self.valid, self.test]
    }
}

/// Reads `0.7,0.1,0.2`.
impl FromStr for Shares {
    type Err = SplitError;

    fn from_str(text: &str) -> Result<Self, SplitError> {
        /// How far three shares written by hand may miss the whole: `0.333,0.333,0.334` must do.
        const SLIP: f64 = 1e-6;
        let refuse = |reason| SplitError::Shares {
            text: text.to_owned(),
            reason,
        };
        let shares: Result<Vec<f64>, _> =
            text.split(',').map(|share| share.trim().parse()).collect();
        let Ok(&[train, valid, test]) = shares.as_deref() else {
            return Err(refuse("it takes three numbers with commas between them"));
        };
        if ![train, valid, test]
            .iter()
            .all(|share| 0.0 < *share && *share < 1.0)
        {
            return Err(refuse("each share must lie between 0 and 1"));
        }
        if SLIP < (train + valid + test - 1.0).abs() {
            return Err(refuse("the shares do not add up to 1"));
        }
        Ok(Self { train, valid, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HORIZON_H: u16 = 6;

    fn part_at(hours: i64) -> Part {
        let cut = Cut::new(100 * HOUR_S, 200 * HOUR_S).unwrap();
        cut.part(hours * HOUR_S, HORIZON_H)
    }

    #[test]
    fn the_edges_are_exact() {
        for (hour, part) in [
            (93, Part::Train),
            (94, Part::Purged),
            (99, Part::Purged),
            (100, Part::Valid),
            (193, Part::Valid),
            (194, Part::Purged),
            (199, Part::Purged),
            (200, Part::Test),
        ] {
            assert_eq!(part_at(hour), part, "{hour}");
        }
    }

    #[test]
    fn a_nowcast_purges_nothing() {
        let cut = Cut::new(100, 200).unwrap();
        let parts = [99, 100, 199, 200].map(|time_s| cut.part(time_s, 0));
        assert_eq!(parts, [Part::Train, Part::Valid, Part::Valid, Part::Test]);
    }

    #[test]
    fn shares_cut_at_whole_hours_of_the_rows() {
        // Two stations side by side, ten hours: 20 rows, of which 14 train.
        let times_s: Vec<i64> = (0..20).rev().map(|row| 1_800 + row / 2 * HOUR_S).collect();
        let cut = Cut::at_shares(times_s, "0.7,0.1,0.2".parse().unwrap()).unwrap();
        assert_eq!(
            cut,
            Cut::new(1_800 + 7 * HOUR_S, 1_800 + 8 * HOUR_S).unwrap()
        );
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for text in [
            "",
            "0.7",
            "0.7,0.3",
            "0.7,0.1,0.1",
            "0.8,0.3,-0.1",
            "1,0,0",
            "a,b,c",
            "nan,0.5,0.5",
            "0.1,0.2,0.3,0.4",
        ] {
            assert!(text.parse::<Shares>().is_err(), "{text}");
        }
        let shares: Shares = "0.98,0.01,0.01".parse().unwrap();
        assert_eq!(
            Cut::at_shares(vec![0; 9], shares),
            Err(SplitError::TooFew { n_rows: 9 })
        );
        assert_eq!(
            Cut::at_shares(vec![], shares),
            Err(SplitError::TooFew { n_rows: 0 })
        );
        assert!(Cut::new(5, 5).is_err());
    }

    proptest! {
        #[test]
        fn shares_are_kept_within_an_hour(n_hours in 20..400_usize, n_stations in 1..4_usize, train in 0.2..0.6_f64) {
            let times_s: Vec<i64> =
                (0..n_stations).flat_map(|_| (0..n_hours as i64).map(|hour| hour * HOUR_S)).collect();
            let shares = Shares { train, valid: 0.2, test: 0.8 - train };
            let cut = Cut::at_shares(times_s, shares).unwrap();
            let train_h = cut.train_until_s() as f64 / HOUR_S as f64;
            let valid_h = cut.valid_until_s() as f64 / HOUR_S as f64;
            prop_assert!((train_h - train * n_hours as f64).abs() <= 1.0);
            prop_assert!((valid_h - (train + 0.2) * n_hours as f64).abs() <= 1.0);
        }
    }
}
