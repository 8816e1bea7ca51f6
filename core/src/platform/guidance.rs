//! What the person at the desk is told about each class: short, and what to do next.

use super::class::Platform::{self, *};
use crate::api::matrix::MatrixAction;

pub(super) const LEAVING_MANAGEMENT: &str = "A wipe, retire or delete of this device is pending and overrides every other action: \
     let it finish, then set the device up again.";
pub(super) const NOT_UNDER_INTUNE_MDM: &str = "Intune lists this device but does not manage it: reset the passcode in the system \
     that does, which the device's managementAgent names.";
pub(super) const UNKNOWN: &str = "Intune's record of this device fits no kind of device that the operator knows: report the values shown, so that it \
     can be added, and use the Intune admin center meanwhile.";
pub(super) const SHARED_IPAD: &str = "On a shared iPad every user has a passcode of their own: reset the user's in Apple School \
     Manager or Apple Business Manager.";
pub(super) const APPLE_USER_ENROLLMENT: &str = "Apple forbids this on a device enrolled with User Enrollment: the owner restores it \
     with their own Apple Account.";
pub(super) const PASSCODE_REMOVED: &str = "The passcode disappears: unlock the device without one and set a new one at once, because \
     until then anyone holding it can open it. Face ID or Touch ID has to be set up again.";
pub(super) const DEVICE_TOO_OLD: &str = "Its operating system is too old for a reset: the device has to be wiped.";
pub(super) const PROFILE_TOO_OLD: &str =
    "Its Android is too old for a reset: remove the work profile and enrol the phone again.";
pub(super) const TEMPORARY_PASSCODE: &str =
    "Enter the temporary passcode on the lock screen, then set a passcode of your own.";
pub(super) const WORK_PROFILE: &str = "Only the work profile's passcode changes, the phone's own lock stays: open a work app, enter \
     the temporary passcode, then set a new one.";
pub(super) const DEVICE_ADMINISTRATOR_OLD: &str = "The old lock is replaced by a temporary passcode: enter it on the lock screen, \
     then set a passcode of your own.";
pub(super) const DEVICE_ADMINISTRATOR: &str =
    "Google removed this for Android 7.0 and later under device administrator: only a factory reset helps.";
pub(super) const NEW_PIN: &str = "Enter the new PIN on the phone, then change it in Settings.";
pub(super) const MACOS: &str =
    "Intune cannot reset the passcode of a Mac: use its FileVault recovery key, or reset the account's password.";
pub(super) const WINDOWS: &str =
    "Intune cannot reset the PIN of a Windows device: the user resets it from the sign-in screen (I forgot my PIN).";
pub(super) const CHROMEOS: &str = "Intune does not offer this for ChromeOS: use the Google Admin console.";
pub(super) const TVOS: &str = "Intune does not offer this for an Apple TV: erase the Apple TV and set it up again.";
pub(super) const LINUX: &str = "Intune does not offer this for Linux: reset the password on the computer itself.";

/// For a version that cannot be read where the answer depends on it.
pub(super) const VERSION_UNREADABLE: &str = "The answer depends on the version of the operating system, and Intune has none that can \
     be read: sync the device in Intune, then create a new PasscodeReset.";
/// For a class that a matrix refuses although Intune can reset it elsewhere.
const REFUSED_BY_THE_MATRIX: &str = "The platform support matrix in use does not offer a reset for this device: ask the \
     platform team, or look at the device in the Intune admin center.";

/// What to say where a rule has no sentence of its own: of a supported action what it does, of a refusal what else helps.
pub(super) const fn fallback(platform: Platform, action: Option<MatrixAction>) -> &'static str {
    match action {
        Some(MatrixAction::RemoveDevicePasscode) => PASSCODE_REMOVED,
        Some(MatrixAction::ResetDevicePasscode) => TEMPORARY_PASSCODE,
        Some(MatrixAction::ResetWorkProfilePasscode) => WORK_PROFILE,
        Some(MatrixAction::ResetDevicePin) => NEW_PIN,
        None => refusal(platform),
    }
}

const fn refusal(platform: Platform) -> &'static str {
    match platform {
        LeavingManagement => LEAVING_MANAGEMENT,
        NotUnderIntuneMdm => NOT_UNDER_INTUNE_MDM,
        Unknown => UNKNOWN,
        SharedIPad => SHARED_IPAD,
        AppleUserEnrollment => APPLE_USER_ENROLLMENT,
        MacOS => MACOS,
        Windows | HoloLens | SurfaceHub | CloudPC => WINDOWS,
        ChromeOS => CHROMEOS,
        TvOS => TVOS,
        Linux => LINUX,
        Windows10Mobile
        | AospUserAssociated
        | AospUserless
        | AndroidDedicated
        | AndroidFullyManaged
        | AndroidCorporateWorkProfile
        | AndroidPersonalWorkProfile
        | AndroidDeviceAdministrator
        | VisionOS
        | IosDeviceEnrollment => REFUSED_BY_THE_MATRIX,
    }
}
