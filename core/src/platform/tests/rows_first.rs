//! Rows 1 to 11 of the classification, one test each, and what holds for all rows.

use super::devices::{But, device, iphone, row};
use crate::platform::{Classification, Platform::*, rows};

#[test]
fn row_1_leaving_management() {
    let states = ["retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"];
    row(1, LeavingManagement, states.map(|state| iphone("appleBulkWithUser").state(state)));
}

#[test]
fn row_1_leaves_states_alone_in_which_the_device_stays() {
    for state in ["managed", "retireFailed", "wipeFailed", "unhealthy", "wipeCanceled", "retireCanceled"] {
        row(28, IosDeviceEnrollment, [iphone("userEnrollment").state(state)]);
    }
}

#[test]
fn row_2_not_under_intune_mdm() {
    row(2, NotUnderIntuneMdm, [iphone("userEnrollment").state("discovered")]);
    for ag in [
        "eas",
        "jamf",
        "configurationManagerClient",
        "intuneClient",
        "easIntuneClient",
        "msSense",
        "microsoft365ManagedMdm",
    ] {
        row(2, NotUnderIntuneMdm, [device("iOS", "iPhone", ag, "userEnrollment")]);
    }
}

#[test]
fn row_3_state_not_recognised() {
    for state in ["deprovisionPending", "unknownFutureValue", " ", "unknown"] {
        row(3, Unknown, [iphone("userEnrollment").state(state)]);
    }
}

/// Absence says how the device was read, not what state it is in.
#[test]
fn row_3_lets_an_absent_state_pass() {
    row(28, IosDeviceEnrollment, [iphone("userEnrollment").state("")]);
}

#[test]
fn row_4_chromeos() {
    row(4, ChromeOS, [device("", "", "google", ""), device("", "chromeOS", "", ""), device("ChromeOS", "", "", "")]);
}

#[test]
fn row_5_macos() {
    row(
        5,
        MacOS,
        [
            device("", "macMDM", "mdm", "userEnrollment"),
            device("", "mac", "mdm", "userEnrollment"),
            device("macOS", "", "mdm", "userEnrollment"),
            device("MacMDM", "", "mdm", "userEnrollment"),
        ],
    );
}

#[test]
fn row_6_tvos() {
    row(6, TvOS, [device("", "tvOS", "mdm", "appleBulkWithoutUser"), device("tvOS", "", "mdm", "")]);
}

#[test]
fn row_7_the_windows_family() {
    row(7, HoloLens, [device("Windows", "holoLens", "mdm", "")]);
    row(7, SurfaceHub, [device("Windows", "surfaceHub", "mdm", "")]);
    row(
        7,
        CloudPC,
        [
            device("Windows", "cloudPC", "mdm", ""),
            device("Windows", "desktop", "mdm", "").model("Cloud PC Enterprise 2vCPU/8GB/128GB"),
        ],
    );
    row(9, Windows, [device("Windows", "desktop", "mdm", "").model("My Cloud PC")]);
}

#[test]
fn row_8_windows_10_mobile() {
    for dt in ["windowsPhone", "winMO6", "nokia"] {
        row(8, Windows10Mobile, [device("", dt, "mdm", "userEnrollment")]);
    }
    for os in ["Windows Phone", "Windows 10 Mobile", "Windows Mobile"] {
        row(8, Windows10Mobile, [device(os, "", "mdm", "userEnrollment")]);
    }
}

#[test]
fn row_9_windows() {
    for dt in ["desktop", "windowsRT", "winEmbedded", "windows10x", "winCE"] {
        row(9, Windows, [device("", dt, "mdm", "windowsAzureADJoin")]);
    }
    row(9, Windows, [device("Windows", "", "configurationManagerClientMdm", "windowsCoManagement")]);
}

#[test]
fn row_10_linux() {
    row(10, Linux, [device("", "linux", "mdm", ""), device("", "unix", "mdm", ""), device("Linux", "", "mdm", "")]);
}

#[test]
fn row_11_no_known_agent() {
    for ag in ["unknown", "", "unknownFutureValue", "intuneQuantum"] {
        row(11, Unknown, [device("iOS", "iPhone", ag, "userEnrollment")]);
    }
    for ag in ["mdm", "easMdm", "configurationManagerClientMdm", "configurationManagerClientMdmEas"] {
        row(28, IosDeviceEnrollment, [device("iOS", "iPhone", ag, "userEnrollment")]);
    }
}

#[test]
fn the_rows_stand_in_the_order_of_their_numbers() {
    let mut numbers: Vec<u8> = rows::ROWS.iter().map(|row| row.number).collect();
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert_eq!(numbers, (1..=28).collect::<Vec<u8>>());
    assert_eq!(rows::REST.number, 29);
}

/// A row that names a class says how sure it is; a row that only refuses claims nothing.
#[test]
fn every_claim_has_its_certainty_and_every_row_its_reason() {
    for row in rows::ROWS.iter().chain([&rows::REST]) {
        let claims = !matches!(row.is, Classification::Class(Unknown) | Classification::CannotTellYet);
        assert_eq!(row.certainty.is_some(), claims, "row {}", row.number);
        assert!(!row.because.is_empty(), "row {}", row.number);
    }
}
