//! The election: who acts, and the quarantine that a possible restore of etcd begins.
//!
//! [`Election::next`] says what is to be done, [`Election::apply`] takes what came of it and what time it is then. Correctness never rests on
//! the lease; it only keeps replicas out of each other's way, and remembers across restarts when the cluster was last in order.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use super::leader_lease::{LeaderLease, Leadership, SettleWindow, SettleWindows, Stored, Survey, is_a_trace};
use super::{identity_proof::Proof, pass::Why};
use crate::{
    api::time::saturating_add,
    lifecycle::quarantine::{LeaseSeen, Quarantine, suspicion},
};

/// How long a leader that does not renew is waited for.
pub const DURATION: Duration = Duration::from_secs(15);
/// How often a leader renews.
const RENEW: Duration = Duration::from_secs(4);
/// How long after its last renewal a leader still acts. Less than a restore of etcd takes, too.
pub const LAPSE: Duration = Duration::from_secs(10);
/// Over how long Graph counts requests (`requestsPer20s`).
const COUNTED: Duration = Duration::from_secs(20);
/// How often a candidate looks.
const LOOK: Duration = Duration::from_secs(1);
/// How often a lease is let go that somebody writes meanwhile.
const LET_GO_TRIES: u8 = 3;

/// The machine's clocks at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time since it was booted, standstills included.
    pub boot: Duration,
    /// The time of day.
    pub wall: Timestamp,
}

/// What is to be done next, at once.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<'a, I, V> {
    /// Read the leader lease: [`Event::Lease`] or [`Event::Failed`].
    Read,
    /// Read what a quarantine depends on: [`Event::Surveyed`] or [`Event::Failed`].
    Survey {
        /// Whether traces of an operator are to be looked for.
        traces: bool,
    },
    /// Write this over the version that was read; `None`: create it. [`LeaderLease::became`] or [`Event::Failed`].
    Write {
        /// The version that is written over.
        over: Option<&'a V>,
        /// What it is to say.
        lease: &'a LeaderLease<I>,
    },
    /// The turn is over. Wait for so long: [`Event::Done`].
    Pause(Duration),
}

/// What came of an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<I, V> {
    /// It is done.
    Done,
    /// The leader lease, or that there is none.
    Lease(Option<Stored<I, V>>),
    /// What a quarantine depends on.
    Surveyed(Survey),
    /// It is stored as it was written.
    Stored(Stored<I, V>),
    /// It is stored as something else.
    Altered,
    /// It was not stored, as far as is known, or could not be read.
    Failed(Why),
}

/// What people should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A term begins.
    Leads,
    /// This replica stops leading: it could not renew.
    Lapsed,
    /// A quarantine begins with the next write.
    Quarantined {
        /// What was seen.
        why: &'static str,
        /// When it ends.
        until: Timestamp,
    },
}

/// A replica's part in the election: its identity is an `I`, what a write of the lease names is a `V`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Election<I, V> {
    me: I,
    /// How far clocks may differ.
    clock_error: SignedDuration,
    leadership: Leadership,
    /// The lease as it was last seen, and since when it is so, by boot time.
    seen: Option<(Stored<I, V>, Duration)>,
    /// Until when, by boot time, nobody can have led whom this replica has not seen: a restore of etcd may have taken back what they wrote.
    sure_until: Duration,
    /// The latest renewTime seen while running.
    latest: Option<Timestamp>,
    /// Whether the lease was seen to be kept up, by whomever, while this replica ran and never stood still: what was stored then was not of
    /// a backup.
    witnessed: bool,
    /// What the lease is to say of who writes approvals and requests.
    identity: Option<Proof>,
    stage: Stage<I, V>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage<I, V> {
    /// Looks at the lease, since this boot time.
    Read(Duration),
    /// May take the lease: does that begin a quarantine?
    Survey(Option<Stored<I, V>>),
    /// Writes the lease, since this boot time.
    Write(Write<I, V>, Kind, Duration),
    Rest(Duration),
    /// Looks whether the lease is to be let go, so many times yet.
    ReadToRelease(u8),
    Release(Write<I, V>, u8),
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Write<I, V> {
    over: Option<V>,
    lease: LeaderLease<I>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A leader renews.
    Renewal,
    /// A replica takes the lease: a term begins, or goes on after a conflict.
    Taking {
        /// Whether a term begins.
        begins: bool,
        /// Whether somebody led until a moment ago.
        succeeds: bool,
    },
}

impl Kind {
    const fn begins_a_term(self) -> bool {
        matches!(self, Self::Taking { begins: true, .. })
    }
}

impl<I: Clone + PartialEq> LeaderLease<I> {
    /// What came of writing it, where this is stored now. Led under another, others would lead as well, or know nothing of a quarantine.
    pub fn became<V>(&self, stored: Stored<I, V>) -> Event<I, V> {
        let same = (&stored.lease.holder, stored.lease.quarantine) == (&self.holder, self.quarantine);
        if same { Event::Stored(stored) } else { Event::Altered }
    }
}

impl<I: Clone + PartialEq, V: Clone + PartialEq> Election<I, V> {
    /// The part of a replica that has just been started.
    #[must_use]
    pub fn new(me: I, clock_error: SignedDuration, boot: Duration) -> Self {
        Self {
            me,
            clock_error,
            leadership: Leadership::default(),
            seen: None,
            sure_until: Duration::ZERO,
            latest: None,
            witnessed: false,
            identity: None,
            stage: Stage::Read(boot),
        }
    }

    /// Whether this replica leads.
    #[must_use]
    pub fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    /// The lease as it was last seen.
    #[must_use]
    pub fn seen(&self) -> Option<&Stored<I, V>> {
        self.seen.as_ref().map(|(seen, _)| seen)
    }

    /// The latest renewal that this replica saw while running, if it saw the lease kept up and has not stood still since: a restore of etcd
    /// to before it would show.
    #[must_use]
    pub fn vouches_from(&self, boot: Duration) -> Option<Timestamp> {
        self.latest.filter(|_| self.witnessed && boot <= self.sure_until)
    }

    /// What the lease is to say from the next renewal on of who writes approvals and requests, as it was found in this term.
    pub fn proved(&mut self, term: u64, identity: Option<Proof>) {
        if self.leadership.term == term {
            self.identity = identity;
        }
    }

    /// What is to be done next; `None`: this replica's part has ended.
    #[must_use]
    pub fn next(&self) -> Option<Effect<'_, I, V>> {
        Some(match &self.stage {
            Stage::Read(_) | Stage::ReadToRelease(_) => Effect::Read,
            Stage::Survey(seen) => Effect::Survey { traces: seen.is_none() },
            Stage::Write(Write { over, lease }, ..) | Stage::Release(Write { over, lease }, _) => {
                Effect::Write { over: over.as_ref(), lease }
            }
            Stage::Rest(pause) => Effect::Pause(*pause),
            Stage::Ended => return None,
        })
    }

    /// Takes what came of [`Self::next`] and what time it is now; answers what people should be told.
    pub fn apply(&mut self, event: Event<I, V>, now: Moment) -> Option<Notice> {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        match (stage, event) {
            (Stage::Rest(_), _) => self.turn(now),
            (Stage::Read(began), Event::Lease(lease)) => self.read(lease, began, now),
            (Stage::Survey(seen), Event::Surveyed(survey)) => self.take(seen, survey, now),
            (Stage::Write(_, kind, began), Event::Stored(stored)) => self.written(stored, kind, began, now),
            (Stage::Write(..), Event::Altered) => {
                self.stop_leading();
                self.rest(LOOK, now)
            }
            (Stage::Write(_, Kind::Renewal, _), Event::Failed(Why::Conflict | Why::Gone)) => {
                self.stage = Stage::Read(now.boot);
                None
            }
            (Stage::ReadToRelease(tries), Event::Lease(lease)) => {
                self.release(lease, tries, now);
                None
            }
            // Written since it was seen: by a turn that was cut short, or by somebody else, whose it is then.
            (Stage::Release(_, tries), Event::Failed(Why::Conflict)) if tries > 1 => {
                self.stage = Stage::ReadToRelease(tries - 1);
                None
            }
            (Stage::ReadToRelease(_) | Stage::Release(..) | Stage::Ended, _) => None,
            // The next turn tries again.
            (Stage::Read(_) | Stage::Survey(_) | Stage::Write(..), _) => self.rest(LOOK, now),
        }
    }

    fn turn(&mut self, now: Moment) -> Option<Notice> {
        self.stage = Stage::Read(now.boot);
        self.lapse(now)
    }

    fn read(&mut self, lease: Option<Stored<I, V>>, began: Duration, now: Moment) -> Option<Notice> {
        if now.boot > self.sure_until {
            // As if it had been started just now.
            (self.witnessed, self.seen) = (false, None);
        }
        self.sure_until = self.sure_until.max(began + LAPSE);
        match lease {
            Some(stored) if stored.lease.holder.as_ref().is_some_and(|holder| *holder != self.me) => {
                self.watch(stored, now)
            }
            // After a restore of etcd a version alone may be another's: what it says has to be the same, too.
            Some(mine) if self.leadership.leading && self.seen() == Some(&mine) => {
                let quarantine = mine.lease.quarantine;
                self.stage = self.write(Some(mine), quarantine, Kind::Renewal, now);
                None
            }
            free => {
                self.stage = Stage::Survey(free);
                None
            }
        }
    }

    /// Another leads, or did until it died.
    fn watch(&mut self, stored: Stored<I, V>, now: Moment) -> Option<Notice> {
        self.stop_leading();
        let (before, since) = match self.seen.take() {
            Some((seen, since)) if seen.version == stored.version => (Some(seen.lease.renewed), since),
            seen => (seen.map(|(seen, _)| seen.lease.renewed), now.boot),
        };
        self.witnessed |= before.is_some_and(|before| stored.lease.renewed > before);
        self.latest = self.latest.max(stored.lease.renewed);
        self.seen = Some((stored.clone(), since));
        // Measured from when it was seen unchanged: two machines' clocks need not agree.
        if now.boot.saturating_sub(since) < DURATION {
            return self.rest(LOOK, now);
        }
        self.stage = Stage::Survey(Some(stored));
        None
    }

    /// Takes the lease: it is this replica's, let go, missing, or of somebody who does not renew it.
    fn take(&mut self, seen: Option<Stored<I, V>>, survey: Survey, now: Moment) -> Option<Notice> {
        let lease = seen.as_ref().map(|seen| &seen.lease);
        let lease_seen = LeaseSeen {
            renewed: lease.and_then(|lease| lease.renewed),
            renewed_before: self.latest,
            accounted_for: self.witnessed || lease.is_some_and(|lease| lease.holder.is_none()),
            traces: survey.traces || lease.is_some(),
        };
        let suspicion = suspicion(lease_seen, now.wall, survey.windows.readable, self.clock_error);
        let begun = suspicion.map(|why| (why, Quarantine::beginning(now.wall, survey.windows.longest)));
        let before = seen.as_ref().and_then(|seen| self.quarantine_in(seen, now));
        let quarantine = match (before, begun) {
            (Some(before), Some((_, begun))) => Some(before.joined(begun)),
            (before, begun) => begun.map(|(_, begun)| begun).or(before),
        };
        let succeeds = lease.is_some_and(|lease| lease.renewed_within(self.still_counted(), now.wall));
        // What is stored may be of a time that was taken back: what a term knows of it is not to be trusted.
        let begins = !self.leadership.leading || begun.is_some();
        self.stage = self.write(seen, quarantine, Kind::Taking { begins, succeeds }, now);
        begun.map(|(why, Quarantine { end, .. })| Notice::Quarantined { why, until: end })
    }

    /// How long after its last renewal a leader's requests may still count, by this machine's clock: it asks until it lapses.
    fn still_counted(&self) -> SignedDuration {
        let counted = SignedDuration::try_from(LAPSE + COUNTED).unwrap_or(SignedDuration::MAX);
        counted.saturating_add(self.clock_error)
    }

    /// The quarantine that this lease tells of, by this machine's clock.
    fn quarantine_in(&self, stored: &Stored<I, V>, now: Moment) -> Option<Quarantine> {
        let LeaderLease { holder, renewed, quarantine, .. } = &stored.lease;
        let quarantine = (*quarantine)?;
        let Some(renewed) = renewed.filter(|_| holder.as_ref() != Some(&self.me)) else { return Some(quarantine) };
        let since = self.seen.as_ref().filter(|(seen, _)| seen == stored).map_or(now.boot, |(_, since)| *since);
        let ago = SignedDuration::try_from(now.boot.saturating_sub(since)).unwrap_or(SignedDuration::ZERO);
        Some(quarantine.taken_over(renewed, saturating_add(now.wall, -ago)))
    }

    fn write(
        &self,
        over: Option<Stored<I, V>>,
        quarantine: Option<Quarantine>,
        kind: Kind,
        now: Moment,
    ) -> Stage<I, V> {
        let mut lease = LeaderLease::held(&self.me, over.as_ref().map(|over| &over.lease), quarantine, now.wall);
        if !kind.begins_a_term() {
            lease.identity = self.identity;
        }
        Stage::Write(Write { over: over.map(|over| over.version), lease }, kind, now.boot)
    }

    fn written(&mut self, stored: Stored<I, V>, kind: Kind, began: Duration, now: Moment) -> Option<Notice> {
        // As it is stored: a lease's times are of microseconds.
        let LeaderLease { renewed, quarantine, identity, .. } = stored.lease;
        self.latest = self.latest.max(renewed);
        self.seen = Some((stored, now.boot));
        self.witnessed = now.boot <= self.sure_until;
        // Nobody else takes it before it has been the same for so long.
        self.sure_until = began + DURATION;
        if !self.witnessed {
            // It took so long that another may have led between what this replica saw before and its own write, on the same version if etcd
            // was restored. The next turn takes it again, with a quarantine of that time.
            self.stop_leading();
            return self.rest(LOOK, now);
        }
        let before = self.leadership;
        let (begins, succeeded) = match kind {
            Kind::Taking { begins: true, succeeds } => (true, succeeds),
            _ => (false, before.succeeded),
        };
        let (until, term) = (began + LAPSE, before.term + u64::from(begins));
        if begins {
            self.identity = identity;
        }
        let identity = if begins { identity } else { before.identity };
        self.leadership = Leadership { leading: true, until, term, quarantine, renewed, succeeded, identity };
        // From the begin of one write to that of the next, or a slow API server would have a leader that acts now and then.
        let lapsed = self.rest((began + RENEW).saturating_sub(now.boot), now);
        lapsed.or(begins.then_some(Notice::Leads))
    }

    /// Ends the turn; a leader's next one is after this pause.
    fn rest(&mut self, pause: Duration, now: Moment) -> Option<Notice> {
        let notice = self.lapse(now);
        self.stage = Stage::Rest(if self.leadership.leading { pause } else { LOOK });
        notice
    }

    /// A leader that cannot renew stops acting before another may begin.
    fn lapse(&mut self, now: Moment) -> Option<Notice> {
        let lapsed = !self.leadership.acts(now.boot) && self.stop_leading();
        lapsed.then_some(Notice::Lapsed)
    }

    /// Answers whether it led until now.
    fn stop_leading(&mut self) -> bool {
        std::mem::replace(&mut self.leadership.leading, false)
    }

    /// Ends this replica's part, whatever is under way: the lease is let go at once if it is this replica's.
    pub fn stop(&mut self, now: Moment) {
        self.stop_leading();
        let sure = now.boot <= self.sure_until;
        self.stage = if sure { Stage::ReadToRelease(LET_GO_TRIES) } else { Stage::Ended };
    }

    /// Lets the lease go if it is this replica's. One that fell back stays as it is: it is the next leader's sign that etcd was restored. So
    /// does any after a standstill: let go, it would vouch for what this replica has not seen.
    fn release(&mut self, lease: Option<Stored<I, V>>, tries: u8, now: Moment) {
        let sure = now.boot <= self.sure_until;
        let ours = |stored: &Stored<I, V>| {
            sure && stored.lease.holder.as_ref() == Some(&self.me) && stored.lease.renewed >= self.latest
        };
        self.stage = lease.filter(ours).map_or(Stage::Ended, |Stored { lease, version }| {
            let lease = LeaderLease::held(&self.me, Some(&lease), lease.quarantine, now.wall).let_go();
            Stage::Release(Write { over: Some(version), lease }, tries)
        });
    }
}
