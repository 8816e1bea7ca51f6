//! A tenant's health: which requests it takes at the moment, who may find out that it takes them again, and what was learned of its ledger.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{Duration as Length, Time, conditions::reason, tenant::LedgerStatus},
    lifecycle::{
        breaker::Breaker,
        observed::{Closed, Gate, NotReady},
        polling::Stretch,
        step::Lesson,
    },
};

/// How often one request is let through as a probe where such requests were refused.
const PROBE: Duration = Duration::from_secs(60);
/// How far apart those come back that are told to wait for a probe: each of them may read, and may be the probe.
const APART: Duration = Duration::from_millis(250);

/// Why the breaker is open. Without a time: it would be another one after each pause, and each a write to all that wait.
const UNANSWERED: &str = "Several resets of this tenant in a row had no answer that says what became of them. One is tried every 30 s to 10 min; the \
     others wait until it is answered. If this lasts, ask the platform team to check the network's way to Graph.";

/// What is known of a tenant while one process leads. Times are boot time, as every pause is.
#[derive(Default)]
pub struct Health {
    /// Answers that stay away.
    pub breaker: Breaker,
    /// Faults that showed in use, by what was asked.
    faults: BTreeMap<Request, Fault>,
    /// The measured lag of Intune's record.
    pub ledger: Option<LedgerStatus>,
    /// Whether the record is believed to work; `None`: no entry was seen yet.
    pub ledger_readable: Option<bool>,
    /// Graph's clock less this machine's.
    pub clock_offset: Option<SignedDuration>,
    /// What changed that the tenant's status does not tell yet.
    unreported: Option<Unreported>,
    /// No reset before this boot time, and why.
    not_before: Option<(Duration, &'static str)>,
    /// How many looks an hour each reset in flight asks for, by uid, and all of them together.
    followed: (HashMap<String, u64>, u64),
}

/// What changed since the tenant's status was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreported {
    /// Something that only the status tells.
    Fact,
    /// A fault came or went: objects may wait for that.
    NotReady,
}

/// A kind of request to Graph. A fault that one kind meets says nothing about the others, and is over once the same kind goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// Which device is meant.
    Device,
    /// Intune's record of a device.
    Record,
    /// A reset.
    Reset,
}

struct Fault {
    not_ready: NotReady,
    /// When a request may be the next probe, by boot time.
    probe_at: Duration,
    /// When whoever is told to wait next comes back.
    next: Duration,
}

impl Health {
    /// A fault showed in use. One such request a minute is let through, to see whether it is over.
    pub fn failed(&mut self, not_ready: NotReady, request: Request, now: Duration) {
        let probe_at = now + PROBE;
        let before = self.faults.get_mut(&request);
        if let Some(fault) = before.filter(|fault| fault.not_ready == not_ready) {
            fault.probe_at = probe_at;
            return;
        }
        // Other words for the same: the status says them, and no object waits for that.
        let same_reason = self.faults.get(&request).is_some_and(|fault| fault.not_ready.reason == not_ready.reason);
        self.unreported = self.unreported.max(Some(if same_reason { Unreported::Fact } else { Unreported::NotReady }));
        self.faults.insert(request, Fault { not_ready, probe_at, next: probe_at });
    }

    /// A request of this kind went through: what only such a request can show is over.
    pub fn succeeded(&mut self, request: Request) {
        if self.faults.remove(&request).is_some() {
            self.unreported = Some(Unreported::NotReady);
        }
    }

    /// Signing in works: trouble with that is over, and needs no probe. Tells whether there was such trouble.
    pub fn signed_in(&mut self) -> bool {
        let of_sign_in =
            |fault: &Fault| matches!(fault.not_ready.reason.as_str(), reason::TOKEN_REFUSED | reason::UNREACHABLE);
        let before = self.faults.len();
        self.faults.retain(|_, fault| !of_sign_in(fault));
        self.faults.len() < before
    }

    /// Whether something changed that the tenant's status should tell soon.
    #[must_use]
    pub fn has_unreported(&self) -> bool {
        self.unreported.is_some()
    }

    /// What changed since this was asked last that the tenant's status should tell soon.
    pub fn take_unreported(&mut self) -> Option<Unreported> {
        self.unreported.take()
    }

    /// The trouble that showed in use.
    #[must_use]
    pub fn fault(&self) -> Option<NotReady> {
        self.faults.values().next().map(|fault| fault.not_ready.clone())
    }

    /// The trouble that such requests meet.
    #[must_use]
    pub fn fault_of(&self, request: Request) -> Option<&NotReady> {
        self.faults.get(&request).map(|fault| &fault.not_ready)
    }

    /// Whether this may be asked now. Where it was refused before, one a minute is let through: `Ok(true)`, the probe. Whoever is not is
    /// told when to come back: one after the other, so that all of them together read little, and one is there soon after a probe is due.
    ///
    /// # Errors
    /// What such requests met before, and when to come back.
    pub fn admit(&mut self, request: Request, now: Duration) -> Result<bool, Closed> {
        let Some(fault) = self.faults.get_mut(&request) else { return Ok(false) };
        if now >= fault.probe_at {
            fault.probe_at = now + PROBE;
            return Ok(true);
        }
        let at = fault.next.max(fault.probe_at);
        fault.next = at + APART;
        Err(Closed { not_ready: fault.not_ready.clone(), retry_after: at - now })
    }

    /// The probe was not made after all: another may be.
    pub fn probe_is_free(&mut self, request: Request, now: Duration) {
        if let Some(fault) = self.faults.get_mut(&request) {
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
            return Some(Gate { message: UNANSWERED.to_owned(), slot_within: None, retry_after: pause });
        }
        if let Some((until, why)) = self.not_before
            && until > now
        {
            return Some(Gate { message: why.to_owned(), slot_within: None, retry_after: until - now });
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
            self.unreported = self.unreported.max(Some(Unreported::Fact));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn not_ready(reason: &str) -> NotReady {
        NotReady { reason: reason.to_owned(), message: "A sentence.".to_owned() }
    }

    #[test]
    fn one_request_a_minute_is_let_through_and_the_others_come_back_one_after_the_other() {
        let (second, quarter) = (Duration::from_secs, Duration::from_millis(250));
        let mut health = Health::default();
        assert_eq!(health.admit(Request::Reset, second(0)), Ok(false));
        health.failed(not_ready(reason::PERMISSION_MISSING), Request::Reset, second(0));
        assert_eq!(health.admit(Request::Record, second(0)), Ok(false), "other requests are not concerned");
        let back =
            |health: &mut Health, now: Duration| now + health.admit(Request::Reset, now).unwrap_err().retry_after;
        assert_eq!(back(&mut health, second(10)), second(60));
        assert_eq!(back(&mut health, second(20)), second(60) + quarter);
        assert_eq!(health.admit(Request::Reset, second(60)), Ok(true));
        assert_eq!(back(&mut health, second(60) + quarter), second(120));
        health.probe_is_free(Request::Reset, second(61));
        assert_eq!(health.admit(Request::Reset, second(61)), Ok(true), "it was not made");
        health.succeeded(Request::Device);
        assert_eq!(health.fault(), Some(not_ready(reason::PERMISSION_MISSING)));
        health.succeeded(Request::Reset);
        assert_eq!((health.fault(), health.admit(Request::Reset, second(62))), (None, Ok(false)));
    }

    #[test]
    fn a_sign_in_ends_what_it_can_end() {
        let mut health = Health::default();
        health.failed(not_ready(reason::UNREACHABLE), Request::Device, Duration::ZERO);
        health.failed(not_ready(reason::PERMISSION_MISSING), Request::Reset, Duration::ZERO);
        assert!(health.signed_in() && !health.signed_in());
        assert_eq!(health.fault(), Some(not_ready(reason::PERMISSION_MISSING)));
    }

    #[test]
    fn what_is_told_of_a_fault_that_is_met_again() {
        let of = |reason: &str, message: &str| NotReady { reason: reason.to_owned(), message: message.to_owned() };
        let mut health = Health::default();
        let mut told = |not_ready: NotReady, at: u64| {
            health.failed(not_ready, Request::Reset, Duration::from_secs(at));
            health.take_unreported()
        };
        assert_eq!(told(of(reason::PERMISSION_MISSING, "403"), 0), Some(Unreported::NotReady));
        assert_eq!(told(of(reason::PERMISSION_MISSING, "403"), 10), None, "the same");
        assert_eq!(told(of(reason::PERMISSION_MISSING, "403, again"), 20), Some(Unreported::Fact), "in other words");
        assert_eq!(told(of(reason::TOKEN_REFUSED, "403, again"), 30), Some(Unreported::NotReady));
        // A probe that met it again is the last for a minute, and those that were told to come back keep their order.
        let _ = health.admit(Request::Reset, Duration::from_secs(31)).unwrap_err();
        health.failed(of(reason::TOKEN_REFUSED, "403, again"), Request::Reset, Duration::from_secs(40));
        let back = health.admit(Request::Reset, Duration::from_secs(41)).unwrap_err().retry_after;
        assert_eq!(back, Duration::from_secs(100 - 41));
        assert_eq!(health.admit(Request::Reset, Duration::from_secs(100)), Ok(true));
    }
}
