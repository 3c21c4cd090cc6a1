//! Finished fits, one small sealed file each, so that nothing that was done is done again.
//!
//! A file appears whole or not at all (the publish protocol); one that is damaged all the same is not believed, and its
//! fit is made again. Files of another search are never mixed in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pm25_artifact::tune::TrialFile;
use pm25_file::{Fault, Header, Kind, Result, decode_document, encode_document, publish};
use pm25_tool::Console;

/// The folder of a search's finished fits.
pub(super) struct Trials<'a> {
    folder: PathBuf,
    /// What every file of this search says of itself.
    header: &'a Header,
    console: &'a Console,
}

impl<'a> Trials<'a> {
    pub(super) fn at(out_dir: &Path, header: &'a Header, console: &'a Console) -> Self {
        Self {
            folder: out_dir.join("trials"),
            header,
            console,
        }
    }

    /// A finished fit, if its file is there and whole.
    pub(super) fn read(&self, trial: u64, fold: usize) -> Result<Option<TrialFile>> {
        let path = self.path(trial, fold);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                return Err(Fault::unforeseen(format!("cannot read {}", path.display())).because(e));
            }
        };
        let file: TrialFile = match decode_document(&path.display().to_string(), &bytes) {
            Ok(file) => file,
            Err(fault) if fault.kind() == Kind::BadArtifact => {
                self.console
                    .warn(&format!("{fault}: this fit is made again"));
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        if !self.is_ours(&file) {
            return Err(
                Fault::usage(format!("{} belongs to another search", path.display()))
                    .hint("give another --out-dir, or remove the folder `trials`"),
            );
        }
        Ok(Some(file))
    }

    /// Keeps a finished fit.
    pub(super) fn keep(&self, mut file: TrialFile) -> Result<TrialFile> {
        let path = self.path(file.trial, file.fold as usize - 1);
        publish(&path, &encode_document(&mut file)?)?;
        Ok(file)
    }

    /// The header that every file of this search has.
    pub(super) fn header(&self) -> Header {
        self.header.clone()
    }

    /// Half-written files that a killed search left: nobody else writes here.
    pub(super) fn clear_litter(&self) {
        let Ok(files) = fs::read_dir(&self.folder) else {
            return;
        };
        for file in files.flatten() {
            let name = file.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".pm25-") && name.ends_with(".tmp") {
                // What cannot be removed does no harm.
                let _ = fs::remove_file(file.path());
            }
        }
    }

    fn path(&self, trial: u64, fold: usize) -> PathBuf {
        self.folder
            .join(format!("{trial:06}-fold-{}.json", fold + 1))
    }

    /// The same tables, settings and program; how many trials there are does not matter.
    fn is_ours(&self, file: &TrialFile) -> bool {
        let hashes = |header: &Header| -> Vec<_> {
            header.inputs.iter().map(|input| input.sha256).collect()
        };
        let (a, b) = (self.header, &file.pm25);
        a.params == b.params && hashes(a) == hashes(b) && a.program_version == b.program_version
    }
}
