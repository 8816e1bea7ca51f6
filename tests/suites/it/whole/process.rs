//! The operator's binary as a process, and what it runs against.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options};
use graph_simulator::{EXAMPLE_SECRET, ServeOptions, Server, Simulator, serve};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use passcode_core::api::{manifests, reset::PasscodeReset, reset_status::PasscodeResetStatus, tenant::IntuneTenant};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use world::objects::{HELPDESK, OPERATOR, tenant, with};

/// A control plane, Graph over HTTPS, and a tenant with short bounds, so that what has to settle settles in seconds.
pub struct Whole {
    pub plane: ControlPlane,
    pub graph: Simulator,
    pub client: Client,
    server: Server,
}

impl Whole {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same with a control plane of other options.
    pub async fn start_with(options: Options) -> Self {
        let plane = ControlPlane::start(options).await.unwrap();
        let graph = Simulator::starting_at(Timestamp::now());
        let server = serve(&graph, ServeOptions::default()).await.unwrap();
        let client = plane.client().await.unwrap();
        for definition in manifests::definitions().unwrap() {
            plane.apply(&serde_json::to_string(&definition).unwrap()).await.unwrap();
        }
        plane.create_namespace(OPERATOR).await.unwrap();
        plane.create_namespace(HELPDESK).await.unwrap();
        let whole = Self { plane, graph, client, server };
        whole.apply_tenant().await;
        whole
    }

    async fn apply_tenant(&self) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "graph-credentials", "namespace": OPERATOR},
            "stringData": {"clientSecret": EXAMPLE_SECRET},
        });
        self.plane.apply(&secret.to_string()).await.unwrap();
        let endpoints = json!({
            "graph": self.server.graph_origin(),
            "authority": self.server.authority_origin(),
            "caBundle": self.server.ca_pem(),
        });
        let timing = json!({"clockError": "1s", "sendGrace": "3s", "ledgerLag": "3s", "ledgerClockError": "2s"});
        let tenant = with(tenant("default"), json!({"endpoints": endpoints, "timing": timing, "minInterval": "0s"}));
        self.apply(&tenant).await;
    }

    /// Applies an object. A definition that was applied before it is served a moment later.
    pub async fn apply(&self, object: &Value) {
        for _ in 0..50 {
            if self.plane.apply(&object.to_string()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.plane.apply(&object.to_string()).await.unwrap();
    }

    /// Changes the tenant.
    pub async fn patch_tenant(&self, patch: &Value) {
        let tenants: Api<IntuneTenant> = Api::all(self.client.clone());
        tenants.patch("default", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Starts the binary; its log goes to a file beside the servers'.
    pub fn operator(&self, name: &str) -> Operator {
        self.operator_with(name, &self.plane.admin_kubeconfig())
    }

    /// The same with the rights of whoever this kubeconfig is for.
    pub fn operator_with(&self, name: &str, kubeconfig: &Path) -> Operator {
        let log = self.plane.directory().join(format!("{name}.log"));
        let file = std::fs::File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_passcode-operator"))
            .args(["run", "--listen", "127.0.0.1:0", "--log", "passcode_operator=debug"])
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAMESPACE", OPERATOR)
            .env("ALLOWED_ENDPOINTS", format!("{} {}", self.server.graph_origin(), self.server.authority_origin()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Operator { child, log }
    }

    pub fn resets(&self) -> Api<PasscodeReset> {
        Api::namespaced(self.client.clone(), HELPDESK)
    }

    /// Waits for the outcome; the log is shown where it does not come.
    pub async fn outcome(&self, name: &str, at_most: Duration, operator: &Operator) -> PasscodeResetStatus {
        let begin = Instant::now();
        loop {
            let status = self.resets().get(name).await.unwrap().status.unwrap_or_default();
            if status.outcome.is_some() {
                world::check(&status);
                return status;
            }
            if begin.elapsed() > at_most {
                panic!("{name}: {status:#?}\n{}", operator.log());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// A running binary.
pub struct Operator {
    child: Child,
    log: PathBuf,
}

impl Operator {
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks one of its endpoints; the address is in its log.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let log = self.log();
        let address = log.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits for at most a minute; the log is shown where it does not come.
    pub async fn eventually(&self, holds: impl AsyncFn() -> bool) {
        let begin = Instant::now();
        while !holds().await {
            assert!(begin.elapsed() < Duration::from_secs(60), "{}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM; answers how long it took to end, and checks that it ended well.
    pub async fn terminate(mut self) -> Duration {
        let begin = Instant::now();
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
        begin.elapsed()
    }
}
