//! The order of the classification: what decides where several rows hold.

use std::collections::{BTreeMap, BTreeSet};

use super::devices::{But, device};
use crate::platform::{Classification, ManagedDevice, Platform::*, deciding_row, facts::Facts, rows};

const CLOUD_DPC: &str = "googleCloudDevicePolicyController";

/// Pairs that real records, or nearly real ones, bring about: row `first` and row `second` both hold, and `first` decides.
#[test]
#[rustfmt::skip] // a table
fn of_two_rows_that_hold_the_earlier_decides() {
    let iphone = |et| device("iOS", "iPhone", "mdm", et);
    let ipad = |et| device("iOS", "iPad", "mdm", et);
    let vision = |et| device("visionOS", "visionOS", "mdm", et);
    let android = |dt, ag, et| device("Android", dt, ag, et);
    let aosp_user = "androidAOSPUserOwnedDeviceEnrollment";
    let aosp_userless = "androidAOSPUserlessDeviceEnrollment";
    let pairs: Vec<(u8, u8, ManagedDevice)> = vec![
        // A device on its way out is told so, whatever else it is.
        (1, 2, device("macOS", "macMDM", "jamf", "").state("retirePending")),
        (1, 5, device("macOS", "macMDM", "mdm", "userEnrollment").state("wipePending")),
        (1, 9, device("Windows", "desktop", "mdm", "windowsAzureADJoin").state("retireIssued")),
        (1, 11, device("Windows", "desktop", "unknown", "").state("deletePending")),
        (1, 15, android("androidEnterprise", CLOUD_DPC, "androidEnterpriseDedicatedDevice").state("wipeIssued")),
        (1, 21, android("android", "mdm", "").state("wipePending")),
        (1, 25, ipad("appleBulkWithoutUser").shared(None).state("wipePending")),
        (1, 28, iphone("userEnrollment").state("wipePending")),
        // Another system manages it: that is what helps, not what kind of computer it is.
        (2, 3, device("macOS", "mac", "jamf", "").state("newState")),
        (2, 5, device("macOS", "mac", "jamf", "userEnrollment")),
        (2, 9, device("Windows", "desktop", "configurationManagerClient", "")),
        (2, 10, device("Linux", "linux", "msSense", "")),
        (2, 11, device("Windows", "desktop", "unknown", "").state("discovered")),
        (2, 21, android("", "eas", "")),
        (2, 28, device("iOS", "iPhone", "eas", "userEnrollment")),
        // A state that nobody knows comes before all kinds.
        (3, 5, device("macOS", "macMDM", "mdm", "").state("newState")),
        (3, 22, iphone("appleUserEnrollment").state("newState")),
        (3, 28, iphone("userEnrollment").state("newState")),
        // What is no phone is told so even where its agent is not known.
        (4, 9, device("Windows", "chromeOS", "google", "")),
        (4, 11, device("ChromeOS", "chromeOS", "", "")),
        (4, 21, device("Android", "chromeOS", "google", "")),
        (5, 11, device("macOS", "macMDM", "unknown", "")),
        (5, 28, device("iOS", "mac", "mdm", "userEnrollment")),
        (6, 11, device("tvOS", "tvOS", "", "")),
        (6, 28, device("iOS", "tvOS", "mdm", "appleBulkWithoutUser")),
        (7, 8, device("Windows 10 Mobile", "holoLens", "mdm", "")),
        (7, 9, device("Windows", "holoLens", "mdm", "")),
        (7, 9, device("Windows", "surfaceHub", "mdm", "")),
        (7, 9, device("Windows", "desktop", "mdm", "").model("Cloud PC Enterprise")),
        (7, 11, device("Windows", "cloudPC", "unknown", "")),
        (8, 9, device("Windows", "windowsPhone", "mdm", "userEnrollment")),
        (8, 9, device("Windows Phone", "desktop", "mdm", "userEnrollment")),
        (8, 11, device("Windows Phone", "windowsPhone", "", "")),
        (9, 10, device("Windows", "unix", "mdm", "")),
        (9, 11, device("Windows", "desktop", "unknown", "")),
        (10, 11, device("Linux", "linux", "", "")),
        // Without a known agent the kind of phone does not matter.
        (11, 12, android("androidnGMS", "", aosp_user)),
        (11, 16, android("androidEnterprise", "unknown", "androidEnterpriseFullyManaged")),
        (11, 18, android("androidForWork", "", "userEnrollment")),
        (11, 22, device("iOS", "iPhone", "", "appleUserEnrollment")),
        (11, 24, device("iOS", "iPad", "unknown", "appleBulkWithoutUser").shared(Some(true))),
        (11, 25, device("iOS", "iPad", "unknown", "appleBulkWithoutUser").shared(None)),
        (11, 26, device("visionOS", "visionOS", "intuneNext", "appleBulkWithUser")),
        (11, 28, device("iOS", "iPhone", "intuneNext", "userEnrollment")),
        // The enrolment type knows better than the presence of a user.
        (12, 14, android("androidnGMS", "intuneAosp", aosp_user).no_user()),
        (13, 14, android("androidnGMS", "intuneAosp", aosp_userless)),
        (12, 18, android("androidForWork", "intuneAosp", aosp_user)),
        (12, 21, android("android", "intuneAosp", aosp_user)),
        (13, 21, android("android", "intuneAosp", aosp_userless)),
        (14, 15, android("", "intuneAosp", "androidEnterpriseDedicatedDevice")),
        (14, 16, android("", "intuneAosp", "androidEnterpriseFullyManaged")),
        (14, 17, android("", "intuneAosp", "androidEnterpriseCorporateWorkProfile")),
        (14, 18, android("androidForWork", "intuneAosp", "userEnrollment")),
        (14, 19, android("androidEnterprise", "intuneAosp", "userEnrollment").personal()),
        (14, 21, android("androidnGMS", "mdm", "userEnrollment")),
        // Every known Android before any other Android.
        (15, 21, android("androidEnterprise", CLOUD_DPC, "androidEnterpriseDedicatedDevice")),
        (16, 21, android("androidEnterprise", CLOUD_DPC, "androidEnterpriseFullyManaged")),
        (17, 21, android("androidEnterprise", CLOUD_DPC, "androidEnterpriseCorporateWorkProfile")),
        (18, 21, android("androidForWork", "mdm", "userEnrollment")),
        (19, 21, android("androidEnterprise", CLOUD_DPC, "userEnrollment").personal()),
        (20, 21, android("android", "mdm", "userEnrollment")),
        // A record that speaks of two systems is not guessed at.
        (21, 22, device("Android", "iPhone", "mdm", "appleUserEnrollment")),
        (21, 26, device("Android", "visionOS", "mdm", "appleBulkWithUser")),
        (21, 28, device("iOS", "iPhone", CLOUD_DPC, "userEnrollment")),
        // What Apple forbids comes before what Apple permits.
        (22, 24, ipad("appleUserEnrollment").shared(Some(true))),
        (22, 27, iphone("appleAccountDrivenUserEnrollment").supervised()),
        (23, 24, ipad("appleACMEBasicBYOD").no_serial().shared(Some(true))),
        (23, 26, vision("appleACMEBasicBYOD").no_serial()),
        (23, 27, iphone("appleACMEBasicBYOD").no_serial().supervised()),
        (23, 28, iphone("appleACMEBasicBYOD").no_serial()),
        (24, 27, ipad("appleBulkWithoutUser").shared(Some(true)).supervised()),
        (24, 28, ipad("appleBulkWithoutUser").shared(Some(true))),
        (25, 27, ipad("appleACMEDEPUserless").shared(None).supervised()),
        (25, 28, ipad("appleBulkWithoutUser").shared(None)),
        (26, 27, device("iOS", "visionOS", "mdm", "appleBulkWithUser").supervised()),
        (26, 28, device("iOS", "visionOS", "mdm", "appleBulkWithUser")),
    ];
    for (first, second, device) in pairs {
        let facts = Facts::of(&device);
        let holding: Vec<_> = rows::ROWS.iter().filter(|row| (row.holds)(&facts)).collect();
        let first_is = deciding_row(&device);
        assert_eq!(first_is.number, first, "{first} before {second}: {device:#?}");
        assert!(
            holding.iter().any(|row| row.number == second && row.is != first_is.is),
            "row {second} does not hold, or says the same as {first}: {device:#?}"
        );
    }
}

/// Which classes lose to a row somewhere, over every mixture of the values that rows ask for. A row that moves, or begins to
/// take devices from another, changes this list.
#[test]
#[rustfmt::skip] // a table
fn what_each_row_takes_from_the_rows_after_it() {
    let won = winners();
    let corporate = [AndroidDedicated, AndroidFullyManaged, AndroidCorporateWorkProfile];
    let apple = [AppleUserEnrollment, SharedIPad, VisionOS, IosDeviceEnrollment];
    let whole_apple = [SharedIPad, VisionOS, IosDeviceEnrollment];
    let list = |parts: &[&[_]]| parts.concat().into_iter().map(Classification::Class).collect::<BTreeSet<_>>();
    let or_unread = |mut classes: BTreeSet<_>| { classes.insert(Classification::CannotTellYet); classes };
    for (number, is, losers) in [
        (12, AospUserAssociated, list(&[&[AospUserless, AndroidPersonalWorkProfile, Unknown], &whole_apple])),
        (13, AospUserless, list(&[&[AospUserAssociated, AndroidPersonalWorkProfile, Unknown], &whole_apple])),
        (14, AospUserless, or_unread(list(&[&[AospUserAssociated, AndroidPersonalWorkProfile, Unknown], &corporate, &apple]))),
        (14, AospUserAssociated, or_unread(list(&[&[AndroidPersonalWorkProfile, Unknown], &corporate, &apple]))),
        (15, AndroidDedicated, list(&[&[Unknown], &whole_apple])),
        (16, AndroidFullyManaged, list(&[&[Unknown], &whole_apple])),
        (17, AndroidCorporateWorkProfile, list(&[&[Unknown], &whole_apple])),
        (18, AndroidPersonalWorkProfile, or_unread(list(&[&[Unknown], &apple]))),
        (19, AndroidPersonalWorkProfile, list(&[&[Unknown], &whole_apple])),
        (20, AndroidDeviceAdministrator, list(&[&[Unknown], &whole_apple])),
        (21, Unknown, or_unread(list(&[&apple]))),
        (22, AppleUserEnrollment, list(&[&[SharedIPad, IosDeviceEnrollment]])),
        (23, AppleUserEnrollment, list(&[&whole_apple])),
        (24, SharedIPad, list(&[&[VisionOS, IosDeviceEnrollment]])),
        (26, VisionOS, list(&[&[IosDeviceEnrollment]])),
    ] {
        assert_eq!(won.get(&(number, Classification::Class(is))), Some(&losers), "row {number}, {is}");
    }
    assert_eq!(won.get(&(25, Classification::CannotTellYet)), Some(&list(&[&[VisionOS, IosDeviceEnrollment]])));
    assert_eq!(won.len(), 16);
}

/// Rows 1 to 11 decide whatever else the record says, the earlier before the later.
#[test]
fn the_first_rows_take_everything() {
    type Change = fn(&mut ManagedDevice);
    let rows: [(u8, Change); 12] = [
        (1, |d| d.management_state = "wipePending".into()),
        (2, |d| d.management_agent = "jamf".into()),
        (3, |d| d.management_state = "newState".into()),
        (4, |d| d.management_agent = "google".into()),
        (5, |d| d.device_type = "mac".into()),
        (6, |d| d.operating_system = "tvOS".into()),
        (7, |d| d.device_type = "holoLens".into()),
        (7, |d| d.model = "Cloud PC Enterprise".into()),
        (8, |d| d.operating_system = "Windows Phone".into()),
        (9, |d| d.device_type = "desktop".into()),
        (10, |d| d.operating_system = "Linux".into()),
        (11, |d| d.management_agent = String::new()),
    ];
    mixtures(|device| {
        for (index, (first, change_first)) in rows.iter().enumerate() {
            let alone = device.clone().but(change_first);
            assert_eq!(deciding_row(&alone).number, *first, "{alone:#?}");
            for (_, change_later) in &rows[index + 1..] {
                // In this order, so that where both want the same property the earlier row has it.
                let both = device.clone().but(change_later).but(change_first);
                assert_eq!(deciding_row(&both).number, *first, "{both:#?}");
            }
        }
    });
}

type Winners = BTreeMap<(u8, Classification), BTreeSet<Classification>>;

fn winners() -> Winners {
    let mut won = Winners::new();
    mixtures(|device| {
        let facts = Facts::of(device);
        let mut holding = rows::ROWS.iter().filter(|row| (row.holds)(&facts));
        if let Some(first) = holding.next() {
            let losers = holding.map(|row| row.is).filter(|is| *is != first.is);
            for loser in losers {
                won.entry((first.number, first.is)).or_default().insert(loser);
            }
        }
    });
    won
}

/// Every mixture of one value per meaning that rows 12 and later ask for; no earlier row holds.
fn mixtures(mut each: impl FnMut(&ManagedDevice)) {
    let enrollment_types = [
        "",
        "unknown",
        "appleBulkWithUser",
        "appleUserEnrollment",
        "appleACMEBasicBYOD",
        "androidAOSPUserOwnedDeviceEnrollment",
        "androidAOSPUserlessDeviceEnrollment",
        "androidEnterpriseDedicatedDevice",
        "androidEnterpriseFullyManaged",
        "androidEnterpriseCorporateWorkProfile",
    ];
    let device_types =
        ["", "android", "androidForWork", "androidEnterprise", "androidnGMS", "iPhone", "iPad", "visionOS"];
    for et in enrollment_types {
        for dt in device_types {
            for ag in ["mdm", "intuneAosp", CLOUD_DPC] {
                for os in ["", "android", "ios", "ipados", "visionos"] {
                    for choice in 0..8 {
                        let mut device = device(os, dt, ag, et).personal().supervised();
                        device.has_user = choice & 1 == 0;
                        device.has_serial_number = choice & 2 == 0;
                        device.is_shared_device = (choice & 4 == 0).then_some(true);
                        each(&device);
                    }
                }
            }
        }
    }
}
