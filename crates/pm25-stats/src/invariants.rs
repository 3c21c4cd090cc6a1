//! Laws that every honest set of scores obeys; a report that breaks one is wrong, whatever the model.
//!
//! It is not a quality gate: a terrible model passes. Published tables break these laws (an RMSE of 4.31 beside an MAE
//! of 7.50, for one), which is why they are checked before anything is written.

use crate::scores::Scores;

/// Relative slack for the rounding of sums; the laws themselves are exact.
pub const TOLERANCE: f64 = 1e-9;

/// The law that was broken, with the numbers that break it.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// A root of mean squares is never below the mean of absolutes.
    #[error("RMSE {rmse} is smaller than MAE {mae}")]
    RmseBelowMae {
        /// As reported.
        rmse: f64,
        /// As reported.
        mae: f64,
    },
    /// A mean is never larger than the mean of absolutes.
    #[error("bias {bias} is larger than MAE {mae}")]
    BiasAboveMae {
        /// As reported.
        bias: f64,
        /// As reported.
        mae: f64,
    },
    /// R² is 1 - RMSE² / variance of the targets, by definition.
    #[error("R2 {r2} is not 1 - RMSE^2 / variance = {expected}")]
    R2Disagrees {
        /// As reported.
        r2: f64,
        /// From RMSE and the targets' variance.
        expected: f64,
    },
    /// A score is NaN or infinite.
    #[error("{score} is {value}, not a number that can be reported")]
    NotFinite {
        /// Name of the score.
        score: &'static str,
        /// What it is.
        value: f64,
    },
    /// Rows without RMSE, MAE or bias, or the reverse.
    #[error("{rows} rows were scored, but {score} is {state}")]
    RowsDisagree {
        /// Rows scored.
        rows: u64,
        /// Name of the score.
        score: &'static str,
        /// `missing` or `present`.
        state: &'static str,
    },
    /// MAPE claims more rows than were scored.
    #[error("MAPE covers {mape_rows} rows of {rows}")]
    MapeRows {
        /// Rows of MAPE.
        mape_rows: u64,
        /// Rows scored.
        rows: u64,
    },
}

/// Holds scores against the laws above.
///
/// # Errors
/// The first law broken.
pub fn check(scores: &Scores) -> Result<(), Violation> {
    finite(scores)?;
    complete(scores)?;
    let (Some(rmse), Some(mae), Some(bias)) = (scores.rmse, scores.mae, scores.bias) else {
        return Ok(());
    };
    let slack = TOLERANCE * rmse.max(mae);
    if rmse + slack < mae {
        return Err(Violation::RmseBelowMae { rmse, mae });
    }
    if mae + slack < bias.abs() {
        return Err(Violation::BiasAboveMae { bias, mae });
    }
    r2_agrees(scores, rmse)
}

fn r2_agrees(scores: &Scores, rmse: f64) -> Result<(), Violation> {
    let (Some(r2), Some(variance)) = (scores.r2, scores.target_variance) else {
        return Ok(());
    };
    let expected = 1.0 - rmse * rmse / variance;
    if (r2 - expected).abs() <= TOLERANCE * r2.abs().max(1.0) {
        Ok(())
    } else {
        Err(Violation::R2Disagrees { r2, expected })
    }
}

fn finite(scores: &Scores) -> Result<(), Violation> {
    let named = [
        ("RMSE", scores.rmse),
        ("MAE", scores.mae),
        ("bias", scores.bias),
        ("R2", scores.r2),
        ("MAPE", scores.mape_pct),
    ];
    match named
        .into_iter()
        .find_map(|(score, value)| Some((score, value.filter(|v| !v.is_finite())?)))
    {
        Some((score, value)) => Err(Violation::NotFinite { score, value }),
        None => Ok(()),
    }
}

fn complete(scores: &Scores) -> Result<(), Violation> {
    let rows = scores.rows;
    for (score, value) in [
        ("RMSE", scores.rmse),
        ("MAE", scores.mae),
        ("bias", scores.bias),
    ] {
        if value.is_some() != (0 < rows) {
            let state = if value.is_some() {
                "present"
            } else {
                "missing"
            };
            return Err(Violation::RowsDisagree { rows, score, state });
        }
    }
    let mape_rows = scores.mape_rows;
    if rows < mape_rows {
        Err(Violation::MapeRows { mape_rows, rows })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::scores;
    use proptest::prelude::*;

    fn honest() -> Scores {
        scores(&[(10.0, 12.0), (20.0, 15.0), (40.0, 41.0)])
    }

    #[test]
    fn each_law_is_named_when_broken() {
        let s = honest();
        assert_eq!(check(&s), Ok(()));
        assert!(matches!(
            check(&Scores {
                rmse: Some(1.0),
                ..s
            }),
            Err(Violation::RmseBelowMae { .. })
        ));
        assert!(matches!(
            check(&Scores {
                bias: Some(-9.0),
                ..s
            }),
            Err(Violation::BiasAboveMae { .. })
        ));
        assert!(matches!(
            check(&Scores {
                r2: s.r2.map(|r| r + 1e-8),
                ..s
            }),
            Err(Violation::R2Disagrees { .. })
        ));
        assert!(matches!(
            check(&Scores {
                mape_pct: Some(f64::NAN),
                ..s
            }),
            Err(Violation::NotFinite { score: "MAPE", .. })
        ));
        assert!(matches!(
            check(&Scores { mae: None, ..s }),
            Err(Violation::RowsDisagree {
                state: "missing",
                ..
            })
        ));
        assert!(matches!(
            check(&Scores { rows: 0, ..s }),
            Err(Violation::RowsDisagree {
                state: "present",
                ..
            })
        ));
        assert!(matches!(
            check(&Scores { mape_rows: 4, ..s }),
            Err(Violation::MapeRows {
                mape_rows: 4,
                rows: 3
            })
        ));
    }

    #[test]
    fn a_violation_says_its_numbers() {
        let said = check(&Scores {
            rmse: Some(4.31),
            mae: Some(7.5),
            ..honest()
        })
        .unwrap_err()
        .to_string();
        assert_eq!(said, "RMSE 4.31 is smaller than MAE 7.5");
    }

    #[test]
    fn nothing_scored_breaks_no_law() {
        assert_eq!(check(&scores(&[])), Ok(()));
    }

    proptest! {
        #[test]
        fn our_own_scores_obey(pairs in proptest::collection::vec((0.0..1000.0f64, -50.0..1000.0f64), 0..80)) {
            prop_assert_eq!(check(&scores(&pairs)), Ok(()));
        }

        #[test]
        fn a_constant_error_is_the_edge_case_of_all_laws(target in 0.0..500.0f64, error in -20.0..20.0f64, n in 1..50usize) {
            let pairs: Vec<(f64, f64)> = (0..n).map(|i| (target + i as f64, target + i as f64 + error)).collect();
            prop_assert_eq!(check(&scores(&pairs)), Ok(()));
        }
    }
}
