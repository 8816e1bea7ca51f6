//! What a workload is played on: a control plane and an Intune of its own, fresh for each run.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use control_plane::{ControlPlane, Options};
use futures::{StreamExt, TryStreamExt, stream};
use graph_simulator::{
    Device, DeviceClass, DevicePlan, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, Limits, ServeOptions, Server,
    Simulator, Timestamp, serve,
};
use k8s_openapi::jiff::SignedDuration;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams},
};
use passcode_core::api::manifests;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::statistics::since_first;

/// The namespace of the operator.
pub const OPERATOR: &str = "passcode-operator";
/// The namespace of the help desk.
pub const HELPDESK: &str = "helpdesk";
/// The operator's API group.
pub const OURS: &str = "passcode-operator.dev";
/// The peers' API group.
pub const PEERS: &str = "peers.example.com";
/// How many objects are created at once: more only makes the API server slower.
const CREATORS: usize = 32;
/// How often it is looked whether a run has ended.
const PERIOD: Duration = Duration::from_millis(100);

/// How Intune behaves in a workload.
#[derive(Clone, Copy, Debug)]
pub struct Intune {
    /// Graph's limits; those of the tenant object are the same for one app.
    pub limits: Limits,
    /// From sending a request to its answer.
    pub latency: Duration,
    /// How long the ledger hides a new entry.
    pub ledger_lag: Duration,
}

impl Intune {
    /// No limit, no latency: what is measured is the operator and the API server.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            limits: Limits { app_writes: None, app_requests: None, ..Limits::default() },
            latency: Duration::ZERO,
            ledger_lag: Duration::ZERO,
        }
    }

    /// So many writes in 20 s and ten times as many requests, as Graph's published limits have it for one app with 200, and answers after
    /// 50 ms.
    #[must_use]
    pub fn limited(writes: usize) -> Self {
        Self {
            limits: Limits { app_writes: Some(writes), app_requests: Some(writes * 10), ..Limits::documented() },
            latency: Duration::from_millis(50),
            ledger_lag: Duration::from_secs(2),
        }
    }
}

/// A control plane with the definitions of all contestants, and Intune.
pub struct Stage {
    /// The servers.
    pub plane: ControlPlane,
    /// A client that may do everything.
    pub client: Client,
    /// What really happened.
    pub simulator: Simulator,
    /// How it behaves.
    pub intune: Intune,
    server: Server,
}

impl Stage {
    /// Starts everything. etcd waits for the disk with each write, as in a real cluster.
    ///
    /// # Errors
    /// If something does not start.
    pub async fn start(intune: Intune) -> Result<Self> {
        let plane = ControlPlane::start(Options { etcd_fsync: true, ..Options::default() }).await?;
        let simulator = Simulator::starting_at(Timestamp::now());
        simulator.configure(|settings| {
            settings.limits = intune.limits;
            settings.latency = intune.latency;
            settings.ledger_lag = intune.ledger_lag.into();
        });
        let server = serve(&simulator, ServeOptions::default()).await?;
        let stage = Self { client: plane.client().await?, plane, simulator, intune, server };
        for definition in manifests::definitions()? {
            stage.plane.apply(&serde_json::to_string(&definition)?).await?;
        }
        stage.plane.apply(include_str!("../peers/crd.yaml")).await?;
        for namespace in [OPERATOR, HELPDESK] {
            stage.plane.create_namespace(namespace).await?;
        }
        std::fs::write(stage.plane.directory().join("graph-ca.pem"), stage.server.ca_pem())?;
        for group in [OURS, PEERS] {
            stage.served(group).await?;
        }
        Ok(stage)
    }

    /// A definition is served a moment after it was applied.
    async fn served(&self, group: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.resets(group).list(&ListParams::default()).await {
            if Instant::now() > deadline {
                return Err(error).context("the definitions are not served");
            }
            sleep(PERIOD).await;
        }
        Ok(())
    }

    /// Applies the tenant `default` with its Secret, at the limits that Graph has here; `fields` go into its spec.
    ///
    /// # Errors
    /// If the API server refuses.
    pub async fn tenant(&self, fields: Value) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "graph-credentials", "namespace": OPERATOR},
            "stringData": {"clientSecret": EXAMPLE_SECRET},
        });
        let unlimited = 100_000;
        let mut tenant = json!({
            "apiVersion": format!("{OURS}/v1alpha1"), "kind": "IntuneTenant", "metadata": {"name": "default"},
            "spec": {
                "tenantId": EXAMPLE_TENANT, "clientId": EXAMPLE_CLIENT,
                "endpoints": {
                    "graph": self.server.graph_origin(), "authority": self.server.authority_origin(),
                    "caBundle": self.server.ca_pem(),
                },
                "auth": {"clientSecretRef": {"name": "graph-credentials"}},
                "allowedNamespaces": {},
                "limits": {
                    "requestsPer20s": self.intune.limits.app_requests.unwrap_or(unlimited),
                    "writesPer20s": self.intune.limits.app_writes.unwrap_or(unlimited),
                    "resetsPerHour": unlimited,
                },
            },
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            tenant["spec"][key] = value.clone();
        }
        self.plane.apply(&secret.to_string()).await?;
        self.plane.apply(&tenant.to_string()).await
    }

    /// What a peer finds in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        vec![
            ("GRAPH", self.server.graph_origin().into()),
            ("AUTHORITY", self.server.authority_origin().into()),
            ("TENANT_ID", EXAMPLE_TENANT.into()),
            ("CLIENT_ID", EXAMPLE_CLIENT.into()),
            ("CLIENT_SECRET", EXAMPLE_SECRET.into()),
            ("CA_FILE", self.plane.directory().join("graph-ca.pem").into()),
        ]
    }

    /// Where files of this run go.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.plane.directory()
    }

    /// Where Graph and Entra are, as the operator is told whom it may send credentials.
    #[must_use]
    pub fn origins(&self) -> String {
        format!("{} {}", self.server.graph_origin(), self.server.authority_origin())
    }

    /// Where Graph is.
    #[must_use]
    pub fn graph_origin(&self) -> &str {
        self.server.graph_origin()
    }

    /// Enrols phones that answer after `delay`; answers their ids.
    #[must_use]
    pub fn phones(&self, numbers: std::ops::Range<u32>, delay: Option<Duration>) -> Vec<String> {
        let enrol = |number| {
            let plan = DevicePlan { delay, ..DevicePlan::default() };
            self.simulator.add_device(Device::example(DeviceClass::IPhone, number).with_plan(plan))
        };
        numbers.map(enrol).collect()
    }

    /// The help desk's resets of a group.
    #[must_use]
    pub fn resets(&self, group: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(group, "v1alpha1", "PasscodeReset");
        Api::namespaced_with(self.client.clone(), HELPDESK, &ApiResource::from_gvk(&kind))
    }

    /// Declares a reset of each of these phones, many at once. Objects are named after their phones.
    ///
    /// # Errors
    /// If the API server refuses.
    pub async fn declare(&self, group: &str, phones: &[String]) -> Result<()> {
        let api = self.resets(group);
        let api = &api;
        let create = |phone: &String| {
            let object = declaration(group, phone);
            async move {
                let object: DynamicObject = serde_json::from_value(object)?;
                api.create(&PostParams::default(), &object).await?;
                anyhow::Ok(())
            }
        };
        let creations: Vec<_> = phones.iter().map(create).collect();
        stream::iter(creations).buffer_unordered(CREATORS).try_collect().await
    }

    /// Waits until each of `phones` was reset and each object of the group has its end, for as long as `at_most`; answers how many of
    /// the objects have none.
    ///
    /// # Errors
    /// If `go_on` says so; a server that does not answer is waited for.
    pub async fn completed(
        &self,
        group: &str,
        resets: usize,
        at_most: Duration,
        mut go_on: impl FnMut() -> Result<()>,
    ) -> Result<usize> {
        let deadline = Instant::now() + at_most;
        // A look at the objects costs the API server something, so the first comes when it can succeed.
        while self.simulator.executed().len() < resets && Instant::now() < deadline {
            go_on()?;
            sleep(PERIOD).await;
        }
        loop {
            go_on()?;
            let open = self.open(group).await?;
            if open == 0 || Instant::now() > deadline {
                return Ok(open);
            }
            sleep(PERIOD).await;
        }
    }

    /// How many objects have no end yet, by the API server's cache.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn open(&self, group: &str) -> Result<usize> {
        let selector = if group == OURS { "status.outcome=" } else { "status.phase!=Complete" };
        let list = self.resets(group).list_metadata(&ListParams::default().match_any().fields(selector)).await?;
        Ok(list.items.len())
    }

    /// The safety check: resets beyond one for each phone, and phones without any.
    #[must_use]
    pub fn duplicates_and_missing(&self, phones: &[String]) -> (usize, usize) {
        let mut times: HashMap<String, usize> = HashMap::new();
        for executed in self.simulator.executed() {
            *times.entry(executed.device).or_default() += 1;
        }
        let of = |phone: &String| times.get(phone).copied().unwrap_or_default();
        (
            phones.iter().map(|phone| of(phone).saturating_sub(1)).sum(),
            phones.iter().filter(|phone| of(phone) == 0).count(),
        )
    }

    /// When each reset was carried out, from the first.
    #[must_use]
    pub fn reset_times(&self) -> Vec<Duration> {
        let times: Vec<Timestamp> = self.simulator.executed().iter().map(|executed| executed.at).collect();
        since_first(&times)
    }

    /// How many requests were throttled.
    #[must_use]
    pub fn throttled(&self) -> usize {
        self.simulator.requests().iter().filter(|request| request.status == Some(429)).count()
    }
}

/// Fails unless the operator runs.
///
/// # Errors
/// If it does not.
pub fn still_runs(process: &mut crate::process::Measured) -> Result<()> {
    if process.runs()? {
        return Ok(());
    }
    bail!("the measured program has ended by itself")
}

/// A reset of a phone, named after it and asked for five seconds ago, as people ask before they declare. The same for everybody but for the
/// group. One that is asked for this very second takes a second longer: Graph's clock shows whole seconds, and the look has to come after.
#[must_use]
pub fn declaration(group: &str, phone: &str) -> Value {
    let asked = k8s_openapi::jiff::Timestamp::now() - SignedDuration::from_secs(5);
    let asked = passcode_core::api::Time(asked).floor_to_second();
    json!({
        "apiVersion": format!("{group}/v1alpha1"), "kind": "PasscodeReset",
        "metadata": {"name": phone, "namespace": HELPDESK},
        "spec": {"device": {"managedDeviceId": phone}, "requestTime": asked.to_string()},
    })
}
