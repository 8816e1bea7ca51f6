//! Refusals, judged: whoever reads one has to know which field it is about and what to write there.

use std::collections::BTreeSet;

use passcode_core::api::manifests::definitions;
use serde_json::Value;

use super::{
    places::Place,
    server::Refused,
    values::{Change, Write},
};

/// Nobody reads more; a value that comes back whole hides the sentence.
const LONGEST: usize = 4096;

/// What the API server says of itself and that says what to write.
const WORDS: [&str; 18] = [
    "Duplicate value",
    "must be of type",
    "Required value",
    "Too long: may not be more than",
    "should be at least",
    "should be greater than or equal to",
    "should be less than or equal to",
    "should have at least",
    "should have at most",
    "must have at most",
    "may not be more than",
    "must have at least",
    "must have less than",
    "supported values:",
    "unknown field",
    "must be an integer",
    "request entity too large",
    "Request entity too large",
];

/// What is said where a rule cannot be evaluated, or has no sentence.
const ENGINE: [&str; 7] = [
    "evaluating rule",
    "no such overload",
    "no such key",
    "failed rule",
    "cost budget",
    "rule compile",
    "runtime error",
];

/// Knows the sentences of the definitions.
pub struct Judge {
    sentences: BTreeSet<String>,
}

impl Judge {
    /// With the sentences of the definitions as they would be installed now.
    pub fn new() -> Self {
        let mut sentences = BTreeSet::new();
        collect(&serde_json::to_value(definitions().unwrap()).unwrap(), &mut sentences);
        Self { sentences }
    }

    /// What is wrong with what was said of a change at a place; empty where it is a good refusal.
    pub fn faults(&self, place: &Place, change: &Change, refused: &Refused) -> Vec<String> {
        let mut faults = Vec::new();
        // What is no JSON for the server's own reader is refused before any definition has a say, in the reader's words.
        if matches!(change.write, Write::Digits) && refused.message.contains("json: cannot unmarshal number") {
            return faults;
        }
        if !matches!(refused.code, 400 | 413 | 422) {
            faults.push(format!("answered {}: {}", refused.code, short(&refused.message)));
            return faults;
        }
        // Of words that are none of a list the server repeats the whole, as long as it may be; and each field that does not exist.
        let repeated = ["Unsupported value", "unknown field"].iter().any(|said| refused.message.contains(said));
        if refused.message.len() > LONGEST && !repeated {
            faults.push(format!("the refusal has {} bytes", refused.message.len()));
        }
        if let Some(word) = ENGINE.iter().find(|word| refused.message.contains(**word)) {
            faults.push(format!("CEL's own words ({word}): {}", short(&refused.message)));
        }
        let said = said(refused);
        for (field, sentence) in &said {
            let other = |(of, other): &(String, String)| of == field && !is_pattern(other) && self.is_sentence(other);
            if is_pattern(sentence) && !said.iter().any(other) {
                faults.push(format!("a bare regular expression: {field}: {}", short(sentence)));
            } else if !is_pattern(sentence) && !self.is_sentence(sentence) {
                faults.push(format!("nobody has judged this: {field}: {}", short(sentence)));
            }
        }
        if !said.iter().any(|(field, sentence)| names(place, change, field, sentence)) {
            faults.push(format!("the field is not named: {}", short(&refused.message)));
        }
        faults
    }

    fn is_sentence(&self, text: &str) -> bool {
        WORDS.iter().any(|word| text.contains(word)) || self.sentences.iter().any(|sentence| text.contains(sentence))
    }
}

/// The parts of a refusal; what has none is one part.
pub fn said(refused: &Refused) -> Vec<(String, String)> {
    // The server says of some schema errors that its rules were not evaluated for them, as a part of its own.
    let aside = "some validation rules were not checked";
    let parts: Vec<_> = refused.causes.iter().filter(|(_, said)| !said.contains(aside)).cloned().collect();
    if parts.is_empty() { vec![(String::new(), refused.message.clone())] } else { parts }
}

fn is_pattern(sentence: &str) -> bool {
    sentence.contains("should match")
}

/// Whether a part says which field it is about: by its path, or by a sentence that has its name in it.
fn names(place: &Place, change: &Change, field: &str, sentence: &str) -> bool {
    if let Write::Field(name, _) = &change.write {
        return sentence.contains(name) || field.contains(name);
    }
    let path = place.to_string();
    let deeper = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    // A rule that stands above the field speaks of what lies between.
    let below = path.strip_prefix(field).unwrap_or_default();
    let between = || below.split(['.', '[', ']']).any(|part| part.len() > 1 && sentence.contains(part));
    deeper(field, &path)
        || sentence.contains(place.name())
        || deeper(&path, field) && (between() || is_about_all(sentence))
}

/// Rules that are about the whole of what they stand at.
fn is_about_all(sentence: &str) -> bool {
    ["spec is immutable", "are immutable", "name the device by exactly one of", "sign in by exactly one of"]
        .iter()
        .any(|rule| sentence.contains(rule))
}

fn collect(value: &Value, sentences: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for rule in fields.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                sentences.extend(rule["message"].as_str().map(str::to_owned));
            }
            fields.values().for_each(|field| collect(field, sentences));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, sentences)),
        _ => {}
    }
}

/// The first of it, for a report.
pub fn short(text: &str) -> String {
    let short: String = text.chars().take(400).collect();
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{places::places, values::Sort},
        *,
    };

    fn faults(causes: &[(&str, &str)]) -> Vec<String> {
        let all = places("PasscodeReset");
        let place = all.iter().find(|place| place.name() == "requestTime").unwrap();
        let change = Change { sort: Sort::WrongType, write: Write::Put(json!("x")) };
        let causes: Vec<_> = causes.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let message = causes.iter().map(|(a, b)| format!("{a}: {b}")).collect::<Vec<_>>().join(", ");
        Judge::new().faults(place, &change, &Refused { code: 422, message, causes })
    }

    #[test]
    fn good_refusals_pass() {
        let pattern = ("spec.requestTime", "Invalid value: \"x\": spec.requestTime in body should match '^20$'");
        let sentence = (
            "spec.requestTime",
            "Invalid value: write a time such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00: a day that exists, whole seconds, with Z or an offset",
        );
        assert_eq!(faults(&[pattern, sentence]), Vec::<String>::new());
        let expiry = ("spec.expirationTime", "Invalid value: expirationTime must be after requestTime");
        assert_eq!(faults(&[("spec.requestTime", "Required value"), expiry]), Vec::<String>::new());
        let all = "Invalid value: spec is immutable: create a new PasscodeReset with a new name for a new reset, or delete this one to cancel it";
        assert_eq!(faults(&[("spec", all)]), Vec::<String>::new());
    }

    #[test]
    fn bad_refusals_are_found() {
        let found = |causes: &[(&str, &str)], fault: &str| {
            let all = faults(causes);
            assert!(all.iter().any(|found| found.contains(fault)), "{fault}: {all:?}");
        };
        found(&[("spec.requestTime", "spec.requestTime in body should match '^20$'")], "a bare regular expression");
        found(&[("spec.requestTime", "no such overload: size(int) evaluating rule: write a time")], "CEL's own words");
        found(&[("spec.device", "Required value")], "the field is not named");
        found(&[("spec.requestTime", "it is bad")], "nobody has judged this");
        found(&[("spec.requestTime", &format!("Required value {}", "x".repeat(5000)))], "the refusal has");
    }
}
