//! The quarantine after a possible restore of etcd: a claim may be lost whose request is still under way.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::lock::SEND_WINDOW;
use crate::api::time::saturating_add;

/// A time in which no device lock is taken and nothing is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quarantine {
    /// When it began.
    pub begin: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

impl Quarantine {
    /// The quarantine that begins now, given the longest settle window of all tenants.
    #[must_use]
    pub fn beginning(now: Timestamp, longest_settle_window: Duration) -> Self {
        let length = SignedDuration::try_from(longest_settle_window).unwrap_or(SignedDuration::MAX);
        // A lost claim may have been sent a moment before its deadline.
        let length = length.saturating_add(SEND_WINDOW);
        Self { begin: now, end: saturating_add(now, length) }
    }

    /// The same span by a clock that is ahead by `offset`: it is written by a replica's clock and judged by Graph's.
    #[must_use]
    pub fn shifted(self, offset: SignedDuration) -> Self {
        Self { begin: saturating_add(self.begin, offset), end: saturating_add(self.end, offset) }
    }

    /// The quarantine that another replica wrote, by this one's clock. Their clocks need not agree: what the other wrote at `renewed` by its
    /// clock was written when this one saw it at the latest. So the span is never too early, and too late by as long as it went unseen.
    #[must_use]
    pub fn taken_over(self, renewed: Timestamp, seen: Timestamp) -> Self {
        self.shifted(seen.duration_since(renewed))
    }

    /// The two spans as one.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self { begin: self.begin.max(other.begin), end: self.end.max(other.end) }
    }

    /// Whether it holds back a request of this time. A request made after everything that could have been lost was carried out is not
    /// concerned. The age of its tenant says nothing: a tenant may have been created again after the restore.
    #[must_use]
    pub fn concerns(&self, request: Timestamp, send_grace: SignedDuration) -> bool {
        request <= saturating_add(self.begin, send_grace)
    }

    /// Whether it is in force at this time.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        at <= self.end
    }
}

/// What a process sees of the leader lease when it may take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSeen {
    /// When the lease was last renewed; `None`: there is no lease, or it was never renewed.
    pub renewed: Option<Timestamp>,
    /// The latest renewal that this process saw while running.
    pub renewed_before: Option<Timestamp>,
    /// Whether its holder let it go, or this process saw it kept up and has not stood still since.
    pub accounted_for: bool,
    /// Whether anything shows that an operator worked here before: a leader lease, a device lease, a PasscodeReset with a status. Without it
    /// nothing can have been lost, and a new installation does not wait.
    pub traces: bool,
}

/// Why what was seen of the leader lease means that etcd may have been restored; `None`: it does not.
#[must_use]
pub fn suspicion(
    seen: LeaseSeen,
    now: Timestamp,
    longest_settle_window: Duration,
    clock_error: SignedDuration,
) -> Option<&'static str> {
    let Some(renewed) = seen.renewed else {
        let worked_before = seen.traces || seen.renewed_before.is_some();
        return worked_before.then_some("there is no leader lease, although an operator worked here before");
    };
    let window = SignedDuration::try_from(longest_settle_window).unwrap_or(SignedDuration::MAX);
    let too_old = renewed < saturating_add(now, -window);
    let from_the_future = renewed > saturating_add(now, clock_error);
    let fell = seen.renewed_before.is_some_and(|before| renewed < before);
    match () {
        () if fell => Some("the leader lease is older than it was before"),
        () if from_the_future => Some("the leader lease was renewed at a time that is yet to come"),
        () if too_old => Some("no replica has led for longer than the settle window"),
        // Its holder died, or it is the lease of a backup and its holder went on: a process that was not there cannot tell.
        () if !seen.accounted_for => {
            Some("the last leader did not release its lease, and this replica did not watch it until now")
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn when_it_begins() {
        let window = Duration::from_secs(280);
        let error = SignedDuration::from_secs(5);
        let cases = [
            ("no lease, and it is gone", None, Some(-10), true, true),
            ("renewed just now", Some(0), None, true, false),
            ("renewed just now, by nobody knows whom", Some(0), None, false, true),
            ("renewed within the window", Some(-280), None, true, false),
            ("not renewed for longer", Some(-281), None, true, true),
            ("a little ahead", Some(5), None, true, false),
            ("from the future", Some(6), None, true, true),
            ("the same as before", Some(-10), Some(-10), true, false),
            ("fell", Some(-11), Some(-10), true, true),
        ];
        for (name, renewed, before, accounted_for, expected) in cases {
            let (renewed, renewed_before) = (renewed.map(t), before.map(t));
            for traces in [false, true] {
                let seen = LeaseSeen { renewed, renewed_before, accounted_for, traces };
                assert_eq!(suspicion(seen, t(0), window, error).is_some(), expected, "{name}");
            }
        }
        for traces in [false, true] {
            let seen = LeaseSeen { renewed: None, renewed_before: None, accounted_for: false, traces };
            assert_eq!(suspicion(seen, t(0), window, error).is_some(), traces, "no lease, traces: {traces}");
        }
    }

    #[test]
    fn whom_it_concerns() {
        let quarantine = Quarantine::beginning(t(0), Duration::from_secs(280));
        assert_eq!(quarantine.end, t(310));
        let grace = SignedDuration::from_secs(150);
        assert!(quarantine.concerns(t(150), grace), "asked for before everything was carried out");
        assert!(!quarantine.concerns(t(151), grace), "asked for later");
        assert!(quarantine.in_force(t(310)) && !quarantine.in_force(t(311)));
    }

    /// Two machines' clocks may be apart by more than a quarantine lasts.
    #[test]
    fn another_replica_takes_it_over_by_its_own_clock() {
        let (begin, end, unseen) = (1000, 1310, 4);
        for ahead in [-600, -58, 0, 58, 600] {
            // Written at its begin and renewed 20 s later, by a clock that is so much ahead of ours.
            let written = Quarantine { begin: t(begin + ahead), end: t(end + ahead) };
            let taken = written.taken_over(t(begin + 20 + ahead), t(begin + 20 + unseen));
            assert_eq!(taken, Quarantine { begin: t(begin + unseen), end: t(end + unseen) }, "{ahead}");
        }
    }

    #[test]
    fn it_is_judged_by_graphs_clock() {
        let quarantine = Quarantine::beginning(t(0), Duration::from_secs(280)).shifted(SignedDuration::from_secs(600));
        assert!(quarantine.in_force(t(900)));
    }
}
