//! JSON merge patch (RFC 7386) and JSON patch (RFC 6902).

use serde_json::{Map, Value};

use crate::errors::{self, Refusal};

/// A change of an object, relative to what it is.
pub(crate) enum Patch<'a> {
    Merge(&'a Value),
    Json(json_patch::Patch),
}

impl<'a> Patch<'a> {
    pub(crate) fn read(content_type: &str, body: &'a Value) -> Result<Self, Refusal> {
        match content_type.split(';').next().unwrap_or_default() {
            "application/merge-patch+json" => Ok(Self::Merge(body)),
            "application/json-patch+json" => serde_json::from_value(body.clone())
                .map(Self::Json)
                .map_err(|error| errors::bad_request(&format!("error decoding patch: {error}"))),
            _ => Err(errors::unsupported_media_type()),
        }
    }

    pub(crate) fn apply(&self, object: &mut Value) -> Result<(), Refusal> {
        match self {
            Self::Merge(patch) => merge(object, patch),
            // A `test` that does not hold is answered like any other operation that does not fit.
            Self::Json(patch) => {
                json_patch::patch(object, patch).map_err(|_| errors::patch_does_not_fit())?;
            }
        }
        Ok(())
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(into) = target else { return };
    for (key, value) in fields {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::{Value, json};

    #[test]
    fn follows_the_examples_of_the_rfc() {
        let cases: [(Value, Value, Value); 6] = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": 1}), json!({"a": null}), json!({"b": 1})),
            (json!({"a": [1]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }
}
