//! The tenants of one term, by name, as they are in force.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use kube::{
    ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use super::Tenant;
use crate::operator::{
    guarded::Guarded,
    wakes::{Wake, Wakes},
};
use passcode_core::{api::tenant::IntuneTenant, lifecycle::observed::NotReady};

/// What is known of the tenant that an object names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can be asked, or says why not.
    SetUp,
    /// It exists, and there is nothing to say of it yet; its objects are woken once there is.
    BeingSetUp,
    /// There is no such IntuneTenant.
    Missing,
}

/// A tenant, or why this version cannot read it.
type Entry = Result<Arc<Tenant>, NotReady>;

/// The tenants of one term. What changes here wakes the objects that name the tenant.
pub struct Tenants {
    objects: Store<Guarded<IntuneTenant>>,
    by_name: RwLock<HashMap<String, Entry>>,
    wakes: Wakes,
}

impl Tenants {
    /// None is set up yet of those in the cache.
    #[must_use]
    pub fn new(objects: Store<Guarded<IntuneTenant>>, wakes: Wakes) -> Self {
        Self { objects, by_name: RwLock::default(), wakes }
    }

    /// The tenant of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.read().get(name)?.clone().ok()
    }

    /// What cannot be read of the tenant of this name, if it is there and that is so.
    #[must_use]
    pub fn unreadable(&self, name: &str) -> Option<NotReady> {
        self.read().get(name)?.clone().err()
    }

    /// What is known of the tenant of this name.
    #[must_use]
    pub fn presence(&self, name: &str) -> Presence {
        match self.read().get(name) {
            Some(Ok(tenant)) if tenant.signing_in => Presence::BeingSetUp,
            Some(_) => Presence::SetUp,
            None if self.objects.get(&ObjectRef::new(name)).is_some() => Presence::BeingSetUp,
            None => Presence::Missing,
        }
    }

    /// All that can be read.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.read().values().filter_map(|tenant| tenant.clone().ok()).collect()
    }

    /// Puts one in force. Its objects are woken if its verdict is another, or `recovered`: they may wait for what is over now. While it signs
    /// in there is nothing that they could do.
    pub fn put(&self, tenant: Arc<Tenant>, recovered: bool) {
        let name = tenant.object.name_any();
        let before = self.write().insert(name.clone(), Ok(tenant.clone()));
        let same = before.and_then(Result::ok).is_some_and(|before| before.verdict() == tenant.verdict());
        if !tenant.signing_in && (recovered || !same) {
            self.wake_objects_of(&name);
        }
    }

    /// Notes that this one cannot be read.
    pub fn put_unreadable(&self, name: &str, why: NotReady) {
        let before = self.write().insert(name.to_owned(), Err(why.clone()));
        if before.and_then(Result::err) != Some(why) {
            self.wake_objects_of(name);
        }
    }

    /// Takes one away that does not exist any more.
    pub fn remove(&self, name: &str) {
        self.write().remove(name);
        // Whether it was set up or not: its objects do not wait for that any longer.
        self.wake_objects_of(name);
    }

    /// Something changed that the objects may wait for which name this tenant.
    pub fn wake_objects_of(&self, name: &str) {
        self.wakes.wake(Wake::Tenant(name.to_owned()));
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Entry>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Entry>> {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner)
    }
}
