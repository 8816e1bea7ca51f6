//! The proof of who approves and who asks, as the rest of the operator asks for it.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;

use crate::graph::Clock;
use passcode_core::{
    api::conditions::Truth,
    protocol::identity_proof::{Identity, Proof},
};

/// What the leader lease is to keep, and in which term that was found.
pub type Kept = (u64, Option<Proof>);

/// What a condition says: its status, reason and message.
pub type Said = (Truth, &'static str, String);

/// What was found in this term.
#[derive(Clone, Debug)]
pub struct Known {
    /// What the probes showed.
    pub identity: Identity,
    /// Which admission policies are not as they are shipped.
    pub differing: Vec<String>,
}

/// What is known of who approves and who asks. It outlives the terms; what was found in one ends with it.
pub struct IdentityProof {
    clock: Arc<dyn Clock>,
    needed: watch::Sender<bool>,
    known: watch::Sender<Option<Known>>,
    kept: watch::Sender<Kept>,
}

impl IdentityProof {
    /// Nothing is known yet. `always`: it is tried also where no policy asks for it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, always: bool) -> (Self, watch::Receiver<Kept>) {
        let (kept, to_keep) = watch::channel((0, None));
        let (needed, known) = (watch::channel(always).0, watch::channel(None).0);
        (Self { clock, needed, known, kept }, to_keep)
    }

    /// Since when it is proved who wrote something, by the API server's clock; `None`: it is not proved now. It is to be asked each time.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.known.borrow().as_ref()?.identity.since(self.clock.boot())
    }

    /// What the condition of an IntuneTenant says of it; `None`: it is not needed.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        let known = self.known.borrow();
        known.as_ref().map(|known| known.identity.condition(self.clock.boot(), &known.differing))
    }

    /// Changes whenever [`Self::said`] does, and with it [`Self::since`].
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Option<Known>> {
        self.known.subscribe()
    }

    /// From now on somebody depends on it: it is tried.
    pub fn need(&self) {
        self.needed.send_if_modified(|needed| !std::mem::replace(needed, true));
    }

    /// Whether somebody depends on it.
    pub(super) fn needed(&self) -> watch::Receiver<bool> {
        self.needed.subscribe()
    }

    /// Notes what was found in a term.
    pub(super) fn found(&self, term: u64, known: Known) {
        self.kept.send_if_modified(|kept| {
            let now = (term, known.identity.proof());
            std::mem::replace(kept, now) != now
        });
        let boot = self.clock.boot();
        self.known.send_if_modified(|before| {
            let said = |known: &Known| known.identity.condition(boot, &known.differing);
            let changed = before.as_ref().map(said).as_ref() != Some(&said(&known));
            *before = Some(known);
            changed
        });
    }

    /// A term has ended, and what was found in it does not hold any more.
    pub(super) fn forget(&self) {
        self.known.send_replace(None);
    }
}
