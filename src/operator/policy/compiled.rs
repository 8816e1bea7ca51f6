//! The policies as they decide: compiled once for each version.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{
    Api, Client, ResourceExt,
    api::ListParams,
    runtime::reflector::{ObjectRef, Store},
};
use passcode_core::{api::policy::PasscodeResetPolicy, policy::Policy};

use crate::operator::{
    calls::{CallError, call},
    guarded::Guarded,
    watches::{Filled, Version, version},
};

/// How long the resets of a new term wait for the first list of policies. Where they cannot be listed, each request says so.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// Labels of a namespace or a tenant.
pub type Labels = BTreeMap<String, String>;

/// The policies of one term.
pub struct Policies {
    objects: Store<Guarded<PasscodeResetPolicy>>,
    filled: Filled,
    compiled: Mutex<HashMap<String, (Version, Arc<Policy>)>>,
}

impl Policies {
    /// Those of this cache.
    #[must_use]
    pub fn new(objects: Store<Guarded<PasscodeResetPolicy>>, filled: Filled) -> Self {
        Self { objects, filled, compiled: Mutex::default() }
    }

    /// Resolves once they have been listed, or cannot be within ten seconds.
    pub async fn are_known(&self) {
        // What is not known afterwards holds every request that may depend on it.
        let _ = tokio::time::timeout(LISTED_WITHIN, self.filled.wait()).await;
    }

    /// All of them, as the cache has them; `None`: they were not listed yet.
    #[must_use]
    pub fn cached(&self) -> Option<Vec<Arc<Policy>>> {
        self.filled.is_filled().then(|| self.objects.state().iter().map(|object| self.compiled(object)).collect())
    }

    /// Whether there is any, as far as the cache knows.
    #[must_use]
    pub fn are_in_use(&self) -> bool {
        !self.filled.is_filled() || !self.objects.is_empty()
    }

    /// All of them, read live.
    ///
    /// # Errors
    /// [`CallError`]: then nobody can tell what is permitted.
    pub async fn live(&self, client: &Client) -> Result<Vec<Arc<Policy>>, CallError> {
        let api: Api<Guarded<PasscodeResetPolicy>> = Api::all(client.clone());
        let listed = call(api.list(&ListParams::default())).await?;
        Ok(listed.iter().map(|object| self.compiled(object)).collect())
    }

    /// The policy of this object. Compiling is dear, so the latest version of each is kept.
    pub fn compiled(&self, object: &Guarded<PasscodeResetPolicy>) -> Arc<Policy> {
        let (name, version) = (object.name_any(), version(object));
        let mut all = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, compiled)) = all.get(&name)
            && *known == version
        {
            return compiled.clone();
        }
        let compiled = Arc::new(match &object.0 {
            Ok(policy) => Policy::compile(&name, &policy.spec),
            Err(unread) => Policy::unreadable(&name, &unread.sentence(), &unread.spec),
        });
        all.insert(name, (version, compiled.clone()));
        compiled
    }

    /// The policy of this name as the cache has it.
    pub fn now(&self, name: &str) -> Option<Arc<Policy>> {
        self.objects.get(&ObjectRef::new(name)).map(|object| self.compiled(&object))
    }

    /// Forgets one that does not exist any more.
    pub fn forget(&self, name: &str) {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Namespace and tenant of the requests that one of these versions of a policy is about.
#[must_use]
pub fn selected(
    versions: &[Option<Arc<Policy>>],
    namespaces: &[(String, Labels)],
    tenants: &[(String, Labels)],
) -> HashSet<(String, String)> {
    let about = |of_tenant: &Labels, of_namespace: &Labels| {
        versions.iter().flatten().any(|policy| policy.is_about(Some(of_tenant), Some(of_namespace)))
    };
    let pairs = namespaces.iter().flat_map(|namespace| tenants.iter().map(move |tenant| (namespace, tenant)));
    pairs
        .filter(|((_, of_namespace), (_, of_tenant))| about(of_tenant, of_namespace))
        .map(|((namespace, _), (tenant, _))| (namespace.clone(), tenant.clone()))
        .collect()
}
