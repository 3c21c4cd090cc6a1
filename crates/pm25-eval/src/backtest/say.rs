//! The report as it is said on standard output.

use std::fmt;

use pm25_artifact::backtest::{BacktestReport, BacktestScores};
use serde::Serialize;

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Said<'a>(pub(super) &'a BacktestReport);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            "origin                 train rows  judged  RMSE µg/m³   skill over persistence, a day, climatology, ridge"
        )?;
        for origin in &report.origins {
            write!(f, "{:<22} {:>10}", origin.origin, origin.train_rows)?;
            line(f, &origin.scores)?;
        }
        write!(f, "{:<33}", format!("{} origins", report.origins.len()))?;
        line(f, &report.overall)?;
        if let Some([low, high]) = report
            .bootstrap
            .as_ref()
            .and_then(|b| b.skill_over.persistence)
        {
            writeln!(
                f,
                "95 % interval of the skill over persistence: {low:.3} to {high:.3}"
            )?;
        }
        if !report.without_rows.is_empty() {
            writeln!(
                f,
                "no hour with a target: {}",
                report.without_rows.join(", ")
            )?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, scores: &BacktestScores) -> fmt::Result {
    let rmse = number(scores.metrics.rmse_ug_m3);
    write!(f, " {:>7}  {rmse:>10}  ", scores.metrics.rows)?;
    let over = &scores.skill_over;
    let day = over.persistence_24h.and_then(|skill| skill.skill);
    for skill in [
        over.persistence.skill,
        day,
        over.climatology.skill,
        over.linear.skill,
    ] {
        write!(f, " {:>7}", number(skill))?;
    }
    writeln!(f)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}
