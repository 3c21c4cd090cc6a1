//! One run at a time in one folder: an advisory lock, which the kernel gives back when its holder dies.
//!
//! The file stays; what it says serves the message only, so a stale number in it harms nobody.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use pm25_file::{Fault, Result};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::pipeline::LOCK;

/// How long to wait for a dead holder's lock: a child that it was just starting may own it for a moment.
const DEAD_HOLDER_GRACE: Duration = Duration::from_secs(2);

/// Held until dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "an open file is a held lock")] File);

impl Lock {
    /// Takes the lock of the run in `root`, or says at once who has it.
    pub(crate) fn take(root: &Path) -> Result<Self> {
        let path = root.join(LOCK);
        let broken = |e: io::Error| {
            Fault::unforeseen(format!("{}: cannot be locked", path.display())).because(e)
        };
        let mut file = open(&path).map_err(broken)?;
        let began = Instant::now();
        while let Err(why) = file.try_lock() {
            match why {
                TryLockError::Error(e) => return Err(broken(e)),
                TryLockError::WouldBlock => {
                    let holder = holder(&mut file);
                    if holder.is_none_or(is_alive) || DEAD_HOLDER_GRACE < began.elapsed() {
                        return Err(held(holder));
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
        let sign = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", process::id())
        };
        sign(&mut file).map_err(broken)?;
        Ok(Self(file))
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// The process that signed the file; a holder that has not yet signed is nobody.
fn holder(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid) != Err(Errno::SRCH)
}

fn held(holder: Option<Pid>) -> Fault {
    let holder = match holder {
        Some(pid) => format!("process {}", pid.as_raw_nonzero()),
        None => "another process".to_owned(),
    };
    Fault::conflict(format!(
        "{holder} is running the pipeline in this folder and holds {LOCK}"
    ))
    .hint("wait until it has ended, or stop it; `pm25 status` needs no lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_a_dropped_lock_is_free() {
        let temp = tempfile::tempdir().unwrap();
        let first = Lock::take(temp.path()).unwrap();
        let fault = Lock::take(temp.path()).err().unwrap();
        assert_eq!(fault.kind(), pm25_file::Kind::Conflict);
        assert!(
            fault
                .to_string()
                .contains(&format!("process {} ", process::id()))
        );
        drop(first);
        drop(Lock::take(temp.path()).unwrap());
    }

    #[test]
    fn the_lock_of_a_dead_holder_is_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let mut dead = process::Command::new("/bin/true").spawn().unwrap();
        dead.wait().unwrap();
        let lock = Lock::take(temp.path()).unwrap();
        fs::write(temp.path().join(LOCK), format!("{}\n", dead.id())).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(50));
                drop(lock);
            });
            assert!(Lock::take(temp.path()).is_ok());
        });
    }

    #[test]
    fn an_old_sign_does_not_hold_the_lock() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("artifacts")).unwrap();
        fs::write(temp.path().join(LOCK), "1\nthe name of somebody dead").unwrap();
        drop(Lock::take(temp.path()).unwrap());
        let text = fs::read_to_string(temp.path().join(LOCK)).unwrap();
        assert_eq!(text.trim(), process::id().to_string());
    }
}
