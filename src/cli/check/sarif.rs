//! SARIF 2.1.0, as code scanning reads it.
//!
//! Written here: it is some twenty fields, and the crates for it make all of SARIF from its schema when they are built, with a dozen crates more.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use url::Url;

use super::{
    finding::{Finding, Severity},
    rule::Rule,
};

/// What cannot be in the path of a relative reference as it is.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The log of one run. Notes are left out: code scanning would show each as an alert.
pub(super) fn log(findings: &[Finding], all_was_read: bool) -> Value {
    let results: Vec<Value> =
        findings.iter().filter(|finding| finding.severity != Severity::Note).map(result).collect();
    let rule = |rule: Rule| json!({"id": rule.id(), "shortDescription": {"text": rule.description()}});
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "passcode-operator check",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "invocations": [{"executionSuccessful": all_was_read}],
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.id(),
        "level": finding.severity.as_str(),
        "message": {"text": finding.message},
    });
    if finding.file != "-" {
        // Code scanning wants a line also for what is about the whole file.
        let mut location = json!({"physicalLocation": {
            "artifactLocation": {"uri": uri(&finding.file)},
            "region": {"startLine": finding.line.unwrap_or(1)},
        }});
        if let Some(object) = &finding.object {
            location["logicalLocations"] = json!([{"fullyQualifiedName": object, "kind": "resource"}]);
        }
        result["locations"] = json!([location]);
    }
    result
}

/// The address of a file: below the working directory a relative one, which code scanning takes from the repository's root.
fn uri(file: &str) -> String {
    let path = Path::new(file);
    let here = std::env::current_dir().ok();
    let path = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    if let Ok(url) = Url::from_file_path(path) {
        return url.into();
    }
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let parts = parts.map(|part| part.as_os_str().to_string_lossy().into_owned());
    utf8_percent_encode(&parts.collect::<Vec<_>>().join("/"), NOT_IN_A_PATH).to_string()
}
