//! What a PasscodeResetPolicy and a PasscodeResetApproval may say.

use serde_json::{Value, json};

use super::{
    ABSENT, Accepted, Case, Refused, case, check,
    manifests::{approval, policy},
};

const SELECTOR: &str = "matchLabels has a null or nothing";
const EXPRESSIONS: &str = "matchExpressions has nothing";
const APPROVAL: &str = "a RequireApproval rule says in approval who has to agree, the others have none";

/// The cases of policies.
pub fn cases() -> Vec<Case> {
    [whole(), rules(), budgets_and_hours()].into_iter().flatten().collect()
}

fn whole() -> Vec<Case> {
    let twice = |list: &str| json!([policy("x")["spec"][list][0], policy("x")["spec"][list][0]]);
    vec![
        case("metadata.name", "a".repeat(63), Accepted),
        case("metadata.name", "a".repeat(64), Refused("use at most 63 characters, for example help-desk")),
        case("spec", json!({}), Refused("the policy restricts nothing")),
        case("spec.enforcement", "Audit", Accepted),
        case("spec.enforcement", "Maybe", Refused("supported values: \"Enforce\", \"Warn\", \"Audit\"")),
        case("spec.rules", twice("rules"), Refused("give every rule a name of its own")),
        case("spec.budgets", twice("budgets"), Refused("give every budget a name of its own")),
        case("spec.tenantSelector", json!({}), Accepted),
        case("spec.tenantSelector", json!({"matchLabels": {}}), Refused(SELECTOR)),
        case("spec.tenantSelector", json!({"matchExpressions": []}), Refused(EXPRESSIONS)),
        case("spec.namespaceSelector", json!({"matchLabels": {"desk": "first-line"}}), Accepted),
        case("spec.namespaceSelector", json!({"matchLabels": {}}), Refused(SELECTOR)),
        case("spec.namespaceSelector", json!({"matchExpressions": []}), Refused(EXPRESSIONS)),
        case("spec.default", "x", Refused("unknown field \"spec.default\"")),
    ]
}

fn rules() -> Vec<Case> {
    let rule = |rule: Value, expect| case("spec.rules.0", rule, expect);
    let role = json!({"name": "lead"});
    vec![
        rule(json!({"name": "a", "decision": "Permit"}), Accepted),
        rule(json!({"name": "a", "decision": "Deny", "message": "Ask the second line."}), Accepted),
        rule(json!({"name": "a", "decision": "Deny"}), Refused("a Deny rule needs a message")),
        rule(json!({"name": "a", "decision": "RequireApproval"}), Refused(APPROVAL)),
        rule(json!({"name": "a", "decision": "Permit", "approval": {}}), Refused(APPROVAL)),
        rule(
            json!({"name": "a", "decision": "Permit", "overridable": true}),
            Refused("a Permit rule has nothing to override"),
        ),
        rule(json!({"name": "A", "decision": "Permit"}), Refused("write the rule's name in lower-case letters")),
        case("spec.rules.0.message", " ", Refused("write in message why, and what to do instead")),
        case("spec.rules.0.match.osVersion", ">=14", Accepted),
        case("spec.rules.0.match.osVersion", "8", Refused("write osVersion as a bound")),
        case("spec.rules.0.match.ownership", json!(["company", "unknown"]), Accepted),
        case("spec.rules.0.match.ownership", json!(["me"]), Refused("write ownership as a list of company, personal")),
        case(
            "spec.rules.0.match.requesters",
            json!({"serviceAccounts": ["flux-system/kustomize-controller"]}),
            Accepted,
        ),
        case(
            "spec.rules.0.match.requesters",
            json!({"serviceAccounts": ["flux"]}),
            Refused("write serviceAccounts as a list of NAMESPACE/NAME"),
        ),
        case("spec.rules.0.approval.roles", json!([role, role]), Refused("give every role a name of its own")),
        case("spec.rules.0.approval.roles.0.count", 3, Refused("the roles ask for more people than required says")),
        case("spec.rules.0.approval.roles.0.name", "A", Refused("write the role in lower-case letters")),
        case("spec.rules.0.approval.validFor", "1m", Accepted),
        case("spec.rules.0.approval.validFor", "1s", Refused("write validFor as a length of time from 1m to 168h")),
        case("spec.rules.0.approval.required", 6, Refused("should be less than or equal to 5")),
    ]
}

fn budgets_and_hours() -> Vec<Case> {
    vec![
        case("spec.budgets.0.max", 0, Refused("should be greater than or equal to 1")),
        case("spec.budgets.0.name", "A", Refused("write the budget's name in lower-case letters")),
        case("spec.budgets.0.per", "24h", Accepted),
        case("spec.budgets.0.per", "25h", Refused("write per as a length of time from 1m to 24h")),
        case("spec.budgets.0.scope", ABSENT, Refused("spec.budgets[0].scope: Required value")),
        case("spec.hours.0.to", "24:00", Accepted),
        case("spec.hours.0.to", "06:00", Accepted),
        case("spec.hours.0.to", "07:00", Refused("from and to are the same")),
        case("spec.hours.0.to", "24:01", Refused("write to as HH:MM in quotes")),
        case("spec.hours.0.from", "7:00", Refused("write from as HH:MM in quotes")),
        case("spec.hours.0.timeZone", "+01:00", Refused("write timeZone as a name of the IANA time zone database")),
        case("spec.hours.0.days", json!(["Monday"]), Refused("supported values")),
    ]
}

/// The cases of approvals.
pub fn of_approvals() -> Vec<Case> {
    vec![
        case("spec.decision", "Denied", Refused("reason is required with Denied and Overridden")),
        case("spec.reason", "not called back", Accepted),
        case("spec.reason", " ", Refused("write in reason why, or leave it out")),
        case("spec.role", "team-lead", Accepted),
        case("spec.role", "A", Refused("write role in lower-case letters")),
        case("spec.managedDeviceId", "x", Refused("write managedDeviceId as a GUID")),
        case("spec.request.name", "A", Refused("write request.name as an object's name")),
        case("spec.request.uid", "x", Refused("write request.uid as the request's metadata.uid shows it")),
        case("spec.request.kind", "PasscodeReveal", Accepted),
        case("spec.approver", ABSENT, Refused("spec.approver: Required value")),
        case("spec.approver", "", Refused("should be at least 1 chars long")),
    ]
}

#[tokio::test]
async fn control_plane_rules_of_policies() {
    check(&policy("rules"), &cases()).await;
}

#[tokio::test]
async fn control_plane_rules_of_approvals() {
    check(&approval("rules"), &of_approvals()).await;
}
