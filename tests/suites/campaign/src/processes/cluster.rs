//! A real control plane with the operator's definitions, and everything that its etcd ever held of them.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use api_server::{Change, Key, Version};
use control_plane::{ControlPlane, Options, Revision, Snapshot};
use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};
use passcode_core::api::{manifests, reset::PasscodeReset, reset_status::PasscodeResetStatus, tenant::IntuneTenant};
use serde_json::{Value, json};
use tokio::time::Instant;
use world::objects::{HELPDESK, OPERATOR, reset_object};

use super::intune::Intune;
use crate::audit::Records;

/// The operator's API group.
pub const GROUP: &str = "passcode-operator.dev";
/// How often something is looked at until it is as wanted.
const PERIOD: Duration = Duration::from_millis(200);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A control plane, and a client for whom nothing is forbidden.
pub struct Cluster {
    /// The servers.
    pub plane: ControlPlane,
    /// The client.
    pub client: Client,
}

impl Cluster {
    /// Starts one with the definitions, the namespaces and the tenant's secret. etcd waits for the disk.
    pub async fn start() -> Self {
        let plane = ControlPlane::start(options()).await.unwrap();
        for definition in manifests::definitions().unwrap() {
            plane.apply(&serde_json::to_string(&definition).unwrap()).await.unwrap();
        }
        for namespace in [OPERATOR, HELPDESK] {
            plane.create_namespace(namespace).await.unwrap();
        }
        plane.apply(&Intune::secret().to_string()).await.unwrap();
        Self { client: plane.client().await.unwrap(), plane }
    }

    /// The same cluster on another machine, as a snapshot has it.
    pub async fn start_from(snapshot: &Snapshot) -> Self {
        let plane = ControlPlane::start_from(snapshot, options()).await.unwrap();
        Self { client: plane.client().await.unwrap(), plane }
    }

    /// Applies, again and again until it is taken: a definition is served a moment after it was applied.
    pub async fn apply(&self, object: &Value) {
        let text = object.to_string();
        until("it is applied", Duration::from_secs(60), || async { self.plane.apply(&text).await.ok() }).await;
    }

    /// Waits until an operator has signed in to a tenant.
    pub async fn tenant_is_ready(&self, name: &str) {
        let tenants: Api<IntuneTenant> = Api::all(self.client.clone());
        let ready = || async {
            let status = tenants.get(name).await.ok()?.status?;
            passcode_core::api::conditions::is_true(&status.conditions, "Ready").then_some(())
        };
        until("the tenant is ready", Duration::from_secs(90), ready).await;
    }

    /// The help desk's PasscodeResets.
    #[must_use]
    pub fn resets(&self) -> Api<PasscodeReset> {
        Api::namespaced(self.client.clone(), HELPDESK)
    }

    /// Declares.
    pub async fn declare(&self, object: &Value) {
        self.resets().create(&PostParams::default(), &reset_object(object.clone())).await.unwrap();
    }

    /// Waits until a status is as wanted. A server that is down in between is waited for.
    pub async fn status_when(
        &self,
        name: &str,
        at_most: Duration,
        wanted: impl Fn(&PasscodeResetStatus) -> bool,
    ) -> PasscodeResetStatus {
        let deadline = Instant::now() + at_most;
        loop {
            // A server that is frozen does not answer at all.
            let last = match tokio::time::timeout(PATIENCE, self.resets().get(name)).await {
                Ok(Ok(object)) => {
                    let status = object.status.unwrap_or_default();
                    if wanted(&status) {
                        return status;
                    }
                    serde_json::to_string(&status).unwrap()
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            assert!(Instant::now() < deadline, "{name} after {at_most:?}: {last}");
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Waits for the end; answers its reason.
    pub async fn ends(&self, name: &str, at_most: Duration) -> String {
        let status = self.status_when(name, at_most, |status| status.outcome.is_some()).await;
        world::check(&status);
        format!("{:?}/{}", status.outcome.unwrap(), status.reason())
    }

    /// What etcd holds and held of the operator's objects.
    pub async fn history(&self) -> Vec<Revision> {
        self.plane.history(GROUP).await.unwrap()
    }

    /// The PasscodeResets as they are now.
    pub async fn objects(&self) -> Vec<Value> {
        let list = self.resets().list(&ListParams::default()).await.unwrap();
        list.items.iter().map(|object| serde_json::to_value(object).unwrap()).collect()
    }

    /// What is known of a run at its end. `earlier` is what a restore took out of this etcd, or was in another.
    pub async fn records(&self, intune: &Intune, earlier: &[Vec<Revision>]) -> Records {
        let mut histories = BTreeMap::new();
        for past in earlier {
            collect(&mut histories, past);
        }
        collect(&mut histories, &self.history().await);
        Records {
            histories: histories.into_iter().collect(),
            objects: self.objects().await,
            graph: intune.simulator.clone(),
        }
    }
}

fn options() -> Options {
    Options { etcd_fsync: true, keep_history: true, ..Options::default() }
}

/// Adds the versions of PasscodeResets that one etcd had.
fn collect(histories: &mut BTreeMap<Key, Vec<Arc<Version>>>, revisions: &[Revision]) {
    let prefix = format!("/registry/{GROUP}/passcoderesets/");
    let mut current: BTreeMap<&str, Arc<Value>> = BTreeMap::new();
    for revision in revisions {
        let Some((namespace, name)) = revision.key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let previous = current.remove(revision.key.as_str());
        let object = revision.value.as_ref().map(|value| {
            let mut object: Value = serde_json::from_slice(value).unwrap();
            object["metadata"]["resourceVersion"] = json!(revision.revision.to_string());
            Arc::new(object)
        });
        let change = match (&object, &previous) {
            (None, _) => Change::Deleted,
            (Some(_), None) => Change::Added,
            (Some(_), Some(_)) => Change::Modified,
        };
        // A deletion holds the last state, as the API server's watches have it.
        let Some(shown) = object.clone().or_else(|| previous.clone()) else { continue };
        let version = Version::stored_elsewhere(revision.revision, stored_at(&shown), change, shown, previous);
        histories.entry((namespace.to_owned(), name.to_owned())).or_default().push(Arc::new(version));
        if let Some(object) = object {
            current.insert(&revision.key, object);
        }
    }
}

/// How far the simulator's clock and the API server's may be apart: the one runs on by itself from its start, the other can be set meanwhile.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(1);

/// When an object was last written, at the earliest and by the simulator's clock: it says so itself, to the second below.
fn stored_at(object: &Value) -> Timestamp {
    let entries = object["metadata"]["managedFields"].as_array();
    let times = entries.into_iter().flatten().filter_map(|entry| entry["time"].as_str()?.parse::<Timestamp>().ok());
    times.max().and_then(|time| time.checked_sub(CLOCKS_APART).ok()).unwrap_or(Timestamp::MIN)
}

/// Applies a definition in place of the one that is served, and waits until it is.
pub async fn serve_definition(cluster: &Cluster, definition: &CustomResourceDefinition) {
    cluster.plane.apply(&serde_json::to_string(definition).unwrap()).await.unwrap();
}

/// Waits until there is an answer.
pub async fn until<T, F>(what: &str, at_most: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + at_most;
    loop {
        // A server that is frozen does not answer at all.
        if let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, ask()).await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {at_most:?}: {what}");
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request that left right after its claim was stored arrives before it by a clock that is a little behind.
    #[test]
    fn a_claim_is_stored_before_what_it_allows_whichever_clock_is_behind() {
        let entry = |time: &str| json!({"time": time});
        let object =
            json!({"metadata": {"managedFields": [entry("2026-11-28T17:34:35Z"), entry("2026-11-28T17:34:01Z")]}});
        let arrived: Timestamp = "2026-11-28T17:34:34.936Z".parse().unwrap();
        assert!(stored_at(&object) < arrived);
        assert_eq!(stored_at(&json!({})), Timestamp::MIN);
    }
}
