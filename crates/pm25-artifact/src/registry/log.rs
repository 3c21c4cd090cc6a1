//! The log of one model: read it, follow it, add to it.
//!
//! ```text
//! models/pm25/log/00000001.json   previous 0000…                register version 1
//! models/pm25/log/00000002.json   previous sha256(00000001.json) promote  version 1 to staging
//! models/pm25/log/00000003.json   previous sha256(00000002.json) promote  version 1 to production
//! ```
//!
//! An entry is made once, by put-if-absent: of two writers that saw the same head, exactly one makes the
//! next number, and the other reads what happened and decides again. There is no lock to be left behind,
//! no index to be torn, and nothing that a later entry could change in an earlier one.

use pm25_file::{Fault, Header, InputRef, Kind, Program, Result, Sha256};
use pm25_file::{decode_document, encode_document, publish_new};

use super::entry::{Action, Entry, Head, Objects, Seen, Stage};
use super::{Name, Passed, Reason, Registry, State, folder, objects, times};

/// How often a writer that lost the race decides again. Each loss is another's success, so this is how many
/// others may write to the same model within one command.
const ATTEMPTS_MAX: usize = 1024;

/// What a log says, after its chain was checked.
#[derive(Debug)]
pub struct History {
    /// Whose log it is.
    pub name: Name,
    /// All entries, from the first.
    pub entries: Vec<Entry>,
    /// SHA-256 of each entry's bytes.
    pub hashes: Vec<Sha256>,
    /// What they add up to.
    pub state: State,
}

impl History {
    fn empty(name: &Name) -> Self {
        Self {
            name: name.clone(),
            entries: Vec::new(),
            hashes: Vec::new(),
            state: State::default(),
        }
    }

    /// The newest entry.
    pub fn head(&self) -> Head {
        match (self.entries.last(), self.hashes.last()) {
            (Some(entry), Some(&sha256)) => Head {
                number: entry.number,
                sha256,
            },
            _ => Head::NONE,
        }
    }

    /// Whether the log still holds the entry that was its head when somebody wrote that head down.
    pub fn holds(&self, head: Head) -> bool {
        match head.number.checked_sub(1) {
            None => head.sha256 == Sha256::ZERO,
            Some(before) => {
                usize::try_from(before)
                    .ok()
                    .and_then(|i| self.hashes.get(i))
                    == Some(&head.sha256)
            }
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            head: self.head().number,
            production: self.state.production().map(|v| v.number),
        }
    }

    /// Takes the next entry in, or says what is wrong with it.
    fn take(&mut self, file: &str, bytes: &[u8]) -> Result<()> {
        let entry: Entry = decode_document(file, bytes).map_err(|e| {
            Fault::bad_artifact(format!("{file} is no entry of a log, or is damaged"))
                .because(e)
                .hint(folder::REPAIR)
        })?;
        let broken =
            |why: String| Fault::bad_artifact(format!("{file}: {why}")).hint(folder::REPAIR);
        let head = self.head();
        if entry.name != self.name || entry.number != head.number + 1 {
            return Err(broken(format!(
                "it is entry {} of `{}`",
                entry.number, entry.name
            )));
        }
        if entry.previous != head.sha256 {
            return Err(broken(
                "the chain is broken: the entry before is not the one it was written after".into(),
            ));
        }
        if entry.seen != self.seen() {
            return Err(broken(
                "it was decided on a state that the entries before do not give".into(),
            ));
        }
        self.state.apply(&entry).map_err(broken)?;
        self.hashes.push(Sha256::of(bytes));
        self.entries.push(entry);
        Ok(())
    }
}

/// A transition that was decided on and is not yet written.
pub(super) struct Change {
    pub(super) action: Action,
    pub(super) version: u32,
    pub(super) stage: Stage,
    pub(super) objects: Objects,
    pub(super) gate: Option<Passed>,
    pub(super) inputs: Vec<InputRef>,
}

/// What a look at the history led to.
pub(super) enum Decision {
    /// It is so already, for this version.
    Nothing(u32),
    /// This is to be written.
    Write(Box<Change>),
}

/// Who changes which model, and why.
pub struct Author<'a> {
    /// The registry.
    pub registry: &'a Registry,
    /// The model's name.
    pub name: &'a Name,
    /// The program, for the entry's header.
    pub program: &'a Program,
    /// In somebody's words.
    pub reason: Option<Reason>,
}

/// What came of a command that changes a model.
#[derive(Debug)]
pub struct Outcome {
    /// The version it was about.
    pub version: u32,
    /// Where that version stands now.
    pub stage: Stage,
    /// Number of the entry that was written; `None` if it was so already.
    pub written: Option<u32>,
    /// The newest entry.
    pub head: Head,
    /// Why the time could not be noted in `times.jsonl`; the change took place all the same.
    pub untimed: Option<Fault>,
}

impl Registry {
    /// Reads and checks a model's whole log; a model without one is a bad artifact.
    pub fn history(&self, name: &Name) -> Result<History> {
        let history = self.history_or_empty(name)?;
        if history.entries.is_empty() {
            return Err(self.unknown(name));
        }
        Ok(history)
    }

    /// The same, where a model without a log has an empty one.
    fn history_or_empty(&self, name: &Name) -> Result<History> {
        let mut history = History::empty(name);
        self.catch_up(&mut history)?;
        Ok(history)
    }

    /// Reads what was added since.
    fn catch_up(&self, history: &mut History) -> Result<()> {
        let newest = self.newest_number(&history.name)?;
        for number in history.head().number + 1..=newest {
            let file = file_name(number);
            let parts = ["models", history.name.as_str(), "log", &file];
            let shown = folder::path(&self.root, &parts).display().to_string();
            let bytes = folder::read(&self.root, &parts)?.ok_or_else(|| {
                Fault::bad_artifact(format!("{shown} is missing; there are entries after it"))
                    .hint(folder::REPAIR)
            })?;
            history.take(&shown, &bytes)?;
        }
        Ok(())
    }

    /// A reader may list the folder while a writer adds to it, and then sees some of what is new. Whatever
    /// number it sees, all before it are there.
    pub(super) fn newest_number(&self, name: &Name) -> Result<u32> {
        let found =
            folder::list(&self.root, &["models", name.as_str(), "log"])?.unwrap_or_default();
        Ok(found
            .iter()
            .filter_map(|found| number_of(&found.name))
            .max()
            .unwrap_or(0))
    }

    /// Decides on the present state and writes; if another was faster, decides again on the new state.
    pub(super) fn commit(
        &self,
        author: &Author<'_>,
        mut decide: impl FnMut(&History) -> Result<Decision>,
    ) -> Result<Outcome> {
        let mut history = self.history_or_empty(author.name)?;
        for attempt in 0..ATTEMPTS_MAX {
            let decision = decide(&history).map_err(|fault| overtaken(fault, attempt))?;
            let change = match decision {
                Decision::Nothing(version) => return outcome(&history, version, None),
                Decision::Write(change) => change,
            };
            let version = change.version;
            match self.append(author, &mut history, *change) {
                Ok(number) => {
                    return self.note_time(author.name, outcome(&history, version, Some(number))?);
                }
                Err(fault) if fault.kind() == Kind::Conflict => self.catch_up(&mut history)?,
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::conflict(format!(
            "`{}` was changed {ATTEMPTS_MAX} times meanwhile",
            author.name
        ))
        .hint("try again when fewer write to it"))
    }

    fn append(&self, author: &Author<'_>, history: &mut History, change: Change) -> Result<u32> {
        let number = history.head().number + 1;
        let file = file_name(number);
        let parts = ["models", author.name.as_str(), "log", &file];
        let path = folder::path(&self.root, &parts);
        let mut entry = entry(author, history, change);
        // What the next reader would refuse is not written: it could never be taken back.
        history
            .state
            .clone()
            .apply(&entry)
            .map_err(|why| Fault::unforeseen(format!("refused to write: {why}")))?;
        let bytes = encode_document(&mut entry)?;
        publish_new(&path, &bytes)?;
        objects::make_read_only(&self.root, &parts);
        history.take(&path.display().to_string(), &bytes)?;
        Ok(number)
    }

    /// The change is durable by now, so a journal that cannot be written is told and not a failure.
    fn note_time(&self, name: &Name, outcome: Outcome) -> Result<Outcome> {
        let untimed = outcome
            .written
            .and_then(|number| times::note(self, name, number).err());
        Ok(Outcome { untimed, ..outcome })
    }

    fn unknown(&self, name: &Name) -> Fault {
        let known = match self.names() {
            Ok(known) => known,
            Err(no_registry) => return no_registry,
        };
        let hint = match pm25_file::nearest(name.as_str(), known.iter().map(Name::as_str)) {
            Some(near) => format!("did you mean --name {near}?"),
            None if known.is_empty() => {
                "it is empty: `pm25-registry register` makes the first version".to_owned()
            }
            None => "`pm25-registry list` shows the names that it knows".to_owned(),
        };
        Fault::bad_artifact(format!("{} knows no model `{name}`", self.root.display())).hint(hint)
    }
}

fn entry(author: &Author<'_>, history: &History, change: Change) -> Entry {
    let mut header = Header::new(author.program);
    header.inputs = change.inputs;
    let head = history.head();
    Entry {
        pm25: header,
        name: author.name.clone(),
        number: head.number + 1,
        previous: head.sha256,
        action: change.action,
        version: change.version,
        stage: change.stage,
        objects: change.objects,
        seen: history.seen(),
        gate: change.gate,
        reason: author.reason.clone(),
    }
}

fn outcome(history: &History, version: u32, written: Option<u32>) -> Result<Outcome> {
    let stage = history.state.version(version).map(|v| v.stage);
    let stage =
        stage.ok_or_else(|| Fault::unforeseen(format!("version {version} is not in the log")))?;
    Ok(Outcome {
        version,
        stage,
        written,
        head: history.head(),
        untimed: None,
    })
}

/// What the first look allowed and a later one refuses was changed by somebody else meanwhile.
fn overtaken(fault: Fault, attempt: usize) -> Fault {
    if 0 < attempt && fault.kind() == Kind::GateClosed {
        return Fault::conflict("somebody else changed the model meanwhile")
            .because(fault)
            .hint("`pm25-registry list` shows where it stands now");
    }
    fault
}

fn file_name(number: u32) -> String {
    format!("{number:08}.json")
}

/// The number of a log file; `None` for what a killed writer left, and for anything else.
pub(super) fn number_of(file: &str) -> Option<u32> {
    let number = file.strip_suffix(".json")?.parse().ok()?;
    (0 < number && file_name(number) == file).then_some(number)
}
