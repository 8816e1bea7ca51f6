//! Rows 22 to 29 of the classification, one test each: iPhone, iPad, iPod touch, Apple Vision Pro, and the rest.

use super::devices::{But, device, iphone, row};
use crate::platform::{Classification, ManagedDevice, Platform::*, classify, deciding_row};

fn ipad(et: &str) -> ManagedDevice {
    device("iOS", "iPad", "mdm", et)
}

const UE: [&str; 3] =
    ["appleUserEnrollment", "appleUserEnrollmentWithServiceAccount", "appleAccountDrivenUserEnrollment"];
const ACME_DEP: [&str; 4] = [
    "appleACMEDEPUserless",
    "appleACMEDEPUDACompanyPortal",
    "appleACMEDEPUDASetupAsstLegacy",
    "appleACMEDEPUDAModernAuth",
];

#[test]
fn row_22_apple_user_enrollment() {
    for et in UE {
        for dt in ["iPhone", "iPad", "iPod", "visionOS"] {
            row(22, AppleUserEnrollment, [device("", dt, "mdm", et)]);
        }
        for os in ["iOS", "iPadOS", "visionOS"] {
            row(22, AppleUserEnrollment, [device(os, "", "mdm", et)]);
        }
    }
}

#[test]
fn row_23_own_device_without_serial_number() {
    let byod = iphone("appleACMEBasicBYOD");
    row(23, AppleUserEnrollment, [byod.clone().no_serial()]);
    row(28, IosDeviceEnrollment, [byod]);
}

#[test]
fn row_24_shared_ipad() {
    row(
        24,
        SharedIPad,
        [
            ipad("appleBulkWithoutUser").shared(Some(true)),
            device("iPadOS", "", "mdm", "appleBulkWithoutUser").shared(Some(true)),
            device("iOS", "", "mdm", "appleBulkWithoutUser").model("iPad Pro 11").shared(Some(true)),
        ],
    );
}

#[test]
fn row_25_an_ipad_that_may_be_shared() {
    for et in ["appleBulkWithUser", "appleBulkWithoutUser"].into_iter().chain(ACME_DEP) {
        for shared in [ipad(et), device("iOS", "", "mdm", et).model("iPad (8th generation)")] {
            let unread = shared.shared(None);
            assert_eq!(deciding_row(&unread).number, 25, "{unread:#?}");
            assert_eq!(classify(&unread), Classification::CannotTellYet);
        }
        assert_eq!(classify(&iphone(et).shared(None)), Classification::Class(IosDeviceEnrollment));
    }
    row(28, IosDeviceEnrollment, [ipad("userEnrollment").shared(None)]);
}

#[test]
fn row_26_visionos() {
    row(
        26,
        VisionOS,
        [
            device("visionOS", "visionOS", "mdm", "appleBulkWithUser"),
            device("visionOS", "", "mdm", ""),
            device("", "visionOS", "mdm", "userEnrollment"),
        ],
    );
}

#[test]
fn row_27_supervised() {
    for dt in ["iPhone", "iPad", "iPod"] {
        for et in ["", "unknown", "appleBulkWithUser", "unknownFutureValue"] {
            row(27, IosDeviceEnrollment, [device("iOS", dt, "mdm", et).supervised()]);
        }
    }
}

#[test]
fn row_28_enrolled_as_a_device() {
    let types = ["userEnrollment", "deviceEnrollmentManager", "appleBulkWithUser", "appleBulkWithoutUser"];
    for et in types.into_iter().chain(ACME_DEP).chain(["appleACMEBasicBYOD"]) {
        row(
            28,
            IosDeviceEnrollment,
            [
                iphone(et),
                ipad(et),
                device("iOS", "iPod", "mdm", et),
                device("iOS", "", "mdm", et),
                device("iPadOS", "", "mdm", et),
                // Not told is not supervised, and needs not be.
                iphone(et).but(|d| d.is_supervised = None),
            ],
        );
    }
}

#[test]
fn row_29_the_rest() {
    row(
        29,
        Unknown,
        [
            device("", "", "mdm", ""),
            device("Unknown", "unknown", "mdm", "userEnrollment"),
            device("BlackBerry", "blackberry", "mdm", "userEnrollment"),
            device("Palm", "palm", "mdm", "userEnrollment"),
            device("", "iSocConsumer", "mdm", "userEnrollment"),
            // Nothing but the enrolment type says Apple.
            device("", "", "mdm", "appleUserEnrollment"),
            device("visionPro", "", "mdm", "userEnrollment"),
            iphone(""),
            iphone("unknown"),
            iphone("windowsAzureADJoin"),
            iphone("appleACMEAccountDrivenUserEnrollment"),
            // Another system's name inside a value is not the value.
            device("iOS on Android", "", "mdm", "userEnrollment"),
        ],
    );
    assert_eq!(deciding_row(&ManagedDevice::default()).number, 11);
}
