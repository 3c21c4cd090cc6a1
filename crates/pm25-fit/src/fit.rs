//! Fits models on given rows.
//!
//! It does not choose: which rows, which kind and how many trees is said by whoever calls.

use pm25_air::civil::{Civil, format_utc};
use pm25_artifact::drift::{ProfileFile, Profiles, RowSpan, profiles};
use pm25_artifact::model::{Climatology, Model, ModelKind, Rows, TrainProfile, predicted_hour};
use pm25_artifact::prep::{FeatureFact, StationFact, TaskFact};
use pm25_file::{Header, Result, program};
use pm25_learn::fit_ridge;
use pm25_learn::tree::Ensemble;
use pm25_tool::Console;

use crate::choose::Wanted;
use crate::data::Dataset;
use crate::learner::{Learner, Stop, learn_shown};
use crate::params::Params;
use crate::sample::Sample;

/// What every model of a table says of itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What is asked.
    pub task: TaskFact,
    /// Feature columns, in order.
    pub inputs: Vec<FeatureFact>,
    /// Stations of the train rows, sorted.
    pub stations: Vec<StationFact>,
}

impl Facts {
    /// Of the table that is learned from.
    pub fn of(train: &Dataset) -> Self {
        Self {
            task: train.task,
            inputs: train.features.clone(),
            stations: train.stations.clone(),
        }
    }
}

/// Everything that was learned from one set of rows; one kind will be the model, the rest its baselines.
pub(crate) struct Fitted {
    /// Climatology and ridge, which every model carries.
    model: Model,
    forest: Option<Ensemble>,
    /// Of the forest, µg/m³.
    oob_rmse_ug_m3: Option<f64>,
    boost: Option<Ensemble>,
}

/// Fits the wanted kinds on the train rows; the validation rows only tell a booster when to stop.
pub(crate) fn fit(
    (train, valid): (&Sample, &Sample),
    facts: &Facts,
    wanted: Wanted,
    params: &Params,
    console: &Console,
) -> Result<Fitted> {
    let (x, x_valid) = (train.matrix(), valid.matrix());
    let stop = Stop::On(&x_valid, &valid.target);
    let grown = |kind: ModelKind, learner: Learner| {
        if !wanted.wants(kind) {
            return Ok(None);
        }
        let fit = learn_shown(learner, (&x, &train.target), &stop, params, console)?;
        Ok::<_, pm25_file::Fault>(Some(fit))
    };
    let forest = grown(ModelKind::Forest, Learner::Forest)?;
    let boost = grown(ModelKind::Boost, Learner::Boost)?;
    Ok(Fitted {
        oob_rmse_ug_m3: forest.as_ref().and_then(|fit| fit.oob_rmse_ug_m3),
        forest: forest.and_then(|fit| fit.model.into_trees()),
        boost: boost.and_then(|fit| fit.model.into_trees()),
        model: baselines(train, facts, params),
    })
}

/// A model of the kind persistence with the climatology and the ridge of these rows.
pub(crate) fn baselines(train: &Sample, facts: &Facts, params: &Params) -> Model {
    let rows = places(&train.rows(), facts).zip(&train.target);
    let rows = rows.map(|((station, civil), &target)| (station, civil, target));
    Model {
        header: Header::new(&program!()),
        kind: ModelKind::Persistence,
        task: facts.task,
        inputs: facts.inputs.clone(),
        stations: facts.stations.clone(),
        climatology: Climatology::fit(facts.stations.len(), rows),
        linear: fit_ridge(&train.matrix(), &train.target, &params.ridge),
        trees: None,
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
    }
}

/// What is known without a learner: the newest PM2.5, where it is missing the climatology, µg/m³.
pub(crate) fn reference(model: &Model, rows: &Sample) -> Vec<f64> {
    model.reference(&rows.rows())
}

/// Station position and civil time of the predicted hour, per row.
fn places<'a>(
    rows: &Rows<'a>,
    facts: &'a Facts,
) -> impl Iterator<Item = (Option<usize>, Option<Civil>)> + use<'a> {
    let positions: Vec<Option<usize>> = rows.station.map_or_else(Vec::new, |(words, _)| {
        let at = |word: &String| facts.stations.iter().position(|s| s.name == *word);
        words.iter().map(at).collect()
    });
    let codes = rows.station.map(|(_, codes)| codes);
    let times = rows.time_s;
    (0..rows.n_rows).map(move |row_idx| {
        let code = codes.map(|codes| codes[row_idx] as usize);
        let at = code.and_then(|code| positions[code]);
        let civil = at.zip(times).map(|(at, times)| {
            let utc_offset_min = facts.stations[at].utc_offset_min;
            predicted_hour(facts.task.into(), times[row_idx], utc_offset_min)
        });
        (at, civil)
    })
}

impl Fitted {
    /// One kind of trees with the baselines. The out-of-bag error is that of a forest, µg/m³.
    pub(crate) fn of(
        baselines: Model,
        kind: ModelKind,
        trees: Ensemble,
        oob_rmse_ug_m3: Option<f64>,
    ) -> Self {
        let (forest, boost) = match kind {
            ModelKind::Forest => (Some(trees), None),
            _ => (None, Some(trees)),
        };
        Self {
            model: baselines,
            forest,
            oob_rmse_ug_m3,
            boost,
        }
    }

    /// Which kinds were fitted.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = ModelKind> {
        ModelKind::ALL.into_iter().filter(|kind| match kind {
            ModelKind::Forest => self.forest.is_some(),
            ModelKind::Boost => self.boost.is_some(),
            ModelKind::Blend => false,
            _ => true,
        })
    }

    /// Out-of-bag RMSE of a forest, µg/m³; none of other kinds.
    pub(crate) fn oob_rmse_ug_m3(&self, kind: ModelKind) -> Option<f64> {
        self.oob_rmse_ug_m3.filter(|_| kind == ModelKind::Forest)
    }

    /// Predictions of one kind, as the model of that kind will give them.
    pub(crate) fn predict(&mut self, kind: ModelKind, rows: &Rows) -> Vec<f64> {
        self.wear(kind);
        let predictions = self.model.predict(rows);
        self.undress();
        predictions
    }

    /// The chosen kind as a model.
    pub(crate) fn into_model(mut self, kind: ModelKind) -> Model {
        self.wear(kind);
        self.model
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

/// The model with the profile of the rows that it learned from.
pub(crate) fn profiled(model: Model, train: &Sample) -> Model {
    let predictions = model.predict(&train.rows());
    let columns = column_profiles(&model.inputs, train);
    with_profile(model, train, columns, &predictions)
}

/// The profile of each feature column.
pub(crate) fn column_profiles(inputs: &[FeatureFact], train: &Sample) -> Profiles {
    let names = inputs.iter().map(|input| input.column.as_str());
    profiles(names.zip(train.slices()))
}

/// The model with the profile of train rows, whose columns may be gone by now.
pub(crate) fn with_profile(
    mut model: Model,
    train: &Sample,
    columns: Profiles,
    predictions: &[f64],
) -> Model {
    let times = train.time_s().unwrap_or_default();
    model.profile = Some(TrainProfile {
        span: RowSpan {
            rows: train.n_rows() as u64,
            first: times.iter().min().map(|&time_s| format_utc(time_s)),
            last: times.iter().max().map(|&time_s| format_utc(time_s)),
        },
        columns,
        prediction: ProfileFile::of_f64(predictions),
    });
    model
}
