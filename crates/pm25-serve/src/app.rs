//! What all requests share: the model, the limits, the counters, the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::journal::Journal;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::served::Served;

/// The state of the service.
pub(crate) struct App {
    pub(crate) limits: Limits,
    pub(crate) current: Current,
    pub(crate) metrics: Metrics,
    pub(crate) journal: Journal,
    /// Places for predictions in work.
    pub(crate) predictions: Arc<Semaphore>,
    /// Those of them that long predictions may take.
    pub(crate) long_predictions: Arc<Semaphore>,
    /// Bytes of long bodies that may be held.
    pub(crate) bodies: Arc<Semaphore>,
    draining: AtomicBool,
}

impl App {
    /// A service that has not answered anything yet.
    pub(crate) fn new(limits: Limits, served: Served, journal: Journal) -> Self {
        Self {
            limits,
            current: Current::new(served),
            metrics: Metrics::default(),
            journal,
            predictions: Arc::new(Semaphore::new(limits.predictions_max)),
            long_predictions: Arc::new(Semaphore::new(limits.long_predictions_max)),
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes_max)),
            draining: AtomicBool::new(false),
        }
    }

    /// From now on no balancer should send anything.
    pub(crate) fn begin_to_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the service is going down.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// The model in use. A request takes it once and keeps it to its end, so that an answer is wholly of one version;
/// taking it waits for nobody, also while it is exchanged.
pub(crate) struct Current {
    model: ArcSwap<Served>,
    reload_fails: AtomicBool,
}

impl Current {
    fn new(served: Served) -> Self {
        Self {
            model: ArcSwap::from_pointee(served),
            reload_fails: AtomicBool::new(false),
        }
    }

    /// The model.
    pub(crate) fn model(&self) -> Arc<Served> {
        self.model.load_full()
    }

    /// Puts another one in its place.
    pub(crate) fn exchange(&self, served: Served) {
        self.model.store(Arc::new(served));
    }

    /// Notes whether the registry's present version could be taken.
    pub(crate) fn note_reload(&self, outcome: Reload) {
        self.reload_fails
            .store(outcome == Reload::Failed, Ordering::Relaxed);
    }

    /// How the last look at the registry ended.
    pub(crate) fn reload(&self) -> Reload {
        if self.reload_fails.load(Ordering::Relaxed) {
            Reload::Failed
        } else {
            Reload::Fine
        }
    }
}

/// How a look at the registry ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reload {
    /// What is served is what the registry says.
    Fine,
    /// The registry says something else, or cannot be read; the old model is still served.
    Failed,
}
