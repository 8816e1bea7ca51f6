//! What a PasscodeResetPolicy may say.

use serde_json::{Value, json};

use super::{schema, sentences, with};
use crate::api::policy::{Enforcement, PasscodeResetPolicySpec, PolicyAction};

/// A policy that says everything.
fn whole() -> Value {
    json!({"metadata": {"name": "help-desk"}, "spec": {
        "enforcement": "Enforce",
        "tenantSelector": {"matchLabels": {"stage": "production"}},
        "namespaceSelector": {"matchLabels": {"desk": "first-line"}},
        "rules": [{
            "name": "company-phones-of-leads",
            "match": {
                "platforms": ["AndroidFullyManaged"], "osVersion": ">=8.0", "ownership": ["company"],
                "actions": ["ResetDevicePasscode", "RevealPasscode"],
                "requesters": {"serviceAccounts": ["flux-system/kustomize-controller"]},
            },
            "decision": "RequireApproval",
            "approval": {"required": 2, "roles": [{"name": "lead", "count": 1}], "validFor": "8h"},
            "overridable": false,
        }],
        "budgets": [{"name": "per-desk", "max": 20, "per": "1h", "scope": "Namespace"}],
        "hours": [{"days": ["Mon", "Fri"], "from": "07:00", "to": "19:00", "timeZone": "Europe/Amsterdam"}],
    }})
}

fn said(path: &str, value: &Value) -> Vec<String> {
    sentences("PasscodeResetPolicy", &with(&whole(), path, value), None)
}

#[test]
fn what_is_right_is_taken_and_can_be_read() {
    let deny = json!({"name": "no-macs", "decision": "Deny", "message": "Use FileVault.", "overridable": true});
    for (path, value) in [
        ("spec.enforcement", json!(null)),
        ("spec.tenantSelector", json!({})),
        ("spec.rules.0", json!({"name": "all", "decision": "Permit"})),
        ("spec.rules.0", deny),
        ("spec.rules.0", json!({"name": "ask", "decision": "RequireApproval", "approval": {}})),
        ("spec.rules.0.approval", json!({"required": 5, "roles": [{"name": "a"}, {"name": "b", "count": 4}]})),
        ("spec.rules.0.match.ownership", json!(["personal", "unknown"])),
        ("spec.hours.0.to", json!("24:00")),
        ("spec.hours.0.to", json!("06:00")),
        ("spec.hours.0.timeZone", json!("America/Argentina/Buenos_Aires")),
        ("spec.hours.0.timeZone", json!("Etc/GMT+5")),
        ("spec.rules", json!([])),
        ("spec.budgets.0.per", json!("24h")),
    ] {
        let object = with(&whole(), path, &value);
        assert_eq!(said(path, &value), Vec::<String>::new(), "{path} {value}");
        serde_json::from_value::<PasscodeResetPolicySpec>(object["spec"].clone()).unwrap();
    }
}

#[test]
fn what_is_wrong_is_refused_with_what_to_write() {
    let permit = json!({"name": "all", "decision": "Permit", "overridable": true});
    let without_message = json!({"name": "no", "decision": "Deny"});
    let without_approval = json!({"name": "ask", "decision": "RequireApproval"});
    let with_approval = json!({"name": "all", "decision": "Permit", "approval": {}});
    let twice = json!([{"name": "a", "decision": "Permit"}, {"name": "a", "decision": "Permit"}]);
    for (path, value, sentence) in [
        ("metadata.name", json!("x".repeat(64)), "use at most 63 characters, for example help-desk"),
        ("spec.rules", twice, "give every rule a name of its own"),
        ("spec.rules.0", without_message, "a Deny rule needs a message"),
        ("spec.rules.0", without_approval, "add approval, or leave it out"),
        ("spec.rules.0", permit, "leave overridable out"),
        ("spec.rules.0", with_approval, "the others have none: add approval, or leave it out"),
        ("spec.rules.0.name", json!("Leads"), "write the rule's name in lower-case letters"),
        ("spec.rules.0.message", json!(" "), "write in message why"),
        ("spec.rules.0.approval.roles", json!([{"name": "a", "count": 3}]), "raise required, or lower the counts"),
        ("spec.rules.0.approval.roles", json!([{"name": "a"}, {"name": "a"}]), "give every role a name of its own"),
        ("spec.rules.0.approval.validFor", json!("169h"), "write validFor as a length of time from 1m to 168h"),
        ("spec.rules.0.match.osVersion", json!("8.0"), "write osVersion as a bound with >= or <"),
        ("spec.rules.0.match.ownership", json!(["Company"]), "write ownership as a list of company, personal"),
        ("spec.rules.0.match.requesters.serviceAccounts", json!(["flux"]), "of NAMESPACE/NAME"),
        ("spec.budgets.0.per", json!("25h"), "write per as a length of time from 1m to 24h"),
        ("spec.budgets.0.name", json!("per desk"), "write the budget's name in lower-case letters"),
        ("spec.hours.0.from", json!("7:00"), "write from as HH:MM in quotes"),
        ("spec.hours.0.from", json!("24:00"), "write from as HH:MM in quotes"),
        ("spec.hours.0.to", json!("24:01"), "write to as HH:MM in quotes"),
        ("spec.hours.0.to", json!("07:00"), "from and to are the same"),
        ("spec.hours.0.timeZone", json!("UTC+1:00"), "write timeZone as a name of the IANA time zone database"),
        ("spec.namespaceSelector.matchLabels", json!({}), "or namespaceSelector: {} to select all namespaces"),
        ("spec.tenantSelector.matchLabels", json!({}), "or tenantSelector: {} to select all IntuneTenants"),
    ] {
        let said = said(path, &value);
        assert!(said.len() == 1 && said[0].contains(sentence), "{path} {value}: {said:?}");
    }
    let nothing = json!({"metadata": {"name": "x"}, "spec": {"rules": []}});
    let said = sentences("PasscodeResetPolicy", &nothing, None);
    assert!(said.len() == 1 && said[0].contains("write at least one of rules, budgets or hours"), "{said:?}");
}

/// Bounds and words need no rule: the structure has them.
#[test]
fn the_structure_bounds_what_rules_do_not() {
    let spec = &schema("PasscodeResetPolicy")["properties"]["spec"]["properties"];
    let budget = &spec["budgets"]["items"]["properties"];
    assert_eq!((&budget["max"]["minimum"], &budget["max"]["maximum"]), (&json!(1.0), &json!(10000.0)));
    let approval = &spec["rules"]["items"]["properties"]["approval"]["properties"];
    assert_eq!((&approval["required"]["minimum"], &approval["required"]["default"]), (&json!(1.0), &json!(1)));
    assert_eq!(approval["validFor"]["default"], json!("8h"));
    assert_eq!(spec["enforcement"]["enum"], json!(["Enforce", "Warn", "Audit"]));
    assert_eq!(spec["enforcement"]["default"], json!("Enforce"));
    let text = schema("PasscodeResetPolicy").to_string();
    assert!(!text.contains("additionalProperties\":false"), "the API server refuses it beside properties");
}

/// The API server drops what the definition does not name. What arrives all the same is of a newer version, and may be a restriction.
#[test]
fn a_field_that_this_version_does_not_know_cannot_be_read() {
    for (path, value) in [
        ("spec.validUntil", json!("2027")),
        ("spec.rules.0.ticket", json!(true)),
        ("spec.rules.0.match.model", json!("iPhone")),
        ("spec.rules.0.approval.sequential", json!(true)),
        ("spec.budgets.0.burst", json!(1)),
        ("spec.hours.0.except", json!([])),
        ("spec.rules.0.decision", json!("RequireTicket")),
    ] {
        let spec = with(&whole(), path, &value)["spec"].take();
        assert!(serde_json::from_value::<PasscodeResetPolicySpec>(spec).is_err(), "{path}");
    }
}

#[test]
fn the_words_are_those_of_manifests() {
    for word in [Enforcement::Enforce, Enforcement::Warn, Enforcement::Audit] {
        assert_eq!(serde_json::to_value(word).unwrap(), json!(word.as_str()));
    }
    assert!(!PolicyAction::RESETS.contains(&PolicyAction::RevealPasscode));
}
