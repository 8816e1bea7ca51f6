//! `check --output`: what programs read.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{
    check,
    repository::{Repository, request},
    reset,
};

const TODAY: &str = "2026-11-23T09:00:00Z";

fn parsed(arguments: &[&str], input: &str) -> (Option<i32>, Value) {
    let (code, printed) = check(arguments, input);
    (code, serde_json::from_str(&printed).unwrap())
}

#[test]
fn the_line_is_that_of_the_field() {
    let text = "# ours\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: passcode-operator.dev/v1alpha1\n  kind: PasscodeReset\n  \
                metadata: {name: a, labels: {a.b/c: d e}}\n  spec:\n    device:\n      serialNumber: F9\n      imei: 1\n    requestTime: x\n---\n\
                kind: [\n";
    let (code, found) = parsed(&["-f", "-", "-o", "json"], text);
    let lines: BTreeSet<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["line"].as_u64().unwrap(), f["rule"].as_str().unwrap()))
        .collect();
    let wanted = BTreeSet::from([(8, "invalid-object"), (12, "invalid-object"), (13, "invalid-object")]);
    assert!(code == Some(1) && lines.is_superset(&wanted), "{found:#}");
    // What is no YAML is in one of its last lines.
    assert!(lines.iter().any(|(line, rule)| *line >= 15 && *rule == "syntax"), "{found:#}");
}

#[test]
fn the_exit_code_is_the_same_in_every_form() {
    for (input, wanted) in [(reset().to_string(), 0), (String::new(), 1)] {
        for form in ["text", "json", "sarif"] {
            assert_eq!(check(&["-f", "-", "-o", form], &input).0, Some(wanted), "{form}");
        }
    }
    let (code, found) = parsed(&["-f", "/no/such/file", "-o", "json"], "");
    assert_eq!((code, &found["exitCode"], &found["findings"][0]["rule"]), (Some(2), &json!(2), &json!("unreadable")));
}

/// A warning is none of the message's words where it has a field of its own.
#[test]
fn a_warning_is_a_severity() {
    let mut unnamed = reset();
    unnamed["metadata"] = json!({"generateName": "inc-"});
    let (code, found) = parsed(&["-f", "-", "-o", "json"], &unnamed.to_string());
    let first = &found["findings"][0];
    assert_eq!((code, &first["severity"], &first["rule"]), (Some(0), &json!("warning"), &json!("odd-object")));
    assert!(first["message"].as_str().unwrap().starts_with("it has no metadata.name"), "{first}");
}

#[test]
fn sarif_says_file_and_line_as_code_scanning_wants_them() {
    let repository = Repository::with(&[]);
    repository.write("resets/a b#1.yaml", &request("a", "F9AAAAAA", TODAY, "  dryrun: true\n"));
    repository.write("resets/b.yaml", &request("b", "F9BBBBBB", TODAY, ""));
    repository.write("empty/x", "");
    let whole = repository.path().join("resets").display().to_string();
    for named in ["./resets", &whole] {
        let (code, printed) = repository.check(&["-f", named, "empty", "-p", "policies", "-o", "sarif"]);
        let log: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((code, &log["version"], &log["runs"].as_array().unwrap().len()), (Some(2), &json!("2.1.0"), &1));
        let run = &log["runs"][0];
        assert_eq!(run["invocations"], json!([{"executionSuccessful": false}]), "policies is missing");
        let result = json!({
            "ruleId": "invalid-object", "level": "error",
            "message": {"text": "spec.dryrun: there is no such field: did you mean dryRun?"},
            "locations": [{
                "physicalLocation": {"artifactLocation": {"uri": "resets/a%20b%231.yaml"}, "region": {"startLine": 10}},
                "logicalLocations": [{"fullyQualifiedName": "PasscodeReset desk/a", "kind": "resource"}],
            }],
        });
        assert_eq!(run["results"][0], result, "what is valid is no result");
        let rules: BTreeSet<_> = run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| &rule["id"])
            .map(Value::to_string)
            .collect();
        for result in run["results"].as_array().unwrap() {
            assert!(rules.contains(&result["ruleId"].to_string()), "{result}");
            assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64() >= Some(1), "{result}");
        }
        assert_eq!(run["results"].as_array().unwrap().len(), 4, "{log:#}");
    }
}

/// The names of the rules are what pipelines select by.
#[test]
fn every_rule_is_in_the_guide() {
    let (_, log) = parsed(&["-f", "-", "-o", "sarif"], &reset().to_string());
    let guide =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/checking-manifests.md")).unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.len() > 10, "{log:#}");
    for rule in rules {
        let name = rule["id"].as_str().unwrap();
        assert!(guide.contains(&format!("`{name}`")), "docs/guide/checking-manifests.md does not have {name}");
    }
}
