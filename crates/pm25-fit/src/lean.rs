//! One booster or forest by name, from train rows of which only bins are kept while it learns.
//!
//! Not another model: its file has the same bytes as if the values had stayed. What needs values, namely the baselines
//! and the profiles of columns, is made before; what is needed of the rows afterwards, the bins tell exactly.
//!
//! ```text
//! values ─┬─ climatology, ridge, profiles of columns
//!         └─ bins ─┬─ trees ─┬─ candidates on the valid rows
//!  (dropped)       └─────────┴─ what the trees say of the train rows: bias correction, profile of predictions
//! ```

use pm25_artifact::model::{Model, ModelKind};
use pm25_artifact::train::Candidate;
use pm25_file::Result;
use pm25_learn::tree::{Binned, Ensemble, Transform, fit_binned, fit_binned_forest};
use pm25_tool::Console;

use crate::choose::{self, Wanted};
use crate::fit::{self, Fitted};
use crate::learner::Learner;
use crate::make::Order;
use crate::params::{Params, count_of};
use crate::sample::Sample;

/// The kind that is wanted, if it can be learned like this. Bins do not tell infinite values from the largest finite
/// ones; nobody measures such, but a table of another program may hold them.
pub(crate) fn kind(wanted: Wanted, train: &Sample) -> Option<ModelKind> {
    let Wanted::Kind(kind @ (ModelKind::Boost | ModelKind::Forest)) = wanted else {
        return None;
    };
    let columns = train.slices();
    let is_finite = |column: &&[f32]| !column.contains(&f32::INFINITY);
    columns.iter().all(is_finite).then_some(kind)
}

/// The model with its profile, and every kind compared on the valid rows, best first.
pub(crate) fn learn(
    order: &Order,
    kind: ModelKind,
    (mut train, valid): (Sample, &Sample),
    console: &Console,
) -> Result<(Model, Vec<Candidate>)> {
    let (facts, params) = (order.facts, order.params);
    let baselines = fit::baselines(&train, facts, params);
    let profiles = fit::column_profiles(&facts.inputs, &train);
    let table = match kind {
        ModelKind::Forest => binned(&mut train, &[], params.forest.max_bin()),
        _ => binned(&mut train, &params.roles, params.boost.max_bin()),
    };
    let (trees, oob_rmse_ug_m3) = match kind {
        ModelKind::Forest => forest((&table, &train.target), params, console),
        _ => (
            booster((&table, &train.target), valid, params, console),
            None,
        ),
    };
    let predictions = trees.predict_binned(&table);
    drop(table);
    let mut fitted = Fitted::of(baselines, kind, trees, oob_rmse_ug_m3);
    let candidates = choose::candidates(&mut fitted, valid)?;
    let model = fit::with_profile(fitted.into_model(kind), &train, profiles, &predictions);
    Ok((model, candidates))
}

fn binned(train: &mut Sample, roles: &[pm25_learn::tree::Role], max_bin: usize) -> Binned {
    Binned::of(train.take_columns(), roles, max_bin)
}

/// And its out-of-bag RMSE, µg/m³.
fn forest(
    (table, y): (&Binned, &[f32]),
    params: &Params,
    console: &Console,
) -> (Ensemble, Option<f64>) {
    let n_trees = count_of(&params.forest.settings());
    let progress = console.progress(Learner::Forest.word(), n_trees);
    let fit = fit_binned_forest(table, y, &params.forest, &|n| progress.advance(n));
    tell(Learner::Forest, &fit.ensemble, n_trees, console);
    (fit.ensemble, Some(fit.out_of_bag_rmse))
}

fn booster(
    (table, y): (&Binned, &[f32]),
    valid: &Sample,
    params: &Params,
    console: &Console,
) -> Ensemble {
    let n_trees = count_of(&params.boost.settings());
    let progress = console.progress(Learner::Boost.word(), n_trees);
    let transform = params.transform_of(Learner::Boost);
    let learned = |y: &[f32]| y.iter().map(|&y| transform.of(y)).collect::<Vec<f32>>();
    let (y_learned, y_valid) = (learned(y), learned(&valid.target));
    let fit = fit_binned(
        table,
        (&y_learned, &[]),
        Some((&valid.matrix(), &y_valid)),
        &params.boost,
        &|n| progress.advance(n),
    );
    let mut trees = fit.ensemble;
    tell(Learner::Boost, &trees, n_trees, console);
    if transform != Transform::None {
        trees.link = transform.link(y, &trees.scores_of_binned(table));
    }
    trees
}

fn tell(learner: Learner, trees: &Ensemble, n_trees: u64, console: &Console) {
    let n_kept = trees.trees.len();
    let word = learner.word();
    console.detail(&format!("{word}: {n_kept} trees of at most {n_trees}"));
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use pm25_artifact::prep::{FeatureFact, StationFact, TaskFact};
    use pm25_tool::Common;

    use super::*;
    use crate::fit::Facts;
    use crate::sample::Parts;
    use crate::scope::Stations;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        common: Common,
    }

    fn sample(hours: std::ops::Range<i64>) -> Sample {
        let value = |hour: i64, column: i64| match (hour * (column + 7919) + column) % 1013 {
            missing if missing % 17 == 3 => f32::NAN,
            value => (value % (50 * column + 9)) as f32 / 4.0,
        };
        let columns: Vec<Vec<f32>> = (0..9)
            .map(|column| hours.clone().map(|hour| value(hour, column)).collect())
            .collect();
        let target = hours.clone().map(|hour| {
            let x = value(hour, 3);
            20.0 + if x.is_nan() { 7.0 } else { x } + (hour % 24) as f32
        });
        let n_rows = hours.clone().count();
        Sample::from(Parts {
            target: target.collect(),
            time_s: hours.map(|hour| 3600 * hour).collect(),
            persistence: vec![f32::NAN; n_rows],
            station: (vec!["a".to_owned()], vec![0; n_rows]),
            columns,
        })
    }

    fn facts() -> Facts {
        let input = |at: usize| FeatureFact {
            column: format!("x{at}"),
            expression: format!("x{at}"),
            unit: "1".into(),
        };
        Facts {
            task: TaskFact::Nowcast,
            inputs: (0..9).map(input).collect(),
            stations: vec![StationFact {
                name: "a".into(),
                utc_offset_min: 480,
            }],
        }
    }

    #[test]
    fn what_is_learned_from_bins_alone_is_the_model_of_the_values() {
        let console = Console::new(&Flags::parse_from(["test", "--quiet"]).common);
        let facts = facts();
        let (train, valid) = (sample(0..2500), sample(2500..2800));
        for (kind, settings) in [
            (ModelKind::Boost, &["boost.n_estimators=12"][..]),
            (
                ModelKind::Boost,
                &[
                    "boost.n_estimators=60",
                    "boost.early_stopping_rounds=3",
                    "boost.transform=log1p",
                ],
            ),
            (ModelKind::Forest, &["forest.n_estimators=4"]),
        ] {
            let wanted = Wanted::Kind(kind);
            let settings: Vec<String> = settings.iter().map(|&word| word.to_owned()).collect();
            let mut params = Params::parse(&settings, &[], wanted).unwrap();
            if kind == ModelKind::Boost {
                params.roles = vec![pm25_learn::tree::Role::Number; 9];
                params.roles[1] = pm25_learn::tree::Role::Category;
                params.roles[3] = pm25_learn::tree::Role::Rising;
            }
            let order = Order {
                wanted,
                n_folds: 4,
                parts: &[],
                stations: Stations::default(),
                facts: &facts,
                params: &params,
            };
            let rows = (&train, &valid);
            let mut fitted = fit::fit(rows, &facts, wanted, &params, &console).unwrap();
            let candidates = choose::candidates(&mut fitted, &valid).unwrap();
            let expected = fit::profiled(fitted.into_model(kind), &train);
            assert_eq!(super::kind(wanted, &train), Some(kind));
            let found = learn(&order, kind, (train.clone(), &valid), &console).unwrap();
            assert_eq!(format!("{:?}", found.0), format!("{expected:?}"));
            assert_eq!(format!("{:?}", found.1), format!("{candidates:?}"));
        }
    }

    #[test]
    fn infinite_values_and_other_kinds_are_learned_from_values() {
        let train = sample(0..50);
        assert_eq!(kind(Wanted::Best, &train), None);
        assert_eq!(kind(Wanted::Kind(ModelKind::Blend), &train), None);
        let mut parts = vec![vec![0.0; 2]; 2];
        parts[1][1] = f32::INFINITY;
        let train = Sample::from(Parts {
            columns: parts,
            target: vec![1.0; 2],
            time_s: vec![0, 3600],
            persistence: vec![f32::NAN; 2],
            station: (vec!["a".to_owned()], vec![0; 2]),
        });
        assert_eq!(kind(Wanted::Kind(ModelKind::Boost), &train), None);
    }
}
