//! A replica's way through a pass: it carries out what the operator's own protocol asks for, one effect at a time. Between two of them anything
//! may happen.

use std::ops::ControlFlow::Continue;

use passcode_core::{
    lifecycle::{memory::to_remember, step::Fact},
    protocol::{
        leases::{Counts, which_counts},
        pass::{Effect, Event, Pass, Start, Why},
    },
};

use crate::{
    mind::Mind,
    setup::Setup,
    state::{Answer, Entry, Finding, Lock, Object, Request, Second, State, Status, Tick, View},
    terms::{DeviceLease, Small},
    variant::Variant,
};

/// How a step fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Luck {
    /// As it should.
    Fine,
    /// A look that does not show these of the entries that need not be shown yet, a bit each.
    Hidden(u8),
    /// A look that shows an empty record.
    Empty,
    /// A write that happens, and whose answer is lost.
    Unanswered,
    /// A write that does not happen, and whose answer is lost.
    NotApplied,
    /// A write whose answer is lost, and which happens later, if at all.
    AppliedLater,
}

/// Why a write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritten {
    Conflict,
    Gone,
}

/// The world while something happens in it.
pub struct World<'a> {
    pub setup: &'a Setup,
    pub state: State,
}

/// What a replica is to carry out, apart from its pass.
enum Todo {
    Observe(Fact),
    TakeLock,
    ReadLock,
    Claim(Status),
    ReadObject,
    Send,
    Remember(Second, Status),
    Write(Status),
    Release(DeviceLease),
    Nothing,
}

impl World<'_> {
    /// Begins a pass over an object that was read, perhaps not in its present version.
    pub fn begin(&mut self, r: usize, object: Object) {
        let early = self.setup.does(Variant::LookBeforeTheRead).then(|| self.view(r, u8::MAX));
        let stale = self.state.etcd.suspended && self.state.left.stale_tenants > 0;
        self.state.left.stale_tenants -= u8::from(stale);
        let suspended = self.state.etcd.suspended && !stale;
        let replica = &mut self.state.replicas[r];
        (replica.early, replica.suspended) = (early, suspended);
        let pass = Start::over(object).begin(&mut Mind { world: self, r });
        self.goes_on(r, pass);
    }

    /// The replica's next step.
    pub fn step(&mut self, r: usize, luck: Luck) {
        if let Some(latest) = self.state.replicas[r].late_memory.take() {
            self.remembered(latest);
            return self.state.replicas[r].end_pass();
        }
        let event = match self.todo(r) {
            Todo::Observe(Fact::Lock) => Some(self.read_lock(r)),
            Todo::Observe(Fact::Look) => self.look(r, luck),
            Todo::Observe(Fact::Device) => self.find(r, luck),
            Todo::Observe(Fact::LeaderLease) => Some(self.ask_for_lease(r)),
            Todo::Observe(Fact::Authority) => Some(self.ask_for_authority(r)),
            Todo::Observe(Fact::Approvals) => Some(self.read_approvals(r)),
            Todo::Observe(other) => panic!("the model knows the {other:?}"),
            Todo::TakeLock => Some(self.take_lock(r, luck)),
            Todo::ReadLock => Some(self.read_lock_back(r)),
            Todo::Claim(status) => Some(self.claim(r, &status, luck)),
            Todo::ReadObject => Some(self.read_again(r)),
            Todo::Send => self.send(r),
            Todo::Remember(latest, before) => Some(self.remember(r, latest, &before)),
            Todo::Write(status) => Some(self.write(r, &status, luck)),
            Todo::Release(lease) => Some(self.release(r, &lease)),
            Todo::Nothing => None,
        };
        if let Some(event) = event {
            self.apply(r, event);
        }
    }

    fn todo(&self, r: usize) -> Todo {
        let replica = &self.state.replicas[r];
        let Some(pass) = replica.pass.as_ref().filter(|_| !replica.awaits) else { return Todo::Nothing };
        let Continue(effect) = pass.next() else { return Todo::Nothing };
        match effect {
            Effect::Observe(fact) => Todo::Observe(fact),
            // The slot is found, and the lock taken, in one step.
            Effect::Reserve => Todo::TakeLock,
            Effect::ReadLock => Todo::ReadLock,
            Effect::Claim(status) => Todo::Claim(status.clone()),
            Effect::ReadObject => Todo::ReadObject,
            Effect::Send(_) => Todo::Send,
            Effect::Remember { latest, before, .. } => Todo::Remember(*latest, before.clone()),
            Effect::Write(status) => Todo::Write(status.clone()),
            Effect::Release(lease) => Todo::Release(lease.clone()),
            Effect::TryClaim(_) => panic!("admission control denies nothing in the model"),
            Effect::TakeLock { .. } | Effect::Pause(_) => Todo::Nothing,
        }
    }

    /// Graph's clock, as the replica takes it.
    pub fn clock(&self, r: usize) -> Tick {
        self.state.now + self.state.replicas[r].error
    }

    /// Lets the replica's pass take what came of its step.
    fn apply(&mut self, r: usize, event: Event<Small>) {
        let Some(mut pass) = self.state.replicas[r].pass.take() else { return };
        pass.apply(event, &mut Mind { world: self, r });
        self.goes_on(r, *pass);
    }

    /// Goes on to what takes a step of its own.
    fn goes_on(&mut self, r: usize, mut pass: Pass<Small>) {
        while let Continue(effect) = pass.next() {
            let event = match effect {
                Effect::Observe(Fact::Authority) if !self.authority_may_change() => Event::LeaderLease { kept: true },
                Effect::Pause(_) => Event::Done,
                _ => {
                    self.state.replicas[r].pass = Some(Box::new(pass));
                    return;
                }
            };
            pass.apply(event, &mut Mind { world: self, r });
        }
        self.state.replicas[r].end_pass();
    }

    fn object(&self, r: usize) -> Option<Object> {
        self.state.replicas[r].pass.as_ref().map(|pass| pass.known().object.clone())
    }

    // Reads.

    fn read_lock(&mut self, r: usize) -> Event<Small> {
        let stored = if self.setup.does(Variant::NoDeviceLock) { None } else { self.state.etcd.lock.clone() };
        let estimate = self.clock(r);
        let lead = &mut self.state.replicas[r].lead;
        let is_open = |lock: &Lock| estimate <= lock.deadline + lock.settle;
        lead.taken = lead.taken.take().filter(is_open);
        let lock = match which_counts(stored.as_ref(), lead.taken.as_ref(), is_open) {
            Counts::Stored => stored,
            Counts::Taken => lead.taken.clone(),
        };
        Event::Lock(Some(self.lease(lock)).filter(|lease| lease.lock.is_some() || lease.remembered.is_some()))
    }

    /// Finds the device: its lock is read once it is known which it is, and then what it is, which is a look.
    fn find(&mut self, r: usize, luck: Luck) -> Option<Event<Small>> {
        let found = match self.state.replicas[r].finding.clone() {
            Finding::Nothing => {
                if let Event::Lock(lock) = self.read_lock(r) {
                    self.state.replicas[r].finding = Finding::Lock(lock);
                }
                return None;
            }
            Finding::Lock(lock) => match self.look(r, luck)? {
                Event::Look(look) => Event::LockAndLook { lock, look },
                event => event,
            },
            Finding::Done => Event::Done,
        };
        self.state.replicas[r].finding = Finding::Done;
        Some(found)
    }

    /// Whether what a replica reads next is Intune's record.
    pub fn looks_next(&self, r: usize) -> bool {
        let replica = &self.state.replicas[r];
        let next = replica.pass.as_ref().and_then(|pass| pass.next().continue_value());
        replica.judging.is_none()
            && match next {
                Some(Effect::Observe(Fact::Look)) => true,
                Some(Effect::Observe(Fact::Device)) => matches!(replica.finding, Finding::Lock(_)),
                _ => false,
            }
    }

    fn lease(&self, lock: Option<Lock>) -> DeviceLease {
        DeviceLease { lock, remembered: self.state.etcd.remembered, version: self.state.etcd.device }
    }

    fn look(&mut self, r: usize, luck: Luck) -> Option<Event<Small>> {
        let now = self.clock(r);
        if let Some(view) = self.state.replicas[r].judging.take() {
            return Some(Event::Look(View { at: now, ..view }));
        }
        let hidden = if let Luck::Hidden(mask) = luck { mask } else { 0 };
        let mut view = self.view(r, hidden);
        if luck == Luck::Empty {
            view.entries.clear();
        }
        let replica = &mut self.state.replicas[r];
        if self.setup.does(Variant::NoLookUnderTheLock) || self.setup.does(Variant::LookBeforeAuthority) {
            replica.early = Some(view.clone());
        }
        if self.setup.does(Variant::SettleJudgedAtTheWrite) {
            replica.judging = Some(view);
            return None;
        }
        Some(Event::Look(view))
    }

    /// What a look shows, but for the hidden ones of those that need not be shown yet.
    pub fn view(&self, r: usize, hidden: u8) -> View {
        let settled = |at: Tick| self.state.now > at + self.setup.ledger_lag;
        let entries = self.state.record.iter().enumerate().skip(self.state.shown_from);
        let kept = entries.filter(|(_, entry)| !entry.lost);
        let shown = kept.filter(|(index, entry)| settled(entry.at) || hidden & (1 << index) == 0);
        let shown = shown.map(|(_, entry)| (entry.start, entry.progress));
        View { at: self.clock(r), entries: shown.collect(), enrolled: self.state.enrolled }
    }

    // The lock.

    fn take_lock(&mut self, r: usize, luck: Luck) -> Event<Small> {
        let attempt = self.state.next_attempt;
        self.state.next_attempt += 1;
        self.apply(r, Event::Reserved(attempt));
        let (object, seen, deadline) =
            match self.state.replicas[r].pass.as_ref().map(|pass| (pass.known(), pass.next())) {
                Some((known, Continue(Effect::TakeLock { seen, terms, .. }))) => {
                    (known.object.uid, seen.map_or(0, |lease| lease.version), *terms)
                }
                _ => panic!("a lock is taken where none was asked for"),
            };
        let free = self.state.etcd.device == seen || self.setup.does(Variant::NoDeviceLock);
        if free && luck != Luck::NotApplied {
            let settle = self.setup.settle_window();
            self.state.etcd.lock = Some(Lock { attempt, deadline, settle, owner: object });
            self.state.etcd.device = self.next_version();
            if self.setup.does(Variant::MemoryNotCarriedOver) {
                self.state.etcd.remembered = None;
            }
            self.state.locked.push((attempt, self.state.now));
        }
        self.state.replicas[r].wanted = (!free || luck != Luck::Fine).then_some(attempt);
        match (free, luck) {
            (true, Luck::Fine) => self.lock_is_ours(r),
            (false, Luck::Fine) => Event::NotStored(Why::Conflict),
            _ => Event::NotStored(Why::Unclear),
        }
    }

    fn lock_is_ours(&mut self, r: usize) -> Event<Small> {
        let lock = self.state.etcd.lock.clone();
        self.state.replicas[r].lead.taken.clone_from(&lock);
        Event::LeaseStored(self.lease(lock))
    }

    fn read_lock_back(&mut self, r: usize) -> Event<Small> {
        let wanted = self.state.replicas[r].wanted.take();
        let ours = self.state.etcd.lock.clone().filter(|lock| Some(lock.attempt) == wanted);
        match ours {
            Some(_) => match self.lock_is_ours(r) {
                Event::LeaseStored(lease) => Event::Lock(Some(lease)),
                event => event,
            },
            None => Event::Lock(None),
        }
    }

    fn release(&mut self, r: usize, lease: &DeviceLease) -> Event<Small> {
        let replica = &mut self.state.replicas[r];
        (replica.lead.taken, replica.early) = (None, None);
        if self.state.etcd.device == lease.version {
            self.state.etcd.lock = None;
            if self.setup.does(Variant::MemoryDroppedOnRelease) {
                self.state.etcd.remembered = None;
            }
            self.device_lease_is_changed();
        }
        Event::Done
    }

    // What permits a request.

    /// Whether the world has anything that could withdraw it.
    fn authority_may_change(&self) -> bool {
        let changes = self.setup.suspensions > 0 || self.setup.switched_over;
        changes || self.asks_for_the_lease(Variant::NoLookAtTheLease)
    }

    fn ask_for_authority(&mut self, r: usize) -> Event<Small> {
        if self.asks_for_the_lease(Variant::NoLookAtTheLease) && !self.holds_the_lease(r) {
            return Event::LeaderLease { kept: false };
        }
        if !self.setup.does(Variant::AuthorityOfThePassBegin) {
            self.state.replicas[r].suspended = self.state.etcd.suspended;
        }
        Event::LeaderLease { kept: true }
    }

    fn read_approvals(&mut self, r: usize) -> Event<Small> {
        let behind = self.setup.does(Variant::ApprovalsOfACache);
        self.state.replicas[r].approved = Some(behind || !self.state.etcd.revoked);
        Event::Done
    }

    /// Whether the leader lease is looked at, but for the variant that does not. Where the API server is not back at once, nobody leads after a
    /// restore, and the protocol holds without it.
    pub fn asks_for_the_lease(&self, unless: Variant) -> bool {
        self.setup.restored_at_once && !self.setup.does(unless)
    }

    fn ask_for_lease(&mut self, r: usize) -> Event<Small> {
        Event::LeaderLease { kept: self.holds_the_lease(r) }
    }

    // The claim, and what is sent under it.

    fn claim(&mut self, r: usize, status: &Status, luck: Luck) -> Event<Small> {
        let Some(read) = self.object(r) else { return Event::Done };
        if self.setup.does(Variant::LookBeforeAuthority) && !std::mem::replace(&mut self.state.replicas[r].asked, true)
        {
            return match self.ask_for_authority(r) {
                Event::LeaderLease { kept: true } => Event::NotStored(Why::Conflict),
                _ => Event::NotStored(Why::Failed),
            };
        }
        self.state.replicas[r].early = None;
        let claimed = Object { status: status.clone(), ..read.clone() };
        let attempt = |status: &Status| status.attempt.as_ref().map(|attempt| attempt.id);
        let found = self.setup.does(Variant::SentAgainWhenClaimIsFound) && attempt(&read.status) == attempt(status);
        if found || self.setup.does(Variant::NoClaim) {
            return Event::ObjectStored(claimed);
        }
        let checked = !self.setup.does(Variant::ClaimWithoutPrecondition);
        let written = self.written(&read, status, checked, luck);
        let lost = luck != Luck::Fine && self.setup.does(Variant::LostClaimTakenForSuccess);
        let conflict = written == Err(Unwritten::Conflict) && self.setup.does(Variant::ConflictingClaimTakenForSuccess);
        if lost || conflict { Event::ObjectStored(claimed) } else { stored(written) }
    }

    fn read_again(&mut self, r: usize) -> Event<Small> {
        let read = self.object(r);
        let there = read.and_then(|read| self.stored(read.slot).filter(|there| there.uid == read.uid));
        there.map_or(Event::NotStored(Why::Gone), Event::ObjectStored)
    }

    fn send(&mut self, r: usize) -> Option<Event<Small>> {
        let now = self.clock(r);
        let object = self.object(r)?;
        let attempt = object.status.attempt.as_ref()?;
        if now > attempt.deadline && !self.setup.does(Variant::NoSendDeadline) {
            return Some(Event::Answered((Answer::NotExecuted, false)));
        }
        let attempt = attempt.id;
        self.note_sending(&object, attempt);
        let request =
            Request { attempt, slot: object.slot, uid: object.uid, requested: object.requested, sent: self.state.now };
        self.state.requests.push(request);
        self.state.replicas[r].awaits = true;
        None
    }

    /// An answer has come, or will not; `again`: sending again can help.
    pub fn answered(&mut self, r: usize, answer: Answer, again: bool) {
        self.state.replicas[r].awaits = false;
        self.apply(r, Event::Answered((answer, again)));
    }

    // Writes.

    fn remember(&mut self, r: usize, latest: Second, before: &Status) -> Event<Small> {
        self.remembered(latest);
        let uid = self.object(r).map(|object| object.uid);
        let start = before.action.as_ref().map(|action| action.start);
        let told = |entry: &&mut Entry| entry.uid == uid || Some(entry.start) == start;
        self.state.record.iter_mut().filter(told).for_each(|entry| entry.told = true);
        Event::LeaseStored(self.lease(self.state.etcd.lock.clone()))
    }

    /// Read and written at once, since a write that meets another version reads again.
    fn remembered(&mut self, latest: Second) {
        if let Some(latest) = to_remember(self.state.etcd.remembered.as_ref(), latest) {
            self.state.etcd.device = self.next_version();
            self.state.etcd.remembered = Some(latest);
        }
    }

    fn write(&mut self, r: usize, status: &Status, luck: Luck) -> Event<Small> {
        let Some(read) = self.object(r) else { return Event::Done };
        let checked = status.end.is_none() || !self.setup.does(Variant::OutcomeWithoutPrecondition);
        let written = self.written(&read, status, checked, luck);
        let accepts = |status: &Status| status.attempt.as_ref().is_some_and(|a| a.result == Some(Answer::Accepted));
        let recorded = accepts(status) && !accepts(&read.status) && matches!(written, Ok(Some(_)));
        if recorded && self.setup.memory && self.setup.does(Variant::MemoryAfterTheStatus) {
            let now = self.clock(r);
            self.state.replicas[r].late_memory =
                crate::bridge::judged(self.setup, read, Answer::Accepted, false, now).remember;
        }
        stored(written)
    }
}

fn stored(written: Result<Option<Object>, Unwritten>) -> Event<Small> {
    match written {
        Ok(Some(object)) => Event::ObjectStored(object),
        Ok(None) => Event::NotStored(Why::Unclear),
        Err(Unwritten::Conflict) => Event::NotStored(Why::Conflict),
        Err(Unwritten::Gone) => Event::NotStored(Why::Gone),
    }
}
