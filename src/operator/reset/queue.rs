//! The queue of passes: an object waits here for a slot, or for capacity within its tenant's limits.
//!
//! kube's controller looks at each reconciliation that has begun whenever any of them moves. So nobody waits in one: who has to wait
//! does so here, and the controller is told when the wait is over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, mpsc},
    task::AbortHandle,
};

use super::{listed::Reference, slots::Slot};
use crate::graph::Reservation;

/// What a turn has.
pub struct Admitted {
    /// A slot, to be kept until the pass is over. A reset that has capacity needs none.
    pub slot: Option<Slot>,
    /// Capacity for a reset, if it was queued for that.
    pub capacity: Option<Reservation>,
}

/// How a turn begins that nothing is known of yet.
pub enum Begun {
    /// It has come.
    Admitted(Admitted),
    /// This task waits for it.
    Waiting(AbortHandle),
}

/// Those of one term that wait, and those whose turn it is.
pub struct PassQueue {
    parked: Mutex<HashMap<Reference, Parked>>,
    over: mpsc::UnboundedSender<Reference>,
}

enum Parked {
    /// The notifier tells the one that is queued of a change that it may wait for.
    Waiting(AbortHandle, Arc<Notify>),
    Admitted(Admitted),
}

impl PassQueue {
    /// Nobody waits yet; the receiver gets whose wait is over.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Reference>) {
        let (over, told) = mpsc::unbounded_channel();
        (Self { parked: Mutex::default(), over }, told)
    }

    /// The object's turn, if it has come: else it waits from now on, and its reference is told when that is over. `begin` admits it or
    /// begins its wait; what it is given tells that something changed which the object may wait for, `woken`: something has already.
    pub fn take(
        &self,
        reference: Reference,
        woken: bool,
        begin: impl FnOnce(Arc<Notify>) -> Begun,
    ) -> Option<Admitted> {
        let mut parked = self.parked();
        match parked.remove_entry(&reference) {
            // Its name belonged to another, which is gone.
            Some((other, before)) if other.extra.uid != reference.extra.uid => before.end(),
            Some((_, Parked::Admitted(admitted))) => return Some(admitted),
            Some((same, Parked::Waiting(task, changed))) => {
                if woken {
                    changed.notify_one();
                }
                parked.insert(same, Parked::Waiting(task, changed));
                return None;
            }
            None => {}
        }
        let changed = Arc::new(Notify::new());
        if woken {
            changed.notify_one();
        }
        match begin(changed.clone()) {
            Begun::Admitted(admitted) => Some(admitted),
            Begun::Waiting(task) => {
                parked.insert(reference, Parked::Waiting(task, changed));
                None
            }
        }
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

    /// The wait of this object is over.
    pub fn tell(&self, reference: Reference, admitted: Admitted) {
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
