//! The words of the conditions, and the one way to set a condition.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{self as metav1, Condition};

/// The types of conditions.
pub mod kind {
    /// Always there, always first: True with Complete, False with Rejected or Failed, else Unknown.
    pub const READY: &str = "Ready";
    /// The platform support matrix's word.
    pub const SUPPORTED: &str = "Supported";
    /// The policies' word.
    pub const PERMITTED: &str = "Permitted";
    /// Graph took the request, or an earlier one was adopted.
    pub const ISSUED: &str = "Issued";
    /// The device has had the reset. Only ever True.
    pub const COMPLETE: &str = "Complete";
    /// No reset happened for this object. Only ever True.
    pub const REJECTED: &str = "Rejected";
    /// One was asked for and did not happen, or nobody can tell. Only ever True.
    pub const FAILED: &str = "Failed";
    /// Under way. Present only while True.
    pub const RECONCILING: &str = "Reconciling";
    /// Rejected or Failed. Present only while True.
    pub const STALLED: &str = "Stalled";
    /// An IntuneTenant's: the app has the permissions it needs.
    pub const PERMISSIONS_VERIFIED: &str = "PermissionsVerified";
    /// An IntuneTenant's: Intune's record of actions can be relied on.
    pub const LEDGER_READABLE: &str = "LedgerReadable";
    /// An IntuneTenant's: it was tried that nobody approves or asks in another's name. Present only where that is needed.
    pub const IDENTITY_ENFORCED: &str = "IdentityEnforced";
}

/// The reasons. A matrix's rules bring their own beside these.
pub mod reason {
    /// Waiting: requestTime is in the future.
    pub const SCHEDULED: &str = "Scheduled";
    /// Waiting: the IntuneTenant is missing or cannot be used.
    pub const TENANT_NOT_READY: &str = "TenantNotReady";
    /// Waiting: the IntuneTenant is suspended.
    pub const SUSPENDED: &str = "Suspended";
    /// Waiting: a limit of the IntuneTenant is reached, or Graph's answers stay away.
    pub const LIMIT_REACHED: &str = "LimitReached";
    /// Waiting: after a crash, a long stop or a restore, until what may be under way unrecorded must have shown.
    pub const QUARANTINE: &str = "Quarantine";
    /// Waiting: another reset of this device is under way.
    pub const DEVICE_BUSY: &str = "DeviceBusy";
    /// Waiting: a PasscodeResetPolicy that applies, or that the IntuneTenant requires, is missing or cannot be used.
    pub const POLICY_NOT_READY: &str = "PolicyNotReady";
    /// Waiting, and an IntuneTenant's IdentityEnforced: approvals do not count, because nothing proves at the moment who gave them.
    pub const IDENTITY_NOT_ENFORCED: &str = "IdentityNotEnforced";
    /// Waiting: people have to agree.
    pub const AWAITING_APPROVAL: &str = "AwaitingApproval";
    /// Waiting: the hours in which resets are sent have not begun.
    pub const OUTSIDE_HOURS: &str = "OutsideHours";
    /// Waiting: a policy or webhook of the cluster holds the claim back, or cannot be asked.
    pub const HELD_BY_ADMISSION: &str = "HeldByAdmission";
    /// Waiting: the device, or Intune's record of it, is being read.
    pub const LOOKING_UP: &str = "LookingUp";
    /// Waiting: claimed, and being sent.
    pub const SENDING: &str = "Sending";
    /// Waiting: sent, or perhaps sent, without an answer that decides.
    pub const VERIFYING_OUTCOME: &str = "VerifyingOutcome";
    /// Waiting: accepted; the device has not answered.
    pub const WAITING_FOR_DEVICE: &str = "WaitingForDevice";

    /// Permitted: no policy applies.
    pub const NO_POLICY: &str = "NoPolicy";
    /// Permitted: every policy that applies permits it.
    pub const PERMITTED_BY_POLICY: &str = "PermittedByPolicy";
    /// Permitted: somebody with the right to do so set aside what was against it.
    pub const OVERRIDDEN: &str = "Overridden";
    /// Issued and Complete: a reset that somebody else had asked for is followed.
    pub const ADOPTED: &str = "Adopted";

    /// Rejected: the IntuneTenant does not allow this namespace.
    pub const NAMESPACE_NOT_ALLOWED: &str = "NamespaceNotAllowed";
    /// Rejected: a policy or webhook of the cluster denied the claim.
    pub const DENIED_BY_ADMISSION: &str = "DeniedByAdmission";
    /// Rejected: a PasscodeResetPolicy denies it.
    pub const POLICY_DENIED: &str = "PolicyDenied";
    /// Rejected: somebody whose approval is asked for said no.
    pub const APPROVAL_DENIED: &str = "ApprovalDenied";
    /// Rejected: no device matches.
    pub const DEVICE_NOT_FOUND: &str = "DeviceNotFound";
    /// Rejected: several devices match.
    pub const AMBIGUOUS_DEVICE: &str = "AmbiguousDevice";
    /// Rejected or Failed: the device's record disappeared.
    pub const DEVICE_GONE: &str = "DeviceGone";
    /// Rejected: requestTime is more than 30 days after the object's creation.
    pub const REQUEST_TIME_TOO_FAR: &str = "RequestTimeTooFar";
    /// Rejected: the manifest has a field that a PasscodeReset does not have, and that the API server dropped.
    pub const UNKNOWN_FIELD: &str = "UnknownField";
    /// Rejected: only the work profile's passcode could be reset, and the device's was asked for.
    pub const WORK_PROFILE_ONLY: &str = "WorkProfileOnly";
    /// Rejected: the action asked for is not the one that this device offers.
    pub const ACTION_NOT_OFFERED: &str = "ActionNotOffered";
    /// Rejected: a dry run that would have been sent.
    pub const DRY_RUN: &str = "DryRun";
    /// Rejected: the device has had a reset shortly before requestTime.
    pub const RECENTLY_RESET: &str = "RecentlyReset";
    /// Rejected: the device was enrolled after requestTime.
    pub const ENROLLED_AFTER_REQUEST: &str = "EnrolledAfterRequest";
    /// Rejected: not sent before expirationTime.
    pub const EXPIRED: &str = "Expired";
    /// Rejected: Graph refused the request, and Intune's record shows no reset.
    pub const REFUSED_BY_INTUNE: &str = "RefusedByIntune";
    /// Rejected: the device answered that it cannot do this.
    pub const NOT_SUPPORTED_BY_DEVICE: &str = "NotSupportedByDevice";
    /// Failed: the device answered that it did not do it.
    pub const DEVICE_REFUSED: &str = "DeviceRefused";
    /// Failed: Intune cancelled it.
    pub const CANCELED: &str = "Canceled";
    /// Failed: the device did not answer in time.
    pub const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";
    /// Failed: nobody can tell whether a reset happened.
    pub const OUTCOME_UNKNOWN: &str = "OutcomeUnknown";

    /// Supported, Permitted and Issued: not decided yet.
    pub const UNDECIDED: &str = "Undecided";
    /// An event: the object was deleted after its request was sent.
    pub const DELETED_IN_FLIGHT: &str = "DeletedInFlight";
    /// An event: the cluster's admission control denies the object's status.
    pub const STATUS_WRITE_DENIED: &str = "StatusWriteDenied";

    /// An IntuneTenant's, matrix's or policy's: it can be used.
    pub const READY: &str = "Ready";
    /// An IntuneTenant's: the operator is signing in as the spec says since its last change.
    pub const SIGNING_IN: &str = "SigningIn";
    /// An IntuneTenant's: the Secret or its key is missing.
    pub const SECRET_NOT_FOUND: &str = "SecretNotFound";
    /// An IntuneTenant's: endpoints, caBundle, namespace selector or sign-in cannot be used as written.
    pub const INVALID_CONFIGURATION: &str = "InvalidConfiguration";
    /// An IntuneTenant's: Entra refused to issue a token.
    pub const TOKEN_REFUSED: &str = "TokenRefused";
    /// An IntuneTenant's: Graph did not accept the token.
    pub const TOKEN_NOT_ACCEPTED: &str = "TokenNotAccepted";
    /// An IntuneTenant's: the app lacks a permission or its admin consent.
    pub const PERMISSION_MISSING: &str = "PermissionMissing";
    /// An IntuneTenant's: the tenant has no Intune or no licence for it, or Intune does not let the app in.
    pub const INTUNE_NOT_AVAILABLE: &str = "IntuneNotAvailable";
    /// An IntuneTenant's: Graph does not have a property any more that this version asks for.
    pub const PROPERTY_NOT_AVAILABLE: &str = "PropertyNotAvailable";
    /// An IntuneTenant's: Intune asks for a second administrator's approval.
    pub const MULTI_ADMIN_APPROVAL_REQUIRED: &str = "MultiAdminApprovalRequired";
    /// An IntuneTenant's: this Graph does not know the address; most likely the wrong cloud.
    pub const WRONG_ADDRESS: &str = "WrongAddress";
    /// An IntuneTenant's: Entra or Graph cannot be reached.
    pub const UNREACHABLE: &str = "Unreachable";
    /// An IntuneTenant's: its PlatformSupportMatrix is missing or bad.
    pub const MATRIX_NOT_READY: &str = "MatrixNotReady";
    /// A matrix's: it cannot be used as written.
    pub const INVALID_MATRIX: &str = "InvalidMatrix";
    /// A PasscodeResetPolicy's: it cannot be used as written.
    pub const INVALID_POLICY: &str = "InvalidPolicy";
    /// An IntuneTenant's PermissionsVerified: the token's roles have what is needed.
    pub const ROLES_PRESENT: &str = "RolesPresent";
    /// An IntuneTenant's PermissionsVerified: tokens for Graph are opaque.
    pub const TOKEN_OPAQUE: &str = "TokenOpaque";
    /// An IntuneTenant's LedgerReadable: an entry was seen.
    pub const ENTRY_SEEN: &str = "EntrySeen";
    /// An IntuneTenant's LedgerReadable: no entry was seen yet.
    pub const NO_ENTRY_SEEN: &str = "NoEntrySeen";
    /// An IntuneTenant's LedgerReadable: an accepted request did not show in time.
    pub const ENTRY_MISSING: &str = "EntryMissing";
    /// An IntuneTenant's IdentityEnforced: it is proved who approves and who asks.
    pub const IDENTITY_PROVED: &str = "IdentityProved";
    /// An IntuneTenant's IdentityEnforced: the operator lacks the rights to try.
    pub const PROBE_FORBIDDEN: &str = "ProbeForbidden";
    /// An IntuneTenant's IdentityEnforced: it was not tried yet, or the API server does not say.
    pub const IDENTITY_NOT_PROVED: &str = "IdentityNotProved";
}

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Not decided, or nobody can tell.
    Unknown,
}

impl Truth {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The longest message that is written, in bytes; the API server takes 32 KiB, people take less.
const LONGEST_MESSAGE: usize = 2048;

/// Sets one condition. `lastTransitionTime` moves only when the status moves.
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: &str,
    truth: Truth,
    reason: &str,
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let condition = Condition {
        type_: kind.to_owned(),
        status: truth.as_str().to_owned(),
        reason: reason.to_owned(),
        message: shortened(message),
        observed_generation: generation,
        last_transition_time: metav1::Time(now),
    };
    match conditions.iter_mut().find(|c| c.type_ == kind) {
        Some(old) if old.status == condition.status => {
            *old = Condition { last_transition_time: old.last_transition_time.clone(), ..condition };
        }
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}

/// The condition of this type, if it is there.
#[must_use]
pub fn get<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// Whether the condition of this type is True.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    get(conditions, kind).is_some_and(|c| c.status == Truth::True.as_str())
}

/// Puts the conditions in the order in which they are read: Ready first, how it is going last.
pub fn sort(conditions: &mut [Condition]) {
    const ORDER: [&str; 9] = [
        kind::READY,
        kind::SUPPORTED,
        kind::PERMITTED,
        kind::ISSUED,
        kind::COMPLETE,
        kind::REJECTED,
        kind::FAILED,
        kind::RECONCILING,
        kind::STALLED,
    ];
    let place = |condition: &Condition| ORDER.iter().position(|kind| *kind == condition.type_);
    conditions.sort_by_key(|condition| place(condition).unwrap_or(ORDER.len()));
}

/// Takes the condition of this type away.
pub fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|c| c.type_ != kind);
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    format!("{}…", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let mut all = Vec::new();
        set(&mut all, kind::READY, Truth::Unknown, "A", "a", Some(1), at(1));
        set(&mut all, kind::READY, Truth::Unknown, "B", "b", Some(2), at(2));
        assert_eq!(
            (all[0].last_transition_time.0, all[0].reason.as_str(), all[0].observed_generation),
            (at(1), "B", Some(2))
        );
        set(&mut all, kind::READY, Truth::True, "C", "c", Some(2), at(3));
        assert_eq!(all[0].last_transition_time.0, at(3));
        assert!(is_true(&all, kind::READY));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let mut all = Vec::new();
        set(&mut all, kind::READY, Truth::Unknown, "A", &"ü".repeat(3000), None, at(1));
        assert!(all[0].message.len() < 2060 && all[0].message.ends_with('…'));
    }
}
