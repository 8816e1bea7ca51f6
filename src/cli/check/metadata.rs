//! `metadata`, which no definition describes: the API server knows it by itself.

use regex::Regex;
use serde_json::{Value, json};

use super::structure::{Kind, Problem};

/// A name of an object.
pub(super) const NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The beginning of one.
const BEGINNING: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*[-.]?$";
/// A name of a namespace.
const NAMESPACE: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// How the API server cuts a `generateName` before it adds five characters.
const LONGEST_GENERATED_BASE: usize = 58;

/// The schema of `metadata`, as far as people write it. Fields that the server writes are allowed, because exported objects
/// have them.
pub(super) fn schema() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let anything = json!({"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 253, "pattern": NAME},
            "generateName": {"type": "string", "maxLength": 247, "pattern": BEGINNING},
            "namespace": {"type": "string", "maxLength": 63, "pattern": NAMESPACE},
            "labels": texts, "annotations": texts,
            "finalizers": {"type": "array", "items": {"type": "string"}},
            "ownerReferences": anything, "managedFields": anything,
            "uid": text, "resourceVersion": text, "selfLink": text,
            "creationTimestamp": text, "deletionTimestamp": text,
            "generation": number, "deletionGracePeriodSeconds": number,
        },
    })
}

/// Gives an object that only has a `generateName` a name such as the API server would make, because rules speak of the name.
pub(super) fn generate_name(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if metadata.contains_key("name") {
        return;
    }
    if let Some(base) = metadata.get("generateName").and_then(Value::as_str) {
        let base: String = base.chars().take(LONGEST_GENERATED_BASE).collect();
        metadata.insert("name".to_owned(), format!("{base}aaaaa").into());
    }
}

/// Takes the name away that was made up for the rules: nobody wrote it, and two objects may have the same.
pub(super) fn take_name(object: &mut Value) {
    object.get_mut("metadata").and_then(Value::as_object_mut).map(|metadata| metadata.remove("name"));
}

/// Says in a sentence what the pattern of a name only shows.
pub(super) fn explain(problem: &mut Problem, metadata: &Value) {
    let (field, pattern, letters, ends) = match problem.path.as_str() {
        "metadata.name" => ("name", NAME, "digits, - and .", "beginning and ending"),
        "metadata.generateName" => ("generateName", BEGINNING, "digits, - and .", "beginning"),
        "metadata.namespace" => ("namespace", NAMESPACE, "digits and -", "beginning and ending"),
        _ => return,
    };
    let Some(text) = metadata[field].as_str().filter(|_| problem.kind == Kind::Pattern) else { return };
    let lower = text.to_lowercase();
    let meant = nearest(&lower, pattern);
    problem.message = match meant {
        Some(meant) if meant == lower => format!("{text:?} has upper-case letters: write it in lower case: {meant}"),
        meant => {
            let example = meant.map_or_else(String::new, |meant| format!(", such as {meant}"));
            format!("write {text:?} in lower-case letters, {letters}, {ends} with a letter or a digit{example}")
        }
    };
}

/// The name that comes nearest: what cannot be in one becomes a hyphen, and at the ends nothing; a full stop only where it has to.
fn nearest(lower: &str, pattern: &str) -> Option<String> {
    let pattern = Regex::new(pattern).ok()?;
    let hyphens = hyphenated(lower, |c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let trimmed = trimmed(&hyphens);
    let undotted = trimmed.replace('.', "-");
    [lower, &hyphens, trimmed, &undotted].into_iter().find(|name| pattern.is_match(name)).map(str::to_owned)
}

/// The text with a hyphen for each character that cannot be in it.
pub(super) fn hyphenated(text: &str, may_be_in_it: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if may_be_in_it(c) { c } else { '-' }).collect()
}

/// The text without what cannot be at its ends.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}
