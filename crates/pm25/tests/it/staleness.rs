//! What runs again, what does not, and what is said about it.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, files_below};

fn ran_three() -> Folder {
    let folder = Folder::three();
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "alone make next");
    assert_eq!(folder.read("artifacts/deeper/next.txt"), "R\nONE\n");
    folder
}

/// Says what `status` says of each stage, one line a stage.
fn status(folder: &Folder) -> Vec<String> {
    let said = folder.ok(&["status"]);
    let lines = said
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect()
}

#[test]
fn a_second_run_does_nothing_and_says_why() {
    let folder = ran_three();
    let before = files_below(&folder.path("artifacts"));
    let said = folder.ok(&["run"]);
    assert_eq!(folder.ran(), "");
    assert!(
        said.stderr
            .contains("make   fresh: same program, arguments and input as when it ran")
    );
    assert!(said.stdout.starts_with("0 ran, 3 fresh\n"));
    assert!(said.stdout.contains("the end  artifacts/deeper/next.txt"));
    assert!(!said.stdout.contains("never made"));
    assert_eq!(before, files_below(&folder.path("artifacts")));
    assert_eq!(folder.pm25(&["status", "--check"]).status, 0);
}

#[test]
fn times_of_files_do_not_matter() {
    let folder = ran_three();
    for name in [
        "raw.txt",
        "tool.sh",
        "artifacts/made.txt",
        "artifacts/deeper/next.txt",
    ] {
        let later = SystemTime::now() + Duration::from_secs(3600);
        File::options()
            .append(true)
            .open(folder.path(name))
            .unwrap()
            .set_modified(later)
            .unwrap();
    }
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "");
}

#[test]
fn a_stage_that_never_ran_is_stale() {
    let folder = Folder::three();
    let lines = status(&folder);
    assert_eq!(lines[0], "stale make no finished run is on record");
    assert_eq!(lines[1], "stale next no finished run is on record");
    assert_eq!(lines[3], "3 stale, 0 maybe, 0 fresh");
    assert_eq!(folder.pm25(&["status", "--check"]).status, 12);
    assert!(!folder.exists("artifacts"), "status writes nothing");
}

#[test]
fn a_changed_input_reruns_its_stage_and_what_follows() {
    let folder = ran_three();
    folder.write("raw.txt", "xyz\n");
    let lines = status(&folder);
    assert!(
        lines[0].starts_with("stale make input raw.txt changed: "),
        "{lines:?}"
    );
    assert_eq!(lines[1], "maybe next after make");
    assert!(lines[2].starts_with("fresh alone"));
    assert_eq!(folder.pm25(&["status", "--check"]).status, 12);
    let said = folder.ok(&["run"]);
    assert_eq!(folder.ran(), "make next");
    assert!(said.stderr.contains("make   runs: input raw.txt changed: "));
    assert_eq!(folder.read("artifacts/deeper/next.txt"), "X\nONE\n");
}

#[test]
fn the_same_length_and_time_do_not_hide_a_change() {
    let folder = ran_three();
    let time = fs::metadata(folder.path("raw.txt"))
        .unwrap()
        .modified()
        .unwrap();
    folder.write("raw.txt", "paw\n");
    File::options()
        .append(true)
        .open(folder.path("raw.txt"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "make next");
}

#[test]
fn equal_bytes_stop_the_staleness() {
    let folder = ran_three();
    folder.write("raw.txt", "raw, but only its first letter counts\n");
    let said = folder.ok(&["run"]);
    assert_eq!(folder.ran(), "make");
    assert!(
        said.stderr.contains("the same bytes as before"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("next   fresh: "));
    assert!(said.stdout.starts_with("1 ran, 2 fresh"));
}

#[test]
fn a_changed_parameter_reruns_those_that_use_it() {
    let folder = ran_three();
    let said = folder.ok(&["run", "--set", "unused=2"]);
    assert_eq!(folder.ran(), "", "{}", said.stderr);
    let said = folder.ok(&["run", "--set", "word=two"]);
    assert!(
        said.stderr
            .contains("make   runs: param `word` changed: one → two")
    );
    assert_eq!(folder.ran(), "make next");
    assert_eq!(folder.read("artifacts/made.txt"), "r\ntwo\n");
    assert!(status(&folder)[0].contains("param `word` changed: two → one"));
    folder.ok(&["run"]);
    assert_eq!(folder.read("artifacts/made.txt"), "r\none\n");
}

#[test]
fn a_changed_argument_or_program_reruns_its_stage() {
    let folder = ran_three();
    let text = folder.read("pipeline.toml");
    folder.write(
        "pipeline.toml",
        &text.replace("\"{word}\"]", "\"{word}\", \"more\"]"),
    );
    assert_eq!(status(&folder)[0], "stale make argument 4 is new: `more`");
    folder.write("pipeline.toml", &text);
    assert!(status(&folder)[0].starts_with("fresh"));
    folder.tool("echo make >> log\necho other > \"$2\"\n");
    assert_eq!(
        status(&folder)[0],
        "stale make program ./tool.sh is another build"
    );
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "make next");
}

#[test]
fn a_missing_output_is_made_again() {
    let folder = ran_three();
    folder.remove("artifacts/made.txt");
    let lines = status(&folder);
    assert_eq!(lines[0], "stale make output artifacts/made.txt is missing");
    assert_eq!(lines[1], "maybe next after make");
    folder.ok(&["run"]);
    assert_eq!(
        folder.ran(),
        "make",
        "next is fresh, since the bytes are the same"
    );
}

#[test]
fn an_edited_output_is_made_again_by_a_plain_run_which_says_so() {
    let folder = ran_three();
    folder.write("artifacts/made.txt", "edited by hand\n");
    let lines = status(&folder);
    assert!(
        lines[0].starts_with("stale make output artifacts/made.txt was edited: "),
        "{lines:?}"
    );
    assert_eq!(
        lines[1], "maybe next after make",
        "what is edited says nothing of what comes"
    );
    let said = folder.ok(&["run"]);
    assert!(
        said.stderr
            .contains("make   runs: output artifacts/made.txt was edited: ")
    );
    assert_eq!(folder.ran(), "make");
    assert_eq!(folder.read("artifacts/made.txt"), "r\none\n");
}

#[test]
fn from_trusts_the_files_before_it() {
    let folder = ran_three();
    folder.write("artifacts/made.txt", "edited by hand\n");
    folder.write("raw.txt", "changed as well\n");
    let said = folder.ok(&["run", "--from", "next"]);
    assert_eq!(folder.ran(), "next");
    assert!(said.stderr.contains("next   runs: asked for with --from"));
    assert_eq!(folder.read("artifacts/deeper/next.txt"), "EDITED BY HAND\n");
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "make next", "a plain run trusts nobody");
    assert_eq!(folder.read("artifacts/deeper/next.txt"), "C\nONE\n");
}

#[test]
fn from_runs_everything_after_it() {
    let folder = ran_three();
    folder.ok(&["run", "--from", "make"]);
    assert_eq!(folder.ran(), "make next");
}

#[test]
fn named_stages_run_with_what_they_need_and_nothing_else() {
    let folder = Folder::three();
    folder.ok(&["run", "next"]);
    assert_eq!(folder.ran(), "make next");
    folder.ok(&["run", "next", "--force"]);
    assert_eq!(folder.ran(), "next");
    folder.ok(&["run", "--force"]);
    assert_eq!(folder.ran(), "alone make next");
}

#[test]
fn a_dry_run_says_what_would_run_and_runs_nothing() {
    let folder = ran_three();
    folder.write("raw.txt", "x");
    let said = folder.ok(&["run", "--dry-run"]);
    assert!(said.stdout.contains("stale  make   input raw.txt changed"));
    assert!(said.stdout.contains("maybe  next   after make"));
    let said = folder.ok(&["run", "--dry-run", "--force", "alone"]);
    assert!(
        said.stdout
            .starts_with("stale  alone  asked for with --force\n1 stale"),
        "{}",
        said.stdout
    );
    assert_eq!(folder.ran(), "");
}

#[test]
fn a_lost_or_damaged_record_means_a_new_run_with_the_same_result() {
    let folder = ran_three();
    let before = files_below(&folder.path("artifacts"));
    folder.write("artifacts/.pm25/make.json", "{");
    folder.remove("artifacts/.pm25/alone.json");
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "alone make");
    assert_eq!(before, files_below(&folder.path("artifacts")));
}

#[test]
fn records_are_the_same_in_any_folder_and_for_any_threads() {
    let one = Folder::three();
    let two = Folder::three();
    one.ok(&["run", "--threads", "1"]);
    let said = two.pm25(&[
        "-C",
        two.temp.path().to_str().unwrap(),
        "run",
        "--threads",
        "2",
    ]);
    assert_eq!(said.status, 0);
    let files = files_below(&one.path("artifacts"));
    assert_eq!(files, files_below(&two.path("artifacts")));
    assert_eq!(files.len(), 6);
    let root = one.temp.path().to_str().unwrap();
    for (name, text) in files {
        assert!(!text.contains(root), "{name:?} names its folder");
    }
    two.ok(&["run", "--threads", "1"]);
    assert_eq!(two.ran(), "alone make next", "all of it from the first run");
}

#[test]
fn a_folder_is_an_output_and_a_file_in_it_an_input() {
    let folder = Folder::new(
        r#"
        [stage.many]
        run = ["/bin/sh", "-c", 'echo many >> log; mkdir -p d/e; echo 1 > d/a; cat raw > d/e/b']
        in.raw = "raw"
        out.folder = "d"
        [stage.one]
        run = ["/bin/sh", "-c", 'echo one >> log; cp d/a one']
        in.a = "d/a"
        out.one = "one"
        [stage.whole]
        run = ["/bin/sh", "-c", 'echo whole >> log; cat d/a d/e/b > whole']
        in.d = "d"
        out.whole = "whole"
        "#,
    );
    folder.write("raw", "raw");
    folder.ok(&["run"]);
    assert_eq!(folder.ran(), "many one whole");
    folder.write("raw", "new");
    folder.ok(&["run"]);
    assert_eq!(
        folder.ran(),
        "many whole",
        "the file that `one` reads is the same"
    );
    folder.write("d/e/b", "edited");
    let said = folder.ok(&["run"]);
    assert!(
        said.stderr.contains("many   runs: output d/e/b was edited"),
        "{}",
        said.stderr
    );
    assert_eq!(folder.ran(), "many");
}

#[test]
fn why_tells_all_that_decides() {
    let folder = ran_three();
    folder.write("raw.txt", "x");
    let said = folder.ok(&["why", "make", "--set", "word=it's"]);
    for part in [
        "make is stale and would run:\n  param `word` changed: one → it's\n  input raw.txt changed: ",
        "runs     ./tool.sh raw.txt artifacts/made.txt 'it'\\''s'\n",
        "param    word = it's\n",
        "  raw.txt\n",
        "  artifacts/made.txt\n",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    let said = folder.ok(&["why", "next"]);
    assert!(
        said.stdout
            .starts_with("next would run if other bytes come out:\n  after make\n")
    );
    let said = folder.ok(&["why", "alone"]);
    assert!(said.stdout.starts_with("alone is fresh: same program"));
}
