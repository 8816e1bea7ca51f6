//! What happened: the ground truth that tests assert on.

use crate::faults::PathClass;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// A reset that Intune really carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Executed {
    /// True time.
    #[serde(serialize_with = "crate::clock::write_time")]
    pub at: Timestamp,
    /// The managed device's id.
    pub device: String,
    /// Its serial number; empty if it has none.
    pub serial: String,
    /// `resetPasscode` or `recoverPasscode`.
    pub action: String,
    /// Header `client-request-id` of the POST.
    pub client_request_id: Option<String>,
    /// Client id of the app that asked; `None` for a person in the portal.
    pub app: Option<String>,
}

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// True time of its arrival.
    #[serde(serialize_with = "crate::clock::write_time")]
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// Path and query as sent. Secrets travel in bodies and headers only, which are not kept.
    pub path: String,
    /// What kind of request it is.
    pub class: PathClass,
    /// Header `client-request-id`.
    pub client_request_id: Option<String>,
    /// The answer's `request-id`.
    pub request_id: String,
    /// Whether it had an `Authorization` header.
    pub authorized: bool,
    /// Whether it was an item of a `$batch`.
    pub in_batch: bool,
    /// Status of the answer; `None` if the answer was lost.
    pub status: Option<u16>,
    /// Header `Retry-After` of the answer.
    pub retry_after: Option<String>,
}

/// A request that no documentation covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// True time.
    #[serde(serialize_with = "crate::clock::write_time")]
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// What was wrong with it.
    pub reason: String,
}

/// A request for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// True time.
    #[serde(serialize_with = "crate::clock::write_time")]
    pub at: Timestamp,
    /// Tenant in the path; empty at the node's metadata service.
    pub tenant: String,
    /// Form field `client_id`.
    pub client_id: String,
    /// Form field `scope`; at the metadata service the `resource`.
    pub scope: String,
    /// Form field `claims`.
    pub claims: Option<String>,
    /// The assertion that was sent in place of a secret: what a test looks for where it must not come out.
    #[serde(skip)]
    pub assertion: Option<String>,
    /// The `error_codes` number of the answer, 0 at the metadata service, which has none; `None` if a token was issued.
    pub error: Option<u32>,
}

/// Everything that is remembered.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub executed: Vec<Executed>,
    pub requests: Vec<RequestRecord>,
    pub refusals: Vec<Refusal>,
    pub ignored_filters: Vec<String>,
    pub token_requests: Vec<TokenRequest>,
    pub counts: BTreeMap<PathClass, usize>,
}

impl Records {
    /// Counts a request, and keeps it if so wanted; tells its place.
    pub fn begin(&mut self, request: RequestRecord, keep: bool) -> Option<usize> {
        *self.counts.entry(request.class).or_default() += 1;
        keep.then(|| {
            self.requests.push(request);
            self.requests.len() - 1
        })
    }

    /// Adds what is kept of the answer, which follows after those of a batch's items.
    pub fn finish(&mut self, place: Option<usize>, status: Option<u16>, retry_after: Option<String>) {
        if let Some(request) = place.and_then(|place| self.requests.get_mut(place)) {
            request.status = status;
            request.retry_after = retry_after;
        }
    }
}
