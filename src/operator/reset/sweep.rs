//! The sweep over the objects whose tenant does not exist: they cost nothing while they wait, so somebody has to see that their time is over.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use kube::{
    Resource, ResourceExt,
    api::{ListParams, PartialObjectMeta, Request},
    runtime::reflector::Store,
};

use super::{
    context::Context,
    listed::{Listed, Reference},
};
use crate::operator::{
    calls::{CallError, list_with_date},
    tenant::Presence,
};
use passcode_core::{api::tenant::IntuneTenant, lifecycle::observed::Sweep};

/// How often.
const PERIOD: Duration = Duration::from_secs(600);

/// Sweeps forever.
pub async fn run(context: &Context, store: &Store<Listed>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        forget_what_is_gone(context, store);
        if let Err(error) = sweep(context, store).await {
            tracing::info!(%error, "the IntuneTenants could not be listed for the sweep; it is made again later");
        }
    }
}

/// One sweep: wakes the objects whose time is over. What becomes of them is decided on each of them, read live.
async fn sweep(context: &Context, store: &Store<Listed>) -> Result<(), CallError> {
    let lost: Vec<_> = store.state().into_iter().filter_map(|object| without_tenant(context, &object)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let list = Request::new(IntuneTenant::url_path(&(), None)).list_metadata(&ListParams::default());
    let listed = list_with_date::<PartialObjectMeta<IntuneTenant>>(&context.pass.cluster.client, list);
    let (at, tenants) = listed.await?;
    let tenants: HashSet<String> = tenants.iter().map(ResourceExt::name_any).collect();
    let sweep = Sweep { at, offset: at.duration_since(context.pass.clock.wall()) };
    for lost in lost.into_iter().filter(|lost| lost.ends_after < at && !tenants.contains(&*lost.tenant)) {
        context.states.note_sweep(&lost.uid, sweep);
        context.queue.look_at(lost.reference);
    }
    Ok(())
}

struct Lost {
    reference: Reference,
    uid: String,
    tenant: Box<str>,
    ends_after: Timestamp,
}

/// The object, if it has no tenant as far as the caches say, and ends by time.
fn without_tenant(context: &Context, object: &Listed) -> Option<Lost> {
    let seen = object.seen.as_ref().filter(|seen| context.pass.tenants.presence(&seen.tenant) == Presence::Missing)?;
    Some(Lost {
        reference: Reference::from_obj(object),
        uid: object.uid()?,
        tenant: seen.tenant.clone(),
        ends_after: seen.ends_after?,
    })
}

/// A deletion that fell into a gap of the watch reaches nobody: what is remembered of such an object ends here.
fn forget_what_is_gone(context: &Context, store: &Store<Listed>) {
    let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
    for memory in context.states.forget_all_but(&there) {
        context.forgotten(memory);
    }
}
