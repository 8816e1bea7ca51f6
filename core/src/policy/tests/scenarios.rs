//! Scenarios as a security team writes them.

use serde_json::{Value, json};

use super::support::policy;
use crate::policy::{Policy, scenario::Scenarios};

fn policies() -> Vec<Policy> {
    let rules = json!([
        {"name": "leads", "match": {"platforms": ["IosDeviceEnrollment"]}, "decision": "RequireApproval",
         "approval": {"required": 1, "roles": [{"name": "lead"}]}},
        {"name": "personal", "match": {"ownership": ["personal"]}, "decision": "Deny", "message": "Company phones only."},
    ]);
    let selector = json!({"matchLabels": {"desk": "first-line"}});
    let budgets = json!([{"name": "per-desk", "max": 3, "per": "1h", "scope": "Namespace"}]);
    vec![policy("help-desk", json!({"namespaceSelector": selector, "rules": rules, "budgets": budgets}))]
}

/// The result of a test whose fields are these.
fn run(change: &Value) -> Result<(), String> {
    let request =
        json!({"namespace": "helpdesk", "namespaceLabels": {"desk": "first-line"}, "requester": "desk@example.com"});
    let mut test = json!({
        "name": "x", "time": "2026-11-23T09:00:00Z", "request": request,
        "device": {"platform": "IosDeviceEnrollment", "osVersion": "17.5", "ownership": "company"},
    });
    change.as_object().unwrap().iter().for_each(|(field, value)| test[field] = value.clone());
    let scenarios: Scenarios = serde_json::from_value(json!({"tests": [test]})).unwrap();
    let policies = policies();
    scenarios.tests[0].run(&policies.iter().collect::<Vec<_>>())
}

#[test]
fn what_is_expected_and_happens() {
    let android = json!({"platform": "AndroidFullyManaged", "ownership": "company"});
    for change in [
        json!({"expect": {"answer": "Held", "reason": "AwaitingApproval", "policy": "help-desk", "rule": "leads", "message": "still needed: lead"}}),
        json!({"approvals": [{"approver": "jane", "role": "lead"}], "expect": {"answer": "Permitted", "rule": "leads", "policy": "help-desk"}}),
        json!({"approvals": [{"approver": "jane", "role": "lead", "time": "2026-11-23T00:00:00Z"}], "expect": {"answer": "Held"}}),
        json!({"approvals": [{"approver": "jane", "role": "lead", "decision": "Denied"}], "expect": {"answer": "Refused", "reason": "ApprovalDenied"}}),
        json!({"identityEnforced": false, "expect": {"answer": "Held", "reason": "IdentityNotEnforced"}}),
        json!({"device": {"platform": "MacOS", "ownership": "personal"}, "expect": {"answer": "Refused", "message": "Company phones only."}}),
        json!({"device": android, "expect": {"answer": "Permitted", "reason": "PermittedByPolicy"}}),
        json!({"device": android, "past": [{"time": "2026-11-23T08:30:00Z", "count": 3}], "expect": {"answer": "Held", "reason": "LimitReached"}}),
        json!({"device": android, "past": [{"time": "2026-11-23T08:30:00Z", "count": 3, "namespace": "x"}], "expect": {"answer": "Permitted"}}),
        json!({"request": {}, "expect": {"answer": "Permitted", "reason": "NoPolicy"}}),
        json!({"request": {"requiredPolicies": ["base"]}, "expect": {"answer": "Held", "reason": "PolicyNotReady"}}),
        json!({"request": {"action": "RevealPasscode", "namespaceLabels": {"desk": "first-line"}}, "expect": {"answer": "Permitted"}}),
    ] {
        assert_eq!(run(&change), Ok(()), "{change}");
    }
}

#[test]
fn what_is_expected_and_does_not_happen() {
    for (change, begins) in [
        (
            json!({"expect": {"answer": "Permitted"}}),
            "expected Permitted; it is Held/AwaitingApproval: Waiting for approval: 0 of 1;",
        ),
        (
            json!({"expect": {"answer": "Held", "reason": "OutsideHours"}}),
            "expected the reason OutsideHours; it is Held/AwaitingApproval",
        ),
        (json!({"expect": {"answer": "Held", "message": "security"}}), "expected \"security\" in the message; it is"),
        (
            json!({"expect": {"answer": "Held", "policy": "other"}}),
            "expected that the policy \"other\" is about it; it is",
        ),
        (
            json!({"expect": {"answer": "Held", "policy": "help-desk", "rule": "personal"}}),
            "expected that rule \"personal\" of \"help-desk\" decides, not \"leads\"; it is",
        ),
        (
            json!({"device": {"platform": "MacOS"}, "expect": {"answer": "Permitted", "policy": "help-desk", "rule": "leads"}}),
            "expected that rule \"leads\" of \"help-desk\" decides, but no rule matches; it is",
        ),
        (
            json!({"device": {"platform": "macos"}, "expect": {"answer": "Permitted"}}),
            "the test's device names the platform \"macos\", which does not exist: write MacOS",
        ),
    ] {
        let problem = run(&change).unwrap_err();
        assert!(problem.starts_with(begins), "{problem}");
    }
}

/// A misspelt field would make a test pass that tests something else.
#[test]
fn a_field_that_is_none_is_refused() {
    for test in [
        json!({"name": "x", "time": "2026-11-23T09:00:00Z", "expect": {"answer": "Held"}, "requests": {}}),
        json!({"name": "x", "time": "2026-11-23T09:00:00Z", "expect": {"answer": "Held", "reasn": "x"}}),
        json!({"name": "x", "time": "2026-11-23T09:00:00Z", "expect": {"answer": "Denied"}}),
        json!({"name": "x", "expect": {"answer": "Held"}}),
    ] {
        assert!(serde_json::from_value::<Scenarios>(json!({"tests": [test]})).is_err(), "{test}");
    }
}
