//! What a newer version would have written: definitions with more members and fields, and objects that use them.

use graph_simulator::{Device, DeviceClass};
use k8s_openapi::jiff::Timestamp;
use kube::api::ApiResource;
use passcode_core::api::{GROUP, VERSION, manifests};
use serde_json::{Value, json};
use world::objects::{reset, tenant, with};

/// A field that no version has.
pub const FIELD: &str = "newer";
/// A member that no enumeration has. No message may repeat it.
pub const MEMBER: &str = "hunter2";

/// The generated definitions, by kind and plural.
pub fn definitions() -> Vec<(String, String, Value)> {
    let all = manifests::definitions().unwrap().into_iter();
    all.map(|d| (d.spec.names.kind.clone(), d.spec.names.plural.clone(), serde_json::to_value(&d).unwrap())).collect()
}

/// A kind of this group.
pub fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// The properties of an object of this definition.
pub fn schema(definition: &mut Value) -> &mut Value {
    &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
}

/// An object of the kind with every field that holds others.
pub fn sample(kind: &str, name: &str, number: u32, now: Timestamp) -> Value {
    match kind {
        "IntuneTenant" => with(
            tenant(name),
            json!({
                "allowedNamespaces": {"matchExpressions": [{"key": "team", "operator": "In", "values": ["it"]}]},
                "platformSupportMatrixRef": {"name": "ours"}, "limits": {}, "defaults": {}, "timing": {},
            }),
        ),
        "PlatformSupportMatrix" => json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name},
            "spec": {"revision": "1", "rules": [{
                "name": "phones", "match": {"platforms": ["IosDeviceEnrollment"]}, "support": "Supported",
                "action": "RemoveDevicePasscode", "reason": "PasscodeRemoved",
            }]},
        }),
        // It is about nobody, so that whatever it says holds nobody.
        "PasscodeResetPolicy" => json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name},
            "spec": {
                "namespaceSelector": {"matchExpressions": [{"key": "desk", "operator": "In", "values": ["of-nobody"]}]},
                "tenantSelector": {"matchExpressions": [{"key": "stage", "operator": "In", "values": ["of-nobody"]}]},
                "rules": [{
                    "name": "ask", "match": {"actions": ["ResetDevicePin"]}, "decision": "RequireApproval",
                    "approval": {"required": 1, "roles": [{"name": "lead", "count": 1}]},
                }],
                "budgets": [{"name": "all", "max": 1, "per": "1h", "scope": "Tenant"}],
                "hours": [{"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "Europe/Amsterdam"}],
            },
        }),
        "PasscodeResetApproval" => json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": world::objects::HELPDESK},
            "spec": {
                "request": {"kind": "PasscodeReset", "name": "inc", "uid": "11111111-0000-4000-8000-0000000000aa"},
                "decision": "Approved", "approver": "lead@example.com",
            },
        }),
        "PasscodeReset" => reset(name, Device::example(DeviceClass::IPhone, number).serial(), now),
        other => panic!("a sample of {other} is missing"),
    }
}

/// The paths of all enumerations below a schema.
fn enumerations(schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema.get("enum").is_some() {
        found.push(path.to_owned());
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        enumerations(child, &format!("{path}/{name}"), found);
    }
    if let Some(items) = schema.get("items") {
        enumerations(items, &format!("{path}/0"), found);
    }
}

/// Writes a value at a JSON pointer of an object that has the parent.
pub fn write(object: &mut Value, path: &str, value: &str) {
    let (parent, field) = path.rsplit_once('/').unwrap();
    match (object.pointer_mut(parent).unwrap_or_else(|| panic!("the sample lacks {parent}")), field.parse::<usize>()) {
        (Value::Array(items), Ok(place)) => items[place] = json!(value),
        (parent, _) => parent[field] = json!(value),
    }
}

/// An object for each enumeration of the specs of all kinds, with [`MEMBER`] in it.
pub struct Unknown {
    pub kind: String,
    pub plural: String,
    pub name: String,
    /// Where the member stands.
    pub path: String,
    pub object: Value,
}

pub fn an_unknown_member_of_each(now: Timestamp) -> Vec<Unknown> {
    let mut all = Vec::new();
    for (kind, plural, mut definition) in definitions() {
        let mut paths = Vec::new();
        enumerations(&schema(&mut definition)["spec"], "/spec", &mut paths);
        for path in paths {
            let number = u32::try_from(all.len()).unwrap();
            let name = format!("{FIELD}-{number}");
            let mut object = sample(&kind, &name, 100 + number, now);
            write(&mut object, &path, MEMBER);
            all.push(Unknown { kind: kind.clone(), plural: plural.clone(), name, path, object });
        }
    }
    assert!(all.len() >= 6);
    all
}

/// Adds [`MEMBER`] to every enumeration of a schema. Rules of an object that has one would be others, too: they go.
pub fn with_members(schema: &mut Value) {
    if let Some(members) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        members.push(json!(MEMBER));
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let mut has_enumerations = false;
    for property in properties.into_iter().flat_map(|properties| properties.values_mut()) {
        has_enumerations |= property.get("enum").is_some();
        with_members(property);
    }
    if has_enumerations {
        schema.as_object_mut().unwrap().remove("x-kubernetes-validations");
    }
    schema.get_mut("items").into_iter().for_each(with_members);
}

/// Adds [`FIELD`] to every object of a schema; answers how many there are.
pub fn with_fields(schema: &mut Value) -> usize {
    let mut count = 0;
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        count += properties.values_mut().map(with_fields).sum::<usize>() + 1;
        properties.insert(FIELD.to_owned(), json!({"type": "string"}));
    }
    if let Some(items) = schema.get_mut("items") {
        count += with_fields(items);
    }
    count
}

/// Writes [`FIELD`] into every object that is there, where the schema has it; not into a rule's conditions, which would say less without it.
pub fn filled(object: &mut Value, schema: &Value) {
    match object {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut().filter(|(name, _)| *name != "match") {
                filled(field, &schema["properties"][name]);
            }
            if schema["properties"].get(FIELD).is_some() {
                fields.insert(FIELD.to_owned(), json!(MEMBER));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| filled(item, &schema["items"])),
        _ => {}
    }
}

/// The reason and the message of the object's Ready.
pub fn ready(object: &Value) -> (String, String) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
    let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

impl Unknown {
    /// What the object's Ready has to say; none where the object is left alone and says nothing.
    pub fn expected_reason(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "IntuneTenant" => Some("InvalidConfiguration"),
            // It is only told, so that nobody has to wait for it.
            "PlatformSupportMatrix" if self.path.ends_with("/certainty") => Some("Ready"),
            "PlatformSupportMatrix" => Some("InvalidMatrix"),
            "PasscodeResetPolicy" => Some("InvalidPolicy"),
            _ => None,
        }
    }

    /// Whether the object, as it is stored now, says what cannot be read, without repeating it; where it says nothing, nothing was begun.
    pub fn says_so(&self, stored: &Value) -> bool {
        let Some(expected) = self.expected_reason() else {
            let status = &stored["status"];
            return status["outcome"].is_null() && status["attempt"].is_null();
        };
        let (reason, sentence) = ready(stored);
        let place = self.path.trim_start_matches('/').replace('/', ".").replace(".0.", "[0].");
        let place = place.strip_suffix(".0").map_or(place.clone(), |list| format!("{list}[0]"));
        let names_it = expected == "Ready"
            || sentence.contains(&place)
            || sentence.contains("allowedNamespaces")
            || sentence.contains("Selector: ");
        assert!(!sentence.contains(MEMBER), "{}: {sentence}", self.path);
        reason == expected && names_it
    }
}
