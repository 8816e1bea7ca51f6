//! Names, and what people are told.

use std::collections::BTreeSet;

use super::{
    super::nearest::nearest,
    devices::{But, device},
};
use crate::{
    api::{
        conditions::Truth,
        matrix::Certainty,
        reasons::{self, Place},
    },
    platform::{
        Matrix, NOT_LISTED, OS_VERSION_UNREADABLE, Platform, Platform::*, builtin_names, builtin_spec, raw_values,
        required_ledger_name,
    },
};

#[test]
fn every_class_has_its_name_and_is_found_by_it() {
    for platform in Platform::ALL {
        assert_eq!(platform.to_string().parse(), Ok(*platform));
    }
    let error = "macos".parse::<Platform>().unwrap_err();
    assert_eq!(error.to_string(), "there is no platform \"macos\"");
    assert_eq!(Platform::ALL.len(), 23);
}

#[test]
fn every_reason_of_a_built_in_matrix_is_explained_and_no_other() {
    let rules = builtin_names().into_iter().flat_map(|name| builtin_spec(name).unwrap().rules);
    let silent = [NOT_LISTED, OS_VERSION_UNREADABLE].map(|reason| (reason.to_owned(), false));
    let said: BTreeSet<_> = rules.map(|rule| (rule.reason, rule.action.is_some())).chain(silent).collect();
    let explained = reasons::all().filter(|reason| reason.place == Place::Matrix);
    let explained = explained.map(|reason| (reason.reason.to_owned(), reason.status == Some(Truth::True)));
    assert_eq!(explained.collect::<BTreeSet<_>>(), said);
}

#[test]
fn how_sure_a_row_is_has_a_word() {
    use Certainty::{Disputed, Documented, Likely, Undocumented, Withdrawn};
    for certainty in [Documented, Likely, Disputed, Withdrawn, Undocumented] {
        let word = serde_json::Value::from(certainty.as_str());
        assert_eq!(serde_json::to_value(certainty).unwrap(), word, "as_str is what manifests write");
    }
    let newer: Certainty = serde_json::from_value("Proved".into()).unwrap();
    assert_eq!(newer, Certainty::Unrecognised);
}

#[test]
fn a_name_is_meant_where_a_third_of_the_letters_differ_and_no_more() {
    assert_eq!(nearest("LimuZ"), None);
    assert_eq!(nearest("Linuz"), Some(Linux));
    // Four letters of ten are too many.
    assert_eq!(nearest("VisionXYZW"), None);
}

#[test]
fn the_two_work_profiles_are_reset_only_as_work_profiles() {
    let only: Vec<_> = Platform::ALL.iter().copied().filter(|platform| platform.is_work_profile_only()).collect();
    assert_eq!(only, [AndroidCorporateWorkProfile, AndroidPersonalWorkProfile]);
}

#[test]
fn the_pin_of_windows_10_mobile_has_a_record_of_its_own() {
    for platform in Platform::ALL {
        let name = if *platform == Windows10Mobile { "recoverPasscode" } else { "resetPasscode" };
        assert_eq!(required_ledger_name(*platform), name);
    }
}

#[test]
fn raw_values_are_enough_to_extend_the_table_by() {
    let strange = device("Fuchsia", "", "mdm", "userEnrollment").model("Mo\"del\n").no_user().shared(None);
    assert_eq!(
        raw_values(&strange),
        "operatingSystem \"Fuchsia\", deviceEnrollmentType \"userEnrollment\", deviceType absent, managementAgent \"mdm\", \
         managementState \"managed\", managedDeviceOwnerType \"company\", model \"Mo\\\"del\\n\", isSupervised false, \
         hardwareInformation.isSharedDevice absent, has a serial number true, has a user false"
    );
}

#[test]
fn raw_values_stay_short_and_do_not_name_the_device() {
    let long = device(&"ü".repeat(5000), "", "", "").model(&"m".repeat(5000));
    let told = raw_values(&long);
    assert!(told.len() < 1000 && told.contains("…"), "{told}");
    assert!(!told.contains(&long.id));
}

/// One sentence of each class's facts; a verdict never leaves the person without a next step.
#[test]
fn guidance_says_what_the_person_at_the_desk_needs() {
    let matrix = Matrix::builtin();
    for (platform, version, facts) in [
        (LeavingManagement, "", &["wipe, retire or delete", "overrides", "set the device up again"][..]),
        (NotUnderIntuneMdm, "", &["does not manage it", "managementAgent"]),
        (Unknown, "", &["report the values"]),
        (SharedIPad, "", &["Apple School Manager", "Apple Business Manager"]),
        (AppleUserEnrollment, "", &["Apple forbids", "Apple Account"]),
        (
            IosDeviceEnrollment,
            "17",
            &["disappears", "without one", "at once", "anyone holding it", "Face ID or Touch ID"],
        ),
        (VisionOS, "2", &["disappears", "at once"]),
        (VisionOS, "1.0", &["has to be wiped"]),
        (AndroidPersonalWorkProfile, "7.1", &["remove the work profile", "enrol"]),
        (Windows10Mobile, "8.1", &["has to be wiped"]),
        (AndroidDedicated, "14", &["temporary passcode on the lock screen", "of your own"]),
        (AndroidFullyManaged, "14", &["temporary passcode on the lock screen"]),
        (AospUserAssociated, "14", &["temporary passcode on the lock screen"]),
        (AospUserless, "14", &["temporary passcode on the lock screen"]),
        (AndroidCorporateWorkProfile, "14", &["Only the work profile", "own lock stays", "open a work app"]),
        (AndroidPersonalWorkProfile, "14", &["Only the work profile", "own lock stays", "open a work app"]),
        (AndroidDeviceAdministrator, "6", &["old lock is replaced", "temporary passcode"]),
        (AndroidDeviceAdministrator, "7", &["Google removed", "factory reset"]),
        (Windows10Mobile, "10.0.15063", &["new PIN", "Settings"]),
        (MacOS, "14", &["FileVault", "account's password"]),
        (Windows, "10", &["the user resets it", "sign-in screen"]),
        (HoloLens, "10", &["sign-in screen"]),
        (SurfaceHub, "10", &["sign-in screen"]),
        (CloudPC, "10", &["sign-in screen"]),
        (ChromeOS, "1", &["Google Admin"]),
        (TvOS, "17", &["erase the Apple TV"]),
        (Linux, "22.04", &["on the computer itself"]),
        (VisionOS, "", &["version", "sync the device"]),
    ] {
        let told = matrix.verdict(platform, version, "company").guidance;
        for fact in facts {
            assert!(told.contains(fact), "{platform} {version}: {told:?} does not say {fact:?}");
        }
    }
}

#[test]
fn guidance_is_short_and_a_sentence() {
    for spec in builtin_names().into_iter().filter_map(builtin_spec) {
        for sentence in spec.rules.iter().filter_map(|rule| rule.guidance.as_ref()) {
            assert!(sentence.len() < 220, "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
    }
}

/// The old matrix refuses classes that Intune can reset today: there the class's own sentence would be wrong.
#[test]
fn a_refusal_of_what_intune_can_do_sends_people_to_the_matrix() {
    let old = Matrix::builtin_2020_07();
    for platform in [AospUserless, AospUserAssociated, VisionOS] {
        assert!(old.verdict(platform, "10", "company").guidance.contains("platform support matrix in use"));
    }
    for (platform, fact) in [(Linux, "Linux"), (TvOS, "Apple TV"), (ChromeOS, "Google Admin")] {
        assert!(old.verdict(platform, "10", "company").guidance.contains(fact));
    }
}
