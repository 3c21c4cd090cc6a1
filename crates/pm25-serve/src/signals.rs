//! What the service does when it is told: SIGHUP looks at the registry, SIGTERM and SIGINT end it, a second one at once.

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::service::{Ended, Service};

/// Signals that are being listened to. From then on none of them ends the process by itself.
pub(crate) struct Signals {
    hang_up: Signal,
    ends: Ends,
}

struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen(runtime: &Runtime) -> anyhow::Result<Self> {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            hang_up: listen(SignalKind::hangup())?,
            ends: Ends {
                terminate: listen(SignalKind::terminate())?,
                interrupt: listen(SignalKind::interrupt())?,
            },
        })
    }

    /// Lets the service run until it is told to end, and ends it.
    pub(crate) fn obey(self, service: Service) -> Ended {
        let Self {
            mut hang_up,
            mut ends,
        } = self;
        service.runtime().block_on(async {
            loop {
                tokio::select! {
                    _ = hang_up.recv() => service.look_now(),
                    () = ends.next() => return,
                }
            }
        });
        service.end(async move { ends.next().await })
    }
}

impl Ends {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
