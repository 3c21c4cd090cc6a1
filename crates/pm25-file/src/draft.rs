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

use crate::publish::{nameless_for, publish_nameless};
use crate::touched::claim;
use crate::{Fault, Output, Result};

/// So much stays in memory; a small file touches the disk once.
const MEMORY_BYTES: usize = 1 << 20;

/// What is written so far.
pub struct Draft {
    output: Output,
    memory: Vec<u8>,
    rest: Option<Rest>,
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
        }
    }

    /// Puts all that was written where it belongs, durable, as [`Output::write`] does.
    pub fn publish(self) -> Result<()> {
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
        match &mut self.rest {
            Some(Rest::Nameless(file) | Rest::Elsewhere(file)) => file.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("t"), folder.path().join("not/there/t")] {
            for n_pieces in [0, 3, 25, 2] {
                let bytes = published(&path, n_pieces);
                assert_eq!(bytes.len(), 100_000 * n_pieces);
                let is_piece = |(at, byte): (usize, &u8)| usize::from(*byte) == at / 100_000;
                assert!(bytes.iter().enumerate().all(is_piece));
                assert_eq!(names(path.parent().unwrap()), ["t"]);
            }
            std::fs::remove_file(path).unwrap();
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
