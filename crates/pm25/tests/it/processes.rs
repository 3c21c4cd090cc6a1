//! Processes: side by side, killed, locked out, and told exactly what they are to be told.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::folder::{Folder, files_below, said};

const SOON: Duration = Duration::from_secs(10);

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "waited in vain until {what}");
        sleep(Duration::from_millis(2));
    }
}

/// Whether a process with this number runs; one that is dead but not yet fetched does not.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .trim_start()
        .chars()
        .next();
    state.is_some_and(|state| state != 'Z')
}

fn start(folder: &Folder, args: &[&str]) -> Child {
    let mut command = folder.command(args);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn branches_that_do_not_need_each_other_overlap() {
    let wait_for = |own: &str, other: &str| {
        format!(
            "touch {own}; n=0; until test -e {other}; do n=$((n+1)); test $n -lt 500 || exit 9; sleep 0.01; done; echo $PM25_THREADS > {own}.out"
        )
    };
    let stage = |own: &str, other: &str| {
        format!(
            "[stage.{own}]\nrun = ['/bin/sh', '-c', '{}']\nout.o = '{own}.out'\n",
            wait_for(own, other)
        )
    };
    let folder = Folder::new(&(stage("a", "b") + &stage("b", "a")));
    folder.ok(&["run", "--threads", "6"]);
    assert_eq!(folder.read("a.out"), "3\n", "two share six");
    assert_eq!(folder.read("b.out"), "3\n");
}

#[test]
fn no_more_stages_run_at_once_than_threads() {
    let script = "echo + >> log; sleep 0.1; echo - >> log; echo $PM25_THREADS > $1";
    let stages = (0..4).map(|n| {
        format!(
            "[stage.s{n}]\nrun = ['/bin/sh', '-c', '{script}', 'x', '{{out.o}}']\nout.o = 'o{n}'\n"
        )
    });
    let text: String = stages.collect();
    for n_threads in [1, 2] {
        let folder = Folder::new(&text);
        folder.ok(&["run", "--threads", &n_threads.to_string()]);
        let (mut now, mut most) = (0_i32, 0);
        for mark in folder.read("log").lines() {
            now += if mark == "+" { 1 } else { -1 };
            most = most.max(now);
        }
        assert_eq!(most, n_threads);
        assert_eq!(folder.read("o0"), "1\n");
    }
}

#[test]
fn hidden_settings_do_not_reach_a_stage() {
    let folder = Folder::new(
        "[params]\nx = 1\n[stage.a]\nrun = ['/bin/sh', '-c', 'env | grep -E \"^(PM25_|KEPT)\" | sort > o']\nout.o = 'o'\n",
    );
    let mut command = folder.command(&["run"]);
    command.envs([
        ("PM25_SEED", "7"),
        ("PM25_THREADS", "5"),
        ("PM25_FORMAT", "text"),
        ("KEPT", "yes"),
    ]);
    assert_eq!(said(&mut command).status, 0);
    assert_eq!(folder.read("o"), "KEPT=yes\nPM25_THREADS=5\n");
}

#[test]
fn arguments_are_taken_literally() {
    let folder = Folder::new(
        "[params]\nodd = \"\"\n[stage.a]\nrun = ['/bin/sh', '-c', 'for a in \"$@\"; do printf \"<%s>\" \"$a\"; done > \"o u t\"', 'sh', '{odd}', '--x={odd}', '{{n}}']\nout.o = 'o u t'\n",
    );
    for odd in [
        "",
        " ",
        "a b",
        "$(touch pwned)",
        "`touch pwned`; touch pwned",
        "'\"\\",
        "*",
        "-rf",
        "a\nb",
        "{out.o}",
        "µg/m³",
    ] {
        folder.ok(&["run", "--set", &format!("odd={odd}")]);
        assert_eq!(folder.read("o u t"), format!("<{odd}><--x={odd}><{{n}}>"));
        assert!(!folder.exists("pwned"));
    }
}

#[test]
fn a_stage_has_no_standard_input() {
    let folder =
        Folder::new("[stage.a]\nrun = ['/bin/sh', '-c', 'cat > o; echo end >> o']\nout.o = 'o'\n");
    let mut command = folder.command(&["run"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let kept_open = child.stdin.take();
    wait_until("the run has ended", || child.try_wait().unwrap().is_some());
    drop(kept_open);
    assert_eq!(folder.read("o"), "end\n");
}

#[test]
fn a_second_run_is_refused_at_once_and_told_who_runs() {
    let folder = Folder::new(
        "[stage.a]\nrun = ['/bin/sh', '-c', 'touch started; sleep 30; echo 1 > o']\nout.o = 'o'\n",
    );
    let first = start(&folder, &["run"]);
    wait_until("the first has started", || folder.exists("started"));
    let began = Instant::now();
    let second = folder.pm25(&["run"]);
    assert_eq!(second.status, 13, "{second:#?}");
    assert!(second.stderr.contains(&format!(
        "error: process {} is running the pipeline",
        first.id()
    )));
    assert!(began.elapsed() < Duration::from_secs(5));
    folder.ok(&["status"]);
    folder.ok(&["run", "--dry-run"]);
    kill(first);
    let third = start(&folder, &["run"]);
    folder.remove("started");
    wait_until("the third has the lock of the dead", || {
        folder.exists("started")
    });
    kill(third);
}

#[test]
fn of_many_runs_started_together_one_runs() {
    let folder = Folder::new(
        "[stage.a]\nrun = ['/bin/sh', '-c', 'echo a >> log; sleep 1; echo 1 > o']\nout.o = 'o'\n",
    );
    let runs: Vec<Child> = (0..6).map(|_| start(&folder, &["run"])).collect();
    let mut statuses: Vec<_> = runs
        .into_iter()
        .map(|mut run| run.wait().unwrap().code())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], Some(0));
    assert_eq!(folder.ran(), "a");
}

#[test]
fn a_child_does_not_outlive_the_conductor() {
    let script = "echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 60";
    let folder = Folder::new(&format!(
        "[stage.a]\nrun = ['/bin/sh', '-c', '{script}']\nout.o = 'o'\n"
    ));
    for _ in 0..5 {
        let _ = fs::remove_file(folder.path("pid"));
        let run = start(&folder, &["run"]);
        wait_until("the child runs", || folder.exists("pid"));
        let pid = folder.read("pid");
        assert!(is_alive(&pid));
        kill(run);
        let began = Instant::now();
        wait_until("the child is dead", || !is_alive(&pid));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn a_killed_run_leaves_nothing_that_is_believed() {
    // `half` writes its output bit by bit; a kill in between leaves a file that looks finished. The shell writes
    // it itself: a program that it started would live on for a moment.
    let pipeline = r#"
        [stage.half]
        run = ['/bin/sh', '-c', ': > d/.pm25-$$.tmp; for i in 1 2 3 4 5 6; do t="$t$i\n"; printf "$t" > d/o; sleep 0.01; done; rm d/.pm25-$$.tmp']
        in.raw = 'raw'
        out.o = 'd/o'
        [stage.count]
        run = ['/bin/sh', '-c', 'ls -A d > names; sleep 0.02; wc -l < d/o > n']
        in.o = 'd/o'
        out.n = 'n'
        out.names = 'names'
    "#;
    let whole = Folder::new(pipeline);
    whole.write("raw", "");
    whole.ok(&["run"]);
    let expected = files_below(whole.temp.path());
    let mut n_killed = 0;
    for round in 0..25 {
        let folder = Folder::new(pipeline);
        folder.write("raw", "");
        let mut run = start(&folder, &["run"]);
        sleep(Duration::from_millis(7 * round));
        n_killed += i32::from(run.try_wait().unwrap().is_none());
        kill(run);
        if folder.exists("artifacts/.pm25/half.json") {
            assert_eq!(
                folder.read("d/o"),
                "1\n2\n3\n4\n5\n6\n",
                "on record, so it had finished"
            );
        }
        folder.ok(&["run"]);
        assert_eq!(files_below(folder.temp.path()), expected, "round {round}");
        folder.ok(&["status", "--check"]);
    }
    assert!(
        10 <= n_killed,
        "only {n_killed} of 25 runs were killed before their end"
    );
}

#[test]
fn a_closed_standard_output_is_no_disaster() {
    let folder = Folder::three();
    let program = env!("CARGO_BIN_EXE_pm25");
    let script = format!(
        "{program} run -q >&-; echo $?; {program} run -q | true; {program} run -q > /dev/full; echo $?"
    );
    let said = said(
        Command::new("/bin/sh")
            .args(["-c", &script])
            .current_dir(folder.temp.path()),
    );
    assert!(
        said.stdout.ends_with("1\n"),
        "a full disk is told: {said:#?}"
    );
    assert_eq!(folder.ran(), "alone make next");
}
