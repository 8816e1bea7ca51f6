//! What the leader lease says, what is written into it, and what a replica may do by it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::identity_proof::Proof;
use crate::{api::tenant::Timing, lifecycle::quarantine::Quarantine};

/// What the leader lease says, with identities of the type `I`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaderLease<I> {
    /// Who leads; `None`: the last leader let it go.
    pub holder: Option<I>,
    /// When its holder took it.
    pub acquired: Option<Timestamp>,
    /// When its holder wrote it last.
    pub renewed: Option<Timestamp>,
    /// How often it went from one holder to another.
    pub transitions: i32,
    /// The latest quarantine, also one that is over.
    pub quarantine: Option<Quarantine>,
    /// Since when it is proved who writes approvals and requests.
    pub identity: Option<Proof>,
}

/// The leader lease of one version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored<I, V> {
    /// What it says.
    pub lease: LeaderLease<I>,
    /// What a write over it has to name.
    pub version: V,
}

impl<I: Clone + PartialEq> LeaderLease<I> {
    /// What is written by this replica over what was seen.
    pub(super) fn held(by: &I, over: Option<&Self>, quarantine: Option<Quarantine>, now: Timestamp) -> Self {
        let resumed = over.filter(|over| over.holder.as_ref() == Some(by));
        Self {
            holder: Some(by.clone()),
            acquired: resumed.map_or(Some(now), |resumed| resumed.acquired),
            renewed: Some(now),
            transitions: over.map_or(0, |over| over.transitions).saturating_add(i32::from(resumed.is_none())),
            quarantine,
            identity: over.and_then(|over| over.identity),
        }
    }

    /// The same, let go. It is never deleted, for its renewTime says when the cluster was last in order.
    pub(super) fn let_go(self) -> Self {
        Self { holder: None, ..self }
    }

    /// Whether somebody renewed it, or let it go, less than so long ago.
    pub(super) fn renewed_within(&self, span: SignedDuration, now: Timestamp) -> bool {
        self.renewed.is_some_and(|renewed| now.duration_since(renewed) < span)
    }
}

/// Whether this replica leads, and the quarantine in force, by this machine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Leadership {
    /// Whether it leads; ask [`Leadership::acts`] before anything is begun.
    pub leading: bool,
    /// Until when it acts without another renewal, by boot time.
    pub until: Duration,
    /// Counts the terms. A restore of etcd under a leader begins another: what its caches know is of a time that was taken back, and a watch
    /// that goes on from there is told nothing until the versions of that time have been given out again.
    pub term: u64,
    /// The quarantine that the lease tells of, also one that is over.
    pub quarantine: Option<Quarantine>,
    /// The renewTime that this replica wrote last.
    pub renewed: Option<Timestamp>,
    /// Whether somebody led until a moment ago: then Graph may have been asked as much as the limits allow.
    pub succeeded: bool,
    /// What the lease said of who writes approvals and requests when the term began.
    pub identity: Option<Proof>,
}

impl Leadership {
    /// Whether this replica may act at this boot time. One that stood still has not noticed yet that its time is over.
    #[must_use]
    pub fn acts(&self, boot: Duration) -> bool {
        self.leading && boot <= self.until
    }

    /// Whether the lease that is stored is still as this replica wrote it, or newer. One that fell back shows a restore of etcd, which may
    /// have taken claims and another leader's locks with it; one with a quarantine that is not known yet was written after a restore.
    #[must_use]
    pub fn is_kept<I: PartialEq>(&self, me: &I, stored: Option<&LeaderLease<I>>) -> bool {
        let kept = |lease: &LeaderLease<I>| {
            lease.holder.as_ref() == Some(me) && lease.renewed >= self.renewed && lease.quarantine == self.quarantine
        };
        self.renewed.is_some() && stored.is_some_and(kept)
    }
}

/// What a quarantine depends on, beside the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The tenants' settle windows.
    pub windows: SettleWindows,
    /// Whether anything shows that an operator worked here before: a device lease, a PasscodeReset with a status. Looked for only where
    /// there is no leader lease.
    pub traces: bool,
}

/// A tenant's settle window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleWindow {
    /// As the tenant says it.
    Said(Duration),
    /// Of a tenant that this version cannot read.
    AtMost(Duration),
}

/// The longest settle windows of all tenants: as long ago may what a lost claim sent have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleWindows {
    /// Of the tenants that can be read: a lease that is older makes suspicious. A guess must not raise this, or a restore goes unnoticed.
    pub readable: Duration,
    /// Of all: a quarantine lasts as long. A guess that is too long only costs time.
    pub longest: Duration,
}

impl FromIterator<SettleWindow> for SettleWindows {
    fn from_iter<T: IntoIterator<Item = SettleWindow>>(windows: T) -> Self {
        let (mut said, mut guessed) = (None, Duration::ZERO);
        for window in windows {
            match window {
                SettleWindow::Said(window) => said = said.max(Some(window)),
                SettleWindow::AtMost(window) => guessed = guessed.max(window),
            }
        }
        let readable = said.unwrap_or_else(|| Timing::default().settle_window().as_std());
        Self { readable, longest: readable.max(guessed) }
    }
}

/// Whether a PasscodeReset's status was ever written, by its `observedGeneration`: the schema's default is -1.
#[must_use]
pub fn is_a_trace(observed_generation: Option<i64>) -> bool {
    observed_generation.is_some_and(|generation| generation >= 0)
}
