//! The parts of `eval.json`, put together.

use pm25_air::civil::format_utc;
use pm25_artifact::eval::{Against, Baselines, EvalReport, ModStatsFact, ModelRef, Span};
use pm25_artifact::model::Model;
use pm25_file::{Header, InputRef, Result};
use pm25_stats::mod_stats;
use pm25_stats::scores::MAPE_TARGET_MIN;

use crate::PROGRAM;
use crate::answers::Answers;
use crate::bounds::Bounds;
use crate::exam::Exam;
use crate::exceed::{Chances, Wish, exceedance};
use crate::judge::{Duel, all_rows, duel, judge, metrics};
use crate::rival::Rival;
use crate::{covered, slices, worst};

/// What is judged, and beside what.
pub(crate) struct Case<'a> {
    pub(crate) model: (&'a Model, &'a InputRef),
    pub(crate) answers: &'a Answers,
    pub(crate) rival: Option<&'a Rival>,
    pub(crate) wish: &'a Wish<'a>,
    pub(crate) chances: &'a [Chances],
}

/// Judges. The files that belong to the report are added to its header as they are written.
pub(crate) fn report(exam: &Exam<'_>, case: &Case<'_>) -> Result<EvalReport> {
    let (rows, answers) = (all_rows(exam.n_rows()), case.answers);
    let target = &exam.target_ug_m3;
    let bounds = Bounds::of(exam, case.model.0);
    let bounds = bounds.as_ref();
    let duels = duels(target, answers, &rows)?;
    let slices = slices::slices(exam, answers)?;
    let pairs: Vec<(f64, f64)> = target
        .iter()
        .copied()
        .zip(answers.model.iter().copied())
        .collect();
    Ok(EvalReport {
        pm25: header(exam, case),
        model: model_ref(case.model),
        metrics: metrics(&judge(target, &answers.model, &rows)?),
        metrics_with_persistence: metrics(&duels.persistence.ours),
        baselines: each(&duels, |duel| metrics(&duel.theirs)),
        skill_over: each(&duels, |duel| duel.skill),
        skill_over_persistence: duels.persistence.skill,
        mod_stats: Some(ModStatsFact::from(mod_stats(&pairs))),
        bootstrap: bounds.and_then(|bounds| bounds.bootstrap(answers)),
        against: case
            .rival
            .map(|rival| paired(exam, answers, rival, bounds))
            .transpose()?,
        exceedance: exceedance(exam, answers, bounds, (case.wish, case.chances)),
        coverage: covered::covered(exam, answers),
        worst_slices: worst::worst_slices(&slices),
        slices,
        worst: worst::worst(exam, answers),
        span: span(exam),
    })
}

/// A model against each of its baselines, on some rows.
pub(crate) fn duels(target: &[f64], answers: &Answers, rows: &[u32]) -> Result<Baselines<Duel>> {
    let against = |baseline: &[f64]| duel(target, &answers.model, baseline, rows);
    Ok(Baselines {
        persistence: against(&answers.persistence)?,
        persistence_24h: answers
            .persistence_24h
            .as_deref()
            .map(against)
            .transpose()?,
        climatology: against(&answers.climatology)?,
        linear: against(&answers.linear)?,
    })
}

pub(crate) fn each<T>(duels: &Baselines<Duel>, make: impl Fn(&Duel) -> T) -> Baselines<T> {
    Baselines {
        persistence: make(&duels.persistence),
        persistence_24h: duels.persistence_24h.as_ref().map(&make),
        climatology: make(&duels.climatology),
        linear: make(&duels.linear),
    }
}

fn header(exam: &Exam<'_>, case: &Case<'_>) -> Header {
    let (model, model_ref) = case.model;
    let mut header = Header::new(&PROGRAM)
        .input(model_ref.clone())
        .input(exam.source().clone())
        .param("target", &exam.target_column)
        .param("mape_target_min_ug_m3", MAPE_TARGET_MIN)
        .fact(
            "model_was_made_from_these_rows",
            exam.was_learned_from(model),
        )
        .fact("model_learned_from", model.learned_from())
        .unit("r2", "1")
        .unit("mape_pct", "%")
        .unit("skill", "1");
    for name in ["rmse_ug_m3", "mae_ug_m3", "bias_ug_m3"] {
        header = header.unit(name, "µg/m³");
    }
    if let Some(lessons) = &case.wish.lessons {
        header = header.input(lessons.exam.source().clone());
    }
    for input in case.rival.iter().flat_map(|rival| &rival.inputs) {
        header = header.input(input.clone());
    }
    header
}

fn model_ref((model, reference): (&Model, &InputRef)) -> ModelRef {
    ModelRef {
        sha256: reference.sha256,
        kind: model.kind(),
        task: model.task(),
    }
}

fn paired(
    exam: &Exam<'_>,
    answers: &Answers,
    rival: &Rival,
    bounds: Option<&Bounds<'_>>,
) -> Result<Against> {
    let rows = all_rows(exam.n_rows());
    let duel = duel(&exam.target_ug_m3, &answers.model, &rival.answers, &rows)?;
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
        model: rival.model.clone(),
        metrics: metrics(&duel.theirs),
        rmse_difference_ug_m3: duel
            .ours
            .rmse
            .zip(duel.theirs.rmse)
            .map(|(ours, theirs)| ours - theirs),
        skill: duel.skill,
        closer_rows,
        farther_rows,
        duel: bounds.and_then(|bounds| bounds.duel(&answers.model, &rival.answers)),
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
