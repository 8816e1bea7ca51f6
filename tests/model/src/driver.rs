//! A replica's way through a pass, one read or write at a time, as `operator::pass` goes it. Between two of them anything may happen.

use passcode_core::api::conditions::reason;

use crate::{
    bridge::{self, Decided, Do, Facts},
    setup::{SEND_WINDOW, Setup},
    state::{
        After, Answer, End, Entry, Held, Late, Lock, Next, Object, Progress, Request, Second, State, Status, TICK,
        Tick, View,
    },
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

impl World<'_> {
    /// Begins a pass over an object that was read, perhaps not in its present version.
    pub fn begin(&mut self, r: usize, object: Object) {
        if self.setup.does(Variant::LookBeforeTheRead) {
            self.state.replicas[r].look = Some(self.view(r, u8::MAX));
        }
        let stale = self.state.etcd.suspended && self.state.left.stale_tenants > 0;
        self.state.left.stale_tenants -= u8::from(stale);
        let replica = &mut self.state.replicas[r];
        replica.object = Some(object);
        replica.suspended = self.state.etcd.suspended && !stale;
        self.think(r);
    }

    /// The replica's next step.
    pub fn step(&mut self, r: usize, luck: Luck) {
        match self.state.replicas[r].next.clone() {
            Next::Idle | Next::Await { .. } => {}
            Next::ReadLock => self.read_lock(r),
            Next::Look => self.look(r, luck),
            Next::Judge => self.judge_later(r),
            Next::TakeLock { deadline } => self.take_lock(r, deadline, luck),
            Next::AskForLock { attempt, deadline } => self.ask_for_lock(r, attempt, deadline),
            Next::AskForLease => self.ask_for_lease(r),
            Next::AskForAuthority => self.ask_for_authority(r),
            Next::Claim(status) => self.claim(r, &status, luck),
            Next::AskForClaim { attempt } => self.ask_for_claim(r, attempt),
            Next::Send { attempt } => self.send(r, attempt),
            Next::Remember { latest, then } => self.remember(r, latest, *then),
            Next::Record(answer) => self.record(r, answer, luck),
            Next::AskForRecord(answer) => self.ask_for_record(r, answer),
            Next::Write(status, after) => self.write(r, &status, after, luck),
            Next::GiveBack(after) => self.give_back(r, after),
        }
    }

    /// Graph's clock, as the replica takes it.
    pub fn clock(&self, r: usize) -> Tick {
        self.state.now + self.state.replicas[r].error
    }

    /// Decides on what is known, and sets the next step.
    fn think(&mut self, r: usize) {
        let now = self.clock(r);
        let replica = &self.state.replicas[r];
        let Some(object) = replica.object.clone() else { return };
        let mut facts = Facts {
            object,
            lock: replica.lock.clone(),
            remembered: replica.remembered,
            look: replica.look.clone(),
            held: replica.held.clone(),
            quarantine: replica.lead.quarantine,
            lease_is_kept: replica.lease_is_kept || !self.asks_for_the_lease(Variant::RejectedWithoutALookAtTheLease),
            suspended: replica.suspended,
            authority_is_read: replica.authority_is_read || self.setup.does(Variant::LookBeforeAuthority),
            now,
        };
        if let Some(attempt) = self.found_claim_to_send_again(r, &facts) {
            self.state.replicas[r].next = Next::Send { attempt };
            return;
        }
        self.misunderstand(&mut facts);
        let decided = bridge::decided(self.setup, facts);
        self.follow(r, decided, now);
    }

    fn follow(&mut self, r: usize, Decided { status, step, remember }: Decided, now: Tick) {
        let known = self.state.replicas[r].object.as_ref().is_some_and(|object| object.status == status);
        let beyond = self.setup.does(Variant::SendDeadlineBeyondExpiry);
        let next = match step {
            Do::ReadLock => {
                if !self.setup.does(Variant::LookBeforeTheRead) {
                    self.state.replicas[r].look = None;
                }
                Next::ReadLock
            }
            Do::Look => Next::Look,
            Do::ReadLease => Next::AskForLease,
            Do::ReadAuthority => return self.need_authority(r),
            Do::Claim(_)
                if self.setup.does(Variant::LookBeforeAuthority) && !self.state.replicas[r].authority_is_read =>
            {
                return self.need_authority(r);
            }
            Do::TakeLock { .. } | Do::Claim(_) if !self.state.replicas[r].acts(self.setup) => return self.pass_ends(r),
            Do::TakeLock { deadline } => Next::TakeLock { deadline: if beyond { now + 2 } else { deadline } },
            Do::Claim(_) => Next::Claim(Box::new(status)),
            Do::ReleaseLock if known => return self.lock_goes_back(r, After::DecideAgain),
            Do::ReleaseLock => Next::Write(Box::new(status), After::LockIsGivenBack),
            Do::Wait | Do::Finish if !known => Next::Write(Box::new(status), After::PassEnds),
            Do::Wait | Do::Finish | Do::Stop => return self.pass_ends(r),
            Do::SendAgain => panic!("only an answer asks for this"),
        };
        let remember = remember.filter(|_| matches!(next, Next::Write(..)));
        self.state.replicas[r].next = match remember.and_then(|latest| self.to_remember_of_an_entry(latest)) {
            Some(latest) => Next::Remember { latest, then: Box::new(next) },
            None => next,
        };
    }

    fn to_remember_of_an_entry(&self, latest: Second) -> Option<Second> {
        let margin = Second::from(self.setup.clock_error + self.setup.ledger_clock_error) * TICK;
        match self.setup.variant {
            _ if !self.setup.memory => None,
            Some(Variant::NoMemory | Variant::MemoryOfAcceptedOnly) => None,
            Some(Variant::MemoryWithoutMargin) => Some(latest - margin),
            _ => Some(latest),
        }
    }

    fn to_remember_of_an_answer(&self, r: usize, object: &Object, latest: Second) -> Option<Second> {
        let of = |tick: Tick| Some(Second::from(tick) * TICK);
        match self.setup.variant {
            _ if !self.setup.memory => None,
            Some(Variant::NoMemory) => None,
            Some(Variant::MemoryOfTheRequestTime) => of(object.requested),
            Some(Variant::MemoryOfTheClaimTime) => object.status.attempt.as_ref().and_then(|a| of(a.claimed)),
            Some(Variant::MemoryOfTheAnswer) => of(self.clock(r) + self.setup.clock_error),
            _ => Some(latest),
        }
    }

    /// Read and written at once, since a write that meets another version reads again.
    fn remember(&mut self, r: usize, latest: Second, then: Next) {
        if self.state.etcd.remembered < Some(latest) {
            self.state.etcd.device = self.next_version();
            self.state.etcd.remembered = Some(latest);
        }
        let etcd = &self.state.etcd;
        let replica = &mut self.state.replicas[r];
        let still = |held: &Held| etcd.lock.as_ref().is_some_and(|lock| lock.attempt == held.attempt);
        if replica.held.as_ref().is_none_or(still) {
            replica.device = etcd.device;
        }
        let uid = replica.object.as_ref().map(|object| object.uid);
        let starts = match &then {
            Next::Write(status, _) => status.action.as_ref().map(|action| action.start),
            _ => None,
        };
        let told = |entry: &&mut Entry| entry.uid == uid || Some(entry.start) == starts;
        self.state.record.iter_mut().filter(told).for_each(|entry| entry.told = true);
        if then == Next::Idle { self.pass_ends(r) } else { self.state.replicas[r].next = then }
    }

    /// A lock without a claim goes back; nothing was sent under it.
    fn pass_ends(&mut self, r: usize) {
        if self.state.replicas[r].held.take().is_some() {
            self.lock_goes_back(r, After::PassEnds);
        } else {
            self.state.replicas[r].end_pass();
        }
    }

    fn lock_goes_back(&mut self, r: usize, after: After) {
        match self.state.replicas[r].lock.clone().flatten() {
            Some(_) => self.state.replicas[r].next = Next::GiveBack(after),
            None => self.goes_on(r, after),
        }
    }

    fn goes_on(&mut self, r: usize, after: After) {
        match after {
            After::PassEnds => self.pass_ends(r),
            After::LockIsGivenBack => self.lock_goes_back(r, After::DecideAgain),
            After::DecideAgain => self.think(r),
        }
    }

    // Reads.

    fn read_lock(&mut self, r: usize) {
        let stored = if self.setup.does(Variant::NoDeviceLock) { None } else { self.state.etcd.lock.clone() };
        let estimate = self.clock(r);
        let replica = &mut self.state.replicas[r];
        // What this process took and is not there any more was not swept: etcd was restored.
        if replica.lead.taken.as_ref().is_some_and(|lock| estimate > lock.deadline + lock.settle) {
            replica.lead.taken = None;
        }
        replica.lock = Some(stored.or_else(|| replica.lead.taken.clone()));
        (replica.remembered, replica.device) = (self.state.etcd.remembered, self.state.etcd.device);
        self.think(r);
    }

    fn look(&mut self, r: usize, luck: Luck) {
        let hidden = if let Luck::Hidden(mask) = luck { mask } else { 0 };
        let mut view = self.view(r, hidden);
        if luck == Luck::Empty {
            view.entries.clear();
        }
        self.state.replicas[r].look = Some(view);
        if self.setup.does(Variant::SettleJudgedAtTheWrite) {
            self.state.replicas[r].next = Next::Judge;
        } else {
            self.think(r);
        }
    }

    fn judge_later(&mut self, r: usize) {
        let now = self.clock(r);
        if let Some(view) = self.state.replicas[r].look.as_mut() {
            view.at = now;
        }
        self.think(r);
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

    fn take_lock(&mut self, r: usize, deadline: Tick, luck: Luck) {
        let attempt = self.state.next_attempt;
        self.state.next_attempt += 1;
        let replica = &self.state.replicas[r];
        let seen = replica.device;
        let owner = replica.object.as_ref().map_or(0, |object| object.uid);
        let free = self.state.etcd.device == seen || self.setup.does(Variant::NoDeviceLock);
        if free && luck != Luck::NotApplied {
            let version = self.next_version();
            let settle = self.setup.settle_window();
            self.state.etcd.lock = Some(Lock { attempt, deadline, settle, owner });
            self.state.etcd.device = version;
            if self.setup.does(Variant::MemoryNotCarriedOver) {
                self.state.etcd.remembered = None;
            }
            self.state.locked.push((attempt, self.state.now));
        }
        if luck == Luck::Fine {
            self.ask_for_lock(r, attempt, deadline);
        } else {
            self.state.replicas[r].next = Next::AskForLock { attempt, deadline };
        }
    }

    /// What is stored decides whether it was taken.
    fn ask_for_lock(&mut self, r: usize, attempt: u8, deadline: Tick) {
        let ours = self.state.etcd.lock.clone().filter(|lock| lock.attempt == attempt);
        let keeps_the_look =
            self.setup.does(Variant::NoLookUnderTheLock) || self.setup.does(Variant::LookBeforeTheRead);
        let replica = &mut self.state.replicas[r];
        if !keeps_the_look {
            replica.look = None;
        }
        replica.held = ours.is_some().then_some(Held { attempt, deadline });
        if ours.is_some() {
            replica.lead.taken.clone_from(&ours);
        }
        replica.lock = ours.map(Some);
        replica.device = self.state.etcd.device;
        replica.remembered = self.state.etcd.remembered;
        replica.authority_is_read = false;
        self.think(r);
    }

    /// Asks for authority at once where the world has nothing that could withdraw it.
    fn need_authority(&mut self, r: usize) {
        let changes = self.setup.suspensions > 0 || self.setup.switched_over;
        if changes || self.asks_for_the_lease(Variant::NoLookAtTheLease) {
            self.state.replicas[r].next = Next::AskForAuthority;
        } else {
            self.state.replicas[r].authority_is_read = true;
            self.think(r);
        }
    }

    fn ask_for_authority(&mut self, r: usize) {
        if self.asks_for_the_lease(Variant::NoLookAtTheLease) && !self.holds_the_lease(r) {
            return self.lease_is_lost(r);
        }
        let suspended = self.state.etcd.suspended;
        let at_the_begin = self.setup.does(Variant::AuthorityOfThePassBegin);
        let replica = &mut self.state.replicas[r];
        replica.authority_is_read = true;
        if !at_the_begin {
            replica.suspended = suspended;
        }
        self.think(r);
    }

    /// Whether the leader lease is looked at, but for the variant that does not. Where the API server is not back at once, nobody leads after a
    /// restore, and the protocol holds without it.
    fn asks_for_the_lease(&self, unless: Variant) -> bool {
        self.setup.restored_at_once && !self.setup.does(unless)
    }

    fn ask_for_lease(&mut self, r: usize) {
        if self.holds_the_lease(r) { self.think(r) } else { self.lease_is_lost(r) }
    }

    /// A lease that is not as this replica wrote it, or newer, shows that etcd was restored: what is stored is not to be trusted.
    fn holds_the_lease(&mut self, r: usize) -> bool {
        let (me, written) = (u8::try_from(r).ok(), self.state.replicas[r].lead.latest);
        let kept =
            self.state.etcd.lease.as_ref().is_some_and(|lease| lease.holder == me && Some(lease.renewed) >= written);
        let replica = &mut self.state.replicas[r];
        replica.lease_is_kept = kept && replica.acts(self.setup);
        replica.lease_is_kept
    }

    fn lease_is_lost(&mut self, r: usize) {
        let replica = &mut self.state.replicas[r];
        // Before it takes another lock it has written the lease or lost it.
        replica.lead.leads &= replica.held.is_none();
        self.pass_ends(r);
    }

    fn give_back(&mut self, r: usize, after: After) {
        let replica = &mut self.state.replicas[r];
        replica.lead.taken = None;
        let device = replica.device;
        (replica.lock, replica.look, replica.held) = (None, None, None);
        if self.state.etcd.device == device {
            self.state.etcd.lock = None;
            if self.setup.does(Variant::MemoryDroppedOnRelease) {
                self.state.etcd.remembered = None;
            }
            self.device_lease_is_changed();
        }
        self.goes_on(r, after);
    }

    // The claim, and what is sent under it.

    fn claim(&mut self, r: usize, status: &Status, luck: Luck) {
        let Some(read) = self.state.replicas[r].object.clone() else { return };
        let attempt = status.attempt.as_ref().map_or(0, |attempt| attempt.id);
        self.state.replicas[r].look = None;
        if self.setup.does(Variant::NoClaim) {
            self.state.replicas[r].object = Some(Object { status: status.clone(), ..read });
            return self.claimed(r, attempt);
        }
        let checked = !self.setup.does(Variant::ClaimWithoutPrecondition);
        let written = self.written(&read, status, checked, luck);
        let lost = luck != Luck::Fine && self.setup.does(Variant::LostClaimTakenForSuccess);
        let conflict = written == Err(Unwritten::Conflict) && self.setup.does(Variant::ConflictingClaimTakenForSuccess);
        if lost || conflict {
            self.state.replicas[r].object = Some(Object { status: status.clone(), ..read });
            return self.claimed(r, attempt);
        }
        match written {
            Ok(Some(stored)) => {
                self.state.replicas[r].object = Some(stored);
                self.claimed(r, attempt);
            }
            Err(Unwritten::Gone) => self.pass_ends(r),
            Ok(None) | Err(Unwritten::Conflict) => self.state.replicas[r].next = Next::AskForClaim { attempt },
        }
    }

    fn ask_for_claim(&mut self, r: usize, attempt: u8) {
        let Some(read) = self.state.replicas[r].object.clone() else { return };
        let Some(there) = self.stored(read.slot).filter(|there| there.uid == read.uid) else {
            return self.pass_ends(r);
        };
        let ours = there.status.attempt.as_ref().is_some_and(|stored| stored.id == attempt && stored.result.is_none());
        let replica = &mut self.state.replicas[r];
        (replica.object, replica.lease_is_kept, replica.authority_is_read) = (Some(there), false, false);
        if ours { self.claimed(r, attempt) } else { self.think(r) }
    }

    /// From here on the lock ends by itself, or by what the answer says.
    fn claimed(&mut self, r: usize, attempt: u8) {
        let replica = &mut self.state.replicas[r];
        replica.held = None;
        replica.next = Next::Send { attempt };
    }

    fn send(&mut self, r: usize, attempt: u8) {
        let now = self.clock(r);
        let Some(object) = self.state.replicas[r].object.clone() else { return };
        let deadline = object.status.attempt.as_ref().map_or(Tick::MIN, |attempt| attempt.deadline);
        if now > deadline && !self.setup.does(Variant::NoSendDeadline) {
            return self.answered(r, Answer::NotExecuted, false);
        }
        self.note_sending(&object, attempt);
        let request =
            Request { attempt, slot: object.slot, uid: object.uid, requested: object.requested, sent: self.state.now };
        self.state.requests.push(request);
        self.state.replicas[r].next = Next::Await { attempt };
    }

    /// What has to hold when a request is sent.
    fn note_sending(&mut self, object: &Object, attempt: u8) {
        let error = self.setup.clock_error;
        match self.state.claims.iter().find(|(claimed, uid, _)| (*claimed, *uid) == (attempt, object.uid)) {
            None => self.state.break_with("a request is sent without a stored claim"),
            Some((_, _, deadline)) if self.state.now > deadline + error => {
                self.state.break_with("a request is sent after its deadline");
            }
            Some(_) => {}
        }
        if self.state.now > object.expires + error {
            self.state.break_with("a request is sent after the object has expired");
        }
        if self.state.suspended_at.is_some_and(|at| self.state.now > at + SEND_WINDOW) {
            self.state.break_with("a request is sent too long after the tenant was suspended");
        }
        let locked = self.state.locked.iter().find(|(of, _)| *of == attempt).map_or(Tick::MAX, |(_, at)| *at);
        let shown = self.state.record.iter().skip(self.state.shown_from);
        let known = |at: Tick| at >= object.requested && locked > at + self.setup.ledger_lag;
        if shown.into_iter().any(|entry| !entry.lost && known(entry.at)) {
            self.state.break_with("a request is sent although Intune's record showed a reset when the lock was taken");
        }
        if self.state.requests.iter().any(|other| other.attempt != attempt) {
            self.state.break_with("two requests for one device are under way");
        }
    }

    /// An answer has come, or will not.
    pub fn answered(&mut self, r: usize, answer: Answer, again: bool) {
        let now = self.clock(r);
        let Some(object) = self.state.replicas[r].object.clone() else { return };
        let attempt = object.status.attempt.as_ref().map_or(0, |attempt| attempt.id);
        let judged = bridge::judged(self.setup, object.clone(), answer, again, now);
        let remember = judged.remember.and_then(|latest| self.to_remember_of_an_answer(r, &object, latest));
        self.state.replicas[r].next = match remember {
            _ if judged.step == Do::SendAgain => Next::Send { attempt },
            Some(latest) if !self.setup.does(Variant::MemoryAfterTheStatus) => {
                Next::Remember { latest, then: Box::new(Next::Record(answer)) }
            }
            _ => Next::Record(answer),
        };
    }

    fn record(&mut self, r: usize, answer: Answer, luck: Luck) {
        let now = self.clock(r);
        let Some(read) = self.state.replicas[r].object.clone() else { return };
        let judged = bridge::judged(self.setup, read.clone(), answer, false, now);
        if judged.step == Do::Stop {
            return self.pass_ends(r);
        }
        let released = judged.step == Do::ReleaseLock
            || (answer == Answer::Accepted && self.setup.does(Variant::LockReleasedOnAccepted))
            || (answer == Answer::Unknown && self.setup.does(Variant::LockReleasedOnUnknown))
            || (answer == Answer::Refused && self.setup.does(Variant::RefusalBelieved));
        match self.written(&read, &judged.status, true, luck) {
            Ok(Some(stored)) => {
                self.state.replicas[r].object = Some(stored);
                if let (true, Some(latest)) = (self.setup.does(Variant::MemoryAfterTheStatus), judged.remember) {
                    self.state.replicas[r].next = Next::Remember { latest, then: Box::new(Next::Idle) };
                    return;
                }
                self.goes_on(r, if released { After::LockIsGivenBack } else { After::DecideAgain });
            }
            Ok(None) | Err(_) => self.state.replicas[r].next = Next::AskForRecord(answer),
        }
    }

    fn ask_for_record(&mut self, r: usize, answer: Answer) {
        let Some(read) = self.state.replicas[r].object.clone() else { return };
        let Some(there) = self.stored(read.slot).filter(|there| there.uid == read.uid) else {
            return self.pass_ends(r);
        };
        let attempt = |object: &Object| object.status.attempt.as_ref().map(|attempt| (attempt.id, attempt.result));
        let waits = attempt(&there)
            .is_some_and(|(id, result)| result.is_none() && attempt(&read).is_some_and(|(ours, _)| ours == id));
        let replica = &mut self.state.replicas[r];
        (replica.object, replica.lease_is_kept, replica.authority_is_read) = (Some(there), false, false);
        if waits { self.state.replicas[r].next = Next::Record(answer) } else { self.think(r) }
    }

    // Writes.

    fn write(&mut self, r: usize, status: &Status, after: After, luck: Luck) {
        let Some(read) = self.state.replicas[r].object.clone() else { return };
        let checked = status.end.is_none() || !self.setup.does(Variant::OutcomeWithoutPrecondition);
        match self.written(&read, status, checked, luck) {
            Ok(Some(stored)) => {
                self.state.replicas[r].object = Some(stored);
                self.goes_on(r, after);
            }
            Ok(None) | Err(_) => self.pass_ends(r),
        }
    }

    /// Writes a status on the version that was read, if that is checked; `None`: there is no answer.
    fn written(
        &mut self,
        read: &Object,
        status: &Status,
        checked: bool,
        luck: Luck,
    ) -> Result<Option<Object>, Unwritten> {
        match luck {
            Luck::NotApplied => return Ok(None),
            Luck::AppliedLater => {
                self.state.late.push(Late { read: read.clone(), status: status.clone() });
                return Ok(None);
            }
            _ => {}
        }
        let stored = self.store(read, status, checked)?;
        Ok((luck == Luck::Fine).then_some(stored))
    }

    /// What the API server makes of a merge patch of a status.
    pub fn store(&mut self, read: &Object, status: &Status, checked: bool) -> Result<Object, Unwritten> {
        let Some(there) = self.stored(read.slot) else { return Err(Unwritten::Gone) };
        let attempt = |object: &Object| object.status.attempt.as_ref().map(|attempt| attempt.id);
        let same = there.uid == read.uid && attempt(&there) == attempt(read);
        if checked && (there.version != read.version || (!same && !self.setup.does(Variant::AttemptIdNotCompared))) {
            return Err(Unwritten::Conflict);
        }
        if !same && checked {
            self.state.break_with("a status is written on another attempt's");
        }
        let version = self.next_version();
        let new = Object { status: merged(&there.status, &read.status, status), version, ..there.clone() };
        self.note_status(&there, &new);
        self.state.before[usize::from(read.slot)] = Some(there);
        self.state.etcd.objects[usize::from(read.slot)] = Some(new.clone());
        Ok(new)
    }

    /// What has to hold of every write of a status; and a claim is a claim only once it is stored.
    fn note_status(&mut self, old: &Object, new: &Object) {
        if old.status.end.is_some() && old.status != new.status {
            self.state.break_with("an outcome is not the last word");
        }
        if let Some(attempt) = &new.status.attempt
            && !self.state.claims.iter().any(|(id, uid, _)| (*id, *uid) == (attempt.id, new.uid))
        {
            self.state.claims.push((attempt.id, new.uid, attempt.deadline));
        }
        self.note_what_is_told(new);
        let shown = self.state.record.iter().skip(self.state.shown_from);
        if new.status.silent > old.status.silent && shown.into_iter().any(|entry| entry.uid == Some(new.uid)) {
            self.state.break_with("an attempt that was carried out is counted as silent");
        }
        let executed = self.state.executed.iter().any(|executed| executed.uid == new.uid);
        match new.status.end {
            Some((End::Rejected, why)) => {
                self.state.rejected.push(new.uid);
                // A declaration that came back is not a second ticket for what was done for itself.
                let done = self.state.executed.iter().any(|executed| executed.slot == new.slot);
                if executed || (done && why == reason::RECENTLY_RESET) {
                    self.state.break_with("Rejected, and one was carried out");
                }
            }
            Some((End::Complete, _)) => {
                let margin = self.setup.clock_error + self.setup.ledger_clock_error;
                let from = new.requested - margin - self.setup.intune_error.abs();
                let done = |at: Option<Tick>| at.is_some_and(|at| at >= from);
                if !self.state.record.iter().any(|entry| done(entry.done_at)) {
                    self.state.break_with("Complete without a reset");
                }
            }
            _ => {}
        }
        let alone = self.setup.clock_errors.len() == 1;
        if alone && self.setup.crashes + self.setup.losses + self.setup.restores == 0 && new.status.silent > 0 {
            self.state.break_with("in doubt although every answer came");
        }
    }

    /// What a status says was there may be lost from then on.
    fn note_what_is_told(&mut self, object: &Object) {
        let accepted = object.status.attempt.as_ref().is_some_and(|a| a.result == Some(Answer::Accepted));
        let followed = object.status.action.as_ref().map(|action| action.start);
        for entry in &mut self.state.record {
            entry.told |= (accepted && entry.uid == Some(object.uid)) || Some(entry.start) == followed;
        }
    }

    /// The device lease has another version, or there is none any more.
    pub fn device_lease_is_changed(&mut self) {
        let version = self.next_version();
        let etcd = &mut self.state.etcd;
        etcd.device = if etcd.lock.is_none() && etcd.remembered.is_none() { 0 } else { version };
    }

    pub fn stored(&self, slot: u8) -> Option<Object> {
        self.state.etcd.objects[usize::from(slot)].clone()
    }

    pub fn next_version(&mut self) -> u16 {
        self.state.etcd.version += 1;
        self.state.etcd.version
    }

    // What is done wrong.

    fn found_claim_to_send_again(&self, r: usize, facts: &Facts) -> Option<u8> {
        let attempt = facts.object.status.attempt.as_ref().filter(|attempt| attempt.result.is_none())?;
        let lock_read = self.state.replicas[r].lock.is_none();
        (self.setup.does(Variant::SentAgainWhenClaimIsFound) && lock_read).then_some(attempt.id)
    }

    /// The facts as a wrong operator takes them.
    fn misunderstand(&self, facts: &mut Facts) {
        let Some(variant) = self.setup.variant else { return };
        let requested = i32::from(facts.object.requested) * TICK;
        let uid = facts.object.uid;
        match variant {
            Variant::AdoptsOnlyStrictlyAfter => {
                if let Some(view) = facts.look.as_mut() {
                    view.entries.retain(|(start, progress)| *progress == Progress::Pending || *start > requested);
                }
            }
            Variant::OnlyOwnResetsCounted => {
                let own =
                    |start: i32| self.state.record.iter().any(|entry| entry.start == start && entry.uid == Some(uid));
                if let Some(view) = facts.look.as_mut() {
                    view.entries.retain(|(start, _)| own(*start));
                }
            }
            Variant::LockOpenOnlyUntilSendDeadline => {
                if let Some(Some(lock)) = facts.lock.as_mut() {
                    lock.settle = 0;
                }
            }
            Variant::LockThatNeverEnds => {
                if let Some(Some(lock)) = facts.lock.as_mut() {
                    lock.settle = 10_000;
                }
            }
            Variant::ExpiredAtOnceWhileSuspended => {
                facts.suspended &= facts.look.as_ref().is_none_or(|view| view.at <= facts.object.expires);
            }
            Variant::ExpiredWhileOpen => {
                let expired = facts.look.as_ref().is_some_and(|view| view.at > facts.object.expires);
                if expired && facts.object.status.action.is_none() {
                    facts.object.status.attempt = None;
                    facts.lock = facts.lock.as_ref().map(|_| None);
                }
            }
            Variant::RejectedAfterSilence => {
                let at = facts.look.as_ref().map(|view| view.at);
                if let Some(attempt) = facts.object.status.attempt.as_mut()
                    && matches!(attempt.result, None | Some(Answer::Unknown))
                    && at.is_some_and(|at| at > attempt.deadline + attempt.settle)
                {
                    attempt.result = Some(Answer::NotExecuted);
                    facts.lock = Some(None);
                }
            }
            Variant::RefusalBelieved => {
                let attempt = facts.object.status.attempt.as_mut();
                if let Some(attempt) = attempt.filter(|attempt| attempt.result == Some(Answer::Refused)) {
                    attempt.deadline = -1000;
                }
            }
            Variant::NoQuarantine => facts.quarantine = None,
            Variant::QuarantineOnlyWhenDeciding if facts.held.is_some() => facts.quarantine = None,
            _ => {}
        }
    }
}

/// What a merge patch from one status to another makes of a third: of each field, what was changed.
fn merged(there: &Status, old: &Status, new: &Status) -> Status {
    fn pick<T: PartialEq + Clone>(there: &T, old: &T, new: &T) -> T {
        if old == new { there.clone() } else { new.clone() }
    }
    let attempt = match (&there.attempt, &old.attempt, &new.attempt) {
        (Some(there), Some(old), Some(new)) => Some(crate::state::Attempt {
            id: pick(&there.id, &old.id, &new.id),
            number: pick(&there.number, &old.number, &new.number),
            claimed: pick(&there.claimed, &old.claimed, &new.claimed),
            deadline: pick(&there.deadline, &old.deadline, &new.deadline),
            settle: pick(&there.settle, &old.settle, &new.settle),
            seen: pick(&there.seen, &old.seen, &new.seen),
            result: pick(&there.result, &old.result, &new.result),
        }),
        (there, old, new) => pick(there, old, new),
    };
    Status {
        attempt,
        silent: pick(&there.silent, &old.silent, &new.silent),
        action: pick(&there.action, &old.action, &new.action),
        earlier: pick(&there.earlier, &old.earlier, &new.earlier),
        end: pick(&there.end, &old.end, &new.end),
    }
}
