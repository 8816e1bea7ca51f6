//! What a pass writes and sends: the device lock, the claim, the request, the status.

use jiff::Timestamp;
use passcode_core::{
    api::{
        reset::PasscodeReset,
        reset_status::{Outcome, PasscodeResetStatus},
    },
    lifecycle::{
        admission::DeniedWrite,
        events::{announced, overridden},
    },
    protocol::{Known, health::Request, pass::Event, real::LockTerms},
};
use uuid::Uuid;

use super::{Terms, view::View};
use crate::operator::{
    calls::CallError,
    intune,
    locks::{self, StoredLease, Taken, Wanted},
    status_writer::{self, Check},
    tenant::{Tenant, budgets},
};

impl View<'_> {
    /// Capacity for the reset, and the tenant's consent: asked for before the lock is taken, for then its deadline runs.
    pub(super) async fn reserve(&mut self) -> Event<Terms> {
        let Some(tenant) = self.tenant.clone() else { return Event::Done };
        // Asked once more: meanwhile others may have met what closes it.
        if tenant.record.health().gate(self.context.clock.boot()).is_some() || !self.has_capacity(&tenant).await {
            return Event::Done;
        }
        if !self.probing {
            match tenant.admit(Request::Reset, self.context.clock.boot()) {
                Ok(probing) => self.probing = probing,
                Err(closed) => {
                    self.closed = Some(closed);
                    return Event::Done;
                }
            }
        }
        Event::Reserved(Uuid::new_v4().to_string())
    }

    async fn has_capacity(&mut self, tenant: &Tenant) -> bool {
        let Some(graph) = tenant.graph.as_ref().filter(|_| self.capacity.is_none()) else {
            return self.capacity.is_some();
        };
        match graph.reserve_soon().await {
            Ok(capacity) => self.capacity = Some(capacity),
            Err(full) => self.no_capacity = Some(budgets::no_capacity(&tenant.spec().limits, full)),
        }
        self.capacity.is_some()
    }

    pub(super) async fn take_lock(
        &mut self,
        known: &Known<Terms>,
        seen: Option<&StoredLease>,
        attempt_id: &str,
        terms: &LockTerms,
    ) -> Result<Event<Terms>, CallError> {
        let Some((tenant_id, device_id)) = self.lock_of(&known.object) else { return Err(CallError::Gone) };
        let counted = self.counted(&known.object, locks::name(&tenant_id, &device_id), attempt_id);
        let wanted = Wanted {
            counted: &counted,
            attempt_id,
            send_deadline: terms.send_deadline,
            settle_window: terms.settle_window,
            object: &known.object,
            now: self.context.clock.wall(),
        };
        let intended = self.context.locks.intend(&tenant_id, &device_id, seen, &wanted);
        self.wanted = Some(counted);
        let taken = self.context.locks.take(&intended).await;
        self.intended = Some(intended);
        if let Err(CallError::Denied(denial)) = &taken {
            self.refused(&known.object, (**denial).clone(), DeniedWrite::Lock);
        }
        taken.map(|taken| self.taken(known, taken))
    }

    pub(super) async fn read_lock_back(&mut self, known: &Known<Terms>) -> Result<Event<Terms>, CallError> {
        let Some(intended) = self.intended.take() else { return Ok(Event::Lock(None)) };
        let found = self.context.locks.read_back(&intended).await?;
        Ok(found.map_or(Event::Lock(None), |taken| match self.taken(known, taken) {
            Event::LeaseStored(lease) => Event::Lock(Some(lease)),
            altered => altered,
        }))
    }

    fn taken(&mut self, known: &Known<Terms>, taken: Taken) -> Event<Terms> {
        match taken {
            Taken::Stored(lease) => {
                if let Some(sent) = self.wanted.take() {
                    self.context.sent.count(sent);
                }
                Event::LeaseStored(lease)
            }
            Taken::Altered(lease, denial) => {
                self.refused(&known.object, *denial, DeniedWrite::Lock);
                Event::LockAltered(lease)
            }
        }
    }

    pub(super) async fn claim(
        &mut self,
        known: &Known<Terms>,
        status: &PasscodeResetStatus,
    ) -> Result<Event<Terms>, CallError> {
        match status_writer::write(&self.context.cluster.client, &known.object, status, Check::Strict).await {
            Ok(stored) => {
                let id = |status: Option<&PasscodeResetStatus>| Some(status?.attempt.as_ref()?.id.clone());
                if id(stored.status.as_ref()) != id(Some(status)) {
                    self.context.health.schema_is_stale("status.attempt was dropped");
                }
                self.announce_permission(&stored, status).await;
                Ok(Event::ObjectStored(stored))
            }
            Err(CallError::Denied(denial)) => {
                self.refused(&known.object, (*denial).clone(), DeniedWrite::Claim);
                Err(CallError::Denied(denial))
            }
            Err(CallError::Invalid(fields)) => self.refused_by_schema(fields),
            Err(error) => Err(error),
        }
    }

    /// A claim is stored: what the policies said is counted, and each override is told.
    async fn announce_permission(&self, stored: &PasscodeReset, status: &PasscodeResetStatus) {
        let Some(permission) = &status.permission else { return };
        self.context.metrics.policies_decided(permission);
        if let Some(announcement) = overridden(status) {
            self.context.metrics.overridden();
            tracing::warn!(object = stored.full_name(), approvals = ?permission.overrides, "a policy was overridden");
            self.context.events.publish(stored, &announcement).await;
        }
    }

    /// Sends the one request of the attempt that the object carries.
    pub(super) async fn send(&mut self, known: &Known<Terms>) -> Event<Terms> {
        let attempt = known.object.status.as_ref().and_then(|status| status.attempt.as_ref());
        let (Some(tenant), Some(attempt)) = (self.tenant.clone(), attempt) else { return Event::Done };
        self.probing = false;
        let clock = self.context.clock.as_ref();
        let posted = intune::send(&tenant, clock, &known.object, attempt, self.capacity.take()).await;
        if posted.went_out {
            self.context.metrics.answered(&posted.answered.meaning);
        }
        Event::Answered(posted.answered)
    }

    pub(super) async fn remember(
        &mut self,
        known: &Known<Terms>,
        seen: Option<&StoredLease>,
        latest: Timestamp,
    ) -> Result<Event<Terms>, CallError> {
        let Some((tenant_id, device_id)) = self.lock_of(&known.object) else { return Ok(Event::Done) };
        let stored = self.context.locks.remember(&tenant_id, &device_id, seen.cloned(), latest).await?;
        Ok(Event::LeaseStored(stored))
    }

    /// Writes the status. What it announces is published when the pass ends, or the next one.
    pub(super) async fn write(
        &mut self,
        known: &Known<Terms>,
        status: &PasscodeResetStatus,
    ) -> Result<Event<Terms>, CallError> {
        let old = known.object.status.clone().unwrap_or_default();
        let stored = status_writer::write(&self.context.cluster.client, &known.object, status, Check::Lenient).await?;
        self.context.metrics.status_written();
        self.announcement = announced(&old, status).or(self.announcement.take());
        if old.outcome.is_none()
            && let Some(outcome) = status.outcome
        {
            self.context.metrics.finished(outcome, status);
            if let (Outcome::Rejected, Some(permission)) = (outcome, &status.permission) {
                self.context.metrics.policies_decided(permission);
            }
            tracing::info!(object = stored.full_name(), ?outcome, reason = status.reason(), "finished");
        }
        Ok(Event::ObjectStored(stored))
    }
}
