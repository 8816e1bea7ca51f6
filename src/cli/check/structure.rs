//! The structural part of a schema: types, required and unknown fields, enumerations, patterns and bounds.
//!
//! A walker of our own, because `kube-cel` evaluates rules only, and a general JSON Schema crate knows neither Kubernetes' nulls,
//! defaults and unknown fields nor the field that was meant. A test sees to it that the definitions use no keyword that is not
//! read here.

use regex::Regex;
use serde_json::{Map, Number, Value};

use strsim::levenshtein;

/// Something that the API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Problem {
    pub(in crate::cli) path: String,
    pub(in crate::cli) message: String,
    pub(super) kind: Kind,
}

/// What kind of problem it is, as far as that decides what else is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The object has another shape than rules rely on: the API server evaluates none then.
    Shape,
    /// A text does not match its pattern.
    Pattern,
    /// Everything else.
    Other,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// What is wrong with the value by its schema.
pub(super) fn problems(schema: &Value, value: &Value, path: &str) -> Vec<Problem> {
    let mut walk = Walk { found: Vec::new() };
    walk.value(schema, value, path);
    walk.found
}

/// Drops nulls that the schema does not allow, fills in defaults and takes 5.0 for 5, as the API server does before anything is judged.
pub(super) fn settle(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| !field.is_null() || child(schema, name).is_none_or(nullable));
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = property.get("default") {
                    fields.entry(name.as_str()).or_insert_with(|| default.clone());
                }
            }
            for (name, field) in fields.iter_mut() {
                child(schema, name).into_iter().for_each(|child| settle(field, child));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, &schema["items"])),
        Value::Number(number) if schema["type"] == "integer" => {
            if let Some(whole) = whole(number) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// A fraction that is none; beyond 2^53 a fraction does not tell whole numbers apart.
fn whole(number: &Number) -> Option<i64> {
    let number = number.as_f64().filter(|_| number.is_f64())?;
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// The path of a field of this object.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path at which two values differ first.
pub(super) fn difference(old: &Value, new: &Value, path: &str) -> String {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut names = new.keys().chain(old.keys());
            let name = names.find(|name| old.get(*name) != new.get(*name));
            let at = |name: &String| {
                let (old, new) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
                difference(old, new, &join(path, name))
            };
            name.map_or_else(|| path.to_owned(), at)
        }
        (Value::Array(old), Value::Array(new)) => {
            let different = old.iter().zip(new).enumerate().find(|(_, (old, new))| old != new);
            let at = |(index, (old, new)): (usize, (&Value, &Value))| difference(old, new, &format!("{path}[{index}]"));
            different.map_or_else(|| path.to_owned(), at)
        }
        _ => path.to_owned(),
    }
}

/// What was most likely meant by a name that is not known.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let by_distance = known.map(|known| (levenshtein(&known.to_ascii_lowercase(), &wanted), known));
    by_distance.min().filter(|(steps, _)| steps * 3 <= wanted.len()).map(|(_, known)| known)
}

fn nullable(schema: &Value) -> bool {
    schema["nullable"] == true
}

/// The schema of a field, if it is known.
fn child<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let property = schema["properties"].get(name);
    property.or_else(|| schema.get("additionalProperties").filter(|additional| additional.is_object()))
}

struct Walk {
    found: Vec<Problem>,
}

impl Walk {
    fn say(&mut self, kind: Kind, path: &str, message: String) {
        self.found.push(Problem { path: path.to_owned(), message, kind });
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        if value.is_null() && nullable(schema) {
            return;
        }
        if let Some(message) = wrong_type(schema["type"].as_str(), value) {
            return self.say(Kind::Shape, path, message);
        }
        self.enumeration(schema, value, path);
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(number) => self.number(schema, number.as_f64(), path),
            Value::Array(items) => self.items(schema, items, path),
            Value::Object(fields) => self.fields(schema, fields, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn enumeration(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) else { return };
        let allowed = allowed.iter().map(plain).collect::<Vec<_>>().join(", ");
        self.say(Kind::Shape, path, format!("{value} is none of: {allowed}"));
    }

    fn text(&mut self, schema: &Value, text: &str, path: &str) {
        if text.is_empty() && schema["minLength"].as_u64().is_some_and(|least| least > 0) {
            return self.say(Kind::Other, path, "is empty".to_owned());
        }
        self.size(schema, ["minLength", "maxLength"], text.chars().count(), "characters", path);
        let Some(pattern) = schema["pattern"].as_str() else { return };
        if !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text)) {
            self.say(Kind::Pattern, path, format!("{text:?} does not match the pattern {pattern}"));
        }
    }

    fn number(&mut self, schema: &Value, number: Option<f64>, path: &str) {
        let Some(number) = number else { return };
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            self.say(Kind::Other, path, format!("{number} is less than {}", schema["minimum"]));
        }
        if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            self.say(Kind::Other, path, format!("{number} is more than {}", schema["maximum"]));
        }
    }

    fn items(&mut self, schema: &Value, items: &[Value], path: &str) {
        self.size(schema, ["minItems", "maxItems"], items.len(), "items", path);
        for (index, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{path}[{index}]"));
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>, path: &str) {
        self.size(schema, ["minProperties", "maxProperties"], fields.len(), "fields", path);
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                self.say(Kind::Shape, &join(path, required), "is required".to_owned());
            }
        }
        for (name, field) in fields {
            match child(schema, name) {
                Some(child) => self.value(child, field, &join(path, name)),
                None if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
                None => self.say(Kind::Other, &join(path, name), unknown(schema, name)),
            }
        }
    }

    /// Too much of something keeps the API server from evaluating rules, too little does not.
    fn size(&mut self, schema: &Value, [least, most]: [&str; 2], size: usize, of: &str, path: &str) {
        let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if let Some(least) = bound(least).filter(|least| size < *least) {
            self.say(Kind::Other, path, format!("has {size} {of}, fewer than {least}"));
        }
        if let Some(most) = bound(most).filter(|most| size > *most) {
            self.say(Kind::Shape, path, format!("has {size} {of}, more than {most}"));
        }
    }
}

fn unknown(schema: &Value, name: &str) -> String {
    let known = || schema["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    match nearest(name, known()) {
        Some(meant) => format!("there is no such field: did you mean {meant}?"),
        None if known().next().is_none() => "there is no such field".to_owned(),
        None => format!("there is no such field; there are: {}", known().collect::<Vec<_>>().join(", ")),
    }
}

/// What to write instead of a value of another type.
fn wrong_type(wanted: Option<&str>, value: &Value) -> Option<String> {
    let (wanted, fits) = match wanted? {
        "string" => ("text", value.is_string()),
        "boolean" => ("true or false", value.is_boolean()),
        "integer" => ("a whole number", value.as_f64().is_some_and(|number| number.fract() == 0.0)),
        "number" => ("a number", value.is_number()),
        "array" => ("a list", value.is_array()),
        "object" => ("an object with fields", value.is_object()),
        _ => return None,
    };
    let is = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let hint = if wanted == "text" && (value.is_number() || value.is_boolean()) { ": put it in quotes" } else { "" };
    (!fits).then(|| format!("must be {wanted}, but is {is}{hint}"))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
