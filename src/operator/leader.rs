//! The leader lease: carries out what the election asks for (`passcode_core::protocol::election`), and tells whether this replica leads.
//!
//! Written by hand: no crate that fits kube 5 writes a lease on the version that it read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, ObjectMeta, PostParams},
};
use tokio::sync::watch;

use super::{
    calls::{CallError, call, call_within},
    guarded::Guarded,
    identity::Kept,
    locks::{self, LOCK_LABEL},
};
use crate::{
    graph::Clock,
    telemetry::{health::Health, metrics::Metrics},
};
pub use passcode_core::protocol::election::Leadership;
use passcode_core::{
    api::{
        Time,
        reset::PasscodeReset,
        tenant::{IntuneTenant, Timing},
    },
    lifecycle::{admission::DenialKind, quarantine::Quarantine},
    protocol::{
        election::{
            DURATION, Effect, Election, LeaderLease, Moment, Notice, SettleWindow, SettleWindows, Stored, Survey,
            is_a_trace,
        },
        identity_proof::Proof,
        pass::Why,
    },
};

/// The lease's name.
const NAME: &str = "passcode-operator-leader";
const BEGIN: &str = "passcode-operator.dev/quarantine-begin";
const END: &str = "passcode-operator.dev/quarantine-end";
/// Since when it is proved who approves and who asks, and when that was shown last.
const IDENTITY_SINCE: &str = "passcode-operator.dev/identity-enforced-since";
const IDENTITY_CONFIRMED: &str = "passcode-operator.dev/identity-confirmed";
/// How long one call may take: the three by which the lease is taken fit into the time that a leader acts without a renewal.
const TIME_OUT: Duration = Duration::from_secs(3);
/// How many PasscodeResets are listed at a time: each may have 256 KiB of annotations.
const PAGE: u32 = 32;

/// What a quarantine means to whoever reads the log: it begins after every crash, too.
const QUARANTINED: &str = "quarantine: resets wait until then, since a request may be under way that is not recorded here; what is requested later than \
     sendGrace from now does not wait. This is the normal course after a crash or a long stop: there is nothing to do unless etcd was restored";

/// A write of the lease names all of its metadata, and by that its version.
type Event = passcode_core::protocol::election::Event<String, ObjectMeta>;

/// A replica's part in the election.
pub struct Elector {
    leases: Api<Lease>,
    tenants: Api<Guarded<IntuneTenant>>,
    namespace: String,
    /// Whatever is in them: only whether they have a status is asked.
    resets: Api<DynamicObject>,
    identity: String,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    state: watch::Sender<Leadership>,
    /// What the lease is to keep of who approves and who asks.
    proofs: watch::Receiver<Kept>,
    election: Election<String, ObjectMeta>,
    /// Why the latest call failed, if it did.
    failed: Option<String>,
}

impl Elector {
    /// The part of a replica of this name, and what it says of itself.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        identity: String,
        clock: Arc<dyn Clock>,
        (health, metrics): (Arc<Health>, Arc<Metrics>),
        proofs: watch::Receiver<Kept>,
    ) -> (Self, watch::Receiver<Leadership>) {
        let (state, receiver) = watch::channel(Leadership::default());
        let elector = Self {
            leases: Api::namespaced(client.clone(), namespace),
            tenants: Api::all(client.clone()),
            namespace: namespace.to_owned(),
            resets: Api::all_with(client, &ApiResource::erase::<PasscodeReset>(&())),
            election: Election::new(identity.clone(), Timing::default().clock_error.as_signed(), clock.boot()),
            identity,
            clock,
            health,
            metrics,
            state,
            proofs,
            failed: None,
        };
        (elector, receiver)
    }

    /// Takes part until `stop`, then lets go at once.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while let Some(effect) = self.election.next() {
            let (event, failed) = tokio::select! {
                outcome = self.carry_out(effect) => outcome,
                // A call that is slow must not hold up the hand-over: whether it wrote is seen when the lease is let go.
                _ = stop.wait_for(|stop| *stop) => break,
            };
            self.failed = failed;
            self.apply(event);
        }
        self.election.stop(self.now());
        self.publish();
        let mut failed = None;
        while let Some(effect) = self.election.next() {
            let event;
            (event, failed) = self.carry_out(effect).await;
            self.apply(event);
        }
        if let Some(error) = failed {
            tracing::info!(error, "the leader lease could not be released; it expires by itself");
        }
    }

    /// Carries out what comes next; tells why it failed, if it did.
    async fn carry_out(&self, effect: Effect<'_, String, ObjectMeta>) -> (Event, Option<String>) {
        let outcome = match effect {
            Effect::Read => self.read().await.map(Event::Lease),
            Effect::Survey { traces } => self.survey(traces).await.map(Event::Surveyed),
            Effect::Write { over, lease } => self.write(over, lease).await,
            Effect::Pause(pause) => {
                self.report();
                let mut proofs = self.proofs.clone();
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    // What ends a proof must not be forgotten by a crash before the next renewal.
                    Ok(()) = proofs.changed() => {}
                }
                Ok(Event::Done)
            }
        };
        match outcome {
            Ok(event) => (event, None),
            Err(error) => (event_of(&error), Some(error.to_string())),
        }
    }

    fn apply(&mut self, event: Event) {
        let (term, proof) = *self.proofs.borrow_and_update();
        self.election.proved(term, proof);
        match self.election.apply(event, self.now()) {
            Some(Notice::Leads) => tracing::info!(identity = self.identity, "leading"),
            Some(Notice::Lapsed) => tracing::warn!("not leading any more: the lease could not be renewed"),
            Some(Notice::Quarantined { why, until }) => tracing::warn!(seen = why, %until, "{QUARANTINED}"),
            None => {}
        }
        self.publish();
    }

    fn publish(&self) {
        let leadership = *self.election.leadership();
        self.state.send_if_modified(|state| std::mem::replace(state, leadership) != leadership);
    }

    fn now(&self) -> Moment {
        Moment { boot: self.clock.boot(), wall: self.clock.wall() }
    }

    /// Reports how the turn went.
    fn report(&self) {
        if let Some(error) = &self.failed {
            tracing::info!(error, "the leader lease could not be read or written");
        }
        self.metrics.cannot_lead(self.health.took_part(self.failed.clone(), self.clock.boot()));
    }

    async fn read(&self) -> Result<Option<Stored<String, ObjectMeta>>, CallError> {
        let lease = call_within(TIME_OUT, self.leases.get_opt(NAME)).await?;
        self.health.heard_from_api_server(self.clock.boot());
        Ok(lease.map(understood))
    }

    async fn write(&self, over: Option<&ObjectMeta>, lease: &LeaderLease<String>) -> Result<Event, CallError> {
        let parameters = PostParams::default();
        let wanted = written(over, lease);
        let stored = match over {
            None => match call_within(TIME_OUT, self.leases.create(&parameters, &wanted)).await {
                Err(CallError::Gone) => return Err(self.no_namespace()),
                created => created?,
            },
            Some(_) => call_within(TIME_OUT, self.leases.replace(NAME, &parameters, &wanted)).await?,
        };
        self.health.heard_from_api_server(self.clock.boot());
        match lease.became(understood(stored.clone())) {
            Event::Altered => Err(CallError::Denied(Box::new(locks::changed(&wanted, &stored)))),
            event => Ok(event),
        }
    }

    /// Only what is to be created in a namespace misses it.
    fn no_namespace(&self) -> CallError {
        CallError::Unreadable(format!(
            "the namespace \"{}\" does not exist, in which the operator keeps its leases: create it, or name the right one (run \
             --namespace, POD_NAMESPACE)",
            self.namespace
        ))
    }

    async fn survey(&self, traces: bool) -> Result<Survey, CallError> {
        let (windows, traces) = tokio::try_join!(self.settle_windows(), self.traces(traces))?;
        Ok(Survey { windows, traces })
    }

    async fn traces(&self, wanted: bool) -> Result<bool, CallError> {
        if !wanted {
            return Ok(false);
        }
        let one = ListParams::default().labels(LOCK_LABEL).limit(1);
        let locks = call_within(TIME_OUT, self.leases.list_metadata(&one)).await?;
        Ok(!locks.items.is_empty() || self.a_status_was_written().await?)
    }

    async fn a_status_was_written(&self) -> Result<bool, CallError> {
        // Where anything was ever sent, this one is enough.
        let with_device = ListParams::default().fields("status.device.managedDeviceId!=").limit(1);
        let all = ListParams::default().limit(PAGE);
        Ok(self.has_a_status(with_device).await? || self.has_a_status(all).await?)
    }

    async fn has_a_status(&self, mut page: ListParams) -> Result<bool, CallError> {
        loop {
            let resets = match call_within(TIME_OUT, self.resets.list(&page)).await {
                Ok(resets) => resets,
                // Before the definitions are applied there is none.
                Err(CallError::Gone) => return Ok(false),
                Err(error) => return Err(error),
            };
            let generation = |reset: &DynamicObject| reset.data["status"]["observedGeneration"].as_i64();
            if resets.items.iter().any(|reset| is_a_trace(generation(reset))) {
                return Ok(true);
            }
            page.continue_token = resets.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                return Ok(false);
            }
        }
    }

    async fn settle_windows(&self) -> Result<SettleWindows, CallError> {
        let tenants = match call_within(TIME_OUT, self.tenants.list(&ListParams::default())).await {
            Ok(tenants) => tenants.items,
            // Before the definitions are applied there is none.
            Err(CallError::Gone) => Vec::new(),
            Err(error) => return Err(error),
        };
        let windows = tenants.iter().map(|tenant| match &tenant.0 {
            Ok(tenant) => SettleWindow::Said(tenant.spec.timing.settle_window().as_std()),
            Err(unread) => SettleWindow::AtMost(Timing::settle_window_at_most(&unread.spec["timing"]).as_std()),
        });
        Ok(windows.collect())
    }
}

/// Whether the lease is still as `identity` wrote it, or newer.
///
/// # Errors
/// If the API server does not answer.
pub async fn is_kept(client: Client, namespace: &str, identity: &str, known: &Leadership) -> Result<bool, CallError> {
    let leases: Api<Lease> = Api::namespaced(client, namespace);
    let lease = call(leases.get_opt(NAME)).await?.map(understood);
    Ok(known.is_kept(&identity.to_owned(), lease.as_ref().map(|stored| &stored.lease)))
}

fn event_of(error: &CallError) -> Event {
    Event::Failed(match error {
        CallError::Denied(denial) if denial.kind == DenialKind::Altered => return Event::Altered,
        CallError::Denied(_) => Why::Denied,
        CallError::Conflict => Why::Conflict,
        CallError::Gone => Why::Gone,
        CallError::Unclear(_) => Why::Unclear,
        _ => Why::Failed,
    })
}

fn understood(mut lease: Lease) -> Stored<String, ObjectMeta> {
    lease.metadata.managed_fields = None;
    let time = |key: &str| lease.metadata.annotations.as_ref()?.get(key)?.parse::<Time>().ok();
    let quarantine = time(BEGIN).zip(time(END)).map(|(begin, end)| Quarantine { begin: begin.0, end: end.0 });
    let identity = time(IDENTITY_SINCE).zip(time(IDENTITY_CONFIRMED));
    let identity = identity.map(|(since, confirmed)| Proof { since: since.0, confirmed: confirmed.0 });
    let spec = lease.spec.unwrap_or_default();
    let said = LeaderLease {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        acquired: spec.acquire_time.map(|time| time.0),
        renewed: spec.renew_time.map(|time| time.0),
        transitions: spec.lease_transitions.unwrap_or_default(),
        quarantine,
        identity,
    };
    Stored { lease: said, version: lease.metadata }
}

fn written(over: Option<&ObjectMeta>, lease: &LeaderLease<String>) -> Lease {
    let new = || ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
    let mut metadata = over.cloned().unwrap_or_else(new);
    let annotations: &mut BTreeMap<_, _> = metadata.annotations.get_or_insert_default();
    if let Some(quarantine) = lease.quarantine {
        annotations.insert(BEGIN.to_owned(), Time(quarantine.begin).to_string());
        annotations.insert(END.to_owned(), Time(quarantine.end).to_string());
    }
    match lease.identity {
        Some(proof) => {
            annotations.insert(IDENTITY_SINCE.to_owned(), Time(proof.since).to_string());
            annotations.insert(IDENTITY_CONFIRMED.to_owned(), Time(proof.confirmed).to_string());
        }
        None => annotations.retain(|name, _| ![IDENTITY_SINCE, IDENTITY_CONFIRMED].contains(&name.as_str())),
    }
    let spec = LeaseSpec {
        holder_identity: Some(lease.holder.clone().unwrap_or_default()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: lease.acquired.map(MicroTime),
        renew_time: lease.renewed.map(MicroTime),
        lease_transitions: Some(lease.transitions),
        ..LeaseSpec::default()
    };
    Lease { metadata, spec: Some(spec) }
}
