//! Create, update, patch and delete, with the preconditions a kube-apiserver checks and in its order.
//!
//! Follows `apiserver/pkg/registry/{rest,generic/registry}` and the strategies of custom resources.

use std::sync::Arc;

use serde_json::Value;

use crate::admission::{Admission, Review, Ruling};
use crate::call::Call;
use crate::clock::to_seconds;
use crate::errors::{self, Refusal};
use crate::names::{Names, is_dns_subdomain};
use crate::objects::{Address, finalizers, has_finalizers, text};
use crate::patch::Patch;
use crate::resources::Registry;
use crate::store::{Author, Change, Key, Store};

/// One write: where, by whom, how.
pub(crate) struct Writer<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) names: &'a mut Names,
    pub(crate) registry: &'a Registry,
    pub(crate) address: Address<'a>,
    pub(crate) author: Author<'a>,
    pub(crate) strict: bool,
    pub(crate) dry_run: bool,
    /// Who judges it, and the request that it is part of.
    pub(crate) admission: Option<(Admission, &'a Call)>,
}

/// What a write did.
pub(crate) struct Written {
    pub(crate) object: Arc<Value>,
    pub(crate) change: Option<Change>,
}

impl Writer<'_> {
    fn key(&self, name: &str) -> Key {
        (self.address.namespace.to_owned(), name.to_owned())
    }

    pub(crate) fn existing(&self) -> Result<Arc<Value>, Refusal> {
        let found = self.store.get(self.address.resource, &self.key(self.address.name));
        found.ok_or_else(|| errors::not_found(self.address.resource, self.address.name))
    }

    fn invalid(&self, name: &str, problem: &str) -> Refusal {
        let resource = self.address.resource;
        errors::invalid(&resource.group, &resource.kind, name, problem)
    }

    pub(crate) fn create(&mut self, mut object: Value) -> Result<Written, Refusal> {
        let unknown = self.address.decode(&mut object)?;
        self.refuse_unknown(&unknown)?;
        if !text(&object, "resourceVersion").is_empty() {
            return Err(errors::version_on_create());
        }
        self.create_decoded(object)
    }

    fn create_decoded(&mut self, mut object: Value) -> Result<Written, Refusal> {
        let resource = self.address.resource;
        let name = self.settle_name(&mut object)?;
        self.check_namespace_exists()?;
        self.fill_system_fields(&mut object);
        if self.address.has_status()
            && let Value::Object(fields) = &mut object
        {
            fields.remove("status");
        }
        self.address.apply_defaults(&mut object);
        if self.store.get(resource, &self.key(&name)).is_some() {
            return Err(errors::already_exists(resource, &name));
        }
        let object = self.admit(&Value::Null, object)?;
        Ok(self.commit(Change::Added, object))
    }

    fn settle_name(&mut self, object: &mut Value) -> Result<String, Refusal> {
        let mut name = text(object, "name").to_owned();
        let prefix = text(object, "generateName");
        if name.is_empty() && !prefix.is_empty() {
            name = format!("{prefix}{}", self.names.suffix());
            object["metadata"]["name"] = name.clone().into();
        }
        if name.is_empty() {
            return Err(self.invalid("", "metadata.name: Required value: name or generateName is required"));
        }
        if !is_dns_subdomain(&name) {
            let problem = format!(
                "metadata.name: Invalid value: {name:?}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
            );
            return Err(self.invalid(&name, &problem));
        }
        Ok(name)
    }

    fn check_namespace_exists(&self) -> Result<(), Refusal> {
        if !self.address.resource.namespaced {
            return Ok(());
        }
        let Some(namespaces) = self.registry.get("", "namespaces") else {
            return Ok(());
        };
        let key = (String::new(), self.address.namespace.to_owned());
        let found = self.store.get(namespaces, &key);
        found.map(drop).ok_or_else(|| errors::not_found(namespaces, self.address.namespace))
    }

    fn fill_system_fields(&mut self, object: &mut Value) {
        let uid = self.names.uid();
        let Some(metadata) = object["metadata"].as_object_mut() else {
            return;
        };
        for field in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
            metadata.remove(field);
        }
        metadata.insert("uid".into(), uid.into());
        metadata.insert("creationTimestamp".into(), to_seconds(self.author.now).into());
        if !self.address.resource.built_in {
            metadata.insert("generation".into(), 1.into());
        }
    }

    pub(crate) fn update(&mut self, mut object: Value, of_status: bool) -> Result<Written, Refusal> {
        let resource = self.address.resource;
        let unknown = self.address.decode(&mut object)?;
        self.refuse_unknown(&unknown)?;
        self.address.check_name(&mut object)?;
        let stored = match self.existing() {
            Ok(stored) => Some(stored),
            Err(_) if resource.create_on_update => None,
            Err(missing) => return Err(missing),
        };
        let held = stored.as_deref().map(|stored| text(stored, "uid")).unwrap_or_default();
        let asked = text(&object, "uid");
        if !asked.is_empty() && asked != held {
            let Address { namespace, name, .. } = self.address;
            return Err(errors::other_uid(resource, namespace, name, asked, held));
        }
        match stored {
            Some(stored) => self.replace(&stored, object, of_status),
            None => self.create_decoded(object),
        }
    }

    pub(crate) fn patch(&mut self, patch: &Patch<'_>, of_status: bool) -> Result<Written, Refusal> {
        let stored = self.existing()?;
        let mut object = self.address.present(&stored).into_owned();
        patch.apply(&mut object)?;
        let sent = self.strict.then(|| object.to_string());
        let unknown = self.address.decode(&mut object)?;
        if let Some(sent) = sent
            && !unknown.is_empty()
        {
            let problem = format!("patch: Invalid value: {sent:?}: {}", strict_error(&unknown));
            return Err(errors::invalid("", "", "", &problem));
        }
        self.address.check_name(&mut object)?;
        self.replace(&stored, object, of_status)
    }

    /// Puts `object` in the place of `stored`, as far as this kind of write may change it.
    fn replace(&mut self, stored: &Value, mut object: Value, of_status: bool) -> Result<Written, Refusal> {
        self.check_version(stored, &object)?;
        let before = self.address.present(stored).into_owned();
        let mut after = if of_status { with_status_of(&before, &mut object) } else { self.prepare(&before, object)? };
        self.address.apply_defaults(&mut after);
        let after = self.admit(&before, after)?;
        if after == before {
            return Ok(Written { object: Arc::new(after), change: None });
        }
        if !text(&after, "deletionTimestamp").is_empty() && !has_finalizers(&after) {
            return Ok(self.commit(Change::Deleted, after));
        }
        Ok(self.commit(Change::Modified, after))
    }

    fn check_version(&self, stored: &Value, object: &Value) -> Result<(), Refusal> {
        let resource = self.address.resource;
        let asked = text(object, "resourceVersion");
        if asked.is_empty() && resource.unconditional_update {
            return Ok(());
        }
        if asked.is_empty() {
            let problem = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
            return Err(errors::invalid(&resource.group, &resource.plural, self.address.name, problem));
        }
        if asked != text(stored, "resourceVersion") {
            return Err(errors::modified(resource, self.address.name));
        }
        Ok(())
    }

    /// A write of the main resource: status and system fields stay, the generation follows the rest.
    fn prepare(&self, before: &Value, mut after: Value) -> Result<Value, Refusal> {
        if text(&after, "uid").is_empty() {
            put(&mut after["metadata"], "uid", before["metadata"].get("uid"));
        }
        self.check_immutable(before, &after)?;
        for field in
            ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"]
        {
            put(&mut after["metadata"], field, before["metadata"].get(field));
        }
        if self.address.has_status() {
            put(&mut after, "status", before.get("status"));
        }
        self.address.apply_defaults(&mut after);
        if !self.address.resource.built_in && !same_but_metadata(before, &after) {
            raise_generation(&mut after);
        }
        Ok(after)
    }

    fn check_immutable(&self, before: &Value, after: &Value) -> Result<(), Refusal> {
        let marked = !text(before, "deletionTimestamp").is_empty();
        let uid_changes = text(after, "uid") != text(before, "uid");
        let mark_appears = !marked && !text(after, "deletionTimestamp").is_empty();
        for (changes, field) in [(uid_changes, "uid"), (mark_appears, "deletionTimestamp")] {
            if changes {
                let problem = format!("metadata.{field}: Invalid value: {:?}: field is immutable", text(after, field));
                return Err(self.invalid(self.address.name, &problem));
            }
        }
        let held = |finalizer: &&Value| !finalizers(before).contains(finalizer);
        let added: Vec<&Value> = finalizers(after).iter().filter(held).collect();
        if marked && !added.is_empty() {
            let added: Vec<String> = added.into_iter().map(Value::to_string).collect();
            let problem = format!(
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            return Err(self.invalid(self.address.name, &problem));
        }
        Ok(())
    }

    fn refuse_unknown(&self, unknown: &[String]) -> Result<(), Refusal> {
        if !self.strict || unknown.is_empty() {
            return Ok(());
        }
        let Address { resource, version, .. } = self.address;
        let kind = &resource.kind;
        let problem = format!("{kind} in version {version:?} cannot be handled as a {kind}: {}", strict_error(unknown));
        Err(errors::bad_request(&problem))
    }

    /// What is stored in the end, if it is to be.
    pub(crate) fn admit(&self, old: &Value, object: Value) -> Result<Value, Refusal> {
        let Some((judge, call)) = &self.admission else { return Ok(object) };
        let review = Review {
            client: &call.client,
            verb: call.verb,
            resource: &self.address.resource.plural,
            subresource: &call.subresource,
            name: text(&object, "name"),
            object: &object,
            old,
            dry_run: self.dry_run,
        };
        match judge(&review) {
            Ruling::Admit => Ok(object),
            Ruling::Deny(status) => Err(status),
            Ruling::Change(other) => Ok(other),
        }
    }

    pub(crate) fn commit(&mut self, change: Change, object: Value) -> Written {
        if self.dry_run {
            return Written { object: Arc::new(object), change: None };
        }
        let object = self.store.commit(self.address.resource, change, object, self.author);
        Written { object, change: Some(change) }
    }
}

/// A write of the status subresource: everything but the status stays, whatever else was sent.
fn with_status_of(before: &Value, object: &mut Value) -> Value {
    let mut after = before.clone();
    put(&mut after, "status", object.get("status"));
    after
}

fn put(target: &mut Value, field: &str, value: Option<&Value>) {
    let Value::Object(fields) = target else {
        return;
    };
    match value {
        Some(value) => drop(fields.insert(field.into(), value.clone())),
        None => drop(fields.remove(field)),
    }
}

fn same_but_metadata(left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else {
        return left == right;
    };
    let keys = left.keys().chain(right.keys()).filter(|key| *key != "metadata");
    keys.into_iter().all(|key| left.get(key) == right.get(key))
}

fn strict_error(unknown: &[String]) -> String {
    let fields: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    format!("strict decoding error: {}", fields.join(", "))
}

pub(crate) fn raise_generation(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_u64().unwrap_or_default();
    object["metadata"]["generation"] = (generation + 1).into();
}
