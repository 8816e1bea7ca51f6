//! A control plane as a whole.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::arguments;
use crate::binaries;
use crate::component::Component;
use crate::credentials::{Credentials, User};
use crate::etcd::{self, Revision};
use crate::files;
use crate::kubectl;
use crate::ports::Port;
use crate::readiness::{self, Attempt};
use crate::server::Server;
use crate::snapshot::Snapshot;

/// What a control plane may be asked to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who can sign in besides the administrator; see [`ControlPlane::kubeconfig_for`].
    pub users: Vec<User>,
    /// Whether etcd waits for the disk with each write, as in a real cluster. Without it, writes survive a killed etcd but not a killed machine.
    pub etcd_fsync: bool,
    /// More arguments for kube-apiserver. The last of two equal flags counts.
    pub apiserver_arguments: Vec<String>,
    /// Whether etcd keeps every version of everything, for [`ControlPlane::history`].
    pub keep_history: bool,
    /// How long a server may take until it is ready. Generous, because tests share their machine with compilers.
    pub start_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            etcd_fsync: false,
            keep_history: false,
            apiserver_arguments: Vec::new(),
            start_timeout: Duration::from_secs(120),
        }
    }
}

/// A kube-apiserver and its etcd, gone when dropped.
///
/// Everything takes `&self`, so that one task can bring servers down while others work with them.
pub struct ControlPlane {
    // Dropped in this order: first the servers, then the directory that they write to, then the ports.
    etcd: Mutex<Server>,
    apiserver: Mutex<Server>,
    credentials: Credentials,
    directory: TempDir,
    binaries: PathBuf,
    ports: Ports,
    url: String,
    start_timeout: Duration,
}

/// The ports of a control plane.
struct Ports {
    etcd: Port,
    /// For other members of the etcd cluster: it insists on listening, though there are none.
    etcd_peers: Port,
    apiserver: Port,
}

impl ControlPlane {
    /// Starts etcd and kube-apiserver with fresh state and returns when they are ready and the namespace `default` exists.
    ///
    /// If they are not built yet, that takes minutes first. An error carries the end of both logs.
    pub async fn start(options: Options) -> Result<Self> {
        let binaries = binaries::directory().await?;
        Self::prepare(binaries, &options)?.begin().await
    }

    /// The same on another machine: with the state of a snapshot, and with ports, certificates and a data directory of its own.
    pub async fn start_from(snapshot: &Snapshot, options: Options) -> Result<Self> {
        let binaries = binaries::directory().await?;
        let control_plane = Self::prepare(binaries, &options)?;
        snapshot.put(control_plane.directory()).await?;
        control_plane.begin().await
    }

    async fn begin(self) -> Result<Self> {
        let control_plane = self;
        // Both at once, as the one takes a while to look for the other.
        control_plane.launch(Component::Etcd).await?;
        control_plane.launch(Component::ApiServer).await?;
        control_plane.wait_ready(Component::Etcd).await?;
        control_plane.wait_ready(Component::ApiServer).await?;
        control_plane.wait_namespace("default").await?;
        Ok(control_plane)
    }

    /// All that is needed to run the servers.
    fn prepare(binaries: PathBuf, options: &Options) -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("control-plane-")
            .tempdir()
            .context("cannot create a temporary directory")?;
        let directory = temporary.path();
        let ports = Ports { etcd: Port::reserve()?, etcd_peers: Port::reserve()?, apiserver: Port::reserve()? };
        let url = format!("https://127.0.0.1:{}", ports.apiserver.number());
        let credentials = Credentials::create(directory.join("credentials"), &url, &options.users)?;
        let mut more = options.apiserver_arguments.clone();
        if options.keep_history {
            more.push("--etcd-compaction-interval=0".to_owned());
        }
        let server =
            |component, arguments: Vec<OsString>| Mutex::new(Server::new(component, &binaries, directory, arguments));
        Ok(Self {
            etcd: server(
                Component::Etcd,
                arguments::etcd(
                    &files::etcd_data(directory),
                    ports.etcd.number(),
                    ports.etcd_peers.number(),
                    options.etcd_fsync,
                ),
            ),
            apiserver: server(
                Component::ApiServer,
                arguments::apiserver(&credentials, ports.etcd.number(), ports.apiserver.number(), &more),
            ),
            credentials,
            directory: temporary,
            binaries,
            ports,
            url,
            start_timeout: options.start_timeout,
        })
    }
}

/// Reaching it.
impl ControlPlane {
    /// Where kube-apiserver answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory with everything of this control plane, for files that should go with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The log of a server, over all its restarts.
    pub fn log(&self, component: Component) -> PathBuf {
        files::log(self.directory(), component)
    }

    /// The end of both logs, for messages of failed tests.
    pub fn log_tails(&self) -> String {
        [Component::Etcd, Component::ApiServer]
            .map(|component| format!("--- {component} ---\n{}", files::tail(&self.log(component))))
            .join("\n")
    }

    /// The directory that holds kube-apiserver, etcd and kubectl.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// A kubeconfig for somebody who may do everything.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.credentials.admin_kubeconfig()
    }

    /// A kubeconfig for one of [`Options::users`], by name.
    pub fn kubeconfig_for(&self, user: &str) -> Result<PathBuf> {
        self.credentials.kubeconfig(user)
    }

    /// A client that may do everything. Like every client it belongs to the runtime that it is made in.
    pub async fn client(&self) -> Result<Client> {
        readiness::client(&self.admin_kubeconfig()).await
    }

    /// A client for one of [`Options::users`], by name.
    pub async fn client_for(&self, user: &str) -> Result<Client> {
        readiness::client(&self.kubeconfig_for(user)?).await
    }

    /// Runs kubectl as the administrator, or as whoever a `--kubeconfig` among the arguments says.
    pub async fn kubectl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
        kubectl::run(&self.binaries, &self.admin_kubeconfig(), &self.directory().join("kubectl"), arguments).await
    }

    /// Applies a manifest of one or more objects, whatever was there before.
    pub async fn apply(&self, manifest: &str) -> Result<()> {
        let file = tempfile::NamedTempFile::new_in(self.directory())?;
        files::write(file.path(), manifest)?;
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f"];
        let output = self.kubectl(arguments.map(OsStr::new).into_iter().chain([file.path().as_os_str()])).await?;
        ensure!(output.status.success(), "kubectl apply failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Every version of the objects of an API group that etcd has kept, oldest first: all of them with [`Options::keep_history`]. A restore
    /// takes history back too.
    pub async fn history(&self, group: &str) -> Result<Vec<Revision>> {
        etcd::history(self.ports.etcd.number(), &format!("/registry/{group}")).await
    }

    /// What etcd has under a key, which has to be there.
    pub async fn stored(&self, key: &str) -> Result<Vec<u8>> {
        etcd::get(self.ports.etcd.number(), key).await
    }

    /// Stores many values under their keys in etcd, past the API server: thousands of objects in seconds, as if they had been there for long.
    pub async fn store(&self, values: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<()> {
        etcd::put_many(self.ports.etcd.number(), values).await
    }

    /// Creates a namespace.
    pub async fn create_namespace(&self, name: &str) -> Result<()> {
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let namespaces: Api<Namespace> = Api::all(self.client().await?);
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("cannot create the namespace {name}"))?;
        Ok(())
    }
}

/// Bringing it down and up.
impl ControlPlane {
    /// Asks a server to end and waits until it has. One that does not run is left alone.
    ///
    /// Each takes its time for that: kube-apiserver up to some 5 s, etcd 7 s while kube-apiserver is connected.
    pub async fn stop(&self, component: Component) -> Result<()> {
        self.server(component).await.stop().await
    }

    /// Ends a server with SIGKILL, at whatever point it is. One that does not run is left alone.
    pub async fn kill(&self, component: Component) {
        self.server(component).await.kill();
    }

    /// Freezes a server with SIGSTOP: its connections stay open and nothing is answered.
    pub async fn pause(&self, component: Component) -> Result<()> {
        self.server(component).await.pause()
    }

    /// Lets a paused server go on.
    pub async fn resume(&self, component: Component) -> Result<()> {
        self.server(component).await.resume()
    }

    /// Starts a server that does not run, with its state and port as they were, without waiting until it is ready.
    pub async fn launch(&self, component: Component) -> Result<()> {
        self.server(component).await.launch()
    }

    /// Stops a server if it runs, starts it with its state and port as they were, and waits until it is ready.
    ///
    /// kube-apiserver is never ready without etcd: after a failure of both, restart etcd first.
    pub async fn restart(&self, component: Component) -> Result<()> {
        let mut server = self.server(component).await;
        server.stop().await?;
        server.launch()?;
        drop(server);
        self.wait_ready(component).await
    }

    /// Waits until a server says that it is ready; fails at once when its process ends.
    pub async fn wait_ready(&self, component: Component) -> Result<()> {
        let client = self.client().await?;
        let check = async || {
            ensure!(self.server(component).await.is_running()?, "{component} does not run");
            let answer = match component {
                Component::Etcd => readiness::etcd(self.ports.etcd.number()).await,
                Component::ApiServer => readiness::apiserver(&client).await,
            };
            Ok(Attempt::from(answer))
        };
        readiness::until(self.start_timeout, check)
            .await
            .with_context(|| format!("{component} did not start\n{}", self.log_tails()))
    }

    /// The id of a server's process, `None` while it is down.
    pub async fn process_id(&self, component: Component) -> Result<Option<u32>> {
        self.server(component).await.id()
    }

    /// Copies etcd's state, for which etcd is down for a moment. Both servers run afterwards.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut etcd = self.etcd.lock().await;
        // A killed etcd recovers from its own log, while one that is asked to stop waits seconds for the API server to let go of its watches.
        etcd.kill();
        let snapshot = Snapshot::take(self.directory()).await?;
        etcd.launch()?;
        drop(etcd);
        self.wait_ready(Component::Etcd).await?;
        if self.process_id(Component::ApiServer).await?.is_none() {
            self.launch(Component::ApiServer).await?;
        }
        self.wait_ready(Component::ApiServer).await?;
        Ok(snapshot)
    }

    /// Takes etcd's state back to a snapshot, as after a disaster: all that was written since is gone, and resource versions are given out again.
    /// Both servers run afterwards.
    pub async fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        // Without a restart the API server would go on to answer from what it remembers of the lost future.
        self.kill(Component::ApiServer).await;
        let mut etcd = self.etcd.lock().await;
        etcd.kill();
        snapshot.put_back(self.directory()).await?;
        etcd.launch()?;
        drop(etcd);
        self.wait_ready(Component::Etcd).await?;
        self.launch(Component::ApiServer).await?;
        self.wait_ready(Component::ApiServer).await
    }

    async fn wait_namespace(&self, name: &str) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client().await?);
        let check = async || {
            Ok(match namespaces.get_opt(name).await {
                Ok(Some(_)) => Attempt::Passed,
                Ok(None) => Attempt::NotYet(anyhow::anyhow!("it does not exist")),
                Err(error) => Attempt::NotYet(error.into()),
            })
        };
        readiness::until(self.start_timeout, check)
            .await
            .with_context(|| format!("the namespace {name}\n{}", self.log_tails()))
    }

    async fn server(&self, component: Component) -> MutexGuard<'_, Server> {
        match component {
            Component::Etcd => self.etcd.lock().await,
            Component::ApiServer => self.apiserver.lock().await,
        }
    }
}
