//! What a PlatformSupportMatrix may say.

use serde_json::{Value, json};

use super::{
    ABSENT, Accepted, Case, Refused, case, check,
    manifests::{matrix, rule},
};

const NAME: &str =
    "write the rule's name in lower-case letters, digits and -, beginning and ending with a letter or a digit";
const ACTION: &str = "a Supported rule names an action, an Unsupported rule none: add action, or leave it out";
const REASON: &str = "write reason as one CamelCase word, such as PasscodeRemoved";
const VERSION: &str = "write osVersion as a bound with >= or <, such as \">=8.0\" or \"<7.0\"";
const OWNERSHIP: &str = "write ownership as company or personal, or leave it out";

/// The cases.
pub fn cases() -> Vec<Case> {
    [whole(), rules(), matches()].into_iter().flatten().collect()
}

fn many(number: usize) -> Value {
    (0..number).map(|number| rule(&number.to_string())).collect()
}

fn whole() -> Vec<Case> {
    vec![
        case("metadata.name", "a".repeat(63), Accepted),
        // A tenant names it, with at most 63 characters.
        case("metadata.name", "a".repeat(64), Refused("use at most 63 characters, for example intune-2026-11")),
        case("spec.revision", "x".repeat(64), Accepted),
        case("spec.revision", "", Refused("spec.revision in body should be at least 1 chars long")),
        case("spec.revision", "x".repeat(65), Refused("spec.revision: Too long: may not be more than 64")),
        case("spec.revision", ABSENT, Refused("spec.revision: Required value")),
        case("spec.revision", 2026, Refused("spec.revision in body must be of type string")),
        case("spec.sources", json!(["a", "b"]), Accepted),
        case("spec.sources", json!(null), Accepted),
        case("spec.sources", json!([null]), Refused("spec.sources[0] in body must be of type string")),
        case("spec.sources", json!(["x".repeat(513)]), Refused("spec.sources[0]: Too long: may not be more than 512")),
        case("spec.sources", json!(vec!["x"; 65]), Refused("spec.sources: Too many: 65: must have at most 64 items")),
        case("spec.rules", ABSENT, Refused("spec.rules: Required value")),
        case("spec.rules", json!([]), Refused("spec.rules in body should have at least 1 items")),
        case("spec.rules", json!([null]), Refused("spec.rules[0] in body must be of type object")),
        case("spec.rules", many(128), Accepted),
        case("spec.rules", many(129), Refused("spec.rules: Too many: 129: must have at most 128 items")),
        case("spec.rules", json!([rule("a"), rule("b")]), Accepted),
        case("spec.rules", json!([rule("a"), rule("b"), rule("a")]), Refused("give every rule a name of its own")),
        case("spec.default", "x", Refused("unknown field \"spec.default\"")),
    ]
}

fn rules() -> Vec<Case> {
    let mut cases: Vec<Case> =
        ["RemoveDevicePasscode", "ResetDevicePasscode", "ResetWorkProfilePasscode", "ResetDevicePin"]
            .map(|action| case("spec.rules.0.action", action, Accepted))
            .into();
    let mut unsupported = rule("a");
    unsupported["support"] = "Unsupported".into();
    unsupported["action"] = Value::Null;
    cases.extend([
        case("spec.rules.0", unsupported, Accepted),
        case("spec.rules.0.action", ABSENT, Refused(ACTION)),
        case("spec.rules.0.action", json!(null), Refused(ACTION)),
        case("spec.rules.0.support", "Unsupported", Refused(ACTION)),
        case("spec.rules.0.support", "Maybe", Refused("supported values: \"Supported\", \"Unsupported\"")),
        case("spec.rules.0.support", ABSENT, Refused("spec.rules[0].support: Required value")),
        case(
            "spec.rules.0.action",
            "UnlockDevice",
            Refused("supported values: \"RemoveDevicePasscode\", \"ResetDevice"),
        ),
        case("spec.rules.0.name", "ios-1", Accepted),
        case("spec.rules.0.name", "a".repeat(64), Refused("spec.rules[0].name: Too long: may not be more than 63")),
        case("spec.rules.0.name", "iOS", Refused(NAME)),
        case("spec.rules.0.name", "a.b", Refused(NAME)),
        case("spec.rules.0.name", "a-", Refused(NAME)),
        case("spec.rules.0.name", "", Refused(NAME)),
        case("spec.rules.0.name", ABSENT, Refused("spec.rules[0].name: Required value")),
        case("spec.rules.0.reason", "A1", Accepted),
        case("spec.rules.0.reason", "passcodeRemoved", Refused(REASON)),
        case("spec.rules.0.reason", "Passcode removed", Refused(REASON)),
        case("spec.rules.0.reason", "", Refused(REASON)),
        case("spec.rules.0.reason", ABSENT, Refused("spec.rules[0].reason: Required value")),
        case("spec.rules.0.reason", "A".repeat(65), Refused("spec.rules[0].reason: Too long: may not be more than 64")),
        case("spec.rules.0.guidance", "x".repeat(1024), Accepted),
        case("spec.rules.0.guidance", "", Refused("guidance in body should be at least 1 chars long")),
        case("spec.rules.0.guidance", "x".repeat(1025), Refused("guidance: Too long: may not be more than 1024")),
        case("spec.rules.0.source", "", Refused("source in body should be at least 1 chars long")),
        case("spec.rules.0.source", "x".repeat(513), Refused("source: Too long: may not be more than 512")),
        case("spec.rules.0.prerequisites", json!(["Online"]), Accepted),
        case("spec.rules.0.prerequisites", json!([""]), Refused("prerequisites[0] in body should be at least 1 chars")),
        case("spec.rules.0.prerequisites", json!(["x".repeat(64)]), Refused("Too long: may not be more than 63")),
        case("spec.rules.0.prerequisites", json!(vec!["x"; 17]), Refused("must have at most 16 items")),
        case("spec.rules.0.certainty", "Disputed", Accepted),
        case("spec.rules.0.certainty", "High", Refused("supported values: \"Documented\", \"Likely\", \"Disputed\"")),
        case("spec.rules.0.note", "x", Refused("unknown field \"spec.rules[0].note\"")),
    ]);
    cases
}

fn matches() -> Vec<Case> {
    let matches = |value, expect| case("spec.rules.0.match", value, expect);
    let mut cases = vec![
        matches(json!(ABSENT), Refused("spec.rules[0].match: Required value")),
        matches(json!({}), Refused("spec.rules[0].match.platforms: Required value")),
        case(
            "spec.rules.0.match.platforms",
            json!([]),
            Refused("match.platforms in body should have at least 1 items"),
        ),
        case("spec.rules.0.match.platforms", json!([null]), Refused("platforms[0] in body must be of type string")),
        case("spec.rules.0.match.platforms", json!([""]), Refused("platforms[0] in body should be at least 1 chars")),
        case("spec.rules.0.match.platforms", json!(["x".repeat(65)]), Refused("Too long: may not be more than 64")),
        case("spec.rules.0.match.platforms", json!(vec!["x"; 33]), Refused("must have at most 32 items")),
        case("spec.rules.0.match.ownership", "company", Accepted),
        case("spec.rules.0.match.ownership", "personal", Accepted),
        case("spec.rules.0.match.ownership", "Company", Refused(OWNERSHIP)),
        case("spec.rules.0.match.ownership", "unknown", Refused(OWNERSHIP)),
        case("spec.rules.0.match.osVersion", "x".repeat(33), Refused("osVersion: Too long: may not be more than 32")),
    ];
    cases.extend([">=8", "<7.0", ">=10.0.19041.1"].map(|bound| case("spec.rules.0.match.osVersion", bound, Accepted)));
    cases.extend(
        ["8.0", ">8.0", "<=7", "=8", ">= 8", ">=8.x", ">=1.2.3.4.5", ">=1234567890", ""]
            .map(|bound| case("spec.rules.0.match.osVersion", bound, Refused(VERSION))),
    );
    cases
}

#[tokio::test]
async fn control_plane_rules_of_matrices() {
    check(&matrix("rules"), &cases()).await;
}
