//! The rows on which a model was most wrong, for somebody to look at.

use pm25_air::civil::format_utc;
use pm25_artifact::eval::Worst;

use crate::answers::Answers;
use crate::exam::Exam;

/// How many are listed.
const WORST: usize = 20;

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
