//! A file that is written piece by piece and has no name until it is whole.
//!
//! Not [`crate::Output::scratch`], which is gone in the end: what is written here is published, without being copied
//! where the system can give a nameless file a name (Linux). A process that dies leaves nothing behind.
//!
//! ```text
//! pieces ── memory ── nameless file in the target's folder ── fsync → link → rename → fsync folder
//!             └ small ones, and where there are no such files: copied to a temporary file at the end
//! ```

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::thread::JoinHandle;

use crate::publish::{nameless_for, publish_nameless};
use crate::touched::claim;
use crate::{Fault, Output, Result};

/// So much stays in memory; a small file touches the disk once.
const MEMORY_BYTES: usize = 1 << 20;
/// After so many bytes the disk begins to write, so that in the end not all of them are waited for at once.
const FLUSH_BYTES: usize = 32 << 20;

/// What is written so far.
pub struct Draft {
    output: Output,
    memory: Vec<u8>,
    rest: Option<Rest>,
    /// Bytes since the disk was last told to write.
    n_unsent: usize,
    sending: Option<JoinHandle<io::Result<()>>>,
}

/// Where the bytes are once they do not fit in memory; then none are there.
enum Rest {
    /// In the folder where they will be published.
    Nameless(File),
    /// To be copied.
    Elsewhere(File),
}

impl Draft {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            memory: Vec::new(),
            rest: None,
            n_unsent: 0,
            sending: None,
        }
    }

    /// Puts all that was written where it belongs, durable, as [`Output::write`] does.
    pub fn publish(mut self) -> Result<()> {
        // A failed fsync is a failure for good; see `publish`.
        let sent = self.sending.take().map_or(Ok(()), sent);
        sent.map_err(|e| Fault::unforeseen("what was written cannot be kept").because(e))?;
        let unreadable = |e| Fault::unforeseen("what was written cannot be read again").because(e);
        match (self.rest, &self.output) {
            (Some(Rest::Nameless(file)), Output::Path(path)) => {
                claim(path)?;
                publish_nameless(path, file)
            }
            (Some(Rest::Nameless(mut file) | Rest::Elsewhere(mut file)), output) => {
                file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
                output.write_from(&mut file)
            }
            (None, output) => output.write(&self.memory),
        }
    }

    /// Has the disk write what it was given, on a thread of its own, unless it still does.
    fn send(&mut self) -> io::Result<()> {
        let is_sending = |thread: &JoinHandle<_>| !thread.is_finished();
        let Some(Rest::Nameless(file)) = &self.rest else {
            return Ok(());
        };
        if self.n_unsent < FLUSH_BYTES || self.sending.as_ref().is_some_and(is_sending) {
            return Ok(());
        }
        self.n_unsent = 0;
        let file = file.try_clone()?;
        self.sending.take().map_or(Ok(()), sent)?;
        self.sending = Some(std::thread::spawn(move || file.sync_data()));
        Ok(())
    }

    /// The file that takes what does not fit in memory.
    fn open(&self) -> io::Result<Rest> {
        let nameless = match &self.output {
            Output::Path(path) => nameless_for(path),
            Output::Stdout => None,
        };
        match nameless {
            Some(file) => Ok(Rest::Nameless(file)),
            None => self.output.scratch_file().map(Rest::Elsewhere),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.rest.is_none() {
            if self.memory.len() + bytes.len() <= MEMORY_BYTES {
                self.memory.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            let mut rest = self.open()?;
            let (Rest::Nameless(file) | Rest::Elsewhere(file)) = &mut rest;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.rest = Some(rest);
        }
        let n = match &mut self.rest {
            Some(Rest::Nameless(file) | Rest::Elsewhere(file)) => file.write(bytes)?,
            None => 0,
        };
        self.n_unsent += n;
        self.send()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the disk took it.
fn sent(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn published(path: &Path, n_pieces: usize) -> Vec<u8> {
        let mut draft = Output::Path(path.to_owned()).draft();
        for piece in 0..n_pieces {
            draft.write_all(&vec![piece as u8; 100_000]).unwrap();
        }
        draft.publish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn small_and_large_drafts_replace_what_was_there_and_leave_no_litter() {
        let top = tempfile::tempdir().unwrap();
        for n_pieces in [0, 3, 25, 800] {
            // Each path once: another test may watch for outputs of one name.
            let there = top.path().join(n_pieces.to_string());
            std::fs::create_dir(&there).unwrap();
            std::fs::write(there.join("t"), "old").unwrap();
            for folder in [there.clone(), there.join("not/there")] {
                let bytes = published(&folder.join("t"), n_pieces);
                assert_eq!(bytes.len(), 100_000 * n_pieces);
                let is_piece = |(at, byte): (usize, &u8)| *byte == (at / 100_000) as u8;
                assert!(bytes.iter().enumerate().all(is_piece));
                assert_eq!(names(&folder), ["t"]);
                std::fs::remove_file(folder.join("t")).unwrap();
            }
        }
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing_and_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        std::fs::write(&path, "old").unwrap();
        let mut draft = Output::Path(path.clone()).draft();
        draft.write_all(&vec![1; 3 << 20]).unwrap();
        assert_eq!(names(folder.path()), ["t"]);
        drop(draft);
        assert_eq!(names(folder.path()), ["t"]);
        assert_eq!(std::fs::read(path).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn a_draft_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode()
        };
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        for (name, n_pieces) in [("small", 1), ("large", 25)] {
            published(&folder.path().join(name), n_pieces);
            assert_eq!(mode(name), mode("plain"), "{name}");
        }
    }

    #[test]
    fn a_folder_in_the_way_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::create_dir(&path).unwrap();
        let mut draft = Output::Path(path).draft();
        draft.write_all(&vec![1; 3 << 20]).unwrap();
        assert_eq!(draft.publish().unwrap_err().kind(), crate::Kind::Usage);
        assert_eq!(names(folder.path()), ["x"]);
    }
}
