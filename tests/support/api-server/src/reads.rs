//! Get, list and watch: which objects, as of when, in which shape.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::call::{Call, Verb};
use crate::errors::{self, Refusal};
use crate::objects::Address;
use crate::selectors::Selector;
use crate::serve::{Answer, Served};
use crate::state::{Outcome, Stale, State};
use crate::store::{Key, key_of};
use crate::watching::WatchStart;

/// The revision that a read is answered from.
fn revision_for(state: &mut State, call: &Call) -> Result<u64, Refusal> {
    let current = state.store.revision();
    let visible = state.visible(&call.client);
    let stale = state.caller(&call.client).past.map(|(_, stale)| stale);
    let is_stale = stale == Some(Stale::Every) || (stale == Some(Stale::Lists) && call.verb == Verb::List);
    let asked = match call.parameter("resourceVersion") {
        "" if is_stale => return Ok(visible),
        "" => return Ok(current),
        "0" => return Ok(visible),
        given => parse_revision(given)?,
    };
    if call.parameter("resourceVersionMatch") == "Exact" {
        state.store.check_kept(asked)?;
        return if asked > current { Err(errors::too_large(asked, current)) } else { Ok(asked) };
    }
    if asked > visible { Err(errors::too_large(asked, visible)) } else { Ok(visible) }
}

fn parse_revision(given: &str) -> Result<u64, Refusal> {
    given.parse().map_err(|_| errors::bad_request(&format!("invalid resource version: {given:?}")))
}

pub(crate) fn selector(call: &Call, address: Address<'_>) -> Result<Selector, Refusal> {
    let served = address.resource.versions.get(address.version).ok_or_else(errors::no_such_path)?;
    let namespace = call.namespace.as_deref();
    Selector::parse(namespace, call.parameter("labelSelector"), call.parameter("fieldSelector"), served)
}

pub(crate) fn get(state: &mut State, call: &Call, address: Address<'_>) -> Result<Served, Refusal> {
    let revision = revision_for(state, call)?;
    let key: Key = (address.namespace.to_owned(), address.name.to_owned());
    let object = if revision == state.store.revision() {
        state.store.get(address.resource, &key)
    } else {
        state.store.list(address.resource, revision).into_iter().find(|object| key_of(object) == key)
    };
    let object = object.ok_or_else(|| errors::not_found(address.resource, address.name))?;
    Served::read(&shape(call, address.present(&object)))
}

/// The whole object, or its metadata if that is what the caller accepts.
pub(crate) fn shape<'v>(call: &Call, object: Cow<'v, Value>) -> Cow<'v, Value> {
    if !call.wants_metadata_only() {
        return object;
    }
    Cow::Owned(json!({
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": object["metadata"],
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<'v> {
    api_version: String,
    kind: String,
    metadata: Value,
    items: Vec<Cow<'v, Value>>,
}

impl<'v> List<'v> {
    pub(crate) fn new(call: &Call, address: Address<'_>, metadata: Value, objects: &'v [Arc<Value>]) -> Self {
        let (api_version, kind) = if call.wants_metadata_only() {
            ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned())
        } else {
            (address.resource.api_version(address.version), format!("{}List", address.resource.kind))
        };
        let items = objects.iter().map(|object| shape(call, address.present(object))).collect();
        Self { api_version, kind, metadata, items }
    }
}

pub(crate) fn list(state: &mut State, call: &Call, address: Address<'_>) -> Result<Served, Refusal> {
    let selector = selector(call, address)?;
    let (revision, start) = match call.parameter("continue") {
        "" => (revision_for(state, call)?, None),
        token => parse_continue(token).map(|(revision, key)| (revision, Some(key)))?,
    };
    state.store.check_kept(revision)?;
    let mut objects = state.store.list(address.resource, revision);
    objects.retain(|object| selector.matches(&address.present(object)));
    if let Some(start) = start {
        objects.retain(|object| key_of(object) > start);
    }
    let mut metadata = json!({"continue": "", "resourceVersion": revision.to_string()});
    let limit = call.parameter("limit").parse().unwrap_or(0_usize);
    if limit > 0 && objects.len() > limit {
        metadata["remainingItemCount"] = (objects.len() - limit).into();
        objects.truncate(limit);
        let (namespace, name) = objects.last().map(|object| key_of(object)).unwrap_or_default();
        metadata["continue"] = format!("{revision}/{namespace}/{name}").into();
    }
    Served::read(&List::new(call, address, metadata, &objects))
}

fn parse_continue(token: &str) -> Result<(u64, Key), Refusal> {
    let mut parts = token.splitn(3, '/');
    let parsed = (|| {
        let revision = parts.next()?.parse().ok()?;
        Some((revision, (parts.next()?.to_owned(), parts.next()?.to_owned())))
    })();
    parsed.ok_or_else(|| errors::bad_request("continue key is not valid"))
}

pub(crate) fn watch(state: &mut State, call: &Call, address: Address<'_>) -> Result<Served, Refusal> {
    let matching = call.parameter("resourceVersionMatch");
    let streaming = call.query.contains_key("sendInitialEvents");
    if streaming && matching != "NotOlderThan" {
        let problem =
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(errors::invalid("meta.k8s.io", "ListOptions", "", problem));
    }
    if !streaming && !matching.is_empty() {
        let problem = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return Err(errors::invalid("meta.k8s.io", "ListOptions", "", problem));
    }
    let selector = selector(call, address)?;
    let conditions = state.caller(&call.client);
    let expired = std::mem::take(&mut conditions.expire_next_watch)
        || conditions.expired_once.as_mut().is_some_and(|paths| paths.insert(call.path.clone()));
    let from = watch_from(state, call, address, expired)?;
    let start = WatchStart::new(state, call, address, selector, from);
    Ok(Served { answer: Answer::Watch(Box::new(start)), outcome: Outcome::Served, resource_version: None })
}

/// Where a watch begins.
pub(crate) enum Beginning {
    /// With all objects as of this revision.
    Everything(u64),
    /// With what happened after this revision.
    After(u64),
    /// Not at all: too old or too new a revision is an event of the watch, not an answer to the request.
    Failure(Refusal),
}

fn watch_from(state: &mut State, call: &Call, address: Address<'_>, expired: bool) -> Result<Beginning, Refusal> {
    let given = call.parameter("resourceVersion");
    if expired {
        let asked = parse_revision(given).unwrap_or_default();
        return Ok(Beginning::Failure(errors::expired(asked, state.store.revision())));
    }
    let streaming = call.is_set("sendInitialEvents");
    if streaming || given.is_empty() || given == "0" {
        let revision = revision_for(state, call);
        let silent = call.query.contains_key("sendInitialEvents") && !streaming;
        return Ok(match revision {
            Ok(revision) if silent => Beginning::After(revision),
            Ok(revision) => Beginning::Everything(revision),
            Err(status) => Beginning::Failure(status),
        });
    }
    let asked = parse_revision(given)?;
    let since = address.resource.since;
    if asked < since {
        // A definition that is new or has changed starts with an empty cache.
        return Ok(Beginning::Failure(errors::expired(asked, since)));
    }
    Ok(state.store.check_kept(asked).map_or_else(Beginning::Failure, |()| Beginning::After(asked)))
}
