//! What can happen in a history, and what there is at its beginning.

use std::{fmt, time::Duration};

use api_server::{Cut, EventFault, Fault as ApiFault, Verb};
use graph_simulator::{ArrayShape, Device, Lag, Rule};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A whole history: it holds everything that a seed decides.
pub(super) struct History {
    /// The spec's fields of the tenant that are not as usual.
    pub(super) tenant: Value,
    pub(super) settle_window: Duration,
    pub(super) completion_timeout: Duration,
    /// Whether the installation is old enough for a restore of etcd to be noticed.
    pub(super) aged: bool,
    /// How wrong each replica's own clock is; as many as there are replicas.
    pub(super) replicas: Vec<SignedDuration>,
    pub(super) graph_offset: SignedDuration,
    pub(super) intune_offset: SignedDuration,
    pub(super) latency: Duration,
    pub(super) one_per_action: bool,
    pub(super) token_lifetime: Duration,
    pub(super) devices: Vec<Device>,
    /// By time since the beginning, in order.
    pub(super) events: Vec<(Duration, Event)>,
}

/// A reset as people declare it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) device: usize,
    pub(super) requested: Timestamp,
    pub(super) expires: Option<Timestamp>,
    pub(super) dry_run: bool,
}

/// Which requests to the API server a fault is for.
#[derive(Clone, Debug)]
pub(super) struct Which {
    pub(super) verb: Option<Verb>,
    pub(super) resource: &'static str,
    pub(super) nth: usize,
    pub(super) times: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    Declare(Declared),
    Delete(String),
    ByHand(usize),
    Retire(usize),
    Reenrol {
        device: usize,
        keep_old: bool,
    },
    CheckIn(usize),
    /// The next action's entry of this device is hidden so long.
    NextLag(usize, Lag),
    Shape(usize, ArrayShape),
    GraphGoesWrong(Box<Rule>),
    GraphReachable(bool),
    EntraReachable(bool),
    RevokeTokens,
    ExpireTokens,
    /// Entra takes only this secret from now on.
    SecretInEntra(String),
    SecretInCluster(String),
    MayReset(bool),
    Suspend(bool),
    Api(usize, Which, Box<ApiFault>),
    CutOff(usize, Cut),
    Reconnect(usize),
    Freeze(usize),
    Thaw(usize),
    WatchesClose(usize),
    WatchExpires(usize),
    WatchEvents(usize, EventFault, usize),
    /// Cached reads of this replica see the store as it was so many versions ago.
    Past(usize, u64),
    Present(usize),
    Kill(usize),
    Terminate(usize),
    Start(usize),
    Snapshot,
    Restore,
}

impl fmt::Display for History {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "tenant {}", self.tenant)?;
        writeln!(
            out,
            "settle window {:?}, aged {}, replicas' clocks {:?}",
            self.settle_window, self.aged, self.replicas
        )?;
        writeln!(
            out,
            "Graph's clock {:?}, Intune's {:?}, latency {:?}, one entry per action {}, tokens last {:?}",
            self.graph_offset, self.intune_offset, self.latency, self.one_per_action, self.token_lifetime
        )?;
        for (number, device) in self.devices.iter().enumerate() {
            let Device { class, plan, ledger, .. } = device;
            writeln!(out, "device {number}: {class:?}, lag {:?}, {plan:?}", ledger.lag)?;
        }
        for (at, event) in &self.events {
            writeln!(out, "{:>9.3} s  {event:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
