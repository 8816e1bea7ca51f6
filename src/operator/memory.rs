//! What is remembered of unfinished objects between two passes. All of it can be lost without harm.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{api::reset::PasscodeReset, lifecycle::observed::Doubt};

/// What is remembered of one object.
#[derive(Clone, Default)]
pub struct Memory {
    /// The first of two looks.
    pub doubt: Option<Doubt>,
    /// Nothing is due before this boot time, unless something that it may wait for has changed.
    pub due: Duration,
    /// The epoch in which that was decided.
    pub epoch: u64,
    /// It waits for room for its reset, in line with others.
    pub in_line: bool,
    /// Failed passes in a row.
    pub failures: u32,
    /// Since when it has waited for the same reason, by boot time.
    pub waiting: Option<(String, Duration)>,
    /// Whether the long wait was announced.
    pub announced_wait: bool,
    /// The object as it was last seen, once it was sent: should it be deleted then, somebody has to be told.
    pub in_flight: Option<Arc<PasscodeReset>>,
}

/// The memory of all unfinished objects, by uid.
#[derive(Default)]
pub struct Memories(Mutex<HashMap<String, Memory>>);

impl Memories {
    /// What is remembered of this object.
    #[must_use]
    pub fn of(&self, uid: &str) -> Memory {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Remembers.
    pub fn keep(&self, uid: &str, memory: Memory) {
        self.lock().insert(uid.to_owned(), memory);
    }

    /// Forgets, and answers what was remembered.
    pub fn forget(&self, uid: &str) -> Option<Memory> {
        self.lock().remove(uid)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
