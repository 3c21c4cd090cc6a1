//! Panics of others' code over a damaged file: caught, and no bug of this program.
//!
//! Not for our own code: what panics there is a bug, and its message is wanted.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static AWAITED: Cell<bool> = const { Cell::new(false) };
}

/// Does the work, in which a panic is the answer of a library that was given nonsense; none where it panicked.
///
/// What was borrowed for it should not be used after that.
pub fn unless_it_panics<R>(work: impl FnOnce() -> R) -> Option<R> {
    let before = AWAITED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    AWAITED.set(before);
    done.ok()
}

/// Whether a panic of this thread would be caught as an answer, so that nobody need be told of it.
pub fn is_panic_awaited() -> bool {
    AWAITED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_awaited_as_long_as_the_work_lasts() {
        assert!(!is_panic_awaited());
        assert_eq!(unless_it_panics(is_panic_awaited), Some(true));
        let within = unless_it_panics(|| {
            assert_eq!(unless_it_panics(|| panic!("nonsense")), None::<()>);
            is_panic_awaited()
        });
        assert_eq!(within, Some(true));
        assert!(!is_panic_awaited());
    }
}
