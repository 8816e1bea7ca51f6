//! The wait for a turn: for a place, or for room within the tenant's limits and a look from time to time.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tokio::sync::Notify;

use super::{
    context::{Context, Presence},
    listed::{Listed, Reference, Seen},
    memory::Memory,
    places::Kind,
    turns::{Admitted, Begun},
};
use crate::graph::Reservation;

/// What of an object matters to its turn.
struct Waiting {
    reference: Reference,
    tenant: String,
    namespace: String,
    kind: Kind,
    age: Timestamp,
    /// Until when it stands in line.
    in_line: Option<Duration>,
    changed: Arc<Notify>,
}

/// The object's turn, if it has come: else it waits from now on, and its reference is told when that is over.
pub fn take(context: &Arc<Context>, object: &Listed, seen: &Seen, memory: &Memory) -> Option<Admitted> {
    let reference = Reference::from_obj(object);
    context.turns.take(reference.clone(), memory.woken, |changed| {
        let kind = kind(context, seen);
        if !memory.in_line
            && let Some(place) = context.places.take_free(&kind)
        {
            return Begun::Admitted(Admitted { place: Some(place), room: None });
        }
        let waiting = Waiting {
            reference,
            tenant: seen.tenant.to_string(),
            namespace: object.namespace().unwrap_or_default(),
            kind,
            age: seen.age,
            in_line: memory.in_line.then_some(memory.due),
            changed,
        };
        Begun::Waiting(tokio::spawn(waiting.until_over(context.clone())).abort_handle())
    })
}

impl Waiting {
    async fn until_over(self, context: Arc<Context>) {
        let admitted = self.turn(&context).await;
        context.turns.tell(self.reference, admitted);
    }

    async fn turn(&self, context: &Context) -> Admitted {
        let Some(due) = self.in_line else { return self.with_a_place(context).await };
        tokio::select! {
            biased;
            room = self.room(context) => Admitted { place: None, room: Some(room) },
            // It keeps its place in line until there is one for a look.
            admitted = async {
                self.look_is_due(context, due).await;
                self.with_a_place(context).await
            } => admitted,
        }
    }

    async fn with_a_place(&self, context: &Context) -> Admitted {
        let place = context.places.take(&self.kind, &self.namespace, self.age).await;
        Admitted { place: Some(place), room: None }
    }

    /// Room for its reset, once it is this one's turn.
    async fn room(&self, context: &Context) -> Reservation {
        match context.tenants.get(&self.tenant).and_then(|tenant| tenant.graph.clone()) {
            Some(graph) => graph.reserve(&self.namespace, self.age).await,
            None => std::future::pending().await,
        }
    }

    /// Until one in line is to be looked at although there is no room, or something changed that it may wait for.
    async fn look_is_due(&self, context: &Context, due: Duration) {
        let left = due.saturating_sub(context.clock.boot());
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = self.changed.notified() => {}
        }
    }
}

/// Whose places it takes: a name that no IntuneTenant has is whatever a requester wrote.
fn kind(context: &Context, seen: &Seen) -> Kind {
    match context.presence(&seen.tenant) {
        Presence::Missing => Kind::WithoutTenant,
        Presence::SetUp | Presence::BeingSetUp => {
            Kind::Tenant { name: seen.tenant.to_string(), following: seen.following }
        }
    }
}
