//! What a platform means for the person who holds the device.

use crate::platform::Platform;

/// How a reset shows on the device.
pub(super) enum Kind {
    Apple,
    Android,
    WorkProfile,
    Windows,
    Other,
}

pub(super) fn kind(platform: Platform) -> Kind {
    match platform {
        Platform::IosDeviceEnrollment | Platform::VisionOS => Kind::Apple,
        Platform::Windows10Mobile => Kind::Windows,
        Platform::AndroidDedicated
        | Platform::AndroidFullyManaged
        | Platform::AndroidDeviceAdministrator
        | Platform::AospUserAssociated
        | Platform::AospUserless => Kind::Android,
        Platform::AndroidCorporateWorkProfile | Platform::AndroidPersonalWorkProfile => Kind::WorkProfile,
        _ => Kind::Other,
    }
}
