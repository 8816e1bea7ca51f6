//! Places for passes: how many objects of one tenant are gone over at once. Each tenant has places of its own, so that one whose Graph
//! is slow starves no other; those that follow a reset have places apart from those that begin one, and namespaces take turns. Objects
//! whose tenant does not exist share a few: a requester chooses that name, and could choose a thousand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::jiff::Timestamp;
use tokio::sync::oneshot;

use crate::graph::FairQueue;

/// Places of one tenant and kind. Graph's answers are waited for, not computed.
const PLACES: usize = 64;
/// Places of all objects together whose tenant does not exist: each is read and told so, once.
const PLACES_WITHOUT_TENANT: usize = 8;

/// All places of one term.
#[derive(Default)]
pub struct Places(Mutex<HashMap<Kind, Arc<Room>>>);

/// Whose places.
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

/// The places of one kind.
struct Room(Mutex<State>);

struct State {
    free: usize,
    line: FairQueue<oneshot::Sender<Place>>,
}

/// A place; it is free again when this is dropped.
pub struct Place(Arc<Room>);

impl Places {
    /// A place, if one is free: then nobody waits for one.
    pub fn take_free(&self, kind: &Kind) -> Option<Place> {
        let room = self.room(kind);
        let free = room.state().take_free();
        // Made only if it is one: a place that is dropped goes to the next.
        free.then(|| Place(room))
    }

    /// A place, once it is this one's turn: namespaces take turns, and within one the oldest comes first.
    pub async fn take(&self, kind: &Kind, namespace: &str, age: Timestamp) -> Place {
        let room = self.room(kind);
        loop {
            let told = {
                let mut state = room.state();
                if state.take_free() {
                    return Place(room.clone());
                }
                let (tell, told) = oneshot::channel();
                state.line.push(namespace, age, tell);
                told
            };
            // A line never drops who waits; asking again would be right if it did.
            if let Ok(place) = told.await {
                return place;
            }
        }
    }

    fn room(&self, kind: &Kind) -> Arc<Room> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = if *kind == Kind::WithoutTenant { PLACES_WITHOUT_TENANT } else { PLACES };
        let room = rooms
            .entry(kind.clone())
            .or_insert_with(|| Arc::new(Room(Mutex::new(State { free, line: FairQueue::default() }))));
        room.clone()
    }
}

impl State {
    fn take_free(&mut self) -> bool {
        let free = self.free > 0;
        self.free -= usize::from(free);
        free
    }
}

impl Room {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            state.line.skip(oneshot::Sender::is_closed);
            let next = state.line.pop();
            if next.is_none() {
                state.free += 1;
            }
            next
        };
        if let Some(tell) = next {
            // Gone meanwhile: the place is dropped once more, and goes to the next.
            let _ = tell.send(Place(self.0.clone()));
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
        let places = Places::default();
        let mut taken = Vec::new();
        for second in 0..64 {
            taken.push(places.take(&of("slow", false), "helpdesk", age(second)).await);
        }
        assert!(places.take_free(&of("slow", false)).is_none());
        for (kind, free) in [
            (of("slow", false), false),
            (of("slow", true), true),
            (of("other", false), true),
            (Kind::WithoutTenant, true),
        ] {
            assert_eq!(places.take(&kind, "helpdesk", age(64)).now_or_never().is_some(), free, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn all_objects_without_a_tenant_share_a_few() {
        let places = Places::default();
        let taken: Vec<Option<Place>> = (0..9).map(|_| places.take_free(&Kind::WithoutTenant)).collect();
        assert_eq!(taken.iter().flatten().count(), 8);
        assert!(places.take_free(&of("default", false)).is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_place_by_turns_and_who_went_away_gets_none() {
        let places = Arc::new(Places::default());
        let mut taken = Vec::new();
        for second in 0..64 {
            taken.push(places.take(&of("default", false), "many", age(second)).await);
        }
        let wait = |namespace: &'static str, second| {
            let places = places.clone();
            Box::pin(async move { places.take(&of("default", false), namespace, age(second)).await })
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
