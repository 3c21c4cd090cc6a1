//! `status`, `why` and `run --dry-run`: what would run and for which reasons, told without running anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pm25_file::{Result, Sha256};
use serde::Serialize;

use crate::pipeline::Stage;
use crate::place::Place;
use crate::plan::Choice;
use crate::quote::command_line;
use crate::stale::{Stale, short};
use crate::view::View;

/// How a stage stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Its outputs are what a run would make.
    Fresh,
    /// It would run.
    Stale,
    /// A stage before it would run; if that gives other bytes, this one would run too.
    Maybe,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Maybe => "maybe",
        })
    }
}

/// One reason with its sentence.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reason {
    #[serde(flatten)]
    pub(crate) stale: Stale,
    pub(crate) text: String,
}

impl From<Stale> for Reason {
    fn from(stale: Stale) -> Self {
        let text = stale.to_string();
        Self { stale, text }
    }
}

/// Every chosen stage, each after those that it needs.
#[derive(Debug, Serialize)]
pub(crate) struct Survey {
    pub(crate) stages: Vec<Row>,
}

/// One stage of a survey.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) stage: String,
    pub(crate) state: State,
    /// Empty if and only if it is fresh.
    pub(crate) reasons: Vec<Reason>,
    #[serde(skip)]
    n_inputs: usize,
}

/// Looks at all chosen stages.
pub(crate) fn survey(view: &mut View, choices: &[Choice]) -> Result<Survey> {
    let pipeline = view.pipeline;
    let mut unsettled = BTreeSet::new();
    let mut stages = Vec::new();
    for &idx in pipeline.graph.order() {
        let mut reasons = match choices[idx] {
            Choice::Leave => continue,
            Choice::Force(option) => vec![Stale::Asked { option }],
            Choice::Check => view.reasons(idx, &unsettled)?,
        };
        let mut state = State::Stale;
        if reasons.is_empty() {
            reasons = waiting_for(view, idx, &unsettled);
            state = if reasons.is_empty() {
                State::Fresh
            } else {
                State::Maybe
            };
        }
        if state != State::Fresh {
            unsettled.insert(idx);
        }
        stages.push(Row {
            stage: pipeline.stages[idx].name.clone(),
            state,
            reasons: reasons.into_iter().map(Reason::from).collect(),
            n_inputs: pipeline.stages[idx].inputs.len(),
        });
    }
    Ok(Survey { stages })
}

fn waiting_for(view: &View, idx: usize, unsettled: &BTreeSet<usize>) -> Vec<Stale> {
    let needs = view.pipeline.graph.after(idx).iter();
    needs
        .filter(|need| unsettled.contains(need))
        .map(|&need| Stale::After {
            stage: view.pipeline.stages[need].name.clone(),
        })
        .collect()
}

/// Says in one sentence why a stage with so many inputs need not run.
pub(crate) fn why_fresh(n_inputs: usize) -> String {
    match n_inputs {
        0 => "same program and arguments as when it ran".to_owned(),
        1 => "same program, arguments and input as when it ran".to_owned(),
        n => format!("same program, arguments and {n} inputs as when it ran"),
    }
}

impl Survey {
    /// How many stages stand so.
    pub(crate) fn count(&self, state: State) -> usize {
        self.stages.iter().filter(|row| row.state == state).count()
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .stages
            .iter()
            .map(|row| row.stage.len())
            .max()
            .unwrap_or(0);
        for Row {
            stage,
            state,
            reasons,
            n_inputs,
        } in &self.stages
        {
            write!(f, "{state}  {stage:width$}  ")?;
            match reasons.as_slice() {
                [] => writeln!(f, "{}", why_fresh(*n_inputs))?,
                [one] => writeln!(f, "{}", one.text)?,
                [first, rest @ ..] => {
                    writeln!(
                        f,
                        "{} (and {} more: pm25 why {stage})",
                        first.text,
                        rest.len()
                    )?;
                }
            }
        }
        let (stale, maybe) = (self.count(State::Stale), self.count(State::Maybe));
        write!(
            f,
            "{stale} stale, {maybe} maybe, {} fresh",
            self.count(State::Fresh)
        )
    }
}

/// Everything about one stage: the answer to `why`.
#[derive(Debug, Serialize)]
pub(crate) struct Why {
    #[serde(flatten)]
    row: Row,
    argv: Vec<String>,
    params: BTreeMap<String, String>,
    program: Sha256,
    inputs: BTreeMap<Place, Option<Sha256>>,
    outputs: BTreeMap<Place, Option<Sha256>>,
}

/// Looks at one stage and what it needs.
pub(crate) fn why(view: &mut View, choices: &[Choice], stage: &Stage) -> Result<Option<Why>> {
    let survey = survey(view, choices)?;
    let Some(row) = survey
        .stages
        .into_iter()
        .find(|row| row.stage == stage.name)
    else {
        return Ok(None);
    };
    let hashes = |view: &mut View, places: &[Place]| -> Result<BTreeMap<_, _>> {
        let contents = view.look_at(places)?.into_iter();
        Ok(contents
            .map(|(place, content)| (place, content.map(|c| c.sha256)))
            .collect())
    };
    Ok(Some(Why {
        row,
        argv: stage.argv.clone(),
        params: stage.params.clone(),
        program: view.programs.find(&stage.argv[0])?.sha256,
        inputs: hashes(view, &stage.inputs)?,
        outputs: hashes(view, &stage.outputs)?,
    }))
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            stage,
            state,
            reasons,
            n_inputs,
        } = &self.row;
        match state {
            State::Fresh => writeln!(f, "{stage} is fresh: {}", why_fresh(*n_inputs))?,
            State::Stale => writeln!(f, "{stage} is stale and would run:")?,
            State::Maybe => writeln!(f, "{stage} would run if other bytes come out:")?,
        }
        for reason in reasons {
            writeln!(f, "  {}", reason.text)?;
        }
        writeln!(f, "runs     {}", command_line(&self.argv))?;
        write!(
            f,
            "program  {}  {}",
            short(&Some(self.program)),
            self.argv[0]
        )?;
        for (name, value) in &self.params {
            write!(f, "\nparam    {name} = {value}")?;
        }
        for (place, hash) in &self.inputs {
            write!(f, "\ninput    {:8}  {place}", short(hash))?;
        }
        for (place, hash) in &self.outputs {
            write!(f, "\noutput   {:8}  {place}", short(hash))?;
        }
        Ok(())
    }
}
