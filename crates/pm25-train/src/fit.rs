//! Fits the wanted kinds of model on the train rows.

use std::borrow::Cow;

use pm25_artifact::drift::{ProfileFile, profiles};
use pm25_artifact::model::{Climatology, Model, ModelKind, Rows, TrainProfile};
use pm25_artifact::prep::FeatureFact;
use pm25_file::{Header, Result};
use pm25_learn::tree::{BoostFit, Ensemble, fit_boost, fit_forest};
use pm25_learn::{Columns, fit_ridge};
use pm25_tool::Console;

use crate::choose::Wanted;
use crate::data::Dataset;
use crate::params::Params;

/// Everything that was learned; one kind will be the model, the rest its baselines.
pub(crate) struct Fitted {
    /// Climatology and ridge, which every model carries.
    model: Model,
    forest: Option<Ensemble>,
    boost: Option<Ensemble>,
}

/// Fits on the train rows; the validation rows only tell a booster when to stop.
pub(crate) fn fit(
    train: &Dataset,
    valid: &Dataset,
    wanted: Wanted,
    params: &Params,
    console: &Console,
) -> Result<Fitted> {
    let columns = train.columns(&train.features)?;
    let matrix = train.matrix(&columns);
    let valid_columns = valid.columns(&train.features)?;
    let forest = wanted.wants(ModelKind::Forest).then(|| {
        let progress = console.progress("forest", count(&params.forest.settings()));
        fit_forest(&matrix, train.target(), &params.forest, &|n| {
            progress.advance(n)
        })
        .ensemble
    });
    let boost = wanted
        .wants(ModelKind::Boost)
        .then(|| boost(&matrix, train, (valid, &valid_columns), params, console).ensemble);
    Ok(Fitted {
        model: baselines(train, &matrix, params),
        forest,
        boost,
    })
}

fn boost(
    matrix: &Columns,
    train: &Dataset,
    (valid, columns): (&Dataset, &[Cow<'_, [f32]>]),
    params: &Params,
    console: &Console,
) -> BoostFit {
    let progress = console.progress("boost", count(&params.boost.settings()));
    let valid_matrix = valid.matrix(columns);
    let fit = fit_boost(
        matrix,
        train.target(),
        Some((&valid_matrix, valid.target())),
        &params.boost,
        &|n| progress.advance(n),
    );
    console.detail(&format!(
        "boost: {} trees kept of {} grown",
        fit.ensemble.trees.len(),
        fit.history.train_errors.len()
    ));
    fit
}

fn count(settings: &[(&'static str, pm25_learn::tree::Number)]) -> u64 {
    settings
        .iter()
        .find_map(|(name, number)| match number {
            pm25_learn::tree::Number::Whole(n) if *name == "n_estimators" => Some(*n),
            _ => None,
        })
        .unwrap_or_default()
}

fn baselines(train: &Dataset, matrix: &Columns, params: &Params) -> Model {
    let rows = train.places().zip(train.target());
    let rows = rows.map(|((station, civil), &target)| (station, civil, target));
    Model {
        header: Header::new(&crate::PROGRAM),
        kind: ModelKind::Persistence,
        task: train.task,
        inputs: train.features.clone(),
        stations: train.stations.clone(),
        climatology: Climatology::fit(train.stations.len(), rows),
        linear: fit_ridge(matrix, train.target(), &params.ridge),
        trees: None,
        profile: None,
    }
}

impl Fitted {
    /// Feature columns in the order that it predicts from.
    pub(crate) fn inputs(&self) -> &[FeatureFact] {
        &self.model.inputs
    }

    /// Which kinds were fitted.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = ModelKind> {
        ModelKind::ALL.into_iter().filter(|kind| match kind {
            ModelKind::Forest => self.forest.is_some(),
            ModelKind::Boost => self.boost.is_some(),
            _ => true,
        })
    }

    /// Predictions of one kind, as the model of that kind will give them.
    pub(crate) fn predict(&mut self, kind: ModelKind, rows: &Rows) -> Vec<f64> {
        self.wear(kind);
        let predictions = self.model.predict(rows);
        self.undress();
        predictions
    }

    /// The chosen kind as a model, with the profile of the rows that it learned from.
    pub(crate) fn into_model(
        mut self,
        kind: ModelKind,
        train: &Dataset,
        header: Header,
    ) -> Result<Model> {
        self.wear(kind);
        let columns = train.columns(&self.model.inputs)?;
        let predictions = self.model.predict(&train.rows(&columns));
        let names = self.model.inputs.iter().map(|input| input.column.as_str());
        let profile = TrainProfile {
            span: train.span(),
            columns: profiles(names.zip(columns.iter().map(|column| &column[..]))),
            prediction: ProfileFile::of_f64(&predictions),
        };
        Ok(Model {
            header,
            profile: Some(profile),
            ..self.model
        })
    }

    /// Makes the model one of this kind; trees are moved, since a forest is too large to copy for a look.
    fn wear(&mut self, kind: ModelKind) {
        self.model.kind = kind;
        self.model.trees = match kind {
            ModelKind::Forest => self.forest.take(),
            ModelKind::Boost => self.boost.take(),
            _ => None,
        };
    }

    fn undress(&mut self) {
        let trees = self.model.trees.take();
        match self.model.kind {
            ModelKind::Forest => self.forest = trees,
            ModelKind::Boost => self.boost = trees,
            _ => {}
        }
    }
}
