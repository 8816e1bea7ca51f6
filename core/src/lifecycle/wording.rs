//! Sentences that need more of an object than one fact.

use jiff::{SignedDuration, Timestamp};

use super::{
    draft::Draft,
    messages::{self, SoFar},
    observed::{Gate, NotReady},
};
use crate::api::{
    Time,
    conditions::{self, kind},
    time::saturating_add,
};

impl Draft<'_> {
    /// What was sent for the object before this.
    pub fn so_far(&self) -> SoFar {
        match &self.status.attempt {
            _ if self.may_have_been_sent() => SoFar::Unknown,
            Some(_) => SoFar::NotExecuted,
            None => SoFar::Nothing,
        }
    }

    /// Why the tenant cannot be used, and what that means for the object.
    pub fn tenant_not_ready(&self, not_ready: &NotReady) -> String {
        messages::tenant_not_ready(not_ready, self.so_far(), self.expiration(), self.now.estimate)
    }

    /// Which limit holds the object back, and until when, where that is long enough to be told. The time that was told stays until it is
    /// over: it would be a later one with each look, and each a write.
    pub fn limit_reached(&self, gate: &Gate, at: Timestamp) -> String {
        let sentence = |slot| messages::limit_reached(&gate.message, self.so_far(), slot, self.expiration());
        let Some(within) = gate.slot_within else { return sentence(None) };
        let old = self.o.object.status.as_ref();
        let said = old.and_then(|old| conditions::get(&old.conditions, kind::READY)).map(|ready| &ready.message);
        let named = said.and_then(|said| messages::time_already_named(said, at, |slot| sentence(Some(slot))));
        let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        let slot = named.unwrap_or_else(|| messages::up_to_the_minute(Time(saturating_add(at, within))));
        sentence(Some(slot))
    }
}
