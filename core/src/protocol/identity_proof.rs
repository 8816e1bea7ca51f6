//! Since when it is proved who writes approvals and requests, how long a proof is kept that cannot be renewed, and what is said of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::identity::Verdict;
use crate::api::{
    Time,
    conditions::{Truth, reason},
    time::saturating_add,
};

/// How long a proof holds after the latest round of probes that showed it. Whatever happened in a longer time without one, nobody knows.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// How often it is tried.
const PERIOD: Duration = Duration::from_secs(300);
/// How often while it is not proved.
const UNPROVED_PERIOD: Duration = Duration::from_secs(30);
/// When it is tried after a change of the policies, one pause after the other: the API server acts on a change some seconds after it is stored.
const AFTER_A_CHANGE: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(9), Duration::from_secs(20)];

/// What the leader lease keeps of it, by the API server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proof {
    /// What was written at this time or later is in its author's name.
    pub since: Timestamp,
    /// The latest round of probes that showed it.
    pub confirmed: Timestamp,
}

/// What is known, over the rounds of probes of one term of leadership.
#[derive(Clone, Debug)]
pub struct Identity {
    proof: Option<Proof>,
    /// When it was confirmed in this term, by boot time.
    confirmed: Option<Duration>,
    latest: Option<Verdict>,
    /// How many rounds were made since the policies changed.
    rounds: usize,
}

impl Identity {
    /// What a term begins with: what the leader lease keeps does not hold before a round has shown it again.
    #[must_use]
    pub fn new(kept: Option<Proof>) -> Self {
        Self { proof: kept, confirmed: None, latest: None, rounds: 0 }
    }

    /// A round of probes was made: its verdict, the API server's `Date` of the last answer, and the boot time.
    pub fn tried(&mut self, verdict: Verdict, date: Option<Timestamp>, boot: Duration) {
        match (&verdict, date) {
            (Verdict::Enforced, Some(date)) => {
                self.proof = Some(renewed(self.proof, date));
                self.confirmed = Some(boot);
            }
            // Without a time it proves nothing that can be kept.
            (Verdict::Enforced | Verdict::CouldNotTell { .. }, _) => {}
            (Verdict::NotEnforced { .. } | Verdict::NotAllowed { .. }, _) => {
                (self.proof, self.confirmed) = (None, None)
            }
        }
        self.latest = Some(verdict);
        self.rounds += 1;
    }

    /// The admission policies were changed.
    pub fn changed(&mut self) {
        self.rounds = 0;
    }

    /// When to try next.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let usual = if self.latest == Some(Verdict::Enforced) { PERIOD } else { UNPROVED_PERIOD };
        AFTER_A_CHANGE.get(self.rounds).copied().unwrap_or(usual)
    }

    /// What the leader lease is to keep.
    #[must_use]
    pub const fn proof(&self) -> Option<Proof> {
        self.proof
    }

    /// Since when it is proved who wrote something, if it is proved at this boot time.
    #[must_use]
    pub fn since(&self, boot: Duration) -> Option<Timestamp> {
        let confirmed = self.confirmed?;
        self.proof.filter(|_| boot.saturating_sub(confirmed) <= KEPT).map(|proof| proof.since)
    }

    /// The condition that says so: its status, reason and message. `differing`: what is not as it is shipped.
    #[must_use]
    pub fn condition(&self, boot: Duration, differing: &[String]) -> (Truth, &'static str, String) {
        let (truth, reason, mut message) = match (self.since(boot), &self.latest) {
            (Some(since), _) => (
                Truth::True,
                reason::IDENTITY_PROVED,
                format!(
                    "Tried: nobody approves or asks in somebody else's name, in a role or with a right that they do not have. That is proved \
                     since {}; approvals from before do not count, and who asked before is not known.",
                    Time(since)
                ),
            ),
            (None, Some(Verdict::NotEnforced { why, .. })) => {
                (Truth::False, reason::IDENTITY_NOT_ENFORCED, format!("{NOT_ENFORCED}: {why}. {INSTALL}"))
            }
            (None, Some(Verdict::NotAllowed { why })) => (
                Truth::False,
                reason::PROBE_FORBIDDEN,
                format!("The operator may not try who can approve: {why}. {RIGHTS}"),
            ),
            (None, latest) => (Truth::Unknown, reason::IDENTITY_NOT_PROVED, not_proved(latest.as_ref())),
        };
        if !differing.is_empty() {
            message.push_str(&format!(" Not as it is shipped: {}.", differing.join(", ")));
        }
        (truth, reason, message)
    }
}

const NOT_ENFORCED: &str = "No approval counts, since the admission policies for identity are not in force";
const INSTALL: &str = "Install them as they are shipped (the chart's identity.enabled, kustomize's component identity) with bindings that deny; the \
     operator tries again by itself.";
const RIGHTS: &str = "No approval counts until it has the rights that come with the chart's identity.enabled or kustomize's component identity.";

fn not_proved(latest: Option<&Verdict>) -> String {
    match latest {
        Some(Verdict::CouldNotTell { why }) => {
            format!("No approval counts, since the API server does not say whether it keeps people from writing others' names: {why}. It is tried again.")
        }
        _ => "No approval counts yet: the operator is trying whether the API server keeps people from writing others' names.".to_owned(),
    }
}

/// The proof after a round that showed it at this time. Dates are of whole seconds: what has the same one may have been written before.
fn renewed(before: Option<Proof>, date: Timestamp) -> Proof {
    let kept = SignedDuration::try_from(KEPT).unwrap_or(SignedDuration::MAX);
    let before = before.filter(|before| date.duration_since(before.confirmed).abs() <= kept);
    let since = before.map_or_else(|| saturating_add(date, SignedDuration::from_secs(1)), |before| before.since);
    Proof { since, confirmed: date }
}
