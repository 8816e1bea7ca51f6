//! The sweep over the objects whose tenant does not exist: they cost nothing while they wait, so somebody has to see that their time is over.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use kube::{
    Client, Resource, ResourceExt,
    api::{ListParams, ObjectList, PartialObjectMeta, Request},
    client::Body,
    runtime::reflector::Store,
};

use super::{
    context::Context,
    listed::{Listed, Reference},
};
use crate::operator::{
    calls::{CallError, call},
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
    let (at, tenants) = call(tenants_by_name(&context.pass.cluster.client)).await?;
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

/// The IntuneTenants that exist, and the API server's time, by one answer.
async fn tenants_by_name(client: &Client) -> kube::Result<(Timestamp, HashSet<String>)> {
    let list = Request::new(IntuneTenant::url_path(&(), None)).list_metadata(&ListParams::default());
    let request = list.map_err(kube::Error::BuildRequest)?.map(Body::from);
    let answer = client.send(request).await?;
    if !answer.status().is_success() {
        return Err(kube::Error::Service(format!("answered {}", answer.status()).into()));
    }
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok()?.try_into().ok());
    let at: Timestamp = date.ok_or_else(|| kube::Error::Service("the answer has no Date".into()))?;
    let body = answer.into_body().collect_bytes().await?;
    let list: ObjectList<PartialObjectMeta<IntuneTenant>> =
        serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
    Ok((at, list.iter().map(|tenant| tenant.name_any()).collect()))
}

/// A deletion that fell into a gap of the watch reaches nobody: what is remembered of such an object ends here.
fn forget_what_is_gone(context: &Context, store: &Store<Listed>) {
    let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
    for memory in context.states.forget_all_but(&there) {
        context.forgotten(memory);
    }
}
