//! One tenant at run time: its client, its trouble, its limits and what was learned of its ledger.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::budgets;
use crate::graph::{Clock, Graph};
use passcode_core::{
    api::{
        Duration as Length, Time,
        conditions::reason,
        tenant::{IntuneTenant, IntuneTenantSpec, LedgerStatus},
    },
    lifecycle::{
        breaker::Breaker,
        follow::Stretch,
        observed::{Closed, Gate, Now, TenantView, Trouble},
        step::Lesson,
    },
    platform::Matrix,
};

/// How often one request is let through as a probe where such requests were refused.
const PROBE: Duration = Duration::from_secs(60);
/// How far apart those come back that are told to wait for a probe: each of them may read, and may be the probe.
const APART: Duration = Duration::from_millis(250);

/// A tenant as its object says and as it was found.
pub struct Tenant {
    /// The object.
    pub object: Arc<IntuneTenant>,
    /// The client; `None` only together with trouble, or while it signs in.
    pub graph: Option<Arc<Graph>>,
    /// The matrix that decides; `None` only together with trouble.
    pub matrix: Option<Arc<Matrix>>,
    /// Why it cannot be used, found when it was set up or signed in.
    pub trouble: Option<Trouble>,
    /// Nobody knows yet whether it can sign in as its spec says.
    pub signing_in: bool,
    /// What outlives a change of the object.
    pub record: Arc<Record>,
}

/// What is known of a tenant while this process leads.
#[derive(Default)]
pub struct Record(Mutex<Facts>);

/// The facts of a [`Record`].
#[derive(Default)]
pub struct Facts {
    /// Answers that stay away.
    pub breaker: Breaker,
    /// Trouble that showed in use, by what was asked.
    faults: BTreeMap<Asking, Fault>,
    /// The measured lag of Intune's record.
    pub ledger: Option<LedgerStatus>,
    /// Whether the record is believed to work; `None`: no entry was seen yet.
    pub ledger_readable: Option<bool>,
    /// Graph's clock less this machine's.
    pub clock_offset: Option<SignedDuration>,
    /// What changed that the tenant's status does not tell yet.
    unsaid: Option<Unsaid>,
    /// No reset before this boot time, and why.
    not_before: Option<(Duration, &'static str)>,
    /// How many looks an hour each reset in flight asks for, by uid, and all of them together.
    followed: (HashMap<String, u64>, u64),
}

/// What changed since the tenant's status was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsaid {
    /// Something that only the status tells.
    Fact,
    /// Trouble came or went: objects may wait for that.
    Trouble,
}

/// What is asked of Graph. Trouble that one of them meets says nothing about the others, and is over once the same goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asking {
    /// Which device is meant.
    Device,
    /// Intune's record of a device.
    Record,
    /// A reset.
    Reset,
}

struct Fault {
    trouble: Trouble,
    /// When a request may be the next probe, by boot time.
    probe_at: Duration,
    /// When whoever is told to wait next comes back.
    next: Duration,
}

impl Record {
    /// The facts, for a moment.
    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Trouble showed in use. One such request a minute is let through, to see whether it is over.
    pub fn found_trouble(&mut self, trouble: Trouble, asking: Asking, now: Duration) {
        let probe_at = now + PROBE;
        let before = self.faults.get_mut(&asking);
        if let Some(fault) = before.filter(|fault| fault.trouble == trouble) {
            fault.probe_at = probe_at;
            return;
        }
        // Other words for the same: the status says them, and no object waits for that.
        let same_reason = self.faults.get(&asking).is_some_and(|fault| fault.trouble.reason == trouble.reason);
        self.unsaid = self.unsaid.max(Some(if same_reason { Unsaid::Fact } else { Unsaid::Trouble }));
        self.faults.insert(asking, Fault { trouble, probe_at, next: probe_at });
    }

    /// A request of this kind went through: what only such a request can show is over.
    pub fn went_through(&mut self, asking: Asking) {
        if self.faults.remove(&asking).is_some() {
            self.unsaid = Some(Unsaid::Trouble);
        }
    }

    /// Signing in works: trouble with that is over, and needs no probe. Tells whether there was such trouble.
    pub fn signed_in(&mut self) -> bool {
        let of_sign_in =
            |fault: &Fault| matches!(fault.trouble.reason.as_str(), reason::TOKEN_REFUSED | reason::UNREACHABLE);
        let before = self.faults.len();
        self.faults.retain(|_, fault| !of_sign_in(fault));
        self.faults.len() < before
    }

    /// What changed since this was asked last that the tenant's status should tell soon.
    pub fn take_unsaid(&mut self) -> Option<Unsaid> {
        self.unsaid.take()
    }

    /// The trouble that showed in use.
    #[must_use]
    pub fn fault(&self) -> Option<Trouble> {
        self.faults.values().next().map(|fault| fault.trouble.clone())
    }

    /// The trouble that such requests meet.
    #[must_use]
    pub fn fault_of(&self, asking: Asking) -> Option<&Trouble> {
        self.faults.get(&asking).map(|fault| &fault.trouble)
    }

    /// Whether this may be asked now. Where it was refused before, one a minute is let through: `Ok(true)`, the probe. Whoever is not is
    /// told when to come back: one after the other, so that all of them together read little, and one is there soon after a probe is due.
    fn admit(&mut self, asking: Asking, now: Duration) -> Result<bool, Closed> {
        let Some(fault) = self.faults.get_mut(&asking) else { return Ok(false) };
        if now >= fault.probe_at {
            fault.probe_at = now + PROBE;
            return Ok(true);
        }
        let at = fault.next.max(fault.probe_at);
        fault.next = at + APART;
        Err(Closed { trouble: fault.trouble.clone(), retry_after: at - now })
    }

    /// The probe was not made after all: another may be.
    pub fn probe_is_free(&mut self, asking: Asking, now: Duration) {
        if let Some(fault) = self.faults.get_mut(&asking) {
            fault.probe_at = now;
            fault.next = now;
        }
    }

    /// Nothing is sent for a while, for this reason: a sentence.
    pub fn pause(&mut self, pause: Duration, why: &'static str, now: Duration) {
        let until = now + pause;
        if self.not_before.is_none_or(|(earlier, _)| earlier < until) {
            self.not_before = Some((until, why));
        }
    }

    /// Why nothing may be sent at the moment.
    pub fn gate(&mut self, now: Duration) -> Option<Gate> {
        if let Some(pause) = self.breaker.pause(now) {
            let message =
                "Several requests in a row had no answer that says what became of them; no further reset begins until one has."
                    .to_owned();
            return Some(Gate { message, retry_after: pause });
        }
        if let Some((until, why)) = self.not_before
            && until > now
        {
            let message = format!("{why} Nothing is sent at the moment; this goes on by itself.");
            return Some(Gate { message, retry_after: until - now });
        }
        None
    }

    /// A reset asks for so many looks an hour from now on.
    pub fn follows(&mut self, uid: &str, looks: u64) {
        let (each, all) = &mut self.followed;
        let before = if looks == 0 { each.remove(uid) } else { each.insert(uid.to_owned(), looks) };
        *all = (*all + looks).saturating_sub(before.unwrap_or_default());
    }

    /// How much longer than usual it is from look to look, where there is room for so many an hour.
    #[must_use]
    pub fn stretch(&self, room: u64) -> Stretch {
        Stretch::of(self.followed.1, room)
    }

    /// An entry of any action was seen at this time: Intune's record works.
    pub fn entry_seen(&mut self, at: Timestamp) {
        self.record_is_readable(true);
        self.ledger.get_or_insert_default().last_seen_time = Some(Time(at).floor_to_second());
    }

    fn record_is_readable(&mut self, readable: bool) {
        if self.ledger_readable != Some(readable) {
            self.unsaid = self.unsaid.max(Some(Unsaid::Fact));
        }
        self.ledger_readable = Some(readable);
    }

    /// What a pass taught.
    pub fn learn(&mut self, lesson: Lesson) {
        match lesson {
            Lesson::EntryMissing => self.record_is_readable(false),
            Lesson::Lag(lag) => {
                let ledger = self.ledger.get_or_insert_default();
                ledger.samples += 1;
                // Whole seconds, as the status says them: what it says is compared with this.
                ledger.last_lag = Length::from(lag).ceil_to_second();
                ledger.max_lag = ledger.max_lag.max(ledger.last_lag);
            }
        }
    }
}

impl Tenant {
    /// How many looks an hour following may take: a tenth of what the limits leave to reads is for looking up what is new.
    fn room_to_follow(&self) -> u64 {
        let limits = budgets::limits(&self.object.spec.limits);
        u64::try_from(limits.reads().saturating_sub(limits.spared())).unwrap_or(u64::MAX).saturating_mul(162)
    }

    /// The same tenant with its object as it was just read; `None`: that is another tenant of the same name.
    #[must_use]
    pub fn as_read(&self, object: IntuneTenant) -> Option<Arc<Self>> {
        if object.metadata.uid != self.object.metadata.uid {
            return None;
        }
        Some(Arc::new(Self {
            object: Arc::new(object),
            graph: self.graph.clone(),
            matrix: self.matrix.clone(),
            trouble: self.trouble.clone(),
            signing_in: self.signing_in,
            record: self.record.clone(),
        }))
    }

    /// What its objects depend on: which object it is, what it says, whether it is signing in, and why it cannot be used. Not in which words.
    #[must_use]
    pub fn verdict(&self) -> (Option<&str>, Option<i64>, bool, Option<&str>) {
        let metadata = &self.object.metadata;
        let reason = self.trouble.as_ref().map(|trouble| trouble.reason.as_str());
        (metadata.uid.as_deref(), metadata.generation, self.signing_in, reason)
    }

    /// The object's spec.
    #[must_use]
    pub fn spec(&self) -> &IntuneTenantSpec {
        &self.object.spec
    }

    /// Whether this may be asked now; `Ok(true)`: to see whether trouble is over. It is asked right before the request, so that nobody is
    /// the minute's probe who would not make it.
    ///
    /// # Errors
    /// What such requests met before, and when to come back.
    pub fn admit(&self, asking: Asking, now: Duration) -> Result<bool, Closed> {
        let probing = self.record.facts().admit(asking, now)?;
        if let (true, Some(graph)) = (probing, &self.graph) {
            // The token at hand may be an hour old, and consent that was granted since shows in a new one only.
            graph.forget_token();
        }
        Ok(probing)
    }

    /// What the state machine needs of it.
    pub fn view<'a>(&'a self, trouble: Option<&'a Trouble>) -> TenantView<'a> {
        let facts = self.record.facts();
        TenantView {
            spec: &self.object.spec,
            trouble,
            matrix: self.matrix.as_deref(),
            stretch: facts.stretch(self.room_to_follow()),
            ledger_readable: facts.ledger_readable,
        }
    }

    /// The clocks, with what is known of Graph's.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Now {
        let wall = clock.wall();
        let graph = self.graph.as_ref().and_then(|graph| graph.now());
        let offset = self.record.facts().clock_offset.unwrap_or_default();
        Now { wall, graph, estimate: graph.unwrap_or_else(|| passcode_core::api::time::saturating_add(wall, offset)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn trouble(reason: &str) -> Trouble {
        Trouble { reason: reason.to_owned(), message: "A sentence.".to_owned() }
    }

    #[test]
    fn one_request_a_minute_is_let_through_and_the_others_come_back_one_after_the_other() {
        let (second, quarter) = (Duration::from_secs, Duration::from_millis(250));
        let mut facts = Facts::default();
        assert_eq!(facts.admit(Asking::Reset, second(0)), Ok(false));
        facts.found_trouble(trouble(reason::PERMISSION_MISSING), Asking::Reset, second(0));
        assert_eq!(facts.admit(Asking::Record, second(0)), Ok(false), "other requests are not concerned");
        let back = |facts: &mut Facts, now: Duration| now + facts.admit(Asking::Reset, now).unwrap_err().retry_after;
        assert_eq!(back(&mut facts, second(10)), second(60));
        assert_eq!(back(&mut facts, second(20)), second(60) + quarter);
        assert_eq!(facts.admit(Asking::Reset, second(60)), Ok(true));
        assert_eq!(back(&mut facts, second(60) + quarter), second(120));
        facts.probe_is_free(Asking::Reset, second(61));
        assert_eq!(facts.admit(Asking::Reset, second(61)), Ok(true), "it was not made");
        facts.went_through(Asking::Device);
        assert_eq!(facts.fault(), Some(trouble(reason::PERMISSION_MISSING)));
        facts.went_through(Asking::Reset);
        assert_eq!((facts.fault(), facts.admit(Asking::Reset, second(62))), (None, Ok(false)));
    }

    #[test]
    fn a_sign_in_ends_what_it_can_end() {
        let mut facts = Facts::default();
        facts.found_trouble(trouble(reason::UNREACHABLE), Asking::Device, Duration::ZERO);
        facts.found_trouble(trouble(reason::PERMISSION_MISSING), Asking::Reset, Duration::ZERO);
        assert!(facts.signed_in() && !facts.signed_in());
        assert_eq!(facts.fault(), Some(trouble(reason::PERMISSION_MISSING)));
    }
}
