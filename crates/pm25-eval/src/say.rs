//! The report as it is said on standard output: a short table for people, the numbers without slices as JSON.

use std::fmt;

use pm25_air::Task;
use pm25_artifact::eval::{
    Against, AlarmFact, Baselines, Bootstrap, CoverageReport, EvalReport, Exceedance, Metrics,
    ModStatsFact, ModelRef, Skill, Span, Verdict, WorstSlice,
};
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
    mod_stats: Option<&'a ModStatsFact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bootstrap: Option<&'a Bootstrap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a Against>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a CoverageReport>,
    exceedance: &'a [Exceedance],
    worst_slices: &'a [WorstSlice],
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
            mod_stats: report.mod_stats.as_ref(),
            bootstrap: report.bootstrap.as_ref(),
            against: report.against.as_ref(),
            coverage: report.coverage.as_ref(),
            exceedance: &report.exceedance,
            worst_slices: &report.worst_slices,
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
        let between =
            |pick: fn(&Bootstrap) -> Option<[f64; 2]>| report.bootstrap.as_ref().and_then(pick);
        for (name, metrics, skill) in yardsticks(report) {
            line(f, name, metrics, Some(skill))?;
        }
        if let Some([low, high]) = between(|b| b.rmse_ug_m3) {
            write!(f, "95 % of like years: RMSE {low:.2} to {high:.2}")?;
            match between(|b| b.skill_over.persistence) {
                Some([low, high]) => {
                    writeln!(f, ", skill over persistence {low:.3} to {high:.3}")?;
                }
                None => writeln!(f)?,
            }
        }
        if let Some(coverage) = &report.coverage {
            covered(f, coverage)?;
        }
        if let Some(against) = &report.against {
            paired(f, against)?;
        }
        warnings(f, &report.exceedance)?;
        worst(f, &report.worst_slices)
    }
}

/// What the model is held against, where there is anything to say.
fn yardsticks(report: &EvalReport) -> Vec<(&'static str, &Metrics, Skill)> {
    let (metrics, skill) = (&report.baselines, &report.skill_over);
    let mut all = vec![("persistence", &metrics.persistence, skill.persistence)];
    if let (Some(metrics), Some(skill)) = (&metrics.persistence_24h, skill.persistence_24h) {
        all.push(("  of the day", metrics, skill));
    }
    all.push(("climatology", &metrics.climatology, skill.climatology));
    all.push(("linear", &metrics.linear, skill.linear));
    all
}

/// Whether intervals hold, and where they hold least.
fn covered(f: &mut fmt::Formatter<'_>, report: &CoverageReport) -> fmt::Result {
    let percent = |share: Option<f64>| number(share.map(|share| 100.0 * share), 1);
    let overall = &report.overall;
    write!(
        f,
        "{:.0} % intervals hold {} % of hours, mean width {}, Winkler score {} µg/m³",
        100.0 * report.promised,
        percent(overall.covered),
        number(overall.mean_width_ug_m3, 1),
        number(overall.winkler_ug_m3, 1)
    )?;
    let shares = report
        .month
        .iter()
        .map(|part| (part, part.coverage.covered));
    let known = shares.filter_map(|(part, share)| Some((part, share?)));
    match known.min_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((part, share)) => writeln!(
            f,
            "; least in month {}: {} %",
            part.name,
            percent(Some(share))
        ),
        None => writeln!(f),
    }
}

/// Warnings of thresholds that were passed at all.
fn warnings(f: &mut fmt::Formatter<'_>, exceedance: &[Exceedance]) -> fmt::Result {
    for one in exceedance.iter().filter(|one| 0 < one.events) {
        let title = format!("above {} µg/m³ ({} hours)", one.threshold_ug_m3, one.events);
        writeln!(f, "\n{title:<34}{:>7}{:>7}{:>7}", "POD", "FAR", "CSI")?;
        alarm(f, "model", &one.plain.model)?;
        alarm(f, "persistence", &one.plain.persistence)?;
        alarm(f, "linear", &one.plain.linear)?;
        if let Some(tuned) = &one.tuned {
            alarm(f, "model, chosen line", &tuned.scores.model)?;
            alarm(f, "linear, chosen line", &tuned.scores.linear)?;
            if let (Some(lead), Some([low, high])) =
                (tuned.csi_over_linear, tuned.csi_over_linear_interval)
            {
                writeln!(f, "lead over linear {lead:+.3} ({low:+.3} to {high:+.3})")?;
            }
        }
        if let Some(cheapest) = &one.cheapest {
            let cost = cheapest.warning_cost;
            alarm(f, &format!("model, cost {cost}"), &cheapest.scores.model)?;
            alarm(f, &format!("linear, cost {cost}"), &cheapest.scores.linear)?;
            let loss = &cheapest.loss_per_1000;
            writeln!(
                f,
                "loss in missed hours of 1000: model {}, linear {}",
                number(loss.model, 2),
                number(loss.linear, 2)
            )?;
        }
        let score = one.probability.as_ref();
        if let Some((brier, skill)) = score.and_then(|p| Some((p.brier?, p.brier_skill?))) {
            writeln!(f, "probability: Brier {brier:.4}, skill {skill:+.3}")?;
        }
    }
    Ok(())
}

fn alarm(f: &mut fmt::Formatter<'_>, name: &str, alarm: &AlarmFact) -> fmt::Result {
    let name = format!("{name} (above {:.0})", alarm.line_ug_m3);
    let [pod, far, csi] = [alarm.pod, alarm.far, alarm.csi].map(|value| number(value, 3));
    writeln!(f, "{name:<34}{pod:>7}{far:>7}{csi:>7}")
}

fn worst(f: &mut fmt::Formatter<'_>, slices: &[WorstSlice]) -> fmt::Result {
    if slices.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nadds least over persistence in")?;
    for slice in slices {
        writeln!(
            f,
            "{:<10}{:<20}RMSE {:>7.2}  skill {:>6}  {} rows",
            slice.kind,
            slice.name,
            slice.rmse_ug_m3,
            number(slice.skill.skill, 3),
            slice.skill.rows
        )?;
    }
    Ok(())
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
    )?;
    let Some(duel) = &against.duel else {
        return Ok(());
    };
    let verdict = match duel.verdict {
        Verdict::Better => "better, beyond luck",
        Verdict::Worse => "worse, beyond luck",
        Verdict::Undecided => "undecided: it may be luck",
    };
    write!(f, "verdict: {verdict}")?;
    if let Some([low, high]) = duel.rmse_difference_ug_m3 {
        write!(f, "; RMSE difference {low:+.2} to {high:+.2}")?;
    }
    if let Some(test) = duel.diebold_mariano {
        write!(f, "; Diebold-Mariano p = {:.4}", test.p_value)?;
    }
    writeln!(f)
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

fn signed(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.2}"))
}
