//! Contributions of a blend: the weighted sums of its parts', and what its parts are told beside the features.
//!
//! ```text
//! features ...  persistence_ug_m3  horizon_h      station_model
//!               the reference      hours ahead    which station's learner it is, and where that starts
//!                                  (together)     (own)
//! ```
//!
//! A learner of one station starts at a base of its own: what that is more than the base of all stations is what the
//! station adds. Not a comparison of parts: only their sum is shown.

use pm25_artifact::model::{
    Blend, HORIZON_COLUMN, Learned, Model, Own, PartModel, Question, Rows, taken,
};
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::shap::{Method, Space};
use pm25_file::{Fault, Result};
use pm25_learn::Columns;
use pm25_learn::tree::{Ensemble, Link};

use crate::explain::{Contributions, of_line, of_trees};

/// What a blend's contributions have beside those of its features.
pub(crate) struct Beside {
    pub(crate) fact: FeatureFact,
    /// One value a row.
    pub(crate) values: Vec<f32>,
}

/// What a blend is told beside its features, in the order of the contributions.
pub(crate) fn beside(model: &Model, blend: &Blend, rows: &Rows) -> Vec<Beside> {
    let fact = |column: &str, expression: &str, unit: &str| FeatureFact {
        column: column.to_owned(),
        expression: expression.to_owned(),
        unit: unit.to_owned(),
    };
    let newest = model.reference(rows);
    let mut all = vec![Beside {
        fact: fact("persistence_ug_m3", "persistence", "µg/m³"),
        values: newest.iter().map(|&r| r as f32).collect(),
    }];
    if asks_horizon(blend) {
        all.push(Beside {
            fact: fact(HORIZON_COLUMN, "horizon", "h"),
            values: vec![f32::from(model.task().horizon_h()); rows.n_rows],
        });
    }
    if asks_station(blend) {
        let number = |place: Option<usize>| place.map_or(f32::NAN, |place| place as f32);
        all.push(Beside {
            fact: fact("station_model", "station", "1"),
            values: model.places(rows).into_iter().map(number).collect(),
        });
    }
    all
}

fn asks_horizon(blend: &Blend) -> bool {
    let mut parts = blend.parts.iter();
    parts.any(|part| matches!(part.model, PartModel::Together(_)))
}

fn asks_station(blend: &Blend) -> bool {
    let mut parts = blend.parts.iter();
    parts.any(|part| matches!(part.model, PartModel::Own(_)))
}

/// Refuses a blend whose parts speak in different spaces: its contributions add up in none.
pub(crate) fn expect_one_space(blend: &Blend) -> Result<()> {
    for part in &blend.parts {
        let other = ensembles(&part.model)
            .into_iter()
            .find(|trees| trees.link != Link::Identity);
        if let Some(trees) = other {
            return Err(Fault::usage(format!(
                "contributions add up in no space: the blend's part `{}` says {} and others µg/m³",
                part.name,
                Space::of(trees.link).unit()
            ))
            .hint("explain a boost model of the same settings"));
        }
    }
    Ok(())
}

fn ensembles(part: &PartModel) -> Vec<&Ensemble> {
    match part {
        PartModel::Linear(_) => Vec::new(),
        PartModel::Trees(trees) => vec![trees],
        PartModel::Together(trees) => vec![trees],
        PartModel::Own(own) => {
            let all = own.stations.iter().flatten().chain([&own.pooled]);
            all.filter_map(trees_of).collect()
        }
    }
}

fn trees_of(learned: &Learned) -> Option<&Ensemble> {
    match learned {
        Learned::Trees(trees) => Some(trees),
        Learned::Linear(_) => None,
    }
}

/// A blend is a sum, so its contributions are the weighted sums of its parts'; the reference is a line of its own, from
/// its mean over the rows that explanations start from.
pub(crate) fn of_blend(
    blend: &Blend,
    (question, reference): (&Question, &[f64]),
    (background, start_ug_m3): (Option<&Question>, f64),
) -> Contributions {
    let slope = blend.reference_slope();
    let n_rows = question.x.n_rows();
    let mut sum = Contributions {
        method: background.map_or(Method::Linear, |_| Method::Interventional),
        base: slope * start_ug_m3,
        phi: vec![vec![0.0; n_rows]; question.x.n_columns()],
    };
    let (mut horizon, mut station) = (vec![0.0; n_rows], vec![0.0; n_rows]);
    for part in &blend.parts {
        let mut of_part = of_part(&part.model, question, background);
        if of_part.method == Method::PathDependent {
            sum.method = of_part.method;
        }
        sum.base += part.weight * of_part.base;
        // What a part is told beside the features is behind them.
        let of_beside = match part.model {
            PartModel::Together(_) => of_part.phi.pop().zip(Some(&mut horizon)),
            PartModel::Own(_) => of_part.phi.pop().zip(Some(&mut station)),
            _ => None,
        };
        if let Some((values, sums)) = of_beside {
            add(sums, part.weight, &values);
        }
        for (sums, values) in sum.phi.iter_mut().zip(&of_part.phi) {
            add(sums, part.weight, values);
        }
    }
    let of_reference = |r: &f64| slope * (r - start_ug_m3);
    sum.phi.push(reference.iter().map(of_reference).collect());
    if asks_horizon(blend) {
        sum.phi.push(horizon);
    }
    if asks_station(blend) {
        sum.phi.push(station);
    }
    sum
}

fn add(sums: &mut [f64], weight: f64, values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

fn of_part(part: &PartModel, question: &Question, background: Option<&Question>) -> Contributions {
    let plain = background.map(|rows| &rows.x);
    match part {
        PartModel::Linear(line) => of_line(line, &question.x, plain),
        PartModel::Trees(trees) => of_trees(trees, &question.x, plain),
        PartModel::Together(trees) => {
            let background = background.map(Question::with_horizon);
            of_trees(trees, &question.with_horizon(), background.as_ref())
        }
        PartModel::Own(own) => of_own(own, question, plain),
    }
}

fn of_learned(learned: &Learned, x: &Columns, background: Option<&Columns>) -> Contributions {
    match learned {
        Learned::Linear(line) => of_line(line, x, background),
        Learned::Trees(trees) => of_trees(trees, x, background),
    }
}

/// Each row by the learner of its station; the last contributions are those of the station itself.
fn of_own(own: &Own, question: &Question, background: Option<&Columns>) -> Contributions {
    let (n_rows, n_columns) = (question.x.n_rows(), question.x.n_columns());
    let no_rows = Columns::new(vec![&[]; n_columns], 0);
    let of_all = of_learned(&own.pooled, &no_rows, background);
    let mut sum = Contributions {
        phi: vec![vec![0.0; n_rows]; n_columns + 1],
        ..of_all
    };
    for (_, learned, rows) in own.groups(question) {
        let taken = taken(&question.x, &rows);
        let x = Columns::new(taken.iter().map(Vec::as_slice).collect(), rows.len());
        let of_rows = of_learned(learned, &x, background);
        for (sums, values) in sum.phi.iter_mut().zip(&of_rows.phi) {
            for (&row, &value) in rows.iter().zip(values) {
                sums[row] = value;
            }
        }
        for &row in &rows {
            sum.phi[n_columns][row] = of_rows.base - sum.base;
        }
    }
    sum
}
