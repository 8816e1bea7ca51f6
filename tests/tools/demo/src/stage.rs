//! Everything that runs during the demonstration: control plane, simulator and operator.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use control_plane::{Component, ControlPlane, Options};
use graph_simulator::{
    EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, ServeOptions, Server, Simulator, Timestamp, admin, serve,
};
use kube::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::operator::Operator;
use crate::progress::Progress;
use crate::samples::{self, Sample};
use crate::{cast, objects, people};

/// The operator's own namespace, which `deploy/samples/secret.yaml` names.
const OPERATORS: &str = "passcode-operator";
/// The namespace of the samples.
pub const NAMESPACE: &str = "helpdesk";
/// The tenant of the samples.
const TENANT: &str = "default";
/// How long the tenant may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Everything that runs. It ends when this is dropped, the operator first: it finishes and records what is in flight.
pub struct Stage {
    operator: Mutex<Operator>,
    _admin: JoinSet<std::io::Result<()>>,
    _server: Server,
    control_plane: ControlPlane,
    /// What really happens to the devices.
    pub simulator: Simulator,
    /// The samples.
    pub samples: Vec<Sample>,
    /// Each declaration's device.
    pub devices: BTreeMap<&'static str, String>,
    /// For reading objects.
    pub client: Client,
    admin_port: u16,
    directory: PathBuf,
    /// The operator's program, which is the command line too.
    program: PathBuf,
    programs: PathBuf,
}

impl Stage {
    /// Starts everything; the tenant is ready then.
    pub async fn set(directory: &Path, binary: &Path, progress: &Progress) -> Result<Self> {
        progress.step("Starting etcd and kube-apiserver");
        let control_plane = ControlPlane::start(Options { users: people::all(), ..Options::default() }).await?;
        let client = control_plane.client().await?;

        progress.step("Starting the simulated Intune: Entra's token endpoint and Microsoft Graph, over HTTPS");
        let simulator = world();
        let server = serve(&simulator, ServeOptions::default()).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let admin_port = listener.local_addr()?.port();
        let mut admin = JoinSet::new();
        admin.spawn(admin::serve(simulator.clone(), listener));
        let samples = samples::resets()?;
        let devices = cast::enter(&simulator, &samples, simulator.now())?;
        progress.note(format!("{} with {} devices", server.graph_origin(), simulator.devices().len()));

        progress
            .step("Installing the CustomResourceDefinitions, roles and admission policies, and starting the operator");
        let crds = samples::repository().join("crds");
        print_output(&kubectl(&control_plane, &["apply", "--server-side", "-f", &crds.to_string_lossy()]).await?);
        control_plane.create_namespace(OPERATORS).await?;
        install(&control_plane, &people::INSTALLED).await?;
        let account = format!("system:serviceaccount:{OPERATORS}:{OPERATORS}");
        let operator =
            Operator::start(binary, directory, &control_plane.kubeconfig_for(&account)?, OPERATORS, &server)?;

        progress.step("Introducing the tenant: deploy/samples/{namespace,secret,tenant}.yaml; who may approve, and a policy that asks for it");
        for manifest in introduction(&server)? {
            control_plane.apply(&manifest.to_string()).await?;
        }
        install(&control_plane, &people::AGREEMENT).await?;
        let secret = samples::object("secret.yaml")?;
        let secret = secret["metadata"]["name"].as_str().unwrap_or_default();
        for binding in people::bindings(NAMESPACE, secret) {
            control_plane.apply(&binding.to_string()).await?;
        }
        let stage = Self {
            operator: Mutex::new(operator),
            _admin: admin,
            _server: server,
            control_plane,
            simulator,
            samples,
            devices,
            client,
            admin_port,
            directory: directory.to_owned(),
            program: binary.to_owned(),
            programs: binary.parent().unwrap_or(binary).to_owned(),
        };
        stage.tenant_is_ready().await?;
        progress
            .note("the tenant is ready: the operator has signed in, and has tried that nobody writes another's name");
        Ok(stage)
    }

    async fn tenant_is_ready(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            self.check()?;
            let tenant = objects::tenant(&self.client, TENANT).await?;
            if tenant.ready == "True" && tenant.identity == "True" {
                // Who asked before that was proved would not be known, and times are whole seconds.
                tokio::time::sleep(Duration::from_secs(2)).await;
                return Ok(());
            }
            ensure!(
                began.elapsed() < READY_LIMIT,
                "the tenant is not ready after {READY_LIMIT:?}: {} {} (log: {})",
                tenant.reason,
                tenant.message,
                self.directory.join("operator.log").display()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// An error if the operator does not run any more.
    pub fn check(&self) -> Result<()> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner).check()
    }

    /// Writes the samples, with times that begin now, to a directory.
    pub fn render(&self, now: Timestamp) -> Result<PathBuf> {
        let directory = self.directory.join("resets");
        fs::create_dir_all(&directory)?;
        for sample in &self.samples {
            fs::write(directory.join(format!("{}.yaml", sample.name)), sample.at(now)?)?;
        }
        Ok(directory)
    }

    /// Shows a kubectl command and what it prints.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<()> {
        println!("$ kubectl {}", arguments.join(" "));
        print_output(&kubectl(&self.control_plane, arguments).await?);
        Ok(())
    }

    /// Shows how the help desk applies a file or a directory.
    pub async fn declare(&self, what: &str) -> Result<()> {
        println!("$ kubectl apply -f {what}   # as {}", people::DESK);
        let kubeconfig = self.control_plane.kubeconfig_for(people::DESK)?;
        let arguments = ["--kubeconfig", &kubeconfig.to_string_lossy(), "apply", "-f", what];
        print_output(&kubectl(&self.control_plane, &arguments).await?);
        Ok(())
    }

    /// Shows what the team lead decides.
    pub async fn decide(&self, arguments: &[&str]) -> Result<()> {
        people::lead(&self.control_plane, &self.program, arguments).await
    }

    /// Adds to the directory what is needed to find out what went wrong. Failing here must not hide the reason.
    pub async fn keep_logs(&self) {
        for component in [Component::Etcd, Component::ApiServer] {
            let log = self.control_plane.log(component);
            let _ = fs::copy(&log, self.directory.join(log.file_name().unwrap_or_default()));
        }
        let arguments = ["get", "itn,pcr,leases,events", "--all-namespaces", "-o", "yaml"];
        if let Ok(objects) = kubectl(&self.control_plane, &arguments).await {
            let _ = fs::write(self.directory.join("objects.yaml"), objects);
        }
        let requests = json!({"requests": self.simulator.requests(), "resets": self.simulator.all_resets(), "refusals": self.simulator.refusals()});
        let _ = fs::write(self.directory.join("simulator.json"), format!("{requests:#}"));
    }

    /// Says how to go on by hand.
    pub fn invite(&self) {
        let operator = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        println!("\nEverything stays up until Ctrl-C. In another terminal:\n");
        println!("  export KUBECONFIG={}", self.control_plane.admin_kubeconfig().display());
        println!(
            "  export PATH=\"$PATH:{}:{}\"   # kubectl, passcode-operator",
            self.control_plane.binaries().display(),
            self.programs.display()
        );
        println!("  kubectl -n {NAMESPACE} get pcr -o wide\n");
        println!("The simulated Intune   http://127.0.0.1:{}/devices and /ledger", self.admin_port);
        println!("The operator's metrics {}", operator.metrics());
        println!("The operator's log     {}", operator.log().display());
    }
}

/// Applies files of the repository. A definition that was applied before them is served a moment later.
async fn install(control_plane: &ControlPlane, paths: &[&str]) -> Result<()> {
    let began = Instant::now();
    for path in paths {
        for file in people::files(path)? {
            let arguments = ["apply", "--server-side", "-f", &file];
            while let Err(error) = kubectl(control_plane, &arguments).await {
                ensure!(began.elapsed() < READY_LIMIT, "{error:#}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
    Ok(())
}

/// An Intune with the delays of a quick day.
fn world() -> Simulator {
    let simulator = Simulator::starting_at(Timestamp::now());
    simulator.configure(|settings| {
        settings.latency = Duration::from_millis(30);
        settings.ledger_lag = Duration::from_secs(3).into();
    });
    simulator
}

/// Namespace, Secret and IntuneTenant of the samples, for this simulator.
fn introduction(server: &Server) -> Result<[serde_json::Value; 3]> {
    let mut secret = samples::object("secret.yaml")?;
    secret["stringData"]["clientSecret"] = json!(EXAMPLE_SECRET);
    let mut tenant = samples::object("tenant.yaml")?;
    let spec = &mut tenant["spec"];
    spec["tenantId"] = json!(EXAMPLE_TENANT);
    spec["clientId"] = json!(EXAMPLE_CLIENT);
    spec["endpoints"] =
        json!({"graph": server.graph_origin(), "authority": server.authority_origin(), "caBundle": server.ca_pem()});
    // Bounds that hold here: one machine, no proxy in between, and a ledger that hides new entries for 3 s.
    spec["timing"] = json!({"clockError": "2s", "sendGrace": "10s", "ledgerLag": "6s"});
    Ok([samples::object("namespace.yaml")?, secret, tenant])
}

/// What kubectl printed, warnings included.
async fn kubectl(control_plane: &ControlPlane, arguments: &[&str]) -> Result<String> {
    let output = control_plane.kubectl(arguments).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {} failed: {said}", arguments.join(" "));
    let printed = String::from_utf8(output.stdout).context("kubectl printed something else than text")?;
    Ok(printed + &said)
}

fn print_output(text: &str) {
    for line in text.lines() {
        println!("  {line}");
    }
}
