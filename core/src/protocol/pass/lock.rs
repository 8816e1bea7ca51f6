//! The device lock: taken, looked for after a write that failed, released.

use super::{End, Event, Pass, Stage, Why};
use crate::protocol::terms::{Held, Rules, Terms};

impl<T: Terms> Pass<T> {
    pub(super) fn lock_is_put(&mut self, attempt: T::AttemptId, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::LeaseStored(lease) => self.locked(attempt, lease, rules),
            Event::LockAltered(lease) => self.release(Some(lease), rules),
            Event::NotStored(why) => {
                (self.known.lock, self.known.look) = (None, None);
                self.stage = Stage::AskForLock { attempt, why };
            }
            event => self.fail(event),
        }
    }

    /// An answer may have been lost, or be one to a repetition: what is stored decides.
    pub(super) fn lock_is_asked(
        &mut self,
        attempt: T::AttemptId,
        why: Why,
        event: Event<T>,
        rules: &mut impl Rules<T>,
    ) {
        match (event, why) {
            (Event::Lock(Some(lease)), _) if T::locked_for(&lease).as_ref() == Some(&attempt) => {
                self.locked(attempt, lease, rules);
            }
            (Event::LockAltered(lease), _) => self.release(Some(lease), rules),
            // Somebody was faster, or admission control is in the way: decided with what is there now.
            (Event::Lock(_), Why::Conflict | Why::Gone | Why::Denied) => self.decide(rules),
            (Event::NotStored(why), _) | (_, why) => self.end(End::Failed(why)),
        }
    }

    fn locked(&mut self, attempt: T::AttemptId, lease: T::Lease, rules: &mut impl Rules<T>) {
        // Whatever was seen was seen before the lock.
        self.known.look = None;
        (self.known.policies_are_read, self.known.approvals_are_read) = (false, false);
        self.known.lock = Some(Some(lease.clone()));
        self.known.held = Some(Held { attempt, lease, authority_is_read: false });
        self.decide(rules);
    }

    /// Releases a lock under which nothing was carried out, and decides again.
    pub(super) fn release(&mut self, lease: Option<T::Lease>, rules: &mut impl Rules<T>) {
        (self.known.lock, self.known.look, self.known.held) = (None, None, None);
        match lease {
            Some(lease) => self.stage = Stage::Release(lease, None),
            None => self.decide(rules),
        }
    }
}
