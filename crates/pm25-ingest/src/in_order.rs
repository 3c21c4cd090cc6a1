//! Work on all cores whose results are taken one after the other, in the order of the work.
//!
//! Not rayon's `collect`: no more results wait than there are threads and two, so that memory does not grow with the
//! work, and a thread whose result must wait goes on meanwhile.
//!
//! ```text
//! thread 1   0 ─work────────┤take 0, 1├ 3 ─work─ ...
//! thread 2   1 ─work─┤ 2 ─work─────────┤take 2├ ...
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Results that may wait besides one for each thread: a thread that is slow for once keeps nobody waiting.
const SPARE: usize = 2;

/// Whose turn it is, and who takes.
struct Turns<R, T, E> {
    next: usize,
    /// Results whose turn has not come.
    waiting: BTreeMap<usize, Result<R, E>>,
    /// Nothing more is taken: a fault, or a panic elsewhere.
    is_over: bool,
    outcome: Result<(), E>,
    take: T,
}

impl<R, T: FnMut(R) -> Result<(), E>, E> Turns<R, T, E> {
    /// Takes what has its turn.
    fn take(&mut self) {
        while !self.is_over
            && let Some(result) = self.waiting.remove(&self.next)
        {
            self.outcome = result.and_then(&mut self.take);
            self.is_over = self.outcome.is_err();
            self.next += 1;
        }
    }
}

/// Runs `work` for 0 to `n`, and `take` on each result in that order; the first fault in that order ends it.
///
/// # Errors
/// That fault.
pub(crate) fn in_order<R, T, E>(
    n: usize,
    work: impl Fn(usize) -> Result<R, E> + Sync,
    take: T,
) -> Result<(), E>
where
    R: Send,
    T: FnMut(R) -> Result<(), E> + Send,
    E: Send,
{
    let n_threads = rayon::current_num_threads();
    let ahead = n_threads + SPARE;
    let started = AtomicUsize::new(0);
    let turns = Mutex::new(Turns {
        next: 0,
        waiting: BTreeMap::new(),
        is_over: false,
        outcome: Ok(()),
        take,
    });
    let turned = Condvar::new();
    let worker = || {
        let guard = EndOnPanic(&turns, &turned);
        loop {
            // Taken in ascending order, so the smallest number under way never waits for another.
            let number = started.fetch_add(1, Ordering::Relaxed);
            let mut turn = lock(&turns);
            while number < n && turn.next + ahead <= number && !turn.is_over {
                turn = turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
            }
            if n <= number || turn.is_over {
                break;
            }
            drop(turn);
            let result = work(number);
            let mut turn = lock(&turns);
            turn.waiting.insert(number, result);
            turn.take();
            turned.notify_all();
        }
        std::mem::forget(guard);
    };
    // Others join when they have time; whoever is busy with something else is not waited for.
    rayon::in_place_scope(|scope| {
        for _ in 1..n_threads.min(n) {
            scope.spawn(|_| worker());
        }
        worker();
    });
    turns
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .outcome
}

/// The results of `work` for 0 to `n`, each thread at one of them at a time: one that waits for others in `work` helps
/// them meanwhile, but begins no other number.
pub(crate) fn one_each<R: Send>(n: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let started = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, R>> = Mutex::default();
    rayon::broadcast(|_| {
        loop {
            let number = started.fetch_add(1, Ordering::Relaxed);
            if n <= number {
                break;
            }
            let result = work(number);
            lock(&done).insert(number, result);
            // Between two numbers there is time to help.
            rayon::yield_now();
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

fn lock<T>(turns: &Mutex<T>) -> MutexGuard<'_, T> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the others go when a thread panics, so that the panic is seen and nobody waits for ever.
struct EndOnPanic<'a, R, T, E>(&'a Mutex<Turns<R, T, E>>, &'a Condvar);

impl<R, T, E> Drop for EndOnPanic<'_, R, T, E> {
    fn drop(&mut self) {
        lock(self.0).is_over = true;
        self.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_file::Fault;

    fn on_threads<R: Send>(n: usize, work: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n);
        pool.build().unwrap().install(work)
    }

    #[test]
    fn results_come_in_order_whoever_is_faster() {
        for threads in [1, 2, 5] {
            let mut taken = Vec::new();
            let slow_first = |number: usize| {
                std::thread::sleep(std::time::Duration::from_millis(
                    3 * u64::from(number.is_multiple_of(3)),
                ));
                Ok::<_, Fault>(number)
            };
            let done = on_threads(threads, || {
                in_order(40, slow_first, |number| {
                    taken.push(number);
                    Ok(())
                })
            });
            done.unwrap();
            assert_eq!(taken, (0..40).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_fault_in_order_is_the_one_told() {
        let work = |number: usize| match number {
            7 | 8 => Err(Fault::bad_data(format!("number {number}"))),
            _ => Ok(number),
        };
        for _ in 0..20 {
            let mut last = 0;
            let take = |number| {
                last = number;
                Ok(())
            };
            let fault = on_threads(4, || in_order(40, work, take)).unwrap_err();
            assert_eq!((fault.to_string().as_str(), last), ("number 7", 6));
        }
    }

    #[test]
    fn a_panic_is_passed_on_and_nobody_waits_for_ever() {
        let work = |number: usize| {
            assert!(number != 3, "three");
            Ok::<_, Fault>(number)
        };
        let run = || on_threads(3, || in_order(40, work, |_| Ok(())));
        assert!(std::panic::catch_unwind(run).is_err());
    }

    #[test]
    fn a_thread_that_waits_begins_nothing_else() {
        let depth = |n_deep: &AtomicUsize| n_deep.fetch_add(1, Ordering::SeqCst);
        for threads in [1, 2, 5] {
            let under_way = AtomicUsize::new(0);
            let done = on_threads(threads, || {
                one_each(20, |number| {
                    assert!(depth(&under_way) < threads, "more at once than threads");
                    let mut sum = 0;
                    let slow = |part: usize| {
                        std::thread::sleep(std::time::Duration::from_micros(300));
                        Ok::<_, Fault>(part)
                    };
                    in_order(9, slow, |part| {
                        sum += part;
                        Ok(())
                    })
                    .unwrap();
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    (number, sum)
                })
            });
            let expected: Vec<_> = (0..20).map(|number| (number, 36)).collect();
            assert_eq!(done, expected);
        }
    }

    #[test]
    fn others_go_on_while_one_is_slow_but_not_for_ever() {
        let begun = AtomicUsize::new(0);
        let ahead = 3 + SPARE;
        let work = |number: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            if number == 0 {
                while begun.load(Ordering::SeqCst) < ahead {
                    std::thread::yield_now();
                }
                // Time enough for one too many.
                std::thread::sleep(std::time::Duration::from_millis(30));
                assert_eq!(begun.load(Ordering::SeqCst), ahead);
            }
            Ok::<_, Fault>(number)
        };
        on_threads(3, || in_order(40, work, |_| Ok(()))).unwrap();
        assert_eq!(begun.into_inner(), 40);
    }
}
