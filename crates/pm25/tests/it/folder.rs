//! A temporary folder with a pipeline in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder in which `pm25` is run.
pub(crate) struct Folder {
    pub(crate) temp: TempDir,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    /// With this pipeline file.
    pub(crate) fn new(pipeline: &str) -> Self {
        let folder = Self {
            temp: tempfile::tempdir().unwrap(),
        };
        folder.write("pipeline.toml", pipeline);
        folder
    }

    /// Two stages after one another and one beside them. Each adds its name to `log` when it runs.
    ///
    /// ```text
    /// raw.txt ─▶ make ─▶ made.txt ─▶ next ─▶ next.txt
    /// other.txt ─▶ alone ─▶ alone.txt
    /// ```
    pub(crate) fn three() -> Self {
        let folder = Self::new(
            r#"
            [params]
            word = "one"
            unused = 1
            [stage.make]
            run = ["./tool.sh", "{in.raw}", "{out.made}", "{word}"]
            in.raw = "raw.txt"
            out.made = "artifacts/made.txt"
            [stage.next]
            run = ["/bin/sh", "-c", 'echo next >> log; tr a-z A-Z < "$1" > "$2"', "next", "{in.made}", "{out.next}"]
            in.made = "artifacts/made.txt"
            out.next = "artifacts/deeper/next.txt"
            [stage.alone]
            run = ["/bin/sh", "-c", 'echo alone >> log; cp other.txt "$1"', "alone", "{out.alone}"]
            in.other = "other.txt"
            out.alone = "artifacts/alone.txt"
            [look]
            "the end" = "artifacts/deeper/next.txt"
            "never made" = "artifacts/never"
            "#,
        );
        folder.write("raw.txt", "raw\n");
        folder.write("other.txt", "other\n");
        // Only the first letter of a line counts, so that a changed input can give equal bytes.
        folder.tool("echo make >> log\ncut -c1 \"$1\" > \"$2\"\necho \"$3\" >> \"$2\"\n");
        folder
    }

    /// Writes `tool.sh`, which may be executed.
    pub(crate) fn tool(&self, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write("tool.sh", &format!("#!/bin/sh\nset -e\n{script}"));
        fs::set_permissions(self.path("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Which stages ran since the last call, sorted.
    pub(crate) fn ran(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        let mut names: Vec<_> = log.lines().collect();
        names.sort_unstable();
        names.join(" ")
    }

    /// The program with these arguments, in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pm25"));
        command
            .args(args)
            .current_dir(self.temp.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn pm25(&self, args: &[&str]) -> Said {
        said(&mut self.command(args))
    }

    /// Runs it to its end, which must be a good one.
    pub(crate) fn ok(&self, args: &[&str]) -> Said {
        let said = self.pm25(args);
        assert_eq!(said.status, 0, "{args:?}: {said:#?}");
        said
    }
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every file below a folder with its bytes, but those that hold clocks or process numbers.
pub(crate) fn files_below(folder: &Path) -> Vec<(PathBuf, String)> {
    fn walk(top: &Path, folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, found);
            } else if !path.ends_with("runs.jsonl") && !path.ends_with("pm25.lock") {
                let name = path.strip_prefix(top).unwrap().to_owned();
                found.push((name, String::from_utf8(fs::read(&path).unwrap()).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
