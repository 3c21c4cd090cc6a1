//! shap_interactions.parquet: what two features add together beyond what they add alone.
//!
//! Not for a line, whose features never act together.
//!
//! A column a feature holds what it adds alone, a column `a*b` what a and b add together; base and all columns of a row
//! add up to its prediction, in the space of the model's contributions. (In the symmetric matrix of the literature `a*b` stands twice, each time half of it.)

use pm25_artifact::model::Model;
use pm25_artifact::shap::PairImportance;
use pm25_file::{Fault, Header, Output, Result, Sha256};
use pm25_learn::tree::Explainer;
use pm25_table::Table;

use crate::explain::{Explained, columns};

/// More features have more pairs than anybody looks at: 64 have 2016.
const N_FEATURES_MAX: usize = 64;

/// What was found, a column for each feature and each pair of features.
pub(crate) struct Interactions {
    /// Names in the order of `columns`.
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    /// Of all columns.
    unit: &'static str,
    /// Positions of the two features of a pair; both are the same for a feature alone.
    places: Vec<(usize, usize)>,
}

/// Explains the rows that have been explained.
pub(crate) fn interactions(model: &Model, explained: &Explained) -> Result<Interactions> {
    let trees = model.trees.as_ref().ok_or_else(|| {
        Fault::usage(format!(
            "--interactions explains the trees of a forest or a booster, not a {} model",
            model.kind()
        ))
        .hint("leave --interactions out, or explain a forest or boost model")
    })?;
    let n = explained.inputs.len();
    if N_FEATURES_MAX < n {
        return Err(Fault::usage(format!(
            "{n} features have too many pairs; --interactions takes up to {N_FEATURES_MAX} features"
        )));
    }
    let places: Vec<(usize, usize)> = (0..n).flat_map(|a| (a..n).map(move |b| (a, b))).collect();
    let name = |&(a, b): &(usize, usize)| match [a, b].map(|place| &explained.inputs[place].column)
    {
        [first, _] if a == b => first.clone(),
        [first, second] => format!("{first}*{second}"),
    };
    let mut found = Interactions {
        names: places.iter().map(name).collect(),
        unit: explained.space.unit(),
        columns: vec![Vec::with_capacity(explained.rows.len()); places.len()],
        places,
    };
    let x = columns(&explained.values);
    Explainer::new(trees, n).interactions(&x, |_, matrices| {
        for matrix in matrices.chunks_exact(n * n) {
            for (column, &(a, b)) in found.columns.iter_mut().zip(&found.places) {
                column.push(if a == b {
                    matrix[a * n + b]
                } else {
                    2.0 * matrix[a * n + b]
                });
            }
        }
        Ok::<(), Fault>(())
    })?;
    Ok(found)
}

impl Interactions {
    /// The pairs that add most, on average over the rows.
    pub(crate) fn strongest(&self, explained: &Explained, n: usize) -> Vec<PairImportance> {
        let columns = self
            .columns
            .iter()
            .zip(&self.places)
            .filter(|(_, (a, b))| a != b);
        let mut pairs: Vec<PairImportance> = columns
            .map(|(column, &(a, b))| PairImportance {
                columns: [a, b].map(|place| explained.inputs[place].column.clone()),
                mean_abs_ug_m3: column.iter().map(|v| v.abs()).sum::<f64>() / column.len() as f64,
            })
            .collect();
        pairs.sort_by(|a, b| {
            b.mean_abs_ug_m3
                .total_cmp(&a.mean_abs_ug_m3)
                .then_with(|| a.columns.cmp(&b.columns))
        });
        pairs.truncate(n);
        pairs
    }

    /// Writes the table behind the columns that say which row it is.
    pub(crate) fn write(&self, to: &Output, mut rows: Table, mut header: Header) -> Result<Sha256> {
        for (name, column) in self.names.iter().zip(&self.columns) {
            rows.push(name, column.clone());
            header = header.unit(name, self.unit);
        }
        rows.write(to, "pm25-shap-interactions", header)
    }
}
