//! What is true of a pipeline's files and programs right now, and what follows for one stage.
//!
//! It reads and never writes. Hashes are remembered, so one view is for one command.

use std::collections::{BTreeMap, BTreeSet};

use pm25_file::{Fault, Result};

use crate::content::{Content, Contents};
use crate::pipeline::{Pipeline, Stage};
use crate::place::Place;
use crate::plan::Choice;
use crate::program::Programs;
use crate::record::{Fingerprint, Record};
use crate::stale::{Stale, judge};

/// A pipeline together with what was seen of its files so far.
pub(crate) struct View<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) contents: Contents<'a>,
    pub(crate) programs: Programs,
}

impl<'a> View<'a> {
    /// Nothing is seen yet.
    pub(crate) fn new(pipeline: &'a Pipeline) -> Self {
        Self {
            pipeline,
            contents: Contents::new(&pipeline.root),
            programs: Programs::new(&pipeline.root),
        }
    }

    /// Finds every program, and every input that no chosen stage makes, before anything is started.
    pub(crate) fn check_supplies(&mut self, choices: &[Choice]) -> Result<()> {
        for (stage, choice) in self.pipeline.stages.iter().zip(choices) {
            if *choice == Choice::Leave {
                continue;
            }
            self.programs
                .find(&stage.argv[0])
                .map_err(|fault| in_stage(stage, fault))?;
            for input in &stage.inputs {
                let maker = self.pipeline.maker(input);
                if maker.is_none_or(|maker| choices[maker] == Choice::Leave)
                    && self.contents.of(input)?.is_none()
                {
                    return Err(self.not_supplied(stage, input, maker));
                }
            }
        }
        Ok(())
    }

    fn not_supplied(&self, stage: &Stage, input: &Place, maker: Option<usize>) -> Fault {
        let what = format!("stage `{}` needs {input}, which is not there", stage.name);
        match maker {
            Some(maker) => {
                let maker = &self.pipeline.stages[maker].name;
                Fault::bad_artifact(what).hint(format!("make it with `pm25 run {maker}`"))
            }
            None => Fault::bad_artifact(format!("{what} and which no stage makes"))
                .hint("put it there, or correct `in` or the parameter that names it"),
        }
    }

    /// The fingerprint that a run of this stage would have now.
    pub(crate) fn fingerprint(&mut self, stage: &Stage) -> Result<Fingerprint> {
        let program = self.programs.find(&stage.argv[0]);
        Ok(Fingerprint {
            argv: stage.argv.clone(),
            inputs: self.look_at(&stage.inputs)?,
            ok_exit: stage.ok_exit.clone(),
            out: stage.outputs.iter().cloned().collect(),
            params: stage.params.clone(),
            program: program.map_err(|fault| in_stage(stage, fault))?.sha256,
        })
    }

    /// Why this stage is stale; nothing: it is fresh. What the `unsettled` stages make says nothing, since they
    /// will run first: such inputs count as unchanged.
    pub(crate) fn reasons(
        &mut self,
        idx: usize,
        unsettled: &BTreeSet<usize>,
    ) -> Result<Vec<Stale>> {
        let pipeline = self.pipeline;
        let stage = &pipeline.stages[idx];
        let record = Record::read(&pipeline.root, &stage.name);
        let mut now = self.fingerprint(stage)?;
        if let Some(record) = &record {
            let made = |place: &Place| unsettled.iter().any(|&maker| pipeline.makes(maker, place));
            for (place, content) in &mut now.inputs {
                if let Some(then) = record.fingerprint.inputs.get(place)
                    && made(place)
                {
                    content.clone_from(then);
                }
            }
        }
        let outputs = self.look_at(&stage.outputs)?;
        Ok(judge(record.as_ref(), &now, &outputs))
    }

    /// What lies at these places.
    pub(crate) fn look_at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Option<Content>>> {
        places
            .iter()
            .map(|place| Ok((place.clone(), self.contents.of(place)?)))
            .collect()
    }
}

fn in_stage(stage: &Stage, fault: Fault) -> Fault {
    let hint = fault.hint_text().unwrap_or_default().to_owned();
    Fault::usage(format!("stage `{}`: {fault}", stage.name)).hint(hint)
}
