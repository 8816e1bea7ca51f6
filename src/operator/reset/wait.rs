//! The wait for a pass: for a slot, or for capacity within the tenant's limits and a look from time to time.
//!
//! # What a reset waits for, in this order
//!
//! 1. **Its time.** kube's scheduler holds it until it is due; a change that it may wait for wakes it before (`wakes`). An object whose tenant is
//!    being set up, or does not exist, has no time: only a change wakes it. It holds nothing.
//! 2. **A slot for a pass** (`slots`): each tenant has some for objects that begin and some for those that follow, namespaces take turns, and the
//!    oldest of one comes first. It waits here, outside of its reconciliation, and holds nothing.
//! 3. **The device** (`devices`): one pass at a time. It holds its slot.
//! 4. **Reads of Graph** (`graph`, the scheduler of reads): within the app's limits, the most urgent first. A pause of Graph's that is longer
//!    than two seconds is not waited for: the pass ends.
//! 5. **A try of its claim** (`claim_trials`), if admission control is in the way: about a second, or the pass ends.
//! 6. **Capacity for a reset** (`graph`, the budget): a quarter of a second. Where there is none within that, the pass ends, and the object is queued: it
//!    waits here, outside of its reconciliation, and holds nothing. Once it has capacity it needs no slot, and goes on at 3. Meanwhile it takes a
//!    slot now and then, for a look.
//! 7. **The moment from which its capacity holds**, and a pause that Graph asked for: right before the request, with the lock taken, and not
//!    beyond the send deadline.
//!
//! A lock of another attempt, a quarantine, a closed gate of the tenant and all else that `lifecycle` finds in the way is not waited for within a
//! pass: the pass ends, with the time at which the object is due again. So whoever holds something waits only for what comes later in this
//! list, or for a bounded time, and no two can wait for each other.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::sync::Notify;

use super::{
    context::Context,
    listed::{Listed, Reference, Seen},
    queue::{Admitted, Begun},
    slots::Kind,
    state::PassState,
};
use crate::graph::Reservation;
use crate::operator::tenant::Presence;

/// What of an object matters to its turn.
struct Waiting {
    reference: Reference,
    tenant: String,
    namespace: String,
    kind: Kind,
    age: Timestamp,
    /// Until when it is queued for capacity.
    queued: Option<Duration>,
    changed: Arc<Notify>,
}

/// The object's turn, if it has come: else it waits from now on, and its reference is told when that is over.
pub fn take(context: &Arc<Context>, object: &Listed, seen: &Seen, state: &PassState) -> Option<Admitted> {
    let reference = Reference::from_obj(object);
    context.queue.take(reference.clone(), state.woken, |changed| {
        let kind = kind(context, seen);
        if !state.queued
            && let Some(slot) = context.slots.take_free(&kind)
        {
            return Begun::Admitted(Admitted { slot: Some(slot), capacity: None });
        }
        let waiting = Waiting {
            reference,
            tenant: seen.tenant.to_string(),
            namespace: object.namespace().unwrap_or_default(),
            kind,
            age: seen.age,
            queued: state.queued.then_some(state.due),
            changed,
        };
        Begun::Waiting(tokio::spawn(waiting.until_over(context.clone())).abort_handle())
    })
}

impl Waiting {
    async fn until_over(self, context: Arc<Context>) {
        let admitted = self.turn(&context).await;
        context.queue.tell(self.reference, admitted);
    }

    async fn turn(&self, context: &Context) -> Admitted {
        let Some(due) = self.queued else { return self.with_a_place(context).await };
        tokio::select! {
            biased;
            capacity = self.capacity(context) => Admitted { slot: None, capacity: Some(capacity) },
            // It stays in the queue until there is a slot for a look.
            admitted = async {
                self.look_is_due(context, due).await;
                self.with_a_place(context).await
            } => admitted,
        }
    }

    async fn with_a_place(&self, context: &Context) -> Admitted {
        let slot = context.slots.take(&self.kind, &self.namespace, self.age).await;
        Admitted { slot: Some(slot), capacity: None }
    }

    /// Capacity for its reset, once it is this one's turn.
    async fn capacity(&self, context: &Context) -> Reservation {
        match context.pass.tenants.get(&self.tenant).and_then(|tenant| tenant.graph.clone()) {
            Some(graph) => graph.reserve(&self.namespace, self.age).await,
            None => std::future::pending().await,
        }
    }

    /// Until a queued object is to be looked at although there is no capacity, or something changed that it may wait for.
    async fn look_is_due(&self, context: &Context, due: Duration) {
        let left = due.saturating_sub(context.pass.clock.boot());
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = self.changed.notified() => {}
        }
    }
}

/// Whose slots it takes: a name that no IntuneTenant has is whatever a requester wrote.
fn kind(context: &Context, seen: &Seen) -> Kind {
    match context.pass.tenants.presence(&seen.tenant) {
        Presence::Missing => Kind::WithoutTenant,
        Presence::SetUp | Presence::BeingSetUp => {
            Kind::Tenant { name: seen.tenant.to_string(), following: seen.following }
        }
    }
}
