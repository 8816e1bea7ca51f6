//! The reasons of a PasscodeReset.

use super::{
    Place::{self, Complete, Event, Failed, Permitted, Rejected, Undecided, Waiting},
    Reason,
    Who::{self, Nobody, Platform, Requester},
};
use crate::api::conditions::{Truth, reason as word};

const fn waiting(reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    Reason::new(Waiting, Some(Truth::Unknown), reason, who, meaning, advice)
}

const fn ended(place: Place, reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    Reason::new(place, Some(Truth::False), reason, who, meaning, advice)
}

const fn rejected(reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    ended(Rejected, reason, who, meaning, advice)
}

const fn failed(reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    ended(Failed, reason, who, meaning, advice)
}

const fn not_permitted(status: Truth, reason: &'static str, who: Who, meaning: &'static str) -> Reason {
    Reason::new(Permitted, Some(status), reason, who, meaning, "What the message says.").more(POLICIES)
}

const QUARANTINE: &str = "operations.md#backup-and-restore";
const POLICIES: &str = "guide/policies.md";
const APPROVALS: &str = "guide/policies.md#approvals";
const ADMISSION: &str = "operations.md#admission-control";
const TENANT: &str = "reference/reasons.md#intunetenant-ready";

pub(super) const ALL: &[Reason] = &[
    waiting(
        word::LOOKING_UP,
        Nobody,
        "The device or Intune's record of it is being read, or could not be read just now.",
        "Nothing. The message says why if it takes long.",
    ),
    waiting(word::SCHEDULED, Nobody, "`requestTime` is in the future.", "Nothing. Delete the object to cancel it."),
    waiting(
        word::TENANT_NOT_READY,
        Platform,
        "The IntuneTenant is missing (an hour after its `expirationTime` the object ends) or cannot be used. The message begins with the \
         tenant's own reason.",
        "What the tenant's reason asks for.",
    )
    .more(TENANT),
    waiting(
        word::SUSPENDED,
        Platform,
        "The IntuneTenant has `suspend: true`: nothing is sent.",
        "Find out who suspended it and why. Set `suspend: false` if this cluster is the active one.",
    )
    .more("operations.md#emergency-stop"),
    waiting(
        word::POLICY_NOT_READY,
        Platform,
        "A PasscodeResetPolicy that is about this request cannot be used, or one that the IntuneTenant requires (`requiredPolicies`) is missing. \
         The message names it.",
        "`kubectl describe pcrp NAME` says what is wrong with it.",
    )
    .more(POLICIES),
    waiting(
        word::IDENTITY_NOT_ENFORCED,
        Platform,
        "A policy asks who requested this or who agrees, and nothing proves at the moment who that is: the admission policies for it are not \
         in force. No approval counts until they are.",
        "Install them, or find out who changed them. Approvals from before do not count afterwards.",
    )
    .more(APPROVALS),
    waiting(
        word::AWAITING_APPROVAL,
        Requester,
        "People have to agree. The message says how many of how many did, who is still needed, the command, and until when.",
        "Ask somebody who may approve it.",
    )
    .more(APPROVALS),
    waiting(
        word::OUTSIDE_HOURS,
        Nobody,
        "A policy permits resets at certain hours. The message says when they open next.",
        "Nothing. Urgent? Ask whoever may override it.",
    )
    .more(POLICIES),
    waiting(
        word::HELD_BY_ADMISSION,
        Platform,
        "A policy or webhook of this cluster holds the claim back (its sentence begins with `hold:`), cannot be evaluated, or does not \
         answer. The message says which. It is tried again every 1 to 10 minutes until `expirationTime`.",
        "What the message says.",
    )
    .more(ADMISSION),
    waiting(
        word::LIMIT_REACHED,
        Nobody,
        "A limit of the tenant or a budget of a policy is reached; or Graph asked to wait, could not be reached, or gave several answers in a \
         row that tell nothing. The message says which.",
        "Usually nothing. Raise the limit if it is too low.",
    )
    .more("operations.md#limits"),
    waiting(
        word::QUARANTINE,
        Nobody,
        "The cluster may have been restored from a backup, or no replica watched it for a while. The message says until when.",
        "Nothing.",
    )
    .more(QUARANTINE),
    waiting(
        word::DEVICE_BUSY,
        Nobody,
        "An earlier attempt at this device is not settled, even if its reset is done already; or the device's lock cannot be read, and the \
         message names it.",
        "Nothing: it takes at most 30 s plus the settle window. If the lock cannot be read, what the message says.",
    ),
    waiting(word::SENDING, Nobody, "The request is claimed and being sent.", "Nothing."),
    waiting(
        word::VERIFYING_OUTCOME,
        Nobody,
        "The request was sent, or may have been, and the answer is not known, says nothing, or is a refusal, which proves nothing yet. \
         Intune's record is watched. The message has what was answered.",
        "Nothing: it takes up to 30 s plus the settle window.",
    ),
    waiting(
        word::WAITING_FOR_DEVICE,
        Requester,
        "Graph accepted the request, and the device has not answered.",
        "What the message says: keep the device charged and online.",
    ),
    Reason::new(
        Complete,
        Some(Truth::True),
        word::ADOPTED,
        Nobody,
        "Nothing was sent for this object: Intune has a reset that answers it. Also a reason of `Issued`.",
        "Nothing. If the person is locked out again since, a new object with a later `requestTime`.",
    ),
    rejected(
        word::NAMESPACE_NOT_ALLOWED,
        Platform,
        "The IntuneTenant does not allow this namespace.",
        "Label the namespace as `allowedNamespaces` asks, then a new object.",
    ),
    rejected(
        word::DENIED_BY_ADMISSION,
        Requester,
        "A policy or webhook of this cluster (ValidatingAdmissionPolicy, Kyverno, Gatekeeper) denied the claim. The message has its \
         sentence.",
        "Settle it with whoever keeps the policy, then a new object.",
    )
    .more(ADMISSION),
    rejected(
        word::POLICY_DENIED,
        Requester,
        "A PasscodeResetPolicy denies it. The message names every policy and rule that does (at most five), with the reason.",
        "Settle it with whoever maintains the policy, then a new object.",
    )
    .more(POLICIES),
    rejected(
        word::APPROVAL_DENIED,
        Requester,
        "Somebody whose approval is asked for said no. The message has the reason that was given.",
        "Settle it with them, then a new object.",
    )
    .more(APPROVALS),
    rejected(
        word::DEVICE_NOT_FOUND,
        Requester,
        "No managed device has this selector, in two looks 30 s apart.",
        "Check the selector. Name a device without a serial number by `managedDeviceId` or user.",
    ),
    rejected(
        word::AMBIGUOUS_DEVICE,
        Requester,
        "Several devices match, in two looks 30 s apart.",
        "Take the right `managedDeviceId` from `status.candidates`, in a new object.",
    ),
    rejected(
        word::DEVICE_GONE,
        Nobody,
        "The device's record disappeared before anything was sent: it was retired, wiped or deleted in Intune.",
        "",
    ),
    rejected(
        word::UNKNOWN_FIELD,
        Requester,
        "The manifest that was applied has a field that a PasscodeReset does not have, such as a misspelt `dryRun`. The API server dropped it.",
        "The right name, in a new object.",
    )
    .more("troubleshooting.md#a-misspelt-field"),
    rejected(
        word::REQUEST_TIME_TOO_FAR,
        Requester,
        "`requestTime` is more than 30 days after the object's creation.",
        "A nearer time, in a new object.",
    ),
    rejected(
        word::WORK_PROFILE_ONLY,
        Requester,
        "Only the work profile's passcode could be reset, and the phone's was asked for.",
        "A new object with `action: ResetWorkProfilePasscode` if that is what is wanted. A forgotten phone lock needs a factory reset.",
    ),
    rejected(
        word::ACTION_NOT_OFFERED,
        Requester,
        "The device offers another action.",
        "A new object with the action that the message names.",
    ),
    rejected(
        word::DRY_RUN,
        Nobody,
        "A dry run that would have been sent.",
        "Nothing. To reset the device, the same without `dryRun`, in a new object.",
    ),
    rejected(
        word::RECENTLY_RESET,
        Nobody,
        "The device had a reset shortly before `requestTime`: most likely this is a second ticket for the same lock-out.",
        "Most likely nothing. Else a new object with the `requestTime` that the message names.",
    ),
    rejected(
        word::ENROLLED_AFTER_REQUEST,
        Nobody,
        "The device was enrolled after `requestTime`, so its passcode is new.",
        "Nothing. If the person is locked out again, a new object with `requestTime` now.",
    ),
    rejected(
        word::EXPIRED,
        Requester,
        "It was not sent before `expirationTime`. The message says what it last waited for, or that its IntuneTenant does not exist.",
        "A new object with `requestTime` now, if it is still needed.",
    ),
    rejected(
        word::REFUSED_BY_INTUNE,
        Requester,
        "Graph refused the request, and Intune's record shows no reset.",
        "The message has Graph's sentence and request id. Android: does a policy require a passcode?",
    ),
    rejected(
        word::NOT_SUPPORTED_BY_DEVICE,
        Requester,
        "The device answered that it cannot do this.",
        "Work profile: its reset token was never activated; remove the profile and enrol again.",
    ),
    failed(
        word::DEVICE_REFUSED,
        Requester,
        "The device answered that the reset failed.",
        "Android: does a policy require a passcode? Apple: Intune may hold a wrong unlock token; then only a wipe helps.",
    ),
    failed(
        word::CANCELED,
        Requester,
        "Intune cancelled it, usually for a wipe, a retire or a newer action.",
        "Look at the device's actions in the admin center.",
    ),
    failed(
        word::DEADLINE_EXCEEDED,
        Requester,
        "The device did not answer within `completionTimeout`.",
        "The reset cannot be cancelled and may still happen; then the old passcode stops working. If it is still needed, a new object.",
    ),
    failed(
        word::DEVICE_GONE,
        Requester,
        "The device's record disappeared while its answer was waited for: the result is unknown.",
        "Look in Intune who retired, wiped or deleted the device.",
    ),
    failed(
        word::OUTCOME_UNKNOWN,
        Requester,
        "A request was sent or may have been, and neither an answer nor Intune's record tells what became of it.",
        "Ask the person whether the old passcode still works; look at the device's actions in the admin center; then a new object with \
         `requestTime` now.",
    ),
    Reason::new(Permitted, Some(Truth::True), word::NO_POLICY, Nobody, "Nothing that the operator knows of forbids it.", ""),
    Reason::new(
        Permitted,
        Some(Truth::True),
        word::PERMITTED_BY_POLICY,
        Nobody,
        "Every PasscodeResetPolicy that is about it permits it.",
        "",
    ),
    Reason::new(
        Permitted,
        Some(Truth::True),
        word::OVERRIDDEN,
        Nobody,
        "Somebody with the right to do so set aside what a policy has against it. The message names the PasscodeResetApproval.",
        "",
    )
    .more(APPROVALS),
    not_permitted(Truth::False, word::POLICY_DENIED, Requester, "A PasscodeResetPolicy denies it."),
    not_permitted(Truth::False, word::APPROVAL_DENIED, Requester, "Somebody whose approval is asked for said no."),
    not_permitted(Truth::Unknown, word::POLICY_NOT_READY, Platform, "A PasscodeResetPolicy cannot be used or is missing."),
    not_permitted(Truth::Unknown, word::IDENTITY_NOT_ENFORCED, Platform, "Nothing proves at the moment who agrees."),
    not_permitted(Truth::Unknown, word::AWAITING_APPROVAL, Requester, "People have to agree."),
    not_permitted(Truth::Unknown, word::OUTSIDE_HOURS, Nobody, "A policy's hours have not begun."),
    not_permitted(Truth::Unknown, word::LIMIT_REACHED, Nobody, "A policy's budget is used up."),
    Reason::new(
        Permitted,
        Some(Truth::False),
        word::DENIED_BY_ADMISSION,
        Requester,
        "The cluster's admission control denied the claim.",
        "Settle it with whoever keeps the policy, then a new object.",
    )
    .more(ADMISSION),
    Reason::new(
        Permitted,
        Some(Truth::Unknown),
        word::HELD_BY_ADMISSION,
        Platform,
        "The cluster's admission control holds the claim back.",
        "What the message says.",
    )
    .more(ADMISSION),
    Reason::new(
        Undecided,
        Some(Truth::Unknown),
        word::UNDECIDED,
        Nobody,
        "`Supported`, `Permitted` or `Issued` is not decided yet.",
        "",
    ),
    Reason::new(
        Event,
        None,
        word::DELETED_IN_FLIGHT,
        Requester,
        "The object was deleted after its request was sent. Nothing follows that reset any more, and it may still happen.",
        "To follow it, create the object again with the same `requestTime`: it adopts the reset.",
    )
    .more("guide/requests.md#cancel-and-delete"),
    Reason::new(
        Event,
        None,
        word::STATUS_WRITE_DENIED,
        Platform,
        "The cluster's admission control denies the object's status. It is tried again, up to 5 minutes apart; nothing is sent before a \
         status is admitted.",
        "Exempt what the operator writes.",
    )
    .more(ADMISSION),
];
