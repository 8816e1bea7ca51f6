//! Whose approval counts.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};

use super::{question::Question, quorum::Person};
use crate::api::{
    approval::{ApprovalDecision, PasscodeResetApproval},
    policy::ApprovalDemand,
    time::saturating_add,
};

/// What Kubernetes keeps for its own: service accounts, nodes, and whoever did not sign in.
const NOT_PEOPLE: &str = "system:";

/// Why an approval of a request does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotCounted {
    /// The request has its outcome.
    Finished,
    /// It names another uid.
    AnotherUid,
    /// It names this uid and another name or kind.
    AnotherName,
    /// It was given for another device.
    AnotherDevice,
    /// It is being deleted.
    TakenBack,
    /// A service account or another part of the cluster gave it.
    NotAPerson,
    /// Nothing proves who gave it.
    NotProved,
    /// It is from before the proof.
    BeforeTheProof,
    /// Whoever asked for the reset gave it.
    ByTheRequester,
    /// The same person has given another, with the same role.
    OncePerPerson,
    /// It was given longer ago than it holds.
    Expired,
}

impl fmt::Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "the request is finished, so nothing is left to approve",
            Self::AnotherUid => {
                "it names the uid of another request, most likely of one of the same name that was deleted: approve this one as well"
            }
            Self::AnotherName => "its uid is this request's, but it names another kind or name: create it again with those of the request",
            Self::AnotherDevice => "it was given for another device than the one that the request means: look at the device and approve again",
            Self::TakenBack => "it is being deleted, which takes it back",
            Self::NotAPerson => "service accounts and other parts of the cluster do not approve: a person has to",
            Self::NotProved => "nothing proves at the moment who gave it",
            Self::BeforeTheProof => "it is older than the proof of who gives approvals: approve again",
            Self::ByTheRequester => "whoever asked for the reset cannot approve it: somebody else has to",
            Self::OncePerPerson => "the same person has answered already, and fills one place",
            Self::Expired => "it was given too long ago: approve again",
        })
    }
}

/// Whether an approval counts, whatever the policies say: `None` for one of another request.
#[must_use]
pub fn standing(approval: &PasscodeResetApproval, q: &Question<'_>, finished: bool) -> Option<Result<(), NotCounted>> {
    let (spec, request) = (&approval.spec, &q.request);
    let same_uid = spec.request.uid.eq_ignore_ascii_case(request.uid);
    let same_name = spec.request.kind == request.kind && spec.request.name == request.name;
    if approval.metadata.namespace.as_deref() != Some(request.namespace) || !(same_uid || same_name) {
        return None;
    }
    let another_device = spec
        .managed_device_id
        .as_ref()
        .is_some_and(|device| !device.eq_ignore_ascii_case(request.device.managed_device_id));
    let created = approval.metadata.creation_timestamp.as_ref().map(|created| created.0);
    let own = q.requester().is_some_and(|requester| is_same(requester.name, &spec.approver));
    let checks = [
        (finished, NotCounted::Finished),
        (!same_uid, NotCounted::AnotherUid),
        (!same_name, NotCounted::AnotherName),
        (approval.metadata.deletion_timestamp.is_some(), NotCounted::TakenBack),
        (is_no_person(&spec.approver), NotCounted::NotAPerson),
        (q.identity_since.is_none(), NotCounted::NotProved),
        (
            q.identity_since.is_some_and(|since| created.is_none_or(|created| created < since)),
            NotCounted::BeforeTheProof,
        ),
        (another_device, NotCounted::AnotherDevice),
        (own && spec.decision != ApprovalDecision::Overridden, NotCounted::ByTheRequester),
    ];
    let wrong = checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, why)| why);
    Some(wrong.map_or(Ok(()), Err))
}

/// Whether a name of the API server's is no person's.
pub(super) fn is_no_person(name: &str) -> bool {
    name.is_empty() || name.starts_with(NOT_PEOPLE)
}

/// Two spellings of a name are one person: taking them for two could only permit more.
fn is_same(a: &str, b: &str) -> bool {
    person(a) == person(b)
}

fn person(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The approvals that count, whatever the policies say.
pub(super) struct Votes<'a> {
    counted: Vec<&'a PasscodeResetApproval>,
    not_counted: BTreeMap<String, NotCounted>,
    now: Timestamp,
}

impl<'a> Votes<'a> {
    pub fn of(q: &Question<'a>) -> Self {
        let mut counted = Vec::new();
        let mut not_counted = BTreeMap::new();
        for approval in q.approvals {
            match standing(approval, q, false) {
                None => {}
                Some(Ok(())) => counted.push(approval),
                Some(Err(why)) => {
                    not_counted.insert(name(approval), why);
                }
            }
        }
        counted.sort_by_key(|approval| (created(approval), name(approval)));
        Self { counted, not_counted, now: q.at_api_server }
    }

    /// Those with this decision that were given not longer ago than `valid_for`.
    fn in_force(
        &self,
        decision: ApprovalDecision,
        valid_for: SignedDuration,
    ) -> impl Iterator<Item = &'a PasscodeResetApproval> {
        let of_decision = self.counted.iter().copied().filter(move |approval| approval.spec.decision == decision);
        of_decision.filter(move |approval| expiry(approval, valid_for) >= self.now)
    }

    /// Everybody who agreed.
    pub fn people(&self, valid_for: SignedDuration) -> Vec<Person> {
        let mut people: BTreeMap<String, Person> = BTreeMap::new();
        for approval in self.in_force(ApprovalDecision::Approved, valid_for) {
            let name = person(&approval.spec.approver);
            let person = people.entry(name.clone()).or_insert_with(|| Person { name, roles: [].into() });
            person.roles.extend(approval.spec.role.clone());
        }
        people.into_values().collect()
    }

    /// When the first approval that is in force expires.
    pub fn next_expiry(&self, valid_for: SignedDuration) -> Option<Timestamp> {
        self.in_force(ApprovalDecision::Approved, valid_for).map(|approval| expiry(approval, valid_for)).min()
    }

    /// The first denial by somebody with one of these roles, or by anybody where there are none.
    pub fn denial(&self, valid_for: SignedDuration, roles: &[String]) -> Option<&'a PasscodeResetApproval> {
        self.in_force(ApprovalDecision::Denied, valid_for)
            .find(|approval| roles.is_empty() || approval.spec.role.as_ref().is_some_and(|role| roles.contains(role)))
    }

    /// The first override.
    pub fn r#override(&self, valid_for: SignedDuration) -> Option<String> {
        self.in_force(ApprovalDecision::Overridden, valid_for).next().map(name)
    }

    /// What does not count, with the sentence for it; `longest`: how long an approval holds at most, of all the rules that ask for some.
    pub fn not_counted(&self, longest: Option<SignedDuration>) -> Vec<(String, String)> {
        let mut all = self.not_counted.clone();
        let mut seen = Vec::new();
        // In the order in which they were given: of two by one person the later one is too many.
        for approval in &self.counted {
            let answer = (person(&approval.spec.approver), approval.spec.decision, approval.spec.role.as_deref());
            if holds_for(approval, longest).is_some_and(|longest| expiry(approval, longest) < self.now) {
                all.insert(name(approval), NotCounted::Expired);
            } else if seen.contains(&answer) {
                all.insert(name(approval), NotCounted::OncePerPerson);
            } else {
                seen.push(answer);
            }
        }
        all.into_iter().map(|(name, why)| (name, why.to_string())).collect()
    }
}

/// How long an approval holds at most. An override holds where no rule asks for approval, too.
fn holds_for(approval: &PasscodeResetApproval, longest: Option<SignedDuration>) -> Option<SignedDuration> {
    if approval.spec.decision == ApprovalDecision::Overridden {
        let default = ApprovalDemand::DEFAULT_VALID_FOR.as_signed();
        return Some(longest.map_or(default, |longest| longest.max(default)));
    }
    longest
}

fn name(approval: &PasscodeResetApproval) -> String {
    approval.metadata.name.clone().unwrap_or_default()
}

fn created(approval: &PasscodeResetApproval) -> Timestamp {
    approval.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |created| created.0)
}

fn expiry(approval: &PasscodeResetApproval, valid_for: SignedDuration) -> Timestamp {
    saturating_add(created(approval), valid_for)
}
