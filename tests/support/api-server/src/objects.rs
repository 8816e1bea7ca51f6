//! Turning what a client sent into an object that may be stored, and what is stored into what a client gets.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::errors::{self, Refusal};
use crate::resources::{ResourceType, complete_built_in};
use crate::schema;

/// The fields of `ObjectMeta` that are kept; managedFields are not modelled.
const METADATA: [&str; 14] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
];

/// Where an object belongs: what the address of the request says.
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) resource: &'a Arc<ResourceType>,
    pub(crate) version: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Address<'_> {
    fn schema(&self) -> Option<&k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps> {
        self.resource.versions.get(self.version)?.schema.as_ref()
    }

    pub(crate) fn has_status(&self) -> bool {
        self.resource.versions.get(self.version).is_some_and(|served| served.status)
    }

    /// Brings an object into shape and returns the paths of the unknown fields that it lost.
    pub(crate) fn decode(&self, object: &mut Value) -> Result<Vec<String>, Refusal> {
        self.check_type(object)?;
        let mut unknown = tidy_metadata(object)?;
        if self.resource.built_in {
            complete_built_in(self.resource, object);
        } else if let Some(schema) = self.schema() {
            schema::apply_defaults(object, schema);
            unknown.extend(schema::prune(object, schema));
        }
        self.check_namespace(object)?;
        Ok(unknown)
    }

    /// Defaults for fields that went away since the object was decoded.
    pub(crate) fn apply_defaults(&self, object: &mut Value) {
        if let Some(schema) = self.schema() {
            schema::apply_defaults(object, schema);
        }
    }

    /// Custom resources are not decoded without their type; built-in kinds know it.
    fn check_type(&self, object: &mut Value) -> Result<(), Refusal> {
        let kind = &self.resource.kind;
        let Value::Object(fields) = object else {
            return Err(errors::bad_request(&format!("the object provided is unrecognized (must be of type {kind})")));
        };
        let expected =
            [("kind", "Kind", kind.clone()), ("apiVersion", "apiVersion", self.resource.api_version(self.version))];
        for (field, title, expected) in expected {
            match fields.get(field).and_then(Value::as_str).unwrap_or_default() {
                "" if self.resource.built_in => drop(fields.insert(field.into(), expected.into())),
                "" => {
                    let message = format!(
                        "the object provided is unrecognized (must be of type {kind}): Object '{title}' is missing in '{object}'"
                    );
                    return Err(errors::bad_request(&message));
                }
                given if given == expected => {}
                given => return Err(self.other_type(field, given, &expected)),
            }
        }
        Ok(())
    }

    fn other_type(&self, field: &str, given: &str, expected: &str) -> Refusal {
        if field == "kind" {
            let problem = format!("kind: Invalid value: {given:?}: must be {expected}");
            return errors::invalid(&self.resource.group, given, self.name, &problem);
        }
        errors::bad_request(&format!(
            "the API version in the data ({given}) does not match the expected API version ({expected})"
        ))
    }

    fn check_namespace(&self, object: &mut Value) -> Result<(), Refusal> {
        if !self.resource.namespaced {
            return Ok(());
        }
        match object["metadata"]["namespace"].as_str() {
            None => object["metadata"]["namespace"] = self.namespace.into(),
            Some(given) if given == self.namespace => {}
            Some(_) => {
                let message = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(errors::bad_request(message));
            }
        }
        Ok(())
    }

    pub(crate) fn check_name(&self, object: &mut Value) -> Result<(), Refusal> {
        match object["metadata"]["name"].as_str() {
            None => object["metadata"]["name"] = self.name.into(),
            Some(given) if given == self.name => {}
            Some(given) => {
                let message =
                    format!("the name of the object ({given}) does not match the name on the URL ({})", self.name);
                return Err(errors::bad_request(&message));
            }
        }
        Ok(())
    }

    /// A stored object as this version serves it: an object older than the schema is read through the schema.
    pub(crate) fn present<'v>(&self, stored: &'v Value) -> Cow<'v, Value> {
        let api_version = self.resource.api_version(self.version);
        let outdated = !self.resource.built_in && resource_version(stored) <= self.resource.since;
        if !outdated && stored["apiVersion"] == api_version.as_str() {
            return Cow::Borrowed(stored);
        }
        let mut object = stored.clone();
        object["apiVersion"] = api_version.into();
        if outdated && let Some(schema) = self.schema() {
            schema::apply_defaults(&mut object, schema);
            schema::prune(&mut object, schema);
        }
        Cow::Owned(object)
    }
}

pub(crate) fn resource_version(object: &Value) -> u64 {
    text(object, "resourceVersion").parse().unwrap_or_default()
}

/// A string of the metadata; empty if it is not there.
pub(crate) fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object["metadata"][field].as_str().unwrap_or_default()
}

pub(crate) fn finalizers(object: &Value) -> &[Value] {
    object["metadata"]["finalizers"].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn has_finalizers(object: &Value) -> bool {
    !finalizers(object).is_empty()
}

/// As metadata looks after it went through Go's `ObjectMeta`: no unknown fields, nothing empty.
fn tidy_metadata(object: &mut Value) -> Result<Vec<String>, Refusal> {
    let Value::Object(fields) = object else {
        return Ok(Vec::new());
    };
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(metadata) = metadata else {
        return Err(errors::bad_request("metadata must be an object"));
    };
    let mut unknown = Vec::new();
    metadata.retain(|key, value| {
        if !METADATA.contains(&key.as_str()) && key != "managedFields" {
            unknown.push(format!("metadata.{key}"));
        }
        METADATA.contains(&key.as_str()) && !is_empty(value)
    });
    Ok(unknown)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
