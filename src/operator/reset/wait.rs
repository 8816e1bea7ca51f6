//! The wait for a pass: for a slot, or for capacity within the tenant's limits and a look from time to time.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
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
