use serde_json::json;

use super::*;

/// A `Status` as it came over the wire.
fn status(code: u16, reason: &str, message: &str, causes: serde_json::Value) -> Status {
    let details = json!({"name": "a", "group": "passcode-operator.dev", "kind": "passcoderesets", "causes": causes});
    let body = json!({"status": "Failure", "code": code, "reason": reason, "message": message, "details": details});
    serde_json::from_value(body).unwrap()
}

/// Denied by a policy, as kube-apiserver 1.37 says it.
fn by_policy(code: u16, reason: &str, text: &str) -> Status {
    let message = format!("passcoderesets.passcode-operator.dev \"a\" is forbidden: {text}");
    status(code, reason, &message, json!([{"message": text}]))
}

fn told(status: &Status) -> Option<(String, String, DenialKind)> {
    denial(status).map(|Denial { by, sentence, kind }| (by, sentence, kind))
}

#[track_caller]
fn denied(status: &Status, by: &str, sentence: &str, kind: DenialKind) {
    assert_eq!(told(status), Some((by.to_owned(), sentence.to_owned(), kind)), "{}", status.message);
}

#[test]
fn a_validating_admission_policy() {
    let by = "ValidatingAdmissionPolicy 'P' with binding 'B'";
    let said = |sentence: &str| format!("{by} denied request: {sentence}");
    for (code, reason) in [(403, "Forbidden"), (422, "Invalid"), (401, "Unauthorized"), (413, "RequestEntityTooLarge")]
    {
        denied(&by_policy(code, reason, &said("only company phones")), by, "only company phones", DenialKind::Denied);
    }
    let without = "ValidatingAdmissionPolicy 'P' denied request: failed to configure policy: no such kind";
    let broken = "failed to configure policy: no such kind";
    denied(&by_policy(422, "Invalid", without), "ValidatingAdmissionPolicy 'P'", broken, DenialKind::PolicyBroken);
    for sentence in [
        "expression 'object.status.none == 1' resulted in error: no such key: none",
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
        "failed messageExpression: internal error",
        "validation failed due to running out of cost budget, no further validation rules will be run",
    ] {
        denied(&by_policy(422, "Invalid", &said(sentence)), by, sentence, DenialKind::PolicyBroken);
    }
    let mutating = "policy 'M' with binding 'B' denied request: expression 'x' resulted in error: no such key: x";
    denied(
        &status(403, "Invalid", mutating, json!([{"message": mutating}])),
        "MutatingAdmissionPolicy 'M' with binding 'B'",
        "expression 'x' resulted in error: no such key: x",
        DenialKind::PolicyBroken,
    );
}

#[test]
fn a_webhook_denies_with_whatever_code_it_likes() {
    let message = "admission webhook \"w.example.com\" denied the request: no";
    for code in [400, 403, 404, 409, 410, 422] {
        denied(&status(code, "", message, json!([])), "admission webhook \"w.example.com\"", "no", DenialKind::Denied);
    }
    for code in [429, 500, 503] {
        denied(&status(code, "", message, json!([])), "admission webhook \"w.example.com\"", "no", DenialKind::NotNow);
    }
    let without = "admission webhook \"w.example.com\" denied the request without explanation";
    denied(
        &status(400, "", without, json!([])),
        "admission webhook \"w.example.com\"",
        "without explanation",
        DenialKind::Denied,
    );
}

#[test]
fn kyverno_and_gatekeeper_wrap_their_sentences() {
    let kyverno = "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource PasscodeReset/helpdesk/a was blocked \
         due to the following policies \n\noffice-hours:\n  closed: 'validation error: hold: opens at 07:00. rule closed\n    failed at path /status/attempt/'\n";
    denied(
        &status(400, "", kyverno, json!([])),
        "admission webhook \"validate.kyverno.svc-fail\"",
        "office-hours: closed: 'validation error: hold: opens at 07:00. rule closed failed at path /status/attempt/'",
        DenialKind::Denied,
    );
    for (text, sentence) in [
        ("[denied by company-only] you must\nhave a company phone", "you must have a company phone"),
        ("[company-only] no\n[other] neither", "no [other] neither"),
        ("[denied by company-only]\n\nDENIED.\nReason: no", "DENIED. Reason: no"),
    ] {
        let message = format!("admission webhook \"validation.gatekeeper.sh\" denied the request: {text}");
        let by = "admission webhook \"validation.gatekeeper.sh\" (company-only)";
        denied(&status(403, "", &message, json!([])), by, sentence, DenialKind::Denied);
    }
}

#[test]
fn a_webhook_that_cannot_be_asked() {
    let reasons = [
        "failed to call webhook: Post \"https://w.example.svc:443/?timeout=10s\": dial tcp 10.0.0.1:443: connect: connection refused",
        "failed to call webhook: Post \"https://w.example.svc:443/?timeout=2s\": context deadline exceeded",
        "received invalid webhook response: expected response.uid=\"1\", got \"\"",
    ];
    for reason in reasons {
        let cause = format!("failed calling webhook \"w.example.com\": {reason}");
        let message = format!("Internal error occurred: {cause}");
        let status = status(500, "InternalError", &message, json!([{"message": cause}]));
        denied(&status, "admission webhook \"w.example.com\"", reason, DenialKind::Unavailable);
    }
}

#[test]
fn what_is_no_denial() {
    let strict = "PasscodeReset.passcode-operator.dev \"a\" is invalid: patch: Invalid value: \"{\\\"justification\\\":\\\"admission \
         webhook \\\\\\\"x\\\\\\\" denied the request: ValidatingAdmissionPolicy 'P' denied request: no\\\"}\": strict decoding error: \
         unknown field \"status.verdict\", unknown field \"status.device.owner\"";
    let cause = json!([{"reason": "FieldValueInvalid", "message": "ValidatingAdmissionPolicy 'P' denied request: no", "field": "patch"}]);
    for status in [
        status(422, "Invalid", strict, cause),
        status(422, "Invalid", "the server rejected our request due to an error in our request", json!([])),
        status(
            403,
            "Forbidden",
            "passcoderesets.passcode-operator.dev \"a\" is forbidden: User \"x\" cannot patch resource \"passcoderesets/status\" in \
             API group \"passcode-operator.dev\" in the namespace \"helpdesk\"",
            json!([]),
        ),
        status(
            409,
            "Conflict",
            "Operation cannot be fulfilled on passcoderesets \"a\": the object has been modified",
            json!([]),
        ),
        status(404, "NotFound", "passcoderesets.passcode-operator.dev \"a\" not found", json!([])),
        status(
            500,
            "InternalError",
            "Internal error occurred: etcdserver: leader changed",
            json!([{"message": "etcdserver"}]),
        ),
        status(429, "TooManyRequests", "the server has received too many requests", json!([])),
        status(504, "Timeout", "request did not complete within the allotted timeout", json!([])),
    ] {
        assert_eq!(denial(&status), None, "{}", status.message);
    }
}

#[test]
fn of_a_refusal_by_the_schema_nothing_but_fields_is_kept() {
    let secret = "Jane's phone";
    let echo = format!(
        "PasscodeReset.passcode-operator.dev \"a\" is invalid: patch: Invalid value: \"{{\\\"justification\\\":\\\"{secret} \
         unknown field \\\"x\\\"\\\"}}\": strict decoding error: unknown field \"status.verdict\", unknown field \"status.device.owner\", \
         unknown field \"{secret}\""
    );
    let cause = json!([{"reason": "FieldValueInvalid", "message": echo, "field": "patch"}]);
    assert_eq!(refused_fields(&status(422, "Invalid", &echo, cause)), ["status.verdict", "status.device.owner"]);
    let causes = json!([{"message": secret, "field": "status.outcome"}, {"message": secret, "field": "spec.device"}, {"field": "<nil>"}]);
    assert_eq!(refused_fields(&status(422, "Invalid", secret, causes)), ["status.outcome", "spec.device"]);
    assert!(refused_fields(&status(400, "BadRequest", secret, json!([]))).is_empty());
}

#[test]
fn a_sentence_is_one_line_of_a_length_that_people_read() {
    let text = format!("no\n\n\t\u{1b}[31mred\u{202e}dne\u{0} {}", "ü".repeat(2000));
    let message = format!("admission webhook \"w.example.com\" denied the request: {text}");
    let sentence = denial(&status(403, "", &message, json!([]))).unwrap().sentence;
    assert!(sentence.starts_with("no [31mred dne üü") && sentence.ends_with('…'), "{sentence}");
    assert!((1020..=1024).contains(&sentence.len()) && !sentence.contains(char::is_control));
}
