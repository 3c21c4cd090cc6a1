//! Where a stage's program is, and the hash of its own bytes.
//!
//! A plain name is looked up beside the running `pm25` first, then in `PATH`; one with a slash is relative to
//! the run's folder. The file found is hashed and the same file is started.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf, absolute};

use pm25_file::{Fault, Result, Sha256, nearest};

/// A program that exists.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) sha256: Sha256,
}

/// Programs found so far; each is hashed once a run.
pub(crate) struct Programs {
    root: PathBuf,
    folders: Vec<PathBuf>,
    known: BTreeMap<String, Program>,
}

impl Programs {
    /// Looks beside this very program and in `PATH`.
    pub(crate) fn new(root: &Path) -> Self {
        let own = env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = beside.into_iter().chain(env::split_paths(&path));
        Self {
            root: root.to_owned(),
            folders: folders.filter_map(|folder| absolute(folder).ok()).collect(),
            known: BTreeMap::new(),
        }
    }

    /// The program with this name.
    pub(crate) fn find(&mut self, name: &str) -> Result<Program> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let candidates = if name.contains('/') {
            vec![self.root.join(name)]
        } else {
            self.folders
                .iter()
                .map(|folder| folder.join(name))
                .collect()
        };
        let path = candidates.into_iter().find(|path| is_program(path));
        let path = path.ok_or_else(|| self.not_found(name))?;
        let sha256 = File::open(&path)
            .and_then(|mut file| Sha256::of_reader(&mut file))
            .map_err(|e| {
                Fault::unforeseen(format!("{}: cannot be read", path.display())).because(e)
            })?;
        let program = Program { path, sha256 };
        self.known.insert(name.to_owned(), program.clone());
        Ok(program)
    }

    fn not_found(&self, name: &str) -> Fault {
        if name.contains('/') {
            return Fault::usage(format!(
                "program `{name}` is not there, or may not be executed"
            ))
            .hint("a program with a slash is looked for below the folder of the pipeline file");
        }
        let fault = Fault::usage(format!(
            "program `{name}` was not found beside pm25 nor in PATH"
        ));
        let neighbours = self.neighbours();
        match nearest(name, neighbours.iter().map(String::as_str)) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None if name.starts_with("pm25-") => {
                fault.hint(format!("build it: cargo build --release -p {name}"))
            }
            None => fault.hint("install it, or correct the first item of `run`"),
        }
    }

    /// Names of our programs beside this one.
    fn neighbours(&self) -> Vec<String> {
        let entries = self
            .folders
            .first()
            .and_then(|folder| fs::read_dir(folder).ok());
        let paths = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        paths
            .filter(|path| is_program(path))
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .filter(|name| name.starts_with("pm25-"))
            .collect()
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path, mode: u32) {
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_first_folder_wins_and_what_cannot_run_is_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = (temp.path().join("1"), temp.path().join("2"));
        for folder in [&one, &two] {
            fs::create_dir(folder).unwrap();
            program(&folder.join("pm25-train"), 0o755);
            program(&folder.join("here"), 0o755);
        }
        program(&one.join("pm25-train"), 0o644);
        let mut programs = Programs::new(&one);
        programs.folders = vec![one.clone(), two.clone()];
        assert_eq!(programs.find("here").unwrap().path, one.join("here"));
        assert_eq!(
            programs.find("pm25-train").unwrap().path,
            two.join("pm25-train")
        );
        assert_eq!(programs.find("./here").unwrap().path, one.join("./here"));
        assert!(programs.find("./pm25-train").is_err());
        program(&one.join("pm25-train"), 0o755);
        let fault = programs.find("pm25-trian").unwrap_err();
        assert_eq!(fault.hint_text(), Some("did you mean `pm25-train`?"));
    }
}
