//! Wall-clock time that runs with tokio's clock, so that it stands still and jumps with it.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z: every run starts at the same moment unless told otherwise.
const DEFAULT_START: i64 = 1_767_225_600;

pub(crate) struct Clock {
    anchor: Mutex<(Instant, Timestamp)>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(DEFAULT_START);
        Self { anchor: Mutex::new((Instant::now(), start)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let (instant, timestamp) = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        timestamp + SignedDuration::try_from(instant.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    pub(crate) fn set(&self, now: Timestamp) {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), now);
    }
}

/// As Kubernetes writes `metav1.Time`: whole seconds, Z.
pub(crate) fn to_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
