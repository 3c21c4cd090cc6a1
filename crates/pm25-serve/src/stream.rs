//! A client's stream, with two things that hyper does not see to.
//!
//! * It gives up on a client that does not take its answer; hyper writes for as long as it takes.
//! * It notices a length among the headers. A request that says both its length and that it comes in chunks is read in
//!   two ways by two servers, and hides a second request from one of them. hyper removes the length before anybody
//!   sees it (and closes the connection, so that nothing hidden is answered); with this the guard can refuse.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The name of the header that says a body's length, at the beginning of a line.
const LENGTH: &[u8] = b"\ncontent-length";

/// Whether a length was said since somebody last asked. Where a body or the next request says one as well it is
/// noticed too early, which only refuses what is odd anyway.
#[derive(Clone, Debug, Default)]
pub(crate) struct LengthSaid(Arc<AtomicBool>);

impl LengthSaid {
    /// Asks, and begins anew.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }

    fn look(&self, bytes: &[u8]) {
        let is_there = |line: &[u8]| {
            line.get(..LENGTH.len())
                .is_some_and(|line| line.eq_ignore_ascii_case(LENGTH))
        };
        let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        if ends.any(|(at, _)| is_there(&bytes[at..])) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// A stream whose writes must make progress.
pub(crate) struct Stream {
    stream: TcpStream,
    length_said: LengthSaid,
    stall_max: Duration,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    /// Gives up on a write that makes no progress for `stall_max`.
    pub(crate) fn new(stream: TcpStream, stall_max: Duration, length_said: LengthSaid) -> Self {
        Self {
            stream,
            length_said,
            stall_max,
            stalled: None,
        }
    }

    /// The stream.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// What came of a write, or that there was time enough for it.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall_max = self.stall_max;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(stall_max)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.length_said.look(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_noticed_once_wherever_it_stands() {
        for head in [
            "P / HTTP/1.1\r\nContent-Length: 5\r\n",
            "\r\ncONTENT-lENGTH:",
            "x\n\ncontent-length",
        ] {
            let said = LengthSaid::default();
            said.look(head.as_bytes());
            assert!(said.take(), "{head}");
            assert!(!said.take());
        }
        for head in [
            "",
            "\n",
            "content-length",
            "\r\nX-Content-Length: 5",
            "\ncontent-lengt",
        ] {
            let said = LengthSaid::default();
            said.look(head.as_bytes());
            assert!(!said.take(), "{head}");
        }
    }
}
