//! Writes into the status of each PasscodeResetPolicy what compiling it showed, and wakes the requests that it is about when it changes. It
//! decides all the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{Stream, StreamExt, TryStreamExt};
use kube::{
    Client, ResourceExt,
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use passcode_core::api::{
    conditions::{Truth, reason},
    policy::PasscodeResetPolicy,
};
use passcode_core::policy::Policy;
use tokio::sync::watch;

use super::{Policies, compiled::selected};
use crate::{
    graph::Clock,
    operator::{
        calls::CallError,
        guarded::Guarded,
        identity::IdentityProof,
        ready_writer::{self, Said},
        reconciliations::{Reconciliations, pause_after, stopped, stopped_before_it_began},
        tenant::Tenants,
        wakes::{Wake, Wakes},
        watches::{self, Namespaces},
    },
    telemetry::metrics::Metrics,
};

/// How many are reconciled at once: each is a write.
const CONCURRENCY: u16 = 8;

/// What the controller of policies needs.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The policies as they decide.
    pub policies: Arc<Policies>,
    /// The tenants, by whose labels policies select.
    pub tenants: Arc<Tenants>,
    /// The namespaces, likewise.
    pub namespaces: Store<Namespaces>,
    /// Who is woken by a change.
    pub wakes: Wakes,
    /// Whether it is proved who approves: tried once a policy depends on it.
    pub proof: Arc<IdentityProof>,
    /// What is under way.
    pub reconciliations: Reconciliations,
    /// The version of each policy of whose requests it was told last.
    pub told: Mutex<HashMap<String, Arc<Policy>>>,
}

/// Runs until `stop`.
pub async fn run(
    context: Context,
    cache: Store<Guarded<PasscodeResetPolicy>>,
    events: impl Stream<Item = watcher::Event<Guarded<PasscodeResetPolicy>>> + Send + 'static,
    stop: watch::Receiver<bool>,
) {
    let context = Arc::new(context);
    let told = context.clone();
    let objects = watches::changed(events).inspect_ok(move |policy| told.changed(&policy.name_any()));
    let work = Controller::for_stream(objects, cache.clone())
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(stopped(stop.clone()))
        .run(reconcile, |_, error, _| Action::requeue(pause_after(error)), context.clone())
        .for_each(|result| {
            note(result);
            std::future::ready(())
        });
    tokio::select! {
        () = work => {}
        () = stopped_before_it_began(&cache, stop) => {}
    }
}

impl Context {
    /// A policy is new, says something else, or is gone: the requests that it was or is about are looked at again.
    fn changed(&self, name: &str) {
        self.reconciliations.changed(name);
        let now = self.policies.now(name);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match &now {
            Some(policy) => told.insert(name.to_owned(), policy.clone()),
            None => {
                self.policies.forget(name);
                told.remove(name)
            }
        };
        drop(told);
        if now.as_ref().is_some_and(|policy| policy.asks_who_somebody_is()) {
            self.proof.need();
        }
        let namespaces: Vec<_> =
            self.namespaces.state().iter().map(|each| (each.name_any(), each.labels().clone())).collect();
        let tenants: Vec<_> =
            self.tenants.all().iter().map(|each| (each.object.name_any(), each.object.labels().clone())).collect();
        self.wakes.wake(Wake::Pairs(selected(&[before, now], &namespaces, &tenants)));
    }
}

type Reconciled =
    Result<(ObjectRef<Guarded<PasscodeResetPolicy>>, Action), controller::Error<CallError, watcher::Error>>;

fn note(result: Reconciled) {
    match result {
        Ok(_) | Err(controller::Error::ObjectNotFound(_)) => {}
        Err(controller::Error::ReconcilerFailed(error, reference)) => {
            tracing::info!(policy = reference.name, %error, "a policy's status could not be written; tried again");
        }
        Err(error) => tracing::warn!(%error, "the controller of PasscodeResetPolicies met an error"),
    }
}

async fn reconcile(policy: Arc<Guarded<PasscodeResetPolicy>>, context: Arc<Context>) -> Result<Action, CallError> {
    let name = policy.name_any();
    let told = async { tell(&policy, &context).await.map(|()| Action::await_change()) };
    context.reconciliations.run(&name, told).await
}

/// Writes into a policy's status what compiling it showed.
async fn tell(policy: &Guarded<PasscodeResetPolicy>, context: &Context) -> Result<(), CallError> {
    let now = context.clock.wall();
    let object = match &policy.0 {
        Ok(object) => object,
        Err(unread) => {
            return ready_writer::tell_unread::<PasscodeResetPolicy>(
                &context.client,
                unread,
                now,
                reason::INVALID_POLICY,
            )
            .await;
        }
    };
    let (truth, why, message) = context.policies.compiled(policy).ready();
    if truth != Truth::True {
        tracing::warn!(policy = object.name_any(), message, "a PasscodeResetPolicy cannot be used");
    }
    let status = object.status.clone().unwrap_or_default();
    let said = Said { truth, reason: why, message: &message, now };
    let written =
        ready_writer::write::<PasscodeResetPolicy>(&context.client, &object.metadata, &status.conditions, &said).await;
    if let Err(CallError::Denied(denial)) = &written {
        context.metrics.write_denied("policy");
        tracing::warn!(policy = object.name_any(), %denial, "a policy's status could not be written; it decides all the same");
    }
    written.map(|_| ())
}
