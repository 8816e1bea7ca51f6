//! Whose turn it is: an object that waits for room within its tenant's limits stands in line for it, and everyone needs a place.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::{context::Context, memory::Memory, places::Place};
use crate::{api::reset::PasscodeReset, graph::Reservation, lifecycle::follow::in_flight};

/// How long an object stands in line before it is looked at whether it is still there.
const LONG: Duration = Duration::from_secs(15);

/// What a turn has.
pub struct Admitted {
    /// A place, to be kept until the turn is over. A reset that has room needs none.
    pub place: Option<Place>,
    /// Room for a reset, if it stood in line for that.
    pub room: Option<Reservation>,
}

/// What came of waiting for a turn.
pub enum Turn {
    /// It is the object's turn.
    Now(Admitted),
    /// Not yet: whether the object is still there is looked at before it waits on. It keeps its place in line, which is by age.
    Later,
    /// The term is over.
    Never,
}

/// Waits for the object's turn.
pub async fn wait(context: &Context, object: &PasscodeReset, memory: &Memory) -> Turn {
    let mut over = context.over.clone();
    tokio::select! {
        biased;
        _ = over.wait_for(|over| *over) => Turn::Never,
        turn = turn(context, object, memory) => turn,
    }
}

async fn turn(context: &Context, object: &PasscodeReset, memory: &Memory) -> Turn {
    let namespace = object.namespace().unwrap_or_default();
    let age = age(object);
    if memory.in_line {
        match stand_in_line(context, object, memory, &namespace, age).await {
            Line::Room(room) => return Turn::Now(Admitted { place: None, room: Some(room) }),
            Line::Long => return Turn::Later,
            Line::Left => {}
        }
    }
    let following = object.status.as_ref().is_some_and(in_flight);
    let tenant = &object.spec.tenant_ref.name;
    let place = context.places.take(tenant, following, &namespace, age).await;
    Turn::Now(Admitted { place: Some(place), room: None })
}

/// What came of standing in line.
enum Line {
    /// There is room for its reset.
    Room(Reservation),
    /// There is none yet.
    Long,
    /// It is to be looked at all the same.
    Left,
}

/// Waits until there is room for the object's reset, it is due to be looked at again all the same, or something changed that it may
/// wait for.
async fn stand_in_line(
    context: &Context,
    object: &PasscodeReset,
    memory: &Memory,
    namespace: &str,
    age: Timestamp,
) -> Line {
    let tenant = context.tenants.get(&object.spec.tenant_ref.name);
    let graph = tenant.and_then(|tenant| tenant.graph.clone());
    let left = memory.due.checked_sub(context.clock.boot());
    let (Some(graph), Some(left)) = (graph, left) else { return Line::Left };
    let mut changes = context.tenants.changes();
    tokio::select! {
        biased;
        room = graph.reserve(namespace, age) => Line::Room(room),
        () = tokio::time::sleep(left.min(LONG)) => if left > LONG { Line::Long } else { Line::Left },
        _ = changes.wait_for(|epoch| *epoch != memory.epoch) => Line::Left,
    }
}

/// Since when it could be sent: the oldest comes first.
fn age(object: &PasscodeReset) -> Timestamp {
    let created = object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
    created.max(object.spec.request_time.0)
}
