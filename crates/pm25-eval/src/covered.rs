//! Whether the model's intervals hold, overall and in each part of the rows.

use pm25_artifact::eval::{CoverageFact, CoverageReport, CoverageSlice};
use pm25_stats::promise::coverage;

use crate::answers::Answers;
use crate::exam::Exam;
use crate::judge::all_rows;
use crate::parts::{Named, by_hour, by_level, by_month, by_station};

/// None where the model makes no intervals.
pub(crate) fn covered(exam: &Exam<'_>, answers: &Answers) -> Option<CoverageReport> {
    let intervals = answers.intervals.as_ref()?;
    let held = |ends: &[[f64; 2]], rows: &[u32]| {
        let row = |row: &u32| {
            let row = *row as usize;
            (exam.target_ug_m3[row], ends[row])
        };
        let rows: Vec<(f64, [f64; 2])> = rows.iter().map(row).collect();
        CoverageFact::from(coverage(&rows, 1.0 - intervals.promised))
    };
    let over = |rows: &[u32]| held(&intervals.ends, rows);
    let all = all_rows(exam.n_rows());
    let followed = intervals.online.as_ref();
    let each = |parts: Named| {
        let part = |(name, rows): (String, Vec<u32>)| CoverageSlice {
            name,
            coverage: over(&rows),
        };
        parts.into_iter().map(part).collect()
    };
    Some(CoverageReport {
        promised: intervals.promised,
        overall: over(&all),
        fixed: followed.map(|followed| held(&followed.fixed, &all)),
        month: each(by_month(exam)),
        hour: each(by_hour(exam)),
        station: each(by_station(exam)),
        predicted_level: each(by_level(exam, &answers.model)),
    })
}
