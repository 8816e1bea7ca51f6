//! Both built-in matrices, rule by rule.

use crate::{
    api::matrix::{
        Certainty::{Disputed, Documented, Likely, Withdrawn},
        MatrixAction::{self, *},
    },
    platform::{Matrix, Platform, Platform::*, Verdict, builtin_names, builtin_rule, builtin_spec},
};

const DEVICE_PASSCODE: &str = "DeviceOnline DevicePasscodePolicy";
const UNLOCK_TOKEN: &str = "DeviceOnline UnlockTokenEscrowed";
const PIN_RESET: &str = "DeviceOnline EntraJoined PinResetServiceConsented EnablePinRecovery";
/// A version for rules that do not ask for one: it must not matter to them.
const ANY: &str = "unreadable";

/// One line of a table: rule; classes; a version within the rule's bound; action; reason; prerequisites.
type Line =
    (&'static str, &'static [Platform], &'static [&'static str], Option<MatrixAction>, &'static str, &'static str);

#[rustfmt::skip] // a table
const INTUNE: &[Line] = &[
    ("leaving-management", &[LeavingManagement], &[ANY, "17.5"], None, "LeavingManagement", ""),
    ("not-intune-mdm", &[NotUnderIntuneMdm], &[ANY, "17.5"], None, "NotManagedByIntuneMdm", ""),
    ("unknown", &[Unknown], &[ANY, "17.5"], None, "PlatformUnknown", ""),
    ("shared-ipad", &[SharedIPad], &[ANY, "17.5"], None, "SharedIPadForbidden", ""),
    ("apple-user-enrollment", &[AppleUserEnrollment], &[ANY, "17.5"], None, "UserEnrollmentForbidden", ""),
    ("ios", &[IosDeviceEnrollment], &[ANY, "4.0", "17.5.1"], Some(RemoveDevicePasscode), "PasscodeRemoved", UNLOCK_TOKEN),
    ("visionos", &[VisionOS], &["1.1", "1.1.0", "2.0 (22N320)"], Some(RemoveDevicePasscode), "PasscodeRemoved", UNLOCK_TOKEN),
    ("visionos-old", &[VisionOS], &["1.0.3", "1"], None, "OsVersionTooLow", ""),
    ("dedicated", &[AndroidDedicated], &[ANY, "7", "14"], Some(ResetDevicePasscode), "TemporaryPasscode", DEVICE_PASSCODE),
    ("fully-managed", &[AndroidFullyManaged], &[ANY, "14"], Some(ResetDevicePasscode), "TemporaryPasscode", DEVICE_PASSCODE),
    ("corporate-work-profile", &[AndroidCorporateWorkProfile], &[ANY, "14"], Some(ResetWorkProfilePasscode), "WorkProfileOnly",
        "DeviceOnline WorkProfilePasscodePolicy WorkProfileOn"),
    ("personal-work-profile", &[AndroidPersonalWorkProfile], &["8", "8.0.0", "8.1", "13"], Some(ResetWorkProfilePasscode), "WorkProfileOnly",
        "DeviceOnline WorkProfilePasscodePolicy WorkProfileOn ResetTokenActivated"),
    ("personal-work-profile-old", &[AndroidPersonalWorkProfile], &["7.1.2", "7", "5.1"], None, "OsVersionTooLow", ""),
    ("aosp-user-associated", &[AospUserAssociated], &[ANY, "12"], Some(ResetDevicePasscode), "TemporaryPasscode", DEVICE_PASSCODE),
    ("aosp-userless", &[AospUserless], &[ANY, "12"], Some(ResetDevicePasscode), "TemporaryPasscode", DEVICE_PASSCODE),
    ("device-administrator-6", &[AndroidDeviceAdministrator], &["6.0.1", "4.4"], Some(ResetDevicePasscode), "TemporaryPasscode", DEVICE_PASSCODE),
    ("device-administrator-7", &[AndroidDeviceAdministrator], &["7", "7.0", "10"], None, "RemovedByGoogle", ""),
    ("windows-10-mobile", &[Windows10Mobile], &["10.0.15063.0", "10.0.15254.603"], Some(ResetDevicePin), "NewPin", PIN_RESET),
    ("windows-mobile-old", &[Windows10Mobile], &["10.0.14393", "8.10.14219.341"], None, "OsVersionTooLow", ""),
    ("macos", &[MacOS], &[ANY, "14.4.1 (23E224)"], None, "PlatformNotSupported", ""),
    ("windows", &[Windows, HoloLens, SurfaceHub, CloudPC], &[ANY, "10.0.22631"], None, "PlatformNotSupported", ""),
    ("chromeos", &[ChromeOS], &[ANY, "120"], None, "PlatformNotSupported", ""),
    ("tvos", &[TvOS], &[ANY, "17"], None, "PlatformNotSupported", ""),
    ("linux", &[Linux], &[ANY, "22.04"], None, "NotListed", ""),
];

#[rustfmt::skip] // a table
const INTUNE_2020_07: &[Line] = &[
    ("leaving-management", &[LeavingManagement], &[ANY], None, "LeavingManagement", ""),
    ("not-intune-mdm", &[NotUnderIntuneMdm], &[ANY], None, "NotManagedByIntuneMdm", ""),
    ("unknown", &[Unknown], &[ANY], None, "PlatformUnknown", ""),
    ("shared-ipad", &[SharedIPad], &[ANY, "13"], None, "SharedIPadForbidden", ""),
    ("apple-user-enrollment", &[AppleUserEnrollment], &[ANY, "13"], None, "UserEnrollmentUnsupported", ""),
    ("ios", &[IosDeviceEnrollment], &[ANY, "13.6"], Some(RemoveDevicePasscode), "PasscodeRemoved", UNLOCK_TOKEN),
    ("device-owner", &[AndroidDedicated, AndroidFullyManaged], &[ANY, "7", "10"], Some(ResetDevicePasscode), "DeviceOwner", "DeviceOnline"),
    ("work-profile", &[AndroidPersonalWorkProfile], &["8", "10"], Some(ResetWorkProfilePasscode), "WorkProfileOnly",
        "DeviceOnline WorkProfilePasscodePolicy ResetTokenActivated"),
    ("corporate-work-profile", &[AndroidCorporateWorkProfile], &["8", "10"], Some(ResetWorkProfilePasscode), "WorkProfileOnly",
        "DeviceOnline WorkProfilePasscodePolicy ResetTokenActivated"),
    ("work-profile-old", &[AndroidPersonalWorkProfile, AndroidCorporateWorkProfile], &["7.1.2", "5.1"], None, "OsVersionTooLow", ""),
    ("device-administrator-6", &[AndroidDeviceAdministrator], &["6.0.1", "4.4"], Some(ResetDevicePasscode), "TemporaryPasscode", "DeviceOnline"),
    ("device-administrator-7", &[AndroidDeviceAdministrator], &["7.0", "10"], None, "RemovedByGoogle", ""),
    ("windows-10-mobile", &[Windows10Mobile], &["10.0.15063"], Some(ResetDevicePin), "NewPin", PIN_RESET),
    ("windows-mobile-old", &[Windows10Mobile], &["10.0.14393", "8.1"], None, "OsVersionTooLow", ""),
    ("macos", &[MacOS], &[ANY, "10.15.6"], None, "PlatformNotSupported", ""),
    ("windows", &[Windows, HoloLens, SurfaceHub, CloudPC], &[ANY, "10.0.19041"], None, "PlatformNotSupported", ""),
    ("later", &[AospUserAssociated, AospUserless, VisionOS, TvOS, ChromeOS, Linux], &[ANY, "10"], None, "NotDocumentedThen", ""),
];

fn agrees(matrix: &Matrix, table: &[Line]) {
    for (rule, platforms, versions, action, reason, prerequisites) in table {
        for platform in *platforms {
            for version in *versions {
                for ownership in ["company", "personal", "unknown", ""] {
                    let told = matrix.verdict(*platform, version, ownership);
                    let expected = Verdict {
                        supported: action.is_some(),
                        action: *action,
                        rule: Some((*rule).to_owned()),
                        reason: (*reason).to_owned(),
                        guidance: told.guidance.clone(),
                        certainty: told.certainty,
                        prerequisites: prerequisites.split_whitespace().map(str::to_owned).collect(),
                    };
                    assert_eq!(told, expected, "{platform} {version}");
                }
            }
        }
    }
    let names: Vec<&str> = matrix.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, table.iter().map(|line| line.0).collect::<Vec<_>>(), "the rules, in order");
}

#[test]
fn intune_says_what_its_table_says() {
    let matrix = Matrix::builtin();
    assert_eq!((matrix.name(), matrix.revision()), ("intune", "2026-11-30"));
    agrees(&matrix, INTUNE);
}

#[test]
fn intune_2020_07_says_what_its_table_says() {
    let matrix = Matrix::builtin_2020_07();
    assert_eq!((matrix.name(), matrix.revision()), ("intune-2020-07", "2020-07-27"));
    agrees(&matrix, INTUNE_2020_07);
}

/// Only where a rule of that class asks for a version.
#[test]
fn an_unreadable_version_is_refused_where_the_answer_depends_on_it() {
    for (matrix, asking) in [
        (Matrix::builtin(), &[VisionOS, AndroidPersonalWorkProfile, AndroidDeviceAdministrator, Windows10Mobile][..]),
        (
            Matrix::builtin_2020_07(),
            &[AndroidPersonalWorkProfile, AndroidCorporateWorkProfile, AndroidDeviceAdministrator, Windows10Mobile],
        ),
    ] {
        for platform in Platform::ALL {
            for version in ["", "unknown", "0.0"] {
                let verdict = matrix.verdict(*platform, version, "company");
                let unreadable = verdict.reason == "OsVersionUnreadable";
                assert_eq!(unreadable, asking.contains(platform), "{platform} {version:?}: {verdict:?}");
                assert!(!unreadable || (!verdict.supported && verdict.action.is_none()));
            }
        }
    }
}

#[test]
fn a_built_in_matrix_can_be_printed_and_read_again() {
    for (name, matrix) in builtin_names().into_iter().zip([Matrix::builtin(), Matrix::builtin_2020_07()]) {
        let spec = builtin_spec(name).unwrap();
        let printed = serde_json::to_string(&spec).unwrap();
        let read = serde_json::from_str(&printed).unwrap();
        assert_eq!(Matrix::compile(name, &read), Ok(matrix));
    }
    assert_eq!(builtin_names(), ["intune", "intune-2020-07"]);
    assert!(builtin_spec("intune-1999").is_none());
}

#[test]
fn a_built_in_matrix_names_every_class_and_has_no_idle_rule() {
    for matrix in [Matrix::builtin(), Matrix::builtin_2020_07()] {
        assert_eq!(matrix.warnings(), Vec::<String>::new());
        for platform in Platform::ALL {
            for version in ["1", "6", "7.5", "9", "10.0.20000"] {
                assert!(matrix.verdict(*platform, version, "company").rule.is_some(), "{platform} {version}");
            }
        }
    }
}

/// A source is a number that the matrix lists, or words; with a claim comes its certainty.
#[test]
fn every_source_that_a_rule_names_is_listed_and_every_listed_one_is_named() {
    for name in builtin_names() {
        let spec = builtin_spec(name).unwrap();
        let texts: Vec<&str> = spec.rules.iter().filter_map(|rule| rule.source.as_deref()).collect();
        assert_eq!(texts.len(), spec.rules.len());
        let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()));
        let is_number = |word: &&str| word.strip_prefix('S').is_some_and(|n| !n.is_empty() && n.parse::<u8>().is_ok());
        let mut named: Vec<&str> = words.filter(is_number).collect();
        named.sort_unstable();
        named.dedup();
        let mut listed: Vec<&str> = spec.sources.iter().filter_map(|source| source.split(':').next()).collect();
        listed.sort_unstable();
        assert_eq!(named, listed, "{name}");
        for rule in &spec.rules {
            assert_eq!(rule.certainty.is_some(), rule.name != builtin_rule::UNKNOWN.name, "{}", rule.name);
        }
    }
}

/// How certain a rule is stands in its certainty: a reason that carried it would read as a dispute where a reset went well.
#[test]
fn how_certain_a_rule_is_stands_beside_its_reason() {
    let told = |matrix: Matrix, platform, version| {
        let verdict = matrix.verdict(platform, version, "company");
        (verdict.reason, verdict.certainty)
    };
    for (matrix, platform, version, reason, certainty) in [
        (Matrix::builtin(), IosDeviceEnrollment, "17.5", "PasscodeRemoved", Some(Documented)),
        (Matrix::builtin(), VisionOS, "2.0", "PasscodeRemoved", Some(Likely)),
        (Matrix::builtin(), AndroidFullyManaged, "14", "TemporaryPasscode", Some(Disputed)),
        (Matrix::builtin(), AndroidDeviceAdministrator, "6.0", "TemporaryPasscode", Some(Likely)),
        (Matrix::builtin(), Windows10Mobile, "10.0.15063", "NewPin", Some(Withdrawn)),
        (Matrix::builtin(), Unknown, "1", "PlatformUnknown", None),
        (Matrix::builtin(), AndroidPersonalWorkProfile, "", "OsVersionUnreadable", None),
        (Matrix::builtin_2020_07(), AndroidCorporateWorkProfile, "10", "WorkProfileOnly", Some(Likely)),
        (Matrix::builtin_2020_07(), Windows10Mobile, "10.0.15063", "NewPin", Some(Documented)),
    ] {
        assert_eq!(told(matrix, platform, version), (reason.to_owned(), certainty), "{platform}");
    }
}

/// The lengths that the resource's schema admits.
#[test]
fn a_built_in_matrix_fits_its_own_schema() {
    for spec in builtin_names().into_iter().filter_map(builtin_spec) {
        assert!(spec.sources.iter().all(|source| source.len() <= 512));
        for rule in &spec.rules {
            assert!(rule.guidance.as_ref().is_none_or(|text| (1..=1024).contains(&text.chars().count())));
            assert!(rule.source.as_ref().is_some_and(|text| (1..=512).contains(&text.chars().count())));
            assert!(rule.name.len() <= 63 && rule.reason.len() <= 64 && rule.matches.platforms.len() <= 32);
        }
    }
}
