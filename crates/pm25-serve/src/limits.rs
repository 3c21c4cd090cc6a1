//! Every limit of the service, in one place. Not settings: a limit that can be turned off protects nobody.
//!
//! Tests make their own with shorter times.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How much of anything the service takes before it says no.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's head, one header or all of them; then 431.
    pub head_bytes_max: usize,
    /// Headers of a request; then 431.
    pub headers_max: usize,
    /// Bytes of a request's target; then 414.
    pub uri_bytes_max: usize,
    /// Time for a head to arrive, and for a connection to stay idle; then it is closed.
    pub head_read: Duration,
    /// Bytes of a body; then 413.
    pub body_bytes_max: usize,
    /// Time for a whole body to arrive; then 408.
    pub body_read: Duration,
    /// Bytes of all bodies above [`Limits::inline_bytes_max`] that are held at once; then 503.
    pub bodies_bytes_max: usize,
    /// Time for a prediction; then 504.
    pub handler: Duration,
    /// Rows or observations in one request; then 413.
    pub rows_max: usize,
    /// Levels of a JSON document; then 400.
    pub json_depth_max: usize,
    /// Open connections of a listener; then 503 at once.
    pub connections_max: usize,
    /// Predictions in work; then 503.
    pub predictions_max: usize,
    /// How many of them may be long, so that short ones still find a place behind a queue of long ones.
    pub long_predictions_max: usize,
    /// Time in which a client must take some of its answer; then the connection is closed.
    pub write_stall: Duration,
    /// Time in which a client may see an answer that came before its request was read.
    pub linger: Duration,
    /// Time for open connections to end after the first signal; then they are cut.
    pub drain: Duration,
    /// Time between two looks at the registry.
    pub poll: Duration,
    /// Longest pause between two looks when they keep failing.
    pub poll_backoff_max: Duration,
    /// Bodies up to this size are answered where they were read; longer ones go to a thread for long work, so
    /// that nobody waits behind them. 4 KiB are some dozen rows.
    pub inline_bytes_max: usize,
}

impl Limits {
    /// The limits of the service.
    pub const USUAL: Self = Self {
        head_bytes_max: 16 * KIB,
        headers_max: 64,
        uri_bytes_max: 4 * KIB,
        head_read: Duration::from_secs(15),
        body_bytes_max: MIB,
        body_read: Duration::from_secs(10),
        bodies_bytes_max: 128 * MIB,
        handler: Duration::from_secs(5),
        rows_max: 10_000,
        json_depth_max: 16,
        connections_max: 1_024,
        predictions_max: 64,
        long_predictions_max: 32,
        write_stall: Duration::from_secs(15),
        linger: Duration::from_secs(1),
        drain: Duration::from_secs(20),
        poll: Duration::from_secs(2),
        poll_backoff_max: Duration::from_secs(60),
        inline_bytes_max: 4 * KIB,
    };
}
