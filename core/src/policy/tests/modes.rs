//! Policies that decide, warn or only audit; that are required, missing, or cannot be read.

use serde_json::{Value, json};

use super::support::{Case, policy};
use crate::{
    api::{conditions::Truth, policy::Enforcement},
    policy::{Policy, PolicyVerdict},
};

fn deny(enforcement: &str) -> Value {
    json!({"enforcement": enforcement, "rules": [{"name": "r", "decision": "Deny", "message": "No."}]})
}

#[test]
fn a_policy_that_does_not_enforce_is_evaluated_and_only_told() {
    let case = Case::new().with("audited", deny("Audit")).with("warned", deny("Warn"));
    let permission = case.ask();
    assert_eq!(
        permission.answer.message(),
        "No policy applies. Warning only: PasscodeResetPolicy \"warned\" would not permit it: rule \"r\" of PasscodeResetPolicy \"warned\" \
         denies it: No."
    );
    let reports: Vec<_> = permission.reports.iter().map(|r| (r.policy.as_str(), r.enforcement, r.verdict)).collect();
    assert_eq!(
        reports,
        [("audited", Enforcement::Audit, PolicyVerdict::Denied), ("warned", Enforcement::Warn, PolicyVerdict::Denied)]
    );
    assert_eq!(permission.reports[0].rule.as_deref(), Some("r"));
    assert_eq!(case.with("enforced", deny("Enforce")).reason(), "PolicyDenied");
}

#[test]
fn an_override_that_only_an_audit_needs_is_no_override() {
    let rule = json!({"name": "r", "decision": "RequireApproval", "approval": {}});
    let case = Case::new().with("audited", json!({"enforcement": "Audit", "rules": [rule]}));
    let permission = case.approved_by("jane", json!({"decision": "Overridden", "reason": "Urgent"})).ask();
    assert_eq!((permission.answer.reason(), permission.overrides.len()), ("NoPolicy", 0));
}

#[test]
fn policies_that_were_not_listed_hold() {
    let (reason, message) = Case { listed: false, ..Case::new() }.says();
    assert_eq!(reason, "PolicyNotReady");
    assert_eq!(
        message,
        "On hold: the policies of this cluster have not been read yet. It goes on by itself; it is not sent after 2026-11-24T09:00:00Z."
    );
}

#[test]
fn a_bad_policy_holds_what_it_is_about() {
    let bad = |enforcement: &str, desk: &str| {
        json!({
            "enforcement": enforcement, "namespaceSelector": {"matchLabels": {"desk": desk}},
            "rules": [{"name": "r", "match": {"platforms": ["Toaster", "Kettle"]}, "decision": "Permit"}],
        })
    };
    let (reason, message) =
        Case::new().with("kitchen", bad("Enforce", "first-line")).with("deny", deny("Enforce")).says();
    assert_eq!(reason, "PolicyNotReady", "a hold comes before a verdict");
    let place = "On hold: PasscodeResetPolicy \"kitchen\" cannot be used: spec.rules[0].match.platforms[0]: rule \"r\" names the platform \"Toaster\"";
    assert!(message.starts_with(place), "{message}");
    assert!(message.ends_with(
        "Ask whoever maintains the policies. It goes on by itself; it is not sent after 2026-11-24T09:00:00Z."
    ));
    for (enforcement, desk) in [("Enforce", "second-line"), ("Warn", "first-line"), ("Audit", "first-line")] {
        assert!(Case::new().with("kitchen", bad(enforcement, desk)).is_permitted(), "{enforcement} {desk}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_holds_everything() {
    let mut case = Case::new();
    case.policies.push(Policy::unreadable("newer", "unknown field `ticket`", &json!({"ticket": 1})));
    let (reason, message) = case.says();
    assert_eq!(reason, "PolicyNotReady");
    let part = "PasscodeResetPolicy \"newer\" cannot be used: spec: this version of the operator cannot read it: unknown field `ticket`.";
    assert!(message.contains(part), "{message}");

    // One whose selectors can be read holds what they name.
    let spec = |desk: &str| json!({"ticket": 1, "namespaceSelector": {"matchLabels": {"desk": desk}}});
    for (desk, held) in [("first-line", true), ("second-line", false)] {
        let mut case = Case::new();
        case.policies.push(Policy::unreadable("newer", "unknown field `ticket`", &spec(desk)));
        assert_eq!(case.is_permitted(), !held, "{desk}");
    }

    // A selector that cannot be read selects everything.
    let selector = json!({"matchExpressions": [{"key": "desk", "operator": "Like", "values": ["x"]}]});
    let case = Case::new().with("odd", json!({"namespaceSelector": selector, "rules": deny("Enforce")["rules"]}));
    let (reason, message) = case.says();
    assert!(
        reason == "PolicyNotReady" && message.contains("spec.namespaceSelector: it is no label selector"),
        "{message}"
    );
}

#[test]
fn required_policies_are_there_are_ready_and_one_is_about_the_request() {
    let permit = json!({"rules": [{"name": "r", "decision": "Permit"}]});
    let elsewhere =
        json!({"namespaceSelector": {"matchLabels": {"desk": "x"}}, "rules": [{"name": "r", "decision": "Permit"}]});
    let bad = json!({"enforcement": "Audit", "namespaceSelector": {"matchLabels": {"desk": "x"}}, "rules": []});
    let requiring =
        |names: &[&str]| Case { required: names.iter().map(|name| (*name).to_owned()).collect(), ..Case::new() };
    let (reason, message) = requiring(&["base"]).says();
    assert_eq!(reason, "PolicyNotReady");
    let missing = "there is no PasscodeResetPolicy \"base\", which the IntuneTenant \"default\" requires.";
    assert!(message.contains(missing), "{message}");

    assert!(requiring(&["base"]).with("base", permit.clone()).is_permitted());
    assert!(requiring(&["base", "far"]).with("base", permit.clone()).with("far", elsewhere.clone()).is_permitted());
    let (reason, message) = requiring(&["far", "base"]).with("far", elsewhere.clone()).says();
    assert!(reason == "PolicyNotReady" && message.contains("no PasscodeResetPolicy \"base\""), "{message}");
    let (reason, message) = requiring(&["far"]).with("far", elsewhere).with("other", permit.clone()).says();
    assert_eq!(reason, "PolicyNotReady");
    let none =
        "the IntuneTenant \"default\" requires that one of its policies (\"far\") is about this request, and none is";
    assert!(message.contains(none), "{message}");
    let (reason, message) = requiring(&["base", "bad"]).with("base", permit).with("bad", bad).says();
    assert!(reason == "PolicyNotReady" && message.contains("PasscodeResetPolicy \"bad\" cannot be used"), "{message}");
}

#[test]
fn ready_names_the_place_of_a_mistake() {
    let good = policy("p", deny("Enforce"));
    assert_eq!(good.ready(), (Truth::True, "Ready", "The policy is in use.".to_owned()));
    let bad = policy("p", json!({"budgets": [{"name": "b", "max": 0, "per": "1h", "scope": "Device"}]}));
    let (truth, reason, message) = bad.ready();
    assert_eq!((truth, reason), (Truth::False, "InvalidPolicy"));
    assert_eq!(
        message,
        "spec.budgets[0].max: budget \"b\" never has room for a reset: write 1 or more, or a rule with decision: Deny to refuse resets. Until \
         that is fixed, requests that this policy is about are held."
    );
    let bad = policy("p", json!({"enforcement": "Audit"}));
    assert!(bad.ready().2.ends_with("Until that is fixed, it reports nothing."), "{}", bad.ready().2);
}
