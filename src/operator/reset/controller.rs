//! The PasscodeResets: each unfinished one is gone over again and again until it has an outcome.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use kube::{
    Resource, ResourceExt,
    runtime::{
        Controller, WatchStreamExt,
        controller::{self, Action},
        reflector::{self, Store, reflector},
        watcher,
    },
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::{
    context::Context,
    deletions,
    listed::{self, Listed, Reference, Seen},
    pass::{self, Ended, Next},
    queue::Admitted,
    reading::{read, slim, unchanged},
    state::{NEVER, PassState},
    sweep, wait,
};
use crate::operator::{
    calls::CallError,
    reconciliations::{stopped, stopped_before_it_began},
    tenant::Presence,
    wakes::Wake,
};
use crate::{graph::Reservation, telemetry::health::Watch};
use passcode_core::{
    api::{
        conditions::{self, reason as reasons},
        reset::PasscodeReset,
        reset_status::{AttemptResult, PasscodeResetStatus},
    },
    lifecycle::{
        admission::{Denial, write_again},
        events::Announcement,
        polling::is_in_flight,
    },
};

/// How many are gone over at once is for [`super::queue`] to say; an object that waits there is not being reconciled.
const CONCURRENCY: u16 = 0;
/// The longest that one pass may take: two reads, one request, and the record of its answer.
const PASS_TIME_OUT: Duration = Duration::from_secs(300);
/// How often it is looked whether those that wait for their turn are still there.
const STILL_THERE: Duration = Duration::from_secs(15);
/// How long an object waits for one reason before that is announced.
const LONG_WAIT: Duration = Duration::from_secs(300);
/// How long the end of a term waits for the deletions that are still to be told.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// What comes to the objects from elsewhere.
pub struct Inputs {
    /// Whose wait is over.
    pub told: mpsc::UnboundedReceiver<Reference>,
    /// What changed that objects may wait for.
    pub woken: mpsc::UnboundedReceiver<Wake>,
    /// What was deleted after it was sent.
    pub deleted: mpsc::UnboundedReceiver<Arc<PasscodeReset>>,
}

/// Runs until `stop`, then finishes what is in flight.
pub async fn run(context: Arc<Context>, heard: Inputs, stop: watch::Receiver<bool>) {
    let _closing = Closing(&context);
    let Inputs { told, woken, deleted } = heard;
    let (store, writer) = reflector::store();
    let seen = reflector(writer, listed::unfinished(context.pass.cluster.client.clone()));
    // Deletions, too: an object that waits for a change and for no time would be remembered forever.
    let controller = Controller::for_stream(seen.touched_objects(), store.clone());
    let (told_to_stop, waiting) = (stopped(stop.clone()), context.clone());
    let closed = async move {
        told_to_stop.await;
        waiting.queue.close();
    };
    let work = controller
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .reconcile_on(UnboundedReceiverStream::new(told))
        .graceful_shutdown_on(closed)
        .run(reconcile, |_, error, _| match *error {}, context.clone())
        .for_each(|result| {
            note(&context, result);
            std::future::ready(())
        });
    let ended = async {
        tokio::select! {
            () = work => {}
            () = stopped_before_it_began(&store, stop) => {}
            () = deleted_while_queued(&context, &store) => {}
            () = wake(&context, &store, woken) => {}
            () = sweep::run(&context, &store) => {}
        }
        context.deletions.close();
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        () = ended => {}
        () = deletions::tell(&context.pass.cluster.client, &context.pass.metrics, &context.pass.events, deleted) => {}
    }
}

/// What the controller says of one turn. Nothing here waits: the whole stream would.
fn note(context: &Context, result: Result<(Reference, Action), controller::Error<Infallible, watcher::Error>>) {
    let now = context.pass.clock.boot();
    match result {
        Err(controller::Error::ObjectNotFound(reference)) => vanished(context, &reference.into_kind_unchecked(())),
        Err(error) => {
            tracing::warn!(%error, "the watch of PasscodeResets failed; it is made again");
            context.pass.health.watched::<()>(Watch::Resets, Err(error.to_string()), now);
        }
        Ok(_) => {
            context.pass.health.watched(Watch::Resets, Ok(()), now);
        }
    }
}

/// Wakes the objects that something concerns, and no others.
async fn wake(context: &Context, store: &Store<Listed>, mut woken: mpsc::UnboundedReceiver<Wake>) {
    while let Some(wake) = woken.recv().await {
        let concerned = match &wake {
            Wake::Object { namespace, name } => {
                store.get(&Reference::new(name).within(namespace)).into_iter().collect()
            }
            wake => store.state().into_iter().filter(|object| concerns(wake, object)).collect::<Vec<_>>(),
        };
        for object in concerned {
            context.states.wake(object.meta().uid.as_deref().unwrap_or_default());
            context.queue.look_at(Reference::from_obj(&*object));
        }
    }
    // The tenants are as long there as the context.
    std::future::pending().await
}

fn concerns(wake: &Wake, object: &Listed) -> bool {
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    object.seen.as_ref().is_some_and(|seen| wake.concerns(namespace, &seen.tenant))
}

/// Who was deleted while it waited for its turn is not reconciled, so that would go unnoticed.
async fn deleted_while_queued(context: &Context, store: &Store<Listed>) {
    loop {
        tokio::time::sleep(STILL_THERE).await;
        for reference in context.queue.waiting() {
            if store.get(&reference).is_none() {
                vanished(context, &reference);
            }
        }
    }
}

/// Whatever ends the work ends the waits for it.
struct Closing<'a>(&'a Context);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// One turn of one object. It never fails: what went wrong decides when it comes back.
async fn reconcile(listed: Arc<Listed>, context: Arc<Context>) -> Result<Action, Infallible> {
    let Some(seen) = &listed.seen else {
        leave_alone(&context, &listed);
        return Ok(Action::await_change());
    };
    let uid = listed.uid().unwrap_or_default();
    let state = context.states.of(&uid);
    let to_be_told = listed.meta().deletion_timestamp.is_some() && !state.deletion_told;
    if let Some(idle) = idle(&context, seen, &state).filter(|_| !to_be_told) {
        return Ok(idle);
    }
    let Some(Admitted { slot, capacity }) = wait::take(&context, &listed, seen, &state) else {
        return Ok(Action::await_change());
    };
    let turn = tokio::time::timeout(PASS_TIME_OUT, turn(&listed, &context, capacity));
    let turn = AssertUnwindSafe(turn).catch_unwind().await;
    drop(slot);
    let pause = match turn {
        Ok(Ok(pause)) => pause,
        Ok(Err(_)) => {
            tracing::warn!(object = listed.full_name(), "a pass took too long; it starts over");
            Some(backoff(&context, &uid))
        }
        // Its text may hold anything, so it is not written.
        Err(_) => {
            tracing::error!(object = listed.full_name(), "a pass panicked; it is tried again later");
            context.pass.metrics.panicked();
            Some(backoff(&context, &uid))
        }
    };
    Ok(pause.map_or_else(Action::await_change, Action::requeue))
}

/// Whether there is nothing to do for the object now; if so, what it waits for.
fn idle(context: &Context, seen: &Seen, state: &PassState) -> Option<Action> {
    match context.pass.tenants.presence(&seen.tenant) {
        // Its objects are woken once it is set up.
        Presence::BeingSetUp => return Some(Action::await_change()),
        Presence::Missing if seen.told && state.swept.is_none() => return Some(Action::await_change()),
        Presence::Missing | Presence::SetUp => {}
    }
    if state.woken || state.queued {
        return None;
    }
    if state.due == NEVER {
        return Some(Action::await_change());
    }
    let left = state.due.checked_sub(context.pass.clock.boot()).filter(|left| !left.is_zero())?;
    Some(Action::requeue(left))
}

/// What this version cannot read is left alone.
fn leave_alone(context: &Context, listed: &Listed) {
    context.queue.gone(&Reference::from_obj(listed));
    tracing::warn!(
        object = listed.full_name(),
        "this version cannot read a PasscodeReset: nothing is sent for it, and nothing is followed"
    );
    context.pass.metrics.not_understood();
}

/// Reads the object live, goes over it, and says when it is due again; `None`: not by time.
async fn turn(listed: &Listed, context: &Context, capacity: Option<Reservation>) -> Option<Duration> {
    let uid = listed.uid().unwrap_or_default();
    let mut state = context.states.at_the_begin(&uid);
    let read = match unchanged(&mut state, listed) {
        Some(object) => Ok(Some(object)),
        None => read(&context.pass.cluster.client, listed).await,
    };
    let object = match read {
        Ok(Some(object)) => object,
        Ok(None) => {
            leave_alone(context, listed);
            return None;
        }
        Err(CallError::Gone) => {
            deleted(context, &uid);
            return None;
        }
        Err(error) => {
            tracing::info!(object = listed.full_name(), %error, "a PasscodeReset could not be read; tried again");
            return Some(backoff(context, &uid));
        }
    };
    if object.metadata.deletion_timestamp.is_some() {
        being_deleted(context, object, state);
        return None;
    }
    let presence = context.pass.tenants.presence(&object.spec.tenant_ref.name);
    if presence == Presence::BeingSetUp {
        return None;
    }
    context.pass.metrics.pass();
    let Ended { next, object, mut state, queued } = pass::run(&context.pass, object, state, capacity).await;
    let object = Arc::new(slim(object));
    match next {
        Ok(Next::Later(pause)) => {
            // Without a tenant time changes nothing: the tenant's appearance does, or a sweep.
            let by_time = presence != Presence::Missing;
            (state.failures, state.denied_writes, state.swept, state.queued) = (0, 0, None, queued);
            state.due = if by_time { context.pass.clock.boot() + pause } else { NEVER };
            note_in_flight(&mut state, &object);
            state.stored = is_in_flight(&object).then(|| object.clone());
            announce_long_wait(context, &object, &mut state).await;
            context.states.keep(&uid, state);
            let pause = if queued { Duration::ZERO } else { pause };
            by_time.then_some(pause)
        }
        Ok(Next::Finished) => {
            context.states.forget(&uid);
            None
        }
        Err(CallError::Gone) => {
            deleted(context, &uid);
            None
        }
        Err(CallError::Denied(denial)) => {
            note_in_flight(&mut state, &object);
            Some(denied(context, &object, state, &denial).await)
        }
        Err(error) => {
            tracing::info!(object = object.full_name(), %error, "a pass was cut short; it starts over");
            state.queued = false;
            note_in_flight(&mut state, &object);
            context.states.keep(&uid, state);
            Some(backoff(context, &uid))
        }
    }
}

/// Later and later, up to half a minute, while passes fail.
fn backoff(context: &Context, uid: &str) -> Duration {
    let mut state = context.states.of(uid);
    state.failures += 1;
    state.queued = false;
    let pause = Duration::from_millis(250 << state.failures.min(7));
    state.due = context.pass.clock.boot() + pause;
    context.states.keep(uid, state);
    pause
}

/// Admission control denies the status: what was decided or sent stays as it is, and the pass is made again, more and more rarely.
async fn denied(context: &Context, object: &PasscodeReset, mut state: PassState, denial: &Denial) -> Duration {
    context.pass.metrics.write_denied("status");
    state.denied_writes = state.denied_writes.saturating_add(1);
    let pause = write_again(state.denied_writes);
    tracing::warn!(object = object.full_name(), %denial, again_after = ?pause, "a status could not be written");
    state.queued = false;
    state.due = context.pass.clock.boot() + pause;
    let first = state.denied_writes == 1;
    context.states.keep(&object.uid().unwrap_or_default(), state);
    if first {
        let note = format!(
            "The status could not be written, {denial}. It is tried again by itself. What was sent stays as it is and is not sent again; \
             nothing else is sent meanwhile. Ask whoever maintains that policy or webhook to exempt passcoderesets/status."
        );
        let announcement = Announcement { warning: true, reason: reasons::STATUS_WRITE_DENIED.to_owned(), note };
        context.pass.events.publish(object, &announcement).await;
    }
    pause
}

/// Once it was sent, its deletion is worth telling.
fn note_in_flight(state: &mut PassState, object: &Arc<PasscodeReset>) {
    let sent = object.status.as_ref().is_some_and(may_still_happen);
    state.in_flight = sent.then(|| object.clone());
}

fn may_still_happen(status: &PasscodeResetStatus) -> bool {
    let attempted = status.attempt.as_ref().is_some_and(|attempt| attempt.result != Some(AttemptResult::NotExecuted));
    status.outcome.is_none() && attempted
}

async fn announce_long_wait(context: &Context, object: &PasscodeReset, state: &mut PassState) {
    let Some(status) = &object.status else { return };
    let now = context.pass.clock.boot();
    let word = status.reason().to_owned();
    let since = match &state.waiting {
        Some((before, since)) if *before == word => *since,
        _ => now,
    };
    state.waiting = Some((word.clone(), since));
    // Who may approve has to learn of it at once.
    let asks_people = word == reasons::AWAITING_APPROVAL;
    // A scheduled reset and a phone in a drawer wait as they should.
    let expected = [reasons::SCHEDULED, reasons::WAITING_FOR_DEVICE].contains(&word.as_str());
    let long = !expected && now.saturating_sub(since) > LONG_WAIT;
    // Somebody has to mend the policy or the webhook: nothing is to be waited for.
    let refusal = state.refusal.as_ref().filter(|_| word == reasons::HELD_BY_ADMISSION);
    if !state.announced_wait && (long || asks_people || refusal.is_some_and(|refusal| refusal.denial.is_trouble())) {
        state.announced_wait = true;
        let ready = conditions::get(&status.conditions, conditions::kind::READY);
        let note = ready.map_or_else(String::new, |ready| ready.message.clone());
        context.pass.events.publish(object, &Announcement { warning: !asks_people, reason: word, note }).await;
    }
}

/// The object left the watch between two turns: finished by this process, or deleted.
fn vanished(context: &Context, reference: &Reference) {
    context.queue.gone(reference);
    if let Some(uid) = reference.extra.uid.as_deref() {
        deleted(context, uid);
    }
}

/// Its deletion was asked for, and somebody's finalizer keeps it: nothing is done for it any more, so that this is told now, and once.
fn being_deleted(context: &Context, object: PasscodeReset, mut state: PassState) {
    let sent = state.in_flight.take().is_some() || object.status.as_ref().is_some_and(may_still_happen);
    let told = std::mem::replace(&mut state.deletion_told, true);
    context.states.keep(&object.uid().unwrap_or_default(), state);
    if sent && !told {
        let in_flight = Some(Arc::new(object));
        context.forgotten(PassState { in_flight, ..PassState::default() });
    }
}

fn deleted(context: &Context, uid: &str) {
    if let Some(state) = context.states.forget(uid) {
        context.forgotten(state);
    }
}
