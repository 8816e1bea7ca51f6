//! What objects depend on besides their tenant's verdict: what their namespace's labels permit, and which policies are about it by them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{Stream, StreamExt};
use kube::{
    ResourceExt,
    runtime::{reflector::Store, watcher},
};
use passcode_core::policy::Policy;
use tokio::sync::watch;

use super::{
    namespaces,
    policy::Policies,
    reconciliations::stopped,
    tenant::{Tenant, Tenants},
    wakes::{Wake, Wakes},
    watches::Namespaces,
};

/// The labels of all namespaces, by name: they decide whether a namespace's objects may go on; nothing else of it does.
type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// Keeps the cache of namespaces, and wakes the objects whose permission changes, until `stop`.
pub async fn run(
    cache: Store<Namespaces>,
    events: impl Stream<Item = watcher::Event<Namespaces>> + Send + 'static,
    tenants: Arc<Tenants>,
    policies: Arc<Policies>,
    wakes: Wakes,
    stop: watch::Receiver<bool>,
) {
    let mut before = Labels::new();
    let work = events.for_each(|event| {
        // Until a list is complete, the cache is as it was.
        if !matches!(event, watcher::Event::Init | watcher::Event::InitApply(_)) {
            let all = cache.state();
            let now =
                all.iter().map(|namespace| (namespace.name_any(), namespace.labels().clone())).collect::<Labels>();
            let policies = policies.cached().unwrap_or_default();
            permissions_changed(&tenants.all(), &policies, &before, &now).into_iter().for_each(|wake| wakes.wake(wake));
            before = now;
        }
        std::future::ready(())
    });
    tokio::select! {
        () = work => {}
        () = stopped(stop) => {}
    }
}

/// The namespaces that a tenant allows now and did not before, or the other way round, and those that other policies are about now, each with that
/// tenant.
fn permissions_changed(tenants: &[Arc<Tenant>], policies: &[Arc<Policy>], before: &Labels, now: &Labels) -> Vec<Wake> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changed = Vec::new();
    for name in names.into_iter().filter(|name| before.get(*name) != now.get(*name)) {
        for tenant in tenants {
            let allows = |labels: &Labels| {
                labels.get(name).is_some_and(|labels| namespaces::allows_labels(tenant.spec(), labels))
            };
            let about = |labels: &Labels| {
                let of_tenant = tenant.object.labels();
                policies.iter().map(|policy| policy.is_about(Some(of_tenant), labels.get(name))).collect::<Vec<_>>()
            };
            if allows(before) != allows(now) || about(before) != about(now) {
                changed.push(Wake::Namespace { namespace: name.clone(), tenant: tenant.object.name_any() });
            }
        }
    }
    changed
}
