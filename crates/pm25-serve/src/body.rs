//! A request's body in memory, within its size, its time, and the memory that all bodies share.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::limits::Limits;
use crate::problem::{Problem, Result};

/// A body, and its part of the shared memory.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Bytes of the body.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Reads a body to its end.
///
/// # Errors
/// 413 for one that is too long, unread if it says so itself; 408 for one that takes too long; 503 when all bodies
/// together are too long; 400 for one that breaks off.
pub(crate) async fn read(app: &App, body: Body) -> Result<Held> {
    let bytes_max = app.limits.body_bytes_max;
    if bytes_max < usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) {
        return Err(too_long(bytes_max));
    }
    let reading = collect(&app.limits, &app.bodies, body);
    match tokio::time::timeout(app.limits.body_read, reading).await {
        Ok(held) => held,
        Err(_) => Err(too_slow(&app.limits)),
    }
}

async fn collect(limits: &Limits, memory: &Arc<Semaphore>, mut body: Body) -> Result<Held> {
    let mut pieces = Pieces::default();
    let mut share = Share {
        memory,
        permit: None,
    };
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::malformed("the body broke off, or its chunks are none"))?;
        // What is no data is a trailer, of which we need none.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let n_bytes = pieces.len() + data.len();
        if limits.body_bytes_max < n_bytes {
            return Err(too_long(limits.body_bytes_max));
        }
        if limits.inline_bytes_max < n_bytes {
            share.grow_to(n_bytes)?;
        }
        pieces.push(data);
    }
    Ok(Held {
        bytes: pieces.join(),
        _share: share.permit,
    })
}

/// A body that usually comes in one piece, which then need not be copied.
#[derive(Default)]
struct Pieces {
    only: Bytes,
    joined: Vec<u8>,
}

impl Pieces {
    fn len(&self) -> usize {
        self.only.len() + self.joined.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.only = data;
            return;
        }
        let only = std::mem::take(&mut self.only);
        self.joined.extend_from_slice(&only);
        self.joined.extend_from_slice(&data);
    }

    fn join(self) -> Bytes {
        if self.joined.is_empty() {
            self.only
        } else {
            self.joined.into()
        }
    }
}

/// Part of the memory that long bodies share. Short ones need none: there are not enough connections for them to
/// matter.
struct Share<'a> {
    memory: &'a Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Share<'_> {
    fn grow_to(&mut self, n_bytes: usize) -> Result<()> {
        let held = self
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(n_bytes - held).unwrap_or(u32::MAX);
        let more = Arc::clone(self.memory)
            .try_acquire_many_owned(more)
            .map_err(|_| Problem::busy("too many long requests are being read"))?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

fn too_long(bytes_max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("a body may have at most {bytes_max} bytes"),
    )
    .hint("send several requests, or predict whole files with `pm25-predict`")
}

fn too_slow(limits: &Limits) -> Problem {
    let seconds = limits.body_read.as_secs_f32();
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body did not arrive within {seconds} s"),
    )
    .header(header::CONNECTION, HeaderValue::from_static("close"))
}
