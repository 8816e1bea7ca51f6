//! The resets that were sent in the last 24 hours, or may have been: what the budgets of policies count.
//!
//! A reset counts from the moment at which its device lock is taken, before the policies are asked under that lock, so that of two which begin
//! at once the second one sees the first. The device leases keep it over restarts and hand-overs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use passcode_core::{api::time::saturating_add, policy::PastReset};

use super::locks::{COUNTED_FOR, SentReset};

/// The resets, in the order in which they began to count.
#[derive(Default)]
pub struct SentResets(Mutex<Vec<SentReset>>);

impl SentResets {
    /// Begins with what the device leases tell.
    pub fn begin_with(&self, mut told: Vec<SentReset>) {
        told.sort_by_key(|sent| sent.reset.time);
        *self.lock() = told;
    }

    /// Counts one from now on; its lock was just taken.
    pub fn count(&self, sent: SentReset) {
        let mut all = self.lock();
        let oldest = saturating_add(sent.reset.time, -COUNTED_FOR);
        all.retain(|other| other.reset.time >= oldest && other.attempt_id != sent.attempt_id);
        all.push(sent);
    }

    /// It was not carried out, and does not count any more.
    pub fn give_back(&self, attempt_id: &str) {
        self.lock().retain(|sent| sent.attempt_id != attempt_id);
    }

    /// What counts for an attempt at a device: what began before it, if it holds its lock, else everything.
    #[must_use]
    pub fn before(&self, attempt_id: Option<&str>, lease: &str, managed_device_id: &str) -> Vec<PastReset> {
        let all = self.lock();
        let own = all.iter().position(|sent| Some(sent.attempt_id.as_str()) == attempt_id).unwrap_or(all.len());
        let past = |sent: &SentReset| {
            let device = if sent.lease == lease { managed_device_id } else { "" };
            PastReset { managed_device_id: device.to_owned(), ..sent.reset.clone() }
        };
        all.iter().take(own).map(past).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SentReset>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn sent(attempt: &str, hour: i64) -> SentReset {
        let reset = PastReset {
            time: Timestamp::from_second(hour * 3600).unwrap(),
            uid: format!("uid of {attempt}"),
            namespace: "helpdesk".to_owned(),
            tenant: "default".to_owned(),
            managed_device_id: String::new(),
            requester: None,
        };
        SentReset { attempt_id: attempt.to_owned(), lease: format!("lease of {attempt}"), reset }
    }

    fn hours(all: &[PastReset]) -> Vec<i64> {
        all.iter().map(|reset| reset.time.as_second() / 3600).collect()
    }

    #[test]
    fn of_two_that_begin_at_once_the_second_sees_the_first() {
        let resets = SentResets::default();
        resets.begin_with(vec![sent("b", 2), sent("a", 1)]);
        resets.count(sent("c", 3));
        resets.count(sent("d", 3));
        assert_eq!(hours(&resets.before(Some("c"), "", "")), [1, 2]);
        assert_eq!(hours(&resets.before(Some("d"), "", "")), [1, 2, 3]);
        assert_eq!(hours(&resets.before(None, "", "")), [1, 2, 3, 3], "one without a lock sees both");
        resets.give_back("c");
        assert_eq!(hours(&resets.before(Some("d"), "", "")), [1, 2]);
    }

    #[test]
    fn what_no_budget_can_be_about_is_forgotten() {
        let resets = SentResets::default();
        resets.count(sent("a", 1));
        resets.count(sent("b", 25));
        assert_eq!(hours(&resets.before(None, "", "")), [1, 25]);
        resets.count(sent("c", 26));
        assert_eq!(hours(&resets.before(None, "", "")), [25, 26]);
    }
    #[test]
    fn the_same_device_is_known_by_its_lease() {
        let resets = SentResets::default();
        resets.begin_with(vec![sent("a", 1), sent("b", 2)]);
        let devices = resets.before(None, "lease of b", "phone").into_iter().map(|reset| reset.managed_device_id);
        assert_eq!(devices.collect::<Vec<_>>(), ["", "phone"]);
    }
}
