//! Device leases: which lock counts across a restore of etcd, what a release leaves, and when a lease may be swept.
//!
//! Of whatever types: the operator has its own, the model small numbers.

use jiff::{SignedDuration, Timestamp};

use crate::{api::time::saturating_add, lifecycle::lock::Lock};

/// How long after its claim a lock is kept: a new leader counts the last hour's.
const KEPT: SignedDuration = SignedDuration::from_secs(3600);

/// Which of two locks of one device counts: what is stored, or what this process took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// What is stored; what was taken is over, or there is nothing.
    Stored,
    /// What this process took. A lock is never swept or taken over before its time, so if it is gone, or an earlier one is there again, etcd was
    /// restored, and what was sent under it may still be under way.
    Taken,
}

/// Which lock counts, given when each of them is open.
#[must_use]
pub fn which_counts<L>(stored: Option<&L>, taken: Option<&L>, is_open: impl Fn(&L) -> bool) -> Counts {
    if taken.is_some_and(&is_open) && !stored.is_some_and(is_open) { Counts::Taken } else { Counts::Stored }
}

/// What a lock that is released leaves. It is released only by its holder and only where nothing was carried out under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: the lease is deleted.
    Nothing,
    /// The lease without its lock, since it remembers a reset, or others that budgets count.
    Memory,
}

/// What a lock leaves whose lease remembers this, and tells of earlier claims that budgets count or of none.
#[must_use]
pub fn left_behind<T>(remembered: Option<&T>, counts_others: bool) -> Left {
    if remembered.is_some() || counts_others { Left::Memory } else { Left::Nothing }
}

/// Whether a lease may be swept: its lock holds nobody back, a new leader need not count it, and it remembers nothing that still matters.
#[must_use]
pub fn may_be_swept<L, T>(
    lock: Option<&L>,
    remembered: Option<&T>,
    counted: bool,
    is_open: impl FnOnce(&L) -> bool,
    is_over: impl FnOnce(&T) -> bool,
) -> bool {
    !counted && !lock.is_some_and(is_open) && remembered.is_none_or(is_over)
}

/// Whether a new leader counts a claim of this time, to know what is left of the limits. Both are of the operator's own clocks.
#[must_use]
pub fn counts(claimed: Option<Timestamp>, wall: Timestamp) -> bool {
    claimed.is_some_and(|claimed| claimed >= saturating_add(wall, -KEPT))
}

/// Whether a process need not remember any more that it took this lock.
#[must_use]
pub fn is_forgotten(taken: &Lock, wall: Timestamp) -> bool {
    taken.settled() <= saturating_add(wall, -KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_gone_before_its_time_still_counts() {
        let (open, over) = (Some(&true), Some(&false));
        for (stored, taken, expected) in [
            (None, None, Counts::Stored),
            (open, None, Counts::Stored),
            (None, over, Counts::Stored),
            (over, over, Counts::Stored),
            (open, open, Counts::Stored),
            (None, open, Counts::Taken),
            (over, open, Counts::Taken),
        ] {
            assert_eq!(which_counts(stored, taken, |open| *open), expected, "{stored:?} {taken:?}");
        }
    }

    #[test]
    fn what_is_remembered_survives_a_release() {
        for (remembered, counts_others, left) in [
            (None, false, Left::Nothing),
            (Some(&5), false, Left::Memory),
            (None, true, Left::Memory),
            (Some(&5), true, Left::Memory),
        ] {
            assert_eq!(left_behind(remembered, counts_others), left, "{remembered:?} {counts_others}");
        }
    }

    #[test]
    fn a_lease_is_swept_once_nobody_needs_it() {
        let both = [false, true];
        for (counts, lock, remembered) in both
            .into_iter()
            .flat_map(|counts| [None, Some(false), Some(true)].map(|lock| (counts, lock)))
            .flat_map(|(counts, lock)| [None, Some(false), Some(true)].map(|remembered| (counts, lock, remembered)))
        {
            let swept = may_be_swept(lock.as_ref(), remembered.as_ref(), counts, |open| *open, |over| *over);
            let needed = counts || lock == Some(true) || remembered == Some(false);
            assert_eq!(swept, !needed, "{counts} {lock:?} {remembered:?}");
        }
    }

    #[test]
    fn a_claim_counts_for_an_hour_and_a_lock_is_remembered_for_an_hour_after_it_ends() {
        let t = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        assert!(counts(Some(t(0)), t(3600)) && !counts(Some(t(0)), t(3601)) && !counts(None, t(0)));
        let settle_window = crate::api::Duration::from(std::time::Duration::from_secs(280));
        let lock = Lock { attempt_id: "a".into(), send_deadline: t(30), settle_window, owner_uid: "u".into() };
        assert!(!is_forgotten(&lock, t(310 + 3599)) && is_forgotten(&lock, t(310 + 3600)));
    }
}
