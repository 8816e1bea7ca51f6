//! The fields of a schema, one by one.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps as Schema, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use passcode_core::api::{duration, time};

use crate::markdown::{cell, code, codes};

/// A field, as its row of a table.
pub(crate) struct Field {
    pub path: String,
    pub kind: String,
    pub default: String,
    pub meaning: String,
    pub bounds: Vec<String>,
}

/// All fields below a schema, those that are required first.
pub(crate) fn below(prefix: &str, schema: &Schema) -> Vec<Field> {
    let required: BTreeSet<_> = schema.required.iter().flatten().collect();
    let mut properties: Vec<_> = schema.properties.iter().flatten().collect();
    properties.sort_by_key(|(name, _)| !required.contains(name));
    let mut fields = Vec::new();
    for (name, property) in properties {
        let path = format!("{prefix}{name}");
        let (inner, suffix) = items(property).map_or((property, "."), |items| (items, "[]."));
        let children = if name == "conditions" { Vec::new() } else { below(&format!("{path}{suffix}"), inner) };
        fields.push(field(path, property, required.contains(name)));
        fields.extend(children);
    }
    fields
}

fn field(path: String, schema: &Schema, required: bool) -> Field {
    let default = match &schema.default {
        _ if required => "required".to_owned(),
        Some(default) if !default.0.is_object() && !default.0.is_array() => {
            code(default.0.as_str().unwrap_or(&default.0.to_string()))
        }
        _ => String::new(),
    };
    let meaning = cell(schema.description.as_deref().unwrap_or_default());
    Field { kind: kind(schema), default, meaning, bounds: bounds(schema), path }
}

fn items(schema: &Schema) -> Option<&Schema> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(items) => Some(items),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

fn kind(schema: &Schema) -> String {
    if let Some(values) = &schema.enum_ {
        return codes(values.iter().filter_map(|value| value.0.as_str()));
    }
    if let Some(items) = items(schema) {
        return match kind(items).as_str() {
            "object" => "list".to_owned(),
            other => format!("list of {other}s"),
        };
    }
    match schema.type_.as_deref().unwrap_or_default() {
        "string" if is_time(schema) => "[time](../guide/requests.md#times-and-lengths-of-time)".to_owned(),
        "string" if is_duration(schema) => {
            "[length of time](../guide/requests.md#times-and-lengths-of-time)".to_owned()
        }
        "object" if matches!(schema.additional_properties, Some(JSONSchemaPropsOrBool::Schema(_))) => {
            "map of strings".to_owned()
        }
        other => other.to_owned(),
    }
}

fn is_time(schema: &Schema) -> bool {
    rules(schema).any(|rule| rule.contains(time::PATTERN))
}

fn is_duration(schema: &Schema) -> bool {
    schema.pattern.as_deref() == Some(duration::PATTERN)
}

fn rules(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.x_kubernetes_validations.iter().flatten().map(|rule| rule.rule.as_str())
}

/// What the API server holds against a value, in the sentences with which it refuses.
fn bounds(schema: &Schema) -> Vec<String> {
    let inner = items(schema).map(lengths).filter(|bounds| !bounds.is_empty());
    let each = inner.map(|bounds| format!("each {}", bounds.join(", ")));
    lengths(schema).into_iter().chain(each).chain(messages(schema)).collect()
}

fn lengths(schema: &Schema) -> Vec<String> {
    // The pattern of a time or of a length of time bounds it.
    if is_time(schema) || is_duration(schema) {
        return Vec::new();
    }
    let counts = [
        (schema.min_length, schema.max_length, " characters"),
        (schema.min_items, schema.max_items, " entries"),
        (None, schema.max_properties, " entries"),
    ];
    let of_count = counts.into_iter().filter_map(|(least, most, of)| range(least, most, of));
    let of_number = range(schema.minimum.map(whole), schema.maximum.map(whole), "");
    of_count.chain(of_number).collect()
}

fn range(least: Option<i64>, most: Option<i64>, of: &str) -> Option<String> {
    match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{of}")),
        (Some(least), None) => Some(format!("at least {least}{of}")),
        (None, Some(most)) => Some(format!("at most {most}{of}")),
        (None, None) => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds of integers are whole numbers")]
const fn whole(number: f64) -> i64 {
    number as i64
}

/// The sentences of a schema's own rules, but for those that say how a time is written.
pub(crate) fn messages(schema: &Schema) -> impl Iterator<Item = String> {
    let own = schema.x_kubernetes_validations.iter().flatten().filter(|rule| {
        !(rule.rule.ends_with(&format!("'{}')", time::PATTERN))
            || rule.rule.ends_with(&format!("'{}')", duration::PATTERN)))
    });
    own.filter_map(|rule| rule.message.as_deref()).map(cell)
}
