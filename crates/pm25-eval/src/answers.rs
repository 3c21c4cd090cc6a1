//! What a model and its baselines say to each test row.

use pm25_artifact::model::{Model, ModelKind};
use pm25_file::{Fault, Result};

use crate::exam::Exam;

/// Answers in µg/m³, one per test row.
pub(crate) struct Answers {
    /// Of the model; never missing.
    pub(crate) model: Vec<f64>,
    /// NaN where the newest PM2.5 is missing.
    pub(crate) persistence: Vec<f64>,
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
        Ok(Self {
            model: complete(model.predict(&rows), exam)?,
            persistence: model.predict_baseline(ModelKind::Persistence, &rows),
            climatology: model.predict_baseline(ModelKind::Climatology, &rows),
            linear: model.predict_baseline(ModelKind::Linear, &rows),
        })
    }
}

/// Asks another model the same rows; it must make the same task.
pub(crate) fn of_rival(rival: &Model, model: &Model, exam: &Exam<'_>) -> Result<Vec<f64>> {
    if rival.task() != model.task() {
        let (a, b) = (
            pm25_air::Task::from(model.task()),
            pm25_air::Task::from(rival.task()),
        );
        return Err(Fault::bad_data(format!(
            "the models do different things: one makes a {a}, the other a {b}"
        ))
        .hint("hold a model only against one of the same task and horizon"));
    }
    let columns = exam.columns(rival)?;
    complete(rival.predict(&exam.rows(&columns)), exam)
}

/// Nothing may shrink the exam: one row without an answer refuses the model.
fn complete(answers: Vec<f64>, exam: &Exam<'_>) -> Result<Vec<f64>> {
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
