//! Where a model was worst: single rows, and parts of the rows, for somebody to look at.

use pm25_air::civil::format_utc;
use pm25_artifact::eval::{Slice, Slices, Worst, WorstSlice};

use crate::answers::Answers;
use crate::exam::Exam;

/// How many are listed.
const WORST: usize = 20;

/// Fewest rows with persistence in a part that is held up as the worst: a week of one station. Fewer are an episode.
const SLICE_ROWS_MIN: u64 = 7 * 24;

/// Of each kind of part the one with the lowest skill over persistence; of equal ones the first.
pub(crate) fn worst_slices(slices: &Slices) -> Vec<WorstSlice> {
    let kinds = [
        ("station", &slices.station),
        ("month", &slices.month),
        ("hour", &slices.hour),
        ("season", &slices.season),
        ("level", &slices.level),
    ];
    kinds
        .into_iter()
        .filter_map(|(kind, parts)| worst_slice(kind, parts))
        .collect()
}

fn worst_slice(kind: &str, parts: &[Slice]) -> Option<WorstSlice> {
    let known = parts
        .iter()
        .filter(|part| SLICE_ROWS_MIN <= part.skill.rows)
        .filter_map(|part| Some((part, part.skill.skill?)));
    let (part, _) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(WorstSlice {
        kind: kind.to_owned(),
        name: part.name.clone(),
        rmse_ug_m3: part.metrics.rmse_ug_m3?,
        skill: part.skill,
    })
}

/// The largest absolute errors; of equal ones the earlier station by name, then the earlier time, comes first.
pub(crate) fn worst(exam: &Exam<'_>, answers: &Answers) -> Vec<Worst> {
    let error = |row: usize| answers.model[row] - exam.target_ug_m3[row];
    let key = |row: usize| {
        (
            exam.station.map(|text| text.get(row)),
            exam.time_s.map(|time_s| time_s[row]),
            row,
        )
    };
    let mut rows: Vec<usize> = (0..exam.n_rows()).collect();
    rows.sort_by(|a, b| {
        error(*b)
            .abs()
            .total_cmp(&error(*a).abs())
            .then_with(|| key(*a).cmp(&key(*b)))
    });
    rows.truncate(WORST);
    let entry = |row: usize| Worst {
        station: exam.station.map(|text| text.get(row).to_owned()),
        time: exam.time_s.map(|time_s| format_utc(time_s[row])),
        target_ug_m3: exam.target_ug_m3[row],
        prediction_ug_m3: answers.model[row],
        persistence_ug_m3: Some(answers.persistence[row]).filter(|value| value.is_finite()),
        error_ug_m3: error(row),
    };
    rows.into_iter().map(entry).collect()
}
