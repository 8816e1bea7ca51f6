//! One tenant at run time: its client, its trouble, its limits and what was learned of its ledger.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::budgets;
use crate::graph::{Clock, Graph};
use passcode_core::{
    api::{
        tenant::{IntuneTenant, IntuneTenantSpec},
        time::saturating_add,
    },
    lifecycle::observed::{Closed, NotReady, Now, TenantView},
    platform::Matrix,
    protocol::health::{Health, Request},
};

/// A tenant as its object says and as it was found.
pub struct Tenant {
    /// The object.
    pub object: Arc<IntuneTenant>,
    /// The client; `None` only together with trouble, or while it signs in.
    pub graph: Option<Arc<Graph>>,
    /// The matrix that decides; `None` only together with trouble.
    pub matrix: Option<Arc<Matrix>>,
    /// Why it cannot be used, found when it was set up or signed in.
    pub not_ready: Option<NotReady>,
    /// Nobody knows yet whether it can sign in as its spec says.
    pub signing_in: bool,
    /// What outlives a change of the object.
    pub record: Arc<Record>,
}

/// What is known of a tenant while this process leads.
#[derive(Default)]
pub struct Record(Mutex<Health>);

impl Record {
    /// Its health, for a moment.
    pub fn health(&self) -> MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenant {
    /// How many looks an hour following may take: a tenth of what the limits leave to reads is for looking up what is new.
    fn capacity_to_follow(&self) -> u64 {
        let limits = budgets::limits(&self.object.spec.limits);
        u64::try_from(limits.reads().saturating_sub(limits.kept_for_resets())).unwrap_or(u64::MAX).saturating_mul(162)
    }

    /// The same tenant with its object as it was just read; `None`: that is another tenant of the same name.
    #[must_use]
    pub fn as_read(&self, object: IntuneTenant) -> Option<Arc<Self>> {
        if object.metadata.uid != self.object.metadata.uid {
            return None;
        }
        Some(Arc::new(Self {
            object: Arc::new(object),
            graph: self.graph.clone(),
            matrix: self.matrix.clone(),
            not_ready: self.not_ready.clone(),
            signing_in: self.signing_in,
            record: self.record.clone(),
        }))
    }

    /// What its objects depend on: which object it is, what it says, whether it is signing in, and why it cannot be used. Not in which words.
    #[must_use]
    pub fn verdict(&self) -> (Option<&str>, Option<i64>, bool, Option<&str>) {
        let metadata = &self.object.metadata;
        let reason = self.not_ready.as_ref().map(|not_ready| not_ready.reason.as_str());
        (metadata.uid.as_deref(), metadata.generation, self.signing_in, reason)
    }

    /// The object's spec.
    #[must_use]
    pub fn spec(&self) -> &IntuneTenantSpec {
        &self.object.spec
    }

    /// Whether this may be asked now; `Ok(true)`: to see whether trouble is over. It is asked right before the request, so that nobody is
    /// the minute's probe who would not make it.
    ///
    /// # Errors
    /// What such requests met before, and when to come back.
    pub fn admit(&self, request: Request, now: Duration) -> Result<bool, Closed> {
        let probing = self.record.health().admit(request, now)?;
        if let (true, Some(graph)) = (probing, &self.graph) {
            // The token at hand may be an hour old, and consent that was granted since shows in a new one only.
            graph.forget_token();
        }
        Ok(probing)
    }

    /// What the state machine needs of it.
    pub fn view<'a>(&'a self, not_ready: Option<&'a NotReady>) -> TenantView<'a> {
        let health = self.record.health();
        TenantView {
            spec: &self.object.spec,
            not_ready,
            matrix: self.matrix.as_deref(),
            stretch: health.stretch(self.capacity_to_follow()),
            ledger_readable: health.ledger_readable,
        }
    }

    /// The clocks, with what is known of Graph's.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Now {
        let wall = clock.wall();
        let graph = self.graph.as_ref().and_then(|graph| graph.now());
        let offset = self.record.health().clock_offset.unwrap_or_default();
        Now { wall, graph, estimate: graph.unwrap_or_else(|| saturating_add(wall, offset)) }
    }
}
