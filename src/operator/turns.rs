//! Whose turn it is: an object that waits for room within its tenant's limits stands in line for it, and everyone needs a place.
//!
//! kube's controller looks at each reconciliation that has begun whenever any of them moves. So nobody waits in one: who has to wait
//! does so here, and the controller is told when the wait is over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt, core::DeserializeGuard, runtime::reflector::ObjectRef};
use tokio::{sync::mpsc, task::AbortHandle};

use super::{context::Context, memory::Memory, places::Place};
use crate::{api::reset::PasscodeReset, graph::Reservation, lifecycle::follow::is_in_flight};

/// What a turn has.
pub struct Admitted {
    /// A place, to be kept until the turn is over. A reset that has room needs none.
    pub place: Option<Place>,
    /// Room for a reset, if it stood in line for that.
    pub room: Option<Reservation>,
}

/// Which PasscodeReset it is: two are the same if their names are, and each knows its uid.
pub type Reference = ObjectRef<DeserializeGuard<PasscodeReset>>;

/// Those of one term that wait, and those whose turn it is.
pub struct Turns {
    parked: Mutex<HashMap<Reference, Parked>>,
    over: mpsc::UnboundedSender<Reference>,
}

enum Parked {
    Waiting(AbortHandle),
    Admitted(Admitted),
}

/// What of an object matters to its turn.
struct Waiting {
    reference: Reference,
    tenant: String,
    namespace: String,
    following: bool,
    age: Timestamp,
    /// Where it stands in line: until when, and since which epoch.
    in_line: Option<(Duration, u64)>,
}

impl Turns {
    /// Nobody waits yet; the receiver gets whose wait is over.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Reference>) {
        let (over, told) = mpsc::unbounded_channel();
        (Self { parked: Mutex::default(), over }, told)
    }

    /// The object's turn, if it has come: else it waits from now on, and its reference is told when that is over.
    pub fn take(
        &self,
        context: &Arc<Context>,
        reference: Reference,
        object: &PasscodeReset,
        memory: &Memory,
    ) -> Option<Admitted> {
        let mut parked = self.parked();
        match parked.remove_entry(&reference) {
            // Its name belonged to another, which is gone.
            Some((other, before)) if other.extra.uid != reference.extra.uid => before.end(),
            Some((_, Parked::Admitted(admitted))) => return Some(admitted),
            Some((same, waiting @ Parked::Waiting(_))) => {
                parked.insert(same, waiting);
                return None;
            }
            None => {}
        }
        if !memory.in_line
            && let Some(place) = context.places.take_free(&object.spec.tenant_ref.name, is_in_flight(object))
        {
            return Some(Admitted { place: Some(place), room: None });
        }
        let waiting = Waiting::new(reference.clone(), object, memory);
        let task = tokio::spawn(waiting.until_over(context.clone()));
        parked.insert(reference, Parked::Waiting(task.abort_handle()));
        None
    }

    /// All that wait.
    pub fn waiting(&self) -> Vec<Reference> {
        self.parked().keys().cloned().collect()
    }

    /// The object is gone: what it has is for others.
    pub fn gone(&self, reference: &Reference) {
        let before = self.parked().remove(reference);
        before.into_iter().for_each(Parked::end);
    }

    /// Nobody waits any more.
    pub fn close(&self) {
        let all = std::mem::take(&mut *self.parked());
        all.into_values().for_each(Parked::end);
    }

    fn tell(&self, reference: Reference, admitted: Admitted) {
        {
            let mut parked = self.parked();
            // Another of its name may wait by now.
            if parked.get_key_value(&reference).is_none_or(|(same, _)| same.extra.uid != reference.extra.uid) {
                return;
            }
            parked.insert(reference.clone(), Parked::Admitted(admitted));
        }
        // Where nobody listens any more, the term is over.
        let _ = self.over.send(reference);
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<Reference, Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parked {
    fn end(self) {
        if let Self::Waiting(task) = self {
            task.abort();
        }
    }
}

impl Waiting {
    fn new(reference: Reference, object: &PasscodeReset, memory: &Memory) -> Self {
        Self {
            reference,
            tenant: object.spec.tenant_ref.name.clone(),
            namespace: object.namespace().unwrap_or_default(),
            following: is_in_flight(object),
            age: age(object),
            in_line: memory.in_line.then_some((memory.due, memory.epoch)),
        }
    }

    async fn until_over(self, context: Arc<Context>) {
        let admitted = self.turn(&context).await;
        context.turns.tell(self.reference, admitted);
    }

    async fn turn(&self, context: &Context) -> Admitted {
        let Some((due, epoch)) = self.in_line else { return self.with_a_place(context).await };
        tokio::select! {
            biased;
            room = self.room(context) => Admitted { place: None, room: Some(room) },
            // It keeps its place in line until there is one for a look.
            admitted = async {
                look_is_due(context, due, epoch).await;
                self.with_a_place(context).await
            } => admitted,
        }
    }

    async fn with_a_place(&self, context: &Context) -> Admitted {
        let place = context.places.take(&self.tenant, self.following, &self.namespace, self.age).await;
        Admitted { place: Some(place), room: None }
    }

    /// Room for its reset, once it is this one's turn.
    async fn room(&self, context: &Context) -> Reservation {
        match context.tenants.get(&self.tenant).and_then(|tenant| tenant.graph.clone()) {
            Some(graph) => graph.reserve(&self.namespace, self.age).await,
            None => std::future::pending().await,
        }
    }
}

/// Until one in line is to be looked at although there is no room, or something changed since `epoch` that it may wait for.
async fn look_is_due(context: &Context, due: Duration, epoch: u64) {
    let left = due.saturating_sub(context.clock.boot());
    let mut changes = context.tenants.changes();
    tokio::select! {
        () = tokio::time::sleep(left) => {}
        _ = changes.wait_for(|now| *now != epoch) => {}
    }
}

/// Since when it could be sent: the oldest comes first.
fn age(object: &PasscodeReset) -> Timestamp {
    let created = object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
    created.max(object.spec.request_time.0)
}
