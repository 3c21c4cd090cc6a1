//! The policy: what a model's evaluation must show before the model may rise a stage.
//!
//! It is a file that people argue about and sign (`governance/policy.toml`), not code. It never reads a
//! figure that somebody typed: only `eval.json`, of which the registry knows that it is about this model.

use std::fmt;

use pm25_file::{Fault, Input, InputRef, Result, nearest};
use serde::{Deserialize, Serialize};

/// What a model is compared with, on the same rows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The last value measured.
    Persistence,
    /// The usual value of station, season and hour.
    Climatology,
    /// A straight line through the same features.
    Linear,
}

/// The kinds of task that a policy tells apart.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskName {
    /// The present hour from what else is measured.
    Nowcast,
    /// A later hour.
    Forecast,
}

/// The rules for one kind of task; the fields are the keys of its section.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whom to beat.
    pub baseline: Baseline,
    /// Skill (1 - RMSE / RMSE of the baseline) must be greater than this.
    pub skill_min: f64,
    /// Skill above this is too good to be true: the target has probably leaked into the features.
    pub skill_max: Option<f64>,
    /// Fewest test rows on which both can be scored.
    pub rows_min: u64,
    /// Largest error, µg/m³, where a use has a limit of its own.
    pub rmse_ug_m3_max: Option<f64>,
}

const KEYS: [&str; 5] = [
    "baseline",
    "skill_min",
    "skill_max",
    "rows_min",
    "rmse_ug_m3_max",
];
const SECTIONS: [&str; 2] = ["nowcast", "forecast"];

/// A policy and the file it was read from.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name and hash, for the log.
    pub source: InputRef,
    nowcast: Option<Rules>,
    forecast: Option<Rules>,
}

/// The figures of an evaluation that the rules are about.
#[derive(Clone, Copy, Debug)]
pub struct Scores {
    /// Root mean squared error on the test rows, µg/m³.
    pub rmse_ug_m3: Option<f64>,
    /// Skill over the rules' baseline; `None` where the evaluation has none.
    pub skill: Option<f64>,
    /// Test rows behind the skill.
    pub rows: u64,
}

/// One rule that was kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Key in the policy.
    pub rule: String,
    /// What it asks.
    pub limit: f64,
    /// What the evaluation says.
    pub value: f64,
}

/// How a version passed the policy; kept in the log.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    /// SHA-256 of the policy file.
    pub policy: pm25_file::Sha256,
    /// Which section counted.
    pub task: TaskName,
    /// Whom the model had to beat.
    pub baseline: Baseline,
    /// Every rule with its limit and the value found.
    pub checks: Vec<Check>,
}

impl Policy {
    /// Reads a policy; an unknown key is refused, since a misspelt rule would be no rule.
    pub fn read(input: &Input) -> Result<Self> {
        let bytes = input.bytes().map_err(|fault| match fault.hint_text() {
            Some(_) => fault
                .hint("the policy is looked for from the working folder; give it with --policy"),
            None => fault,
        })?;
        Self::parse(&input.to_string(), &bytes, input.reference(&bytes))
    }

    fn parse(name: &str, bytes: &[u8], source: InputRef) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|e| unreadable(name, e))?;
        let mut table: toml::Table = toml::from_str(text).map_err(|e| unreadable(name, e))?;
        check_keys(name, "section", table.keys(), &SECTIONS)?;
        let mut rules = |section: &str| {
            table
                .remove(section)
                .map(|value| rules_of(name, section, value))
                .transpose()
        };
        Ok(Self {
            nowcast: rules("nowcast")?,
            forecast: rules("forecast")?,
            source,
        })
    }

    /// The rules for a task; a task that the policy does not name passes no gate.
    pub fn rules(&self, task: TaskName) -> Result<&Rules> {
        let rules = match task {
            TaskName::Nowcast => &self.nowcast,
            TaskName::Forecast => &self.forecast,
        };
        rules.as_ref().ok_or_else(|| {
            Fault::gate_closed(format!(
                "{} has no section [{task}], so no {task} can pass it",
                self.source.name
            ))
            .hint(format!(
                "add [{task}] to the policy, or give another with --policy"
            ))
        })
    }

    /// Holds the scores against the rules for this task; a rule that is broken closes the gate.
    pub fn judge(&self, task: TaskName, scores: &Scores) -> Result<Passed> {
        let rules = self.rules(task)?;
        let mut checks = Vec::new();
        let mut failed = Vec::new();
        for rule in rules.measure(scores) {
            match rule.value {
                Some(value) if rule.is_kept => checks.push(Check {
                    rule: rule.key.into(),
                    limit: rule.limit,
                    value,
                }),
                _ => failed.push(rule.to_string()),
            }
        }
        if failed.is_empty() {
            return Ok(Passed {
                policy: self.source.sha256,
                task,
                baseline: rules.baseline,
                checks,
            });
        }
        Err(Fault::gate_closed(format!(
            "{} [{task}] is not met: {}",
            self.source.name,
            failed.join("; ")
        ))
        .hint(format!(
            "the skill is over {}; improve the model, or argue for another policy",
            rules.baseline
        )))
    }
}

/// One rule held against one value.
struct Measured {
    key: &'static str,
    comparison: &'static str,
    limit: f64,
    value: Option<f64>,
    is_kept: bool,
}

impl Rules {
    fn measure(&self, scores: &Scores) -> Vec<Measured> {
        let is_greater = |limit: f64, value: f64| limit < value;
        let is_at_most = |limit: f64, value: f64| value <= limit;
        // Row counts are far below 2^53, so they are exact as floats.
        let (rows_min, rows) = (self.rows_min as f64, scores.rows as f64);
        let mut measured = vec![
            Measured::new(
                "rows_min",
                "at least",
                rows_min,
                Some(rows),
                |limit, value| limit <= value,
            ),
            Measured::new(
                "skill_min",
                "greater than",
                self.skill_min,
                scores.skill,
                is_greater,
            ),
        ];
        if let Some(limit) = self.skill_max {
            measured.push(Measured::new(
                "skill_max",
                "at most",
                limit,
                scores.skill,
                is_at_most,
            ));
        }
        if let Some(limit) = self.rmse_ug_m3_max {
            measured.push(Measured::new(
                "rmse_ug_m3_max",
                "at most",
                limit,
                scores.rmse_ug_m3,
                is_at_most,
            ));
        }
        measured
    }
}

impl Measured {
    fn new(
        key: &'static str,
        comparison: &'static str,
        limit: f64,
        value: Option<f64>,
        is_kept: fn(f64, f64) -> bool,
    ) -> Self {
        let is_kept = value.is_some_and(|value| is_kept(limit, value));
        Self {
            key,
            comparison,
            limit,
            value,
            is_kept,
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            comparison,
            limit,
            ..
        } = self;
        write!(f, "{key} = {limit} asks for {comparison} {limit}, ")?;
        match self.value {
            Some(value) => write!(f, "eval.json says {value}"),
            None => write!(f, "eval.json has no such figure"),
        }
    }
}

fn rules_of(name: &str, section: &str, value: toml::Value) -> Result<Rules> {
    if let Some(table) = value.as_table() {
        check_keys(name, &format!("key in [{section}]"), table.keys(), &KEYS)?;
    }
    let rules =
        Rules::deserialize(value).map_err(|e| unreadable(&format!("{name} [{section}]"), e))?;
    let limits = [Some(rules.skill_min), rules.skill_max, rules.rmse_ug_m3_max];
    if let Some(limit) = limits
        .into_iter()
        .flatten()
        .find(|limit| !limit.is_finite())
    {
        return Err(
            Fault::usage(format!("{name} [{section}]: {limit} is no limit")).hint("give a number"),
        );
    }
    Ok(rules)
}

fn check_keys<'a>(
    name: &str,
    what: &str,
    keys: impl Iterator<Item = &'a String>,
    known: &[&'static str],
) -> Result<()> {
    for key in keys {
        if !known.contains(&key.as_str()) {
            let hint = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it may be one of: {}", known.join(", ")),
            };
            return Err(Fault::usage(format!("{name}: {key:?} is no {what}")).hint(hint));
        }
    }
    Ok(())
}

fn unreadable(what: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::usage(format!("{what} cannot be read as a policy"))
        .because(cause)
        .hint("governance/policy.toml of the repository is an example with every key explained")
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nowcast => "nowcast",
            Self::Forecast => "forecast",
        })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Persistence => "persistence",
            Self::Climatology => "climatology",
            Self::Linear => "linear",
        })
    }
}

#[cfg(test)]
mod tests {
    use pm25_file::{Kind, Sha256};

    use super::*;

    const POLICY: &str = "[forecast]\nbaseline = \"persistence\"\nskill_min = 0\nskill_max = 0.95\nrows_min = 720\nrmse_ug_m3_max = 60.0\n";

    fn policy(text: &str) -> Result<Policy> {
        let source = InputRef {
            name: "policy.toml".into(),
            sha256: Sha256::of(text.as_bytes()),
        };
        Policy::parse("policy.toml", text.as_bytes(), source)
    }

    fn judge(skill: Option<f64>, rows: u64, rmse: Option<f64>) -> Result<Passed> {
        let scores = Scores {
            rmse_ug_m3: rmse,
            skill,
            rows,
        };
        policy(POLICY).unwrap().judge(TaskName::Forecast, &scores)
    }

    #[test]
    fn a_model_that_keeps_every_rule_passes_with_all_figures_on_record() {
        let passed = judge(Some(0.3), 720, Some(60.0)).unwrap();
        let rules: Vec<_> = passed
            .checks
            .iter()
            .map(|check| check.rule.as_str())
            .collect();
        assert_eq!(
            rules,
            ["rows_min", "skill_min", "skill_max", "rmse_ug_m3_max"]
        );
        assert_eq!(
            passed.checks[1],
            Check {
                rule: "skill_min".into(),
                limit: 0.0,
                value: 0.3
            }
        );
        assert_eq!(passed.policy, Sha256::of(POLICY.as_bytes()));
    }

    #[test]
    fn each_broken_rule_closes_the_gate_by_name() {
        let cases = [
            (
                Some(0.0),
                720,
                Some(1.0),
                "skill_min = 0 asks for greater than 0, eval.json says 0",
            ),
            (
                Some(-0.1),
                720,
                Some(1.0),
                "skill_min = 0 asks for greater than 0, eval.json says -0.1",
            ),
            (
                None,
                720,
                Some(1.0),
                "skill_min = 0 asks for greater than 0, eval.json has no such figure",
            ),
            (Some(f64::NAN), 720, Some(1.0), "skill_min"),
            (
                Some(0.951),
                720,
                Some(1.0),
                "skill_max = 0.95 asks for at most 0.95, eval.json says 0.951",
            ),
            (
                Some(0.3),
                719,
                Some(1.0),
                "rows_min = 720 asks for at least 720, eval.json says 719",
            ),
            (
                Some(0.3),
                720,
                Some(60.1),
                "rmse_ug_m3_max = 60 asks for at most 60, eval.json says 60.1",
            ),
        ];
        for (skill, rows, rmse, line) in cases {
            let fault = judge(skill, rows, rmse).unwrap_err();
            assert_eq!(fault.kind(), Kind::GateClosed);
            assert!(fault.to_string().contains(line), "{fault}");
        }
    }

    #[test]
    fn a_task_that_the_policy_does_not_name_does_not_pass() {
        let scores = Scores {
            rmse_ug_m3: Some(1.0),
            skill: Some(0.5),
            rows: 10_000,
        };
        let fault = policy(POLICY)
            .unwrap()
            .judge(TaskName::Nowcast, &scores)
            .unwrap_err();
        assert_eq!(fault.kind(), Kind::GateClosed);
    }

    #[test]
    fn a_misspelt_rule_is_refused_with_the_nearest_name() {
        let cases = [
            (POLICY.replace("skill_min", "skil_min"), "skill_min"),
            (POLICY.replace("[forecast]", "[forcast]"), "forecast"),
            (POLICY.replace("rows_min", "zebra"), "rows_min"),
        ];
        for (text, near) in cases {
            let fault = policy(&text).unwrap_err();
            assert_eq!(fault.kind(), Kind::Usage);
            assert!(fault.hint_text().unwrap().contains(near), "{fault:?}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let cases = [
            "skill_min = 0.0".to_owned(),
            "forecast = 3".to_owned(),
            "[forecast".to_owned(),
            POLICY.replace("skill_min = 0", "skill_min = nan"),
            POLICY.replace("60.0", "inf"),
            POLICY.replace("persistence", "luck"),
            POLICY.replace("rows_min = 720", ""),
            POLICY.replace("720", "-1"),
        ];
        for text in cases {
            assert_eq!(policy(&text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }
}
