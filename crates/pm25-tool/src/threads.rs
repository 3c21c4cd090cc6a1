//! `--threads N`: how many threads compute. It never changes a result.

use std::num::NonZeroUsize;

use anyhow::Context;

/// More threads than this only cost time, on any machine there is.
const THREADS_MAX: i64 = 512;

/// Flattened into the arguments of programs that compute.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Threads {
    /// How many threads compute; the result does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    threads: Option<u16>,
}

impl Threads {
    /// The number of threads to use.
    pub fn count(self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            usize::from,
        )
    }

    /// Runs `work` where rayon has this many threads.
    pub fn install<R: Send>(self, work: impl FnOnce() -> R + Send) -> anyhow::Result<R> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.count())
            .build()
            .context("cannot start the threads")?;
        Ok(pool.install(work))
    }
}
