//! What a pass knows beside its protocol: the tenant, the device, what is in the way. The rules are asked with both.

use std::sync::Arc;

use passcode_core::{
    api::{reset::PasscodeReset, reset_status::PasscodeResetStatus},
    lifecycle::{
        admission::{DeniedWrite, altered},
        answered::{Answered, Meaning, answered},
        decide::decide,
        events::Announcement,
        observed::{Closed, Found, Gate, Namespace, NotReady, Now, Observed, Reading},
        polling::is_in_flight,
        quarantine::Quarantine,
        step,
    },
    protocol::{
        Decision, Judgement, Known, Rules,
        pass::{Event, Why},
    },
};

use super::{
    Terms,
    agreed::{Agreed, Asked},
};
use crate::{
    graph::{Priority, Reservation},
    operator::{
        calls::CallError,
        locks::Intended,
        locks::SentReset,
        namespaces,
        reset::{context::PassContext, state::PassState},
        tenant::Tenant,
    },
};

/// What a pass knows beside its protocol.
pub struct View<'a> {
    pub context: &'a PassContext,
    pub tenant: Option<Arc<Tenant>>,
    pub not_ready: Option<NotReady>,
    pub unreadable_tenant: Option<NotReady>,
    pub namespace: Namespace,
    pub agreed: Agreed,
    pub found: Option<Reading<Found>>,
    pub unreadable_lock: Option<String>,
    /// The lock that was to be taken last.
    pub intended: Option<Intended>,
    /// What budgets are to count once it is taken.
    pub wanted: Option<SentReset>,
    pub gate: Option<Gate>,
    /// Why the tenant takes no reset, once one would be sent.
    pub closed: Option<Closed>,
    /// Whether its request is to show that the tenant's trouble is over.
    pub probing: bool,
    /// Capacity for one reset within the tenant's limits.
    pub capacity: Option<Reservation>,
    /// Why there is no capacity for one, once that was asked for.
    pub no_capacity: Option<Gate>,
    /// Whether the claim was tried in this pass, and would be admitted.
    pub admitted: bool,
    /// Keeps other passes of this process away from the device.
    pub alone: Option<tokio::sync::OwnedMutexGuard<()>>,
    /// What is remembered of the object.
    pub state: PassState,
    /// What the changes of this pass announce.
    pub announcement: Option<Announcement>,
    /// Why the last call failed.
    pub failed: Option<CallError>,
}

impl<'a> View<'a> {
    /// What the caches say of an object that was just read.
    pub fn new(
        context: &'a PassContext,
        object: &PasscodeReset,
        state: PassState,
        capacity: Option<Reservation>,
    ) -> Self {
        let name = &object.spec.tenant_ref.name;
        let tenant = context.tenants.get(name);
        Self {
            context,
            not_ready: tenant.as_ref().and_then(|tenant| tenant.not_ready.clone()),
            unreadable_tenant: context.tenants.unreadable(name),
            namespace: namespaces::by_cache(&context.namespaces, tenant.as_deref(), object),
            agreed: Agreed::new(context, object),
            tenant,
            found: None,
            unreadable_lock: None,
            intended: None,
            wanted: None,
            gate: None,
            closed: None,
            probing: false,
            capacity,
            no_capacity: None,
            admitted: false,
            alone: None,
            state,
            announcement: None,
            failed: None,
        }
    }

    fn observed<'o>(&'o self, known: &'o Known<Terms>, asked: &'o Asked<'_>) -> Observed<'o> {
        Observed {
            object: &known.object,
            tenant: self.tenant.as_ref().map(|tenant| tenant.view(self.not_ready.as_ref())),
            unread_tenant: self.unreadable_tenant.as_ref(),
            namespace: self.namespace,
            found: self.found.as_ref(),
            device_lease: known.device_lease(self.unreadable_lock.as_deref()),
            look: known.look.as_ref(),
            unconfirmed: self.state.unconfirmed,
            gate: self.gate.as_ref(),
            admission: self.admission(),
            closed: self.closed.as_ref(),
            quarantine: self.quarantine(),
            lease_is_kept: known.lease_is_kept,
            agreement: self.agreement(known, asked),
            swept: self.state.swept,
        }
    }

    pub fn now(&self) -> Now {
        let wall = self.context.clock.wall();
        self.tenant
            .as_ref()
            .map_or(Now { wall, graph: None, estimate: wall }, |tenant| tenant.now(self.context.clock.as_ref()))
    }

    /// The quarantine is written by a replica's clock and judged by Graph's.
    fn quarantine(&self) -> Option<Quarantine> {
        let quarantine = self.context.authority.quarantine()?;
        let offset = self.tenant.as_ref().and_then(|tenant| tenant.record.health().clock_offset);
        Some(quarantine.shifted(offset.unwrap_or_default()))
    }

    /// What holds attempts back at the moment. Once the lock is held, there is capacity.
    fn close_gate(&mut self, held: bool) {
        self.gate = match &self.tenant {
            Some(tenant) if !held => {
                tenant.record.health().gate(self.context.clock.boot()).or_else(|| self.no_capacity.clone())
            }
            _ => None,
        };
    }

    /// How urgent a read of this pass is.
    pub fn urgency(&self, object: &PasscodeReset) -> Priority {
        match (self.capacity.is_some(), is_in_flight(object)) {
            (true, _) => Priority::Reset,
            (false, true) => Priority::Follow,
            (false, false) if self.found.is_some() => Priority::Begun,
            (false, false) => Priority::LookUp,
        }
    }

    fn learn(&mut self, decision: &step::Decision) {
        self.state.unconfirmed = decision.unconfirmed;
        if let (Some(lesson), Some(tenant)) = (decision.lesson, &self.tenant) {
            tenant.record.health().learn(lesson);
        }
    }

    /// The Entra tenant and the device that the lock is about: as decided in this pass, or as pinned in the status.
    pub fn lock_of(&self, object: &PasscodeReset) -> Option<(String, String)> {
        let tenant = self.tenant.as_ref()?;
        let decided = object.status.as_ref().and_then(|status| status.device.as_ref());
        let device_id = match (decided, &self.found) {
            (Some(device), _) => device.managed_device_id.clone(),
            (None, Some(Reading::Answer { value: Found::One(device), .. })) => device.id.clone(),
            _ => return None,
        };
        Some((tenant.spec().tenant_id.clone(), device_id))
    }

    /// A call that failed, as the protocol knows it; the error itself is kept for whoever is told how the pass ended.
    pub fn not_stored(&mut self, error: CallError) -> Event<Terms> {
        let why = match &error {
            CallError::Conflict => Why::Conflict,
            CallError::Gone => Why::Gone,
            CallError::Denied(_) => Why::Denied,
            CallError::Unclear(_) => Why::Unclear,
            CallError::Invalid(_) | CallError::Refused(_) | CallError::Forbidden(_) | CallError::Unreadable(_) => {
                Why::Failed
            }
        };
        self.failed = Some(error);
        Event::NotStored(why)
    }

    /// Why the last call failed.
    pub fn error(&mut self) -> CallError {
        self.failed.take().unwrap_or_else(|| CallError::Unclear("the pass could not go on".to_owned()))
    }
}

impl Rules<Terms> for View<'_> {
    fn decide(&mut self, known: &Known<Terms>) -> Decision<Terms> {
        self.close_gate(known.held.is_some());
        let asked = self.asked(known);
        let decision = decide(&self.observed(known, &asked), self.now());
        self.learn(&decision);
        tracing::debug!(object = known.object.full_name(), step = ?decision.step, reason = decision.status.reason(), "decided");
        decision.into()
    }

    fn judge(&mut self, known: &Known<Terms>, answer: &Answered) -> Judgement<Terms> {
        answered(&self.observed(known, &self.asked(known)), answer, self.now()).into()
    }

    fn altered(&mut self, object: &PasscodeReset, status: &PasscodeResetStatus) -> Option<Answered> {
        let Some(denial) = altered(object.status.as_ref(), status) else {
            self.state.refusal = None;
            return None;
        };
        let meaning = Meaning::NotExecuted { again_after: None, not_ready: None };
        let answer = Answered { meaning, request_id: None, message: format!("The claim was {denial}.") };
        self.refused(object, denial, DeniedWrite::Claim);
        Some(answer)
    }

    fn may_begin(&self) -> bool {
        self.context.authority.may_begin()
    }
}
