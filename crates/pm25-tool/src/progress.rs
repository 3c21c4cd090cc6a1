//! Progress for people: a bar with an estimate on a terminal, a plain line every ten seconds elsewhere.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A piece of work whose size is known. Shared between threads; finished when dropped.
pub struct Progress {
    what: String,
    total: u64,
    done: AtomicU64,
    show: Show,
}

enum Show {
    Nothing,
    Bar(ProgressBar),
    Lines {
        started: Instant,
        last: Mutex<Instant>,
    },
}

impl Progress {
    pub(crate) fn start(what: &str, total: u64, terminal: bool, quiet: bool) -> Self {
        let show = if quiet {
            Show::Nothing
        } else if terminal {
            Show::Bar(bar(what, total))
        } else {
            let now = Instant::now();
            Show::Lines {
                started: now,
                last: Mutex::new(now),
            }
        };
        Self {
            what: what.to_owned(),
            total,
            done: AtomicU64::new(0),
            show,
        }
    }

    /// `n` more are done.
    pub fn advance(&self, n: u64) {
        let done = self.done.fetch_add(n, Ordering::Relaxed) + n;
        self.tell(done);
    }

    /// `done` are done altogether.
    pub fn at(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.tell(done);
    }

    fn tell(&self, done: u64) {
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => bar.set_position(done),
            Show::Lines { started, last } => self.tell_line(done, *started, last),
        }
    }

    fn tell_line(&self, done: u64, started: Instant, last: &Mutex<Instant>) {
        // Another thread is writing its line already.
        let Ok(mut last) = last.try_lock() else {
            return;
        };
        if LINE_EVERY <= last.elapsed() {
            *last = Instant::now();
            let elapsed_s = started.elapsed().as_secs_f64();
            let left_s = elapsed_s * self.total.saturating_sub(done) as f64 / done.max(1) as f64;
            let (what, total) = (&self.what, self.total);
            let _ = writeln!(
                io::stderr().lock(),
                "{what}: {done} of {total}, {left_s:.0} s left"
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &str, total: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} [{bar:30}] {human_pos}/{human_len}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total)
        .with_style(style.progress_chars("=> "))
        .with_prefix(what.to_owned())
}
