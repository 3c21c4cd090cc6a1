//! What a model and its baselines say to each test row.

use pm25_artifact::model::{Model, ModelKind};
use pm25_file::{Fault, Result};

use crate::day_before::day_before;
use crate::exam::Exam;

/// Intervals of a model.
pub(crate) struct Ends {
    /// Share of targets that they promise to hold.
    pub(crate) promised: f64,
    /// Lower and upper end, µg/m³, one per test row.
    pub(crate) ends: Vec<[f64; 2]>,
}

/// Answers in µg/m³, one per test row.
pub(crate) struct Answers {
    /// Of the model; never missing.
    pub(crate) model: Vec<f64>,
    /// Of a model that was calibrated.
    pub(crate) intervals: Option<Ends>,
    /// NaN where the newest PM2.5 is missing.
    pub(crate) persistence: Vec<f64>,
    /// PM2.5 of the same hour of the day before; NaN where the table does not tell it, none where it cannot.
    pub(crate) persistence_24h: Option<Vec<f64>>,
    /// Of the climatology that travels with the model.
    pub(crate) climatology: Vec<f64>,
    /// Of the ridge that travels with the model.
    pub(crate) linear: Vec<f64>,
}

impl Answers {
    /// Asks the model and its baselines.
    pub(crate) fn of(model: &Model, exam: &Exam<'_>) -> Result<Self> {
        let columns = exam.columns(model)?;
        let rows = exam.rows(&columns);
        let said = complete(model.predict(&rows), exam)?;
        let intervals = model.intervals.as_ref().map(|intervals| Ends {
            promised: intervals.coverage,
            ends: intervals.around(&said),
        });
        Ok(Self {
            model: said,
            intervals,
            persistence: model.predict_baseline(ModelKind::Persistence, &rows),
            persistence_24h: day_before(exam, model.task().into()),
            climatology: model.predict_baseline(ModelKind::Climatology, &rows),
            linear: model.predict_baseline(ModelKind::Linear, &rows),
        })
    }

    /// Asks a model alone.
    pub(crate) fn of_model(model: &Model, exam: &Exam<'_>) -> Result<Vec<f64>> {
        let columns = exam.columns(model)?;
        complete(model.predict(&exam.rows(&columns)), exam)
    }
}

/// Nothing may shrink the exam: one row without an answer refuses the model.
pub(crate) fn complete(answers: Vec<f64>, exam: &Exam<'_>) -> Result<Vec<f64>> {
    let unanswered = answers.iter().filter(|answer| !answer.is_finite()).count();
    match answers.iter().position(|answer| !answer.is_finite()) {
        None => Ok(answers),
        Some(first) => Err(Fault::bad_data(format!(
            "{}: the model has no finite prediction for {unanswered} of {} rows, first {}",
            exam.source().name,
            exam.n_rows(),
            exam.place(first)
        ))
        .hint("look for infinite values in the feature columns of that row")),
    }
}
