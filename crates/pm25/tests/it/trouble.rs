//! Stages that fail, and what becomes of the others.

use super::folder::Folder;

/// `first` does what `script` says, `second` needs it.
fn folder(script: &str, more: &str) -> Folder {
    Folder::new(&format!(
        "[stage.first]\nrun = ['/bin/sh', '-c', '''echo first >> log; {script}''']\nout.o = 'one'\n{more}\n\
         [stage.second]\nrun = ['/bin/sh', '-c', 'echo second >> log; cp one two']\nin.o = 'one'\nout.t = 'two'\n"
    ))
}

#[test]
fn a_failing_status_is_passed_on_and_nothing_after_it_runs() {
    for status in [1, 2, 3, 4, 5, 10, 11, 13, 101, 255] {
        let folder = folder(
            &format!("echo 1 > one; echo \"error: mice in the file\" >&2; exit {status}"),
            "",
        );
        let said = folder.pm25(&["run"]);
        assert_eq!(said.status, status, "{said:#?}");
        assert_eq!(folder.ran(), "first");
        assert!(said.stderr.contains(&format!(
            "stage `first` failed, exit status {status}: /bin/sh -c '"
        )));
        assert!(
            said.stderr.contains("mice in the file"),
            "its own words are shown: {}",
            said.stderr
        );
        assert_eq!(said.stdout, "0 ran, 0 fresh, first failed, 1 not run\n");
        assert_eq!(
            folder.pm25(&["status", "--check"]).status,
            12,
            "a failed stage is not fresh"
        );
        assert_eq!(folder.pm25(&["run", "-q"]).status, status);
    }
}

#[test]
fn quiet_still_says_what_went_wrong() {
    let folder = folder(
        "echo chat\"\"ter; echo \"error: mice\" >&2; echo \"hint: get a cat\" >&2; exit 3",
        "",
    );
    let said = folder.pm25(&["run", "-q"]);
    assert!(!said.stderr.contains("chatter"));
    assert!(
        said.stderr
            .starts_with("error: stage `first` failed, exit status 3: /bin/sh")
    );
    assert!(
        said.stderr.ends_with("\n  cause: mice\nhint: get a cat\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_stage_killed_by_a_signal_is_a_failure_that_names_it() {
    let folder = folder("echo 1 > one; kill -9 $$", "");
    let said = folder.pm25(&["run"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr
            .contains("stage `first` failed, killed by signal 9 (SIGKILL"),
        "{}",
        said.stderr
    );
    assert_eq!(folder.ran(), "first");
}

#[test]
fn success_without_output_is_an_error() {
    for script in ["true", "mkdir one"] {
        let folder = folder(script, "");
        let said = folder.pm25(&["run"]);
        assert_eq!(said.status, 1, "{said:#?}");
        assert!(
            said.stderr
                .contains("error: stage `first` ended with exit status 0 without making one\n")
        );
        assert_eq!(folder.ran(), "first");
        assert!(!folder.exists("artifacts/.pm25/first.json"));
    }
}

#[test]
fn an_output_of_an_earlier_run_does_not_hide_a_failure() {
    let folder = folder("test ! -e fail && echo 1 > one", "");
    folder.ok(&["run"]);
    folder.ran();
    folder.write("fail", "");
    assert_eq!(folder.pm25(&["run", "first", "--force"]).status, 1);
    assert_eq!(folder.read("one"), "1\n", "the old file is left");
    folder.ran();
    assert_eq!(folder.pm25(&["run"]).status, 1);
    assert_eq!(folder.ran(), "first", "but it is not believed");
}

#[test]
fn a_status_that_is_declared_right_is_right() {
    let folder = folder("echo 1 > one; exit 11", "ok_exit = [11]");
    let said = folder.ok(&["run"]);
    assert_eq!(folder.ran(), "first second");
    assert!(said.stderr.contains("first   done with exit status 11 in "));
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "");
    let text = folder.read("pipeline.toml");
    folder.write(
        "pipeline.toml",
        &text.replace("ok_exit = [11]", "ok_exit = [12]"),
    );
    let said = folder.pm25(&["run"]);
    assert!(
        said.stderr.contains("which `ok_exit` no longer has"),
        "{}",
        said.stderr
    );
    assert_eq!(said.status, 11);
    folder.write("pipeline.toml", &text.replace("exit 11", "exit 12"));
    assert_eq!(folder.pm25(&["run"]).status, 12);
}

#[test]
fn what_already_runs_may_finish_and_nothing_new_starts() {
    let folder = Folder::new(
        "[stage.bad]\nrun = ['/bin/sh', '-c', 'until test -e started; do sleep 0.01; done; exit 3']\nout.o = 'a'\n\
         [stage.slow]\nrun = ['/bin/sh', '-c', 'touch started; sleep 0.3; echo slow >> log; echo 1 > b']\nout.o = 'b'\n\
         [stage.later]\nrun = ['/bin/sh', '-c', 'echo later >> log; cp b c']\nin.b = 'b'\nout.o = 'c'\n",
    );
    let said = folder.pm25(&["run", "--threads", "2"]);
    assert_eq!(said.status, 3, "{said:#?}");
    assert_eq!(folder.ran(), "slow");
    assert!(
        said.stdout
            .starts_with("1 ran, 0 fresh, bad failed, 1 not run"),
        "{}",
        said.stdout
    );
    assert!(
        folder.exists("artifacts/.pm25/slow.json"),
        "what finished is on record"
    );
}

#[test]
fn each_stage_that_fails_is_named_in_the_summary() {
    let folder = Folder::new(
        "[stage.bad]\nrun = ['/bin/sh', '-c', 'until test -e started; do sleep 0.01; done; exit 3']\nout.o = 'a'\n\
         [stage.worse]\nrun = ['/bin/sh', '-c', 'touch started; sleep 0.3; exit 4']\nout.o = 'b'\n\
         [stage.later]\nrun = ['/bin/sh', '-c', 'cp b c']\nin.b = 'b'\nout.o = 'c'\n",
    );
    let said = folder.pm25(&["run", "--threads", "2"]);
    assert_eq!(said.status, 3, "the first to fail: {said:#?}");
    let summary = "0 ran, 0 fresh, bad, worse failed, 1 not run";
    assert!(said.stdout.starts_with(summary), "{}", said.stdout);
}

#[test]
fn a_missing_input_is_found_before_anything_starts() {
    let folder = Folder::three();
    folder.remove("other.txt");
    let said = folder.pm25(&["run"]);
    assert_eq!(said.status, 4);
    assert!(said.stderr.contains(
        "error: stage `alone` needs other.txt, which is not there and which no stage makes"
    ));
    assert_eq!(folder.ran(), "");
    folder.ok(&["run", "next"]);
    let said = folder.pm25(&["run", "--from", "alone"]);
    assert_eq!(said.status, 4);
    std::fs::remove_file(folder.path("artifacts/made.txt")).unwrap();
    let said = folder.pm25(&["run", "--from", "next"]);
    assert_eq!(said.status, 4);
    assert!(
        said.stderr.contains("hint: make it with `pm25 run make`"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_process_that_a_stage_leaves_behind_does_not_hold_up_the_run() {
    let folder = folder("echo 1 > one; sleep 20 & echo started", "");
    let began = std::time::Instant::now();
    let said = folder.ok(&["run"]);
    assert!(began.elapsed().as_secs() < 15, "{said:#?}");
    assert!(said.stderr.contains("still holds its output"));
    assert_eq!(folder.ran(), "first second");
}

#[test]
fn endless_lines_and_odd_bytes_are_passed_on_harmlessly() {
    let folder = folder(
        "head -c 3000000 /dev/zero; printf \"\\033[31mred\\377\\n\"; echo 1 > one",
        "",
    );
    let said = folder.ok(&["run"]);
    assert!(!said.stderr.contains('\x1b') && !said.stderr.contains('\0'));
    assert!(said.stderr.contains("\\u{1b}[31mred\u{fffd}"));
}
