//! What a PasscodeResetApproval may say.

use serde_json::{Value, json};

use super::{sentences, with};
use crate::api::approval::{PasscodeResetApprovalSpec, RequestKind};

fn whole() -> Value {
    json!({"metadata": {"name": "inc0012345-jane", "namespace": "helpdesk"}, "spec": {
        "request": {"kind": "PasscodeReset", "name": "inc0012345", "uid": "5c1e0000-0000-4000-8000-000000000001"},
        "decision": "Denied",
        "role": "lead",
        "managedDeviceId": "705c034c-034c-705c-4c03-5c704c035c70",
        "reason": "The caller could not say the employee number.",
        "approver": "jane@example.com",
    }})
}

fn said(path: &str, value: &Value) -> Vec<String> {
    sentences("PasscodeResetApproval", &with(&whole(), path, value), None)
}

#[test]
fn what_is_right_is_taken_and_can_be_read() {
    let short = json!({
        "request": {"kind": "PasscodeReveal", "name": "a.b", "uid": "5C1E0000-0000-4000-8000-000000000001"},
        "decision": "Approved", "approver": "jane",
    });
    for (path, value) in [("spec.role", json!(null)), ("spec.managedDeviceId", json!(null)), (".spec", short)] {
        let path = path.trim_start_matches('.');
        let object = if path == "spec" {
            json!({"metadata": whole()["metadata"], "spec": value})
        } else {
            with(&whole(), path, &value)
        };
        assert_eq!(sentences("PasscodeResetApproval", &object, None), Vec::<String>::new(), "{path} {value}");
        serde_json::from_value::<PasscodeResetApprovalSpec>(object["spec"].clone()).unwrap();
    }
    assert_eq!(serde_json::to_value(RequestKind::PasscodeReset).unwrap(), json!(RequestKind::PasscodeReset.as_str()));
    assert_eq!(serde_json::to_value(RequestKind::PasscodeReveal).unwrap(), json!(RequestKind::PasscodeReveal.as_str()));
}

#[test]
fn what_is_wrong_is_refused_with_what_to_write() {
    for (path, value, sentence) in [
        ("spec.reason", json!(null), "reason is required with Denied and Overridden: write why"),
        ("spec.reason", json!("\n "), "write in reason why, or leave it out"),
        ("spec.role", json!("Team Lead"), "write role in lower-case letters"),
        ("spec.managedDeviceId", json!("705c"), "write managedDeviceId as a GUID"),
        ("spec.request.uid", json!("inc0012345"), "write request.uid as the request's metadata.uid shows it"),
        ("spec.request.name", json!("INC0012345"), "write request.name as an object's name"),
    ] {
        let said = said(path, &value);
        assert!(said.len() == 1 && said[0].contains(sentence), "{path} {value}: {said:?}");
    }
}

#[test]
fn nothing_of_it_can_be_changed() {
    for (path, value) in
        [("spec.decision", json!("Approved")), ("spec.role", json!(null)), ("spec.approver", json!("x"))]
    {
        let said = sentences("PasscodeResetApproval", &with(&whole(), path, &value), Some(&whole()));
        assert!(
            said.len() == 1 && said[0].contains("spec is immutable: create a new PasscodeResetApproval"),
            "{said:?}"
        );
    }
    assert_eq!(sentences("PasscodeResetApproval", &whole(), Some(&whole())), Vec::<String>::new());
}
