//! What policies would say, and tests of policies.

use super::*;

const IPHONE: &str = r#"{"id": "1", "operatingSystem": "iOS", "osVersion": "17.5", "deviceType": "iPhone", "managementAgent": "mdm",
    "managementState": "managed", "managedDeviceOwnerType": "company", "isSupervised": true, "serialNumber": "F9"}"#;

fn policy(spec: &Value) -> String {
    json!({"apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetPolicy", "metadata": {"name": "desk"}, "spec": spec}).to_string()
}

/// The last lines about the request, and whether something is refused.
fn judged(spec: &Value, options: &[&str]) -> (Vec<String>, bool) {
    let line = [&["-f", "m.json", "-p", "p.json", "--device", "d.json"], options].concat();
    let (mut lines, refused) =
        run(&[("m.json", &reset().to_string()), ("p.json", &policy(spec)), ("d.json", IPHONE)], &line);
    lines.retain(|line| line.contains("policies would") || line.contains("is not among") || line.starts_with("p.json"));
    (lines, refused)
}

#[test]
fn the_rule_that_refuses_is_named() {
    let rule = json!({"name": "no-phones", "match": {"platforms": ["IosDeviceEnrollment"]}, "decision": "Deny", "message": "Come to the desk."});
    let (lines, refused) = judged(&json!({"rules": [rule]}), &["--now", "2026-11-22T10:00:00Z"]);
    assert!(refused);
    assert_eq!(
        lines[..2],
        [
            "p.json:document 1: PasscodeResetPolicy desk is valid",
            "m.json:document 1: with d.json: device 1: policies would refuse it (PolicyDenied): Refused: rule \"no-phones\" of PasscodeResetPolicy \
             \"desk\" denies it: Come to the desk. Still needed? Settle that with whoever maintains the policy, then create a new PasscodeReset \
             with requestTime now.",
        ]
    );
    // What nobody knows of a namespace permits nothing more.
    assert!(lines[2].ends_with("Namespace helpdesk is not among the files for -p: policies that select by its labels are taken to be about this request"));
}

#[test]
fn what_is_held_is_told_and_refuses_nothing() {
    let hours = json!({"hours": [{"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "UTC"}]});
    for (now, part) in [
        (
            "2026-11-22T10:00:00Z",
            "policies would hold it (OutsideHours): On hold: the hours of PasscodeResetPolicy \"desk\" open Mon 07:00 UTC",
        ),
        (
            "2026-11-23T07:00:00Z",
            "policies would permit it (PermittedByPolicy): Permitted by PasscodeResetPolicy \"desk\".",
        ),
        // It is asked for the requestTime of a scheduled request, a Sunday.
        ("2026-11-16T10:00:00Z", "policies would hold it (OutsideHours)"),
    ] {
        let (lines, refused) = judged(&hours, &["--now", now]);
        assert!(!refused && lines.iter().any(|line| line.contains(part)), "{now}: {lines:#?}");
    }
    let rule = json!({"name": "ask", "decision": "RequireApproval", "approval": {}});
    let ask = json!({"rules": [rule]});
    let (lines, refused) = judged(&ask, &["--now", "2026-11-22T10:00:00Z", "--requester", "jane@example.com"]);
    assert!(!refused && lines[1].contains("(AwaitingApproval): Waiting for approval: 0 of 1"), "{lines:#?}");
    let (lines, _) = judged(&ask, &["--now", "2026-11-22T10:00:00Z"]);
    assert!(lines[1].contains("0 of 2"), "{lines:#?}");
}

#[test]
fn the_labels_of_namespaces_and_tenants_are_in_the_files() {
    let deny = json!({"namespaceSelector": {"matchLabels": {"desk": "first"}}, "rules": [{"name": "r", "decision": "Deny", "message": "No."}]});
    let namespace = |desk: &str| {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "helpdesk", "labels": {"desk": desk}}});
        format!("{}\n---\n{object}", policy(&deny))
    };
    for (desk, expected) in [("first", true), ("second", false)] {
        let files = [("m.json", reset().to_string()), ("p.yaml", namespace(desk)), ("d.json", IPHONE.to_owned())];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let (lines, refused) = run(&files, &["-f", "m.json", "-p", "p.yaml", "--device", "d.json"]);
        assert_eq!(refused, expected, "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("Namespace helpdesk is not among")), "{lines:#?}");
    }
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_the_place() {
    let (lines, refused) =
        judged(&json!({"hours": [{"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "Amsterdam"}]}), &[]);
    assert!(refused);
    let sentence = "p.json:document 1: spec.hours[0].timeZone: there is no time zone \"Amsterdam\" in the IANA time zone database of this version: write \
                    Europe/Amsterdam";
    assert_eq!(lines, [sentence]);
    let (lines, refused) = judged(&json!({"rules": [{"name": "r", "decision": "Deny"}]}), &[]);
    assert!(refused && lines[0].contains("spec.rules[0]: a Deny rule needs a message"), "{lines:#?}");
    let spec = json!({
        "request": {"kind": "PasscodeReset", "name": "inc1", "uid": "705c034c-034c-705c-4c03-5c704c035c70"}, "decision": "Denied", "approver": "jane",
    });
    let approval = json!({"apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeResetApproval", "metadata": {"name": "a"}, "spec": spec});
    let texts = [approval.to_string(), with(approval, "spec.reason", json!("No.")).to_string()];
    let said = texts
        .map(|text| run(&[("p.json", &text), ("d.json", IPHONE)], &["-p", "p.json", "--device", "d.json"]).0.remove(0));
    assert!(said[0].contains("reason is required with Denied and Overridden: write why"), "{said:?}");
    assert!(said[1].ends_with("PasscodeResetApproval a is valid"), "{said:?}");
    // Without -p it is judged as any other object.
    let (lines, refused) = run(&[("p.json", &policy(&json!({})))], &["-f", "p.json"]);
    assert!(refused && lines[0].contains("spec: the policy restricts nothing"), "{lines:#?}");
}

#[test]
fn tests_of_policies_pass_and_fail() {
    let rule =
        json!({"name": "no", "match": {"platforms": ["MacOS"]}, "decision": "Deny", "message": "Use FileVault."});
    let spec = policy(&json!({"rules": [rule]}));
    let tests = "
tests:
- name: a Mac
  time: 2026-11-23T09:00:00Z
  device: {platform: MacOS}
  expect: {answer: Refused, policy: desk, rule: \"no\"}
- name: a phone
  time: 2026-11-23T09:00:00Z
  device: {platform: IosDeviceEnrollment}
  expect: {answer: Refused}
";
    let (lines, refused) = run(&[("p.json", &spec), ("t.yaml", tests)], &["-p", "p.json", "--test", "t.yaml"]);
    assert!(refused);
    assert_eq!(
        lines[1..],
        [
            "t.yaml:document 1: test \"a Mac\": passed",
            "t.yaml:document 1: test \"a phone\": failed: expected Refused; it is Permitted/PermittedByPolicy: Permitted by PasscodeResetPolicy \
             \"desk\".",
        ]
    );
    for (text, said) in [
        ("tests: []", "t.yaml:document 1: there is no test in it"),
        ("test: []", "t.yaml:document 1: this is no file of tests: unknown field `test`, expected `tests`"),
        ("", "t.yaml: there is nothing in it"),
        ("tests: [", "t.yaml:document 1: this is neither YAML nor JSON"),
    ] {
        let (lines, refused) = run(&[("p.json", &spec), ("t.yaml", text)], &["-p", "p.json", "--test", "t.yaml"]);
        assert!(refused && lines[1].starts_with(said), "{text}: {lines:#?}");
    }
}
