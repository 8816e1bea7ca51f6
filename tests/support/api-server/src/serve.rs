//! From a request to an answer: which resource, which verb, which status code.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::call::{Call, Verb};
use crate::deletes::Preconditions;
use crate::errors::{self, Refusal};
use crate::objects::{Address, has_finalizers, resource_version, text};
use crate::patch::Patch;
use crate::reads::{List, get, list, selector, shape, watch};
use crate::resources::{DEFINITIONS_GROUP, ResourceType};
use crate::state::{Outcome, State};
use crate::store::{Author, Change};
use crate::watching::WatchStart;
use crate::writes::{Writer, Written};

/// What the server has to say, before anything goes wrong with it.
pub(crate) enum Answer {
    Json { code: u16, body: Vec<u8> },
    Watch(Box<WatchStart>),
}

/// An answer, and what is to be remembered of it.
pub(crate) struct Served {
    pub(crate) answer: Answer,
    pub(crate) outcome: Outcome,
    pub(crate) resource_version: Option<u64>,
}

impl Served {
    pub(crate) fn read(value: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Self { answer: Answer::json(200, value)?, outcome: Outcome::Served, resource_version: None })
    }
}

impl Answer {
    fn json(code: u16, value: &impl Serialize) -> Result<Self, Refusal> {
        let body =
            serde_json::to_vec(value).map_err(|error| errors::refuse(500, "InternalError", &error.to_string()))?;
        Ok(Self::Json { code, body })
    }
}

/// Who asks, as the API server knows them: stored nowhere.
fn self_subject_review(call: &Call) -> Result<Served, Refusal> {
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {},
        "status": {"userInfo": {"username": call.client}},
    });
    Ok(Served { answer: Answer::json(201, &review)?, outcome: Outcome::Served, resource_version: None })
}

pub(crate) fn serve(state: &mut State, call: &Call, now: Timestamp) -> Result<Served, Refusal> {
    if call.resource == "selfsubjectreviews" && call.verb == Verb::Create {
        return self_subject_review(call);
    }
    let resource = state.registry.get(&call.group, &call.resource).cloned().ok_or_else(errors::no_such_path)?;
    let address = locate(&resource, call)?;
    match call.verb {
        Verb::Get => get(state, call, address),
        Verb::List => list(state, call, address),
        Verb::Watch => watch(state, call, address),
        Verb::DeleteCollection => delete_collection(state, call, address, now),
        Verb::Create | Verb::Update | Verb::Patch | Verb::Delete => write(state, call, address, now),
    }
}

/// Refuses paths that name something the resource does not have.
fn locate<'a>(resource: &'a Arc<ResourceType>, call: &'a Call) -> Result<Address<'a>, Refusal> {
    let address = Address {
        resource,
        version: &call.version,
        namespace: call.namespace.as_deref().unwrap_or_default(),
        name: &call.name,
    };
    let served = resource.versions.get(&call.version).ok_or_else(errors::no_such_path)?;
    let subresource_exists = call.subresource.is_empty() || (call.subresource == "status" && served.status);
    let whole_cluster = matches!(call.verb, Verb::List | Verb::Watch);
    let scope_fits = match call.namespace {
        Some(_) => resource.namespaced,
        None => !resource.namespaced || whole_cluster,
    };
    if !subresource_exists || !scope_fits {
        return Err(errors::no_such_path());
    }
    let on_subresource = matches!(call.verb, Verb::Get | Verb::Update | Verb::Patch);
    if call.verb.writes() && resource.group == DEFINITIONS_GROUP || !call.subresource.is_empty() && !on_subresource {
        return Err(errors::method_not_allowed());
    }
    Ok(address)
}

fn write(state: &mut State, call: &Call, address: Address<'_>, now: Timestamp) -> Result<Served, Refusal> {
    let of_status = call.subresource == "status";
    let preconditions = preconditions(&call.body);
    let mut writer = writer(state, call, address, now);
    let written = match call.verb {
        Verb::Create => writer.create(call.body.clone()),
        Verb::Update => writer.update(call.body.clone(), of_status),
        Verb::Patch => {
            let patch = Patch::read(&call.content_type, &call.body)?;
            writer.patch(&patch, of_status)
        }
        _ => writer.delete(&preconditions),
    }?;
    let gone = call.verb == Verb::Delete && !has_finalizers(&written.object);
    let answer = if gone {
        Answer::json(200, &deleted(address, &written.object))?
    } else {
        let created = call.verb == Verb::Create || written.change == Some(Change::Added);
        Answer::json(if created { 201 } else { 200 }, &shape(call, address.present(&written.object)))?
    };
    Ok(remember(answer, &written))
}

fn writer<'a>(state: &'a mut State, call: &'a Call, address: Address<'a>, now: Timestamp) -> Writer<'a> {
    Writer {
        store: &mut state.store,
        names: &mut state.names,
        registry: &state.registry,
        address,
        author: Author { name: &call.client, now },
        strict: call.parameter("fieldValidation") == "Strict",
        dry_run: call.parameter("dryRun") == "All" || call.body["dryRun"] == json!(["All"]),
        admission: state.admission.clone().map(|judge| (judge, call)),
    }
}

fn remember(answer: Answer, written: &Written) -> Served {
    match written.change {
        Some(_) => {
            let resource_version = Some(resource_version(&written.object));
            Served { answer, outcome: Outcome::Stored, resource_version }
        }
        None => Served { answer, outcome: Outcome::Unchanged, resource_version: None },
    }
}

fn preconditions(body: &Value) -> Preconditions {
    let text = |field: &str| body["preconditions"][field].as_str().map(ToOwned::to_owned);
    Preconditions { uid: text("uid"), resource_version: text("resourceVersion") }
}

fn deleted(address: Address<'_>, object: &Value) -> Value {
    let resource = address.resource;
    let mut details = json!({"name": text(object, "name"), "kind": resource.plural, "uid": text(object, "uid")});
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "details": details})
}

fn delete_collection(state: &mut State, call: &Call, address: Address<'_>, now: Timestamp) -> Result<Served, Refusal> {
    let selector = selector(call, address)?;
    let mut objects = state.store.list(address.resource, state.store.revision());
    objects.retain(|object| selector.matches(&address.present(object)));
    let mut last = None;
    for object in &objects {
        let one = Address { namespace: text(object, "namespace"), name: text(object, "name"), ..address };
        let written = writer(state, call, one, now).delete(&Preconditions::default())?;
        last = written.change.map(|_| resource_version(&written.object)).or(last);
    }
    let metadata = json!({"resourceVersion": state.store.revision().to_string()});
    let answer = Answer::json(200, &List::new(call, address, metadata, &objects))?;
    let outcome = if last.is_some() { Outcome::Stored } else { Outcome::Unchanged };
    Ok(Served { answer, outcome, resource_version: last })
}
