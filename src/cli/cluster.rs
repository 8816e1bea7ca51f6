//! The cluster that a command speaks to, and its answers in words.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::{
    Api, Client, Config, Error,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::operator::denial;

/// Which cluster, as kubectl is told.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct ClusterArguments {
    /// The namespace. Default: that of the kubeconfig's context.
    #[arg(long, short)]
    namespace: Option<String>,
    /// The kubeconfig's context. Default: its current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig. Default: KUBECONFIG, then ~/.kube/config, then the cluster that the pod runs in.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// A cluster, as the person at the keyboard is signed in there.
pub(super) struct Cluster {
    pub client: Client,
    pub namespace: String,
}

impl ClusterArguments {
    pub async fn connect(self) -> anyhow::Result<Cluster> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let config = match (&self.kubeconfig, &self.context) {
            (Some(path), _) => {
                let kubeconfig =
                    Kubeconfig::read_from(path).with_context(|| format!("--kubeconfig {}", path.display()))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(anyhow::Error::from)
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(anyhow::Error::from),
            (None, None) => Config::infer().await.map_err(anyhow::Error::from),
        };
        let mut config = config.context("no cluster: set KUBECONFIG, or name a kubeconfig by --kubeconfig")?;
        // What was stored although its answer got lost must not be stored a second time.
        config.default_retry = false;
        let namespace = self.namespace.unwrap_or_else(|| config.default_namespace.clone());
        Ok(Cluster { client: Client::try_from(config)?, namespace })
    }
}

impl Cluster {
    /// The name by which the API server knows the person at the keyboard.
    pub async fn own_name(&self) -> anyhow::Result<String> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        let review = review.map_err(|error| said(error, "ask the API server who you are"))?;
        let name = review.status.and_then(|status| status.user_info?.username);
        name.context("the API server does not say by which name it knows you")
    }
}

/// Why the API server did not do it, in words; `what` it was asked to do.
pub(super) fn said(error: Error, what: &str) -> anyhow::Error {
    let Error::Api(status) = &error else { return anyhow::Error::from(error).context(format!("could not {what}")) };
    if let Some(denial) = denial(status) {
        return anyhow!("could not {what}: {}", denial.sentence);
    }
    match status.code {
        401 => anyhow!("could not {what}: the API server does not know you; sign in again"),
        403 => anyhow!("you may not {what}: {}", status.message),
        _ => anyhow!("could not {what}: {}", status.message),
    }
}
