//! The schemas of policies and approvals, tried with kube-cel: what is right is taken, what is wrong is refused with its sentence. A real API
//! server tries the definitions as a whole (`tests/suites/it/control_plane`).

mod approvals;
mod policies;

use kube_cel::Validator;
use serde_json::Value;

use super::manifests;

/// The schema of a kind, as the evaluator here can read it: it has no `dyn`, which only switches the API server's type checker off.
fn schema(kind: &str) -> Value {
    let definitions = manifests::definitions().unwrap();
    let definition = definitions.iter().find(|definition| definition.spec.names.kind == kind).unwrap();
    let mut schema =
        serde_json::to_value(definition).unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
    manifests::rewrite(&mut schema, "rule", |rule| rule.replace("dyn(", "("));
    schema
}

/// What the rules of the schema say of an object, after the defaults were filled in.
fn sentences(kind: &str, object: &Value, before: Option<&Value>) -> Vec<String> {
    let schema = schema(kind);
    let mut object = object.clone();
    fill_in(&schema, &mut object);
    match Validator::new().validate(&schema, &object, before) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| format!("{}: {}", error.field_path, error.message)).collect(),
    }
}

fn fill_in(schema: &Value, object: &mut Value) {
    if let (Some(properties), Some(fields)) = (schema["properties"].as_object(), object.as_object_mut()) {
        for (name, schema) in properties {
            match (fields.get_mut(name), schema.get("default")) {
                (Some(field), _) => fill_in(schema, field),
                (None, Some(default)) => {
                    let mut value = default.clone();
                    fill_in(schema, &mut value);
                    fields.insert(name.clone(), value);
                }
                (None, None) => {}
            }
        }
    }
    if let Some(items) = object.as_array_mut() {
        items.iter_mut().for_each(|item| fill_in(&schema["items"], item));
    }
}

/// `object` with the value at `path`, where numbers are places in lists; null takes away what is there.
fn with(object: &Value, path: &str, value: &Value) -> Value {
    let mut object = object.clone();
    let (parent, last) = path.rsplit_once('.').unwrap();
    let pointer = format!("/{}", parent.replace('.', "/"));
    let parent = object.pointer_mut(&pointer).unwrap();
    match (parent, last.parse::<usize>()) {
        (Value::Array(items), Ok(place)) => items[place] = value.clone(),
        (parent, _) if value.is_null() => {
            parent.as_object_mut().unwrap().remove(last);
        }
        (parent, _) => parent[last] = value.clone(),
    }
    object
}
