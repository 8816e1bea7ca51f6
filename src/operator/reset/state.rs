//! What is kept of unfinished objects between two passes. All of it can be lost without harm.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use passcode_core::{
    api::reset::PasscodeReset,
    lifecycle::{
        admission::AttemptDenial,
        answered::Answered,
        events::Announcement,
        observed::{Sweep, Unconfirmed},
    },
};

/// When an object is due that waits for a change and for no time.
pub const NEVER: Duration = Duration::MAX;

/// What is kept of one object.
#[derive(Clone, Default)]
pub struct PassState {
    /// The first of two looks.
    pub unconfirmed: Option<Unconfirmed>,
    /// Nothing is due before this boot time, unless something that it may wait for has changed.
    pub due: Duration,
    /// Whether that has changed since its last pass began.
    pub woken: bool,
    /// The sweep that found it without a tenant and past its time.
    pub swept: Option<Sweep>,
    /// It is queued for capacity for its reset.
    pub queued: bool,
    /// How often in a row Graph refused what was asked for it.
    pub refused: Refused,
    /// Failed passes in a row.
    pub failures: u32,
    /// What admission control refused last of its attempt.
    pub refusal: Option<AttemptDenial>,
    /// When the claim is tried next whether it would be admitted, by boot time.
    pub try_at: Option<Duration>,
    /// Writes of its status in a row that admission control denied.
    pub denied_writes: u32,
    /// The answer to an attempt, by its id, that could not be recorded yet. Until it is, nothing else is done for the object.
    pub unrecorded: Option<Arc<(String, Answered)>>,
    /// An event that is published with the end of the next pass, unless it has a better one.
    pub announcement: Option<Box<Announcement>>,
    /// Since when it has waited for the same reason, by boot time.
    pub waiting: Option<(String, Duration)>,
    /// Whether the long wait was announced.
    pub announced_wait: bool,
    /// The object as it was last seen, once it was sent: should it be deleted then, somebody has to be told.
    pub in_flight: Option<Arc<PasscodeReset>>,
    /// The object as it was written last, while a reset is followed for it and nothing is likely to change it.
    pub stored: Option<Arc<PasscodeReset>>,
    /// Whether it was told that it is being deleted.
    pub deletion_told: bool,
}

/// How often in a row Graph refused a question of an object, by what was asked.
#[derive(Clone, Copy, Default)]
pub struct Refused {
    /// Which device is meant.
    pub device: u32,
    /// What Intune's record of it says.
    pub record: u32,
}

/// What is kept of all unfinished objects, by uid.
#[derive(Default)]
pub struct PassStates(Mutex<HashMap<String, PassState>>);

impl PassStates {
    /// What is remembered of this object.
    #[must_use]
    pub fn of(&self, uid: &str) -> PassState {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// The same, for a pass that begins now: whatever wakes the object from here on is for the next one.
    #[must_use]
    pub fn at_the_begin(&self, uid: &str) -> PassState {
        let mut all = self.lock();
        let state = all.entry(uid.to_owned()).or_default();
        state.woken = false;
        state.clone()
    }

    /// Remembers what a pass came to. An object that was woken meanwhile stays woken.
    pub fn keep(&self, uid: &str, state: PassState) {
        let mut all = self.lock();
        let woken = all.get(uid).is_some_and(|kept| kept.woken);
        all.insert(uid.to_owned(), PassState { woken, ..state });
    }

    /// Something changed that the object may wait for. One of which nothing is remembered is due in any case.
    pub fn wake(&self, uid: &str) {
        if let Some(state) = self.lock().get_mut(uid) {
            state.woken = true;
        }
    }

    /// A sweep found the object past its time.
    pub fn note_sweep(&self, uid: &str, sweep: Sweep) {
        let mut all = self.lock();
        let state = all.entry(uid.to_owned()).or_default();
        (state.woken, state.swept) = (true, Some(sweep));
    }

    /// Forgets, and answers what was remembered.
    pub fn forget(&self, uid: &str) -> Option<PassState> {
        self.lock().remove(uid)
    }

    /// Forgets all objects but these, and answers what was remembered of them.
    pub fn forget_all_but(&self, uids: &HashSet<String>) -> Vec<PassState> {
        self.lock().extract_if(|uid, _| !uids.contains(uid)).map(|(_, state)| state).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, PassState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
