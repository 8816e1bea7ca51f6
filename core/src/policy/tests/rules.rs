//! Which rule decides, and what it says.

use serde_json::{Value, json};

use super::support::Case;
use crate::{api::policy::PolicyAction, platform::Platform};

/// Whether a rule with this match decides about the request.
fn matches(case: Case, matches: &Value) -> bool {
    let rule = json!({"name": "r", "match": matches, "decision": "Deny", "message": "No."});
    case.with_rule(rule).reason() == "PolicyDenied"
}

#[test]
fn no_policy_and_no_rule_permit() {
    assert_eq!(Case::new().says(), ("NoPolicy", "No policy applies.".to_owned()));
    let other = json!({"name": "r", "match": {"platforms": ["MacOS"]}, "decision": "Deny", "message": "No."});
    let says = Case::new().with_rule(other).says();
    assert_eq!(says, ("PermittedByPolicy", "Permitted by PasscodeResetPolicy \"help-desk\".".to_owned()));
}

#[test]
fn all_that_a_match_names_has_to_fit() {
    for (given, fits) in [
        (json!({}), true),
        (json!({"platforms": ["AndroidFullyManaged"]}), true),
        (json!({"platforms": ["MacOS", "AndroidFullyManaged"]}), true),
        (json!({"platforms": ["MacOS"]}), false),
        (json!({"osVersion": ">=14.0"}), true),
        (json!({"osVersion": "<14.0"}), false),
        (json!({"ownership": ["company"]}), true),
        (json!({"ownership": ["personal", "unknown"]}), false),
        (json!({"actions": ["ResetDevicePasscode"]}), true),
        (json!({"actions": ["RemoveDevicePasscode", "RevealPasscode"]}), false),
        (json!({"requesters": {"serviceAccounts": ["flux-system/flux"]}}), false),
        (json!({"platforms": ["AndroidFullyManaged"], "ownership": ["personal"]}), false),
    ] {
        assert_eq!(matches(Case::new(), &given), fits, "{given}");
    }
}

#[test]
fn an_owner_that_intune_does_not_name_is_unknown() {
    for owner in ["", "unknown", "somebody"] {
        let case = Case { ownership: owner.to_owned(), ..Case::new() };
        assert!(matches(case.clone(), &json!({"ownership": ["unknown"]})), "{owner:?}");
        assert!(!matches(case, &json!({"ownership": ["company", "personal"]})), "{owner:?}");
    }
    let capital = Case { ownership: "Company".to_owned(), ..Case::new() };
    assert!(matches(capital, &json!({"ownership": ["company"]})));
}

#[test]
fn a_rule_without_actions_is_about_every_reset_and_no_reveal() {
    for action in PolicyAction::RESETS {
        assert!(matches(Case { action, ..Case::new() }, &json!({})), "{action:?}");
    }
    let reveal = Case { action: PolicyAction::RevealPasscode, ..Case::new() };
    assert!(!matches(reveal.clone(), &json!({})));
    assert!(matches(reveal, &json!({"actions": ["RevealPasscode"]})));
}

#[test]
fn a_service_account_is_matched_by_its_name() {
    let flux = |name: &str| Case { requester: Some(name.to_owned()), ..Case::new() };
    let given = json!({"requesters": {"serviceAccounts": ["flux-system/flux"]}});
    for (name, fits) in [
        ("system:serviceaccount:flux-system:flux", true),
        ("system:serviceaccount:flux-system:other", false),
        ("system:serviceaccount:other:flux", false),
        ("flux-system/flux", false),
    ] {
        assert_eq!(matches(flux(name), &given), fits, "{name}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = json!([
        {"name": "company", "match": {"ownership": ["company"]}, "decision": "Permit"},
        {"name": "rest", "decision": "Deny", "message": "Company phones only."},
    ]);
    let case = Case::new().with("help-desk", json!({"rules": rules}));
    assert_eq!(case.says().1, "Permitted by PasscodeResetPolicy \"help-desk\" (rule \"company\").");
    let personal = Case { ownership: "personal".to_owned(), ..case };
    let (reason, message) = personal.says();
    assert_eq!(reason, "PolicyDenied");
    assert_eq!(
        message,
        "Refused: rule \"rest\" of PasscodeResetPolicy \"help-desk\" denies it: Company phones only. Still needed? Settle that with whoever \
         maintains the policy, then create a new PasscodeReset with requestTime now."
    );
}

#[test]
fn every_policy_has_to_permit_and_every_refusing_rule_is_named() {
    let deny = |message: &str| json!({"rules": [{"name": "r", "decision": "Deny", "message": message}]});
    let permit = json!({"rules": [{"name": "r", "decision": "Permit"}]});
    let case = Case::new().with("b", deny("Second.")).with("c", permit.clone()).with("a", deny("First."));
    let (reason, message) = case.says();
    assert_eq!(reason, "PolicyDenied");
    let both = "rule \"r\" of PasscodeResetPolicy \"a\" denies it: First; rule \"r\" of PasscodeResetPolicy \"b\" denies it: Second.";
    assert!(message.contains(both), "{message}");

    let many = (0..8).fold(Case::new(), |case, number| case.with(&format!("p{number}"), deny("No.")));
    let message = many.says().1;
    assert!(message.contains("\"p4\"") && !message.contains("\"p5\"") && message.contains("and 3 more"), "{message}");

    let two = Case::new().with("b", permit.clone()).with("a", permit);
    assert_eq!(two.says().1, "Permitted by the PasscodeResetPolicies \"a\" (rule \"r\"), \"b\" (rule \"r\").");
}

#[test]
fn a_policy_is_about_what_its_selectors_name() {
    let deny = |selectors: Value| {
        let mut spec = json!({"rules": [{"name": "r", "decision": "Deny", "message": "No."}]});
        selectors.as_object().unwrap().iter().for_each(|(field, value)| spec[field] = value.clone());
        Case::new().with("help-desk", spec).reason() == "PolicyDenied"
    };
    assert!(deny(json!({"namespaceSelector": {}, "tenantSelector": {}})));
    assert!(deny(json!({"namespaceSelector": {"matchLabels": {"desk": "first-line"}}})));
    assert!(!deny(json!({"namespaceSelector": {"matchLabels": {"desk": "second-line"}}})));
    assert!(deny(json!({"tenantSelector": {"matchExpressions": [{"key": "stage", "operator": "Exists"}]}})));
    assert!(!deny(json!({"tenantSelector": {"matchLabels": {"stage": "test"}}, "namespaceSelector": {}})));
}

/// Whichever rule would decide if the version were known, all of them have to permit it.
#[test]
fn a_version_that_cannot_be_read_permits_nothing_more() {
    let old = json!({"name": "old", "match": {"osVersion": "<10.0"}, "decision": "Deny", "message": "Too old."});
    let new = json!({"name": "new", "match": {"osVersion": ">=10.0"}, "decision": "Permit"});
    let rest = json!({"name": "rest", "decision": "Deny", "message": "Not this one."});
    for (rules, reason, part) in [
        (
            json!([old]),
            "PolicyDenied",
            "rule \"old\" of PasscodeResetPolicy \"help-desk\" may deny it, since it asks for a version",
        ),
        (json!([new]), "PermittedByPolicy", "Permitted by PasscodeResetPolicy \"help-desk\"."),
        (
            json!([new, rest]),
            "PolicyDenied",
            "rule \"rest\" of PasscodeResetPolicy \"help-desk\" denies it: Not this one.",
        ),
    ] {
        let case = Case { os_version: "unknown".to_owned(), ..Case::new() };
        let (said, message) = case.with("help-desk", json!({"rules": rules})).says();
        assert!(said == reason && message.contains(part), "{rules}: {message}");
    }
}

/// Leaving out who asked is no way around a rule about who asks.
#[test]
fn a_requester_that_nobody_knows_permits_nothing_more() {
    let bots = json!({"requesters": {"serviceAccounts": ["ci/bot"]}});
    let deny = json!({"name": "bots", "match": bots, "decision": "Deny", "message": "People only."});
    let permit = json!({"name": "bots", "match": bots, "decision": "Permit"});
    let rest = json!({"name": "rest", "decision": "Deny", "message": "Not this one."});
    let unknown = Case { requester: None, ..Case::new() };
    let (reason, message) = unknown.clone().with("help-desk", json!({"rules": [deny]})).says();
    assert_eq!(reason, "PolicyDenied");
    assert!(
        message.contains("may deny it, since it asks who the requester is and nobody knows: People only."),
        "{message}"
    );
    assert_eq!(unknown.clone().with("help-desk", json!({"rules": [permit, rest]})).reason(), "PolicyDenied");
    assert_eq!(unknown.with("help-desk", json!({"rules": [permit]})).reason(), "PermittedByPolicy");

    // What nobody proves is nobody's fault but ours: a hold. And what was written before the proof is not known.
    let not_proved = Case { identity_since: None, ..Case::new() }.with("help-desk", json!({"rules": [deny]}));
    assert_eq!(not_proved.reason(), "IdentityNotEnforced");
    let before = Case { created: super::support::time("2025-12-31T00:00:00Z"), ..Case::new() };
    assert_eq!(before.with("help-desk", json!({"rules": [deny]})).reason(), "PolicyDenied");
    let known = Case { requester: Some("system:serviceaccount:ci:other".to_owned()), ..Case::new() };
    assert_eq!(known.with("help-desk", json!({"rules": [deny]})).reason(), "PermittedByPolicy");
}

#[test]
fn every_class_can_be_named() {
    for platform in Platform::ALL {
        let given = json!({"platforms": [platform.as_str()]});
        assert!(matches(Case { platform: *platform, ..Case::new() }, &given), "{platform}");
    }
}
