//! The other side of `--against`: another model asked the same rows, or what another evaluation has written down.
//!
//! Only equal rows are compared; a comparison on other rows would say which exam was easier.

use std::path::Path;

use pm25_artifact::eval::{EvalReport, ModelRef};
use pm25_artifact::model::{Horizons, Model};
use pm25_file::{Fault, Input, InputRef, Result, read_document};
use pm25_table::{Column, Table};

use crate::answers::{Answers, complete};
use crate::each;
use crate::exam::Exam;
use crate::files::{PREDICTIONS, REPORT};

/// The other model and its answers.
pub(crate) struct Rival {
    pub(crate) model: ModelRef,
    /// What was read.
    pub(crate) inputs: Vec<InputRef>,
    /// µg/m³, one per test row.
    pub(crate) answers: Vec<f64>,
}

impl Rival {
    /// From a model file, or from the folder of an evaluation.
    pub(crate) fn of(input: &Input, model: &Model, exam: &Exam<'_>) -> Result<Self> {
        match input {
            Input::Path(path) if path.is_dir() => from_folder(path, model, exam),
            _ => from_model(input, model, exam),
        }
    }
}

fn from_model(input: &Input, model: &Model, exam: &Exam<'_>) -> Result<Rival> {
    let (rivals, reference) = Horizons::read(input)?;
    let horizon_h = match rivals.members() {
        [_] => None,
        _ => Some(pm25_air::Task::from(model.task()).horizon_h()),
    };
    let rival = rivals.at(&input.to_string(), horizon_h)?;
    expect_same_task(rival.task().into(), model)?;
    Ok(Rival {
        model: ModelRef {
            sha256: reference.sha256,
            kind: rival.kind(),
            task: rival.task(),
        },
        answers: Answers::of_model(&rival, exam)?,
        inputs: vec![reference],
    })
}

fn from_folder(folder: &Path, model: &Model, exam: &Exam<'_>) -> Result<Rival> {
    // An evaluation of several horizons has a folder for each.
    let own = each::folder(folder, model);
    let folder = match own.is_dir() {
        true => &own,
        false => folder,
    };
    let (report, report_ref) = read_document::<EvalReport>(&Input::Path(folder.join(REPORT)))?;
    expect_same_task(report.model.task.into(), model)?;
    let table = Table::read(&Input::Path(folder.join(PREDICTIONS)), "pm25-predictions")?;
    let listed = report
        .pm25
        .files
        .iter()
        .find(|file| file.name == PREDICTIONS);
    if listed.is_none_or(|file| file.sha256 != table.source().sha256) {
        return Err(Fault::bad_artifact(format!(
            "{}: it is not the file that {REPORT} beside it lists",
            table.source().name
        ))
        .hint("judge that model again"));
    }
    Ok(Rival {
        model: report.model,
        answers: complete(in_order(exam, &table)?, exam)?,
        inputs: vec![report_ref, table.source().clone()],
    })
}

/// The answers of a table of predictions, refused unless its rows are those of the exam in the same order.
fn in_order(exam: &Exam<'_>, table: &Table) -> Result<Vec<f64>> {
    let target = table.numbers("target_ug_m3")?;
    let same_targets = target.len() == exam.n_rows()
        && target
            .iter()
            .zip(&exam.target_ug_m3)
            .all(|(theirs, ours)| f64::from(*theirs) == *ours);
    let same_times = match (table.column("time"), exam.time_s) {
        (Some(Column::Time(theirs)), Some(ours)) => theirs == ours,
        (None, None) => true,
        _ => false,
    };
    let same_stations = match (table.column("station"), exam.station) {
        (Some(Column::Text(theirs)), Some(ours)) => {
            theirs.codes.len() == ours.codes.len()
                && (0..ours.codes.len()).all(|row| theirs.get(row) == ours.get(row))
        }
        (None, None) => true,
        _ => false,
    };
    if same_targets && same_times && same_stations {
        return Ok(table.f64("prediction_ug_m3")?.to_vec());
    }
    Err(Fault::bad_data(format!(
        "{} was judged on other rows than {}",
        table.source().name,
        exam.source().name
    ))
    .hint("models are compared on the same rows only: judge the other model on this table, or give its model file"))
}

/// Two tasks have no common exam.
fn expect_same_task(theirs: pm25_air::Task, model: &Model) -> Result<()> {
    let ours = pm25_air::Task::from(model.task());
    if theirs == ours {
        return Ok(());
    }
    Err(Fault::bad_data(format!(
        "the models do different things: one makes a {ours}, the other a {theirs}"
    ))
    .hint("hold a model only against one of the same task and horizon"))
}
