//! One pass over one object: carries out what [`passcode_core::protocol`] asks for, effect by effect.

mod admission;
mod agreed;
mod agreement;
mod reads;
mod view;
mod writes;

use std::{
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
    time::Duration,
};

use passcode_core::{
    api::reset::PasscodeReset,
    lifecycle::{events::published, polling::looks_an_hour},
    protocol::{
        Known,
        health::Request,
        pass::{Effect, End, Event, Pass, Start, Why},
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

/// When a pass is made again.
pub enum Next {
    /// Come back then.
    Later(Duration),
    /// Nothing more, ever.
    Finished,
}

/// What is left of a pass that has ended.
pub struct Ended {
    /// What follows.
    ///
    /// # Errors
    /// [`CallError`], where the API server does not answer: the pass starts over later.
    pub next: Result<Next, CallError>,
    /// The object as it is known in the end.
    pub object: PasscodeReset,
    /// What is remembered of it.
    pub state: PassState,
    /// Whether it waits for capacity for its reset.
    pub queued: bool,
}

/// Makes a pass over an object that was just read.
pub async fn run(
    context: &PassContext,
    object: PasscodeReset,
    state: PassState,
    capacity: Option<Reservation>,
) -> Ended {
    let mut view = View::new(context, &object, state, capacity);
    let start = match view.state.unrecorded.take() {
        Some(unrecorded) => {
            let (attempt, answer) = Arc::unwrap_or_clone(unrecorded);
            Start::recording(object, attempt, answer)
        }
        None => Start::over(object),
    };
    let mut pass = start.begin(&mut view);
    let end = effects(&mut pass, &mut view).await;
    let object = pass.into_known().object;
    let finished = object.status.as_ref().is_some_and(|status| status.outcome.is_some());
    let earlier = view.state.announcement.take().map(|earlier| *earlier);
    let (now, later) = published(earlier, view.announcement.take(), finished);
    view.state.announcement = later.map(Box::new);
    if let Some(announcement) = now {
        context.events.publish(&object, &announcement).await;
    }
    view.ended(end, object)
}

async fn effects(pass: &mut Pass<Terms>, view: &mut View<'_>) -> End<Terms> {
    for _ in 0..MOST_EFFECTS {
        if let Break(end) = effect(pass, view).await {
            return end;
        }
    }
    tracing::warn!(object = pass.known().object.full_name(), "a pass did not come to an end; it starts over");
    pass.end(End::Later(START_OVER));
    loop {
        // A lock may still have to be released.
        if let Break(end) = effect(pass, view).await {
            return end;
        }
    }
}

/// Carries out the next effect, if there is one.
async fn effect(pass: &mut Pass<Terms>, view: &mut View<'_>) -> ControlFlow<End<Terms>> {
    let effect = pass.next().map_break(End::clone)?;
    let event = view.carry_out(pass.known(), effect).await;
    pass.apply(event, view);
    Continue(())
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
        };
        done.unwrap_or_else(|error| self.not_stored(error))
    }

    fn ended(mut self, end: End<Terms>, object: PasscodeReset) -> Ended {
        if let (true, Some(tenant)) = (self.probing, &self.tenant) {
            tenant.record.health().probe_is_free(Request::Reset, self.context.clock.boot());
        }
        let next = match end {
            End::Later(pause) => Ok(Next::Later(pause)),
            End::Finished => Ok(Next::Finished),
            End::Failed(_) => Err(self.error()),
            End::Unrecorded(attempt, answer, why) => {
                self.state.unrecorded = Some(Arc::new((attempt, answer)));
                Err(match why {
                    Why::Denied => self.error(),
                    _ => CallError::Unclear("the answer could not be recorded".to_owned()),
                })
            }
        };
        self.note_following(&object);
        let queued = self.no_capacity.is_some() && self.gate == self.no_capacity;
        Ended { next, object, state: self.state, queued }
    }

    /// Tells the tenant how often this reset is looked at from now on.
    fn note_following(&self, object: &PasscodeReset) {
        let (Some(tenant), Some(uid)) = (&self.tenant, object.uid()) else { return };
        let looks = object.status.as_ref().map_or(0, |status| looks_an_hour(status, self.now().estimate));
        tenant.record.health().follows(&uid, looks);
    }
}
