//! The keys and values of `metadata.labels` and `metadata.annotations`, which no definition describes: the API server knows them by
//! itself.

use regex::Regex;
use serde_json::Value;

use super::{
    metadata,
    structure::{Kind, Problem, join},
};

/// The longest value of a label, and the longest key without its prefix.
const LONGEST: usize = 63;
/// The longest prefix of a key.
const LONGEST_PREFIX: usize = 253;
/// All annotations of an object together, in bytes.
const MOST: usize = 256 * 1024;

const LETTERS: &str = "letters, digits, -, _ and ., beginning and ending with a letter or a digit";

/// What the API server would refuse in an object's labels and annotations.
pub(super) fn problems(metadata: &Value) -> Vec<Problem> {
    let labels = texts(metadata, "labels");
    let annotations = texts(metadata, "annotations");
    let label = |(key, value): &(&str, &str)| {
        let said = [key_problem(key, key), value_problem(value)].into_iter().flatten();
        said.map(|message| problem("metadata.labels", key, message)).collect::<Vec<_>>()
    };
    // The prefix of an annotation may have upper-case letters.
    let annotation = |(key, _): &(&str, &str)| {
        key_problem(&key.to_lowercase(), key).map(|message| problem("metadata.annotations", key, message))
    };
    let mut found: Vec<Problem> = labels.iter().flat_map(label).collect();
    found.extend(annotations.iter().filter_map(annotation));
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MOST {
        found.push(problem("metadata", "annotations", format!("have {size} bytes together, more than {MOST}")));
    }
    found
}

/// The texts of a map; another type is said by the schema.
fn texts<'a>(metadata: &'a Value, field: &str) -> Vec<(&'a str, &'a str)> {
    let fields = metadata[field].as_object().into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

fn problem(path: &str, name: &str, message: String) -> Problem {
    Problem { path: join(path, name), message, kind: Kind::Other }
}

fn value_problem(value: &str) -> Option<String> {
    if value.is_empty() || is_word(value) {
        return None;
    }
    let instead = "An annotation takes any text";
    Some(match too_long(value, LONGEST) {
        Some(size) => format!("the value {size}. {instead}"),
        None => format!("write the value {value:?} in {LETTERS}{}. {instead}", such_as(value)),
    })
}

/// What is wrong with a key; `written` is how it stands in the file.
fn key_problem(key: &str, written: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix.filter(|prefix| !is_prefix(prefix)) {
        return Some(format!(
            "write {prefix:?}, the part of the key before the /, as a domain in lower case, such as example.com, or leave it out together with the /"
        ));
    }
    if is_word(name) {
        return None;
    }
    let name = &written[written.len() - name.len()..];
    let part = if prefix.is_some() { "the part behind the / of the key" } else { "the key" };
    Some(match too_long(name, LONGEST) {
        Some(size) => format!("{part} {size}"),
        None => format!("write {name:?}, {part}, in {LETTERS}{}", such_as(name)),
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && metadata::trimmed(text) == text && text.chars().all(is_of_a_word)
}

fn is_of_a_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.".contains(character)
}

fn is_prefix(text: &str) -> bool {
    text.len() <= LONGEST_PREFIX && Regex::new(metadata::NAME).is_ok_and(|name| name.is_match(text))
}

fn too_long(text: &str, most: usize) -> Option<String> {
    let size = text.chars().count();
    (size > most).then(|| format!("has {size} characters, more than {most}"))
}

/// The text that comes nearest: what cannot be in it becomes a hyphen, and at the ends nothing.
fn such_as(text: &str) -> String {
    let hyphens = metadata::hyphenated(text, is_of_a_word);
    let nearest = metadata::trimmed(&hyphens);
    if nearest.is_empty() { String::new() } else { format!(", such as {nearest}") }
}
