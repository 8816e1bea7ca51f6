//! The PasscodeResets: each unfinished one is gone over again and again until it has an outcome.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use kube::{
    Api, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        Controller, WatchStreamExt,
        controller::{self, Action},
        reflector::{self, Store, reflector},
        watcher,
    },
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{UnboundedReceiverStream, WatchStream};

use super::{
    calls::{CallError, call},
    context::Context,
    memory::Memory,
    pass::{End, Pass},
    turns::{Admitted, Reference},
};
use crate::{
    api::{
        conditions::reason as reasons,
        reset::PasscodeReset,
        reset_status::{AttemptResult, PasscodeResetStatus},
    },
    graph::Reservation,
    lifecycle::events::Announcement,
    telemetry::health::Watch,
};

/// How many are gone over at once is for [`super::turns`] to say; who waits for a turn is not being reconciled.
const CONCURRENCY: u16 = 0;
/// The longest that one pass may take: two reads, one request, and the record of its answer.
const PASS_TIME_OUT: Duration = Duration::from_secs(300);
/// How often it is looked whether those that wait for their turn are still there.
const STILL_THERE: Duration = Duration::from_secs(15);
/// How long an object waits for one reason before that is announced.
const LONG_WAIT: Duration = Duration::from_secs(300);

type Guarded = DeserializeGuard<PasscodeReset>;

/// Runs until `stop`, then finishes what is in flight. `told` says whose wait is over.
pub async fn run(context: Arc<Context>, told: mpsc::UnboundedReceiver<Reference>, mut stop: watch::Receiver<bool>) {
    let _closing = Closing(&context);
    let api: Api<Guarded> = Api::all(context.client.clone());
    // Finished objects leave this watch, so they cost nothing.
    let unfinished = watcher::Config::default().fields("status.outcome=");
    let changes = WatchStream::from_changes(context.tenants.changes()).map(|_| ());
    let (store, writer) = reflector::store();
    // Who wrote which field is most of what an object weighs, and nobody here asks.
    let seen = watcher(api, unfinished).modify(|object| object.meta_mut().managed_fields = None);
    let controller = Controller::for_stream(reflector(writer, seen).applied_objects(), store.clone());
    let mut stops = stop.clone();
    let waiting = context.clone();
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
        waiting.turns.close();
    };
    let work = controller
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .reconcile_all_on(changes)
        .reconcile_on(UnboundedReceiverStream::new(told))
        .graceful_shutdown_on(stopped)
        .run(reconcile, |_, error, _| match *error {}, context.clone())
        .for_each(|result| {
            let context = context.clone();
            async move {
                let now = context.clock.boot();
                match result {
                    Err(controller::Error::ObjectNotFound(reference)) => {
                        vanished(&context, &reference.into_kind_unchecked(())).await
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the watch of PasscodeResets failed; it is made again");
                        context.health.watched::<()>(Watch::Resets, Err(error.to_string()), now);
                    }
                    Ok(_) => {
                        context.health.watched(Watch::Resets, Ok(()), now);
                    }
                }
            }
        });
    // kube's controller never ends when it is stopped before its first list is complete; but then nothing has begun.
    let stopped_before_it_began = async {
        let _ = stops.wait_for(|stop| *stop).await;
        if store.wait_until_ready().now_or_never().is_some() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped_before_it_began => {}
        () = deleted_in_line(&context, &store) => {}
    }
}

/// Who was deleted while it waited for its turn is not reconciled, so that would go unnoticed.
async fn deleted_in_line(context: &Context, store: &Store<Guarded>) {
    loop {
        tokio::time::sleep(STILL_THERE).await;
        for reference in context.turns.waiting() {
            if store.get(&reference).is_none() {
                vanished(context, &reference).await;
            }
        }
    }
}

/// Whatever ends the work ends the waits for it.
struct Closing<'a>(&'a Context);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.turns.close();
    }
}

/// One turn of one object. It never fails: what went wrong decides when it comes back.
async fn reconcile(guarded: Arc<Guarded>, context: Arc<Context>) -> Result<Action, std::convert::Infallible> {
    let Ok(cached) = guarded.0.as_ref() else {
        context.turns.gone(&Reference::from_obj(&guarded));
        let meta = guarded.meta();
        tracing::warn!(
            namespace = meta.namespace,
            name = meta.name,
            "a PasscodeReset cannot be understood and is left alone"
        );
        context.metrics.not_understood();
        return Ok(Action::await_change());
    };
    let uid = cached.uid().unwrap_or_default();
    let memory = context.memories.of(&uid);
    let now = context.clock.boot();
    if memory.epoch == context.tenants.epoch()
        && let Some(left) = memory.due.checked_sub(now).filter(|left| !left.is_zero())
        && !memory.in_line
    {
        return Ok(Action::requeue(left));
    }
    let reference = Reference::from_obj(&guarded);
    let Some(Admitted { place, room }) = context.turns.take(&context, reference, cached, &memory) else {
        return Ok(Action::await_change());
    };
    let turn = tokio::time::timeout(PASS_TIME_OUT, turn(cached, &context, memory, room));
    let turn = AssertUnwindSafe(turn).catch_unwind().await;
    drop(place);
    let pause = match turn {
        Ok(Ok(pause)) => pause,
        Ok(Err(_)) => {
            tracing::warn!(object = cached.full_name(), "a pass took too long; it starts over");
            Some(backoff(&context, &uid))
        }
        // Its text may hold anything, so it is not written.
        Err(_) => {
            tracing::error!(object = cached.full_name(), "a pass panicked; the object comes back later");
            context.metrics.panicked();
            Some(backoff(&context, &uid))
        }
    };
    Ok(pause.map_or_else(Action::await_change, Action::requeue))
}

/// Reads the object live, goes over it, and says when it is due again; `None`: never.
async fn turn(
    cached: &PasscodeReset,
    context: &Context,
    memory: Memory,
    room: Option<Reservation>,
) -> Option<Duration> {
    let uid = cached.uid().unwrap_or_default();
    let epoch = context.tenants.epoch();
    let api: Api<PasscodeReset> = Api::namespaced(context.client.clone(), &cached.namespace().unwrap_or_default());
    let object = match call(api.get(&cached.name_any())).await {
        Ok(object) if object.uid() == cached.uid() => object,
        Ok(_) | Err(CallError::Gone) => {
            deleted(context, &uid).await;
            return None;
        }
        Err(error) => {
            tracing::info!(object = cached.full_name(), %error, "a PasscodeReset could not be read; tried again");
            return Some(backoff(context, &uid));
        }
    };
    if context.is_being_set_up(&object.spec.tenant_ref.name) {
        return Some(Duration::from_secs(1));
    }
    context.metrics.pass();
    let mut pass = Pass::new(context, object, memory, room);
    let end = pass.run().await;
    let in_line = pass.is_in_line();
    pass.note_following();
    let object = pass.object().clone();
    let mut memory = std::mem::take(&mut pass.memory);
    match end {
        Ok(End::Later(pause)) => {
            memory.failures = 0;
            memory.in_line = in_line;
            memory.epoch = epoch;
            memory.due = context.clock.boot() + pause;
            note_in_flight(&mut memory, &object);
            announce_long_wait(context, &object, &mut memory).await;
            context.memories.keep(&uid, memory);
            Some(if in_line { Duration::ZERO } else { pause })
        }
        Ok(End::Finished) => {
            context.memories.forget(&uid);
            None
        }
        Err(CallError::Gone) => {
            deleted(context, &uid).await;
            None
        }
        Err(error) => {
            tracing::info!(object = object.full_name(), %error, "a pass was cut short; it starts over");
            memory.in_line = false;
            note_in_flight(&mut memory, &object);
            context.memories.keep(&uid, memory);
            Some(backoff(context, &uid))
        }
    }
}

/// Later and later, up to half a minute, while passes fail.
fn backoff(context: &Context, uid: &str) -> Duration {
    let mut memory = context.memories.of(uid);
    memory.failures += 1;
    memory.in_line = false;
    let pause = Duration::from_millis(250 << memory.failures.min(7));
    memory.due = context.clock.boot() + pause;
    memory.epoch = context.tenants.epoch();
    context.memories.keep(uid, memory);
    pause
}

/// Once it was sent, its deletion is worth telling.
fn note_in_flight(memory: &mut Memory, object: &PasscodeReset) {
    let sent = object.status.as_ref().is_some_and(may_still_happen);
    memory.in_flight = sent.then(|| Arc::new(by_which_it_is_known(object)));
}

/// The object without what nobody needs to know once it is gone.
fn by_which_it_is_known(object: &PasscodeReset) -> PasscodeReset {
    let mut known = PasscodeReset::new(&object.name_any(), object.spec.clone());
    known.metadata.namespace = object.namespace();
    known.metadata.uid = object.uid();
    known
}

fn may_still_happen(status: &PasscodeResetStatus) -> bool {
    let attempted = status
        .attempt
        .as_ref()
        .is_some_and(|attempt| !matches!(attempt.result, Some(AttemptResult::NotExecuted | AttemptResult::Refused)));
    status.outcome.is_none() && attempted
}

async fn announce_long_wait(context: &Context, object: &PasscodeReset, memory: &mut Memory) {
    let Some(status) = &object.status else { return };
    let now = context.clock.boot();
    let word = status.reason().to_owned();
    match &memory.waiting {
        Some((before, since)) if *before == word => {
            // A scheduled reset and a phone in a drawer wait as they should.
            let expected = [reasons::SCHEDULED, reasons::WAITING_FOR_DEVICE].contains(&word.as_str());
            if !memory.announced_wait && !expected && now.saturating_sub(*since) > LONG_WAIT {
                memory.announced_wait = true;
                let ready = crate::api::conditions::get(&status.conditions, crate::api::conditions::kind::READY);
                let note = ready.map_or_else(String::new, |ready| ready.message.clone());
                context.events.publish(object, &Announcement { warning: true, reason: word, note }).await;
            }
        }
        _ => memory.waiting = Some((word, now)),
    }
}

/// The object left the watch between two turns: finished by this process, or deleted.
async fn vanished(context: &Context, reference: &Reference) {
    context.turns.gone(reference);
    if let Some(uid) = reference.extra.uid.as_deref() {
        deleted(context, uid).await;
    }
}

/// Deleted: before it was sent that cancels it; afterwards the reset may still happen, and somebody has to be told.
async fn deleted(context: &Context, uid: &str) {
    let Some(object) = context.memories.forget(uid).and_then(|memory| memory.in_flight) else { return };
    if let Some(tenant) = context.tenants.get(&object.spec.tenant_ref.name) {
        tenant.record.facts().follows(uid, 0);
    }
    let api: Api<PasscodeReset> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    match call(api.get_opt(&object.name_any())).await {
        Ok(Some(there)) if there.uid() == object.uid() => return,
        Ok(_) => {}
        Err(error) => {
            tracing::info!(object = object.full_name(), %error, "whether a PasscodeReset was deleted could not be read");
        }
    }
    context.metrics.deleted_in_flight();
    tracing::warn!(object = object.full_name(), "deleted after its request was sent: the reset may still happen");
    let note = "Deleted after its request was sent: the reset cannot be cancelled and may still happen.".to_owned();
    context.events.publish(&object, &Announcement { warning: true, reason: "DeletedInFlight".to_owned(), note }).await;
}
