//! Scores with their laws checked, and duels: two predictions on exactly the same rows.

use pm25_artifact::eval::{Metrics, Skill};
use pm25_file::{Fault, Result};
use pm25_stats::{Scores, check, scores, skill};

/// Two predictions where the second one exists.
pub(crate) struct Duel {
    /// The first, on the rows of the second.
    pub(crate) ours: Scores,
    /// The second; the rows it could not answer are counted in it.
    pub(crate) theirs: Scores,
    /// Of the first over the second.
    pub(crate) skill: Skill,
}

/// Scores predictions on some rows.
pub(crate) fn judge(target: &[f64], prediction: &[f64], rows: &[u32]) -> Result<Scores> {
    let pairs: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (target[*row as usize], prediction[*row as usize]))
        .collect();
    believable(scores(&pairs))
}

/// Scores two predictions on those of the rows that the second can answer.
pub(crate) fn duel(target: &[f64], ours: &[f64], theirs: &[f64], rows: &[u32]) -> Result<Duel> {
    let shared: Vec<u32> = rows
        .iter()
        .copied()
        .filter(|row| theirs[*row as usize].is_finite())
        .collect();
    let (ours, theirs) = (judge(target, ours, &shared)?, judge(target, theirs, rows)?);
    let skill = Skill {
        skill: skill(ours.rmse, theirs.rmse),
        rows: theirs.rows,
    };
    Ok(Duel {
        ours,
        theirs,
        skill,
    })
}

/// As they are written down.
pub(crate) fn metrics(scores: &Scores) -> Metrics {
    Metrics::from(scores)
}

/// Every row of a table.
pub(crate) fn all_rows(n_rows: usize) -> Vec<u32> {
    (0..n_rows)
        .map(|row| u32::try_from(row).expect("a table has fewer than 2^32 rows"))
        .collect()
}

/// Refuses scores that no data can have: they would be a bug of ours, and must not be written.
fn believable(scores: Scores) -> Result<Scores> {
    match check(&scores) {
        Ok(()) => Ok(scores),
        Err(violation) => Err(Fault::unforeseen(
            "the metrics contradict each other, so none is written",
        )
        .because(violation)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_contradict_each_other_are_not_written() {
        let honest = scores(&[(10.0, 12.0), (20.0, 15.0)]);
        assert!(believable(honest).is_ok());
        let fault = believable(Scores {
            mae: Some(7.5),
            ..honest
        })
        .unwrap_err();
        assert_eq!(fault.kind(), pm25_file::Kind::Unforeseen);
        assert!(format!("{fault:?}").contains("RMSE"), "{fault:?}");
        assert!(
            believable(Scores {
                r2: Some(0.999),
                ..honest
            })
            .is_err()
        );
    }

    #[test]
    fn an_overflow_is_caught_before_it_becomes_a_number() {
        assert!(judge(&[1.0, 2.0], &[1e300, 0.0], &[0, 1]).is_err());
    }

    #[test]
    fn a_duel_is_fought_on_the_rows_that_both_can_answer() {
        let (target, ours) = ([10.0, 20.0, 30.0], [11.0, 21.0, 90.0]);
        let theirs = [12.0, 22.0, f64::NAN];
        let duel = duel(&target, &ours, &theirs, &all_rows(3)).unwrap();
        assert_eq!(
            (
                duel.ours.rmse,
                duel.theirs.rmse,
                duel.theirs.missing_predictions
            ),
            (Some(1.0), Some(2.0), 1)
        );
        assert_eq!(
            duel.skill,
            Skill {
                skill: Some(0.5),
                rows: 2
            }
        );
    }
}
