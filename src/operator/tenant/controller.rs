//! The controller of IntuneTenants: each is set up, signed in, and told how it is.
//!
//! A tenant is reconciled when its spec changes, when its matrix does, when it has something to report, when it shows otherwise who can approve and
//! ask, and once a minute: a rotated Secret
//! shows by then, and what suspends a tenant, or resumes it, must not depend on a watch that stands still or lies.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use kube::{
    Api, ResourceExt,
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{UnboundedReceiverStream, WatchStream};

use super::{Tenant, Tenants, context::Context, known::Known, no_client::NoClient, setup, status};
use crate::{
    graph::SignedIn,
    operator::{
        calls::{CallError, call},
        guarded::{Guarded, Unread},
        intune::sign_in_trouble,
        namespaces, ready_writer,
        reconciliations::{RETRY, stopped, stopped_before_it_began},
        watches,
    },
};
use passcode_core::{
    api::{conditions::reason, tenant::IntuneTenant},
    lifecycle::observed::NotReady,
    protocol::health::Unreported,
};

/// No bound but one for each: a sign-in that hangs must delay no other tenant, and there are as many as administrators made.
const CONCURRENCY: u16 = 0;
/// How often a tenant is looked at again.
const PERIOD: Duration = Duration::from_secs(60);
/// How often while it is in trouble.
const TROUBLED_PERIOD: Duration = Duration::from_secs(15);
/// How often it is asked which tenants have something to report.
const REPORT: Duration = Duration::from_secs(5);

/// An IntuneTenant in the cache.
type Reference = ObjectRef<Guarded<IntuneTenant>>;

/// Runs until `stop`, then reports what is unreported. `matrices` brings the name of each matrix that decides otherwise from now on.
pub async fn run(
    context: Context,
    cache: Store<Guarded<IntuneTenant>>,
    events: impl Stream<Item = watcher::Event<Guarded<IntuneTenant>>> + Send + 'static,
    matrices: mpsc::UnboundedReceiver<String>,
    stop: watch::Receiver<bool>,
) {
    let context = Arc::new(context);
    let (by_spec, by_others) = (context.clone(), context.clone());
    let objects =
        watches::changed(events).inspect_ok(move |tenant| by_spec.reconciliations.changed(&tenant.name_any()));
    let others = stream::select(
        referring(UnboundedReceiverStream::new(matrices), cache.clone()),
        stream::select(unreported(context.tenants.clone()), concerned(&context, cache.clone())),
    );
    let work = Controller::for_stream(objects, cache.clone())
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .reconcile_on(others.inspect(move |tenant| by_others.reconciliations.changed(&tenant.name)))
        .graceful_shutdown_on(stopped(stop.clone()))
        .run(reconcile, |_, _, _| Action::requeue(RETRY), context.clone())
        .for_each(|result| {
            note(&context, result);
            std::future::ready(())
        });
    tokio::select! {
        () = work => {}
        () = stopped_before_it_began(&cache, stop) => {}
    }
    report_at_the_end(&context, &cache).await;
}

/// The tenants whose matrix is one of these.
fn referring(
    matrices: impl Stream<Item = String> + Send + 'static,
    cache: Store<Guarded<IntuneTenant>>,
) -> impl Stream<Item = Reference> + Send + 'static {
    matrices.flat_map(move |matrix| {
        let refers = |tenant: &Guarded<IntuneTenant>| {
            let reference = tenant.0.as_ref().ok().and_then(|tenant| tenant.spec.platform_support_matrix_ref.as_ref());
            reference.is_some_and(|reference| reference.name == matrix)
        };
        let tenants = cache.state().into_iter().filter(|tenant| refers(tenant));
        stream::iter(tenants.map(|tenant| ObjectRef::from_obj(&*tenant)).collect::<Vec<_>>())
    })
}

/// The tenants that have something to report, from time to time.
fn unreported(tenants: Arc<Tenants>) -> impl Stream<Item = Reference> + Send + 'static {
    stream::repeat(()).then(|()| tokio::time::sleep(REPORT)).flat_map(move |()| {
        let unreported = tenants.all().into_iter().filter(|tenant| tenant.record.health().has_unreported());
        stream::iter(unreported.map(|tenant| ObjectRef::new(&tenant.object.name_any())).collect::<Vec<_>>())
    })
}

/// All tenants, whenever something else is known of who approves and who asks.
fn concerned(context: &Context, cache: Store<Guarded<IntuneTenant>>) -> impl Stream<Item = Reference> + Send + use<> {
    WatchStream::from_changes(context.proof.changes()).flat_map(move |_| {
        let tenants = cache.state().into_iter().map(|tenant| ObjectRef::from_obj(&*tenant));
        stream::iter(tenants.collect::<Vec<_>>())
    })
}

/// What the controller says of one reconciliation.
fn note(context: &Context, result: Result<(Reference, Action), controller::Error<CallError, watcher::Error>>) {
    match result {
        Ok(_) => {}
        Err(controller::Error::ObjectNotFound(tenant)) => context.tenants.remove(&tenant.name),
        Err(controller::Error::ReconcilerFailed(error, tenant)) => {
            tracing::info!(tenant = tenant.name, %error, "a tenant could not be set up; tried again");
        }
        Err(error) => tracing::warn!(%error, "the controller of IntuneTenants met an error"),
    }
}

async fn reconcile(tenant: Arc<Guarded<IntuneTenant>>, context: Arc<Context>) -> Result<Action, CallError> {
    let name = tenant.name_any();
    let set_up = async { set_up(&name, &context).await.map(Action::requeue) };
    context.reconciliations.run(&name, set_up).await
}

/// Puts a tenant's spec in force, signs in, writes its status; answers when to do so again. It may take as long as a sign-in does, and may
/// be dropped at any time for another one of the same tenant.
async fn set_up(name: &str, context: &Context) -> Result<Duration, CallError> {
    let unreported = context.tenants.get(name).and_then(|tenant| tenant.record.health().take_unreported());
    if unreported == Some(Unreported::NotReady) {
        context.tenants.wake_objects_of(name);
    }
    let tenants: Api<Guarded<IntuneTenant>> = Api::all(context.cluster.client.clone());
    let mut object = match call(tenants.get_opt(name)).await? {
        None => {
            context.tenants.remove(name);
            return Ok(RETRY);
        }
        Some(Guarded(Err(unread))) => return unreadable(name, context, &unread).await,
        Some(Guarded(Ok(tenant))) => Arc::new(tenant),
    };
    if object.spec.platform_support_matrix_ref.is_some() {
        context.matrices.are_known().await?;
    }
    let mut known = context.known.recall(&object).under(&object);
    // What the spec forbids or limits holds from here on, whatever becomes of the sign-in, which may take half a minute.
    let in_force = put_in_force(context, &object, &known, false);
    if object.status.as_ref().and_then(|status| status.observed_generation) != object.metadata.generation
        // Where this cannot be written, what follows cannot either, and says so.
        && let Ok(Some(written)) = status::write(context, &object, &in_force, None).await
    {
        object = Arc::new(written);
    }
    let signed_in = sign_in(context, &object, &mut known).await?;
    context.known.keep(&object, known.clone());
    let recovered = signed_in.is_some() && known.record.health().signed_in();
    let ready = put_in_force(context, &object, &known, recovered);
    match status::write(context, &object, &ready, signed_in.as_ref()).await {
        // Most likely our own last write, which has not come back yet. It may be a label, so nothing else would say the status.
        Err(CallError::Conflict) => return Ok(RETRY),
        // It is set up all the same, and its resets go on.
        Err(CallError::Denied(denial)) => {
            context.metrics.write_denied("tenant");
            tracing::warn!(tenant = name, %denial, "a tenant's status could not be written");
        }
        said => {
            said?;
        }
    }
    let troubled = ready.not_ready.is_some() || ready.record.health().fault().is_some();
    Ok(if troubled { TROUBLED_PERIOD } else { PERIOD })
}

/// Puts this spec in force, with what is known of its sign-in. `recovered`: objects may wait for what is over now.
fn put_in_force(context: &Context, object: &Arc<IntuneTenant>, known: &Known, recovered: bool) -> Arc<Tenant> {
    let not_ready = known.not_ready.clone().or_else(|| namespaces::unusable(&object.spec));
    let (matrix, not_ready) = match context.matrices.of(&object.spec) {
        Ok(matrix) => (Some(matrix), not_ready),
        Err(bad) => (None, not_ready.or(Some(bad))),
    };
    let tenant = Arc::new(Tenant {
        object: object.clone(),
        graph: known.client.as_ref().map(|client| client.graph.clone()),
        matrix,
        not_ready,
        signing_in: known.is_signing_in(),
        record: known.record.clone(),
    });
    context.tenants.put(tenant.clone(), recovered);
    tenant
}

/// A tenant that this version cannot read: nothing is asked in its name, and it says why.
async fn unreadable(name: &str, context: &Context, unread: &Unread) -> Result<Duration, CallError> {
    let not_ready = NotReady { reason: reason::INVALID_CONFIGURATION.to_owned(), message: unread.sentence() };
    context.tenants.put_unreadable(name, not_ready);
    let (client, now) = (&context.cluster.client, context.clock.wall());
    match ready_writer::tell_unread::<IntuneTenant>(client, unread, now, reason::INVALID_CONFIGURATION).await {
        Err(CallError::Conflict) => Ok(RETRY),
        told => told.map(|()| TROUBLED_PERIOD),
    }
}

/// Signs in, with what the Secret says now.
async fn sign_in(context: &Context, tenant: &IntuneTenant, known: &mut Known) -> Result<Option<SignedIn>, CallError> {
    let client = match setup::client(context, tenant, known.client.take()).await {
        Ok(client) => client,
        Err(NoClient::NotReady(not_ready)) => {
            known.not_ready = Some(not_ready);
            return Ok(None);
        }
        Err(NoClient::Unclear(error)) => return Err(error),
    };
    let signed_in = client.graph.sign_in().await;
    known.client = Some(client);
    known.not_ready = signed_in.as_ref().err().map(sign_in_trouble);
    Ok(signed_in.ok())
}

/// The last words of a term: the next leader reads them.
async fn report_at_the_end(context: &Context, cache: &Store<Guarded<IntuneTenant>>) {
    for object in cache.state() {
        let (Ok(object), Some(tenant)) = (&object.0, context.tenants.get(&object.name_any())) else { continue };
        if tenant.record.health().take_unreported().is_none() {
            continue;
        }
        if let Err(error) = status::write(context, object, &tenant, None).await {
            tracing::info!(tenant = object.name_any(), %error, "a tenant's status could not be written at the end");
        }
    }
}
