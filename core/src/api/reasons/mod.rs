//! The one table of reasons: what each means, what to do about it, and who has to act.
//!
//! The reference is made from it. The words themselves are in `conditions`; a matrix's rules bring theirs.

mod matrices;
mod policies;
mod resets;
mod tenants;

use super::conditions::{Truth, kind};

/// Where a reason stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A PasscodeReset that is not finished.
    Waiting,
    /// A PasscodeReset that is Complete.
    Complete,
    /// A PasscodeReset that is Rejected.
    Rejected,
    /// A PasscodeReset that Failed.
    Failed,
    /// What a built-in matrix says of a PasscodeReset's device.
    Matrix,
    /// Whether a PasscodeReset is permitted.
    Permitted,
    /// A condition of a PasscodeReset that is not decided yet.
    Undecided,
    /// Whether an IntuneTenant can be used.
    Tenant,
    /// What an IntuneTenant's token says of the app's permissions.
    TenantPermissions,
    /// Whether Intune's record of actions can be relied on.
    TenantLedger,
    /// Whether nobody approves or asks in another's name.
    TenantIdentity,
    /// Whether a PlatformSupportMatrix can be used.
    SupportMatrix,
    /// Whether a PasscodeResetPolicy can be used.
    Policy,
    /// An event of a PasscodeReset that is no condition's reason.
    Event,
}

impl Place {
    /// All of them, in the order in which they are explained.
    pub const ALL: [Self; 14] = [
        Self::Waiting,
        Self::Complete,
        Self::Rejected,
        Self::Failed,
        Self::Matrix,
        Self::Permitted,
        Self::Undecided,
        Self::Tenant,
        Self::TenantPermissions,
        Self::TenantLedger,
        Self::TenantIdentity,
        Self::SupportMatrix,
        Self::Policy,
        Self::Event,
    ];

    /// The kind of object.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Tenant | Self::TenantPermissions | Self::TenantLedger | Self::TenantIdentity => "IntuneTenant",
            Self::SupportMatrix => "PlatformSupportMatrix",
            Self::Policy => "PasscodeResetPolicy",
            _ => "PasscodeReset",
        }
    }

    /// The condition that has the reason; none for an event, and for what any condition can be.
    #[must_use]
    pub const fn condition(self) -> Option<&'static str> {
        match self {
            Self::Waiting
            | Self::Complete
            | Self::Rejected
            | Self::Failed
            | Self::Tenant
            | Self::SupportMatrix
            | Self::Policy => Some(kind::READY),
            Self::Matrix => Some(kind::SUPPORTED),
            Self::Permitted => Some(kind::PERMITTED),
            Self::TenantPermissions => Some(kind::PERMISSIONS_VERIFIED),
            Self::TenantLedger => Some(kind::LEDGER_READABLE),
            Self::TenantIdentity => Some(kind::IDENTITY_ENFORCED),
            Self::Undecided | Self::Event => None,
        }
    }
}

/// Who has to act on a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// It goes on by itself, or it is the end.
    Nobody,
    /// Whoever declared the reset: the help desk.
    Requester,
    /// Whoever runs the operator and its tenant in the cluster.
    Platform,
    /// Whoever administers Entra and Intune.
    Intune,
}

impl Who {
    /// As it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Requester => "the requester",
            Self::Platform => "the platform team",
            Self::Intune => "the Intune administrators",
        }
    }
}

/// A reason in one place. The same word can stand in several.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// Where it stands.
    pub place: Place,
    /// The condition's status with it; none for an event.
    pub status: Option<Truth>,
    /// The word.
    pub reason: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do; empty where there is nothing to say.
    pub advice: &'static str,
    /// Who has to act.
    pub who: Who,
    /// Where there is more to read, below `docs/`.
    pub more: Option<&'static str>,
}

impl Reason {
    const fn new(
        place: Place,
        status: Option<Truth>,
        reason: &'static str,
        who: Who,
        meaning: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { place, status, reason, meaning, advice, who, more: None }
    }

    const fn more(self, page: &'static str) -> Self {
        Self { more: Some(page), ..self }
    }
}

/// Every reason, in the order in which the reference has them.
pub fn all() -> impl Iterator<Item = &'static Reason> {
    resets::ALL.iter().chain(matrices::ALL).chain(tenants::ALL).chain(policies::ALL)
}

/// A type of condition.
#[derive(Clone, Copy, Debug)]
pub struct ConditionType {
    /// The kind of object that has it.
    pub kind: &'static str,
    /// The condition's type.
    pub name: &'static str,
    /// When it is there.
    pub present: &'static str,
    /// What its statuses mean.
    pub meaning: &'static str,
}

const fn condition(
    kind: &'static str,
    name: &'static str,
    present: &'static str,
    meaning: &'static str,
) -> ConditionType {
    ConditionType { kind, name, present, meaning }
}

const ALWAYS: &str = "always";

/// Every type of condition.
pub const CONDITIONS: &[ConditionType] = &[
    condition(
        "PasscodeReset",
        kind::READY,
        ALWAYS,
        "True: Complete. False: Rejected or Failed. Unknown: not finished. Its reason is the word for the state.",
    ),
    condition(
        "PasscodeReset",
        kind::SUPPORTED,
        ALWAYS,
        "Whether Intune can reset a device of this kind, as the PlatformSupportMatrix says.",
    ),
    condition(
        "PasscodeReset",
        kind::PERMITTED,
        ALWAYS,
        "True: the policies permit it, or there is none. False: a policy, somebody whose approval is asked for, or the cluster's admission \
         control denied it. Unknown: not decided, or it is held back.",
    ),
    condition(
        "PasscodeReset",
        kind::ISSUED,
        ALWAYS,
        "True: Graph accepted the request, or the reset of another request was adopted. False: it was rejected without.",
    ),
    condition("PasscodeReset", kind::COMPLETE, "at the end, as True", "The device has had the reset."),
    condition("PasscodeReset", kind::REJECTED, "at the end, as True", "No reset was carried out for this object."),
    condition(
        "PasscodeReset",
        kind::FAILED,
        "at the end, as True",
        "A reset was asked for and did not happen, or nobody can tell.",
    ),
    condition("PasscodeReset", kind::RECONCILING, "while True", "The reset is under way."),
    condition("PasscodeReset", kind::STALLED, "while True", "The reset was Rejected or has Failed."),
    condition(
        "IntuneTenant",
        kind::READY,
        ALWAYS,
        "Whether signing in works and, once requests were made, whether Graph accepts them.",
    ),
    condition(
        "IntuneTenant",
        kind::PERMISSIONS_VERIFIED,
        ALWAYS,
        "What the token says of the app's permissions. Advice only: tokens for Graph are opaque by definition.",
    ),
    condition("IntuneTenant", kind::LEDGER_READABLE, ALWAYS, "Whether Intune's record of actions can be relied on."),
    condition(
        "IntuneTenant",
        kind::IDENTITY_ENFORCED,
        "where identity is needed: the chart's `identity.enabled`",
        "Whether the operator tried, and saw refused, that somebody approves or asks in another's name. The same at every IntuneTenant.",
    ),
    condition("PlatformSupportMatrix", kind::READY, ALWAYS, "Whether the matrix can be used."),
    condition("PasscodeResetPolicy", kind::READY, ALWAYS, "Whether the policy can be used as written."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The constants of a module of `conditions.rs`, by its text: a constant that nobody lists is what this looks for.
    fn constants(module: &str) -> BTreeSet<&'static str> {
        let (_, list) = include_str!("../conditions.rs").split_once(&format!("pub mod {module} {{")).unwrap();
        let (list, _) = list.split_once("\n}").unwrap();
        let value = |line: &'static str| line.trim().strip_prefix("pub const ")?.split('"').nth(1);
        list.lines().filter_map(value).collect()
    }

    #[test]
    fn every_reason_is_explained_and_no_other() {
        let constants = constants("reason");
        assert!(constants.len() > 45, "{constants:?}");
        let own = all().filter(|reason| reason.place != Place::Matrix);
        assert_eq!(own.map(|reason| reason.reason).collect::<BTreeSet<_>>(), constants);
    }

    #[test]
    fn every_condition_is_explained_and_no_other() {
        let explained: BTreeSet<_> = CONDITIONS.iter().map(|condition| condition.name).collect();
        assert_eq!(explained, constants("kind"));
    }

    #[test]
    fn a_reason_stands_once_in_its_place_and_says_something() {
        let mut seen = BTreeSet::new();
        for reason in all() {
            assert!(seen.insert((reason.place, reason.reason)), "{reason:?} is there twice");
            assert!(!reason.meaning.is_empty(), "{reason:?}");
            assert!(
                reason.who == Who::Nobody || !reason.advice.is_empty(),
                "{reason:?}: somebody has to act, and how?"
            );
        }
        let places: BTreeSet<_> = seen.into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, BTreeSet::from(Place::ALL));
    }

    #[test]
    fn a_status_fits_its_place() {
        for reason in all() {
            let expected: &[Option<Truth>] = match reason.place {
                Place::Waiting | Place::Undecided => &[Some(Truth::Unknown)],
                Place::Complete => &[Some(Truth::True)],
                Place::Rejected | Place::Failed => &[Some(Truth::False)],
                Place::Matrix | Place::SupportMatrix | Place::Policy => &[Some(Truth::True), Some(Truth::False)],
                Place::Event => &[None],
                Place::Permitted
                | Place::Tenant
                | Place::TenantPermissions
                | Place::TenantLedger
                | Place::TenantIdentity => &[Some(Truth::True), Some(Truth::False), Some(Truth::Unknown)],
            };
            assert!(expected.contains(&reason.status), "{reason:?}");
        }
    }
}
