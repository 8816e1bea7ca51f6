//! Device leases across a restore of etcd.

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
}
