//! The rules about policies and approvals, each broken.

use super::*;

const UID: &str = "705c034c-034c-705c-4c03-5c704c035c70";

fn policy() -> Value {
    let approval = json!({"required": 2, "roles": [{"name": "lead"}]});
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": "desk"},
        "spec": {
            "rules": [{"name": "leads", "match": {}, "decision": "RequireApproval", "approval": approval}],
            "budgets": [{"name": "hourly", "max": 5, "per": "1h", "scope": "Namespace"}],
            "hours": [{"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "Europe/Amsterdam"}],
        },
    })
}

fn approval() -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetApproval", "metadata": {"name": "a", "namespace": "desk"},
        "spec": {"request": {"kind": "PasscodeReset", "name": "inc1", "uid": UID}, "decision": "Approved", "approver": "jane"},
    })
}

/// Every object that breaks one of them, with the path and the beginning of what is said of it.
pub(super) fn broken() -> Vec<(Value, &'static str)> {
    let p = |path: &str, new: Value| with(policy(), path, new);
    let a = |path: &str, new: Value| with(approval(), path, new);
    let rule = |new: Value| p("spec.rules.0", new);
    let twice = |list: &str| p(list, json!([policy()["spec"][&list[5..]][0], policy()["spec"][&list[5..]][0]]));
    let role = json!({"name": "lead"});
    vec![
        (p("metadata.name", json!("a".repeat(64))), "metadata.name is too long"),
        (p("spec", json!({})), "spec: the policy restricts nothing"),
        (twice("spec.rules"), "spec.rules: two rules have the same name"),
        (twice("spec.budgets"), "spec.budgets: two budgets have the same name"),
        (
            p("spec.tenantSelector", json!({"matchLabels": {}})),
            "spec.tenantSelector: matchLabels has a null or nothing",
        ),
        (
            p("spec.tenantSelector", json!({"matchExpressions": []})),
            "spec.tenantSelector: matchExpressions has nothing",
        ),
        (
            p("spec.namespaceSelector", json!({"matchLabels": {}})),
            "spec.namespaceSelector: matchLabels has a null or nothing",
        ),
        (
            p("spec.namespaceSelector", json!({"matchExpressions": []})),
            "spec.namespaceSelector: matchExpressions has nothing",
        ),
        (rule(json!({"name": "A", "decision": "Permit"})), "spec.rules[0].name: write the rule's name in lower-case"),
        (rule(json!({"name": "a", "decision": "Deny"})), "spec.rules[0]: a Deny rule needs a message"),
        (
            rule(json!({"name": "a", "decision": "RequireApproval"})),
            "spec.rules[0]: a RequireApproval rule says in approval",
        ),
        (
            rule(json!({"name": "a", "decision": "Permit", "overridable": true})),
            "spec.rules[0]: a Permit rule has nothing to override",
        ),
        (p("spec.rules.0.message", json!(" ")), "spec.rules[0].message: write in message why"),
        (p("spec.rules.0.match.osVersion", json!("8")), "spec.rules[0].match.osVersion: write osVersion as a bound"),
        (p("spec.rules.0.match.ownership", json!(["me"])), "spec.rules[0].match.ownership: write ownership as a list"),
        (
            p("spec.rules.0.match.requesters", json!({"serviceAccounts": ["x"]})),
            "spec.rules[0].match.requesters.serviceAccounts: write serviceAccounts as a list of NAMESPACE/NAME",
        ),
        (
            p("spec.rules.0.approval.roles", json!([role, role])),
            "spec.rules[0].approval.roles: two roles have the same name",
        ),
        (p("spec.rules.0.approval.roles.0.count", json!(3)), "spec.rules[0].approval: the roles ask for more people"),
        (
            p("spec.rules.0.approval.roles.0.name", json!("A")),
            "spec.rules[0].approval.roles[0].name: write the role in lower-case",
        ),
        (
            p("spec.rules.0.approval.validFor", json!("1s")),
            "spec.rules[0].approval.validFor: write validFor as a length",
        ),
        (p("spec.budgets.0.name", json!("A")), "spec.budgets[0].name: write the budget's name in lower-case"),
        (p("spec.budgets.0.per", json!("25h")), "spec.budgets[0].per: write per as a length"),
        (p("spec.hours.0.to", json!("07:00")), "spec.hours[0]: from and to are the same"),
        (p("spec.hours.0.from", json!("7:00")), "spec.hours[0].from: write from as HH:MM in quotes"),
        (p("spec.hours.0.to", json!("24:01")), "spec.hours[0].to: write to as HH:MM in quotes"),
        (p("spec.hours.0.timeZone", json!("+01:00")), "spec.hours[0].timeZone: write timeZone as a name"),
        (a("spec.decision", json!("Denied")), "spec: reason is required with Denied and Overridden"),
        (a("spec.role", json!("A")), "spec.role: write role in lower-case"),
        (
            a("spec.managedDeviceId", json!("x")),
            "spec.managedDeviceId: write managedDeviceId as a GUID, as the request's",
        ),
        (a("spec.reason", json!(" ")), "spec.reason: write in reason why"),
        (a("spec.request.name", json!("A")), "spec.request.name: write request.name as an object's name"),
        (a("spec.request.uid", json!("x")), "spec.request.uid: write request.uid as the request's"),
    ]
}
