//! What a model and its baselines say to each test row.

use pm25_air::Task;
use pm25_artifact::model::online::Outcome;
use pm25_artifact::model::{Intervals, Model, ModelKind, OnlineState, Said};
use pm25_file::{Fault, Result};

use crate::day_before::day_before;
use crate::exam::Exam;

/// Intervals of a model.
pub(crate) struct Ends {
    /// Share of targets that they promise to hold.
    pub(crate) promised: f64,
    /// Lower and upper end, µg/m³, one per test row.
    pub(crate) ends: Vec<[f64; 2]>,
    /// Where they follow what came true.
    pub(crate) online: Option<Followed>,
}

/// Intervals that follow what came true.
pub(crate) struct Followed {
    /// Ends as they were calibrated, also where the lower one is no possible concentration, µg/m³.
    pub(crate) base: Vec<[f64; 2]>,
    /// The ends had they not followed, µg/m³.
    pub(crate) fixed: Vec<[f64; 2]>,
    /// The state after the last row.
    pub(crate) state: OnlineState,
}

/// Answers in µg/m³, one per test row.
pub(crate) struct Answers {
    /// Of the model; never missing.
    pub(crate) model: Vec<f64>,
    /// The same, with the errors that were expected.
    pub(crate) said: Vec<Said>,
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
        let predictions = complete(model.predict(&rows), exam)?;
        let said = model.said(&rows, &predictions);
        let intervals = model.intervals.as_ref();
        Ok(Self {
            intervals: intervals.map(|intervals| ends((model, intervals), exam, &said)),
            model: predictions,
            said,
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

/// The intervals of each row: those of a model that remembers how they went follow, hour by hour, what is known at each
/// row's t.
fn ends((model, intervals): (&Model, &Intervals), exam: &Exam<'_>, said: &[Said]) -> Ends {
    let promised = intervals.coverage;
    let fixed = intervals.around(said);
    let Some((state, time_s)) = model.online.as_ref().zip(exam.time_s) else {
        return Ends {
            promised,
            ends: fixed,
            online: None,
        };
    };
    let rows: Vec<(i64, Said)> = time_s.iter().copied().zip(said.iter().copied()).collect();
    let outcomes = rows.iter().zip(&exam.target_ug_m3);
    let outcomes = outcomes.map(|(&(issued_s, said), &truth_ug_m3)| Outcome {
        issued_s,
        said,
        truth_ug_m3,
    });
    let task = Task::from(model.task());
    let (ends, state) = state.follow((intervals, task), outcomes.collect(), &rows);
    Ends {
        promised,
        ends,
        online: Some(Followed {
            base: said.iter().map(|&said| intervals.base(said)).collect(),
            fixed,
            state,
        }),
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
