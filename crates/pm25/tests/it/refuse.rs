//! Pipelines and command lines that are refused, each with the words that help.

use super::folder::Folder;

fn refused(pipeline: &str, args: &[&str]) -> String {
    let folder = Folder::new(pipeline);
    let said = folder.pm25(args);
    assert_eq!(said.status, 2, "{said:#?}");
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("hint: "), "{}", said.stderr);
    assert!(!folder.exists("artifacts"));
    said.stderr
}

const GOOD: &str = "[params]\nseed = 1\n[stage.train]\nrun = ['/bin/sh', '{seed}']\nout.o = 'o'\n";

#[test]
fn slips_of_the_hand_are_answered_with_the_nearest_name() {
    let cases: [(&str, &str, &[&str], &str); 6] = [
        ("", "", &["run", "trian"], "did you mean `train`?"),
        ("", "", &["run", "--from", "trian"], "did you mean `train`?"),
        ("", "", &["why", "tran"], "did you mean `train`?"),
        (
            "",
            "",
            &["run", "--set", "sed=2"],
            "did you mean `--set seed=...`?",
        ),
        ("{seed}", "{sed}", &["run"], "did you mean `{seed}`?"),
        ("out.o", "uot.o", &["graph"], "did you mean `out`?"),
    ];
    for (right, wrong, args, expected) in cases {
        let said = refused(&GOOD.replace(right, wrong), args);
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

#[test]
fn circles_are_named() {
    let text =
        "[stage.a]\nrun=['p']\nin.i='2'\nout.o='1'\n[stage.b]\nrun=['p']\nin.i='1'\nout.o='2'\n";
    for args in [&["run"][..], &["status"], &["graph"]] {
        assert!(refused(text, args).contains("stages wait for each other: a → b → a"));
    }
}

#[test]
fn a_program_that_is_not_there_is_named_before_anything_runs() {
    let text = "[stage.a]\nrun=['/bin/sh', '-c', 'echo 1 > 1']\nout.o='1'\n\
                [stage.b]\nrun=['pm25-no-such']\nin.i='1'\nout.o='2'\n";
    let folder = Folder::new(text);
    let said = folder.pm25(&["run"]);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr
            .contains("stage `b`: program `pm25-no-such` was not found beside pm25 nor in PATH")
    );
    assert!(!folder.exists("1"));
    folder.ok(&["run", "a"]);
    folder.ok(&["graph"]);
}

#[test]
fn a_program_is_found_beside_pm25_before_path() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("[stage.a]\nrun=['pm25-tiny', '{out.o}']\nout.o='o'\n");
    for (place, word) in [("beside", "beside"), ("path", "path")] {
        folder.write(
            &format!("{place}/pm25-tiny"),
            &format!("#!/bin/sh\necho {word} > \"$1\"\n"),
        );
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(place).join("pm25-tiny"), mode).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", folder.path("path").display());
    let run = |program: &std::path::Path| {
        let mut command = std::process::Command::new(program);
        super::folder::said(
            command
                .arg("run")
                .current_dir(folder.temp.path())
                .env("PATH", &path),
        )
    };
    assert_eq!(run(env!("CARGO_BIN_EXE_pm25").as_ref()).status, 0);
    assert_eq!(folder.read("o"), "path\n");
    std::fs::copy(env!("CARGO_BIN_EXE_pm25"), folder.path("beside/pm25")).unwrap();
    let said = run(&folder.path("beside/pm25"));
    assert!(
        said.stderr.contains("program pm25-tiny is another build"),
        "{said:#?}"
    );
    assert_eq!(folder.read("o"), "beside\n");
}

#[test]
fn no_pipeline_file_is_said_with_what_to_type() {
    let folder = Folder::new(GOOD);
    let said = folder.pm25(&["-C", "nowhere", "run"]);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr
            .contains("error: nowhere/pipeline.toml: cannot be read")
    );
    assert!(said.stderr.contains("-C DIR"));
    folder.write(
        "other/p.toml",
        &GOOD.replace(
            "run = ['/bin/sh', '{seed}']",
            "run = ['/bin/sh', '-c', 'echo x > o']",
        ),
    );
    folder.ok(&["-C", "other", "run", "-f", "p.toml"]);
    assert!(
        folder.exists("other/o"),
        "stages run in the folder of the pipeline file"
    );
    assert!(folder.exists("other/artifacts/.pm25/train.json"));
}
