//! What objects depend on besides their tenant's verdict: that the tenant exists, and what their namespace's labels permit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kube::ResourceExt;

use super::{
    context::{Context, Wake},
    namespaces,
    tenant::Tenant,
};
use crate::telemetry::health::Watch;

/// The labels of all namespaces, by name: they decide whether a namespace's objects may go on; nothing else of it does.
type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// What the caches showed last.
pub struct Dependencies {
    context: Arc<Context>,
    labels: Labels,
    /// The names of all tenants.
    tenants: BTreeSet<String>,
}

impl Dependencies {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, labels: BTreeMap::new(), tenants: BTreeSet::new() }
    }

    /// Something came by a watch, and is in its cache: whom it concerns is woken.
    pub fn heard(&mut self, watch: Watch) {
        match watch {
            Watch::Namespaces => {
                let all = self.context.namespaces.state();
                let now =
                    all.iter().map(|namespace| (namespace.name_any(), namespace.labels().clone())).collect::<Labels>();
                for wake in permissions_changed(&self.context.tenants.all(), &self.labels, &now) {
                    self.context.tenants.wake(wake);
                }
                self.labels = now;
            }
            Watch::Tenants => {
                // One that goes away before it was set up has no verdict that could change.
                let now = self.context.tenant_objects.state().iter().map(|tenant| tenant.name_any()).collect();
                for name in self.tenants.symmetric_difference(&now) {
                    self.context.tenants.wake_objects_of(name);
                }
                self.tenants = now;
            }
            Watch::Matrices | Watch::Resets => {}
        }
    }
}

/// The namespaces that a tenant allows now and did not before, or the other way round, each with that tenant.
fn permissions_changed(tenants: &[Arc<Tenant>], before: &Labels, now: &Labels) -> Vec<Wake> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changed = Vec::new();
    for name in names.into_iter().filter(|name| before.get(*name) != now.get(*name)) {
        for tenant in tenants {
            let allows = |labels: &Labels| {
                labels.get(name).is_some_and(|labels| namespaces::allows_labels(tenant.spec(), labels))
            };
            if allows(before) != allows(now) {
                changed.push(Wake::Namespace { namespace: name.clone(), tenant: tenant.object.name_any() });
            }
        }
    }
    changed
}
