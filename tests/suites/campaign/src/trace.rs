//! What a replica has to do with the world, exchange by exchange: each with the API server or with Graph is a boundary, named by what
//! it is about and by which of these it is. A wire across one of them kills the replica there, or changes the world under it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api_server::{Call, Caller, Verb};
use bytes::Bytes;
use graph_simulator::Simulator;
use passcode_operator::{
    graph::{ConfigError, Endpoints, Exchange, Transport, TransportError},
    operator::transports::Transports,
};
use tokio::sync::watch;
use world::{Plug, Replica, World, transport::InProcess};

/// How late a request arrives whose sender died at once: within the tenant's sendGrace.
pub const LATE: Duration = Duration::from_secs(100);

/// One exchange of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Boundary {
    /// What it is about.
    pub about: String,
    /// Which of those about it, from 1.
    pub nth: usize,
}

impl fmt::Display for Boundary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} #{}", self.about, self.nth)
    }
}

impl Boundary {
    /// Whether it is the request that resets a phone.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        self.about.starts_with("reset of")
    }

    /// Whether what it leaves behind decides what may be done next.
    fn is_step(&self) -> bool {
        let lock = self.about.contains(" lock ") && !self.about.starts_with("get");
        lock || self.is_reset() || SAID.iter().any(|said| self.about.starts_with(said))
    }
}

/// Without those that repeat others: between two steps the first and the last about the same thing stand for all.
#[must_use]
pub fn telling(seen: &[Boundary]) -> Vec<Boundary> {
    let mut telling = Vec::new();
    for stretch in seen.split_inclusive(Boundary::is_step) {
        for (place, boundary) in stretch.iter().enumerate() {
            let same = |other: &Boundary| other.about == boundary.about;
            if !stretch[..place].iter().any(same) || !stretch[place + 1..].iter().any(same) {
                telling.push(boundary.clone());
            }
        }
    }
    telling
}

/// Where across a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Nothing has left the replica.
    Before,
    /// It was carried out, and the replica never hears of it.
    Unanswered,
    /// The same, but it arrives [`LATE`]: for requests to Graph.
    Late,
    /// The answer came, and the next exchange, whatever it is about, is one too many.
    After,
}

/// A wire across a boundary.
pub struct Wire {
    /// Which boundary.
    pub boundary: Boundary,
    /// Where across it.
    pub position: Position,
    /// What touching it does.
    pub act: Act,
}

/// What touching a wire does.
pub enum Act {
    /// The replica is dead.
    Kill,
    /// The world changes, and the exchange goes on.
    Change(Box<dyn FnOnce() + Send>),
}

/// What a replica has done so far.
#[derive(Clone)]
pub struct Trace {
    state: Arc<Mutex<State>>,
    tripped: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    seen: Vec<Boundary>,
    begun: HashMap<String, usize>,
    carried_out: HashMap<String, usize>,
    wire: Option<Wire>,
    /// The wire's exchange was answered.
    answered: bool,
    plug: Option<Plug>,
}

impl State {
    fn wired(&self, boundary: &Boundary) -> Option<Position> {
        self.wire.as_ref().filter(|wire| wire.boundary == *boundary).map(|wire| wire.position)
    }
}

/// How an exchange goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Late,
    Nowhere,
}

/// Starts a replica that is traced.
#[must_use]
pub fn replica(world: &World, name: &str, wire: Option<Wire>) -> (Replica, Trace) {
    let trace = Trace::new(wire);
    let replica = world.replica_by(name, Arc::new(Traced { graph: world.graph.clone(), trace: trace.clone() }));
    trace.state().plug = Some(replica.plug());
    trace.listen_to(&world.api.caller(name));
    (replica, trace)
}

/// What people do through the API server.
#[must_use]
pub fn people(world: &World, wire: Option<Wire>) -> Trace {
    let trace = Trace::new(wire);
    trace.listen_to(&world.api.caller("default"));
    trace
}

impl Trace {
    fn new(wire: Option<Wire>) -> Self {
        let state = State { wire, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), tripped: watch::channel(false).0 }
    }

    fn listen_to(&self, caller: &Caller) {
        let before = self.clone();
        caller.before(move |call| {
            let trace = before.clone();
            async move {
                match trace.begins(&about_call(&call)) {
                    Way::On => None,
                    Way::Late | Way::Nowhere => std::future::pending().await,
                }
            }
        });
        let after = self.clone();
        caller.after(move |call, _| {
            let trace = after.clone();
            async move {
                match trace.is_carried_out(&about_call(&call)) {
                    Way::On => None,
                    Way::Late | Way::Nowhere => std::future::pending().await,
                }
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The boundaries so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Boundary> {
        self.state().seen.clone()
    }

    /// Whether the wire was touched, be it that there was nothing left to die of.
    #[must_use]
    pub fn reached(&self) -> bool {
        let state = self.state();
        state.answered || state.wire.is_none()
    }

    /// Nothing is to be traced any more. The API server keeps the trace, and the trace would keep the API server.
    pub fn end(&self) {
        let mut state = self.state();
        (state.wire, state.plug) = (None, None);
    }

    /// Waits until the wire was touched.
    pub async fn tripped(&self) {
        // The sender is this trace's own.
        let _ = self.tripped.subscribe().wait_for(|tripped| *tripped).await;
    }

    fn begins(&self, about: &str) -> Way {
        let mut state = self.state();
        if state.answered {
            return self.trip(state);
        }
        let boundary = count(&mut state.begun, about);
        state.seen.push(boundary.clone());
        match state.wired(&boundary) {
            Some(Position::Before) => self.trip(state),
            Some(Position::Late) => {
                self.trip(state);
                Way::Late
            }
            _ => Way::On,
        }
    }

    fn is_carried_out(&self, about: &str) -> Way {
        let mut state = self.state();
        let boundary = count(&mut state.carried_out, about);
        match state.wired(&boundary) {
            Some(Position::Unanswered) => self.trip(state),
            Some(Position::After) => {
                state.answered = true;
                Way::On
            }
            _ => Way::On,
        }
    }

    fn trip(&self, mut state: MutexGuard<'_, State>) -> Way {
        let (act, plug) = (state.wire.take().map(|wire| wire.act), state.plug.clone());
        // What the act does may make a watch speak, and that asks this state.
        drop(state);
        self.tripped.send_replace(true);
        match act {
            Some(Act::Change(change)) => {
                change();
                Way::On
            }
            Some(Act::Kill) | None => {
                if let Some(plug) = plug {
                    plug.pull();
                }
                Way::Nowhere
            }
        }
    }
}

fn count(counts: &mut HashMap<String, usize>, about: &str) -> Boundary {
    let nth = counts.entry(about.to_owned()).or_default();
    *nth += 1;
    Boundary { about: about.to_owned(), nth: *nth }
}

/// What a request to the API server is about.
fn about_call(call: &Call) -> String {
    let named =
        if call.name.is_empty() { call.body["metadata"]["name"].as_str().unwrap_or_default() } else { &call.name };
    let verb = format!("{:?}", call.verb).to_lowercase();
    match (call.resource.as_str(), call.subresource.as_str()) {
        ("leases", _) if named == "passcode-operator-leader" => format!("{verb} leader lease"),
        ("leases", _) if named.starts_with("device-") => format!("{verb} lock {}", &named[..15.min(named.len())]),
        ("passcoderesets", "status") if call.verb == Verb::Patch => format!("{} of {named}", what_is_said(call)),
        ("events", _) => format!("event {}", call.body["reason"].as_str().unwrap_or_default()),
        (resource, "") => format!("{verb} {resource} {named}").trim_end().to_owned(),
        (resource, subresource) => format!("{verb} {resource}/{subresource} {named}"),
    }
}

/// What a write of a reset's status may say.
const SAID: [&str; 4] = ["outcome", "claim", "record", "status"];

/// What it says: the patch has the fields that are new.
fn what_is_said(call: &Call) -> &'static str {
    let status = &call.sets_status();
    if status["outcome"].is_string() {
        SAID[0]
    } else if status["attempt"]["result"].is_string() {
        SAID[2]
    } else if status["attempt"]["id"].is_string() {
        SAID[1]
    } else {
        SAID[3]
    }
}

/// What a request to Graph or Entra is about.
fn about_request(request: &http::Request<Bytes>) -> String {
    let path = request.uri().path();
    let mut segments = path.rsplit('/');
    let (last, before) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let short = |id: &str| id[..8.min(id.len())].to_owned();
    match path {
        _ if request.method() == http::Method::POST && path.contains("/managedDevices/") => {
            format!("reset of {}", short(before))
        }
        _ if request.method() == http::Method::POST => "sign-in".to_owned(),
        _ if last == "managedDevices" => {
            let searched = request.uri().query().and_then(|query| query.split("%27").nth(1));
            format!("search for {}", searched.unwrap_or_default())
        }
        _ if path.starts_with("/beta/") => format!("read of {}", short(last)),
        _ => format!("look at {}", short(last)),
    }
}

/// The way of a traced replica to Graph.
#[derive(Clone)]
struct Traced {
    graph: Simulator,
    trace: Trace,
}

impl Transports for Traced {
    fn to(&self, _: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl Transport for Traced {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let about = about_request(&request);
        let graph = InProcess(self.graph.clone());
        match self.trace.begins(&about) {
            Way::On => {}
            Way::Late => {
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    graph.send(request, exchange).await
                });
                return std::future::pending().await;
            }
            Way::Nowhere => return std::future::pending().await,
        }
        let mut given_up = GivenUp(Some((self.trace.clone(), about.clone())));
        let answer = graph.send(request, exchange).await;
        given_up.0 = None;
        match self.trace.is_carried_out(&about) {
            Way::On => answer,
            Way::Late | Way::Nowhere => std::future::pending().await,
        }
    }
}

/// An exchange that is dropped because its answer stays away: its boundary is crossed when the replica gives up.
struct GivenUp(Option<(Trace, String)>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some((trace, about)) = self.0.take() {
            trace.is_carried_out(&about);
        }
    }
}
