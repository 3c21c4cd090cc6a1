//! One stage's process: started so that it cannot outlive the conductor, its lines passed on as they come.
//!
//! ```text
//! pm25 run ── spawns ──▶ pm25 __child PID PROGRAM -- ARGV...  ── becomes ──▶ PROGRAM
//!    (waits in the         (asks the kernel to be killed
//!     same thread)          with its parent, then exec)
//! ```
//!
//! The kernel sends the signal when the *thread* that spawned ends, so that thread waits for the child. It
//! reaches the stage's own process, not processes that it started itself; our programs start none.
//! Elsewhere than on Linux and FreeBSD a child of a killed conductor runs to its end; its stage has no
//! record then and runs again next time.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// First argument of the way in that is not for people.
const CHILD: &str = "__child";
/// A longer line is cut into several.
const LINE_BYTES_MAX: u64 = 8192;
/// How long the output may stay open after the process has ended, in case it left something running.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// What to start.
pub(crate) struct Task {
    pub(crate) program: PathBuf,
    pub(crate) argv: Vec<String>,
    /// The working folder.
    pub(crate) root: PathBuf,
    /// At least 1; told to the child as `PM25_THREADS`.
    pub(crate) n_threads: usize,
}

/// What happens to a stage, by its number.
pub(crate) enum Event {
    /// It wrote a line.
    Line { stage: usize, text: String },
    /// It ended, or could not be started.
    Ended {
        stage: usize,
        status: io::Result<ExitStatus>,
        seconds: f64,
    },
}

/// Runs a task to its end and sends what happens. Blocks; a receiver that has gone is no matter.
pub(crate) fn run(task: &Task, stage: usize, events: &SyncSender<Event>) {
    let started = Instant::now();
    let status = run_to_end(task, stage, events);
    let seconds = started.elapsed().as_secs_f64();
    let _ = events.send(Event::Ended {
        stage,
        status,
        seconds,
    });
}

fn run_to_end(task: &Task, stage: usize, events: &SyncSender<Event>) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    // The command holds the writing ends and is dropped here, so that the pipe ends with the child.
    let mut child = command(task)?
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    let (done, is_done) = mpsc::channel();
    let lines = events.clone();
    thread::spawn(move || {
        pass_on(reader, stage, &lines);
        let _ = done.send(());
    });
    let status = child.wait()?;
    if is_done.recv_timeout(OUTPUT_GRACE).is_err() {
        let text = "(a process that it left behind still holds its output)".to_owned();
        let _ = events.send(Event::Line { stage, text });
    }
    Ok(status)
}

fn command(task: &Task) -> io::Result<Command> {
    let mut command = Command::new(own_program()?);
    command
        .arg(CHILD)
        .arg(process::id().to_string())
        .arg(&task.program)
        .arg("--")
        .args(&task.argv)
        .current_dir(&task.root)
        .stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PM25_") {
            command.env_remove(name);
        }
    }
    command.env("PM25_THREADS", task.n_threads.to_string());
    Ok(command)
}

/// This very program, also when its file was replaced by a newer build since it started.
fn own_program() -> io::Result<PathBuf> {
    let same = Path::new("/proc/self/exe");
    if same.exists() {
        return Ok(same.to_owned());
    }
    env::current_exe()
}

fn pass_on(reader: PipeReader, stage: usize, events: &SyncSender<Event>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let text = printable(&line);
        if events.send(Event::Line { stage, text }).is_err() {
            return;
        }
    }
}

/// The line as text that cannot move the cursor or change colours.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut clean = String::new();
    for c in text.trim_end_matches(['\n', '\r']).chars() {
        if c.is_control() && c != '\t' {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// How a process ended, for people.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}{}", signal_name(signal)),
        (None, None) => "it ended in an unknown way".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        2 => " (SIGINT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL; so ends a process, too, when memory runs out)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// The other end of `run`: if this process was started as a stage's, becomes its program. Returns
/// nothing otherwise, and a failure if the program cannot be started.
pub fn if_child() -> Option<ExitCode> {
    let mut args = env::args_os().skip(1);
    if args.next()? != CHILD {
        return None;
    }
    let why = become_program(args);
    // There is no console here: the line goes to the conductor, which shows it.
    let _ = writeln!(io::stderr(), "error: {why}");
    Some(ExitCode::FAILURE)
}

fn become_program(mut args: impl Iterator<Item = OsString>) -> String {
    let parent = args
        .next()
        .and_then(|pid| pid.to_str()?.parse::<u32>().ok());
    let (Some(parent), Some(program), Some(_), Some(argv0)) =
        (parent, args.next(), args.next(), args.next())
    else {
        return format!("`pm25 {CHILD}` is not for people");
    };
    if let Err(e) = die_with_parent() {
        return format!("cannot bind the stage to the life of pm25: {e}");
    }
    // It may have died before the kernel was asked.
    if parent_id() != parent {
        return "pm25 has ended".to_owned();
    }
    let failed = Command::new(&program).arg0(argv0).args(args).exec();
    format!("{} cannot be started: {failed}", program.display())
}

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn die_with_parent() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
fn die_with_parent() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_play_with_the_terminal() {
        assert_eq!(
            printable(b"\x1b[31mred\x07\ttab\r\n"),
            r"\u{1b}[31mred\u{7}	tab"
        );
        assert_eq!(printable(b"caf\xc3\xa9 \xff"), "café \u{fffd}");
    }

    #[test]
    fn an_end_is_described() {
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "exit status 3");
        assert!(describe(ExitStatus::from_raw(9)).starts_with("killed by signal 9 (SIGKILL"));
    }
}
