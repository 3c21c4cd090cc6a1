//! The report as it is said on standard output.

use std::fmt;

use pm25_artifact::train::{ChoiceFact, LearnedFrom, OptionFact, TrainReport};
use serde::Serialize;

#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Said<'a>(pub(crate) &'a TrainReport);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let (kind, n_features) = (report.kind, report.n_features);
        let (train_rows, valid_rows) = (report.train_rows, report.valid_rows);
        match report.learned_from {
            LearnedFrom::Train => writeln!(
                f,
                "{kind}: learned from {train_rows} rows of {n_features} features, chosen on {valid_rows} rows"
            )?,
            LearnedFrom::TrainAndValid => writeln!(
                f,
                "{kind}: learned from {} rows of {n_features} features, chosen on {} rows of {} folds",
                train_rows + valid_rows,
                report
                    .folds
                    .iter()
                    .map(|fold| fold.judged_rows)
                    .sum::<u64>(),
                report.folds.len()
            )?,
        }
        for candidate in &report.candidates {
            writeln!(
                f,
                "  {:<12} RMSE {:>8.3}  MAE {:>8.3} µg/m³{}",
                candidate.kind.word(),
                candidate.valid_rmse_ug_m3,
                candidate.valid_mae_ug_m3,
                if candidate.kind == kind {
                    "  <- chosen"
                } else {
                    ""
                }
            )?;
        }
        for part in &report.parts {
            write!(
                f,
                "    {:<16} weight {:.3}  RMSE {:>8.3} µg/m³",
                part.name, part.weight, part.rmse_ug_m3
            )?;
            match part.trees {
                Some(n_trees) => writeln!(f, "  {n_trees} trees")?,
                None => writeln!(f)?,
            }
        }
        match &report.stations {
            Some(stations) => choice(f, "stations", stations),
            None => Ok(()),
        }
    }
}

/// Ways to learn that were compared, in a line.
pub(crate) fn choice(f: &mut fmt::Formatter<'_>, what: &str, choice: &ChoiceFact) -> fmt::Result {
    writeln!(f, "    {what}: {}", in_words(choice))
}

/// `pooled; RMSE out of fold pooled 12.345, own 13.001 µg/m³`.
pub(crate) fn in_words(choice: &ChoiceFact) -> String {
    let option = |it: &OptionFact| format!("{} {:.3}", it.name, it.rmse_ug_m3);
    let options: Vec<String> = choice.options.iter().map(option).collect();
    format!(
        "{}; RMSE out of fold {} µg/m³",
        choice.chosen,
        options.join(", ")
    )
}
