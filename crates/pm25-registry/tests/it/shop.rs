//! A folder with a registry, a policy and papers, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::papers::{self, GOOD, Papers, Story};

/// The repository. Asked at run time: with a target folder shared by two checkouts, what was compiled in may be the
/// other's.
pub(crate) fn checkout() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    Path::new(&here).join("../..")
}

pub(crate) struct Shop {
    pub(crate) dir: TempDir,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let shop = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(shop.path("governance")).unwrap();
        // The policy that the repository ships.
        let policy = checkout().join("governance/policy.toml");
        fs::copy(policy, shop.path("governance/policy.toml")).unwrap();
        shop
    }

    /// Version 1 in production.
    pub(crate) fn busy() -> Self {
        let shop = Self::new();
        shop.register(GOOD).ok();
        shop.raise(1);
        shop
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pm25-registry"));
        command
            .current_dir(self.dir.path())
            .args(words.split_whitespace());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    /// The result as JSON, of a run that must succeed.
    pub(crate) fn json(&self, words: &str) -> Value {
        let ran = self.run(&format!("{words} --format json")).ok();
        serde_json::from_str(&ran.stdout).unwrap()
    }

    pub(crate) fn papers(&self, story: Story) -> Papers {
        papers::write(&self.path(&format!("run{}", story.model)), story)
    }

    pub(crate) fn register(&self, story: Story) -> Ran {
        self.papers(story);
        self.run(&register_words(story.model))
    }

    /// Raises a version to production.
    pub(crate) fn raise(&self, version: u32) {
        self.run(&format!("promote --version {version} --to staging"))
            .ok();
        self.run(&format!("promote --version {version} --to production"))
            .ok();
    }

    pub(crate) fn entry(&self, number: u32) -> PathBuf {
        self.path(&format!("registry/models/pm25/log/{number:08}.json"))
    }

    pub(crate) fn n_entries(&self) -> usize {
        (1..)
            .take_while(|&number| self.entry(number).exists())
            .count()
    }
}

/// The words that register a story whose papers are written.
pub(crate) fn register_words(model: u32) -> String {
    format!(
        "register --model run{model}/model.json --eval run{model}/eval.json --prep run{model}/prep.json"
    )
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Must have succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self
    }

    /// Must have failed so, with one error, a hint, and nothing on standard output.
    pub(crate) fn fails(self, status: i32, says: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert!(
            self.stderr.contains(says),
            "no `{says}` in: {}",
            self.stderr
        );
        assert_eq!(self.stderr.matches("error:").count(), 1, "{}", self.stderr);
        assert!(self.stderr.contains("hint:"), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self
    }
}

/// Every file below a folder, relative, with its bytes.
pub(crate) fn walk(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}
