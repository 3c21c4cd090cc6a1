//! The state of the intervals: where it begins, and where it is put.
//!
//! What it remembers is the model's business; here it is read, held against the model, and written for the next time.

use std::path::Path;

use pm25_artifact::model::{Model, OnlineState};
use pm25_artifact::state::StateFile;
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, Sha256};

use crate::PROGRAM;

/// What intervals begin with.
pub(crate) struct Begin {
    pub(crate) state: OnlineState,
    /// The file that it was read from; none of a model's own.
    pub(crate) file: Option<InputRef>,
}

/// The state in the file, or, where there is no file yet, the model's own; none of a model that remembers nothing.
pub(crate) fn begin(
    path: Option<&Path>,
    (model, source): (&Model, &InputRef),
) -> Result<Option<Begin>> {
    let there = path.filter(|path| path.exists());
    if let Some(path) = there {
        // Not as an `Input`: it is the one file that a program reads and then replaces.
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|e| Fault::bad_artifact(format!("{name} cannot be read")).because(e))?;
        let file = StateFile::decode(&name, &bytes, (source.sha256, model.task()))?;
        let read = InputRef {
            name: Input::Path(path.to_owned()).name(),
            sha256: Sha256::of(&bytes),
        };
        return Ok(Some(Begin {
            state: file.state,
            file: Some(read),
        }));
    }
    match (&model.online, path) {
        (Some(state), _) => Ok(Some(Begin {
            state: state.clone(),
            file: None,
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Fault::usage(format!(
            "--state: the intervals of {} remember nothing",
            source.name
        ))
        .hint(
            "leave it out, or train a model that is calibrated on folds: pm25-train --model best",
        )),
    }
}

/// Publishes the state for the next time.
pub(crate) fn write(
    path: &Path,
    (model, source): (&Model, &InputRef),
    state: OnlineState,
) -> Result<()> {
    let file = StateFile {
        pm25: Header::new(&PROGRAM)
            .fact("task", model.task())
            .input(source.clone()),
        model: source.sha256,
        task: model.task(),
        state,
    };
    file.write(&Output::Path(path.to_owned())).map(|_| ())
}
