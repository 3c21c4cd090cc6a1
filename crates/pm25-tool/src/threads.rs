//! `--threads N`: how many threads compute. It never changes a result.

use std::num::NonZeroUsize;

use anyhow::Context;

/// Flattened into the arguments of programs that compute.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Threads {
    /// How many threads compute; the result does not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    /// The number of threads to use.
    pub fn count(self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            NonZeroUsize::get,
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
