//! Delete, with its preconditions and finalizers.

use std::sync::Arc;

use serde_json::Value;

use crate::clock::to_seconds;
use crate::errors::{self, Refusal};
use crate::objects::{Address, has_finalizers, text};
use crate::store::Change;
use crate::writes::{Writer, Written, raise_generation};

/// What must be true of an object for it to be deleted.
#[derive(Default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl Writer<'_> {
    pub(crate) fn delete(&mut self, preconditions: &Preconditions) -> Result<Written, Refusal> {
        let stored = self.existing()?;
        self.check_preconditions(&stored, preconditions)?;
        self.admit(&stored, Value::clone(&stored))?;
        let written = self.remove(&stored);
        if self.address.resource.kind == "Namespace" && !self.dry_run {
            self.empty_namespace();
        }
        Ok(written)
    }

    fn check_preconditions(&self, stored: &Value, preconditions: &Preconditions) -> Result<(), Refusal> {
        let checks = [
            ("UID", "uid", &preconditions.uid, "deleted and then recreated"),
            ("ResourceVersion", "resourceVersion", &preconditions.resource_version, "modified"),
        ];
        for (title, field, asked, reason) in checks {
            let held = text(stored, field);
            if let Some(asked) = asked
                && asked != held
            {
                let why = format!(
                    "the {title} in the precondition ({asked}) does not match the {title} in record ({held}). The object might have been {reason}"
                );
                return Err(errors::precondition_of_delete(self.address.resource, self.address.name, &why));
            }
        }
        Ok(())
    }

    fn remove(&mut self, stored: &Arc<Value>) -> Written {
        if has_finalizers(stored) {
            self.mark_deleted(stored)
        } else {
            self.commit(Change::Deleted, Value::clone(stored))
        }
    }

    fn mark_deleted(&mut self, stored: &Arc<Value>) -> Written {
        if !text(stored, "deletionTimestamp").is_empty() {
            return Written { object: stored.clone(), change: None };
        }
        let mut object = Value::clone(stored);
        object["metadata"]["deletionTimestamp"] = to_seconds(self.author.now).into();
        object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        if object["metadata"]["generation"].is_u64() {
            raise_generation(&mut object);
        }
        self.commit(Change::Modified, object)
    }

    /// What the namespace controller does, at once.
    fn empty_namespace(&mut self) {
        let namespace = self.address.name;
        for resource in self.registry.namespaced() {
            for object in self.store.list(resource, self.store.revision()) {
                if text(&object, "namespace") != namespace {
                    continue;
                }
                let address = Address { resource, namespace, name: text(&object, "name"), ..self.address };
                let mut writer = Writer {
                    store: &mut *self.store,
                    names: &mut *self.names,
                    registry: self.registry,
                    address,
                    author: self.author,
                    strict: false,
                    dry_run: false,
                    admission: None,
                };
                writer.remove(&object);
            }
        }
    }
}
