//! The parts of `eval.json`, put together.

use pm25_air::civil::format_utc;
use pm25_artifact::eval::{Against, Baselines, EvalReport, ModelRef, Span};
use pm25_artifact::model::Model;
use pm25_file::{Header, InputRef, Result};
use pm25_stats::scores::MAPE_TARGET_MIN;

use crate::PROGRAM;
use crate::answers::Answers;
use crate::exam::Exam;
use crate::judge::{all_rows, duel, judge, metrics};
use crate::{slices, worst};

/// The model given with `--against`, and its answers.
pub(crate) struct Rival<'a> {
    pub(crate) model: &'a Model,
    pub(crate) reference: &'a InputRef,
    pub(crate) answers: Vec<f64>,
}

/// Judges. The files that belong to the report are added to its header as they are written.
pub(crate) fn report(
    exam: &Exam<'_>,
    answers: &Answers,
    model: (&Model, &InputRef),
    rival: Option<&Rival<'_>>,
) -> Result<EvalReport> {
    let rows = all_rows(exam.n_rows());
    let target = &exam.target_ug_m3;
    let against = |baseline: &[f64]| duel(target, &answers.model, baseline, &rows);
    let persistence = against(&answers.persistence)?;
    let climatology = against(&answers.climatology)?;
    let linear = against(&answers.linear)?;
    Ok(EvalReport {
        pm25: header(exam, model, rival),
        model: model_ref(model.0, model.1),
        metrics: metrics(&judge(target, &answers.model, &rows)?),
        metrics_with_persistence: metrics(&persistence.ours),
        baselines: Baselines {
            persistence: metrics(&persistence.theirs),
            climatology: metrics(&climatology.theirs),
            linear: metrics(&linear.theirs),
        },
        skill_over: Baselines {
            persistence: persistence.skill,
            climatology: climatology.skill,
            linear: linear.skill,
        },
        skill_over_persistence: persistence.skill,
        against: rival
            .map(|rival| paired(exam, answers, rival, &rows))
            .transpose()?,
        slices: slices::slices(exam, answers)?,
        worst: worst::worst(exam, answers),
        span: span(exam),
    })
}

fn header(
    exam: &Exam<'_>,
    (model, model_ref): (&Model, &InputRef),
    rival: Option<&Rival<'_>>,
) -> Header {
    let mut header = Header::new(&PROGRAM)
        .input(model_ref.clone())
        .input(exam.source().clone())
        .param("target", &exam.target_column)
        .param("mape_target_min_ug_m3", MAPE_TARGET_MIN)
        .fact(
            "model_was_made_from_these_rows",
            exam.was_learned_from(model),
        )
        .unit("r2", "1")
        .unit("mape_pct", "%")
        .unit("skill", "1");
    for name in ["rmse_ug_m3", "mae_ug_m3", "bias_ug_m3"] {
        header = header.unit(name, "µg/m³");
    }
    match rival {
        Some(rival) => header.input(rival.reference.clone()),
        None => header,
    }
}

fn model_ref(model: &Model, reference: &InputRef) -> ModelRef {
    ModelRef {
        sha256: reference.sha256,
        kind: model.kind(),
        task: model.task(),
    }
}

fn paired(exam: &Exam<'_>, answers: &Answers, rival: &Rival<'_>, rows: &[u32]) -> Result<Against> {
    let duel = duel(&exam.target_ug_m3, &answers.model, &rival.answers, rows)?;
    let errors = exam
        .target_ug_m3
        .iter()
        .zip(answers.model.iter().zip(&rival.answers));
    let errors =
        errors.map(|(target, (ours, theirs))| ((ours - target).abs(), (theirs - target).abs()));
    let (mut closer_rows, mut farther_rows) = (0, 0);
    for (ours, theirs) in errors {
        closer_rows += u64::from(ours < theirs);
        farther_rows += u64::from(theirs < ours);
    }
    Ok(Against {
        model: model_ref(rival.model, rival.reference),
        metrics: metrics(&duel.theirs),
        rmse_difference_ug_m3: duel
            .ours
            .rmse
            .zip(duel.theirs.rmse)
            .map(|(ours, theirs)| ours - theirs),
        skill: duel.skill,
        closer_rows,
        farther_rows,
    })
}

fn span(exam: &Exam<'_>) -> Option<Span> {
    let time_s = exam.time_s?;
    let (first, last) = (time_s.iter().min()?, time_s.iter().max()?);
    Some(Span {
        first: format_utc(*first),
        last: format_utc(*last),
    })
}
