//! Exit statuses of every pm25 command. Part of the interface: add, never renumber.

use pm25_file::Kind;

/// The work was done.
pub const OK: u8 = 0;
/// Something unforeseen: disk, memory, a bug.
pub const FAILED: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// A table lacks a column, has a wrong unit or an impossible value.
pub const BAD_DATA: u8 = 3;
/// A file of ours is missing, damaged, of another kind or newer than this build.
pub const BAD_ARTIFACT: u8 = 4;
/// The policy, or the order of stages, does not allow it.
pub const GATE_CLOSED: u8 = 10;
/// Something moved beyond its limit.
pub const DRIFTED: u8 = 11;
/// Something would be rebuilt.
pub const STALE: u8 = 12;
/// Somebody else changed it first.
pub const CONFLICT: u8 = 13;
/// A prepared table holds the answer that it asks for.
pub const LEAK_FOUND: u8 = 14;

/// The status of a kind of failure.
pub fn status_of(kind: Kind) -> u8 {
    match kind {
        Kind::Unforeseen => FAILED,
        Kind::Usage => USAGE,
        Kind::BadData => BAD_DATA,
        Kind::BadArtifact => BAD_ARTIFACT,
        Kind::GateClosed => GATE_CLOSED,
        Kind::Conflict => CONFLICT,
    }
}
