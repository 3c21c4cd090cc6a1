//! The state file: what intervals remember, between one program and the next.
//!
//! Batch and service read the same file, so they give the same ends. It belongs to one model, and says so by its hash. Not a model: it
//! moves ends of intervals and no prediction.

use pm25_air::Task;
use pm25_file::{
    Document, Fault, Header, Input, InputRef, Output, Result, Sha256, decode_document,
    write_document,
};
use serde::{Deserialize, Serialize};

use crate::model::OnlineState;
use crate::prep::TaskFact;

/// The state of one model's intervals.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// Where it comes from.
    pub pm25: Header,
    /// The model file that it belongs to.
    pub model: Sha256,
    /// What that model predicts: a file of several horizons holds one for each, under one hash.
    pub task: TaskFact,
    /// What is remembered.
    pub state: OnlineState,
}

impl Document for StateFile {
    const FORMAT: &'static str = "pm25-online-state";
    const VERSION: u32 = 1;
    const PRETTY: bool = false;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

impl StateFile {
    /// Reads and validates the state of the model with this hash and task.
    ///
    /// # Errors
    /// Bad artifact: damaged, impossible, or another model's.
    pub fn read(input: &Input, model: (Sha256, TaskFact)) -> Result<(Self, InputRef)> {
        let bytes = input.bytes()?;
        let file = Self::decode(&input.to_string(), &bytes, model)?;
        Ok((file, input.reference(&bytes)))
    }

    /// As [`StateFile::read`] from bytes; `name` is for messages.
    ///
    /// # Errors
    /// As [`StateFile::read`].
    pub fn decode(name: &str, bytes: &[u8], model: (Sha256, TaskFact)) -> Result<Self> {
        let file = decode_document::<Self>(name, bytes)?;
        if (file.model, file.task) != model {
            let task = Task::from(file.task);
            let what = format!(
                "{name} is the state of another model ({task}, {})",
                file.model
            );
            return Err(Fault::bad_artifact(what).hint(
                "begin anew: name a file that does not exist yet, with `pm25-predict --state`",
            ));
        }
        if let Err(what) = file.state.check() {
            let what = format!("{name} is no usable state: {what}");
            return Err(Fault::bad_artifact(what).hint("remove it; the next forecast begins anew"));
        }
        Ok(file)
    }

    /// Publishes it; an error leaves the old one.
    ///
    /// # Errors
    /// As [`write_document`].
    pub fn write(mut self, output: &Output) -> Result<Sha256> {
        write_document(output, &mut self)
    }
}
