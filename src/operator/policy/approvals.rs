//! The approvals of a request, read live; and a watch of all of them, which keeps nothing and wakes the request that one is for.

use std::sync::Arc;

use futures::StreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Request},
    runtime::{WatchStreamExt, watcher},
};
use passcode_core::{
    api::{
        approval::{PasscodeResetApproval, RequestKind},
        reset::PasscodeReset,
    },
    lifecycle::agreement::Approvals,
};
use tokio::sync::watch;

use crate::{
    graph::Clock,
    operator::{
        calls::{CallError, list_with_date},
        guarded::Guarded,
        reconciliations::stopped,
        wakes::{Wake, Wakes},
        watches::Probes,
    },
    telemetry::health::Watch,
};

/// The approvals of this request, with the API server's clock. One that this version cannot read permits nothing, and forbids nothing.
///
/// # Errors
/// [`CallError`]: then nobody can tell who agreed.
pub async fn of(client: &Client, object: &PasscodeReset, clock: &Arc<dyn Clock>) -> Result<Approvals, CallError> {
    let namespace = object.namespace().unwrap_or_default();
    let path = PasscodeResetApproval::url_path(&(), Some(&namespace));
    // By name: whoever approved an earlier object of this name is to be told why that does not count.
    let parameters = ListParams::default().fields(&format!("spec.request.name={}", object.name_any()));
    let listed = list_with_date::<Guarded<PasscodeResetApproval>>(client, Request::new(path).list(&parameters));
    let (at, listed) = listed.await?;
    let items = listed.items.into_iter().filter_map(|approval| approval.0.ok()).collect();
    Ok(Approvals { items, offset: at.duration_since(clock.wall()) })
}

/// Wakes the request of each approval that comes, changes or goes, until `stop`.
pub async fn wake(client: Client, probes: Probes, wakes: Wakes, stop: watch::Receiver<bool>) {
    let all: Api<Guarded<PasscodeResetApproval>> = Api::all(client);
    let events = watcher(all, watcher::Config::default()).default_backoff();
    // The API server refuses the first look at a kind that was defined a moment ago, and where nobody approves no event ever
    // takes that back: one refusal alone says nothing of the watch.
    let mut refused = 0_u32;
    let work = events.for_each(|event| {
        refused = if event.is_err() { refused.saturating_add(1) } else { 0 };
        if refused != 1 {
            probes.health.watched(Watch::Approvals, event.as_ref().map_err(ToString::to_string), probes.clock.boot());
        }
        match event {
            Ok(watcher::Event::Apply(it) | watcher::Event::InitApply(it) | watcher::Event::Delete(it)) => {
                if let Some(wake) = request_of(&it) {
                    wakes.wake(wake);
                }
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) | Err(_) => {}
        }
        std::future::ready(())
    });
    tokio::select! {
        () = work => {}
        () = stopped(stop) => {}
    }
}

fn request_of(approval: &Guarded<PasscodeResetApproval>) -> Option<Wake> {
    let read = approval.0.as_ref().ok()?;
    let request = &read.spec.request;
    (request.kind == RequestKind::PasscodeReset)
        .then(|| Wake::Object { namespace: approval.namespace().unwrap_or_default(), name: request.name.clone() })
}
