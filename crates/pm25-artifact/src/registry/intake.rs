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

use super::policy::{Baseline, Passed, Policy, Scores, TaskName};
use super::{Objects, Registry};
use crate::eval::{EvalReport, Skill};
use crate::model::Model;
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
        let (read, reference) = Model::read(model)?;
        if reference.sha256 != papers.model.0.sha256 {
            return Err(
                Fault::bad_artifact(format!("{model} was exchanged while it was read"))
                    .hint("wait until whoever writes it is done"),
            );
        }
        let report: EvalReport = decode_document(&eval.to_string(), &papers.eval.1)?;
        let preparation: PrepReport = decode_document(&prep.to_string(), &papers.prep.1)?;
        let learned = Learned {
            model,
            header: &read.header,
            task: read.task(),
            sha256: reference.sha256,
        };
        learned.check_preparation(prep, &preparation)?;
        learned.check_evaluation(eval, &report, &preparation.pm25)?;
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
    task: TaskFact,
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
            None if !preparation.tasks().contains(&self.task) => {
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
        report: &EvalReport,
        preparation: &Header,
    ) -> Result<()> {
        let model = self.model;
        let is_exam = |input: &InputRef| is_table(&preparation.files, TEST, input.sha256);
        let why = if report.model.sha256 != self.sha256 {
            format!(
                "{eval} is about the model {}, not about {model} ({})",
                report.model.sha256, self.sha256
            )
        } else if report.model.task != self.task {
            format!("{eval} is about another task than that of {model}")
        } else if !report.pm25.inputs.iter().any(is_exam) {
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
    /// The whole report.
    pub report: EvalReport,
}

impl Judged {
    /// Reads the evaluation among a version's objects.
    pub fn of(registry: &Registry, objects: &Objects) -> Result<Self> {
        let name = registry.object_path(objects.eval).display().to_string();
        let report: EvalReport = decode_document(&name, &registry.object(objects.eval)?)?;
        if report.model.sha256 != objects.model {
            return Err(Fault::bad_artifact(format!(
                "{name} is not about the model {}",
                objects.model
            ))
            .hint("register the model again with its own evaluation"));
        }
        Ok(Self { report })
    }

    /// Which section of a policy is about it.
    pub fn task(&self) -> TaskName {
        match self.report.model.task {
            TaskFact::Nowcast => TaskName::Nowcast,
            TaskFact::Forecast { .. } | TaskFact::DayMean => TaskName::Forecast,
        }
    }

    /// The skill over a baseline.
    pub fn skill_over(&self, baseline: Baseline) -> Skill {
        let skills = &self.report.skill_over;
        match baseline {
            Baseline::Persistence => skills.persistence,
            Baseline::Climatology => skills.climatology,
            Baseline::Linear => skills.linear,
        }
    }

    /// Holds the evaluation against the policy.
    pub fn pass(&self, policy: &Policy) -> Result<Passed> {
        let skill = self.skill_over(policy.rules(self.task())?.baseline);
        let rmse_ug_m3 = self.report.metrics.rmse_ug_m3;
        policy.judge(
            self.task(),
            &Scores {
                rmse_ug_m3,
                skill: skill.skill,
                rows: skill.rows,
            },
        )
    }
}
