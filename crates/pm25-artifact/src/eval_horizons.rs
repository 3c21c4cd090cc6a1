//! `eval.json` of a model of several horizons: the whole evaluation of each.

use std::collections::BTreeMap;

use pm25_file::{Document, Fault, Header, Result, Sha256, claimed_format, decode_document};
use serde::{Deserialize, Serialize};

use crate::eval::EvalReport;

/// What was found of each horizon; that of 6 h is also `h6/eval.json` beside it, which the header's files name by hash.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonsEval {
    /// Header.
    pub pm25: Header,
    /// The model file.
    pub model: Sha256,
    /// By hours ahead.
    pub horizons: BTreeMap<u16, EvalReport>,
}

impl Document for HorizonsEval {
    const FORMAT: &'static str = "pm25-eval-horizons";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// The evaluations in an `eval.json` of one horizon or of several, rising by horizon; at least one.
///
/// # Errors
/// Bad artifact: damage, another document, or horizons that are not those of their evaluations.
pub fn decode_reports(name: &str, bytes: &[u8]) -> Result<Vec<EvalReport>> {
    if claimed_format(bytes).as_deref() != Some(HorizonsEval::FORMAT) {
        return Ok(vec![decode_document(name, bytes)?]);
    }
    let all: HorizonsEval = decode_document(name, bytes)?;
    let is_own = |(horizon_h, report): (&u16, &EvalReport)| {
        report.model.task.horizon_h() == *horizon_h && report.model.sha256 == all.model
    };
    if all.horizons.is_empty() || !all.horizons.iter().all(is_own) {
        return Err(Fault::bad_artifact(format!(
            "{name}: its horizons are not those of its evaluations"
        ))
        .hint("judge the model again: pm25-eval"));
    }
    Ok(all.horizons.into_values().collect())
}
