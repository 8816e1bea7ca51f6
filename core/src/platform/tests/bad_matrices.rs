//! Matrices that somebody wrote: bad ones each with their sentence, odd ones with a warning, good ones in use.

use serde_json::{Value, json};

use crate::{
    api::matrix::{MatrixAction, PlatformSupportMatrixSpec},
    platform::{Matrix, Platform, Platform::*},
};

/// A matrix of these rules; what a rule leaves out is filled in so that only what it says can be wrong.
fn matrix(rules: &[Value]) -> PlatformSupportMatrixSpec {
    let rules: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(index, given)| {
            let mut rule = json!({"name": format!("r{index}"), "support": "Unsupported", "reason": "NotHere"});
            for (key, value) in given.as_object().unwrap() {
                rule[key] = value.clone();
            }
            rule
        })
        .collect();
    serde_json::from_value(json!({"revision": "test", "rules": rules})).unwrap()
}

fn problems(rules: &[Value]) -> Vec<String> {
    Matrix::compile("test", &matrix(rules)).unwrap_err()
}

fn one_problem(rule: Value) -> String {
    let mut found = problems(&[rule]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn good(rules: &[Value]) -> Matrix {
    Matrix::compile("test", &matrix(rules)).unwrap()
}

fn on(platform: &str) -> Value {
    json!({"platforms": [platform]})
}

#[test]
fn no_rules() {
    assert_eq!(
        problems(&[]),
        ["the matrix has no rules: write at least one, or refer to no matrix to use the built-in one"]
    );
}

#[test]
fn an_unknown_platform_with_the_one_that_was_meant() {
    for (written, meant) in [
        ("iosdeviceenrollment", IosDeviceEnrollment),
        ("ios", IosDeviceEnrollment),
        ("IosDeviceEnrolment", IosDeviceEnrollment),
        ("macOS", MacOS),
        ("MasOS", MacOS),
        ("SharedIpad", SharedIPad),
        ("Vision", VisionOS),
        ("AndroidFullManaged", AndroidFullyManaged),
        ("AndroidCorporateWorkProfiles", AndroidCorporateWorkProfile),
        ("Windows10", Windows10Mobile),
        ("Window", Windows),
    ] {
        let problem = one_problem(json!({"match": on(written)}));
        assert_eq!(problem, format!("rule \"r0\" names the platform {written:?}, which does not exist: write {meant}"));
    }
}

#[test]
fn an_unknown_platform_with_the_list() {
    let list = Platform::ALL.iter().map(|platform| platform.as_str()).collect::<Vec<_>>().join(", ");
    for written in ["Toaster", "Android", "", "*", "Aosp"] {
        let problem = one_problem(json!({"match": on(written)}));
        assert_eq!(
            problem,
            format!("rule \"r0\" names the platform {written:?}, which does not exist: write one of {list}")
        );
    }
}

#[test]
fn no_platform() {
    let problem = one_problem(json!({"match": {"platforms": []}}));
    assert_eq!(problem, "rule \"r0\" names no platform: write at least one, such as IosDeviceEnrollment");
}

#[test]
fn a_bad_version_bound() {
    let problem = one_problem(json!({"match": {"platforms": ["VisionOS"], "osVersion": ">1.1"}}));
    assert_eq!(
        problem,
        "rule \"r0\" has a bad osVersion: \">1.1\" is no bound on a version: write >= or < and a version other than 0, \
         such as \">=8.0\" or \"<7.0\""
    );
}

#[test]
fn supported_without_an_action() {
    let problem = one_problem(json!({"match": on("IosDeviceEnrollment"), "support": "Supported"}));
    assert_eq!(
        problem,
        "rule \"r0\" is Supported and has no action: write what Intune does there, such as RemoveDevicePasscode"
    );
}

#[test]
fn unsupported_with_an_action() {
    let problem = one_problem(json!({"match": on("IosDeviceEnrollment"), "action": "RemoveDevicePasscode"}));
    assert_eq!(
        problem,
        "rule \"r0\" is Unsupported and has the action RemoveDevicePasscode: leave the action out, or write support: Supported"
    );
}

#[test]
fn a_name_twice() {
    let rule = json!({"name": "ios", "match": on("IosDeviceEnrollment")});
    assert_eq!(
        problems(&[rule.clone(), rule]),
        ["rule \"ios\" is there more than once: give every rule a name of its own"]
    );
}

#[test]
fn an_owner_that_is_none() {
    let problem = one_problem(json!({"match": {"platforms": ["VisionOS"], "ownership": "corporate"}}));
    assert_eq!(problem, "rule \"r0\" has ownership \"corporate\": write company or personal, or leave it out for both");
}

#[test]
fn a_reason_that_no_condition_can_carry() {
    for reason in ["", "not here", "notHere", "Not-Here", "7Up"] {
        let problem = one_problem(json!({"match": on("MacOS"), "reason": reason}));
        assert_eq!(
            problem,
            format!("rule \"r0\" has the reason {reason:?}: write one CamelCase word, such as PasscodeRemoved")
        );
    }
}

#[test]
fn support_for_what_nobody_knows() {
    let problem = one_problem(json!({"match": on("Unknown"), "support": "Supported", "action": "ResetDevicePasscode"}));
    assert_eq!(
        problem,
        "rule \"r0\" supports Unknown, which stands for devices that nobody knows: take Unknown out of it"
    );
}

/// These two would break the promise of a single reset, or promise what cannot be.
#[test]
fn an_action_that_the_platform_cannot_do() {
    for (platform, action, instead) in [
        ("IosDeviceEnrollment", "ResetDevicePin", "RemoveDevicePasscode or ResetDevicePasscode"),
        ("Windows", "ResetDevicePin", "RemoveDevicePasscode or ResetDevicePasscode"),
        ("Windows10Mobile", "ResetDevicePasscode", "ResetDevicePin"),
        ("Windows10Mobile", "ResetWorkProfilePasscode", "ResetDevicePin"),
        ("AndroidPersonalWorkProfile", "ResetDevicePasscode", "ResetWorkProfilePasscode"),
        ("AndroidCorporateWorkProfile", "RemoveDevicePasscode", "ResetWorkProfilePasscode"),
        ("AndroidCorporateWorkProfile", "ResetDevicePin", "ResetWorkProfilePasscode"),
    ] {
        let problem = one_problem(json!({"match": on(platform), "support": "Supported", "action": action}));
        assert_eq!(
            problem,
            format!("rule \"r0\" has the action {action}, which {platform} cannot do: write {instead}")
        );
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(&[
        json!({"match": {"platforms": ["Toaster", "Mac"], "osVersion": "8", "ownership": "mine"}, "support": "Supported"}),
        json!({"match": {"platforms": []}, "reason": "so so"}),
    ]);
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn rules_that_never_decide_are_warned_of() {
    let at = |bound: &str| json!({"match": {"platforms": ["VisionOS"], "osVersion": bound}});
    let owned = |owner: &str| json!({"match": {"platforms": ["VisionOS"], "ownership": owner}});
    let all = || json!({"match": on("VisionOS")});
    for (rules, idle) in [
        (vec![all(), at(">=2")], vec![1]),
        (vec![at(">=2"), at(">=3"), at("<1"), at("<0.5"), all()], vec![1, 3]),
        (vec![at(">=2"), at("<2"), all()], vec![2]),
        (vec![at(">=2"), at("<3"), owned("company")], vec![2]),
        (vec![owned("company"), at(">=1"), owned("personal"), at("<1")], vec![]),
        (vec![owned("company"), owned("company"), owned("personal")], vec![1]),
        // A device of unknown owner is neither's.
        (vec![owned("company"), owned("personal"), all()], vec![]),
        (vec![all(), json!({"match": {"platforms": ["VisionOS", "MacOS"]}})], vec![]),
    ] {
        let expected: Vec<String> = idle
            .iter()
            .map(|index| {
                format!(
                    "rule \"r{index}\" never decides, because the rules before it take every device that it names: \
                     move it up or leave it out"
                )
            })
            .collect();
        assert_eq!(good(&rules).warnings(), expected, "{rules:?}");
    }
}

#[test]
fn the_first_match_decides_and_no_match_is_not_listed() {
    let company =
        json!({"platforms": ["IosDeviceEnrollment", "VisionOS"], "ownership": "company", "osVersion": ">=16"});
    let matrix = good(&[
        json!({"match": company, "support": "Supported", "action": "RemoveDevicePasscode", "reason": "Ours",
               "guidance": "Call 4711.", "prerequisites": ["DeviceOnline"]}),
        json!({"match": on("IosDeviceEnrollment"), "reason": "NotOurs"}),
    ]);
    let reason = |platform, version, owner| matrix.verdict(platform, version, owner).reason;
    assert_eq!(reason(IosDeviceEnrollment, "16.1", "company"), "Ours");
    assert_eq!(reason(IosDeviceEnrollment, "16.1", "COMPANY"), "Ours");
    assert_eq!(reason(IosDeviceEnrollment, "15.9", "company"), "NotOurs");
    for other in ["personal", "unknown", ""] {
        // The bounded rule does not speak of them, so their version is not asked for.
        assert_eq!(reason(IosDeviceEnrollment, "?", other), "NotOurs");
    }
    assert_eq!(reason(IosDeviceEnrollment, "?", "company"), "OsVersionUnreadable");
    assert_eq!(reason(VisionOS, "1.0", "company"), "NotListed");
    assert_eq!(reason(MacOS, "14.4", "company"), "NotListed");

    let ours = matrix.verdict(IosDeviceEnrollment, "17", "company");
    assert_eq!((ours.rule.as_deref(), ours.action), (Some("r0"), Some(MatrixAction::RemoveDevicePasscode)));
    assert_eq!((ours.guidance.as_str(), ours.prerequisites), ("Call 4711.", vec!["DeviceOnline".to_owned()]));
    let unlisted = matrix.verdict(MacOS, "14.4", "company");
    assert!(!unlisted.supported && unlisted.rule.is_none() && unlisted.guidance.contains("FileVault"));
}

/// It becomes a condition's message: one line, which steers no terminal, and never nothing.
#[test]
fn guidance_is_one_line() {
    let told = |guidance: &str| {
        let rule = json!({"match": on("IosDeviceEnrollment"), "support": "Supported", "action": "RemoveDevicePasscode", "reason": "Ours",
               "guidance": guidance});
        good(&[rule]).verdict(IosDeviceEnrollment, "17", "company").guidance
    };
    assert_eq!(told("Call 4711,\nday  and night.\n"), "Call 4711, day and night.");
    assert_eq!(told("Gone.\u{2028}\u{2029}\u{85}"), "Gone.");
    assert_eq!(told("\u{1b}[2JGone."), "[2JGone.");
    let without = json!({"match": on("IosDeviceEnrollment"), "support": "Supported", "action": "RemoveDevicePasscode", "reason": "Ours"});
    let fallback = good(&[without]).verdict(IosDeviceEnrollment, "17", "company").guidance;
    assert_eq!((told(" \n"), fallback.is_empty()), (fallback, false));
}

/// A later rule without a bound must not answer for a device of which an earlier one cannot tell.
#[test]
fn an_unreadable_version_ends_the_search() {
    let matrix = good(&[
        json!({"match": {"platforms": ["AndroidDedicated"], "osVersion": "<9"}, "reason": "TooOld"}),
        json!({"match": on("AndroidDedicated"), "support": "Supported", "action": "ResetDevicePasscode", "reason": "Fine"}),
    ]);
    let verdict = matrix.verdict(AndroidDedicated, "", "company");
    assert_eq!((verdict.supported, verdict.reason.as_str()), (false, "OsVersionUnreadable"));
    assert_eq!(verdict.rule.as_deref(), Some("r0"));
    assert_eq!(matrix.verdict(AndroidDedicated, "9", "company").reason, "Fine");
}
