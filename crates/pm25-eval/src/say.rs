//! The report as it is said on standard output: a short table for people, the numbers without slices as JSON.

use std::fmt;

use pm25_air::Task;
use pm25_artifact::eval::{Against, Baselines, EvalReport, Metrics, ModelRef, Skill, Span};
use serde::{Serialize, Serializer};

/// A report to be said.
pub(crate) struct Said<'a>(pub(crate) &'a EvalReport);

/// The part of `eval.json` that fits a screen, under the same names.
#[derive(Serialize)]
struct Summary<'a> {
    model: &'a ModelRef,
    metrics: &'a Metrics,
    metrics_with_persistence: &'a Metrics,
    baselines: &'a Baselines<Metrics>,
    skill_over: &'a Baselines<Skill>,
    skill_over_persistence: &'a Skill,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a Against>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<&'a Span>,
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let summary = Summary {
            model: &report.model,
            metrics: &report.metrics,
            metrics_with_persistence: &report.metrics_with_persistence,
            baselines: &report.baselines,
            skill_over: &report.skill_over,
            skill_over_persistence: &report.skill_over_persistence,
            against: report.against.as_ref(),
            span: report.span.as_ref(),
        };
        summary.serialize(serializer)
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            "{} ({})",
            report.model.kind,
            Task::from(report.model.task)
        )?;
        if let Some(span) = &report.span {
            writeln!(
                f,
                "{} test rows, {} to {}",
                report.metrics.rows, span.first, span.last
            )?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:<14}{:>9}{:>9}{:>9}{:>9}{:>10}  skill of the model over it",
            "µg/m³", "RMSE", "MAE", "bias", "R²", "rows"
        )?;
        line(f, "model", &report.metrics, None)?;
        let (baselines, skill) = (&report.baselines, &report.skill_over);
        line(
            f,
            "persistence",
            &baselines.persistence,
            Some(skill.persistence),
        )?;
        line(
            f,
            "climatology",
            &baselines.climatology,
            Some(skill.climatology),
        )?;
        line(f, "linear", &baselines.linear, Some(skill.linear))?;
        match &report.against {
            Some(against) => paired(f, against),
            None => Ok(()),
        }
    }
}

fn line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    metrics: &Metrics,
    skill: Option<Skill>,
) -> fmt::Result {
    let [rmse, mae, bias] =
        [metrics.rmse_ug_m3, metrics.mae_ug_m3, metrics.bias_ug_m3].map(|value| number(value, 2));
    write!(
        f,
        "{name:<14}{rmse:>9}{mae:>9}{bias:>9}{:>9}{:>10}",
        number(metrics.r2, 3),
        metrics.rows
    )?;
    match skill {
        Some(skill) => writeln!(f, "  {} on {} rows", number(skill.skill, 3), skill.rows),
        None => writeln!(f),
    }
}

fn paired(f: &mut fmt::Formatter<'_>, against: &Against) -> fmt::Result {
    line(f, "other model", &against.metrics, Some(against.skill))?;
    writeln!(f)?;
    writeln!(
        f,
        "against {} {}: RMSE {} µg/m³, closer on {} rows, farther on {}",
        against.model.kind,
        against
            .model
            .sha256
            .to_string()
            .get(..12)
            .unwrap_or_default(),
        signed(against.rmse_difference_ug_m3),
        against.closer_rows,
        against.farther_rows
    )
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

fn signed(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.2}"))
}
