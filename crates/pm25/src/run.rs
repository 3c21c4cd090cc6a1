//! `pm25 run`: starts what is stale as soon as what it needs is there, a few at a time.
//!
//! One thread (this one) decides, hashes, writes records and talks; each running stage has a thread that
//! waits for its process. Whether a stage is stale is asked only when everything before it has ended, so equal
//! bytes stop the staleness.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, Scope};

use pm25_file::{Fault, Result};
use pm25_tool::Console;

use crate::child::{self, Event, Task, describe};
use crate::content::is_litter;
use crate::failure::{Failure, Said};
use crate::pipeline::{Pipeline, RECORDS, Stage};
use crate::plan::Choice;
use crate::record::{Fingerprint, Record};
use crate::report::{Outcome, Ran, Report};
use crate::stale::{Stale, accepts};
use crate::survey::{Reason, why_fresh};
use crate::view::View;

/// Lines and ends that wait to be told; a child that talks faster waits.
const EVENTS_WAITING_MAX: usize = 256;

/// Runs the chosen stages with at most `n_threads` at a time, and tells what became of each. The caller holds
/// the lock. An error: nothing was started.
pub(crate) fn run(
    pipeline: &Pipeline,
    choices: &[Choice],
    n_threads: usize,
    console: &Console,
) -> Result<Report> {
    let mut view = View::new(pipeline);
    view.check_supplies(choices)?;
    sweep(pipeline, choices);
    let names = pipeline.stages.iter().map(|stage| stage.name.len());
    let mut run = Run {
        view,
        choices,
        n_threads,
        console,
        ran: vec![Ran::default(); pipeline.stages.len()],
        running: BTreeMap::new(),
        failure: None,
        width: names.max().unwrap_or(0),
    };
    thread::scope(|scope| run.drive(scope));
    Ok(Report::new(pipeline, choices, run.ran, run.failure))
}

/// Everything about one run in progress.
struct Run<'a> {
    view: View<'a>,
    choices: &'a [Choice],
    n_threads: usize,
    console: &'a Console,
    /// By the number of the stage.
    ran: Vec<Ran>,
    running: BTreeMap<usize, Running>,
    /// The first; after it nothing new is started.
    failure: Option<Failure>,
    /// Of the longest name.
    width: usize,
}

/// A stage whose process lives.
struct Running {
    fingerprint: Fingerprint,
    /// Of the run before, to tell whether the outputs are the same again.
    before: Option<Record>,
    said: Said,
}

/// A stage that is to be started.
struct Launch {
    stage: usize,
    reasons: Vec<Stale>,
}

impl<'a> Run<'a> {
    fn drive<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) {
        let (events, inbox) = sync_channel(EVENTS_WAITING_MAX);
        loop {
            let batch = self.next_batch();
            let share = self.n_threads / (self.running.len() + batch.len()).max(1);
            for launch in batch {
                // What runs may finish; nothing new begins.
                if self.failure.is_some() {
                    break;
                }
                let stage = launch.stage;
                match self.prepare(launch, share.max(1)) {
                    Ok(task) => start(scope, task, stage, &events),
                    Err(fault) => self.fail(Failure::of_fault(self.stage(stage), fault), stage),
                }
            }
            if self.running.is_empty() {
                return;
            }
            match inbox.recv() {
                Ok(Event::Line { stage, text }) => self.tell_line(stage, &text),
                Ok(Event::Ended {
                    stage,
                    status,
                    seconds,
                }) => self.finish(stage, status, seconds),
                Err(_) => return,
            }
        }
    }

    /// The stages that can and must be started now; those found fresh are done with at once.
    fn next_batch(&mut self) -> Vec<Launch> {
        let mut batch = Vec::new();
        let pipeline = self.view.pipeline;
        for &stage in pipeline.graph.order() {
            let is_full = self.n_threads <= self.running.len() + batch.len();
            if is_full {
                break;
            }
            if !self.is_ready(stage, &batch) {
                continue;
            }
            match self.reasons(stage) {
                Ok(reasons) if reasons.is_empty() => self.pass(stage),
                Ok(reasons) => batch.push(Launch { stage, reasons }),
                Err(fault) => self.fail(Failure::of_fault(self.stage(stage), fault), stage),
            }
        }
        batch
    }

    fn is_ready(&self, stage: usize, batch: &[Launch]) -> bool {
        let is_settled = |&need: &usize| {
            self.choices[need] == Choice::Leave || self.ran[need].outcome.is_success()
        };
        self.choices[stage] != Choice::Leave
            && self.ran[stage].outcome == Outcome::NotRun
            && !self.running.contains_key(&stage)
            && batch.iter().all(|launch| launch.stage != stage)
            && self.view.pipeline.graph.after(stage).iter().all(is_settled)
    }

    fn reasons(&mut self, stage: usize) -> Result<Vec<Stale>> {
        match self.choices[stage] {
            Choice::Force(option) => Ok(vec![Stale::Asked { option }]),
            _ => self.view.reasons(stage, &BTreeSet::new()),
        }
    }

    fn pass(&mut self, stage: usize) {
        self.ran[stage].outcome = Outcome::Fresh;
        let n_inputs = self.stage(stage).inputs.len();
        self.tell(stage, &format!("fresh: {}", why_fresh(n_inputs)));
    }

    /// Takes the record away and makes the folders, so that the stage can be started.
    fn prepare(&mut self, launch: Launch, n_threads: usize) -> Result<Task> {
        let Launch {
            stage: idx,
            reasons,
        } = launch;
        let pipeline = self.view.pipeline;
        let stage = &pipeline.stages[idx];
        let fingerprint = self.view.fingerprint(stage)?;
        let program = self.view.programs.find(&stage.argv[0])?.path;
        let before = Record::read(&pipeline.root, &stage.name);
        Record::remove(&pipeline.root, &stage.name)?;
        make_folders(pipeline, stage)?;
        self.view.contents.forget(&stage.outputs);
        for reason in &reasons {
            self.tell(idx, &format!("runs: {reason}"));
        }
        self.ran[idx].reasons = reasons.into_iter().map(Reason::from).collect();
        let said = Said::default();
        self.running.insert(
            idx,
            Running {
                fingerprint,
                before,
                said,
            },
        );
        Ok(Task {
            program,
            argv: stage.argv.clone(),
            root: pipeline.root.clone(),
            n_threads,
        })
    }

    fn finish(&mut self, idx: usize, status: io::Result<ExitStatus>, seconds: f64) {
        self.ran[idx].seconds = Some(seconds);
        let Some(running) = self.running.remove(&idx) else {
            return;
        };
        let stage = self.stage(idx);
        let failure = match status {
            Err(e) => Failure::not_started(stage, e),
            Ok(status) => match status.code().and_then(|code| u8::try_from(code).ok()) {
                Some(code) if accepts(&running.fingerprint, code) => {
                    match self.settle(idx, code, running) {
                        Ok(()) => return,
                        Err(fault) => Failure::of_fault(stage, fault),
                    }
                }
                code => Failure::of_status(stage, code, &describe(status), running.said),
            },
        };
        self.fail(failure, idx);
    }

    /// Looks at what a stage made and puts it on record.
    fn settle(&mut self, idx: usize, exit: u8, running: Running) -> Result<()> {
        let pipeline = self.view.pipeline;
        let stage = &pipeline.stages[idx];
        self.view.contents.forget(&stage.outputs);
        let mut outputs = BTreeMap::new();
        for (place, content) in self.view.look_at(&stage.outputs)? {
            let Some(content) = content else {
                return Err(Fault::unforeseen(format!(
                    "stage `{}` ended with exit status {exit} without making {place}",
                    stage.name
                ))
                .hint("does `out` name what the program really writes?"));
            };
            outputs.insert(place, content);
        }
        let is_same = running
            .before
            .is_some_and(|before| before.outputs == outputs);
        Record::new(exit, running.fingerprint, outputs).write(&pipeline.root, &stage.name)?;
        self.ran[idx].outcome = Outcome::Ran;
        let seconds = self.ran[idx].seconds.unwrap_or_default();
        let exit = if exit == 0 {
            String::new()
        } else {
            format!(" with exit status {exit}")
        };
        let same = if is_same {
            ", the same bytes as before"
        } else {
            ""
        };
        self.tell(idx, &format!("done{exit} in {seconds:.1} s{same}"));
        Ok(())
    }

    fn fail(&mut self, failure: Failure, stage: usize) {
        self.ran[stage].outcome = Outcome::Failed;
        self.tell(stage, "failed");
        match self.failure {
            None => self.failure = Some(failure),
            Some(_) => self.console.warn(&failure.to_string()),
        }
    }

    fn stage(&self, idx: usize) -> &'a Stage {
        &self.view.pipeline.stages[idx]
    }

    fn tell(&self, stage: usize, text: &str) {
        let (name, width) = (&self.stage(stage).name, self.width);
        self.console.note(&format!("{name:width$}  {text}"));
    }

    fn tell_line(&mut self, stage: usize, text: &str) {
        let (name, width) = (&self.stage(stage).name, self.width);
        self.console.note(&format!("{name:width$} | {text}"));
        if let Some(running) = self.running.get_mut(&stage) {
            running.said.hear(text);
        }
    }
}

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    task: Task,
    stage: usize,
    events: &SyncSender<Event>,
) {
    let events = events.clone();
    scope.spawn(move || child::run(&task, stage, &events));
}

fn make_folders(pipeline: &Pipeline, stage: &Stage) -> Result<()> {
    for place in &stage.outputs {
        let path = place.under(&pipeline.root);
        let folder = path.parent().unwrap_or(&pipeline.root);
        fs::create_dir_all(folder).map_err(|e| {
            Fault::unforeseen(format!("{}: cannot be made", folder.display())).because(e)
        })?;
    }
    Ok(())
}

/// Removes temporary files that a killed process left among the records, and beside or inside the outputs of
/// stages which did not finish: whoever reads a whole folder would take them for data. Nothing of ours runs
/// now, so nobody needs them; one that cannot be removed is left.
fn sweep(pipeline: &Pipeline, choices: &[Choice]) {
    sweep_folder(&pipeline.root.join(RECORDS));
    for (stage, choice) in pipeline.stages.iter().zip(choices) {
        if *choice != Choice::Leave && Record::read(&pipeline.root, &stage.name).is_none() {
            for place in &stage.outputs {
                let path = place.under(&pipeline.root);
                path.parent().into_iter().for_each(sweep_folder);
                sweep_folder(&path);
            }
        }
    }
}

fn sweep_folder(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_litter(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
