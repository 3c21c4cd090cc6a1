//! The report on standard output.

use std::fmt;

use pm25_artifact::shap::ShapReport;
use serde::Serialize;

/// How many features people are shown.
const N_SHOWN: usize = 10;

#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Said<'a>(pub(crate) &'a ShapReport);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShapReport {
            kind,
            rows,
            space,
            base_ug_m3,
            additivity_error_max,
            features,
            ..
        } = self.0;
        let unit = space.unit();
        writeln!(
            f,
            "{kind}: {rows} rows explained, base {base_ug_m3:.2} {unit}"
        )?;
        writeln!(
            f,
            "contributions add up on every row (largest relative error {additivity_error_max:.1e})"
        )?;
        for feature in features.iter().take(N_SHOWN) {
            writeln!(
                f,
                "  {:<28} {:>8.3} {unit} on average",
                feature.column, feature.mean_abs_ug_m3
            )?;
        }
        if N_SHOWN < features.len() {
            writeln!(f, "  and {} more in shap.json", features.len() - N_SHOWN)?;
        }
        Ok(())
    }
}
