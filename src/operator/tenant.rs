//! One tenant at run time: its client, its trouble, its limits and what was learned of its ledger.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::budgets;
use crate::{
    api::{
        Duration as Length, Time,
        conditions::reason,
        tenant::{IntuneTenant, IntuneTenantSpec, LedgerStatus},
    },
    graph::{Clock, Graph},
    lifecycle::{
        breaker::Breaker,
        follow::Stretch,
        observed::{Gate, Now, TenantView, Trouble},
        step::Lesson,
    },
    platform::Matrix,
};

/// How often one object is let through as a probe while the tenant does not accept requests.
const PROBE: Duration = Duration::from_secs(60);

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
    /// Trouble that showed in use.
    fault: Option<Fault>,
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

struct Fault {
    trouble: Trouble,
    from_reset: bool,
    probe_at: Duration,
}

impl Record {
    /// The facts, for a moment.
    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Trouble showed in use. One object a minute is let through, to see whether it is over.
    pub fn found_trouble(&mut self, trouble: Trouble, from_reset: bool, now: Duration) {
        match &self.fault {
            Some(fault) if fault.trouble == trouble => {}
            // Other words for the same: the status says them, and no object waits for that.
            Some(fault) if fault.trouble.reason == trouble.reason => self.unsaid = self.unsaid.max(Some(Unsaid::Fact)),
            _ => self.unsaid = Some(Unsaid::Trouble),
        }
        self.fault = Some(Fault { trouble, from_reset, probe_at: now + PROBE });
    }

    /// A request of this kind went through: what only such a request can show is over.
    pub fn went_through(&mut self, reset: bool) {
        if self.fault.as_ref().is_some_and(|fault| fault.from_reset == reset) {
            self.fault = None;
            self.unsaid = Some(Unsaid::Trouble);
        }
    }

    /// Signing in works: trouble with that is over, and needs no probe. Tells whether there was such trouble.
    pub fn signed_in(&mut self) -> bool {
        let of_sign_in =
            |fault: &Fault| matches!(fault.trouble.reason.as_str(), reason::TOKEN_REFUSED | reason::UNREACHABLE);
        let over = self.fault.as_ref().is_some_and(of_sign_in);
        if over {
            self.fault = None;
        }
        over
    }

    /// What changed since this was asked last that the tenant's status should tell soon.
    pub fn take_unsaid(&mut self) -> Option<Unsaid> {
        self.unsaid.take()
    }

    /// The trouble that showed in use.
    #[must_use]
    pub fn fault(&self) -> Option<Trouble> {
        self.fault.as_ref().map(|fault| fault.trouble.clone())
    }

    /// Whether an object may be the minute's probe; if so, no other may.
    fn take_probe(&mut self, now: Duration) -> bool {
        let due = self.fault.as_mut().filter(|fault| now >= fault.probe_at);
        due.map(|fault| fault.probe_at = now + PROBE).is_some()
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
                "Graph's answers stayed away several times in a row; no further reset begins until it answers again."
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

    /// Why it cannot be used by this object, now; a probe is let through.
    pub fn trouble_now(&self, now: Duration) -> Option<Trouble> {
        if self.trouble.is_some() {
            return self.trouble.clone();
        }
        let mut facts = self.record.facts();
        let fault = facts.fault()?;
        if !facts.take_probe(now) {
            return Some(fault);
        }
        drop(facts);
        if let Some(graph) = &self.graph {
            // The token at hand may be a minute old, and consent that was granted since shows in a new one only.
            graph.forget_token();
        }
        None
    }

    /// What the state machine needs of it.
    pub fn view<'a>(&'a self, trouble: Option<&'a Trouble>) -> TenantView<'a> {
        let facts = self.record.facts();
        TenantView {
            spec: &self.object.spec,
            trouble,
            matrix: self.matrix.as_deref(),
            stretch: facts.stretch(self.room_to_follow()),
            ledger_works: facts.ledger_readable == Some(true),
        }
    }

    /// The clocks, with what is known of Graph's.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Now {
        let wall = clock.wall();
        let graph = self.graph.as_ref().and_then(|graph| graph.now());
        let offset = self.record.facts().clock_offset.unwrap_or_default();
        Now { wall, graph, estimate: graph.unwrap_or_else(|| crate::api::time::saturating_add(wall, offset)) }
    }
}
