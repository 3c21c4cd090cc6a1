//! Connections: accepted, served as HTTP/1.1 within the limits, ended.
//!
//! The loop is our own because axum's has no time limit for a request's head.
//!
//! ```text
//! accept ─ a place? ─ no: 503, close
//!            └ yes: hyper (head within its size and time) ─ guard ─ ... ─ linger ─ close
//! stop ──────────────── no more requests on this connection; idle ones end at once
//! ```

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::guard::{Door, Framing};
use crate::limits::Limits;
use crate::stream::{LengthSaid, Stream};

/// What a connection gets for which there is no place. Short enough for the buffer of any new socket.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// Pause when a connection cannot be accepted, for example because files are used up: others may close some.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time between two warnings of it.
const WARN_PAUSE: Duration = Duration::from_secs(10);
/// Memory of a connection for what it has read and nobody has taken yet.
const READ_BUFFER_BYTES: usize = 64 * 1024;

/// What the connections of one listener share.
#[derive(Clone)]
pub(crate) struct Wire {
    door: Arc<Door>,
    /// Places for connections; all are free again when all have ended.
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Wire {
    /// For a listener with this door.
    pub(crate) fn new(door: Door, stop: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(door.app.limits.connections_max));
        Self {
            door: Arc::new(door),
            places,
            stop,
        }
    }

    /// How many connections are open.
    pub(crate) fn n_open(&self) -> usize {
        self.door.app.limits.connections_max - self.places.available_permits()
    }

    /// Waits until no connection is open.
    pub(crate) async fn ended(&self) {
        let all = u32::try_from(self.door.app.limits.connections_max).unwrap_or(u32::MAX);
        // An error would mean that the places were taken away, which nobody does.
        let _ = self.places.acquire_many(all).await;
    }

    /// Accepts connections until it is told to stop.
    pub(crate) async fn accept(mut self, listener: TcpListener) {
        let mut warned = None;
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stopped(&mut self.stop) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.welcome(stream),
                Err(e) if is_of_the_client(&e) => {}
                Err(e) => {
                    self.complain(&e, &mut warned);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Counts each failure, and tells of one every now and then.
    fn complain(&self, error: &io::Error, warned: &mut Option<Instant>) {
        self.door.app.metrics.accept_failed();
        if warned.is_none_or(|at| WARN_PAUSE < at.elapsed()) {
            *warned = Some(Instant::now());
            self.door
                .app
                .journal
                .warn(format!("cannot accept connections at present: {error}"));
        }
    }

    fn welcome(&self, stream: TcpStream) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(self.clone().converse(stream, place));
            }
            Err(_) => {
                self.door.app.metrics.refused();
                // Whoever is not there any more needs no answer.
                let _ = stream.try_write(NO_PLACE);
            }
        }
    }

    async fn converse(mut self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let door = Arc::clone(&self.door);
        let _connected = door.app.metrics.connect();
        // Small answers must not wait for more to come; where this cannot be set they are only later.
        let _ = stream.set_nodelay(true);
        let limits = &door.app.limits;
        let length_said = LengthSaid::default();
        let io = TokioIo::new(Stream::new(stream, limits.write_stall, length_said.clone()));
        let service = service_fn(|request| {
            let (door, framing) = (Arc::clone(&door), Framing::of(&request, &length_said));
            Box::pin(async move { Ok::<_, Infallible>(door.answer(request, framing).await) })
        });
        let mut connection = http(limits).serve_connection(io, service);
        let mut goes_on = true;
        let ended = loop {
            tokio::select! {
                biased;
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
                _ = stopped(&mut self.stop), if goes_on => {
                    goes_on = false;
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if ended.is_err() {
            door.app.metrics.broke();
        }
        let io = connection.into_parts().io.into_inner().into_inner();
        linger(io, limits.linger).await;
        drop(place);
    }
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_read)
        .max_header_size(limits.head_bytes_max)
        .max_headers(limits.headers_max)
        .max_buf_size(READ_BUFFER_BYTES);
    http
}

/// Ends when it is time to stop, also when whoever would say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Lets the client read an answer that came before all of its request was read: closing at once would reset the
/// connection, and take the answer away from a client that is still sending.
async fn linger(mut stream: TcpStream, time_max: Duration) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scrap = [0; 4096];
    let discard = async { while matches!(stream.read(&mut scrap).await, Ok(1..)) {} };
    // Whoever is still sending after this has had its chance.
    let _ = tokio::time::timeout(time_max, discard).await;
}

/// Errors of `accept` that are about one connection and not about us.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
