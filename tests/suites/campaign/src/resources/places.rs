//! Every field of a spec, found in the definition's own schema: a field that is added tomorrow is tried without a word here.

use std::fmt;

use passcode_core::api::manifests::definitions;
use serde_json::{Value, json};

/// The name under which a map is entered.
pub const KEY: &str = "team";

/// A field of a spec, with the schema of what belongs there.
#[derive(Clone, Debug)]
pub struct Place {
    /// From the object down; the first item of a list is `0`.
    pub path: Vec<String>,
    /// Its schema.
    pub schema: Value,
}

impl Place {
    /// Its own name: of an item, that of its list.
    pub fn name(&self) -> &str {
        self.path.iter().rev().find(|part| part.parse::<usize>().is_err()).map_or("", String::as_str)
    }

    /// What the schema says that it is.
    pub fn kind(&self) -> &str {
        self.schema["type"].as_str().unwrap_or_default()
    }

    /// A bound of the schema, as a number of characters or items.
    pub fn bound(&self, name: &str) -> Option<usize> {
        usize::try_from(self.schema[name].as_u64()?).ok()
    }

    /// The value there, if the object has one.
    pub fn of<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.path.iter().try_fold(object, |value, part| match part.parse::<usize>() {
            Ok(index) => value.get(index),
            Err(_) => value.get(part),
        })
    }

    /// Puts a value there; what has to be around it and is not is made.
    pub fn put(&self, object: &mut Value, value: Value) {
        let mut at = object;
        for part in &self.path {
            at = match part.parse::<usize>() {
                Ok(index) => {
                    if at.get(index).is_none() {
                        *at = json!([null]);
                    }
                    &mut at[index]
                }
                Err(_) => {
                    if !at.is_object() {
                        *at = json!({});
                    }
                    &mut at[part]
                }
            };
        }
        *at = value;
    }

    /// Takes the field away; whether it was there.
    pub fn remove(&self, object: &mut Value) -> bool {
        let Some((last, parents)) = self.path.split_last() else { return false };
        let parent = Self { path: parents.to_vec(), schema: Value::Null };
        let Some(found) = parent.of(object).cloned() else { return false };
        let mut found = found;
        let removed = match (&mut found, last.parse::<usize>()) {
            (Value::Object(fields), _) => fields.remove(last).is_some(),
            (Value::Array(items), Ok(index)) if index < items.len() => {
                items.remove(index);
                true
            }
            _ => false,
        };
        parent.put(object, found);
        removed
    }
}

impl fmt::Display for Place {
    /// As the API server writes paths: `spec.rules[0].name`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.path.iter().enumerate() {
            match part.parse::<usize>() {
                Ok(index) => write!(out, "[{index}]")?,
                Err(_) if number > 0 => write!(out, ".{part}")?,
                Err(_) => write!(out, "{part}")?,
            }
        }
        Ok(())
    }
}

/// All places of the spec of this kind, the spec itself first.
pub fn places(kind: &str) -> Vec<Place> {
    let definitions = serde_json::to_value(definitions().unwrap()).unwrap();
    let of_kind = |definition: &&Value| definition["spec"]["names"]["kind"] == kind;
    let definition = definitions.as_array().unwrap().iter().find(of_kind).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    below(vec!["spec".to_owned()], schema)
}

fn below(path: Vec<String>, schema: &Value) -> Vec<Place> {
    let mut all = vec![Place { path: path.clone(), schema: schema.clone() }];
    let deeper = |part: &str| [path.as_slice(), &[part.to_owned()]].concat();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        all.extend(below(deeper(name), property));
    }
    if schema["items"].is_object() {
        all.extend(below(deeper("0"), &schema["items"]));
    }
    if schema["additionalProperties"].is_object() {
        all.extend(below(deeper(KEY), &schema["additionalProperties"]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_put_and_removed() {
        let all = places("PlatformSupportMatrix");
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(names.contains(&"spec.rules[0].match.platforms[0]".to_owned()), "{names:?}");
        assert!(
            places("IntuneTenant").iter().any(|place| place.to_string() == "spec.allowedNamespaces.matchLabels.team")
        );
        let place = all.iter().find(|place| place.to_string() == "spec.rules[0].match.platforms[0]").unwrap();
        let mut object = json!({});
        place.put(&mut object, json!("x"));
        assert_eq!(object, json!({"spec": {"rules": [{"match": {"platforms": ["x"]}}]}}));
        assert_eq!((place.of(&object), place.name()), (Some(&json!("x")), "platforms"));
        assert!(place.remove(&mut object) && !place.remove(&mut object));
    }
}
