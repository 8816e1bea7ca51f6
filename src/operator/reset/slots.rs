//! Slots for passes: how many objects of one tenant are gone over at once. Each tenant has slots of its own, so that one whose Graph
//! is slow starves no other; those that follow a reset have slots apart from those that begin one, and namespaces take turns. Objects
//! whose tenant does not exist share a few: a requester chooses that name, and could choose a thousand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::graph::FairQueue;

/// Slots of one tenant and kind. Graph's answers are waited for, not computed.
const SLOTS_PER_TENANT: usize = 64;
/// Slots of all objects together whose tenant does not exist: each is read and told so, once.
const SLOTS_WITHOUT_TENANT: usize = 8;

/// All slots of one term.
#[derive(Default)]
pub struct Slots(Mutex<HashMap<Kind, Arc<Pool>>>);

/// Whose slots.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Objects of an IntuneTenant that exists.
    Tenant {
        /// Its name.
        name: String,
        /// Whether they follow a reset.
        following: bool,
    },
    /// Objects whose tenant does not exist.
    WithoutTenant,
}

/// The slots of one kind.
struct Pool(Mutex<State>);

struct State {
    free: usize,
    queue: FairQueue<oneshot::Sender<Slot>>,
}

/// A slot; it is free again when this is dropped.
pub struct Slot(Arc<Pool>);

impl Slots {
    /// A slot, if one is free: then nothing is queued for one.
    pub fn take_free(&self, kind: &Kind) -> Option<Slot> {
        let pool = self.pool(kind);
        let free = pool.state().take_free();
        // Made only if it is one: a slot that is dropped goes to the next.
        free.then(|| Slot(pool))
    }

    /// A slot, once it is this one's turn: namespaces take turns, and within one the oldest comes first.
    pub async fn take(&self, kind: &Kind, namespace: &str, age: Timestamp) -> Slot {
        let pool = self.pool(kind);
        loop {
            let told = {
                let mut state = pool.state();
                if state.take_free() {
                    return Slot(pool.clone());
                }
                let (tell, told) = oneshot::channel();
                state.queue.push(namespace, age, tell);
                told
            };
            // A queue never drops who waits; asking again would be right if it did.
            if let Ok(slot) = told.await {
                return slot;
            }
        }
    }

    fn pool(&self, kind: &Kind) -> Arc<Pool> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = if *kind == Kind::WithoutTenant { SLOTS_WITHOUT_TENANT } else { SLOTS_PER_TENANT };
        let pool = rooms
            .entry(kind.clone())
            .or_insert_with(|| Arc::new(Pool(Mutex::new(State { free, queue: FairQueue::default() }))));
        pool.clone()
    }
}

impl State {
    fn take_free(&mut self) -> bool {
        let free = self.free > 0;
        self.free -= usize::from(free);
        free
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            state.queue.skip(oneshot::Sender::is_closed);
            let next = state.queue.pop();
            if next.is_none() {
                state.free += 1;
            }
            next
        };
        if let Some(tell) = next {
            // Gone meanwhile: the slot is dropped once more, and goes to the next.
            let _ = tell.send(Slot(self.0.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::FutureExt;

    fn age(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn of(name: &str, following: bool) -> Kind {
        Kind::Tenant { name: name.to_owned(), following }
    }

    #[tokio::test]
    async fn tenants_and_kinds_have_places_of_their_own() {
        let slots = Slots::default();
        let mut taken = Vec::new();
        for second in 0..64 {
            taken.push(slots.take(&of("slow", false), "helpdesk", age(second)).await);
        }
        assert!(slots.take_free(&of("slow", false)).is_none());
        for (kind, free) in [
            (of("slow", false), false),
            (of("slow", true), true),
            (of("other", false), true),
            (Kind::WithoutTenant, true),
        ] {
            assert_eq!(slots.take(&kind, "helpdesk", age(64)).now_or_never().is_some(), free, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn all_objects_without_a_tenant_share_a_few() {
        let slots = Slots::default();
        let taken: Vec<Option<Slot>> = (0..9).map(|_| slots.take_free(&Kind::WithoutTenant)).collect();
        assert_eq!(taken.iter().flatten().count(), 8);
        assert!(slots.take_free(&of("default", false)).is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_place_by_turns_and_who_went_away_gets_none() {
        let slots = Arc::new(Slots::default());
        let mut taken = Vec::new();
        for second in 0..64 {
            taken.push(slots.take(&of("default", false), "many", age(second)).await);
        }
        let wait = |namespace: &'static str, second| {
            let slots = slots.clone();
            Box::pin(async move { slots.take(&of("default", false), namespace, age(second)).await })
        };
        let (mut gone, mut first, mut second, mut few) =
            (wait("many", 1), wait("many", 2), wait("many", 3), wait("few", 9));
        for waiting in [&mut gone, &mut first, &mut second, &mut few] {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        drop(gone);
        taken.pop();
        let one = first.as_mut().now_or_never().unwrap();
        assert!(few.as_mut().now_or_never().is_none());
        drop(one);
        let other = few.as_mut().now_or_never().unwrap();
        assert!(second.as_mut().now_or_never().is_none());
        drop(other);
        assert!(second.as_mut().now_or_never().is_some());
    }
}
