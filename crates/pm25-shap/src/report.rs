//! From contributions to importances.

use pm25_artifact::model::Model;
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::shap::{Importance, ShapReport};
use pm25_file::{Header, InputRef};

use crate::explain::Explained;

/// The report, without its files.
pub(crate) fn report(
    header: Header,
    model_ref: &InputRef,
    model: &Model,
    explained: &Explained,
) -> ShapReport {
    let mut features: Vec<Importance> = explained
        .inputs
        .iter()
        .zip(&explained.phi)
        .map(|(input, phi)| importance(input, phi))
        .collect();
    features.sort_by(|a, b| {
        b.mean_abs_ug_m3
            .total_cmp(&a.mean_abs_ug_m3)
            .then_with(|| a.column.cmp(&b.column))
    });
    ShapReport {
        pm25: header,
        model: model_ref.sha256,
        kind: model.kind(),
        task: model.task(),
        space: explained.space,
        method: explained.method,
        base_ug_m3: explained.base,
        rows: explained.predictions.len() as u64,
        additivity_error_max: explained.additivity_error_max,
        features,
        pairs: Vec::new(),
    }
}

fn importance(input: &FeatureFact, phi: &[f64]) -> Importance {
    let n_rows = phi.len() as f64;
    Importance {
        column: input.column.clone(),
        unit: input.unit.clone(),
        mean_abs_ug_m3: phi.iter().map(|v| v.abs()).sum::<f64>() / n_rows,
        mean_ug_m3: phi.iter().sum::<f64>() / n_rows,
        min_ug_m3: phi.iter().copied().fold(f64::INFINITY, f64::min),
        max_ug_m3: phi.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}
