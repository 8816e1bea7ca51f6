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
use kube::ResourceExt;
use tokio::{
    sync::{Notify, mpsc},
    task::AbortHandle,
};

use super::{
    context::{Context, Presence},
    listed::{Listed, Reference, Seen},
    memory::Memory,
    places::{Kind, Place},
};
use crate::graph::Reservation;

/// What a turn has.
pub struct Admitted {
    /// A place, to be kept until the turn is over. A reset that has room needs none.
    pub place: Option<Place>,
    /// Room for a reset, if it stood in line for that.
    pub room: Option<Reservation>,
}

/// Those of one term that wait, and those whose turn it is.
pub struct Turns {
    parked: Mutex<HashMap<Reference, Parked>>,
    over: mpsc::UnboundedSender<Reference>,
}

enum Parked {
    /// With it the one in line is told that something changed that it may wait for.
    Waiting(AbortHandle, Arc<Notify>),
    Admitted(Admitted),
}

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

impl Turns {
    /// Nobody waits yet; the receiver gets whose wait is over.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Reference>) {
        let (over, told) = mpsc::unbounded_channel();
        (Self { parked: Mutex::default(), over }, told)
    }

    /// The object's turn, if it has come: else it waits from now on, and its reference is told when that is over.
    pub fn take(&self, context: &Arc<Context>, object: &Listed, seen: &Seen, memory: &Memory) -> Option<Admitted> {
        let reference = Reference::from_obj(object);
        let mut parked = self.parked();
        match parked.remove_entry(&reference) {
            // Its name belonged to another, which is gone.
            Some((other, before)) if other.extra.uid != reference.extra.uid => before.end(),
            Some((_, Parked::Admitted(admitted))) => return Some(admitted),
            Some((same, Parked::Waiting(task, changed))) => {
                if memory.woken {
                    changed.notify_one();
                }
                parked.insert(same, Parked::Waiting(task, changed));
                return None;
            }
            None => {}
        }
        let kind = kind(context, seen);
        if !memory.in_line
            && let Some(place) = context.places.take_free(&kind)
        {
            return Some(Admitted { place: Some(place), room: None });
        }
        let changed = Arc::new(Notify::new());
        if memory.woken {
            changed.notify_one();
        }
        let waiting = Waiting {
            reference: reference.clone(),
            tenant: seen.tenant.to_string(),
            namespace: object.namespace().unwrap_or_default(),
            kind,
            age: seen.age,
            in_line: memory.in_line.then_some(memory.due),
            changed: changed.clone(),
        };
        let task = tokio::spawn(waiting.until_over(context.clone()));
        parked.insert(reference, Parked::Waiting(task.abort_handle(), changed));
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

    /// The object is to be looked at again, whatever its time.
    pub fn look_at(&self, reference: Reference) {
        // Where nobody listens any more, the term is over.
        let _ = self.over.send(reference);
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
        self.look_at(reference);
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<Reference, Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parked {
    fn end(self) {
        if let Self::Waiting(task, _) = self {
            task.abort();
        }
    }
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
