//! The leader lease: who acts, and the quarantine that a possible restore of etcd begins.
//!
//! Written by hand: no crate that fits kube 5 writes a lease on the version that it read. Correctness never rests on it; it
//! only keeps replicas out of each other's way, and remembers across restarts when the cluster was last in order.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, ObjectMeta, PostParams},
};
use tokio::sync::watch;

use super::{
    calls::{CallError, call, call_within},
    guarded::Guarded,
    locks::{self, LOCK_LABEL},
};
use crate::{
    graph::Clock,
    telemetry::{health::Health, metrics::Metrics},
};
use passcode_core::{
    api::{
        Time,
        reset::PasscodeReset,
        tenant::{IntuneTenant, Timing},
    },
    lifecycle::quarantine::{LeaseSeen, Quarantine, suspicion},
};

/// The lease's name.
const NAME: &str = "passcode-operator-leader";
const BEGIN: &str = "passcode-operator.dev/quarantine-begin";
const END: &str = "passcode-operator.dev/quarantine-end";
/// How long a leader that does not renew is waited for.
const DURATION: Duration = Duration::from_secs(15);
/// How often a leader renews.
const RENEW: Duration = Duration::from_secs(4);
/// How long after its last renewal a leader still acts. Less than a restore of etcd takes, too.
const LAPSE: Duration = Duration::from_secs(10);
/// How long one call may take: the three by which the lease is taken fit into [`LAPSE`].
const TIME_OUT: Duration = Duration::from_secs(3);
/// How often a candidate looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long ago another leader's requests may still count: the span of Graph's limits, and what two machines' clocks may differ.
const HANDOVER_SPAN: SignedDuration = SignedDuration::from_secs(25);
/// How many PasscodeResets are listed at a time: each may have 256 KiB of annotations.
const PAGE: u32 = 32;
/// How often a lease is let go that somebody writes meanwhile.
const LET_GO_TRIES: usize = 3;

/// What a quarantine means to whoever reads the log: it begins after every crash, too.
const QUARANTINED: &str = "quarantine: resets wait until then, since a request may be under way that is not recorded here; what is requested later than \
     sendGrace from now does not wait. This is the normal course after a crash or a long stop: there is nothing to do unless etcd was restored";

/// Whether this replica leads, and the quarantine in force, by this machine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// Whether it leads; ask [`Leadership::acts`] before anything is begun.
    pub leading: bool,
    /// Until when it acts without another renewal, by boot time.
    pub until: Duration,
    /// Counts the terms. A restore of etcd under a leader begins another: what its caches know is of a time that was taken back, and a watch
    /// that goes on from there is told nothing until the versions of that time have been given out again.
    pub term: u64,
    /// The quarantine that the lease tells of, also one that is over.
    pub quarantine: Option<Quarantine>,
    /// The renewTime that this replica wrote last.
    pub renewed: Option<Timestamp>,
    /// Whether somebody led until a moment ago: then Graph may have been asked as much as the limits allow.
    pub succeeded: bool,
}

impl Leadership {
    /// Whether this replica may act at this boot time. One that stood still has not noticed yet that its time is over.
    #[must_use]
    pub fn acts(&self, boot: Duration) -> bool {
        self.leading && boot <= self.until
    }
}

/// A replica's part in the election.
pub struct Candidate {
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
    /// The lease as it was last seen, and since when it is so, by boot time.
    seen: Option<(Lease, Duration)>,
    /// Until when, by boot time, nobody can have led whom this replica has not seen: a restore of etcd may have taken back what they wrote.
    sure_until: Duration,
    /// The latest renewTime seen while running.
    latest: Option<Timestamp>,
    /// Whether the lease was seen to be kept up, by whomever, while this replica ran and never stood still: what was stored then was not of
    /// a backup.
    witnessed: bool,
}

impl Candidate {
    /// A candidate under this name, and what it says of itself.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        identity: String,
        clock: Arc<dyn Clock>,
        (health, metrics): (Arc<Health>, Arc<Metrics>),
    ) -> (Self, watch::Receiver<Leadership>) {
        let (state, receiver) = watch::channel(Leadership::default());
        let leases = Api::namespaced(client.clone(), namespace);
        let tenants = Api::all(client.clone());
        let resets = Api::all_with(client, &ApiResource::erase::<PasscodeReset>(&()));
        let candidate = Self {
            leases,
            tenants,
            namespace: namespace.to_owned(),
            resets,
            identity,
            clock,
            health,
            metrics,
            state,
            seen: None,
            sure_until: Duration::ZERO,
            latest: None,
            witnessed: false,
        };
        (candidate, receiver)
    }

    /// Takes part until `stop`, then lets go at once.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                // A call that is slow must not hold up the hand-over: whether it wrote is seen when the lease is let go.
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let failed = turn.as_ref().err().map(ToString::to_string);
            if let Some(error) = &failed {
                tracing::info!(error, "the leader lease could not be read or written");
            }
            self.metrics.cannot_lead(self.health.took_part(failed, self.clock.boot()));
            self.lapse();
            let pause = if turn.is_ok() && self.state.borrow().leading { RENEW } else { LOOK };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.let_go().await;
    }

    /// One look at the lease, and what follows from it.
    async fn turn(&mut self) -> Result<(), CallError> {
        self.lapse();
        if self.state.borrow().leading {
            let (mine, _) = self.seen.clone().unwrap_or_default();
            return match self.take(Some(&mine), false).await {
                Err(CallError::Conflict | CallError::Gone) => self.look().await,
                other => other,
            };
        }
        self.look().await
    }

    async fn look(&mut self) -> Result<(), CallError> {
        let began = self.clock.boot();
        let lease = call_within(TIME_OUT, self.leases.get_opt(NAME)).await?;
        let now = self.clock.boot();
        self.health.heard_from_api_server(now);
        if now > self.sure_until {
            // As if it had been started just now.
            (self.witnessed, self.seen) = (false, None);
        }
        self.sure_until = self.sure_until.max(began + LAPSE);
        let Some(lease) = lease else { return self.take(None, true).await };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if holder == self.identity || holder.is_empty() {
            return self.take(Some(&lease), true).await;
        }
        self.stop_leading();
        let since = match &self.seen {
            Some((seen, since)) if seen.resource_version() == lease.resource_version() => *since,
            _ => now,
        };
        self.witnessed |= self.seen.as_ref().is_some_and(|(seen, _)| renewed(&lease) > renewed(seen));
        self.note(&lease);
        self.seen = Some((lease.clone(), since));
        // Measured from when it was seen unchanged: two machines' clocks need not agree.
        if now.saturating_sub(since) >= DURATION { self.take(Some(&lease), true).await } else { Ok(()) }
    }

    /// Writes the lease on the version that was read. `taking` is whether that begins a term, or resumes one after a conflict.
    async fn take(&mut self, seen: Option<&Lease>, taking: bool) -> Result<(), CallError> {
        let now = self.clock.wall();
        let mut quarantine = seen.and_then(|seen| self.quarantine_in(seen, now));
        let before = *self.state.borrow();
        let mut begins = !before.leading;
        if taking {
            let (windows, traces) = tokio::try_join!(self.settle_windows(), self.traces(seen))?;
            let Windows { readable, longest } = windows;
            let lease_seen = LeaseSeen {
                renewed: seen.and_then(renewed),
                renewed_before: self.latest,
                accounted_for: self.witnessed || seen.is_some_and(is_let_go),
                traces,
            };
            let error = SignedDuration::try_from(Timing::default().clock_error.as_std()).unwrap_or_default();
            if let Some(why) = suspicion(lease_seen, now, readable, error) {
                let begun = Quarantine::beginning(now, longest);
                tracing::warn!(seen = why, until = %begun.end, "{QUARANTINED}");
                quarantine = Some(quarantine.map_or(begun, |before| before.joined(begun)));
                begins = true;
            }
        }
        let lease = self.lease(seen, now, quarantine);
        let parameters = PostParams::default();
        let began = self.clock.boot();
        let written = match seen {
            None => match call_within(TIME_OUT, self.leases.create(&parameters, &lease)).await {
                Err(CallError::Gone) => return Err(self.no_namespace()),
                created => created?,
            },
            Some(_) => call_within(TIME_OUT, self.leases.replace(NAME, &parameters, &lease)).await?,
        };
        if (holder(&written), quarantine_of(&written)) != (self.identity.as_str(), quarantine_of(&lease)) {
            // Led under such a lease, others would lead as well, or know nothing of a quarantine.
            self.stop_leading();
            return Err(CallError::Denied(Box::new(locks::changed(&lease, &written))));
        }
        let in_time = self.wrote(&written, began);
        if !in_time {
            // The next turn takes it anew, with a quarantine of that time.
            self.stop_leading();
            return Ok(());
        }
        if begins {
            tracing::info!(identity = self.identity, "leading");
        }
        let term = before.term + u64::from(begins);
        let led = seen.and_then(renewed).is_some_and(|renewed| now.duration_since(renewed).abs() < HANDOVER_SPAN);
        let succeeded = if begins { led } else { before.succeeded };
        // As it is stored: a lease's times are of microseconds.
        let (renewed, quarantine) = (renewed(&written), quarantine_of(&written));
        let until = began + LAPSE;
        self.state.send_replace(Leadership { leading: true, until, term, quarantine, renewed, succeeded });
        Ok(())
    }

    /// The quarantine that this lease tells of, by this machine's clock.
    fn quarantine_in(&self, lease: &Lease, now: Timestamp) -> Option<Quarantine> {
        let quarantine = quarantine_of(lease)?;
        let Some(renewed) = renewed(lease).filter(|_| holder(lease) != self.identity) else { return Some(quarantine) };
        let since = match &self.seen {
            Some((seen, since)) if seen == lease => *since,
            _ => self.clock.boot(),
        };
        let ago = SignedDuration::try_from(self.clock.boot().saturating_sub(since)).unwrap_or(SignedDuration::ZERO);
        Some(quarantine.taken_over(renewed, now - ago))
    }

    /// Notes what was written by a call that began then. `false`: it took so long that another may have led between what this replica saw
    /// before and its own write, on the same version if etcd was restored.
    fn wrote(&mut self, written: &Lease, began: Duration) -> bool {
        let now = self.clock.boot();
        self.health.heard_from_api_server(now);
        self.note(written);
        self.seen = Some((written.clone(), now));
        self.witnessed = now <= self.sure_until;
        // Nobody else takes it before it has been the same for so long.
        self.sure_until = began + DURATION;
        self.witnessed
    }

    fn lease(&self, seen: Option<&Lease>, now: Timestamp, quarantine: Option<Quarantine>) -> Lease {
        let mut metadata = seen.map_or_else(
            || ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
            |seen| seen.metadata.clone(),
        );
        metadata.managed_fields = None;
        let old = seen.and_then(|seen| seen.spec.clone()).unwrap_or_default();
        let resumed = old.holder_identity.as_deref() == Some(&self.identity);
        if let Some(quarantine) = quarantine {
            let annotations: &mut BTreeMap<_, _> = metadata.annotations.get_or_insert_default();
            annotations.insert(BEGIN.to_owned(), Time(quarantine.begin).to_string());
            annotations.insert(END.to_owned(), Time(quarantine.end).to_string());
        }
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if resumed { old.acquire_time } else { Some(MicroTime(now)) },
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(old.lease_transitions.unwrap_or_default() + i32::from(!resumed)),
            ..LeaseSpec::default()
        };
        Lease { metadata, spec: Some(spec) }
    }

    fn note(&mut self, lease: &Lease) {
        self.latest = self.latest.max(renewed(lease));
    }

    /// Answers whether it led until now.
    fn stop_leading(&self) -> bool {
        self.state.send_if_modified(|state| std::mem::replace(&mut state.leading, false))
    }

    /// A leader that cannot renew stops acting before another may begin.
    fn lapse(&mut self) {
        let acts = self.state.borrow().acts(self.clock.boot());
        if !acts && self.stop_leading() {
            tracing::warn!("not leading any more: the lease could not be renewed");
        }
    }

    /// Empties the lease; it is never deleted, for its renewTime says when the cluster was last in order. After a standstill it is left as it
    /// is: an empty lease would vouch for what this replica has not seen.
    async fn let_go(&mut self) {
        let led = self.stop_leading();
        if self.clock.boot() > self.sure_until {
            return;
        }
        let mut mine = self.seen.take().map(|(lease, _)| lease).filter(|_| led);
        for _ in 0..LET_GO_TRIES {
            match self.empty(mine).await {
                // Written since it was seen: by a turn that was cut short, or by somebody else, whose it is then.
                Err(CallError::Conflict) => mine = None,
                Err(error) => {
                    tracing::info!(%error, "the leader lease could not be released; it expires by itself");
                    return;
                }
                Ok(()) => return,
            }
        }
    }

    /// Empties the lease as it was seen, or else as it is now, if it is this replica's. One that fell back stays as it is: it is the
    /// next leader's sign that etcd was restored.
    async fn empty(&self, seen: Option<Lease>) -> Result<(), CallError> {
        let lease = match seen {
            Some(lease) => Some(lease),
            None => call_within(TIME_OUT, self.leases.get_opt(NAME)).await?,
        };
        let ours = |lease: &Lease| holder(lease) == self.identity && renewed(lease) >= self.latest;
        let Some(mine) = lease.filter(ours) else { return Ok(()) };
        let mut lease = self.lease(Some(&mine), self.clock.wall(), quarantine_of(&mine));
        if let Some(spec) = lease.spec.as_mut() {
            spec.holder_identity = Some(String::new());
        }
        call(self.leases.replace(NAME, &PostParams::default(), &lease)).await.map(|_| ())
    }

    /// Only what is to be created in a namespace misses it.
    fn no_namespace(&self) -> CallError {
        CallError::Unreadable(format!(
            "the namespace \"{}\" does not exist, in which the operator keeps its leases: create it, or name the right one (run \
             --namespace, POD_NAMESPACE)",
            self.namespace
        ))
    }

    /// Whether an operator worked here before. Asked only where there is no leader lease.
    async fn traces(&self, seen: Option<&Lease>) -> Result<bool, CallError> {
        if seen.is_some() {
            return Ok(true);
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
            // The schema's default is -1.
            let written = |reset: &DynamicObject| {
                reset.data["status"]["observedGeneration"].as_i64().is_some_and(|generation| generation >= 0)
            };
            if resets.items.iter().any(written) {
                return Ok(true);
            }
            page.continue_token = resets.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                return Ok(false);
            }
        }
    }

    /// The longest settle windows of all tenants: as long ago may what a lost claim sent have begun.
    async fn settle_windows(&self) -> Result<Windows, CallError> {
        let tenants = match call_within(TIME_OUT, self.tenants.list(&ListParams::default())).await {
            Ok(tenants) => tenants.items,
            // Before the definitions are applied there is none.
            Err(CallError::Gone) => Vec::new(),
            Err(error) => return Err(error),
        };
        let windows = tenants.iter().map(|tenant| match &tenant.0 {
            Ok(tenant) => (true, tenant.spec.timing.settle_window().as_std()),
            Err(unread) => (false, Timing::settle_window_at_most(&unread.spec["timing"]).as_std()),
        });
        let (readable, unread): (Vec<_>, Vec<_>) = windows.partition(|(readable, _)| *readable);
        let longest = |windows: Vec<(bool, Duration)>| windows.into_iter().map(|(_, window)| window).max();
        let readable = longest(readable).unwrap_or_else(|| Timing::default().settle_window().as_std());
        Ok(Windows { readable, longest: readable.max(longest(unread).unwrap_or_default()) })
    }
}

/// The longest settle windows.
struct Windows {
    /// Of the tenants that can be read: a lease that is older makes suspicious. A guess must not raise this, or a restore goes unnoticed.
    readable: Duration,
    /// Of all: a quarantine lasts as long. A guess that is too long only costs time.
    longest: Duration,
}

/// Whether the lease is still as `identity` wrote it, or newer. One that fell back shows a restore of etcd, which may have taken claims and
/// another leader's locks with it; one with a quarantine that is not known yet was written after a restore.
///
/// # Errors
/// If the API server does not answer.
pub async fn is_kept(client: Client, namespace: &str, identity: &str, known: &Leadership) -> Result<bool, CallError> {
    let leases: Api<Lease> = Api::namespaced(client, namespace);
    let lease = call(leases.get_opt(NAME)).await?;
    let kept = |lease: Lease| {
        holder(&lease) == identity && renewed(&lease) >= known.renewed && quarantine_of(&lease) == known.quarantine
    };
    Ok(known.renewed.is_some() && lease.is_some_and(kept))
}

fn is_let_go(lease: &Lease) -> bool {
    holder(lease).is_empty()
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

fn renewed(lease: &Lease) -> Option<Timestamp> {
    lease.spec.as_ref()?.renew_time.as_ref().map(|time| time.0)
}

fn quarantine_of(lease: &Lease) -> Option<Quarantine> {
    let read = |key: &str| lease.metadata.annotations.as_ref()?.get(key)?.parse::<Time>().ok();
    Some(Quarantine { begin: read(BEGIN)?.0, end: read(END)?.0 })
}
