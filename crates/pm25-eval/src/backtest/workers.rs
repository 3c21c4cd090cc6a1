//! Origins side by side: as many at a time as there are threads, each with its share of them.
//!
//! Not one pool for all: there, a thread that waits for one origin's trees would begin another origin, and the rows of
//! many would be in memory at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

/// The results of `work(0)` to `work(n - 1)`, in this order whatever was done first. The last begins first: it has most
/// to learn from, and a long piece at the end would keep one thread busy and the others idle.
///
/// # Errors
/// One of those that `work` had, or when threads cannot be started.
pub(super) fn side_by_side<R: Send>(
    n: usize,
    n_threads: usize,
    work: &(dyn Fn(usize) -> anyhow::Result<R> + Sync),
) -> anyhow::Result<Vec<R>> {
    let n_workers = n_threads.clamp(1, n.max(1));
    let pools = (0..n_workers)
        .map(|worker| {
            // The first workers get what does not divide evenly.
            let share = n_threads / n_workers + usize::from(worker < n_threads % n_workers);
            rayon::ThreadPoolBuilder::new()
                .num_threads(share.max(1))
                .build()
                .context("cannot start the threads")
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let left = AtomicUsize::new(n);
    let done: Vec<Mutex<Option<anyhow::Result<R>>>> = (0..n).map(|_| Mutex::new(None)).collect();
    let next = || {
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        taken.ok().map(|left| left - 1)
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| {
                while let Some(at) = next() {
                    let result = pool.install(|| work(at));
                    if result.is_err() {
                        // What is left would be thrown away.
                        left.store(0, Ordering::Relaxed);
                    }
                    *done[at].lock().expect("nothing panics while it is held") = Some(result);
                }
            });
        }
    });
    let results = done
        .into_iter()
        .filter_map(|slot| slot.into_inner().expect("nothing panics while it is held"));
    results.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_for_any_number_of_threads() {
        for n_threads in [1, 2, 3, 8] {
            let found = side_by_side(5, n_threads, &|at| Ok(at * at)).unwrap();
            assert_eq!(found, [0, 1, 4, 9, 16]);
        }
        assert!(side_by_side(0, 4, &Ok).unwrap().is_empty());
    }

    #[test]
    fn an_error_is_not_lost() {
        let fails = |at: usize| {
            anyhow::ensure!(at != 1, "the second fails");
            Ok(at)
        };
        for n_threads in [1, 2, 8] {
            assert!(side_by_side(4, n_threads, &fails).is_err());
        }
    }
}
