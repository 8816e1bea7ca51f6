//! Manifests and devices, good and bad, through the command's own code.

mod devices;
mod files;
mod metadata;
mod of_policies;
mod policies;

use std::collections::BTreeSet;

use clap::Parser;
use serde_json::{Value, json};

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// What `check` finds in these files, which are written again for it: its lines, without the directory, and whether it refuses.
fn run(files: &[(&str, &str)], line: &[&str]) -> (Vec<String>, bool) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let place = format!("{}/", directory.path().display());
    let is_file = |word: &str| files.iter().any(|(name, _)| *name == word);
    let words = line.iter().map(|word| if is_file(word) { format!("{place}{word}") } else { (*word).to_owned() });
    let line = Line::try_parse_from(std::iter::once("check".to_owned()).chain(words)).unwrap_or_else(|e| panic!("{e}"));
    let report = check(&line.arguments).unwrap();
    (report.lines().iter().map(|line| line.replace(&place, "")).collect(), report.is_refused())
}

fn manifest(object: &Value) -> (Vec<String>, bool) {
    run(&[("m.json", &object.to_string())], &["-f", "m.json"])
}

fn reset() -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset",
        "metadata": {"name": "inc1", "namespace": "helpdesk", "labels": {"a/b": "c"}},
        "spec": {"device": {"serialNumber": "F9FXK0ABCDEF"}, "requestTime": "2026-11-22T09:00:00Z"},
    })
}

fn tenant() -> Value {
    let guid = "705c034c-034c-705c-4c03-5c704c035c70";
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "IntuneTenant", "metadata": {"name": "default"},
        "spec": {
            "tenantId": guid, "clientId": guid, "auth": {"clientSecretRef": {"name": "secret"}},
            "allowedNamespaces": {"matchLabels": {"team": "desk"}},
        },
    })
}

fn matrix() -> Value {
    let rule = json!({
        "name": "ios", "match": {"platforms": ["IosDeviceEnrollment"], "osVersion": ">=8.0", "ownership": "company"},
        "support": "Supported", "action": "RemoveDevicePasscode", "reason": "PasscodeRemoved",
    });
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PlatformSupportMatrix", "metadata": {"name": "ours"},
        "spec": {"revision": "1", "rules": [rule]},
    })
}

/// The object with another value at this place.
fn with(mut object: Value, path: &str, new: Value) -> Value {
    let place = path.split('.').fold(&mut object, |value, step| match step.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[step],
    });
    *place = new;
    object
}

/// Every object that breaks a rule: what it is made of, where it differs, and the path and beginning of what is said of it.
fn broken() -> Vec<(Value, &'static str)> {
    let long = || json!("a".repeat(64));
    let rule = json!({
        "name": "ios", "match": {"platforms": ["MacOS"]}, "support": "Unsupported", "reason": "NoSuchAction",
    });
    let r = |path: &str, new: Value| with(reset(), path, new);
    let t = |path: &str, new: Value| with(tenant(), path, new);
    let m = |path: &str, new: Value| with(matrix(), path, new);
    let namespaces = |new: Value| t("spec.allowedNamespaces", new);
    vec![
        (r("metadata.name", long()), "metadata.name is too long: use at most 63 characters, for example the ticket's"),
        (t("metadata.name", long()), "metadata.name is too long: use at most 63 characters, for example the tenant's"),
        (
            m("metadata.name", long()),
            "metadata.name is too long: use at most 63 characters, for example intune-2026-11",
        ),
        (r("spec.expirationTime", json!("2026-11-22T09:00:00Z")), "spec.expirationTime: expirationTime must be after"),
        (
            r("spec.expirationTime", json!("2026-11-29T09:00:01Z")),
            "spec.expirationTime: expirationTime must be at most",
        ),
        (r("spec.requestTime", json!("2026-02-30T09:00:00Z")), "spec.requestTime: write a time such as"),
        (r("spec.tenantRef", json!({"name": "A"})), "spec.tenantRef.name: write tenantRef.name as an object's name"),
        (r("spec.completionTimeout", json!("7d")), "spec.completionTimeout: write a length of time in hours"),
        (
            r("spec.completionTimeout", json!("1s")),
            "spec.completionTimeout: write completionTimeout as a length of time",
        ),
        (r("spec.device", json!({})), "spec.device: name the device by exactly one of"),
        (r("spec.device.deviceName", json!("x")), "spec.device: deviceName and operatingSystem only narrow"),
        (
            r("spec.device", json!({"userPrincipalName": "a@b", "deviceName": " "})),
            "spec.device.deviceName: write deviceName as Intune shows it",
        ),
        (
            r("spec.device", json!({"userPrincipalName": "a@b", "operatingSystem": " "})),
            "spec.device.operatingSystem: write operatingSystem as Intune does",
        ),
        (r("spec.device.serialNumber", json!("ä")), "spec.device.serialNumber: write the serial number in printable"),
        (r("spec.device.serialNumber", json!("F9 ")), "spec.device.serialNumber: write the serial number in printable"),
        (r("spec.device", json!({"imei": "35 3"})), "spec.device.imei: write the IMEI as 14 to 17 digits"),
        (
            r("spec.device", json!({"managedDeviceId": "x"})),
            "spec.device.managedDeviceId: write managedDeviceId as a GUID",
        ),
        (
            r("spec.device", json!({"azureADDeviceId": "00000000-0000-0000-0000-000000000000"})),
            "spec.device.azureADDeviceId: write azureADDeviceId as a GUID that is not all zeros",
        ),
        (
            r("spec.device", json!({"userPrincipalName": "a b@c"})),
            "spec.device.userPrincipalName: write userPrincipalName as name@domain",
        ),
        (
            with(
                t("spec.cloud", json!("China")),
                "spec.endpoints",
                json!({"graph": "https://a", "authority": "https://b"}),
            ),
            "spec: endpoints takes the place of cloud",
        ),
        (t("spec.minInterval", json!("10s")), "spec: minInterval must be 0s or at least 30s"),
        (
            t("spec.timing", json!({"sendGrace": "1s", "ledgerLag": "1s"})),
            "spec: timing is too short for a tenant without endpoints",
        ),
        (t("spec.tenantId", json!("x")), "spec.tenantId: write tenantId as a GUID"),
        (t("spec.clientId", json!("x")), "spec.clientId: write clientId as a GUID"),
        (
            t("spec.platformSupportMatrixRef", json!({"name": "-"})),
            "spec.platformSupportMatrixRef.name: write platformSupportMatrixRef.name as",
        ),
        (
            namespaces(json!({"matchExpressions": [{"key": "a", "operator": "In"}]})),
            "spec.allowedNamespaces.matchExpressions[0]: the operators In and NotIn need values",
        ),
        (namespaces(json!({"matchLabels": {"a": null}})), "spec.allowedNamespaces: matchLabels has a null"),
        (namespaces(json!({"matchLabels": null})), "spec.allowedNamespaces: matchLabels has a null"),
        (namespaces(json!({"matchExpressions": []})), "spec.allowedNamespaces: matchExpressions has nothing in it"),
        (
            t("spec.minInterval", json!("169h")),
            "spec.minInterval: write minInterval as a length of time from 0s to 168h",
        ),
        (
            t("spec.endpoints", json!({"graph": "https://a/b", "authority": "https://b"})),
            "spec.endpoints.graph: write graph as an https origin",
        ),
        (
            t("spec.endpoints", json!({"graph": "https://a", "authority": "http://b"})),
            "spec.endpoints.authority: write authority as an https origin",
        ),
        (t("spec.auth", json!({})), "spec.auth: sign in by exactly one of"),
        (
            t("spec.auth", json!({"managedIdentity": {"clientId": "11111111-2222-3333-4444-555555555555"}})),
            "spec: auth.managedIdentity.clientId must be the tenant's clientId",
        ),
        (
            t("spec.auth", json!({"clientCertificateRef": {"name": "A"}})),
            "spec.auth.clientCertificateRef.name: write clientCertificateRef.name as",
        ),
        (
            t("spec.auth.clientSecretRef.name", json!("A")),
            "spec.auth.clientSecretRef.name: write clientSecretRef.name as",
        ),
        (t("spec.auth.clientSecretRef.key", json!(" ")), "spec.auth.clientSecretRef.key: write clientSecretRef.key as"),
        (t("spec.defaults", json!({"issueWindow": "1s"})), "spec.defaults.issueWindow: write issueWindow as a length"),
        (
            t("spec.defaults", json!({"completionTimeout": "2161h"})),
            "spec.defaults.completionTimeout: write completionTimeout as a length",
        ),
        (t("spec.timing", json!({"clockError": "2h"})), "spec.timing.clockError: write"),
        (t("spec.timing", json!({"sendGrace": "2h"})), "spec.timing.sendGrace: write"),
        (t("spec.timing", json!({"ledgerLag": "2h"})), "spec.timing.ledgerLag: write"),
        (t("spec.timing", json!({"ledgerClockError": "2h"})), "spec.timing.ledgerClockError: write"),
        (m("spec.rules", json!([rule, rule])), "spec.rules: two rules have the same name"),
        (m("spec.rules.0.support", json!("Unsupported")), "spec.rules[0]: a Supported rule names an action"),
        (m("spec.rules.0.name", json!("A")), "spec.rules[0].name: write the rule's name in lower-case"),
        (m("spec.rules.0.reason", json!("two words")), "spec.rules[0].reason: write reason as one CamelCase word"),
        (m("spec.rules.0.match.osVersion", json!("8")), "spec.rules[0].match.osVersion: write osVersion as a bound"),
        (m("spec.rules.0.match.ownership", json!("me")), "spec.rules[0].match.ownership: write ownership as company"),
    ]
}

#[test]
fn every_rule_that_is_broken_is_said_in_its_sentence_and_no_pattern_beside_it() {
    for (object, said) in broken().into_iter().chain(of_policies::broken()) {
        let (lines, refused) = manifest(&object);
        let wanted = format!("m.json:document 1: {said}");
        assert!(refused && lines.iter().any(|line| line.starts_with(&wanted)), "{said}: {lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("pattern")), "{lines:#?}");
    }
}

/// The schema's objects, each of them.
fn nodes<'a>(schema: &'a Value, each: &mut impl FnMut(&'a serde_json::Map<String, Value>)) {
    if let Value::Object(node) = schema {
        each(node);
        node.get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .for_each(|(_, child)| nodes(child, each));
        ["items", "additionalProperties"]
            .iter()
            .filter_map(|name| node.get(*name))
            .for_each(|child| nodes(child, each));
    }
}

#[test]
fn no_rule_is_left_out_above() {
    let said: Vec<String> =
        broken().iter().chain(&of_policies::broken()).flat_map(|(object, _)| manifest(object).0).collect();
    let kinds = Kinds::load().unwrap();
    let mut missing = BTreeSet::new();
    for schema in kinds.schemas() {
        nodes(schema, &mut |node| {
            for rule in node.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                let message = rule["message"].as_str().unwrap();
                // Nothing is known of an object before, so what is immutable is not seen.
                let of_changes = rule["rule"].as_str().unwrap().contains("oldSelf");
                if !of_changes && !said.iter().any(|line| line.ends_with(message)) {
                    missing.insert(message);
                }
            }
        });
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A keyword that the walker does not read would be a check that silently passes.
#[test]
fn the_definitions_use_no_other_keyword() {
    const READ: [&str; 18] = [
        "type",
        "nullable",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "default",
        "x-kubernetes-validations",
    ];
    // Texts for people, sizes of integers that the bounds narrow, how lists are merged, and what is only in a status.
    const SILENT: [&str; 6] = [
        "title",
        "description",
        "format",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-preserve-unknown-fields",
    ];
    let kinds = Kinds::load().unwrap();
    for schema in kinds.schemas() {
        nodes(schema, &mut |node| {
            for keyword in node.keys() {
                assert!(READ.iter().chain(&SILENT).any(|known| known == keyword), "{keyword}");
            }
        });
    }
}

#[test]
fn what_is_right_is_said_to_be() {
    for (object, name) in [(reset(), "PasscodeReset inc1"), (tenant(), "IntuneTenant default")] {
        assert_eq!(manifest(&object), (vec![format!("m.json:document 1: {name} is valid")], false));
    }
    let mut exported = reset();
    exported["metadata"] = json!({
        "generateName": "inc-".repeat(30), "creationTimestamp": null, "managedFields": [{"manager": "kubectl"}],
    });
    exported["status"] = json!({"observedGeneration": "whatever"});
    assert!(!manifest(&exported).1, "{:?}", manifest(&exported));
}

#[test]
fn what_has_no_name_of_its_own_is_a_warning() {
    let mut object = reset();
    object["metadata"] = json!({"generateName": "inc-"});
    let warning = "warning: it has no metadata.name: kubectl create makes one up, kubectl apply and GitOps need one";
    let lines = [warning, "PasscodeReset inc- is valid"].map(|line| format!("m.json:document 1: {line}"));
    assert_eq!(manifest(&object), (lines.to_vec(), false));
    // As the API server returns it.
    object["metadata"]["name"] = "inc-x7k2p".into();
    let valid = "m.json:document 1: PasscodeReset inc-x7k2p is valid".to_owned();
    assert_eq!(manifest(&object), (vec![valid], false));
}

#[test]
fn structure() {
    for (object, said) in [
        (
            with(reset(), "spec.expiration_time", json!("")),
            "spec.expiration_time: there is no such field: did you mean expirationTime?",
        ),
        (with(reset(), "spec.device.IMEI", json!("")), "spec.device.IMEI: there is no such field: did you mean imei?"),
        (
            with(reset(), "spec.device.imei", json!(353_012_345_678_901_i64)),
            "spec.device.imei: must be text, but is a number: put it in quotes",
        ),
        (with(reset(), "spec.requestTime", Value::Null), "spec.requestTime: is required"),
        (
            with(reset(), "spec.action", json!("Wipe")),
            "spec.action: \"Wipe\" is none of: UnlockDevice, RemoveDevicePasscode",
        ),
        (with(reset(), "spec.justification", json!("")), "spec.justification: is empty"),
        (
            with(reset(), "spec.justification", json!("ä".repeat(1025))),
            "spec.justification: has 1025 characters, more than 1024",
        ),
        (with(reset(), "spec.dryRun", json!("true")), "spec.dryRun: must be true or false, but is text"),
        (with(reset(), "spec", json!([])), "spec: must be an object with fields, but is a list"),
        (with(reset(), "metadata", json!({})), "metadata.name: is required"),
        (with(reset(), "metadata.label", json!({})), "metadata.label: there is no such field: did you mean labels?"),
        (with(tenant(), "spec.limits", json!({"resetsPerHour": 0})), "spec.limits.resetsPerHour: 0 is less than 1"),
        (
            with(tenant(), "spec.limits", json!({"resetsPerHour": 1.5})),
            "spec.limits.resetsPerHour: must be a whole number",
        ),
        (with(matrix(), "spec.rules", json!([])), "spec.rules: has 0 items, fewer than 1"),
        (
            with(matrix(), "spec.rules.0.match.platforms.0", json!("IosDevice")),
            "spec.rules: rule \"ios\" names the platform \"IosDevice\"",
        ),
        (
            with(reset(), "apiVersion", json!("passcode-operator.dev/v1")),
            "apiVersion: write passcode-operator.dev/v1alpha1 for a PasscodeReset",
        ),
        (with(reset(), "kind", json!("PasscodeRest")), "kind: there is no PasscodeRest: did you mean PasscodeReset?"),
        (json!({"kind": "PasscodeReset"}), "this is no Kubernetes object"),
    ] {
        let (lines, refused) = manifest(&object);
        let wanted = format!("m.json:document 1: {said}");
        assert!(refused && lines.iter().any(|line| line.starts_with(&wanted)), "{said}: {lines:#?}");
    }
}

#[test]
fn a_rule_of_a_matrix_that_never_decides_is_a_warning() {
    let mut object = matrix();
    let mut again = object["spec"]["rules"][0].clone();
    again["name"] = "later".into();
    object["spec"]["rules"].as_array_mut().unwrap().push(again);
    let (lines, refused) = manifest(&object);
    assert!(!refused);
    assert!(lines[0].starts_with("m.json:document 1: warning: rule \"later\" never decides"), "{lines:#?}");
}

#[test]
fn nothing_in_a_file_steers_the_terminal() {
    let (lines, _) = manifest(&with(reset(), "spec.\u{1b}[2J\nx", json!(1)));
    assert!(lines.iter().all(|line| !line.contains(['\u{1b}', '\n'])), "{lines:?}");
}
