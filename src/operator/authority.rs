//! Whether this process may act: it leads, the served schema is its own, and nobody stopped it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use super::{
    calls::CallError,
    cluster::Cluster,
    leader::{self, Leadership},
};
use crate::{graph::Clock, telemetry::health::Health};
use passcode_core::lifecycle::quarantine::Quarantine;

/// What this process may do. It is asked each time, for the answer changes.
#[derive(Clone)]
pub struct Authority {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Whether the served schema is current.
    pub health: Arc<Health>,
    /// Whether this replica leads, and the quarantine.
    pub leadership: watch::Receiver<Leadership>,
    /// Set at SIGTERM: no new locks.
    pub stopping: Arc<AtomicBool>,
}

impl Authority {
    /// Whether a new attempt may begin as far as this process is concerned.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.health.schema_is_current() && self.acts()
    }

    /// The quarantine that the leader lease tells of, by a replica's clock.
    #[must_use]
    pub fn quarantine(&self) -> Option<Quarantine> {
        self.leadership.borrow().quarantine
    }

    /// Whether the leader lease says that this replica leads, too, at this moment.
    ///
    /// # Errors
    /// If the API server does not answer.
    pub async fn leads(&self) -> Result<bool, CallError> {
        let known = *self.leadership.borrow();
        let Cluster { client, namespace, identity } = self.cluster.as_ref();
        let kept = leader::is_kept(client.clone(), namespace, identity, &known).await?;
        // A lease that this replica left alone for too long may look the same and not be: another's terms may have been taken back.
        Ok(kept && self.acts())
    }

    /// Whether this replica leads, and has renewed the lease lately.
    fn acts(&self) -> bool {
        self.leadership.borrow().acts(self.clock.boot())
    }
}
