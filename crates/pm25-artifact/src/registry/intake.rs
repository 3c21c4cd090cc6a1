//! What comes in: a model with its papers, and whether they belong together.
//!
//! ```text
//! prep.json ── files: train, valid, test ──┐
//!                        │                 │ a table of this preparation
//!             inputs of model.json         │ that the model did not learn from
//!                        │                 │
//!                  SHA-256 = eval.json's model ── inputs of eval.json
//! ```
//!
//! It does not judge whether the model is good; that is the policy's.

use pm25_file::{Fault, Header, Input, InputRef, Result, Sha256, decode_document};

use super::policy::{Baseline, Check, Passed, Policy, Scores, TaskName};
use super::{Objects, Registry};
use crate::eval::{EvalReport, Skill};
use crate::eval_horizons::decode_reports;
use crate::model::{Horizons, Model};
use crate::prep::{PrepReport, TaskFact};
use crate::train::LearnedFrom;

/// The tables of a preparation, by their use: learned from, chosen on, judged on.
const TRAIN: &str = "train.parquet";
const VALID: &str = "valid.parquet";
const TEST: &str = "test.parquet";

/// A file as it was read: what is checked is what is kept.
type Paper = (InputRef, Vec<u8>);

/// A model, its evaluation and the report on its tables, which belong together.
#[derive(Debug)]
pub struct Candidate {
    model: Paper,
    eval: Paper,
    prep: Paper,
}

impl Candidate {
    /// Reads the three files and checks that each is sound and that they are about one another.
    pub fn read(model: &Input, eval: &Input, prep: &Input) -> Result<Self> {
        let papers = Self {
            model: paper(model)?,
            eval: paper(eval)?,
            prep: paper(prep)?,
        };
        let (read, reference) = Horizons::read(model)?;
        if reference.sha256 != papers.model.0.sha256 {
            return Err(
                Fault::bad_artifact(format!("{model} was exchanged while it was read"))
                    .hint("wait until whoever writes it is done"),
            );
        }
        let reports = decode_reports(&eval.to_string(), &papers.eval.1)?;
        let preparation: PrepReport = decode_document(&prep.to_string(), &papers.prep.1)?;
        let learned = Learned {
            model,
            header: &read.shortest().header,
            tasks: read.members().iter().map(Model::task).collect(),
            sha256: reference.sha256,
        };
        learned.check_preparation(prep, &preparation)?;
        learned.check_evaluation(eval, &reports, &preparation.pm25)?;
        Ok(papers)
    }

    #[cfg(test)]
    pub(super) fn of_papers(model: Paper, eval: Paper, prep: Paper) -> Self {
        Self { model, eval, prep }
    }

    /// The hashes of the three files.
    pub fn objects(&self) -> Objects {
        Objects {
            model: self.model.0.sha256,
            eval: self.eval.0.sha256,
            prep: self.prep.0.sha256,
        }
    }

    pub(super) fn inputs(&self) -> Vec<InputRef> {
        vec![
            self.model.0.clone(),
            self.eval.0.clone(),
            self.prep.0.clone(),
        ]
    }

    /// Keeps the three files as objects.
    pub(super) fn keep(&self, registry: &Registry) -> Result<()> {
        for (_, bytes) in [&self.model, &self.eval, &self.prep] {
            registry.put_object(bytes)?;
        }
        Ok(())
    }
}

fn paper(input: &Input) -> Result<Paper> {
    if *input == Input::Stdin {
        return Err(Fault::usage("the registry takes files, not standard input")
            .hint("write it to a file first: the log notes its name"));
    }
    let bytes = input.bytes()?;
    Ok((input.reference(&bytes), bytes))
}

/// The model's side of the bargain.
struct Learned<'a> {
    model: &'a Input,
    header: &'a Header,
    /// One, or one for each of several horizons.
    tasks: Vec<TaskFact>,
    sha256: Sha256,
}

impl Learned<'_> {
    /// Every table that the model learned from is one of this preparation.
    fn check_preparation(&self, prep: &Input, preparation: &PrepReport) -> Result<()> {
        let model = self.model;
        let files = &preparation.pm25.files;
        let stranger = self
            .header
            .inputs
            .iter()
            .zip([TRAIN, VALID].into_iter().chain(std::iter::repeat(TRAIN)))
            .find(|(input, role)| !is_table(files, role, input.sha256))
            .map(|(input, _)| input);
        let why = match stranger {
            Some(input) => format!(
                "{model} learned from {}, which {prep} does not list for that use",
                input.name
            ),
            None if self.header.inputs.is_empty() => {
                format!("{model} does not say what it learned from")
            }
            None if !self
                .tasks
                .iter()
                .all(|task| preparation.tasks().contains(task)) =>
            {
                format!("{prep} prepared another task than that of {model}")
            }
            None if !self.says_what_teaches() => {
                format!("{model} does not say rightly which tables it learned from")
            }
            None => return Ok(()),
        };
        Err(Fault::bad_artifact(why)
            .hint("give the prep.json of the run that made the model, or train it again"))
    }

    /// Valid may teach after it has chosen, and only where the header says so; no other table may.
    fn says_what_teaches(&self) -> bool {
        let Some(said) = self.header.params.get("learned_from") else {
            return true;
        };
        match serde_json::from_value(said.clone()) {
            Ok(LearnedFrom::Train) => true,
            Ok(LearnedFrom::TrainAndValid) => self.header.inputs.len() == 2,
            Err(_) => false,
        }
    }

    /// The evaluation is about this model, on a table of the same preparation that it did not learn from.
    fn check_evaluation(
        &self,
        eval: &Input,
        reports: &[EvalReport],
        preparation: &Header,
    ) -> Result<()> {
        let model = self.model;
        let is_exam = |input: &InputRef| is_table(&preparation.files, TEST, input.sha256);
        let stranger = reports.iter().find(|it| it.model.sha256 != self.sha256);
        let tasks = reports.iter().map(|report| report.model.task);
        let sat_it = |report: &EvalReport| report.pm25.inputs.iter().any(is_exam);
        let why = if let Some(report) = stranger {
            format!(
                "{eval} is about the model {}, not about {model} ({})",
                report.model.sha256, self.sha256
            )
        } else if !tasks.eq(self.tasks.iter().copied()) {
            format!("{eval} is about another task than that of {model}")
        } else if !reports.iter().all(sat_it) {
            format!(
                "{eval} was not made on the test table that was prepared with the model's tables"
            )
        } else {
            return Ok(());
        };
        Err(Fault::bad_artifact(why).hint(format!(
            "evaluate it: `pm25-eval --model {model} --test test.parquet --out-dir eval`"
        )))
    }
}

/// Whether these bytes are the table that the preparation made for this use: a model that learned from test
/// rows, or was judged on train rows, has sat another exam.
fn is_table(files: &[InputRef], role: &str, sha256: Sha256) -> bool {
    let plays = |name: &str| name.rsplit('/').next() == Some(role);
    files
        .iter()
        .any(|file| plays(&file.name) && file.sha256 == sha256)
}

/// The evaluation that speaks for a version, read from its object.
#[derive(Debug)]
pub struct Judged {
    /// The whole report; of several horizons each, rising.
    pub reports: Vec<EvalReport>,
}

impl Judged {
    /// Reads the evaluation among a version's objects.
    pub fn of(registry: &Registry, objects: &Objects) -> Result<Self> {
        let name = registry.object_path(objects.eval).display().to_string();
        let reports = decode_reports(&name, &registry.object(objects.eval)?)?;
        if reports.iter().any(|it| it.model.sha256 != objects.model) {
            return Err(Fault::bad_artifact(format!(
                "{name} is not about the model {}",
                objects.model
            ))
            .hint("register the model again with its own evaluation"));
        }
        Ok(Self { reports })
    }

    /// Holds the evaluation against the policy: every horizon must pass.
    pub fn pass(&self, policy: &Policy) -> Result<Passed> {
        let (first, others) = self.reports.split_first().expect("it was read with one");
        let mut passed = pass(first, policy);
        if others.is_empty() {
            return passed;
        }
        passed = passed.map_err(|fault| of_horizon(first, &fault));
        let mut all = passed?;
        for check in &mut all.checks {
            check.rule = rule_of_horizon(first, &check.rule);
        }
        for report in others {
            let more = pass(report, policy).map_err(|fault| of_horizon(report, &fault))?;
            all.checks
                .extend(more.checks.into_iter().map(|check| Check {
                    rule: rule_of_horizon(report, &check.rule),
                    ..check
                }));
        }
        Ok(all)
    }
}

/// One report against the policy.
fn pass(report: &EvalReport, policy: &Policy) -> Result<Passed> {
    let task = task_name(report);
    let skill = skill_over(report, policy.rules(task)?.baseline);
    let scores = Scores {
        rmse_ug_m3: report.metrics.rmse_ug_m3,
        skill: skill.skill,
        rows: skill.rows,
    };
    policy.judge(task, &scores)
}

/// Which section of a policy is about a report.
fn task_name(report: &EvalReport) -> TaskName {
    match report.model.task {
        TaskFact::Nowcast => TaskName::Nowcast,
        TaskFact::Forecast { .. } | TaskFact::DayMean => TaskName::Forecast,
    }
}

fn skill_over(report: &EvalReport, baseline: Baseline) -> Skill {
    let skills = &report.skill_over;
    match baseline {
        Baseline::Persistence => skills.persistence,
        Baseline::Climatology => skills.climatology,
        Baseline::Linear => skills.linear,
    }
}

fn rule_of_horizon(report: &EvalReport, rule: &str) -> String {
    format!("{rule} at {} h", report.model.task.horizon_h())
}

fn of_horizon(report: &EvalReport, fault: &Fault) -> Fault {
    let horizon_h = report.model.task.horizon_h();
    let told = Fault::gate_closed(format!("{horizon_h} h ahead: {fault}"));
    match fault.hint_text() {
        Some(hint) => told.hint(hint),
        None => told,
    }
}
