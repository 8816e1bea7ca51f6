//! `check --admission`: what admission policies would say of the claim.

use std::path::Path;

use super::{
    IPHONE,
    repository::{Repository, request},
};

/// The lines about admission of one sample of `deploy/admission`, for a phone that differs from a usual one by this, and the exit code.
fn judged(sample: &str, device: (&str, &str), more: &str) -> (Option<i32>, String) {
    let repository = Repository::with(&[]);
    let phone = IPHONE.replace(device.0, device.1);
    assert!(device.0.is_empty() || phone != IPHONE, "{device:?}");
    repository.write("phone.json", &phone);
    repository.write("inc.yaml", &request("inc", "F9FXK0ABCDEF", "2026-11-23T09:00:00Z", more));
    repository
        .write("namespaces.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: desk, labels: {team: desk}}\n");
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/admission").join(sample);
    let files =
        ["-f", "inc.yaml", "--device", "phone.json", "--admission", policy.to_str().unwrap(), "namespaces.yaml"];
    let (code, printed) = repository.check(&files);
    let about = |line: &&str| {
        line.starts_with("inc.yaml:document 1: with phone.json: device 1: ") && line.contains(".passcode-operator.dev")
    };
    let lines: Vec<_> = printed.lines().filter(about).map(|line| line.rsplit_once("device 1: ").unwrap().1).collect();
    assert_eq!(lines.len(), 1, "{printed}");
    (code, lines[0].to_owned())
}

#[test]
fn the_samples_admit_deny_and_are_undecided() {
    let same = ("", "");
    let category = |name: &str| format!("\"deviceCategoryDisplayName\": \"{name}\", \"id\"");
    let (executives, staff) = (category("Executives"), category("Staff"));
    for (sample, device, more, code, said) in [
        ("company-owned-only.yaml", same, "", 0, "company-owned-only.passcode-operator.dev would admit the claim"),
        (
            "company-owned-only.yaml",
            ("company", "personal"),
            "",
            1,
            "would deny the claim: only devices of the company are reset here, and Intune says of this one: personal.",
        ),
        ("minimum-os-version.yaml", same, "", 0, "would admit the claim"),
        (
            "minimum-os-version.yaml",
            ("17.5.1", "16.7"),
            "",
            1,
            "would deny the claim: devices below iOS 17 are replaced and not reset; this one has 16.7",
        ),
        ("ticket-number.yaml", same, "  justification: INC0012345\n", 0, "would admit the claim"),
        (
            "ticket-number.yaml",
            same,
            "  justification: locked\n",
            1,
            "would deny the claim: spec.justification has to name the ticket",
        ),
        ("executives.yaml", ("\"id\"", &staff), "", 0, "would admit the claim"),
        (
            "executives.yaml",
            ("\"id\"", &executives),
            "",
            1,
            "would deny the claim: this is a device of the category Executives",
        ),
        // The evaluator does not know the optional field of an object that lacks it.
        ("ticket-number.yaml", same, "", 3, "No such key: justification"),
        ("executives.yaml", same, "", 3, "No such key: category"),
        ("office-hours.yaml", same, "", 3, "time zones are known to the API server only"),
        ("public-holidays.yaml", same, "", 3, "it takes parameters, which are known to the API server only"),
        ("dry-runs-only.yaml", same, "", 0, "is not"),
    ] {
        let (found, line) = judged(sample, device, more);
        assert!(found == Some(code) && line.contains(said), "{sample}: {found:?} {line}");
        assert_eq!(line.starts_with("undecided: "), code == 3, "{line}");
    }
}

/// A policy of its own, bound as told, for the claim.
fn policy(expression: &str, message: &str, actions: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: own}}\nspec:\n  matchConstraints:\n    \
         resourceRules:\n    - {{apiGroups: [passcode-operator.dev], apiVersions: [v1alpha1], operations: [UPDATE], resources: [passcoderesets/status]}}\n  \
         validations:\n  - expression: {expression:?}\n    message: {message:?}\n---\napiVersion: admissionregistration.k8s.io/v1\n\
         kind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: own}}\nspec: {{policyName: own, validationActions: [{actions}]}}\n"
    )
}

#[test]
fn what_is_held_warned_of_or_beyond_the_evaluator() {
    for (expression, message, actions, code, said) in [
        ("false", "hold: tomorrow", "Deny", 0, "own would hold the claim: hold: tomorrow"),
        ("false", "no", "Audit", 0, "own would only warn or audit, as it is bound: no"),
        ("timestamp(object.status.attempt.claimTime).getHours() == 12", "no", "Deny", 0, "own would admit the claim"),
        ("request.userInfo.username == 'x'", "no", "Deny", 3, "undecided: own: who writes, and with which rights"),
        ("object.status.attempt.sendDeadline != ''", "no", "Deny", 3, "undecided: own: No such key: sendDeadline"),
        ("A{b: 1} == 1", "no", "Deny", 3, "undecided: own: it makes an object"),
        ("'text'", "no", "Deny", 3, "undecided: own: it answers neither true nor false"),
    ] {
        let repository = Repository::with(&[]);
        repository.write("phone.json", IPHONE);
        repository.write("inc.yaml", &request("inc", "F9FXK0ABCDEF", "2026-11-23T09:00:00Z", ""));
        repository.write("own.yaml", &policy(expression, message, actions));
        let (found, printed) =
            repository.check(&["-f", "inc.yaml", "--device", "phone.json", "--admission", "own.yaml"]);
        assert!(found == Some(code) && printed.contains(said), "{expression}: {found:?} {printed}");
    }
}
