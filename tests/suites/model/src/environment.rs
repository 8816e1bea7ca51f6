//! What happens by itself: time, Graph, the device, people, crashes, restores.

use std::ops::ControlFlow::Continue;

use passcode_core::{
    lifecycle::step::Fact,
    protocol::{leases::may_be_swept, pass::Effect},
};

use crate::{
    driver::{Luck, World},
    election::me,
    setup::SEND_WINDOW,
    state::{Answer, Entry, Executed, Lock, Object, Progress, Replica, Request, Second, Status, TICK, Tick},
    variant::Variant,
};

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Half a minute passes.
    Tick,
    /// A replica begins a pass over the object of this slot; `true`: it sees the version before the present one.
    Begin(usize, u8, bool),
    /// A replica takes its next step.
    Step(usize, Luck),
    /// The same, and at once every read that follows; none of them shows these entries.
    Stride(usize, Luck, u8),
    /// A replica loses all that it knows.
    Crash(usize),
    /// Graph carries this request out, and says so.
    Accept(usize),
    /// Graph carries it out; the answer is lost, or says nothing.
    AcceptInSilence(usize),
    /// It is never carried out, and nobody says so.
    Lose(usize),
    /// 429.
    Throttle(usize),
    /// 400; the request is still on its way, for a refusal is no proof.
    Refuse(usize),
    /// A replica waits no longer for its answer, or something on the way answers; the request is still on its way.
    TimeOut(usize),
    /// The device answers to this entry.
    Device(usize),
    /// A person resets the device.
    ByHand,
    /// The device is enrolled again.
    Enrol,
    /// The object of this slot is deleted and declared again, as it was.
    Recreate(u8),
    /// The API server judges a write whose caller gave up.
    Late(usize),
    /// etcd is put back to the copy.
    Restore,
    /// A replica looks after the leader lease.
    Renew(usize),
    /// A replica is stopped, and lets the lease go; then it is started again.
    Stop(usize),
    /// A replica sweeps the device lock, which holds nobody back any more.
    Sweep(usize),
    /// Intune loses this entry.
    Forget(usize),
    /// Graph accepts this request, and carries it out later.
    AcceptEarly(usize),
    /// The tenant is suspended.
    Suspend,
    /// The approval is taken back.
    Revoke,
    /// The other installation is suspended.
    OtherSuspends,
    /// The other installation sends a request for the first object.
    OtherSends,
    /// This installation is resumed.
    Resume,
}

impl World<'_> {
    /// What may happen now.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        let (setup, state) = (self.setup, &self.state);
        for r in 0..state.replicas.len() {
            self.replica_actions(r, actions);
        }
        for (i, request) in state.requests.iter().enumerate() {
            let awaited = self.awaiting(request.attempt).is_some();
            actions.push(Action::Accept(i));
            if awaited && state.left.losses > 0 {
                actions.push(Action::AcceptInSilence(i));
            }
            if !awaited || state.left.losses > 0 {
                actions.push(Action::Lose(i));
            }
            if awaited && state.left.early_answers > 0 {
                actions.push(Action::AcceptEarly(i));
            }
            if awaited && state.left.throttles > 0 {
                actions.push(Action::Throttle(i));
            }
            if awaited && state.left.refusals > 0 {
                actions.push(Action::Refuse(i));
            }
        }
        let pending = state.record.iter().enumerate().filter(|(_, entry)| entry.progress == Progress::Pending);
        actions.extend(pending.map(|(i, _)| Action::Device(i)));
        if state.left.by_hand > 0 {
            actions.push(Action::ByHand);
        }
        if state.left.enrolments > 0 {
            actions.push(Action::Enrol);
        }
        if state.left.recreations > 0 {
            let there = state.etcd.objects.iter().flatten();
            actions.extend(there.map(|object| Action::Recreate(object.slot)));
        }
        actions.extend((0..state.late.len()).map(Action::Late));
        if state.left.restores > 0 {
            let old_enough = state.copy.as_ref().is_some_and(|(at, _)| state.now >= at + setup.restored_after);
            if old_enough && (!self.takes_back_a_renewal() || self.renewal_is_taken_back()) {
                actions.push(Action::Restore);
            }
        }
        if state.left.forgets > 0 {
            let told = state.record.iter().enumerate().filter(|(_, entry)| entry.told && !entry.lost);
            actions.extend(told.map(|(i, _)| Action::Forget(i)));
        }
        if state.left.suspensions > 0 {
            actions.push(Action::Suspend);
        }
        if state.left.revocations > 0 {
            actions.push(Action::Revoke);
        }
        self.actions_of_a_switch_over(actions);
        let on_its_way = state.requests.iter().any(|request| state.now >= request.sent + setup.send_grace);
        if state.now < setup.span.1 && !on_its_way {
            actions.push(Action::Tick);
        }
    }

    fn actions_of_a_switch_over(&self, actions: &mut Vec<Action>) {
        let (state, setup) = (&self.state, self.setup);
        let Some(other) = &state.other else { return };
        let acts = other.suspended_at.is_none_or(|at| state.now <= at + SEND_WINDOW + 2 * setup.clock_error);
        let in_time = setup.objects.first().is_some_and(|(requested, expires)| {
            (requested - setup.clock_error..=expires + setup.clock_error).contains(&state.now)
        });
        if !other.sent && acts && in_time {
            actions.push(Action::OtherSends);
        }
        match other.suspended_at {
            None => actions.push(Action::OtherSuspends),
            Some(at) if state.etcd.suspended && state.now > at + setup.switch_over() => actions.push(Action::Resume),
            Some(_) => {}
        }
    }

    fn replica_actions(&self, r: usize, actions: &mut Vec<Action>) {
        let (state, replica) = (&self.state, &self.state.replicas[r]);
        match replica.pass.as_ref().and_then(|pass| pass.next().continue_value()) {
            _ if replica.late_memory.is_some() => self.with_luck(r, Luck::Fine, actions),
            None if replica.acts(self.setup) => {
                for slot in 0..u8::try_from(state.etcd.objects.len()).unwrap() {
                    for stale in [false, true] {
                        if self.read(slot, stale).is_some_and(|object| object.status.end.is_none()) {
                            actions.push(Action::Begin(r, slot, stale));
                        }
                    }
                }
            }
            None => {}
            Some(_) if replica.awaits && state.left.losses > 0 => actions.push(Action::TimeOut(r)),
            Some(_) if replica.awaits => {}
            Some(_) if self.looks_next(r) => {
                let open = self.hideable();
                let masks = (0..=u8::MAX).filter(|mask| mask & !open == 0);
                actions.extend(masks.map(|mask| Action::Step(r, Luck::Hidden(mask))));
                if state.left.empty_looks > 0 {
                    actions.push(Action::Step(r, Luck::Empty));
                }
            }
            Some(effect) => {
                self.with_luck(r, Luck::Fine, actions);
                let write = matches!(effect, Effect::Claim(_) | Effect::Write(_));
                if state.left.losses > 0 && (write || effect == Effect::Reserve) {
                    self.with_luck(r, Luck::Unanswered, actions);
                    self.with_luck(r, Luck::NotApplied, actions);
                }
                if state.left.losses > 0 && write {
                    self.with_luck(r, Luck::AppliedLater, actions);
                }
            }
        }
        if state.left.crashes > 0 && *replica != Replica::started(me(r), self.setup) {
            actions.push(Action::Crash(r));
        }
        self.turns(r, actions);
        // Nothing that is remembered is ever over in so short a time, and none of the hour is waited for.
        let (lock, is_open) = (state.etcd.lock.as_ref(), |lock: &Lock| self.clock(r) <= lock.deadline + lock.settle);
        let swept = may_be_swept(lock, state.etcd.remembered.as_ref(), false, is_open, |_| false);
        if self.setup.sweeps && lock.is_some() && swept {
            actions.push(Action::Sweep(r));
        }
    }

    /// A step, alone or with the reads that follow: these show all entries, or none that may be hidden.
    fn with_luck(&self, r: usize, luck: Luck, actions: &mut Vec<Action>) {
        if !self.setup.strides {
            return actions.push(Action::Step(r, luck));
        }
        let open = self.hideable();
        actions.push(Action::Stride(r, luck, 0));
        if open != 0 {
            actions.push(Action::Stride(r, luck, open));
        }
    }

    /// The entries that a look need not show yet, a bit each.
    fn hideable(&self) -> u8 {
        let (setup, state) = (self.setup, &self.state);
        let entries = state.record.iter().enumerate().skip(state.shown_from);
        let open = entries.filter(|(_, entry)| entry.uid.is_some() && state.now <= entry.at + setup.ledger_lag);
        open.fold(0, |mask, (index, _)| mask | 1 << index)
    }

    fn read(&self, slot: u8, stale: bool) -> Option<Object> {
        if !stale {
            return self.stored(slot);
        }
        let before = self.state.before[usize::from(slot)].clone();
        before.filter(|_| self.state.left.stale_reads > 0)
    }

    fn awaiting(&self, attempt: u8) -> Option<usize> {
        let sends = |replica: &Replica| {
            let pass = replica.pass.as_ref().filter(|_| replica.awaits);
            pass.is_some_and(|pass| pass.next() == Continue(Effect::Send(&attempt)))
        };
        self.state.replicas.iter().position(sends)
    }

    /// Lets it happen.
    pub fn happen(&mut self, action: &Action) {
        match *action {
            Action::Tick => self.state.now += 1,
            Action::Begin(r, slot, stale) => {
                let Some(object) = self.read(slot, stale) else { return };
                self.state.left.stale_reads -= u8::from(stale);
                self.begin(r, object);
            }
            Action::Step(r, luck) => {
                let lost = matches!(luck, Luck::Unanswered | Luck::NotApplied | Luck::AppliedLater);
                self.state.left.losses -= u8::from(lost);
                self.state.left.empty_looks -= u8::from(luck == Luck::Empty);
                self.step(r, luck);
            }
            Action::Stride(r, luck, hidden) => {
                self.happen(&Action::Step(r, luck));
                self.read_on(r, hidden);
            }
            Action::Crash(r) => {
                self.state.left.crashes -= 1;
                self.state.replicas[r] = Replica::started(me(r), self.setup);
            }
            Action::Accept(i) => self.carry_out(i, true),
            Action::AcceptInSilence(i) => self.carry_out(i, false),
            Action::Lose(i) => self.lose(i),
            Action::Throttle(i) => {
                self.state.left.throttles -= 1;
                let counted = self.setup.does(Variant::ThrottlingCounted);
                self.drop_request(i, if counted { Answer::Unknown } else { Answer::NotExecuted });
            }
            Action::Refuse(i) => {
                self.state.left.refusals -= 1;
                if let Some(r) = self.awaiting(self.state.requests[i].attempt) {
                    self.answered(r, Answer::Refused, false);
                }
            }
            Action::TimeOut(r) => {
                self.state.left.losses -= 1;
                let believed = self.setup.does(Variant::AnothersAnswerBelieved);
                self.answered(r, if believed { Answer::NotExecuted } else { Answer::Unknown }, false);
            }
            Action::Device(i) => {
                let now = self.state.now;
                let entry = &mut self.state.record[i];
                (entry.progress, entry.done_at) = (Progress::Done, Some(now));
            }
            Action::ByHand => {
                self.state.left.by_hand -= 1;
                self.enter(None);
            }
            Action::Enrol => {
                self.state.left.enrolments -= 1;
                self.state.shown_from = self.state.record.len();
                self.state.enrolled = Some(self.state.now + self.setup.intune_error);
            }
            Action::Recreate(slot) => self.recreate(slot),
            Action::Late(i) => {
                let late = self.state.late.remove(i);
                let _ = self.store(&late.read, &late.status, true);
            }
            Action::Restore => self.restore(),
            Action::Renew(r) => self.renew(r),
            Action::Stop(r) => {
                self.state.left.stops -= 1;
                self.let_go(r);
                self.state.replicas[r] = Replica::started(me(r), self.setup);
            }
            Action::Sweep(_) => {
                self.state.etcd.lock = None;
                self.device_lease_is_changed();
            }
            Action::Forget(i) => {
                self.state.left.forgets -= 1;
                self.state.record[i].lost = true;
            }
            Action::AcceptEarly(i) => {
                self.state.left.early_answers -= 1;
                let awaiting = self.awaiting(self.state.requests[i].attempt);
                awaiting.into_iter().for_each(|r| self.answered(r, Answer::Accepted, false));
            }
            Action::Suspend => {
                self.state.left.suspensions -= 1;
                self.state.etcd.suspended = true;
                self.state.suspended_at = Some(self.state.now);
            }
            Action::Revoke => {
                self.state.left.revocations -= 1;
                self.state.etcd.revoked = true;
                self.state.revoked_at = Some(self.state.now);
            }
            Action::OtherSuspends => {
                let now = self.state.now;
                self.state.other.iter_mut().for_each(|other| other.suspended_at = Some(now));
            }
            Action::OtherSends => self.other_sends(),
            Action::Resume => self.state.etcd.suspended = false,
        }
    }

    /// Makes every read that comes next.
    fn read_on(&mut self, r: usize, hidden: u8) {
        loop {
            let replica = &self.state.replicas[r];
            let free = !replica.awaits && replica.late_memory.is_none();
            match replica.pass.as_ref().filter(|_| free).and_then(|pass| pass.next().continue_value()) {
                Some(_) if self.looks_next(r) => self.step(r, Luck::Hidden(hidden)),
                Some(Effect::Observe(Fact::Device | Fact::Lock | Fact::Authority) | Effect::ReadLock) => {
                    self.step(r, Luck::Fine);
                }
                _ => return,
            }
        }
    }

    // Graph.

    fn enter(&mut self, uid: Option<u8>) {
        let now = self.state.now;
        let start = Second::from(now + self.setup.intune_error) * TICK;
        let of_this_tick =
            self.state.record.iter().filter(|entry| (start..start + TICK).contains(&entry.start)).count();
        let start = start + Second::try_from(of_this_tick).unwrap();
        self.state.record.push(Entry {
            start,
            at: now,
            progress: Progress::Pending,
            done_at: None,
            uid,
            told: false,
            lost: false,
        });
    }

    fn carry_out(&mut self, i: usize, told: bool) {
        let request = self.state.requests[i].clone();
        let awaiting = self.awaiting(request.attempt);
        self.state.left.losses -= u8::from(!told);
        self.execute(&request);
        if !told && self.setup.does(Variant::RepeatedByHttp) {
            self.state.requests[i].sent = self.state.now;
            return;
        }
        self.state.requests.remove(i);
        let Some(r) = awaiting else { return };
        let (answer, again) = match self.setup.variant {
            _ if told => (Answer::Accepted, false),
            Some(Variant::ServerErrorTakenForNotExecuted) => (Answer::NotExecuted, true),
            _ => (Answer::Unknown, false),
        };
        self.answered(r, answer, again);
    }

    /// None is carried out for an object if one of ours was carried out at or after its requestTime, or for the same declaration (a clock that
    /// is ahead sends a little before requestTime); and what was rejected stays so.
    fn execute(&mut self, request: &Request) {
        let Request { attempt, slot, uid, requested, .. } = *request;
        if self.state.executed.iter().any(|earlier| earlier.at >= requested || earlier.slot == slot) {
            self.state.break_with("a second reset is carried out");
        }
        if self.state.rejected.contains(&uid) {
            self.state.break_with("one is carried out for what was Rejected");
        }
        self.state.executed.push(Executed { attempt, slot, uid, at: self.state.now });
        self.enter(Some(uid));
    }

    fn lose(&mut self, i: usize) {
        let awaited = self.awaiting(self.state.requests[i].attempt).is_some();
        self.state.left.losses -= u8::from(awaited);
        self.drop_request(i, Answer::Unknown);
    }

    /// The first object is declared in both clusters, so what is carried out for it in one is carried out for it in the other.
    fn other_sends(&mut self) {
        let now = self.state.now;
        let Some(object) = self.stored(0) else { return };
        self.state.other.iter_mut().for_each(|other| other.sent = true);
        if !self.state.requests.is_empty() {
            self.state.break_with("two requests for one device are under way");
        }
        let request =
            Request { attempt: 0, slot: object.slot, uid: object.uid, requested: object.requested, sent: now };
        self.state.requests.push(request);
    }

    /// It is not carried out; whoever waits for an answer gets this one.
    fn drop_request(&mut self, i: usize, answer: Answer) {
        let request = self.state.requests.remove(i);
        if let Some(r) = self.awaiting(request.attempt) {
            self.answered(r, answer, answer == Answer::NotExecuted);
        }
    }

    // People.

    fn recreate(&mut self, slot: u8) {
        let Some(old) = self.stored(slot) else { return };
        self.state.left.recreations -= 1;
        if self.setup.does(Variant::LockReleasedWithItsObject) {
            self.state.etcd.lock = self.state.etcd.lock.take().filter(|lock| lock.owner != old.uid);
            self.device_lease_is_changed();
        }
        let uid = self.state.next_uid;
        self.state.next_uid += 1;
        let version = self.next_version();
        let new = Object { uid, status: Status::default(), version, ..old.clone() };
        self.state.before[usize::from(slot)] = Some(old);
        self.state.etcd.objects[usize::from(slot)] = Some(new);
    }

    fn restore(&mut self) {
        let Some((at, copy)) = self.state.copy.take() else { return };
        self.state.left.restores -= 1;
        self.state.etcd.clone_from(&copy);
        self.state.copy = (self.state.left.restores > 0).then_some((at, copy));
        self.state.before = vec![None; self.state.etcd.objects.len()];
        if self.setup.restored_at_once {
            return;
        }
        self.nobody_hears_of_the_lease();
    }

    // The end.

    /// Lets everything go well from here on, for so many ticks; answers whether every object has an outcome then.
    pub fn drive_to_end(&mut self, ticks: Tick) -> bool {
        for _ in 0..ticks {
            self.all_goes_well();
            if self.state.etcd.objects.iter().flatten().all(|object| object.status.end.is_some()) {
                return true;
            }
            self.state.now += 1;
        }
        false
    }

    fn all_goes_well(&mut self) {
        let mut actions = Vec::new();
        self.actions_of_a_switch_over(&mut actions);
        for action in actions.into_iter().filter(|action| *action != Action::OtherSends) {
            self.happen(&action);
        }
        while !self.state.late.is_empty() {
            self.happen(&Action::Late(0));
        }
        for r in 0..self.state.replicas.len() {
            if self.setup.leases {
                self.happen(&Action::Renew(r));
            }
            self.finish_pass(r);
            for slot in 0..u8::try_from(self.state.etcd.objects.len()).unwrap() {
                let waits = self.stored(slot).is_some_and(|object| object.status.end.is_none());
                if waits && self.state.replicas[r].acts(self.setup) {
                    self.happen(&Action::Begin(r, slot, false));
                    self.finish_pass(r);
                }
            }
        }
        while !self.state.requests.is_empty() {
            self.happen(&Action::Accept(0));
        }
        for i in 0..self.state.record.len() {
            if self.state.record[i].progress == Progress::Pending {
                self.happen(&Action::Device(i));
            }
        }
    }

    fn finish_pass(&mut self, r: usize) {
        for _ in 0..100 {
            let replica = &self.state.replicas[r];
            let sends = replica.pass.as_ref().filter(|_| replica.awaits).and_then(|pass| match pass.next() {
                Continue(Effect::Send(attempt)) => Some(*attempt),
                _ => None,
            });
            match sends {
                _ if replica.is_idle() => return,
                None => self.step(r, Luck::Fine),
                Some(attempt) => match self.state.requests.iter().position(|request| request.attempt == attempt) {
                    Some(i) => self.happen(&Action::Accept(i)),
                    // The repeated one has come and gone.
                    None => self.answered(r, Answer::Unknown, false),
                },
            }
        }
        self.state.break_with("a pass has no end");
    }
}
