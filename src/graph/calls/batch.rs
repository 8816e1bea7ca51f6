//! `$batch`: up to twenty reads in one call (Graph's article on JSON batching). Each counts against the limits as if it had
//! been made alone, and each has an answer of its own, in any order.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    channel::Channel,
    read_error::ReadError,
    request::{ALL_MEMBERS, Call, Version},
};
use crate::graph::{
    http::{GraphResponse, Object},
    limits::MAX_TOGETHER,
};

/// Graph takes no more in one call.
const _: () = assert!(MAX_TOGETHER <= 20);

/// What became of the reads of one call, in their order.
pub(super) struct Batch {
    pub(super) answers: Vec<Result<GraphResponse, ReadError>>,
    /// Boot time at which the call was sent.
    pub(super) sent: Duration,
}

#[derive(Serialize)]
struct Envelope<'a> {
    requests: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    method: &'static str,
    url: String,
    headers: HashMap<&'static str, &'a str>,
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Object<ItemAnswer>>,
}

#[derive(Deserialize)]
struct ItemAnswer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, serde_json::Value>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

/// Makes all of `calls` at once; they are reads of one `version`.
pub(super) async fn read(channel: &Channel, version: Version, calls: &[Call]) -> Batch {
    let sent = channel.boot();
    let id = Uuid::new_v4().to_string();
    let envelope =
        Envelope { requests: calls.iter().enumerate().map(|(number, call)| item(number, call, &id)).collect() };
    let Ok(body) = serde_json::to_vec(&envelope) else {
        let error = ReadError::BadSelector("The request cannot be written as JSON.");
        return Batch { answers: all(&error, calls), sent };
    };
    let answers = match channel.read(&Call::Batch { version, body: body.into() }).await {
        Ok((envelope, token)) => {
            let answers = open(&envelope, calls);
            for response in answers.iter().flatten() {
                channel.note_rejection(&token, response);
            }
            answers
        }
        Err(error) => all(&error, calls),
    };
    Batch { answers, sent }
}

fn item<'a>(number: usize, call: &Call, client_request_id: &'a str) -> Item<'a> {
    let headers = HashMap::from([
        ("Accept", "application/json"),
        ("Prefer", ALL_MEMBERS),
        ("client-request-id", client_request_id),
    ]);
    Item { id: number.to_string(), method: "GET", url: call.relative(), headers }
}

fn all(error: &ReadError, calls: &[Call]) -> Vec<Result<GraphResponse, ReadError>> {
    calls.iter().map(|_| Err(error.clone())).collect()
}

/// The answers in the order of the requests. What the envelope says of itself is never taken for what it says of a device.
fn open(envelope: &GraphResponse, calls: &[Call]) -> Vec<Result<GraphResponse, ReadError>> {
    let answers: Answers = match envelope.document() {
        Ok(answers) => answers,
        Err(error) => return all(&error, calls),
    };
    let mut by_number: HashMap<usize, Vec<ItemAnswer>> = HashMap::new();
    for Object(answer) in answers.responses {
        if let Ok(number) = answer.id.parse() {
            by_number.entry(number).or_default().push(answer);
        }
    }
    (0..calls.len())
        .map(|number| match by_number.remove(&number).map(<[ItemAnswer; 1]>::try_from) {
            Some(Ok([answer])) => response(envelope, answer),
            Some(Err(_)) => Err(envelope.unreadable("a batch answers one of its requests several times")),
            None => Err(envelope.unreadable("a batch leaves one of its requests unanswered")),
        })
        .collect()
}

fn response(envelope: &GraphResponse, answer: ItemAnswer) -> Result<GraphResponse, ReadError> {
    let status = StatusCode::from_u16(answer.status);
    let status = status.map_err(|_| envelope.unreadable("a batch answers without a status"))?;
    let mut headers = headers(answer.headers);
    // Items have no time of their own. The envelope's is later than when the item was read, as a call's own Date is.
    if let Some(date) = envelope.headers.get(header::DATE) {
        headers.insert(header::DATE, date.clone());
    }
    let body = answer.body.map_or_else(Bytes::new, |body| Bytes::from(body.get().to_owned()));
    Ok(envelope.part(status, headers, body))
}

fn headers(written: HashMap<String, serde_json::Value>) -> HeaderMap {
    let headers = written.into_iter().filter_map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    headers.collect()
}

#[cfg(test)]
mod tests;
