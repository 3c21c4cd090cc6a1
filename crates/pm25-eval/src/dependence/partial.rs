//! Partial dependence: mean predictions over rows whose column has been set to a value.
//!
//! All else stays as it was in each row, the missing included.

use pm25_artifact::dependence::CurvePoint;
use pm25_artifact::model::{Model, Rows};
use rayon::prelude::*;

use crate::together::Together;

/// Ends of the band of single rows' curves.
const BAND: [f64; 2] = [0.1, 0.9];

/// The rows that are asked about.
pub(crate) struct Sample {
    words: Vec<String>,
    station: Vec<u32>,
    time_s: Vec<i64>,
    persistence_ug_m3: Option<Vec<f32>>,
    columns: Vec<Vec<f32>>,
}

impl Sample {
    /// The middles of `n` equal parts of the rows; all if there are no more.
    pub(crate) fn new(rows: &Together, n: usize) -> Self {
        let n_rows = rows.n_rows();
        let n = n.min(n_rows);
        let chosen: Vec<usize> = (0..n)
            .map(|part| (2 * part + 1) * n_rows / (2 * n))
            .collect();
        let pick = |column: &Vec<f32>| chosen.iter().map(|row| column[*row]).collect();
        Self {
            words: rows
                .stations
                .iter()
                .map(|place| place.name.clone())
                .collect(),
            station: chosen.iter().map(|row| rows.station[*row]).collect(),
            time_s: chosen.iter().map(|row| rows.time_s[*row]).collect(),
            persistence_ug_m3: rows.persistence_ug_m3.as_ref().map(pick),
            columns: rows.columns.iter().map(pick).collect(),
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.time_s.len()
    }

    /// What the model says where these columns have these values.
    fn say(&self, model: &Model, set: &[(usize, f32)]) -> Vec<f64> {
        let constant: Vec<Vec<f32>> = set
            .iter()
            .map(|(_, value)| vec![*value; self.n_rows()])
            .collect();
        let mut features: Vec<&[f32]> = self.columns.iter().map(Vec::as_slice).collect();
        for ((column, _), values) in set.iter().zip(&constant) {
            features[*column] = values;
        }
        model.predict(&Rows {
            station: Some((&self.words, &self.station)),
            time_s: Some(&self.time_s),
            persistence_ug_m3: self.persistence_ug_m3.as_deref(),
            features,
            n_rows: self.n_rows(),
        })
    }
}

/// The curve over rising values.
pub(crate) fn curve(
    model: &Model,
    sample: &Sample,
    column: usize,
    values: &[f32],
) -> Vec<CurvePoint> {
    let said: Vec<Vec<f64>> = values
        .par_iter()
        .map(|value| sample.say(model, &[(column, *value)]))
        .collect();
    let means: Vec<f64> = said.iter().map(|said| mean(said)).collect();
    let level = mean(&means);
    // How far each row's curve lies above the mean curve on average.
    let above: Vec<f64> = (0..sample.n_rows())
        .map(|row| said.iter().map(|said| said[row]).sum::<f64>() / said.len() as f64 - level)
        .collect();
    let point = |((value, said), mean): ((&f32, &Vec<f64>), &f64)| {
        let mut level: Vec<f64> = said
            .iter()
            .zip(&above)
            .map(|(said, above)| said - above)
            .collect();
        level.sort_unstable_by(f64::total_cmp);
        let end = |share: f64| level[(share * (level.len() - 1) as f64).round() as usize];
        CurvePoint {
            value: f64::from(*value),
            mean_ug_m3: *mean,
            ice_10_90_ug_m3: BAND.map(end),
        }
    };
    values.iter().zip(&said).zip(&means).map(point).collect()
}

/// Means over a grid: a row for each value of the first column.
pub(crate) fn surface(
    model: &Model,
    sample: &Sample,
    columns: [usize; 2],
    values: &[Vec<f32>; 2],
) -> Vec<Vec<f64>> {
    values[0]
        .par_iter()
        .map(|a| {
            let at = |b: &f32| mean(&sample.say(model, &[(columns[0], *a), (columns[1], *b)]));
            values[1].iter().map(at).collect()
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
