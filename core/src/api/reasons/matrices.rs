//! The reasons that the built-in matrices bring. They are the reason of `Supported`, and of `Ready` where that decides or where the reset is
//! Complete.

use super::{
    Place::Matrix,
    Reason,
    Who::{self, Intune, Nobody, Requester},
};
use crate::api::conditions::Truth;

const fn supported(reason: &'static str, meaning: &'static str, advice: &'static str) -> Reason {
    Reason::new(Matrix, Some(Truth::True), reason, Requester, meaning, advice)
}

const fn unsupported(reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    Reason::new(Matrix, Some(Truth::False), reason, who, meaning, advice)
}

const TELL_IT: &str =
    "Read the temporary passcode in the admin center, on the device's overview, and tell it to the person.";
const SET_A_PIN: &str = "Read the new PIN in the admin center, and tell it to the person.";
const AS_THE_MESSAGE_SAYS: &str = "What the message says.";
const OTHER_MEANS: &str = "Another way, which the message names.";

pub(super) const ALL: &[Reason] = &[
    supported("PasscodeRemoved", "The passcode disappears.", "Set a new one at once."),
    supported(
        "TemporaryPasscode",
        "A temporary passcode takes the place of the old one; `support.certainty` says how sure it is that this works.",
        TELL_IT,
    ),
    supported("DeviceOwner", "A temporary passcode takes the place of the old one (`intune-2020-07`).", TELL_IT),
    supported("WorkProfileOnly", "Only the work profile's passcode changes. The phone's own lock stays.", TELL_IT),
    supported(
        "NewPin",
        "A new PIN on Windows 10 Mobile; `support.certainty` says how sure it is that this works.",
        SET_A_PIN,
    ),
    unsupported("LeavingManagement", Nobody, "A wipe, retire or delete of the device is pending.", ""),
    unsupported(
        "NotManagedByIntuneMdm",
        Requester,
        "Another system manages the device.",
        "Reset the passcode in that system.",
    ),
    unsupported(
        "PlatformUnknown",
        Requester,
        "Intune's record fits no class that is known here. What is not known is refused, never guessed.",
        "Report the values that the message prints, so that the table can be extended.",
    ),
    unsupported(
        "SharedIPadForbidden",
        Requester,
        "The passcodes of a Shared iPad belong to its users.",
        "Reset the user's passcode in Apple School Manager or Apple Business Manager.",
    ),
    unsupported(
        "UserEnrollmentForbidden",
        Requester,
        "Apple forbids it on a device with User Enrollment.",
        AS_THE_MESSAGE_SAYS,
    ),
    unsupported(
        "UserEnrollmentUnsupported",
        Requester,
        "Intune has no reset for a device with Apple User Enrollment (`intune-2020-07`).",
        AS_THE_MESSAGE_SAYS,
    ),
    unsupported("OsVersionTooLow", Requester, "The operating system is too old for it.", AS_THE_MESSAGE_SAYS),
    unsupported(
        "OsVersionUnreadable",
        Intune,
        "The answer depends on the version, and Intune has none that can be read.",
        "Sync the device in Intune, then a new object.",
    ),
    unsupported(
        "RemovedByGoogle",
        Requester,
        "Device administrator on Android 7.0 and later: Google removed it.",
        AS_THE_MESSAGE_SAYS,
    ),
    unsupported(
        "PlatformNotSupported",
        Requester,
        "Intune has no passcode reset for Mac, Windows, ChromeOS, Apple TV or Linux.",
        OTHER_MEANS,
    ),
    unsupported("NotListed", Requester, "No rule of the matrix names this kind of device.", AS_THE_MESSAGE_SAYS),
    unsupported(
        "NotDocumentedThen",
        Requester,
        "No document of July 2020 names this kind of device (`intune-2020-07`).",
        AS_THE_MESSAGE_SAYS,
    ),
];
