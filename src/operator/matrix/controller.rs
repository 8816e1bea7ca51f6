//! Writes into the status of each PlatformSupportMatrix what compiling it showed. It counts for tenants all the same.

use std::sync::Arc;

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
use tokio::sync::{mpsc, watch};

use super::Matrices;
use crate::{
    graph::Clock,
    operator::{
        calls::CallError,
        guarded::Guarded,
        ready_writer::{self, Said},
        reconciliations::{Reconciliations, pause_after, stopped, stopped_before_it_began},
        watches,
    },
    telemetry::metrics::Metrics,
};
use passcode_core::api::{
    conditions::{Truth, reason},
    matrix::PlatformSupportMatrix,
};

/// How many are reconciled at once: each is a write.
const CONCURRENCY: u16 = 8;

/// What the controller of matrices needs.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The matrices as they decide.
    pub matrices: Arc<Matrices>,
    /// What is under way.
    pub reconciliations: Reconciliations,
}

/// Runs until `stop`. `changed` gets the name of each matrix that decides otherwise from now on.
pub async fn run(
    context: Context,
    cache: Store<Guarded<PlatformSupportMatrix>>,
    events: impl Stream<Item = watcher::Event<Guarded<PlatformSupportMatrix>>> + Send + 'static,
    changed: mpsc::UnboundedSender<String>,
    stop: watch::Receiver<bool>,
) {
    let context = Arc::new(context);
    let told = context.clone();
    let objects = watches::changed(events).inspect_ok(move |matrix| {
        told.reconciliations.changed(&matrix.name_any());
        // Without tenants the term is over.
        let _ = changed.send(matrix.name_any());
    });
    let work = Controller::for_stream(objects, cache.clone())
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(stopped(stop.clone()))
        .run(reconcile, |_, error, _| Action::requeue(pause_after(error)), context.clone())
        .for_each(|result| {
            note(&context, result);
            std::future::ready(())
        });
    tokio::select! {
        () = work => {}
        () = stopped_before_it_began(&cache, stop) => {}
    }
}

type Reconciled =
    Result<(ObjectRef<Guarded<PlatformSupportMatrix>>, Action), controller::Error<CallError, watcher::Error>>;

fn note(context: &Context, result: Reconciled) {
    match result {
        Ok(_) => {}
        Err(controller::Error::ObjectNotFound(reference)) => context.matrices.forget(&reference.name),
        Err(controller::Error::ReconcilerFailed(error, reference)) => {
            tracing::info!(matrix = reference.name, %error, "a matrix's status could not be written; tried again");
        }
        Err(error) => tracing::warn!(%error, "the controller of PlatformSupportMatrices met an error"),
    }
}

async fn reconcile(matrix: Arc<Guarded<PlatformSupportMatrix>>, context: Arc<Context>) -> Result<Action, CallError> {
    let name = matrix.name_any();
    let told = async { tell(&matrix, &context).await.map(|()| Action::await_change()) };
    context.reconciliations.run(&name, told).await
}

/// Writes into a matrix's status what compiling it showed.
async fn tell(matrix: &Guarded<PlatformSupportMatrix>, context: &Context) -> Result<(), CallError> {
    let compiled = context.matrices.compiled(matrix);
    let matrix = match &matrix.0 {
        Ok(matrix) => matrix,
        Err(unread) => {
            let now = context.clock.wall();
            return ready_writer::tell_unread::<PlatformSupportMatrix>(
                &context.client,
                unread,
                now,
                reason::INVALID_MATRIX,
            )
            .await;
        }
    };
    let (truth, why, message) = match compiled {
        Ok(matrix) => {
            let usable = "The matrix can be used; it counts where an IntuneTenant refers to it.".to_owned();
            let sentences: Vec<String> = std::iter::once(usable).chain(matrix.warnings()).collect();
            (Truth::True, reason::READY, sentences.join(" "))
        }
        Err(problems) => (Truth::False, reason::INVALID_MATRIX, problems),
    };
    let name = matrix.name_any();
    let status = matrix.status.clone().unwrap_or_default();
    let said = Said { truth, reason: why, message: &message, now: context.clock.wall() };
    let written =
        ready_writer::write::<PlatformSupportMatrix>(&context.client, &matrix.metadata, &status.conditions, &said)
            .await;
    if let Err(CallError::Denied(denial)) = &written {
        context.metrics.write_denied("matrix");
        tracing::warn!(matrix = name, %denial, "a matrix's status could not be written; it counts all the same");
    }
    written.map(|_| ())
}
