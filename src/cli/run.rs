//! `passcode-operator run`

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use kube::{Client, Config};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use uuid::Uuid;

use super::Misuse;
use crate::{
    graph::{AllowedOrigins, SystemClock},
    operator::{Environment, run, transports::Network},
    telemetry::logs,
};

/// Where a pod's service account says its namespace.
const POD_NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// What is printed below the options.
const MORE: &str = "\
KUBECONFIG names the cluster; without it, it is the one that the pod runs in. HTTPS_PROXY and
NO_PROXY are honoured, for Graph and Entra as well as for an API server named by a kubeconfig.

The first SIGTERM or SIGINT stops it in order: nothing new begins, the lease is released at once,
what is in flight is finished and recorded. A second one ends it at once. Allow a minute or two
before you kill it (the chart gives it 120 s); killing it is safe, but then an object may have to
wait in VerifyingOutcome.";

#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct Arguments {
    /// Where to serve /livez, /readyz and /metrics, in plain HTTP.
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// The operator's own namespace: its Secrets and Leases. Default: the pod's, else that of the kubeconfig's context.
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,
    /// The pod's projected token, for tenants that sign in by workload identity.
    #[arg(
        long,
        env = "AZURE_FEDERATED_TOKEN_FILE",
        default_value = "/var/run/secrets/azure/tokens/azure-identity-token"
    )]
    token_file: PathBuf,
    /// An https origin besides Microsoft's own that an IntuneTenant may name in endpoints: the tenant's credentials are sent there. May be
    /// given several times; in the environment, separated by spaces. The option replaces the variable.
    #[arg(long = "allowed-endpoint", env = "ALLOWED_ENDPOINTS", value_name = "ORIGIN")]
    allowed_endpoints: Vec<String>,
    /// Try every five minutes that nobody approves or asks in another's name. For where the admission policies for identity are installed.
    #[arg(long, env = "PROBE_IDENTITY")]
    probe_identity: bool,
    /// What to log, such as info or passcode_operator=debug. Libraries never log below info.
    #[arg(long, env = "LOG", default_value = "info")]
    log: String,
    /// How to log.
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    log_format: logs::Format,
}

/// After how long without a byte from the API server a list or a watch is given up. The API server ends a watch before that, so only a
/// connection that is dead meets it; kube itself would wait forever.
const READ_TIME_OUT: Duration = Duration::from_secs(300);

pub(super) async fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let allowed_origins = AllowedOrigins::parse(&arguments.allowed_endpoints)
        .map_err(|error| Misuse(format!("--allowed-endpoint (ALLOWED_ENDPOINTS): {error}")))?;
    logs::begin(&arguments.log, arguments.log_format);
    let mut config = Config::infer().await.context("no cluster: set KUBECONFIG, or run in a pod")?;
    // A repeated write would meet its own first one as a conflict; each write here says itself what a lost answer means.
    config.default_retry = false;
    config.read_timeout = Some(READ_TIME_OUT);
    let namespace = namespace(arguments.namespace, &config);
    let pod = std::env::var("HOSTNAME").unwrap_or_else(|_| "passcode-operator".to_owned());
    let environment = Environment {
        client: Client::try_from(config)?,
        namespace,
        identity: format!("{pod}_{}", Uuid::new_v4()),
        clock: Arc::new(SystemClock),
        transports: Arc::new(Network),
        token_file: arguments.token_file,
        allowed_origins,
        probe_identity: arguments.probe_identity,
        listen: Some(arguments.listen),
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), namespace = environment.namespace, "starting");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(until_told(stop)?);
    run(environment, stopped).await
}

fn namespace(told: Option<String>, config: &Config) -> String {
    let pods = || std::fs::read_to_string(Path::new(POD_NAMESPACE_FILE)).ok().map(|text| text.trim().to_owned());
    told.or_else(pods).filter(|name| !name.is_empty()).unwrap_or_else(|| config.default_namespace.clone())
}

/// Passes SIGTERM and SIGINT on; a second one ends the process at once.
fn until_told(stop: watch::Sender<bool>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        for told in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told > 1 {
                std::process::exit(1);
            }
            tracing::info!("stopping: finishing what is in flight");
            stop.send_replace(true);
        }
    })
}
