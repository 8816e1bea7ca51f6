//! What all clients of one server share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;

use crate::admission::Admission;
use crate::call::Call;
use crate::clock::Clock;
use crate::events::EventRule;
use crate::faults::{After, Before, Rule};
use crate::names::Names;
use crate::resources::Registry;
use crate::store::Store;

/// What became of a request in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not there yet: still delayed, or its caller gave up while it was.
    Pending,
    /// A version was stored.
    Stored,
    /// The write was fine and changed nothing.
    Unchanged,
    /// A read was answered.
    Served,
    /// The server refused.
    Refused {
        /// HTTP status code.
        code: u16,
        /// The reason of the `Status`.
        reason: String,
    },
    /// A fault kept it from the store.
    Withheld,
}

/// One request that reached the server, and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// What it asked for.
    pub call: Arc<Call>,
    /// What became of it in the store.
    pub outcome: Outcome,
    /// The version a write stored.
    pub resource_version: Option<u64>,
    /// The status code its caller got; none if no answer came.
    pub answered: Option<u16>,
}

/// How a caller is cut off from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Connections are refused, and those that exist break.
    Refused,
    /// Nothing comes back until the caller is connected again; then the connections break.
    Silent,
}

/// Which reads see the past while a caller is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Those that a kube-apiserver may answer from an outdated cache: watches, and reads that name a resourceVersion.
    Cached,
    /// Those, and every list: a client that lists what a cache has, or a proxy in between.
    Lists,
    /// All.
    Every,
}

/// Faults and view of one caller.
#[derive(Default)]
pub(crate) struct Conditions {
    pub(crate) rules: Vec<Rule>,
    pub(crate) before: Option<Before>,
    pub(crate) after: Option<After>,
    pub(crate) event_rules: Vec<EventRule>,
    pub(crate) cut: Option<Cut>,
    pub(crate) frozen: bool,
    pub(crate) past: Option<(u64, Stale)>,
    pub(crate) drop_bookmarks: bool,
    pub(crate) expire_next_watch: bool,
    /// The paths whose watches were refused so, while each is to be once.
    pub(crate) expired_once: Option<BTreeSet<String>>,
    /// Grows when the caller's watches are closed.
    pub(crate) closings: u64,
}

pub(crate) struct State {
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) names: Names,
    pub(crate) requests: Vec<Request>,
    pub(crate) admission: Option<Admission>,
    callers: BTreeMap<String, Conditions>,
    /// Grows when all watches are closed.
    pub(crate) closings: u64,
}

impl State {
    pub(crate) fn caller(&mut self, name: &str) -> &mut Conditions {
        self.callers.entry(name.to_owned()).or_default()
    }

    /// The newest revision a caller's cached reads and watches see.
    pub(crate) fn visible(&mut self, caller: &str) -> u64 {
        let current = self.store.revision();
        self.caller(caller).past.map_or(current, |(revision, _)| revision.min(current))
    }
}

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    pub(crate) clock: Clock,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self::with(Registry::new(), Store::new(), Names::default())
    }

    fn with(registry: Registry, store: Store, names: Names) -> Self {
        let state = State {
            registry,
            store,
            names,
            requests: Vec::new(),
            admission: None,
            callers: BTreeMap::new(),
            closings: 0,
        };
        Self { state: Mutex::new(state), changed: watch::channel(()).0, clock: Clock::new() }
    }

    /// Another one that begins with what is stored and served here, at the same time of day.
    pub(crate) fn fork(&self) -> Self {
        let fork = self.read(|state| Self::with(state.registry.clone(), state.store.clone(), state.names.clone()));
        fork.clock.set(self.clock.now());
        fork
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes something that waiting watches and waiting requests have to hear of.
    pub(crate) fn change<R>(&self, alter: impl FnOnce(&mut State) -> R) -> R {
        let result = self.read(alter);
        self.changed.send_replace(());
        result
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
