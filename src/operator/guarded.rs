//! Objects as another version of the operator may have written them. What this one cannot read stops nobody else: a list or a watch of
//! [`Guarded`] objects brings all others, and of this one what has to be known to say so in its status.

use std::{borrow::Cow, fmt};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::Resource;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;

/// An object, or what is known of one that this version cannot read.
#[derive(Clone, Debug)]
pub struct Guarded<K>(pub Result<K, Box<Unread>>);

/// What is known of an object that this version cannot read.
#[derive(Clone)]
pub struct Unread {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Its spec as it came.
    pub spec: Value,
    /// The conditions that it has.
    pub conditions: Vec<Condition>,
    /// Where reading it ended: a path, never a value.
    pub place: String,
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let first = match read(&object) {
            Ok(read) => return Ok(Self(Ok(read))),
            Err(place) => place,
        };
        // A status says what an operator found, so it is found again: one that cannot be read is no reason to leave the object alone.
        let status = object.get_mut("status").map(Value::take).unwrap_or_default();
        let place = match read(&object) {
            Ok(read) => return Ok(Self(Ok(read))),
            Err(_) => first,
        };
        let metadata = ObjectMeta::deserialize(&object["metadata"])
            .map_err(|_| D::Error::custom("an object's metadata cannot be read"))?;
        let conditions = Vec::deserialize(&status["conditions"]).unwrap_or_default();
        Ok(Self(Err(Box::new(Unread { metadata, spec: object["spec"].take(), conditions, place }))))
    }
}

/// Reads an object, or tells where that ended. Serde's own words may repeat what is written there, and are dropped.
fn read<K: DeserializeOwned>(object: &Value) -> Result<K, String> {
    serde_path_to_error::deserialize(object).map_err(|error| error.path().to_string())
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|unread| &unread.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unread| &mut unread.metadata, K::meta_mut)
    }
}

impl Unread {
    /// What cannot be read, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        let place = if self.place == "." { "all of it" } else { &self.place };
        format!(
            "This version of the operator ({}) cannot read {place}: a newer one may have written it. Install the version that did, or \
             write there what this one knows.",
            env!("CARGO_PKG_VERSION")
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use passcode_core::api::tenant::IntuneTenant;
    use serde_json::json;

    use super::*;

    fn guarded(spec: Value, status: Value) -> Guarded<IntuneTenant> {
        let object = json!({"metadata": {"name": "t", "uid": "u", "generation": 3}, "spec": spec, "status": status});
        serde_json::from_value(object).unwrap()
    }

    fn spec() -> Value {
        json!({"tenantId": "t", "clientId": "c", "auth": {"workloadIdentity": {}}})
    }

    #[test]
    fn what_cannot_be_read_is_named_and_never_repeated() {
        let mut newer = spec();
        newer["unknownOutcome"] = json!("hunter2");
        let unread = guarded(newer, json!({"conditions": []})).0.unwrap_err();
        let sentence = unread.sentence();
        assert!(sentence.contains(" cannot read spec.unknownOutcome: "), "{sentence}");
        assert!(!sentence.contains("hunter2") && !format!("{unread:?}").contains("hunter2"));
        assert_eq!((unread.metadata.uid.as_deref(), &unread.spec["tenantId"]), (Some("u"), &json!("t")));
    }

    #[test]
    fn a_status_that_cannot_be_read_is_found_out_again() {
        let tenant = guarded(spec(), json!({"settleWindow": {"seconds": 280}})).0.unwrap();
        assert_eq!(tenant.status, None);
        assert!(guarded(spec(), json!({"settleWindow": "280s", "more": 1})).0.unwrap().status.is_some());
    }
}
