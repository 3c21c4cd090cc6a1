//! Immutable bytes under their own hash.
//!
//! ```text
//! objects/sha256/4f/4f1c…           what `sha256sum` says of the file is the file's name
//! ```
//!
//! An object is written once and never changed; two models with the same bytes share one. A writer that
//! was killed leaves at most an object that nobody names, and whoever needs it next finds it ready.

use std::path::{Path, PathBuf};

use pm25_file::{Fault, Kind, Result, Sha256, publish_new};

use super::{Registry, folder};

impl Registry {
    /// Where the object is, or would be.
    pub fn object_path(&self, sha256: Sha256) -> PathBuf {
        let digits = sha256.to_string();
        folder::path(&self.root, &parts(&digits))
    }

    /// The object's bytes, of which the hash has just been checked.
    pub fn object(&self, sha256: Sha256) -> Result<Vec<u8>> {
        let digits = sha256.to_string();
        let bytes =
            folder::read(&self.root, &parts(&digits))?.ok_or_else(|| self.missing(sha256))?;
        if Sha256::of(&bytes) == sha256 {
            Ok(bytes)
        } else {
            Err(self.damaged(sha256))
        }
    }

    /// Checks the object's hash in constant memory and returns its size in bytes.
    pub fn check_object(&self, sha256: Sha256) -> Result<u64> {
        let digits = sha256.to_string();
        let mut file =
            folder::open(&self.root, &parts(&digits))?.ok_or_else(|| self.missing(sha256))?;
        let unreadable = |e| {
            Fault::unforeseen(format!(
                "{}: cannot be read",
                self.object_path(sha256).display()
            ))
            .because(e)
        };
        let found = Sha256::of_reader(&mut file).map_err(unreadable)?;
        if found == sha256 {
            Ok(file.metadata().map_err(unreadable)?.len())
        } else {
            Err(self.damaged(sha256))
        }
    }

    /// The object's size in bytes, without reading it.
    pub(super) fn object_size(&self, sha256: Sha256) -> Result<u64> {
        let digits = sha256.to_string();
        let file =
            folder::open(&self.root, &parts(&digits))?.ok_or_else(|| self.missing(sha256))?;
        let metadata = file.metadata().map_err(|e| {
            Fault::unforeseen(format!(
                "{}: cannot be read",
                self.object_path(sha256).display()
            ))
            .because(e)
        })?;
        Ok(metadata.len())
    }

    /// Keeps the bytes; if they are kept already, checks that they still are what they were.
    pub fn put_object(&self, bytes: &[u8]) -> Result<Sha256> {
        let sha256 = Sha256::of(bytes);
        let digits = sha256.to_string();
        let parts = parts(&digits);
        if folder::open(&self.root, &parts)?.is_none() {
            match publish_new(&self.object_path(sha256), bytes) {
                Err(fault) if fault.kind() != Kind::Conflict => return Err(fault),
                // Somebody else may keep the same bytes at the same moment: that is not a conflict.
                _ => {}
            }
        }
        self.check_object(sha256)?;
        make_read_only(&self.root, &parts);
        Ok(sha256)
    }

    fn missing(&self, sha256: Sha256) -> Fault {
        Fault::bad_artifact(format!(
            "{}: the object is missing",
            self.object_path(sha256).display()
        ))
        .hint(folder::REPAIR)
    }

    fn damaged(&self, sha256: Sha256) -> Fault {
        Fault::bad_artifact(format!(
            "{} is damaged: its contents do not have the hash that is its name",
            self.object_path(sha256).display()
        ))
        .hint(folder::REPAIR)
    }
}

fn parts(digits: &str) -> [&str; 4] {
    ["objects", "sha256", &digits[..2], digits]
}

/// Takes the write bits away: 0444 under the usual umask. Only a help against slips, since the hash is
/// what protects; so a file system that has no modes, or a file of another owner, is no failure.
pub(super) fn make_read_only(root: &Path, parts: &[&str]) {
    if let Ok(Some(file)) = folder::open(root, parts)
        && let Ok(metadata) = file.metadata()
    {
        let mut permissions = metadata.permissions();
        permissions.set_readonly(true);
        let _ = file.set_permissions(permissions);
    }
}
