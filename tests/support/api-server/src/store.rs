//! Every version of every object, under one increasing resourceVersion.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::errors::{self, Refusal};
use crate::resources::ResourceType;

/// What a version did to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The object did not exist before.
    Added,
    /// The object existed before.
    Modified,
    /// The object no longer exists; the version holds its last state.
    Deleted,
}

/// One version of one object.
#[derive(Clone, Debug)]
pub struct Version {
    /// The resourceVersion it was stored under; a restore lets numbers occur again.
    pub resource_version: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// What it did.
    pub change: Change,
    /// The object as stored.
    pub object: Arc<Value>,
    /// Who wrote it.
    pub writer: String,
    /// What the object was before.
    pub(crate) previous: Option<Arc<Value>>,
}

impl Version {
    /// A version that another server stored, for those who judge both alike.
    pub fn stored_elsewhere(
        resource_version: u64,
        at: Timestamp,
        change: Change,
        object: Arc<Value>,
        previous: Option<Arc<Value>>,
    ) -> Self {
        Self { resource_version, at, change, object, writer: String::new(), previous }
    }

    /// What was stored before under this name: also after a restore what this version was really made of.
    pub fn previous(&self) -> Option<&Value> {
        self.previous.as_deref()
    }
}

/// Namespace, empty for cluster scoped objects, and name.
pub type Key = (String, String);

#[derive(Clone, Default)]
struct Collection {
    current: BTreeMap<Key, Arc<Value>>,
    log: Vec<Arc<Version>>,
}

/// A copy of the store, as a backup of etcd is.
#[derive(Clone, Default)]
pub struct Snapshot {
    collections: BTreeMap<String, Collection>,
    revision: u64,
    compacted: u64,
}

impl Snapshot {
    /// The resourceVersion it was taken at.
    pub fn resource_version(&self) -> u64 {
        self.revision
    }
}

#[derive(Clone)]
pub(crate) struct Store {
    present: Snapshot,
    /// Never restored: what was stored, whether or not it still counts.
    journal: BTreeMap<String, BTreeMap<Key, Vec<Arc<Version>>>>,
    /// Grows with each restore.
    pub(crate) epoch: u64,
}

/// Who stores something, and when.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    pub(crate) now: Timestamp,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { present: Snapshot { revision: 1, ..Snapshot::default() }, journal: BTreeMap::new(), epoch: 0 }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.present.revision
    }

    pub(crate) fn get(&self, resource: &ResourceType, key: &Key) -> Option<Arc<Value>> {
        self.present.collections.get(&resource.qualified())?.current.get(key).cloned()
    }

    /// All objects of a resource by namespace and name, as they were at a revision.
    pub(crate) fn list(&self, resource: &ResourceType, revision: u64) -> Vec<Arc<Value>> {
        let Some(collection) = self.present.collections.get(&resource.qualified()) else {
            return Vec::new();
        };
        if revision >= self.revision() {
            return collection.current.values().cloned().collect();
        }
        let mut past = BTreeMap::new();
        for version in collection.log.iter().take_while(|version| version.resource_version <= revision) {
            match version.change {
                Change::Deleted => past.remove(&key_of(&version.object)),
                Change::Added | Change::Modified => past.insert(key_of(&version.object), version.object.clone()),
            };
        }
        past.into_values().collect()
    }

    /// The versions of a resource after one revision, up to another.
    pub(crate) fn changes(&self, resource: &ResourceType, after: u64, until: u64) -> &[Arc<Version>] {
        let Some(collection) = self.present.collections.get(&resource.qualified()) else {
            return &[];
        };
        let index = |revision| collection.log.partition_point(|version| version.resource_version <= revision);
        collection.log.get(index(after)..index(until)).unwrap_or_default()
    }

    /// Refuses revisions that were compacted away or not reached yet.
    pub(crate) fn check_kept(&self, revision: u64) -> Result<(), Refusal> {
        if revision < self.present.compacted {
            return Err(errors::expired(revision, self.present.compacted));
        }
        Ok(())
    }

    pub(crate) fn compact(&mut self, revision: u64) {
        self.present.compacted = self.present.compacted.max(revision.min(self.revision()));
    }

    /// Stores the next version of an object, with its resourceVersion set.
    pub(crate) fn commit(
        &mut self,
        resource: &ResourceType,
        change: Change,
        mut object: Value,
        author: Author<'_>,
    ) -> Arc<Value> {
        self.present.revision += 1;
        let revision = self.present.revision;
        object["metadata"]["resourceVersion"] = revision.to_string().into();
        let object = Arc::new(object);
        let key = key_of(&object);
        let collection = self.present.collections.entry(resource.qualified()).or_default();
        let previous = match change {
            Change::Deleted => collection.current.remove(&key),
            Change::Added | Change::Modified => collection.current.insert(key.clone(), object.clone()),
        };
        let version = Arc::new(Version {
            resource_version: revision,
            at: author.now,
            change,
            object: object.clone(),
            writer: author.name.to_owned(),
            previous,
        });
        collection.log.push(version.clone());
        let journal = self.journal.entry(resource.qualified()).or_default();
        journal.entry(key).or_default().push(version);
        object
    }

    /// Every version of every object of a resource, by namespace and name.
    pub(crate) fn histories(&self, resource: &ResourceType) -> Vec<(Key, Vec<Arc<Version>>)> {
        let journal = self.journal.get(&resource.qualified());
        journal.into_iter().flatten().map(|(key, versions)| (key.clone(), versions.clone())).collect()
    }

    pub(crate) fn history(&self, resource: &ResourceType, key: &Key) -> Vec<Arc<Version>> {
        let journal = self.journal.get(&resource.qualified());
        journal.and_then(|journal| journal.get(key)).cloned().unwrap_or_default()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.present.clone()
    }

    pub(crate) fn restore(&mut self, snapshot: &Snapshot) {
        self.present = snapshot.clone();
        self.epoch += 1;
    }
}

pub(crate) fn key_of(object: &Value) -> Key {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}
