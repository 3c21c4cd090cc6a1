//! `exceed_ug_m3` of a request: thresholds whose probability is wanted with each prediction.

use crate::json::Reader;
use crate::problem::{Problem, Result};
use crate::served::Served;

/// The field of the request.
pub(crate) const FIELD: &str = "exceed_ug_m3";
/// More than the bands of any scale; each adds to the answer of every row.
pub(crate) const N_MAX: usize = 10;
/// µg/m³; as in `pm25-predict --exceed`.
pub(crate) const MAX_UG_M3: f64 = 10_000.0;

/// Thresholds, µg/m³, in the order in which they were sent.
///
/// # Errors
/// 422 for too many, for what no concentration can be, and for a model that does not know its errors.
pub(super) fn read(reader: &mut Reader, served: &Served) -> Result<Vec<f64>> {
    let mut thresholds = Vec::new();
    reader.array(|reader, _| {
        if thresholds.len() == N_MAX {
            return Err(reader.problem(format!("there are more than {N_MAX} thresholds")));
        }
        thresholds.push(threshold(reader)?);
        Ok(())
    })?;
    if !thresholds.is_empty() && !served.knows_errors() {
        return Err(ignorant());
    }
    Ok(thresholds)
}

fn threshold(reader: &mut Reader) -> Result<f64> {
    let place = |reader: &Reader, value: f64| {
        let what = format!("{value} is no threshold for PM2.5");
        let problem = reader.problem(what).unit(super::UNIT);
        problem.range(0.0, MAX_UG_M3 as f32)
    };
    let value = reader.long_number()?;
    match 0.0 < value && value <= MAX_UG_M3 {
        true => Ok(value),
        false => Err(place(reader, value)),
    }
}

fn ignorant() -> Problem {
    Problem::unusable("the model does not know its errors, so it has no probabilities")
        .field(FIELD)
        .pointer(format!("/{FIELD}"))
        .hint("serve one that is calibrated on folds: pm25-train --model best")
}
