//! Scores of every origin and of all together.

use pm25_air::Task;
use pm25_air::civil::format_utc;
use pm25_artifact::backtest::{BacktestReport, BacktestScores, OriginFact};
use pm25_artifact::eval::ModStatsFact;
use pm25_file::{Header, Result};
use pm25_stats::mod_stats;

use super::turn::Turn;
use crate::answers::Answers;
use crate::bounds::Bounds;
use crate::judge::{judge, metrics};
use crate::report::{duels, each};

/// The judged rows of all origins, one origin after the other.
pub(super) struct Joined {
    pub(super) time_s: Vec<i64>,
    pub(super) target: Vec<f64>,
    pub(super) answers: Answers,
}

impl Joined {
    pub(super) fn of(turns: &[Turn]) -> Self {
        let all = |of: &dyn Fn(&Answers) -> &[f64]| -> Vec<f64> {
            let each = turns.iter().flat_map(|turn| of(&turn.answers));
            each.copied().collect()
        };
        let has_day = turns
            .iter()
            .all(|turn| turn.answers.persistence_24h.is_some());
        Self {
            time_s: turns
                .iter()
                .flat_map(|turn| &turn.time_s)
                .copied()
                .collect(),
            target: turns
                .iter()
                .flat_map(|turn| &turn.target)
                .map(|&y| f64::from(y))
                .collect(),
            answers: Answers {
                model: all(&|answers| &answers.model),
                said: turns
                    .iter()
                    .flat_map(|turn| &turn.answers.said)
                    .copied()
                    .collect(),
                intervals: None,
                persistence: all(&|answers| &answers.persistence),
                persistence_24h: has_day
                    .then(|| all(&|answers| answers.persistence_24h.as_deref().unwrap_or(&[]))),
                climatology: all(&|answers| &answers.climatology),
                linear: all(&|answers| &answers.linear),
            },
        }
    }
}

/// Judges. The files that belong to the report are added to its header as they are written.
pub(super) fn report(
    turns: &[Turn],
    all: &Joined,
    task: Task,
    header: Header,
) -> Result<BacktestReport> {
    let mut from = 0;
    let mut origins = Vec::new();
    for turn in turns {
        let rows: Vec<u32> = (from..from + turn.target.len() as u32).collect();
        from += turn.target.len() as u32;
        origins.push(fact(turn, scores(all, &rows)?));
    }
    let pairs: Vec<(f64, f64)> = all
        .target
        .iter()
        .copied()
        .zip(all.answers.model.iter().copied())
        .collect();
    let bounds = Bounds::at(&all.target, &all.time_s, task.horizon_h());
    Ok(BacktestReport {
        pm25: header,
        task: task.into(),
        overall: scores(all, &(0..from).collect::<Vec<u32>>())?,
        mod_stats: ModStatsFact::from(mod_stats(&pairs)),
        bootstrap: bounds.and_then(|bounds| bounds.bootstrap(&all.answers)),
        origins,
        without_rows: Vec::new(),
    })
}

fn fact(turn: &Turn, scores: BacktestScores) -> OriginFact {
    OriginFact {
        origin: format_utc(turn.origin.at_s),
        until: format_utc(turn.origin.until_s),
        kind: turn.kind,
        n_features: turn.n_features as u64,
        stations: turn.n_stations as u64,
        train_rows: turn.train_rows as u64,
        valid_rows: turn.valid_rows as u64,
        scores,
    }
}

fn scores(all: &Joined, rows: &[u32]) -> Result<BacktestScores> {
    let duels = duels(&all.target, &all.answers, rows)?;
    Ok(BacktestScores {
        metrics: metrics(&judge(&all.target, &all.answers.model, rows)?),
        baselines: each(&duels, |duel| metrics(&duel.theirs)),
        skill_over: each(&duels, |duel| duel.skill),
    })
}
