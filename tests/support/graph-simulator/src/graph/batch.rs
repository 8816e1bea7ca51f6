//! `POST /{version}/$batch`: at most 20 requests, each throttled on its own, answered in any order under a 200.

use super::call::{Answer, Body, Call, Content, Ids};
use super::{authorize, errors, evaluate, refused, well_formed};
use crate::exchange::{self, Heard};
use crate::faults::Reply;
use crate::world::World;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

/// Answers the envelope and everything in it.
pub(crate) fn run(world: &mut World, call: &Call<'_>) -> Answer {
    if let Err(answer) = authorize::caller(world, call) {
        return answer;
    }
    if let Err(answer) = well_formed(world, call, &Method::POST) {
        return answer;
    }
    let items = match items(call) {
        Ok(items) => items,
        Err(reason) => return refused(world, call, reason, |ids| errors::bad_request(reason, ids)),
    };
    let mut responses: Vec<Value> = items.iter().flat_map(|item| respond(world, call, item)).collect();
    world.dice.shuffle(&mut responses);
    Answer::json(StatusCode::OK, json!({"responses": responses}))
}

struct Item {
    id: String,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Option<Value>,
}

/// The envelope's requests, or what is wrong with it.
fn items(call: &Call<'_>) -> Result<Vec<Item>, &'static str> {
    let json = call
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let Body::Bytes(bytes) = call.body else {
        return Err("Batch requests cannot be nested.");
    };
    if !json || call.query.is_some() {
        return Err("Invalid batch payload format.");
    }
    let envelope: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| "Invalid batch payload format.")?;
    let requests = envelope
        .get("requests")
        .and_then(Value::as_array)
        .filter(|_| envelope.len() == 1)
        .ok_or("Invalid batch payload format.")?;
    if requests.is_empty() || requests.len() > 20 {
        return Err("Number of batch request steps must be from 1 to 20.");
    }
    let items: Vec<Item> = requests.iter().map(item).collect::<Option<_>>().ok_or("Invalid batch payload format.")?;
    let distinct: std::collections::BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    if distinct.len() == items.len() { Ok(items) } else { Err("Duplicate batch request step id.") }
}

/// One request of the envelope. `dependsOn` is documented, but nothing here needs it.
fn item(request: &Value) -> Option<Item> {
    let request = request.as_object()?;
    if request.keys().any(|key| !["id", "method", "url", "headers", "body"].contains(&key.as_str())) {
        return None;
    }
    let text = |key: &str| request.get(key)?.as_str().map(str::to_owned);
    let mut headers = HeaderMap::new();
    if let Some(given) = request.get("headers") {
        for (name, value) in given.as_object()? {
            headers.append(name.parse::<HeaderName>().ok()?, value.as_str()?.parse::<HeaderValue>().ok()?);
        }
    }
    let url = text("url").filter(|url| url.starts_with('/'))?;
    Some(Item {
        id: text("id")?,
        method: text("method")?.parse().ok()?,
        url,
        headers,
        body: request.get("body").cloned(),
    })
}

/// The answers to one item: one, unless a fault says otherwise.
fn respond(world: &mut World, envelope: &Call<'_>, item: &Item) -> Vec<Value> {
    let version = envelope.path.trim_end_matches("/$batch");
    let (path, query) = match item.url.split_once('?') {
        Some((path, query)) => (format!("{version}{path}"), Some(query)),
        None => (format!("{version}{}", item.url), None),
    };
    let mut headers = item.headers.clone();
    if let Some(authorization) = envelope.headers.get("authorization") {
        headers.insert("authorization", authorization.clone());
    }
    let client_request_id = headers.get("client-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let ids = Ids {
        request_id: world.dice.guid(),
        client_request_id: client_request_id.or_else(|| envelope.ids.client_request_id.clone()),
        date: envelope.ids.date.clone(),
    };
    let call = Call {
        method: &item.method,
        path: &path,
        query,
        headers: &headers,
        body: Body::Item(item.body.as_ref()),
        ids: &ids,
    };
    let heard = exchange::hear(world, &call, evaluate);
    let copies = match heard.reply {
        Reply::LeftOut => 0,
        Reply::Repeated => 2,
        _ => 1,
    };
    vec![written(&item.id, &ids, heard); copies]
}

/// An item's answer. What would end a connection is a gateway's 504 here.
fn written(id: &str, ids: &Ids, heard: Heard) -> Value {
    let answer = match heard.reply {
        Reply::RefusedBeforeSending
        | Reply::LostAfterSending
        | Reply::Reset
        | Reply::CutBody
        | Reply::MalformedJson => {
            errors::of_status(StatusCode::GATEWAY_TIMEOUT, "The service could not complete the request.", ids)
        }
        _ => heard.answer,
    };
    let mut headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| (canonical(name), json!(value))).collect();
    headers.insert("request-id".into(), json!(ids.request_id));
    let mut written = json!({"id": id, "status": answer.status.as_u16()});
    match answer.body {
        Content::Json(body) => {
            headers.insert("Content-Type".into(), json!("application/json"));
            written["body"] = body;
        }
        Content::Html(page) => written["body"] = json!(page),
        Content::Empty => {}
    }
    written["headers"] = Value::Object(headers);
    written
}

/// Header names in an item are written with capitals, as in samples/batch-response-fragment.
fn canonical(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    if name.starts_with("x-") { name.to_owned() } else { name.split('-').map(capital).collect::<Vec<_>>().join("-") }
}
