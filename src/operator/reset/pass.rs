//! One pass over one object: carries out what [`passcode_core::protocol`] asks for, effect by effect.

mod admission;
mod agreement;
mod reads;
mod view;
mod writes;

use std::{sync::Arc, time::Duration};

use passcode_core::{
    api::reset::PasscodeReset,
    lifecycle::polling::looks_an_hour,
    protocol::{
        Known,
        health::Request,
        pass::{self as protocol, Effect, Event, Why},
        real::Real,
    },
};

use self::view::View;
use super::{context::PassContext, state::PassState};
use crate::graph::Reservation;
use crate::operator::{calls::CallError, locks::StoredLease};
use kube::ResourceExt;

/// More effects than any pass has; beyond it the pass starts over later.
const MOST_EFFECTS: usize = 120;
/// When it does.
const START_OVER: Duration = Duration::from_secs(30);

/// What a pass speaks of here.
type Terms = Real<StoredLease>;

/// How a pass ended.
pub enum End {
    /// Come back then.
    Later(Duration),
    /// Nothing more, ever.
    Finished,
}

/// A pass under way.
pub struct Pass<'a> {
    protocol: protocol::Pass<Terms>,
    view: View<'a>,
}

impl<'a> Pass<'a> {
    /// Begins a pass over an object that was just read.
    pub fn begin(
        context: &'a PassContext,
        object: PasscodeReset,
        state: PassState,
        capacity: Option<Reservation>,
    ) -> Self {
        let mut view = View::new(context, &object, state, capacity);
        let protocol = match view.state.unrecorded.take() {
            Some(unrecorded) => {
                let (attempt, answer) = Arc::unwrap_or_clone(unrecorded);
                protocol::Pass::recording(object, attempt, answer, &mut view)
            }
            None => protocol::Pass::new(object, &mut view),
        };
        Self { protocol, view }
    }

    /// The object as it is now known.
    fn object(&self) -> &PasscodeReset {
        &self.protocol.known().object
    }

    /// The object as it is known in the end, and what is remembered of it.
    pub fn into_parts(self) -> (PasscodeReset, PassState) {
        (self.protocol.into_known().object, self.view.state)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`CallError`], where the API server does not answer: the pass starts over later.
    pub async fn run(&mut self) -> Result<End, CallError> {
        let end = self.effects().await;
        if let (true, Some(tenant)) = (self.view.probing, &self.view.tenant) {
            tenant.record.health().probe_is_free(Request::Reset, self.view.context.clock.boot());
        }
        match end {
            protocol::End::Later(pause) => Ok(End::Later(pause)),
            protocol::End::Finished => Ok(End::Finished),
            protocol::End::Failed(_) => Err(self.view.error()),
            protocol::End::Unrecorded(attempt, answer, why) => {
                self.view.state.unrecorded = Some(Arc::new((attempt, answer)));
                Err(match why {
                    Why::Denied => self.view.error(),
                    _ => CallError::Unclear("the answer could not be recorded".to_owned()),
                })
            }
        }
    }

    async fn effects(&mut self) -> protocol::End<Terms> {
        for _ in 0..MOST_EFFECTS {
            if let Some(end) = self.effect().await {
                return end;
            }
        }
        tracing::warn!(object = self.object().full_name(), "a pass did not come to an end; it starts over");
        self.protocol.end(protocol::End::Later(START_OVER));
        loop {
            // A lock may still have to be released.
            if let Some(end) = self.effect().await {
                return end;
            }
        }
    }

    /// Carries out the next effect; answers with the end where there is none.
    async fn effect(&mut self) -> Option<protocol::End<Terms>> {
        let event = match self.protocol.next() {
            Effect::End(end) => return Some(end.clone()),
            effect => self.view.carry_out(self.protocol.known(), effect).await,
        };
        self.protocol.apply(event, &mut self.view);
        None
    }

    /// Whether it waits for capacity for its reset.
    pub fn is_queued(&self) -> bool {
        self.view.no_capacity.is_some() && self.view.gate == self.view.no_capacity
    }

    /// Tells the tenant how often this reset is looked at from now on.
    pub fn note_following(&self) {
        let (Some(tenant), Some(uid)) = (&self.view.tenant, self.object().uid()) else { return };
        let status = self.object().status.as_ref();
        let looks = status.map_or(0, |status| looks_an_hour(status, self.view.now().estimate));
        tenant.record.health().follows(&uid, looks);
    }
}

impl View<'_> {
    async fn carry_out(&mut self, known: &Known<Terms>, effect: Effect<'_, Terms>) -> Event<Terms> {
        let done = match effect {
            Effect::Observe(fact) => self.observe(known, fact).await,
            Effect::Reserve => Ok(self.reserve().await),
            Effect::TakeLock { seen, attempt, terms } => self.take_lock(known, seen, attempt, terms).await,
            Effect::ReadLock => self.read_lock_back(known).await,
            Effect::TryClaim(status) => self.try_claim(known, status).await,
            Effect::Claim(status) => self.claim(known, status).await,
            Effect::ReadObject => self.read_again(known).await,
            Effect::Send(_) => Ok(self.send(known).await),
            Effect::Pause(pause) => {
                tokio::time::sleep(pause).await;
                Ok(Event::Done)
            }
            Effect::Remember { seen, latest, .. } => self.remember(known, seen, *latest).await,
            Effect::Write(status) => self.write(known, status).await,
            Effect::Release(lease) => {
                if let Some(lock) = &lease.lock {
                    self.context.sent.give_back(&lock.attempt_id);
                }
                self.context.locks.release(lease).await;
                Ok(Event::Done)
            }
            Effect::End(_) => Ok(Event::Done),
        };
        done.unwrap_or_else(|error| self.not_stored(error))
    }
}
