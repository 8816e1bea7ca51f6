//! One pass over one object: observe → decide → lock → claim → send → record, as the state machine says, step by step.

mod admission;

use std::{sync::Arc, time::Duration};

use k8s_openapi::{api::core::v1::Namespace as NamespaceObject, jiff::Timestamp};
use kube::{Api, ResourceExt, core::PartialObjectMeta};
use uuid::Uuid;

use super::{
    ask, budgets,
    calls::{CallError, call},
    context::Context,
    locks::{StoredLease, Wanted},
    memory::Memory,
    namespaces,
    status_writer::{self, Check},
    tenant::{Asking, Tenant},
};
use crate::graph::{Reservation, Urgency};
use passcode_core::{
    api::{
        reset::PasscodeReset,
        reset_status::{Attempt, PasscodeResetStatus},
        tenant::IntuneTenant,
    },
    lifecycle::{
        admission::DeniedWrite,
        answered::{Answered, answered},
        decide::{decide, is_over},
        events::{announced, says_the_same},
        follow::{is_in_flight, looks_an_hour},
        observed::{Closed, Found, Gate, Held, Look, Namespace, Now, Observed, Reading, Trouble, Unread, Unreadable},
        quarantine::Quarantine,
        step::{Decision, Fact, Step},
    },
};

/// More steps than any path through the machine has; beyond it the pass starts over later.
const MOST_STEPS: usize = 40;
/// How often the record of an answer is tried before the object is left to be verified.
const RECORD_TRIES: u32 = 6;

/// How a pass ended.
pub enum End {
    /// Come back then.
    Later(Duration),
    /// Nothing more, ever.
    Finished,
}

/// A pass under way.
pub struct Pass<'a> {
    context: &'a Context,
    object: PasscodeReset,
    tenant: Option<Arc<Tenant>>,
    trouble: Option<Trouble>,
    unreadable_tenant: Option<Trouble>,
    namespace: Namespace,
    found: Option<Reading<Found>>,
    unreadable_lock: Option<String>,
    lock: Option<Option<StoredLease>>,
    look: Option<Reading<Look>>,
    held: Option<(Held, StoredLease)>,
    lease_is_kept: bool,
    authority_is_read: bool,
    gate: Option<Gate>,
    /// Why the tenant takes no reset, once one would be sent.
    closed: Option<Closed>,
    /// Whether its request is to show that the tenant's trouble is over.
    probing: bool,
    /// Room for one reset within the tenant's limits.
    room: Option<Reservation>,
    /// Why there is no room for one, once that was asked for.
    no_room: Option<Gate>,
    /// Whether the claim was tried in this pass, and would be admitted.
    admitted: bool,
    alone: Option<tokio::sync::OwnedMutexGuard<()>>,
    /// What is remembered of the object.
    pub memory: Memory,
}

impl<'a> Pass<'a> {
    /// A pass over an object that was just read.
    pub fn new(context: &'a Context, object: PasscodeReset, memory: Memory, room: Option<Reservation>) -> Self {
        let tenant = context.tenants.get(&object.spec.tenant_ref.name);
        let trouble = tenant.as_ref().and_then(|tenant| tenant.trouble.clone());
        let unreadable_tenant = context.tenants.unreadable(&object.spec.tenant_ref.name);
        let namespace = namespaces::by_cache(context, tenant.as_deref(), &object);
        Self {
            context,
            object,
            tenant,
            trouble,
            unreadable_tenant,
            namespace,
            found: None,
            unreadable_lock: None,
            lock: None,
            look: None,
            held: None,
            lease_is_kept: false,
            authority_is_read: false,
            gate: None,
            closed: None,
            probing: false,
            room,
            no_room: None,
            admitted: false,
            alone: None,
            memory,
        }
    }

    /// The object as it is now known.
    pub fn object(&self) -> &PasscodeReset {
        &self.object
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`CallError`], where the API server does not answer: the pass starts over later.
    pub async fn run(&mut self) -> Result<End, CallError> {
        let end = self.steps().await;
        // A lock without a claim: nothing was sent under it, and nothing will be.
        if let Some((_, stored)) = self.held.take() {
            self.context.locks.release(&stored).await;
        }
        if let (true, Some(tenant)) = (self.probing, &self.tenant) {
            tenant.record.facts().probe_is_free(Asking::Reset, self.context.clock.boot());
        }
        end
    }

    async fn steps(&mut self) -> Result<End, CallError> {
        self.record_late().await?;
        for _ in 0..MOST_STEPS {
            if is_over(&self.object) {
                return Ok(End::Finished);
            }
            self.close_gate();
            let decision = decide(&self.observed(), self.now());
            self.learn(&decision);
            tracing::debug!(object = self.object.full_name(), step = ?decision.step, reason = decision.status.reason(), "decided");
            match decision.step {
                Step::Stop => return Ok(End::Finished),
                Step::Observe(fact) => self.observe(fact).await?,
                // Said by nobody: the next leader, or this one once it is ready, goes on from here.
                Step::TakeLock { .. } | Step::TryClaim | Step::Claim(_) if !self.context.may_begin() => {
                    return Ok(End::Later(Duration::from_secs(5)));
                }
                Step::TryClaim => {
                    if let Some(end) = self.try_claim(&decision.status).await? {
                        return Ok(end);
                    }
                }
                Step::TakeLock { send_deadline, settle_window } => self.take_lock(send_deadline, settle_window).await?,
                Step::ReleaseLock => self.release_lock(&decision).await?,
                Step::Claim(attempt) => self.claim(&decision.status, &attempt).await?,
                // Only an answer to a request asks for this; it is dealt with where the answer is.
                Step::SendAgain(pause) => return Ok(End::Later(pause)),
                Step::Wait(pause) => {
                    self.write(&decision).await?;
                    return Ok(End::Later(pause));
                }
                Step::Finish => {
                    self.write(&decision).await?;
                    return Ok(End::Finished);
                }
            }
        }
        tracing::warn!(object = self.object.full_name(), "a pass did not come to an end; it starts over");
        Ok(End::Later(Duration::from_secs(30)))
    }

    fn observed(&self) -> Observed<'_> {
        Observed {
            object: &self.object,
            tenant: self.tenant.as_ref().map(|tenant| tenant.view(self.trouble.as_ref())),
            unread: Unread { tenant: self.unreadable_tenant.as_ref(), lock: self.unreadable_lock.as_deref() },
            namespace: self.namespace,
            found: self.found.as_ref(),
            lock: self.lock.as_ref().map(|lock| lock.as_ref().and_then(|stored| stored.lock.as_ref())),
            remembered: self.lock.iter().flatten().find_map(|stored| stored.latest_reset),
            look: self.look.as_ref(),
            held: self.held.as_ref().map(|(held, _)| held),
            doubt: self.memory.doubt,
            gate: self.gate.as_ref(),
            admission: self.admission(),
            closed: self.closed.as_ref(),
            quarantine: self.quarantine(),
            lease_is_kept: self.lease_is_kept,
            authority_is_read: self.authority_is_read,
            swept: self.memory.swept,
        }
    }

    fn now(&self) -> Now {
        let wall = self.context.clock.wall();
        self.tenant
            .as_ref()
            .map_or(Now { wall, graph: None, estimate: wall }, |tenant| tenant.now(self.context.clock.as_ref()))
    }

    /// The quarantine is written by a replica's clock and judged by Graph's.
    fn quarantine(&self) -> Option<Quarantine> {
        let quarantine = self.context.leadership.borrow().quarantine?;
        let offset = self.tenant.as_ref().and_then(|tenant| tenant.record.facts().clock_offset);
        Some(quarantine.shifted(offset.unwrap_or_default()))
    }

    /// What holds attempts back at the moment. Once the lock is held, there is room.
    fn close_gate(&mut self) {
        self.gate = match &self.tenant {
            Some(tenant) if self.held.is_none() => {
                tenant.record.facts().gate(self.context.clock.boot()).or_else(|| self.no_room.clone())
            }
            _ => None,
        };
    }

    /// Whether it waits for room for its reset.
    pub fn is_in_line(&self) -> bool {
        self.no_room.is_some() && self.gate == self.no_room
    }

    /// Tells the tenant how often this reset is looked at from now on.
    pub fn note_following(&self) {
        let (Some(tenant), Some(uid)) = (&self.tenant, self.object.uid()) else { return };
        let status = self.object.status.as_ref();
        let looks = status.map_or(0, |status| looks_an_hour(status, self.now().estimate));
        tenant.record.facts().follows(&uid, looks);
    }

    /// How urgent a read of this pass is.
    fn urgency(&self) -> Urgency {
        let following = is_in_flight(&self.object);
        match (self.room.is_some(), following) {
            (true, _) => Urgency::Reset,
            (false, true) => Urgency::Follow,
            (false, false) if self.found.is_some() => Urgency::Begun,
            (false, false) => Urgency::LookUp,
        }
    }

    fn learn(&mut self, decision: &Decision) {
        self.memory.doubt = decision.doubt;
        if let (Some(lesson), Some(tenant)) = (decision.lesson, &self.tenant) {
            tenant.record.facts().learn(lesson);
        }
    }

    async fn observe(&mut self, fact: Fact) -> Result<(), CallError> {
        let (clock, urgency) = (self.context.clock.as_ref(), self.urgency());
        match fact {
            Fact::Namespace => self.namespace = self.live_namespace().await?,
            Fact::Device => {
                let Some(tenant) = &self.tenant else { return Ok(()) };
                let refused = &mut self.memory.refused.device;
                self.found = Some(ask::find(tenant, clock, &self.object.spec.device, urgency, refused).await);
            }
            Fact::Lock => {
                let Some((tenant_id, device_id)) = self.lock_of() else { return self.without_device() };
                if self.alone.is_none() {
                    self.alone = Some(self.context.devices.alone_with(&device_id).await);
                }
                self.look = None;
                let now = self.now().estimate;
                match self.context.locks.read(&tenant_id, &device_id, now).await {
                    Err(CallError::Unreadable(why)) => self.unreadable_lock = Some(why),
                    lock => self.lock = Some(lock?),
                }
            }
            Fact::Look => {
                let (Some(tenant), Some((_, device_id))) = (&self.tenant, self.lock_of()) else {
                    return self.without_device();
                };
                let named = &self.object.spec.device;
                let refused = &mut self.memory.refused.record;
                self.look = Some(ask::look(tenant, clock, &device_id, named, urgency, refused).await);
            }
            Fact::LeaderLease => self.still_leads().await?,
            Fact::Authority => self.read_authority().await?,
        }
        Ok(())
    }

    /// Without its tenant there is no way to look.
    fn without_device(&mut self) -> Result<(), CallError> {
        let trouble = self.unreadable_tenant.clone().unwrap_or_else(|| {
            let message = format!("The IntuneTenant \"{}\" is not there.", self.object.spec.tenant_ref.name);
            Trouble { reason: "NotFound".to_owned(), message }
        });
        let message = trouble.message.clone();
        self.lock.get_or_insert(None);
        self.look = Some(Reading::CouldNotTell(Unreadable {
            tenant: Some(trouble),
            message,
            retry_after: Duration::from_secs(60),
        }));
        Ok(())
    }

    /// The namespace's permission, by a live read of both that decide about it.
    async fn live_namespace(&self) -> Result<Namespace, CallError> {
        let (tenant, namespace) = self.live().await?;
        Ok(self.permission(tenant.as_ref(), namespace.as_ref()))
    }

    fn permission(&self, tenant: Option<&IntuneTenant>, namespace: Option<&impl ResourceExt>) -> Namespace {
        let allowed = namespaces::allows(tenant.map(|tenant| &tenant.spec), namespace);
        if allowed { Namespace::Allowed } else { Namespace::Denied { at: self.context.clock.wall() } }
    }

    /// The IntuneTenant and the namespace, as they are stored.
    async fn live(&self) -> Result<(Option<IntuneTenant>, Option<PartialObjectMeta<NamespaceObject>>), CallError> {
        let tenants: Api<IntuneTenant> = Api::all(self.context.client.clone());
        let namespaces: Api<NamespaceObject> = Api::all(self.context.client.clone());
        let namespace = self.object.namespace().unwrap_or_default();
        tokio::try_join!(
            call(tenants.get_opt(&self.object.spec.tenant_ref.name)),
            call(namespaces.get_metadata_opt(&namespace)),
        )
    }

    /// Reads what permits a request, all at once, and goes on with what was read. A tenant that was deleted, or created again since the pass
    /// began, is none. A namespace that was created again has none of its objects any more: then the claim finds another uid.
    async fn read_authority(&mut self) -> Result<(), CallError> {
        let (leads, (live, namespace)) = tokio::try_join!(self.context.leads(), self.live())?;
        self.lease_is_counted(leads)?;
        self.namespace = self.permission(live.as_ref(), namespace.as_ref());
        self.tenant = self.tenant.take().and_then(|tenant| tenant.as_read(live?));
        self.authority_is_read = true;
        Ok(())
    }

    /// The Entra tenant and the device that the lock is about: as decided in this pass, or as pinned in the status.
    fn lock_of(&self) -> Option<(String, String)> {
        let tenant = self.tenant.as_ref()?;
        let decided = self.object.status.as_ref().and_then(|status| status.device.as_ref());
        let device_id = match (decided, &self.found) {
            (Some(device), _) => device.managed_device_id.clone(),
            (None, Some(Reading::Answer { value: Found::One(device), .. })) => device.id.clone(),
            _ => return None,
        };
        Some((tenant.spec().tenant_id.clone(), device_id))
    }

    /// Takes the lock over what was read. Refused, the machine starts over with what is there now.
    async fn take_lock(&mut self, send_deadline: Timestamp, settle_window: Duration) -> Result<(), CallError> {
        let (Some((tenant_id, device_id)), Some(tenant)) = (self.lock_of(), self.tenant.clone()) else { return Ok(()) };
        // Asked once more: meanwhile others may have met what closes it.
        if tenant.record.facts().gate(self.context.clock.boot()).is_some() || !self.has_room(&tenant).await {
            return Ok(());
        }
        if !self.probing {
            match tenant.admit(Asking::Reset, self.context.clock.boot()) {
                Ok(probing) => self.probing = probing,
                Err(closed) => {
                    self.closed = Some(closed);
                    return Ok(());
                }
            }
        }
        let held = Held { attempt_id: Uuid::new_v4().to_string(), send_deadline };
        let wanted = Wanted {
            attempt_id: &held.attempt_id,
            send_deadline,
            settle_window,
            object: &self.object,
            now: self.context.clock.wall(),
        };
        let seen = self.lock.take().flatten();
        let taken = self.context.locks.take(&tenant_id, &device_id, seen.as_ref(), &wanted).await;
        // Whatever was seen was seen before the lock.
        self.look = None;
        let stored = match taken {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(()),
            Err(CallError::Denied(denial)) => {
                self.refused(*denial, DeniedWrite::Lock);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.lock = Some(Some(stored.clone()));
        self.held = Some((held, stored));
        self.authority_is_read = false;
        Ok(())
    }

    async fn still_leads(&mut self) -> Result<(), CallError> {
        let leads = self.context.leads().await?;
        self.lease_is_counted(leads)
    }

    /// Asked under the lock, and before a rejection: if etcd was restored before that, and with it claims and locks were lost, the lease
    /// shows it. Whatever is restored later finds this process alive, which remembers what it took, and the object in another version.
    fn lease_is_counted(&mut self, leads: bool) -> Result<(), CallError> {
        self.lease_is_kept = leads;
        if leads {
            return Ok(());
        }
        Err(CallError::Unclear("the leader lease is not as this replica wrote it".to_owned()))
    }

    /// Whether there is room for the reset; it is reserved before the lock is taken, for then its deadline runs.
    async fn has_room(&mut self, tenant: &Tenant) -> bool {
        let Some(graph) = tenant.graph.as_ref().filter(|_| self.room.is_none()) else { return self.room.is_some() };
        match graph.reserve_soon().await {
            Ok(room) => self.room = Some(room),
            Err(full) => self.no_room = Some(budgets::no_room(&tenant.spec().limits, full)),
        }
        self.room.is_some()
    }

    /// Records what is known not to have been carried out, and gives its lock back.
    async fn release_lock(&mut self, decision: &Decision) -> Result<(), CallError> {
        self.write(decision).await?;
        if let Some(Some(stored)) = self.lock.take() {
            self.context.locks.release(&stored).await;
        }
        self.held = None;
        self.look = None;
        Ok(())
    }

    /// Claims, and only where the stored object shows this very claim, sends.
    async fn claim(&mut self, status: &PasscodeResetStatus, attempt: &Attempt) -> Result<(), CallError> {
        self.look = None;
        match status_writer::write(&self.context.client, &self.object, status, Check::Strict).await {
            Ok(stored) => {
                let kept = stored.status.as_ref().and_then(|status| status.attempt.as_ref());
                if kept.is_none_or(|kept| kept.id != attempt.id) {
                    self.context.health.schema_is_stale("status.attempt was dropped");
                }
                self.object = stored;
            }
            Err(CallError::Denied(denial)) => {
                self.release_held().await;
                self.refused(*denial, DeniedWrite::Claim);
                return Ok(());
            }
            Err(CallError::Invalid(fields)) => return self.refused_by_schema(fields),
            // Lost or refused, what is stored decides; if it is not the claim, the machine decides again under the same lock.
            Err(CallError::Conflict | CallError::Unclear(_)) => self.read_again().await?,
            Err(error) => return Err(error),
        }
        let claimed = self.object.status.as_ref().and_then(|status| status.attempt.clone());
        if let Some(claimed) = claimed.filter(|claimed| claimed.id == attempt.id && claimed.result.is_none()) {
            // From here on the lock is kept: it ends by itself, or by what the answer says.
            self.held = None;
            return match admission::altered(&claimed, attempt) {
                None => {
                    self.memory.refusal = None;
                    self.send(attempt).await
                }
                Some(denial) => self.not_sent(attempt, denial).await,
            };
        }
        Ok(())
    }

    async fn read_again(&mut self) -> Result<(), CallError> {
        let api: Api<PasscodeReset> =
            Api::namespaced(self.context.client.clone(), &self.object.namespace().unwrap_or_default());
        let read = call(api.get(&self.object.name_any())).await?;
        if read.uid() != self.object.uid() {
            return Err(CallError::Gone);
        }
        self.object = read;
        (self.lease_is_kept, self.authority_is_read) = (false, false);
        Ok(())
    }

    /// Sends under the claim: once, and again only where the answer says that nothing was executed.
    async fn send(&mut self, attempt: &Attempt) -> Result<(), CallError> {
        let Some(tenant) = self.tenant.clone() else { return Ok(()) };
        loop {
            self.probing = false;
            let posted = ask::send(&tenant, self.context.clock.as_ref(), &self.object, attempt, self.room.take()).await;
            if posted.went_out {
                self.context.metrics.answered(&posted.answered.meaning);
            }
            let answer = posted.answered;
            let decision = answered(&self.observed(), &answer, self.now());
            match decision.step {
                Step::SendAgain(pause) => tokio::time::sleep(pause).await,
                _ => return self.record(&answer, attempt).await,
            }
        }
    }

    /// Records the answer, stubbornly: without it the object waits for minutes to be verified.
    async fn record(&mut self, answer: &Answered, attempt: &Attempt) -> Result<(), CallError> {
        let mut denied = None;
        for tries in 0..RECORD_TRIES {
            let decision = answered(&self.observed(), answer, self.now());
            let written = match decision.step {
                Step::ReleaseLock => self.release_lock(&decision).await,
                _ => self.write(&decision).await,
            };
            match written {
                Err(CallError::Conflict | CallError::Unclear(_)) => {}
                Err(CallError::Denied(denial)) => denied = Some(denial),
                other => return other,
            }
            tokio::time::sleep(Duration::from_millis(200 << tries)).await;
            if let Err(error @ CallError::Gone) = self.read_again().await {
                return Err(error);
            }
            let stored = self.object.status.as_ref().and_then(|status| status.attempt.as_ref());
            if stored.is_none_or(|stored| stored.id != attempt.id || stored.result.is_some()) {
                return Ok(());
            }
        }
        self.memory.unrecorded = Some(Arc::new((attempt.id.clone(), answer.clone())));
        Err(denied.map_or_else(|| CallError::Unclear("the answer could not be recorded".to_owned()), CallError::Denied))
    }

    /// Has the device lease remember what the status is going to say. A crash in between leaves more remembered than said, which sends nothing.
    async fn remember(&mut self, latest: Timestamp) -> Result<(), CallError> {
        let Some((tenant_id, device_id)) = self.lock_of() else { return Ok(()) };
        let seen = self.lock.take().flatten();
        let stored = self.context.locks.remember(&tenant_id, &device_id, seen, latest).await?;
        // If another has taken the lock over meanwhile, what is held is not given back by its new version.
        if let Some((held, lease)) = self.held.as_mut()
            && stored.lock.as_ref().is_some_and(|lock| lock.attempt_id == held.attempt_id)
        {
            lease.clone_from(&stored);
        }
        self.lock = Some(Some(stored));
        Ok(())
    }

    /// Writes the status where it says something else than before, and announces what is worth it.
    async fn write(&mut self, Decision { status, remember, .. }: &Decision) -> Result<(), CallError> {
        let old = self.object.status.clone().unwrap_or_default();
        if says_the_same(&old, status) {
            return Ok(());
        }
        if let Some(latest) = *remember {
            self.remember(latest).await?;
        }
        self.object = status_writer::write(&self.context.client, &self.object, status, Check::Lenient).await?;
        self.context.metrics.status_written();
        if let Some(announcement) = announced(&old, status) {
            self.context.events.publish(&self.object, &announcement).await;
        }
        if old.outcome.is_none()
            && let Some(outcome) = status.outcome
        {
            self.context.metrics.finished(outcome, status);
            tracing::info!(object = self.object.full_name(), ?outcome, reason = status.reason(), "finished");
        }
        Ok(())
    }
}
