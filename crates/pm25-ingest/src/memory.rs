//! What becomes of memory that is no longer needed.
//!
//! Not an allocator. That of glibc gives pieces of some hundred kilobytes back to the system as soon as they are free,
//! and the next file's columns make the system clear the same pages again: 220,000 of them and half a second for 12
//! million rows.

/// Freed pieces up to this size are kept for the next of their kind; so much more is held in the end, and no more than
/// twice as much for each thread.
const KEPT_BYTES: usize = 8 << 20;

/// Has freed memory kept. glibc takes the size of the largest piece that was freed for the size of those that come and
/// go (`M_MMAP_THRESHOLD` in mallopt(3)); one that was never used costs nothing. Elsewhere this does nothing.
pub(crate) fn keep_what_is_freed() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT_BYTES)));
}
