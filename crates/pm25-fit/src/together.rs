//! Several horizons at once: boosters that learn from the rows of all, hours ahead as one more column, and the choice
//! between them and a model of each horizon by itself.
//!
//! ```text
//! 1 h ─┐                           ┌ folds ─ patient-together ──────┐
//! 6 h ─┼ some rows of each ─ rows ─┤                                ├─ blends of each horizon ─ each or together
//! 24 h ┘                           └ refit ◀─ if together is better ┘
//! ```
//!
//! Rows are many: the same hour teaches once for each horizon, so each gives as many as keep the sum bounded. A fold
//! of the rows of all teaches nothing whose target, at the longest horizon, reaches what any horizon's fold is judged
//! on. It holds the tables of one horizon at a time beside those rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use pm25_air::civil::HOUR_S;
use pm25_artifact::model::{Learned, Model};
use pm25_artifact::train::{ChoiceFact, OptionFact, TogetherFact};
use pm25_file::{Fault, Result};
use pm25_learn::Columns;
use pm25_learn::tree::{Ensemble, Role, Transform};
use pm25_tool::Console;

use crate::choose::Wanted;
use crate::decide::{self, Decision, Request, Together, joint_parts};
use crate::fit::Facts;
use crate::folds::{Fold, embargo_h};
use crate::learner::{Part, Share, Stop, learn_shown};
use crate::make::{Made, folds_of, made};
use crate::oof::{OutOfFold, best_n_trees, less};
use crate::params::Params;
use crate::sample::Sample;
use crate::scope::{Scope, Stations};

/// As it is chosen and said.
const EACH: &str = "each";
const TOGETHER: &str = "together";

/// What `--horizons` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Ways {
    /// A model of each horizon by itself
    #[default]
    Each,
    /// Blends whose boosters learn from all horizons, hours ahead as one more column
    Together,
    /// For each horizon the better of both on the folds
    Best,
}

/// What is to be made of several horizons.
pub struct Several<'a> {
    /// Together, or the better way.
    pub ways: Ways,
    /// The blend, or the best of all kinds.
    pub wanted: Wanted,
    /// Folds in the order of time, at least 2.
    pub n_folds: usize,
    /// Parts of a blend; empty for those that suit.
    pub parts: &'a [Part],
    /// For the models of each horizon by itself: which rows the parts of a blend learn from.
    pub stations: Stations,
    /// Settings of the learners, the same for all.
    pub params: &'a Params,
    /// How many rows at most teach what learns from all horizons; at least one a horizon is taken.
    pub rows_max: usize,
}

/// One horizon's rows before the test, and what its model says of itself.
pub struct OfHorizon {
    /// Task, inputs, stations.
    pub facts: Facts,
    /// Train and then valid rows.
    pub rows: Sample,
}

/// The models and what led to them.
pub struct MadeSeveral {
    /// One a horizon, with what each way was worth there.
    pub made: Vec<(Made, Option<ChoiceFact>)>,
    /// Which horizons are learned how, in a sentence; none where only one way was tried.
    pub because: Option<String>,
    /// What learned from all horizons; none where each has its own.
    pub together: Option<TogetherFact>,
}

/// Makes a model for each of `n_horizons`, whose rows `read` gives, in the order of rising horizons.
///
/// # Errors
/// Bad data: a record too short for folds, or without times.
pub fn make_several(
    order: &Several,
    n_horizons: usize,
    read: &dyn Fn(usize) -> Result<OfHorizon>,
    console: &Console,
) -> Result<MadeSeveral> {
    let joint = Joint::gather(order, n_horizons, read)?;
    console.detail(&joint.in_words());
    let learned = joint.learn_folds(order, console)?;
    let mut decisions = Vec::new();
    for idx in 0..n_horizons {
        let of_horizon = read(idx)?;
        decisions.push(both_ways(order, &of_horizon, &learned, console)?);
    }
    let because = because(&decisions);
    let decisions: Vec<Chosen> = decisions.into_iter().map(Chosen::of).collect();
    let used = decisions.iter().flat_map(|it| it.decision.together());
    let used: BTreeMap<Part, u64> = used.collect();
    let together = joint.refit(&used, order.params, console)?;
    let mut all = Vec::new();
    for (idx, chosen) in decisions.into_iter().enumerate() {
        let made = refit(order, read(idx)?, (chosen.decision, &together), console)?;
        all.push((made, chosen.choice));
    }
    Ok(MadeSeveral {
        made: all,
        because,
        together: (!used.is_empty()).then(|| joint.fact()),
    })
}

/// Rows of all horizons, and how the folds cut them.
struct Joint {
    /// Hours ahead are the last column.
    rows: Sample,
    rows_there: usize,
    cuts: Vec<Cut>,
}

/// One fold of the rows of all horizons.
struct Cut {
    /// Rows stamped before it teach.
    train_before_s: i64,
    judged_from_s: i64,
    judged_until_s: i64,
}

/// A part's boosters, one a fold, and how many trees were best.
struct OfFolds {
    trees: Vec<Ensemble>,
    n_trees: Option<u64>,
}

impl Joint {
    fn gather(
        order: &Several,
        n_horizons: usize,
        read: &dyn Fn(usize) -> Result<OfHorizon>,
    ) -> Result<Self> {
        let n_kept = (order.rows_max / n_horizons.max(1)).max(1);
        let mut joint: Option<Sample> = None;
        let mut rows_there = 0;
        let mut embargo_s = 0;
        let mut judged: Vec<(i64, i64)> = vec![(i64::MAX, i64::MIN); order.n_folds];
        for idx in 0..n_horizons {
            let OfHorizon { facts, rows } = read(idx)?;
            let hint = "a model of each horizon by itself can do without folds: --horizons each";
            let folds = folds_of(&rows, order.n_folds, &facts).map_err(|fault| fault.hint(hint))?;
            let time_s = rows.time_s().unwrap_or_default();
            for (judged, fold) in judged.iter_mut().zip(&folds) {
                for &row in &fold.judged {
                    let at_s = time_s[row as usize];
                    *judged = (judged.0.min(at_s), judged.1.max(at_s + 1));
                }
            }
            let task = facts.task.into();
            embargo_s = embargo_s.max(i64::from(embargo_h(task, &facts.inputs)) * HOUR_S);
            rows_there += rows.n_rows();
            let some = rows.take(&spread_out(rows.n_rows(), n_kept, idx));
            let hours = vec![f32::from(facts.task.horizon_h()); some.n_rows()];
            let some = some.with([hours].into_iter());
            joint = Some(match joint {
                Some(joint) => joint.and(&some),
                None => some,
            });
        }
        let cuts = judged.into_iter().map(|(from_s, until_s)| Cut {
            train_before_s: from_s - embargo_s,
            judged_from_s: from_s,
            judged_until_s: until_s,
        });
        Ok(Self {
            rows: joint.ok_or_else(|| Fault::unforeseen("no horizon to learn from"))?,
            rows_there,
            cuts: cuts.collect(),
        })
    }

    fn fact(&self) -> TogetherFact {
        let n_values = self.rows.n_rows() * self.rows.slices().len();
        TogetherFact {
            rows: self.rows.n_rows() as u64,
            rows_there: self.rows_there as u64,
            bytes: (n_values * size_of::<f32>()) as u64,
        }
    }

    fn in_words(&self) -> String {
        let fact = self.fact();
        format!(
            "together: {} of {} rows teach what learns from all horizons, {} MB of values",
            fact.rows,
            fact.rows_there,
            fact.bytes >> 20
        )
    }

    /// Stamps and the newest PM2.5 of rows that a part can learn from: a change needs something that it starts from.
    fn taught(&self, part: Part, wanted: impl Fn(i64) -> bool) -> Vec<u32> {
        let time_s = self.rows.time_s().unwrap_or_default();
        let newest = self.rows.persistence().unwrap_or_default();
        let starts =
            |row: usize| part.share == Share::Value || newest.get(row).is_some_and(|r| !r.is_nan());
        let rows = time_s.iter().enumerate();
        rows.filter(|&(row, &t)| wanted(t) && starts(row))
            .map(|(row, _)| row as u32)
            .collect()
    }

    /// Some of the rows with what a part learns from them.
    fn lesson(&self, part: Part, rows: &[u32]) -> (Sample, Vec<f32>) {
        let rows = self.rows.take(rows);
        let newest = rows.persistence().unwrap_or_default().iter();
        let newest: Vec<f64> = match part.share {
            Share::Value => vec![0.0; rows.n_rows()],
            _ => newest.map(|&r| f64::from(r)).collect(),
        };
        let y = less(&rows, &newest, part.share.of_reference());
        (rows, y)
    }

    /// Each part that learns from all horizons, fitted in every fold.
    fn learn_folds(&self, order: &Several, console: &Console) -> Result<BTreeMap<Part, OfFolds>> {
        let named = order.parts.iter().copied();
        let mut parts: Vec<Part> = named.filter(|part| part.scope == Scope::Together).collect();
        if order.parts.is_empty() {
            parts = joint_parts(order.params);
        }
        let params = with_horizon(order.params, self.rows.slices().len());
        let mut learned = BTreeMap::new();
        for part in parts {
            learned.insert(part, self.learn(part, &params, console)?);
        }
        Ok(learned)
    }

    fn learn(&self, part: Part, params: &Params, console: &Console) -> Result<OfFolds> {
        let mut fits = Vec::new();
        for cut in &self.cuts {
            let teach = self.taught(part, |t| t < cut.train_before_s);
            let judge = self.taught(part, |t| cut.judged_from_s <= t && t < cut.judged_until_s);
            let (train, y) = self.lesson(part, &teach);
            let (judged, y_judged) = self.lesson(part, &judge);
            let x_judged = judged.matrix();
            let stop = Stop::On(&x_judged, &y_judged);
            let fit = learn_shown(part.learner, (&train.matrix(), &y), &stop, params, console)?;
            fits.push((fit, train, judge.len()));
        }
        let curves = fits
            .iter()
            .map(|(fit, _, n_judged)| (&fit.stop_loss[..], *n_judged));
        let n_trees = best_n_trees(&curves.collect::<Vec<_>>());
        let transform = params.transform_of(part.learner);
        let mut trees = Vec::new();
        for (mut fit, train, _) in fits {
            if let Some(n_trees) = n_trees {
                fit.shorten(n_trees);
                if transform != Transform::None {
                    fit.correct(transform, (&train.matrix(), &train.target));
                }
            }
            trees.push(only_trees(fit.model)?);
        }
        Ok(OfFolds {
            trees,
            n_trees: n_trees.map(|n_trees| n_trees as u64),
        })
    }

    /// The parts that some horizon uses, on all rows.
    fn refit(
        &self,
        used: &BTreeMap<Part, u64>,
        params: &Params,
        console: &Console,
    ) -> Result<Together> {
        let params = with_horizon(params, self.rows.slices().len());
        let fit = |(&part, &n_trees): (&Part, &u64)| {
            let (rows, y) = self.lesson(part, &self.taught(part, |_| true));
            let stop = Stop::At(n_trees);
            let fit = learn_shown(part.learner, (&rows.matrix(), &y), &stop, &params, console)?;
            Ok((part, Arc::new(only_trees(fit.model)?)))
        };
        used.iter().map(fit).collect()
    }
}

fn only_trees(learned: Learned) -> Result<Ensemble> {
    let trees = learned.into_trees();
    trees.ok_or_else(|| Fault::unforeseen("a line was to learn from all horizons"))
}

/// Roles for one more column.
fn with_horizon(params: &Params, n_columns: usize) -> Params {
    let mut params = params.clone();
    if !params.roles.is_empty() {
        params.roles.resize(n_columns, Role::Number);
    }
    params
}

/// What the folds made of one horizon.
struct Decisions {
    horizon_h: u16,
    /// By itself, where that was asked for.
    each: Option<Decision>,
    joined: Decision,
}

impl Decisions {
    fn joined_is_better(&self) -> bool {
        let each = self.each.as_ref().map(Decision::rmse_ug_m3);
        each.is_none_or(|each| self.joined.rmse_ug_m3() < each)
    }
}

/// What the folds make of one horizon: by itself if that is asked for, and with what learns from all.
fn both_ways(
    order: &Several,
    of_horizon: &OfHorizon,
    learned: &BTreeMap<Part, OfFolds>,
    console: &Console,
) -> Result<Decisions> {
    let OfHorizon { facts, rows } = of_horizon;
    console.detail(&format!("{} h ahead", facts.task.horizon_h()));
    let folds = folds_of(rows, order.n_folds, facts)?;
    let mut of = OutOfFold::new(rows, &folds, facts, order.params);
    for (&part, of_folds) in learned {
        let said = said(part, of_folds, (rows, &folds, facts), &of.reference);
        of.give(part, said, of_folds.n_trees);
    }
    let each = match order.ways {
        Ways::Together => None,
        _ => Some(decide::decide(
            &mut of,
            &request(order, facts, order.stations),
            console,
        )?),
    };
    let joined = decide::decide(&mut of, &joined_request(order, facts), console)?;
    Ok(Decisions {
        horizon_h: facts.task.horizon_h(),
        each,
        joined,
    })
}

/// What a part says of a horizon's judged rows, each fold's by the booster that had not seen it.
fn said(
    part: Part,
    of_folds: &OfFolds,
    (rows, folds, facts): (&Sample, &[Fold], &Facts),
    reference: &[f64],
) -> Vec<f64> {
    let mut said = Vec::with_capacity(reference.len());
    for (fold, trees) in folds.iter().zip(&of_folds.trees) {
        let judged = rows.take(&fold.judged);
        let hours = vec![f32::from(facts.task.horizon_h()); judged.n_rows()];
        let columns = judged.slices().into_iter().chain([&hours[..]]).collect();
        said.extend(trees.predict(&Columns::new(columns, judged.n_rows())));
    }
    let share = part.share.of_reference();
    for (said, reference) in said.iter_mut().zip(reference) {
        *said += share * reference;
    }
    said
}

fn request<'a>(order: &'a Several, facts: &'a Facts, stations: Stations) -> Request<'a> {
    Request {
        wanted: order.wanted,
        parts: order.parts,
        facts,
        params: order.params,
        scopes: stations.scopes(),
    }
}

fn joined_request<'a>(order: &'a Several, facts: &'a Facts) -> Request<'a> {
    Request {
        scopes: &[Scope::Together],
        ..request(order, facts, Stations::Pooled)
    }
}

/// Fits what was decided for one horizon.
fn refit(
    order: &Several,
    OfHorizon { facts, rows }: OfHorizon,
    (decision, together): (Decision, &Together),
    console: &Console,
) -> Result<Made> {
    let folds = folds_of(&rows, order.n_folds, &facts)?;
    let request = request(order, &facts, order.stations);
    let model: Model = decide::refit(&rows, (&decision, together), &request, console)?;
    Ok(made(model, decision, (&rows, folds)))
}

/// What one horizon gets.
struct Chosen {
    decision: Decision,
    /// None where only one way was tried.
    choice: Option<ChoiceFact>,
}

impl Chosen {
    /// The way with the smaller error; of equals the model of the horizon by itself.
    fn of(decisions: Decisions) -> Self {
        let joined_is_better = decisions.joined_is_better();
        let Decisions { each, joined, .. } = decisions;
        let Some(each) = each else {
            return Self {
                decision: joined,
                choice: None,
            };
        };
        let option = |name: &str, decision: &Decision| OptionFact {
            name: name.to_owned(),
            rmse_ug_m3: decision.rmse_ug_m3(),
        };
        let choice = ChoiceFact {
            chosen: if joined_is_better { TOGETHER } else { EACH }.to_owned(),
            options: vec![option(EACH, &each), option(TOGETHER, &joined)],
        };
        Self {
            decision: if joined_is_better { joined } else { each },
            choice: Some(choice),
        }
    }
}

/// Which horizons are learned how, where both ways were tried.
fn because(decisions: &[Decisions]) -> Option<String> {
    decisions.iter().find(|it| it.each.is_some())?;
    let of = |joined: bool| -> Vec<String> {
        let those = decisions
            .iter()
            .filter(|it| it.joined_is_better() == joined);
        those.map(|it| it.horizon_h.to_string()).collect()
    };
    let ways = [(EACH, of(false)), (TOGETHER, of(true))];
    let ways = ways.iter().filter(|(_, hours)| !hours.is_empty());
    let ways: Vec<String> = ways
        .map(|(way, hours)| format!("{way} at {} h", hours.join(", ")))
        .collect();
    Some(format!("{}, the smaller RMSE out of fold", ways.join("; ")))
}

/// Numbers of `n_kept` of `n_rows` rows, rising, one from each of as many equal stretches. Where in its stretch is
/// drawn, the same for the same `seed`, so that no step falls in with the hours of the day.
fn spread_out(n_rows: usize, n_kept: usize, seed: usize) -> Vec<u32> {
    if n_rows <= n_kept {
        return (0..n_rows as u32).collect();
    }
    let edge = |stretch: usize| stretch * n_rows / n_kept;
    let row = |stretch: usize| {
        let n_there = edge(stretch + 1) - edge(stretch);
        edge(stretch) + (drawn(seed, stretch) * n_there as f64) as usize
    };
    (0..n_kept).map(|stretch| row(stretch) as u32).collect()
}

/// A number from 0 to below 1 (Steele, Lea and Flood 2014, SplitMix64).
fn drawn(seed: usize, at: usize) -> f64 {
    let mut z = (seed as u64) << 40 ^ at as u64;
    z = z.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Parts;
    use pm25_artifact::prep::{FeatureFact, TaskFact};

    /// One station; what comes is x times the hours ahead, so a booster has to look at both.
    fn of_horizon(horizon_h: u16) -> OfHorizon {
        let hours = 0..3000_i64;
        let x: Vec<f32> = hours.clone().map(|h| ((h * 7919) % 101) as f32).collect();
        let named = |name: &str| FeatureFact {
            column: name.to_owned(),
            expression: "pm25".to_owned(),
            unit: "1".to_owned(),
        };
        OfHorizon {
            facts: Facts {
                task: TaskFact::Forecast { horizon_h },
                inputs: vec![named("x")],
                stations: Vec::new(),
            },
            rows: Sample::from(Parts {
                target: x.iter().map(|x| x * f32::from(horizon_h)).collect(),
                columns: vec![x],
                time_s: hours.clone().map(|h| h * HOUR_S).collect(),
                persistence: hours
                    .map(|h| if h % 7 == 0 { f32::NAN } else { 1.0 })
                    .collect(),
                station: (vec!["a".to_owned()], vec![0; 3000]),
            }),
        }
    }

    fn order<'a>(ways: Ways, parts: &'a [Part], params: &'a Params) -> Several<'a> {
        Several {
            ways,
            wanted: Wanted::Kind(pm25_artifact::model::ModelKind::Blend),
            n_folds: 2,
            parts,
            stations: Stations::Pooled,
            params,
            rows_max: 4000,
        }
    }

    #[test]
    fn no_fold_of_all_horizons_sees_what_any_is_judged_on() {
        let params = Params::parse(&[], &[], Wanted::Best).unwrap();
        let horizons = [1, 48];
        let read = |idx: usize| Ok(of_horizon(horizons[idx]));
        let joint = Joint::gather(&order(Ways::Together, &[], &params), 2, &read).unwrap();
        assert_eq!(joint.rows_there, 6000);
        assert_eq!(joint.rows.n_rows(), 4000);
        for (fold, cut) in joint.cuts.iter().enumerate() {
            for horizon_h in horizons {
                let OfHorizon { facts, rows } = of_horizon(horizon_h);
                let folds = folds_of(&rows, 2, &facts).unwrap();
                let judged = folds[fold].judged.iter();
                let first_s = judged
                    .map(|&row| rows.time_s().unwrap()[row as usize])
                    .min();
                assert!(cut.train_before_s + 48 * HOUR_S <= first_s.unwrap());
            }
        }
        let change = Part {
            share: Share::Change,
            ..crate::learner::Learner::Boost.value().on(Scope::Together)
        };
        let newest = joint.rows.persistence().unwrap();
        let taught = joint.taught(change, |_| true);
        assert!(taught.iter().all(|&row| !newest[row as usize].is_nan()));
    }

    #[test]
    fn one_booster_learns_all_horizons_and_the_folds_choose_it_where_it_is_better() {
        let set = ["boost.n_estimators=60", "boost.learning_rate=0.3"].map(str::to_owned);
        let params = Params::parse(&set, &[], Wanted::Best).unwrap();
        let parts = ["boost-together".parse::<Part>().unwrap()];
        let horizons = [1, 2, 3];
        let read = |idx: usize| Ok(of_horizon(horizons[idx]));
        let console = crate::quiet();
        let made = make_several(&order(Ways::Together, &parts, &params), 3, &read, &console);
        let made = made.unwrap();
        assert!(made.because.is_none() && made.together.is_some());
        let x = [50.0];
        for (horizon_h, (made, choice)) in horizons.into_iter().zip(&made.made) {
            assert!(choice.is_none());
            let rows = pm25_artifact::model::Rows {
                station: None,
                time_s: None,
                persistence_ug_m3: None,
                features: vec![&x],
                n_rows: 1,
            };
            let said = made.model.predict(&rows)[0];
            let truth = 50.0 * f64::from(horizon_h);
            assert!((said - truth).abs() < 8.0, "{horizon_h} h: {said}");
        }
        // Both ways: a sentence says which, and each horizon has its figures.
        let best = make_several(&order(Ways::Best, &[], &params), 3, &read, &console).unwrap();
        let because = best.because.unwrap();
        assert!(
            because.ends_with("the smaller RMSE out of fold"),
            "{because}"
        );
        let mut any_together = false;
        for (_, choice) in &best.made {
            let choice = choice.as_ref().unwrap();
            let is_better = choice.options[1].rmse_ug_m3 < choice.options[0].rmse_ug_m3;
            assert_eq!(choice.chosen == TOGETHER, is_better);
            any_together |= is_better;
        }
        assert_eq!(because.contains("together at"), any_together);
    }

    #[test]
    fn some_rows_are_spread_over_all_and_fall_in_with_no_hour() {
        let rows = spread_out(24_000, 1000, 3);
        assert!(rows.is_sorted_by(|a, b| a < b) && *rows.last().unwrap() < 24_000);
        assert_eq!(rows.len(), 1000);
        // The step is a day: every hour is still drawn about as often.
        for hour in 0..24 {
            let n = rows.iter().filter(|&&row| row % 24 == hour).count();
            assert!((20..65).contains(&n), "hour {hour}: {n}");
        }
        assert_ne!(rows, spread_out(24_000, 1000, 4));
        assert_eq!(spread_out(5, 5, 1), [0, 1, 2, 3, 4]);
        assert_eq!(spread_out(3, 2, 0).len(), 2);
    }
}
