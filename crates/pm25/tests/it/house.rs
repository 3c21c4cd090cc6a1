//! Promises that hold over the whole repository: every program's face, the crates' edges, the map.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Asked at run time: with a target folder shared by two checkouts, what was compiled in may be the other's.
fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    Path::new(&here).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn crates() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn programs() -> Vec<String> {
    let has_main = |name: &String| root().join(format!("crates/{name}/src/main.rs")).exists();
    crates().into_iter().filter(has_main).collect()
}

/// Another program of the workspace: it is built beside `pm25`.
fn run(program: &str, args: &[&str]) -> Output {
    let path = Path::new(env!("CARGO_BIN_EXE_pm25")).with_file_name(program);
    assert!(
        path.exists(),
        "{program} is not built: run `cargo test --workspace`"
    );
    Command::new(path)
        .args(args)
        .env_remove("PM25_FORMAT")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_program_shows_the_same_face() {
    for program in programs() {
        let help = run(&program, &["--help"]);
        assert_eq!(help.status.code(), Some(0), "{program} --help");
        let help = text(&help.stdout);
        let first = help.lines().next().unwrap();
        assert!(
            10 < first.len() && !first.starts_with("Usage"),
            "{program}: {first}"
        );
        for flag in [
            "--quiet",
            "--verbose",
            "--format",
            "--generate",
            "--version",
        ] {
            assert!(help.contains(flag), "{program} --help lacks {flag}");
        }
        let version = text(&run(&program, &["--version"]).stdout);
        assert!(version.starts_with(&format!("{program} ")), "{version}");
    }
}

#[test]
fn every_program_generates_its_pages() {
    for program in programs() {
        for page in ["man", "bash", "zsh", "fish"] {
            let made = run(&program, &["--generate", page]);
            assert_eq!(made.status.code(), Some(0), "{program} --generate {page}");
            assert!(text(&made.stdout).contains(&program));
        }
        assert_eq!(
            run(&program, &["--generate", "poem"]).status.code(),
            Some(2)
        );
    }
}

#[test]
fn every_program_refuses_an_unknown_flag_in_words_and_in_json() {
    for program in programs() {
        let plain = run(&program, &["--no-such-flag"]);
        assert_eq!(plain.status.code(), Some(2), "{program}");
        assert!(plain.stdout.is_empty() && !plain.stderr.is_empty());
        let json = run(&program, &["--no-such-flag", "--format", "json"]);
        assert_eq!(json.status.code(), Some(2), "{program}");
        let said: serde_json::Value = serde_json::from_slice(&json.stderr)
            .unwrap_or_else(|e| panic!("{program}: {e}: {}", text(&json.stderr)));
        assert_eq!(said["status"], 2);
    }
}

#[test]
fn every_flag_can_be_set_by_the_environment() {
    for program in programs() {
        let help = text(&run(&program, &["--help"]).stdout);
        for line in help
            .lines()
            .filter(|line| line.trim_start().starts_with("--"))
        {
            let flag = line
                .trim_start()
                .split([' ', '=', ',', '['])
                .next()
                .unwrap();
            if ["--help", "--version", "--generate"].contains(&flag) {
                continue;
            }
            let variable = format!("PM25_{}", flag[2..].to_uppercase().replace('-', "_"));
            assert!(
                help.contains(&variable),
                "{program} {flag} has no {variable}"
            );
        }
    }
}

/// Which crates of ours a crate may depend on (ARCHITECTURE.md, "Edges").
fn allowed(name: &str) -> Option<BTreeSet<&'static str>> {
    let edges: &[&str] = match name {
        "pm25-table" | "pm25-tool" => &["pm25-file"],
        "pm25-rows" => &["pm25-file", "pm25-table", "pm25-air", "pm25-artifact"],
        "pm25-fit" => &[
            "pm25-file",
            "pm25-table",
            "pm25-tool",
            "pm25-air",
            "pm25-learn",
            "pm25-stats",
            "pm25-artifact",
        ],
        "pm25-artifact" => &["pm25-file", "pm25-air", "pm25-learn", "pm25-stats"],
        "pm25-air" | "pm25-learn" | "pm25-stats" | "pm25-plot" | "pm25-file" => &[],
        _ => return None,
    };
    Some(edges.iter().copied().collect())
}

/// Heavy packages and the one crate that may name each.
const FENCED: [(&str, &[&str]); 10] = [
    ("arrow", &["pm25-table"]),
    ("parquet", &["pm25-table"]),
    ("plotters", &["pm25-plot"]),
    ("smartcore", &["pm25-learn"]),
    ("ndarray", &["pm25-learn"]),
    ("statrs", &["pm25-stats"]),
    ("sha2", &["pm25-file"]),
    ("csv", &["pm25-ingest"]),
    ("walkdir", &["pm25-ingest"]),
    ("jiff", &["pm25-air", "pm25-ingest"]),
];

#[test]
fn crates_depend_only_along_the_edges_of_the_picture() {
    let programs = programs();
    for name in crates() {
        let manifest: toml::Table = read(&format!("crates/{name}/Cargo.toml")).parse().unwrap();
        let dependencies: Vec<String> = manifest["dependencies"]
            .as_table()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for dependency in &dependencies {
            assert!(
                !programs.contains(dependency),
                "{name} depends on the program {dependency}"
            );
            if let Some(edges) = allowed(&name)
                && dependency.starts_with("pm25")
            {
                assert!(
                    edges.contains(dependency.as_str()),
                    "{name} -> {dependency}"
                );
            }
        }
        for (package, homes) in FENCED {
            let names_it = dependencies.iter().any(|dependency| dependency == package);
            assert!(
                !names_it || homes.contains(&name.as_str()),
                "{name} names {package}"
            );
        }
    }
}

#[test]
fn unsafe_code_is_forbidden_everywhere_and_denied_where_a_hot_loop_needs_it() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let lints = &workspace["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for name in crates() {
        let manifest: toml::Table = read(&format!("crates/{name}/Cargo.toml")).parse().unwrap();
        if name == "pm25-learn" {
            // The same lints, but one file may use vector instructions.
            let mut same = lints.clone();
            same["rust"]["unsafe_code"] = "deny".into();
            assert_eq!(manifest["lints"], same, "{name}");
            continue;
        }
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{name}"
        );
    }
    let mut allowing = files(&root().join("crates/pm25-learn/src"));
    allowing.retain(|path| fs::read_to_string(path).unwrap().contains("unsafe_code"));
    let wide = root().join("crates/pm25-learn/src/tree/wide.rs");
    assert_eq!(allowing, [wide]);
}

/// All files in a folder and its folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let each = entries.flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    each.collect()
}

#[test]
fn the_map_names_tests_that_exist() {
    let map = read("ARCHITECTURE.md");
    let rows: Vec<Vec<&str>> = map
        .lines()
        .skip_while(|line| !line.starts_with("| behaviour |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect()
        })
        .collect();
    assert!(20 <= rows.len(), "the map has {} rows", rows.len());
    for row in rows {
        let [_, file, test] = row[..] else {
            panic!("three cells: {row:?}")
        };
        assert!(
            read(file).contains(&format!("fn {test}")),
            "{file} has no test `{test}`"
        );
    }
}

#[test]
fn the_readme_has_every_exit_status() {
    let readme = read("README.md");
    let source = read("crates/pm25-tool/src/exit.rs");
    let statuses: Vec<&str> = source
        .lines()
        .filter(|line| line.starts_with("pub const"))
        .map(|line| line.rsplit("= ").next().unwrap().trim_end_matches(';'))
        .collect();
    assert!(9 <= statuses.len());
    for status in statuses {
        assert!(
            readme.contains(&format!("| {status} |")),
            "README lacks the exit status {status}"
        );
    }
}

#[test]
fn the_top_level_is_complete() {
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "crates",
        "pipeline.toml",
        "Makefile",
        "data/SHA256SUMS",
        "artifacts",
        "registry",
        "governance/policy.toml",
        ".github/workflows/ci.yml",
        ".ci/run",
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "LICENSE",
        "rust-toolchain.toml",
        "clippy.toml",
        "deny.toml",
        ".gitignore",
    ] {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn the_readme_opens_with_two_commands() {
    let readme = read("README.md");
    let run = readme.find("make run").unwrap();
    let test = readme.find("make test").unwrap();
    assert!(
        run < test && test < 700,
        "the first screen says how to start"
    );
}
