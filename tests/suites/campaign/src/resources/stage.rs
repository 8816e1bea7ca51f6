//! What everything plays on: kube-apiserver and etcd, the operator in this process, the simulated Graph.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options};
use graph_simulator::{Device, EXAMPLE_SECRET, PathClass, Simulator};
use k8s_openapi::{apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition, jiff::Timestamp};
use kube::{Api, api::PostParams, config::Kubeconfig};
use passcode_core::api::manifests;
use passcode_operator::{
    graph::{AllowedOrigins, ConfigError, Endpoints, ReqwestTransport, SystemClock, Transport},
    operator::{Environment, run, transports::Transports},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};
use world::{
    objects::{HELPDESK, OPERATOR, credentials},
    transport::InProcess,
};

use super::{
    judge::{Judge, said},
    noise,
    places::{KEY, Place},
    record::Record,
    server::{Manner, Refused, Server},
    specimens::{Certificate, MATRIX, TENANT, matrix, phone, working_tenant},
    states,
    values::Change,
};

/// A word takes milliseconds, and the machine may be busy.
const FIRST_WORD: Duration = Duration::from_secs(150);

/// The stage.
pub struct Stage {
    /// It ends with the stage.
    _plane: ControlPlane,
    /// Requests to it.
    pub server: Server,
    /// Entra, Graph and Intune.
    pub graph: Simulator,
    /// Every version of everything.
    pub record: Record,
    /// For caBundle.
    pub certificate: Certificate,
    /// How long an object may wait for its first word.
    pub first_word: Duration,
    judge: Judge,
    counter: AtomicU32,
    counts: Mutex<Counts>,
    stop: watch::Sender<bool>,
    operator: JoinHandle<anyhow::Result<()>>,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Operations that were tried.
    pub operations: usize,
    /// Those that the API server took.
    pub taken: usize,
    /// Everything that was said in a refusal, once, with the first place and change that it was said of.
    pub refusals: BTreeMap<String, String>,
    /// Devices that only refused objects name.
    pub untouchable: BTreeSet<String>,
}

impl Stage {
    /// Builds it.
    pub async fn build() -> Self {
        noise::listen();
        let plane = ControlPlane::start(Options::default()).await.unwrap();
        let client = plane.client().await.unwrap();
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in manifests::definitions().unwrap() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let graph = Simulator::starting_at(Timestamp::now());
        graph.configure(|settings| settings.ledger_lag = Duration::ZERO.into());
        let (stop, stopped) = watch::channel(false);
        let environment = Environment {
            client: client.clone(),
            namespace: OPERATOR.to_owned(),
            identity: "resources".to_owned(),
            clock: Arc::new(SystemClock),
            transports: Arc::new(Loopback(InProcess(graph.clone()), Mutex::default())),
            token_file: "/nowhere".into(),
            allowed_origins: AllowedOrigins::default(),
            probe_identity: false,
            listen: None,
        };
        let stage = Self {
            certificate: certificate(&plane),
            server: Server { client: client.clone() },
            record: Record::begin(&client),
            _plane: plane,
            graph,
            first_word: FIRST_WORD,
            judge: Judge::new(),
            counter: AtomicU32::new(0),
            counts: Mutex::default(),
            stop,
            operator: tokio::spawn(run(environment, stopped)),
        };
        stage.furnish().await;
        stage
    }

    /// The namespaces, the Secret, the tenant and the matrix.
    async fn furnish(&self) {
        for name in [OPERATOR, HELPDESK] {
            self.must_create(&namespace(name)).await;
        }
        let mut secret = serde_json::to_value(credentials(EXAMPLE_SECRET)).unwrap();
        secret["kind"] = "Secret".into();
        secret["apiVersion"] = "v1".into();
        self.must_create(&secret).await;
        self.established(&matrix(MATRIX)).await;
        for object in [matrix(MATRIX), working_tenant(TENANT)] {
            self.must_create(&object).await;
            assert_eq!(self.settled(&object).await, Vec::<String>::new());
        }
    }

    /// A definition is served a moment after it was applied.
    async fn established(&self, object: &Value) {
        for _ in 0..100 {
            if self.server.create(object, Manner::DryRun).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stores an object of which that is certain.
    pub async fn must_create(&self, object: &Value) -> Value {
        let stored = self.server.create(object, Manner::Strict).await;
        stored.unwrap_or_else(|refused| panic!("{}: {}", object["metadata"], refused.message))
    }

    /// A number that nobody else has.
    pub fn number(&self) -> u32 {
        // The first eight phones have users whose names begin those of others.
        8 + self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Enrols a phone that answers at once, or never.
    pub fn phone(&self, answers: bool) -> Device {
        let device = phone(self.number(), answers);
        self.graph.add_device(device.clone());
        device
    }

    /// How many resets were carried out on each of these devices.
    pub fn carried_out<'a>(&self, devices: impl Iterator<Item = &'a Device>) -> Vec<usize> {
        let executed = self.graph.executed();
        devices.map(|device| executed.iter().filter(|executed| executed.device == device.id).count()).collect()
    }

    /// Waits until the object is told how it is, and says what is wrong with that.
    pub async fn settled(&self, object: &Value) -> Vec<String> {
        let told = self.until(object, self.first_word, |object| states::told(object).is_some()).await;
        let name = &object["metadata"]["name"];
        let Some(object) = told.or_else(|| self.record.of(object)) else { return vec![format!("{name} is gone")] };
        states::faults(&object).into_iter().map(|fault| format!("{} {name}: {fault}", object["kind"])).collect()
    }

    /// Waits until the object, as it is stored now, is as wanted.
    pub async fn until(&self, object: &Value, at_most: Duration, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let begin = Instant::now();
        // The record may be behind what was just written, and know an earlier object of this name.
        let written = self.server.get(object).await?["metadata"].clone();
        let current = |known: &Value| {
            let metadata = &known["metadata"];
            metadata["uid"] == written["uid"] && metadata["generation"].as_i64() >= written["generation"].as_i64()
        };
        loop {
            let known = self.record.of(object).filter(current);
            if let Some(known) = known.filter(|known| wanted(known)) {
                return Some(known);
            }
            if begin.elapsed() > at_most {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Counts an operation and judges what was said, if it was refused.
    pub fn judge(&self, place: &Place, change: &Change, what: &str, answer: Result<&Value, &Refused>) -> Vec<String> {
        let mut counts = self.counts();
        counts.operations += 1;
        let Err(refused) = answer else {
            counts.taken += 1;
            return Vec::new();
        };
        for (_, sentence) in said(refused) {
            let of = || format!("{what} {place}: {}", change.words());
            counts.refusals.entry(plain(&sentence)).or_insert_with(of);
        }
        let faults = self.judge.faults(place, change, refused);
        faults.into_iter().map(|fault| format!("{what} {place}, {}: {fault}", change.words())).collect()
    }

    /// The counts.
    pub fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever was found that belongs to no single operation.
    pub fn at_large(&self) -> Vec<String> {
        let mut found = noise::heard();
        found.extend(self.record.faults());
        found.extend(self.record.forbidden(&self.graph.executed()));
        let untouchable = self.counts().untouchable.clone();
        let mut asked: Vec<String> =
            self.graph.requests().into_iter().filter(|r| r.class == PathClass::Action).map(|r| r.path).collect();
        asked.retain(|path| untouchable.iter().any(|device| path.contains(device.as_str())));
        found.extend(asked.iter().map(|path| format!("asked of Graph for an object that was refused: {path}")));
        found.extend(
            self.graph
                .refusals()
                .iter()
                .map(|r| format!("no documentation covers {} {}: {}", r.method, r.path, r.reason)),
        );
        found
    }

    /// Ends the operator, which has to be possible.
    pub async fn end(self) -> Vec<String> {
        self.stop.send_replace(true);
        match tokio::time::timeout(Duration::from_secs(30), self.operator).await {
            Ok(Ok(Ok(()))) => Vec::new(),
            other => vec![format!("the operator did not end well: {other:?}")],
        }
    }
}

/// A sentence without what differs from one object to the next.
fn plain(sentence: &str) -> String {
    let cut: String = sentence.chars().take(300).collect();
    cut.escape_debug().to_string()
}

/// A namespace whose objects the tenants allow.
pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {KEY: "it"}}})
}

/// The API server's own certificate authority: a real one, as good as any other.
fn certificate(plane: &ControlPlane) -> Certificate {
    let kubeconfig = Kubeconfig::read_from(plane.admin_kubeconfig()).unwrap();
    let cluster = kubeconfig.clusters.into_iter().next().unwrap().cluster.unwrap();
    Certificate(cluster.certificate_authority_data.unwrap())
}

/// The simulator, and nothing else: no test reaches out of this machine, whatever endpoints a tenant has.
struct Loopback(InProcess, Mutex<BTreeSet<String>>);

impl Transports for Loopback {
    fn to(&self, endpoints: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        // What a real transport would refuse; without certificates of its own there is nothing that it could.
        if endpoints.ca_pem().is_some_and(|pem| !self.1.lock().unwrap().contains(pem)) {
            ReqwestTransport::new(endpoints.ca_pem())?;
            // To make one costs much, and nearly every tenant has the same.
            self.1.lock().unwrap().extend(endpoints.ca_pem().map(str::to_owned));
        }
        let settings = self.0.0.settings();
        let known = endpoints.graph() == settings.graph_origin && endpoints.authority() == settings.authority_origin;
        if known { self.0.to(endpoints) } else { Ok(Arc::new(Nowhere)) }
    }
}

/// A host that does not exist.
struct Nowhere;

#[async_trait::async_trait]
impl Transport for Nowhere {
    async fn send(
        &self,
        _: http::Request<bytes::Bytes>,
        _: passcode_operator::graph::Exchange,
    ) -> Result<http::Response<bytes::Bytes>, passcode_operator::graph::TransportError> {
        Err(passcode_operator::graph::TransportError::NotConnected("no such host".to_owned()))
    }
}
