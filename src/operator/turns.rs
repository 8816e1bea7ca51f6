//! Whose turn it is: an object that waits for room within its tenant's limits stands in line for it, and everyone needs a place.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::{context::Context, memory::Memory, places::Place};
use crate::{api::reset::PasscodeReset, graph::Reservation, lifecycle::follow::in_flight};

/// What a turn has.
pub struct Admitted {
    /// A place, to be kept until the turn is over. A reset that has room needs none.
    pub place: Option<Place>,
    /// Room for a reset, if it stood in line for that.
    pub room: Option<Reservation>,
}

/// Waits for the object's turn; `None`: the term is over.
pub async fn admit(context: &Context, object: &PasscodeReset, memory: &Memory) -> Option<Admitted> {
    let mut over = context.over.clone();
    tokio::select! {
        biased;
        _ = over.wait_for(|over| *over) => None,
        admitted = turn(context, object, memory) => Some(admitted),
    }
}

async fn turn(context: &Context, object: &PasscodeReset, memory: &Memory) -> Admitted {
    let namespace = object.namespace().unwrap_or_default();
    let age = age(object);
    let room = if memory.in_line { stand_in_line(context, object, memory, &namespace, age).await } else { None };
    if room.is_some() {
        return Admitted { place: None, room };
    }
    let following = object.status.as_ref().is_some_and(in_flight);
    let tenant = &object.spec.tenant_ref.name;
    Admitted { place: Some(context.places.take(tenant, following, &namespace, age).await), room: None }
}

/// Waits until there is room for the object's reset, it is due to be looked at again all the same, or something changed that it may
/// wait for.
async fn stand_in_line(
    context: &Context,
    object: &PasscodeReset,
    memory: &Memory,
    namespace: &str,
    age: Timestamp,
) -> Option<Reservation> {
    let tenant = context.tenants.get(&object.spec.tenant_ref.name)?;
    let graph = tenant.graph.clone()?;
    let mut changes = context.tenants.changes();
    let left: Duration = memory.due.checked_sub(context.clock.boot())?;
    tokio::select! {
        biased;
        room = graph.reserve(namespace, age) => Some(room),
        () = tokio::time::sleep(left) => None,
        _ = changes.wait_for(|epoch| *epoch != memory.epoch) => None,
    }
}

/// Since when it could be sent: the oldest comes first.
fn age(object: &PasscodeReset) -> Timestamp {
    let created = object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
    created.max(object.spec.request_time.0)
}
