//! Rows 12 to 21 of the classification, one test each: Android.

use super::devices::{But, device, row};
use crate::platform::Platform::*;

#[test]
fn row_12_aosp_user_associated() {
    for dt in ["", "android", "androidnGMS"] {
        row(12, AospUserAssociated, [device("Android", dt, "intuneAosp", "androidAOSPUserOwnedDeviceEnrollment")]);
    }
}

#[test]
fn row_13_aosp_userless() {
    for dt in ["", "android", "androidnGMS"] {
        row(13, AospUserless, [device("Android", dt, "intuneAosp", "androidAOSPUserlessDeviceEnrollment")]);
    }
}

#[test]
fn row_14_aosp_by_agent_or_type() {
    for aosp in [device("Android", "android", "intuneAosp", ""), device("AndroidAOSP", "androidnGMS", "mdm", "")] {
        row(14, AospUserAssociated, [aosp.clone()]);
        row(14, AospUserless, [aosp.no_user()]);
    }
}

#[test]
fn rows_15_to_17_android_enterprise_of_the_company() {
    for (number, et, is) in [
        (15, "androidEnterpriseDedicatedDevice", AndroidDedicated),
        (16, "androidEnterpriseFullyManaged", AndroidFullyManaged),
        (17, "androidEnterpriseCorporateWorkProfile", AndroidCorporateWorkProfile),
    ] {
        let enterprise = |dt| device("Android", dt, "googleCloudDevicePolicyController", et);
        // Administrators change the owner: it must not matter.
        row(number, is, [enterprise("androidEnterprise"), enterprise(""), enterprise("androidEnterprise").personal()]);
        row(21, Unknown, [enterprise("android"), enterprise("unknown")]);
    }
}

#[test]
fn row_18_android_for_work() {
    row(
        18,
        AndroidPersonalWorkProfile,
        [
            device("Android", "androidForWork", "mdm", "userEnrollment").personal(),
            device("AndroidForWork", "androidForWork", "mdm", "userEnrollment"),
        ],
    );
}

#[test]
fn row_19_personal_android_enterprise() {
    for et in ["userEnrollment", "unknown", "unknownFutureValue"] {
        let by_type = device("Android", "androidEnterprise", "mdm", et);
        let by_agent = device("Android", "", "googleCloudDevicePolicyController", et);
        row(19, AndroidPersonalWorkProfile, [by_type.clone().personal(), by_agent.clone().personal()]);
        row(21, Unknown, [by_type, by_agent]);
    }
}

#[test]
fn row_20_device_administrator() {
    for et in ["userEnrollment", "deviceEnrollmentManager", "unknown"] {
        for ag in ["mdm", "easMdm"] {
            row(20, AndroidDeviceAdministrator, [device("Android", "android", ag, et)]);
        }
    }
}

#[test]
fn row_21_any_other_android() {
    row(
        21,
        Unknown,
        [
            device("Android", "", "mdm", "userEnrollment"),
            device("AndroidEnterprise", "", "mdm", "userEnrollment"),
            device("Android", "android", "mdm", ""),
            device("Android", "android", "googleCloudDevicePolicyController", "userEnrollment"),
            // A personal work profile after its move to Android Management API, marked as the company's: nobody has seen what that means.
            device("Android", "androidEnterprise", "googleCloudDevicePolicyController", "userEnrollment").no_serial(),
            device("Android", "androidXR", "mdm", "userEnrollment"),
            device("", "", "mdm", "androidEnterpriseSomethingNew"),
        ],
    );
}
