//! The effects of a reset, and the probe that notices when a replica has come to one of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use api_server::{ApiServer, Call, Verb};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::Method;
use passcode_operator::{
    graph::{ConfigError, Endpoints, Exchange, Transport, TransportError},
    operator::{Environment, transports::Transports},
};
use tokio::runtime::Handle;

/// What a leader does on the way of a reset, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The leader lease is renewed.
    Renewal,
    /// The object is read.
    Read,
    /// The device lock is read.
    LockRead,
    /// Intune's record is looked at.
    Look,
    /// The device lock is taken.
    Lock,
    /// Intune's record is looked at under the lock.
    LookUnderLock,
    /// The claim is written.
    Claim,
    /// The request is sent.
    Send,
    /// Its answer is recorded.
    Record,
    /// The lock is given back, where nothing was carried out.
    Release,
    /// Intune's record is looked at after that.
    LaterLook,
    /// The outcome is written.
    Outcome,
    /// It is announced.
    Event,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Renewal,
        Self::Read,
        Self::LockRead,
        Self::Look,
        Self::Lock,
        Self::LookUnderLock,
        Self::Claim,
        Self::Send,
        Self::Record,
        Self::Release,
        Self::LaterLook,
        Self::Outcome,
        Self::Event,
    ];
}

/// On which side of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing has left the process yet.
    Before,
    /// It has happened, and its answer was not read yet.
    After,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];
}

type Reached = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Notices that a replica has come to an effect, once, and does something then.
pub struct Probe {
    effect: Effect,
    side: Side,
    armed: AtomicBool,
    locked: AtomicBool,
    sent: AtomicBool,
    reached: AtomicUsize,
    then: Reached,
}

impl Probe {
    /// A probe for this effect, not armed yet. What is done then holds up the effect or its answer.
    pub fn new(
        effect: Effect,
        side: Side,
        then: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let no = || AtomicBool::new(false);
        Arc::new(Self {
            effect,
            side,
            armed: no(),
            locked: no(),
            sent: no(),
            reached: AtomicUsize::new(0),
            then: Box::new(then),
        })
    }

    /// From now on the effect counts.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Whether it was reached.
    pub fn was_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst) > 0
    }

    /// Puts the probe between this replica and both its servers. What it has sent goes on by `wire`, whatever becomes of the replica.
    pub fn watch(self: &Arc<Self>, api: &ApiServer, mut environment: Environment, wire: Handle) -> Environment {
        let caller = api.caller(&environment.identity);
        let probe = self.clone();
        caller.before(move |call| {
            let probe = probe.clone();
            async move {
                probe.passes(probe.of_call(&call), Side::Before).await;
                None
            }
        });
        let probe = self.clone();
        caller.after(move |call, _| {
            let probe = probe.clone();
            async move {
                probe.passes(probe.of_call(&call), Side::After).await;
                None
            }
        });
        environment.transports = Arc::new(Probed { probe: self.clone(), transports: environment.transports, wire });
        environment
    }

    async fn passes(&self, effect: Option<Effect>, side: Side) {
        match (effect, side) {
            (Some(Effect::Lock), Side::After) => self.locked.store(true, Ordering::SeqCst),
            (Some(Effect::Send), Side::After) => self.sent.store(true, Ordering::SeqCst),
            _ => {}
        }
        if effect == Some(self.effect) && side == self.side && self.armed.swap(false, Ordering::SeqCst) {
            self.reached.fetch_add(1, Ordering::SeqCst);
            (self.then)().await;
        }
    }

    fn of_call(&self, call: &Call) -> Option<Effect> {
        let status = &call.sets_status();
        let lock = call.name.starts_with("device-")
            || call.body["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("device-"));
        Some(match (call.verb, call.resource.as_str()) {
            (Verb::Update, "leases") if !lock => Effect::Renewal,
            (Verb::Get, "leases") if lock => Effect::LockRead,
            (Verb::Create | Verb::Update, "leases") if lock => Effect::Lock,
            (Verb::Delete, "leases") => Effect::Release,
            (Verb::Get, "passcoderesets") => Effect::Read,
            (Verb::Patch, "passcoderesets") if status["outcome"].is_string() => Effect::Outcome,
            (Verb::Patch, "passcoderesets") if status["attempt"]["result"].is_string() => Effect::Record,
            (Verb::Patch, "passcoderesets") if status["attempt"]["id"].is_string() => Effect::Claim,
            (Verb::Create, "events") => Effect::Event,
            _ => return None,
        })
    }

    fn of_request(&self, request: &http::Request<Bytes>) -> Option<Effect> {
        let path = request.uri().path();
        if request.method() == Method::POST && path.ends_with("/resetPasscode") {
            return Some(Effect::Send);
        }
        if request.method() != Method::GET || !path.starts_with("/v1.0/") {
            return None;
        }
        Some(if self.sent.load(Ordering::SeqCst) {
            Effect::LaterLook
        } else if self.locked.load(Ordering::SeqCst) {
            Effect::LookUnderLock
        } else {
            Effect::Look
        })
    }
}

/// Graph, reached past a probe.
struct Probed {
    probe: Arc<Probe>,
    transports: Arc<dyn Transports>,
    wire: Handle,
}

impl Transports for Probed {
    fn to(&self, endpoints: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        let (probe, wire) = (self.probe.clone(), self.wire.clone());
        Ok(Arc::new(ProbedTransport { probe, transport: self.transports.to(endpoints)?, wire }))
    }
}

struct ProbedTransport {
    probe: Arc<Probe>,
    transport: Arc<dyn Transport>,
    wire: Handle,
}

#[async_trait]
impl Transport for ProbedTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let effect = self.probe.of_request(&request);
        self.probe.passes(effect, Side::Before).await;
        // What is written is under way, though the client should give up or be stopped.
        let transport = self.transport.clone();
        let response = self.wire.spawn(async move { transport.send(request, exchange).await }).await;
        let response = response.unwrap_or_else(|_| Err(TransportError::Lost("the world has ended".to_owned())));
        self.probe.passes(effect, Side::After).await;
        response
    }
}
