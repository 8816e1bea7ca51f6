//! What the API server stores, and what has to hold of every status that is stored and of every request that is sent.

use passcode_core::api::conditions::reason;

use crate::{
    driver::{Luck, Unwritten, World},
    setup::SEND_WINDOW,
    state::{Answer, End, Late, Object, Status, Tick},
    variant::Variant,
};

impl World<'_> {
    /// Writes a status on the version that was read, if that is checked; `None`: there is no answer.
    pub fn written(
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

    /// What has to hold when a request is sent.
    pub fn note_sending(&mut self, object: &Object, attempt: u8) {
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
        if self.state.revoked_at.is_some_and(|at| self.state.now > at + SEND_WINDOW) {
            self.state.break_with("a request is sent too long after its approval was taken back");
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
