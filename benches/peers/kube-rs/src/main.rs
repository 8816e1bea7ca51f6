//! A plain operator with kube-rs, as its documentation teaches it: watch, reconcile, and remember in the status what was done.
//!
//! It is a peer, not a part of this project: the campaign plays the same script to it (`make campaign-peers`). It is meant to be decent code
//! of its kind: the framework's defaults, no repetition of a request by hand, errors tried again after five seconds.

mod graph;

use std::{sync::Arc, time::Duration};

use clap::{Parser, ValueEnum};
use futures::StreamExt;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, CustomResource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{Controller, controller::Action, watcher},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::graph::{Graph, GraphError};

/// A reset of one phone.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize)]
#[kube(group = "peers.example.com", version = "v1alpha1", kind = "PasscodeReset", namespaced)]
#[kube(status = "PasscodeResetStatus", schema = "disabled")]
#[serde(rename_all = "camelCase")]
struct PasscodeResetSpec {
    device: Device,
    request_time: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    managed_device_id: String,
}

/// How far it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct PasscodeResetStatus {
    phase: Option<Phase>,
    completion_time: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
enum Phase {
    Claimed,
    Complete,
}

/// Whether it is written down before the request that there will be one, and what follows from finding that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Claim {
    /// Nothing is written before.
    None,
    /// `Claimed` is written before; what is found Claimed is carried out, for nobody knows whether it was.
    Resume,
    /// `Claimed` is written before; what is found Claimed is left alone, for nobody knows whether it was.
    Leave,
}

#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, value_enum, default_value = "none")]
    claim: Claim,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("Kubernetes: {0}")]
    Kube(#[from] kube::Error),
    #[error(transparent)]
    Graph(#[from] GraphError),
}

struct Context {
    client: Client,
    graph: Graph,
    claim: Claim,
}

async fn reconcile(reset: Arc<PasscodeReset>, context: Arc<Context>) -> Result<Action, Error> {
    let api: Api<PasscodeReset> = Api::namespaced(context.client.clone(), &reset.namespace().unwrap_or_default());
    let phase = reset.status.as_ref().and_then(|status| status.phase);
    match (phase, context.claim) {
        (Some(Phase::Complete), _) | (Some(Phase::Claimed), Claim::Leave) => return Ok(Action::await_change()),
        (None, Claim::Resume | Claim::Leave) => {
            write(&api, &reset.name_any(), json!({"phase": Phase::Claimed})).await?
        }
        _ => {}
    }
    context.graph.reset_passcode(&reset.spec.device.managed_device_id).await?;
    let done = json!({"phase": Phase::Complete, "completionTime": Timestamp::now().to_string()});
    write(&api, &reset.name_any(), done).await?;
    tracing::info!(name = reset.name_any(), "reset");
    Ok(Action::await_change())
}

async fn write(api: &Api<PasscodeReset>, name: &str, status: serde_json::Value) -> Result<(), kube::Error> {
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await.map(|_| ())
}

fn error_policy(reset: Arc<PasscodeReset>, error: &Error, _: Arc<Context>) -> Action {
    tracing::warn!(name = reset.name_any(), %error, "tried again");
    Action::requeue(Duration::from_secs(5))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let arguments = Arguments::parse();
    let client = Client::try_default().await?;
    let context =
        Arc::new(Context { client: client.clone(), graph: Graph::from_environment()?, claim: arguments.claim });
    Controller::new(Api::<PasscodeReset>::all(client), watcher::Config::default())
        .shutdown_on_signal()
        .run(reconcile, error_policy, context)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::warn!(%error, "reconciliation failed");
            }
        })
        .await;
    Ok(())
}
