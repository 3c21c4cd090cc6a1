//! Parts of the test rows, each with its own scores.

use pm25_artifact::eval::{Slice, Slices};
use pm25_file::Result;

use crate::answers::Answers;
use crate::exam::Exam;
use crate::judge::{duel, judge, metrics};
use crate::parts::{Named, by_hour, by_level, by_month, by_season, by_station};

/// All slices that the table says enough for; a part without rows is left out.
pub(crate) fn slices(exam: &Exam<'_>, answers: &Answers) -> Result<Slices> {
    let scored = |parts: Named| -> Result<Vec<Slice>> {
        parts
            .into_iter()
            .map(|(name, rows)| slice(exam, answers, name, &rows))
            .collect()
    };
    Ok(Slices {
        station: scored(by_station(exam))?,
        hour: scored(by_hour(exam))?,
        month: scored(by_month(exam))?,
        season: scored(by_season(exam))?,
        level: scored(by_level(exam, &exam.target_ug_m3))?,
    })
}

fn slice(exam: &Exam<'_>, answers: &Answers, name: String, rows: &[u32]) -> Result<Slice> {
    let persistence = duel(
        &exam.target_ug_m3,
        &answers.model,
        &answers.persistence,
        rows,
    )?;
    Ok(Slice {
        name,
        metrics: metrics(&judge(&exam.target_ug_m3, &answers.model, rows)?),
        persistence: metrics(&persistence.theirs),
        skill: persistence.skill,
    })
}
