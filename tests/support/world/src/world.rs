//! A world in paused time: an API server in process, the simulator, and replicas of the operator.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use api_server::{ApiServer, Caller, Cut};
use graph_simulator::{Device, DeviceClass, EXAMPLE_SECRET, Simulator};
use k8s_openapi::{
    api::core::v1::Secret,
    jiff::{SignedDuration, Timestamp},
};
use kube::{Api, Client, api::PostParams};
use passcode_core::api::{
    conditions, manifests,
    reset::PasscodeReset,
    reset_status::{Outcome, PasscodeResetStatus},
    tenant::IntuneTenant,
};
use passcode_operator::{
    graph::{AllowedOrigins, Clock},
    operator::{Environment, run, transports::Transports},
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{
    objects::{HELPDESK, OPERATOR, credentials, reset_object, tenant, tenant_object},
    transport::{InProcess, Severable},
};

/// When every world begins.
pub const BEGIN: &str = "2026-11-22T09:00:00Z";

/// What every world's API server begins with; made once, for thousands of worlds have the same.
static FRESH: LazyLock<ApiServer> = LazyLock::new(|| {
    let api = ApiServer::new();
    api.set_now(BEGIN.parse().unwrap());
    for definition in manifests::definitions().unwrap() {
        api.register(definition);
    }
    api.create_namespace(OPERATOR, &[]);
    api.create_namespace(HELPDESK, &[("team", "it")]);
    api
});

/// The operator's clocks in paused time; the wall clock may be wrong by `offset`.
pub struct PausedClock {
    begin: Timestamp,
    start: Instant,
    offset: SignedDuration,
}

impl Clock for PausedClock {
    fn boot(&self) -> Duration {
        // Far from zero, as after a day's uptime.
        Duration::from_secs(86_400) + self.start.elapsed()
    }

    fn wall(&self) -> Timestamp {
        self.begin + SignedDuration::try_from(self.start.elapsed()).unwrap() + self.offset
    }
}

/// A running replica.
pub struct Replica {
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<()>>,
    plug: Plug,
}

/// What a replica hangs by: its ways to the API server and to Graph.
#[derive(Clone)]
pub struct Plug {
    caller: Caller,
    severed: watch::Sender<bool>,
}

impl Plug {
    /// From this moment on nothing of the replica reaches anybody, and nobody reaches it.
    pub fn pull(&self) {
        self.caller.cut_off(Cut::Silent);
        self.severed.send_replace(true);
    }
}

impl Replica {
    /// Starts one in the runtime at hand.
    #[must_use]
    pub fn start((environment, plug): (Environment, Plug)) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(run(environment, stopped)), plug }
    }

    /// What SIGTERM does, from elsewhere.
    pub fn sigterm(&self) -> impl Fn() + Send + Sync + 'static {
        let stop = self.stop.clone();
        move || {
            stop.send_replace(true);
        }
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// SIGTERM, and until everything in flight is finished.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
    }

    /// SIGKILL. What starts in its place has another name.
    ///
    /// Its tasks cannot be found to be aborted, and the end of `stop` tells them to finish in good order: whatever they do from
    /// here on, the lease that they would let go included, stays with them.
    pub async fn kill(self) {
        self.plug.pull();
        self.task.abort();
        let _ = self.task.await;
    }

    /// By which it can be killed while it is in somebody else's hands.
    pub fn plug(&self) -> Plug {
        self.plug.clone()
    }
}

/// The world.
pub struct World {
    /// The API server.
    pub api: ApiServer,
    /// Entra, Graph and Intune.
    pub graph: Simulator,
    /// A client that nothing goes wrong for.
    pub client: Client,
    start: Instant,
    /// How wrong the operator's own wall clock is.
    pub clock_offset: SignedDuration,
    /// How replicas reach Graph: the simulator, in process.
    pub transports: Arc<dyn Transports>,
    /// The pod's projected token; there is none unless it is written.
    pub token_file: PathBuf,
    /// Where credentials may be sent besides Microsoft's own origins, which the simulator's are.
    pub allowed_origins: AllowedOrigins,
    /// Where replicas serve probes and metrics; nowhere unless set.
    pub listen: Option<SocketAddr>,
}

impl World {
    /// An empty world with the definitions, the namespaces and the secret.
    pub async fn empty() -> Self {
        let begin: Timestamp = BEGIN.parse().unwrap();
        let api = FRESH.fork();
        api.set_now(begin);
        let graph = Simulator::starting_at(begin);
        let client = api.client();
        let secrets: Api<Secret> = Api::namespaced(client.clone(), OPERATOR);
        secrets.create(&PostParams::default(), &credentials(EXAMPLE_SECRET)).await.unwrap();
        Self {
            api,
            transports: Arc::new(InProcess(graph.clone())),
            graph,
            client,
            start: Instant::now(),
            clock_offset: SignedDuration::ZERO,
            token_file: "/nowhere".into(),
            allowed_origins: AllowedOrigins::default(),
            listen: None,
        }
    }

    /// The same with the tenant `default`.
    pub async fn new() -> Self {
        let world = Self::empty().await;
        world.create_tenant(tenant("default")).await;
        world
    }

    /// True time.
    pub fn now(&self) -> Timestamp {
        BEGIN.parse::<Timestamp>().unwrap() + SignedDuration::try_from(self.start.elapsed()).unwrap()
    }

    /// Creates a tenant.
    pub async fn create_tenant(&self, value: Value) -> IntuneTenant {
        let tenants: Api<IntuneTenant> = Api::all(self.client.clone());
        tenants.create(&PostParams::default(), &tenant_object(value)).await.unwrap()
    }

    /// A tenant as it is stored.
    pub async fn tenant(&self, name: &str) -> IntuneTenant {
        Api::all(self.client.clone()).get(name).await.unwrap()
    }

    /// A device of this class; answers its serial number and its id.
    pub fn device(&self, class: DeviceClass, number: u32) -> (String, String) {
        self.add(Device::example(class, number))
    }

    /// Enrols a device; answers its serial number and its id.
    pub fn add(&self, device: Device) -> (String, String) {
        let serial = device.serial().to_owned();
        let id = self.graph.add_device(device);
        (serial, id)
    }

    /// The help desk's PasscodeResets.
    pub fn resets(&self) -> Api<PasscodeReset> {
        Api::namespaced(self.client.clone(), HELPDESK)
    }

    /// Declares.
    pub async fn create(&self, value: Value) -> PasscodeReset {
        let object = reset_object(value);
        let namespace = object.metadata.namespace.clone().unwrap();
        Api::namespaced(self.client.clone(), &namespace).create(&PostParams::default(), &object).await.unwrap()
    }

    /// Starts a replica.
    pub fn replica(&self, name: &str) -> Replica {
        self.replica_by(name, self.transports.clone())
    }

    /// Starts a replica that reaches Graph by these transports.
    pub fn replica_by(&self, name: &str, transports: Arc<dyn Transports>) -> Replica {
        Replica::start(self.environment_by(name, transports))
    }

    /// What a replica runs on, and what it hangs by. It is to be made in the runtime that the replica runs in.
    pub fn environment(&self, name: &str) -> (Environment, Plug) {
        self.environment_by(name, self.transports.clone())
    }

    fn environment_by(&self, name: &str, transports: Arc<dyn Transports>) -> (Environment, Plug) {
        let plug = Plug { caller: self.api.caller(name), severed: watch::channel(false).0 };
        let clock = PausedClock { begin: BEGIN.parse().unwrap(), start: self.start, offset: self.clock_offset };
        let environment = Environment {
            client: self.api.client_named(name),
            namespace: OPERATOR.to_owned(),
            identity: name.to_owned(),
            clock: Arc::new(clock),
            transports: Arc::new(Severable { inner: transports, severed: plug.severed.subscribe() }),
            token_file: self.token_file.clone(),
            allowed_origins: self.allowed_origins.clone(),
            probe_identity: false,
            listen: self.listen,
        };
        (environment, plug)
    }

    /// The status as it is stored.
    pub async fn status(&self, name: &str) -> PasscodeResetStatus {
        self.resets().get(name).await.unwrap().status.unwrap_or_default()
    }

    /// Waits until the status is as wanted, for at most so long of the world's time.
    pub async fn until(
        &self,
        name: &str,
        at_most: Duration,
        wanted: impl Fn(&PasscodeResetStatus) -> bool,
    ) -> PasscodeResetStatus {
        let deadline = Instant::now() + at_most;
        // Rarer and rarer: an hour of the world's time is not to cost thousands of reads.
        let mut pause = Duration::from_millis(200);
        loop {
            let status = self.status(name).await;
            if wanted(&status) {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{name} after {at_most:?}: {}",
                serde_json::to_string_pretty(&status).unwrap()
            );
            tokio::time::sleep(pause).await;
            pause = (pause + pause / 8).min(Duration::from_secs(20));
        }
    }

    /// Waits for the outcome, for at most so long of the world's time, and checks the status.
    pub async fn outcome(&self, name: &str, at_most: Duration) -> PasscodeResetStatus {
        let status = self.until(name, at_most, |status| status.outcome.is_some()).await;
        check(&status);
        status
    }

    /// Waits for the outcome and checks it with its reason.
    pub async fn ends(&self, name: &str, at_most: Duration, outcome: Outcome, reason: &str) -> PasscodeResetStatus {
        let status = self.outcome(name, at_most).await;
        let got = (status.outcome, status.reason().to_owned());
        let message = conditions::get(&status.conditions, "Ready").map(|ready| ready.message.clone());
        assert_eq!(got, (Some(outcome), reason.to_owned()), "{name}: {message:?}");
        status
    }

    /// How many resets were carried out on the device at the apps' request.
    pub fn executed(&self, device_id: &str) -> usize {
        self.graph.executed().iter().filter(|executed| executed.device == device_id).count()
    }

    /// Nothing was asked of Graph that is not documented.
    pub fn no_refusals(&self) {
        let refusals = self.graph.refusals();
        assert!(refusals.is_empty(), "{refusals:?}");
    }
}

/// What holds of every status: which conditions there are, and when.
pub fn check(status: &PasscodeResetStatus) {
    let is = |kind: &str| conditions::is_true(&status.conditions, kind);
    let count = |kinds: &[&str]| kinds.iter().filter(|kind| is(kind)).count();
    assert_eq!(status.conditions.first().map(|c| c.type_.as_str()), Some("Ready"));
    assert_eq!(count(&["Complete", "Rejected", "Failed"]), usize::from(status.outcome.is_some()));
    assert!(count(&["Reconciling", "Stalled"]) <= 1);
    assert_eq!(is("Reconciling"), status.outcome.is_none());
    assert_eq!(is("Stalled"), matches!(status.outcome, Some(Outcome::Rejected | Outcome::Failed)));
    assert_eq!(is("Ready"), status.outcome == Some(Outcome::Complete));
    assert_eq!(status.completion_time.is_some(), status.outcome.is_some());
    assert!(
        status.conditions.iter().all(|c| c.observed_generation == status.observed_generation && !c.reason.is_empty())
    );
    for kind in ["Supported", "Permitted", "Issued"] {
        assert!(conditions::get(&status.conditions, kind).is_some(), "{kind}");
    }
}
