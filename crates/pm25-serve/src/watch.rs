//! Looks at the registry every few seconds, and exchanges the model when another version stands in the stage.
//!
//! A thread of its own: reading and testing a model takes time that no request should wait for. A model is exchanged
//! only after it was read, validated and has passed its self-test; until then, and if it fails, the old one answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use pm25_artifact::registry::{Head, Objects};

use crate::app::{App, Reload};
use crate::source::Shelf;

/// What is watched, and what was seen of it.
pub(crate) struct Watch {
    pub(crate) shelf: Shelf,
    pub(crate) app: Arc<App>,
    /// The newest head that was believed.
    pub(crate) seen: Option<Head>,
    pub(crate) base_url: String,
}

impl Watch {
    /// Looks until nobody is left to say `now`; each `now` is a look at once.
    pub(crate) fn run(mut self, now: &Receiver<()>) {
        let limits = self.app.limits;
        let mut pause = limits.poll;
        loop {
            match now.recv_timeout(pause) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pause = match self.look() {
                Reload::Fine => limits.poll,
                Reload::Failed => longer(pause, limits.poll_backoff_max),
            };
        }
    }

    fn look(&mut self) -> Reload {
        let Err(fault) = self.exchange() else {
            self.app.current.note_reload(Reload::Fine);
            return Reload::Fine;
        };
        // First what `/readyz` says: whoever sees the count asks there.
        self.app.current.note_reload(Reload::Failed);
        self.app.metrics.reload_failed();
        let cause = std::error::Error::source(&fault)
            .map_or_else(String::new, |cause| format!(": {cause}"));
        let serving = self.app.current.model();
        self.app.journal.warn(format!(
            "the model {} stays: {fault}{cause}",
            serving.short_hash()
        ));
        Reload::Failed
    }

    fn exchange(&mut self) -> pm25_file::Result<()> {
        let found = self.shelf.look(self.seen)?;
        let serving = self.app.current.model();
        if !is_served(&serving.origin, found.version.number, found.version.objects) {
            let served = self.shelf.load(&found.version, &self.base_url)?;
            let note = format!(
                "now serving version {} ({})",
                found.version.number,
                served.short_hash()
            );
            // The old one answers meanwhile.
            served.pack();
            self.app.current.exchange(served);
            self.app.metrics.reloaded();
            self.app.journal.note(note);
        }
        self.seen = Some(found.head);
        Ok(())
    }
}

fn is_served(origin: &crate::served::Origin, version: u32, objects: Objects) -> bool {
    origin.version == Some(version) && origin.sha256 == objects.model
}

fn longer(pause: Duration, pause_max: Duration) -> Duration {
    (2 * pause).min(pause_max)
}
