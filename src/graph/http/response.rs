//! A response of Graph, as it came.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    object::Object,
    refusal::{Refusal, request_id},
    retry_after::{http_date, retry_after},
    transport::Truncated,
};

/// One response. No `Debug`: the body holds personal data and passcodes, and is dropped as soon as it is read.
pub(in crate::graph) struct GraphResponse {
    pub(in crate::graph) status: StatusCode,
    pub(in crate::graph) headers: HeaderMap,
    body: Bytes,
    /// Part of the body is missing.
    pub(in crate::graph) truncated: bool,
    /// Boot time at which the request was sent.
    pub(in crate::graph) sent: Duration,
    /// Time from sending the request until its response was there.
    pub(in crate::graph) elapsed: Duration,
}

impl GraphResponse {
    pub(in crate::graph) fn new(response: http::Response<Bytes>, sent: Duration, now: Duration) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
            truncated: parts.extensions.get::<Truncated>().is_some(),
            sent,
            elapsed: now.saturating_sub(sent),
        }
    }

    /// The `Date` header.
    pub(in crate::graph) fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(http::header::DATE)?.to_str().ok()?)
    }

    pub(in crate::graph) fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }

    /// Whether it has the id that Graph gives to each of its responses. What has none was written by something on the way.
    pub(in crate::graph) fn has_graphs_id(&self) -> bool {
        self.headers.get("request-id").is_some_and(|id| !id.is_empty())
    }

    pub(in crate::graph) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, self.date())
    }

    pub(in crate::graph) fn refusal(&self) -> Refusal {
        Refusal::read(self.status, &self.headers, &self.body)
    }

    /// Whether the response came from Graph, whatever it says, and not from something on the way: then its `Date` is Graph's.
    pub(in crate::graph) fn is_graphs(&self) -> bool {
        self.request_id().is_some()
    }

    /// Whether Graph itself says that there is no such device. A 404 of something on the way says nothing about it.
    pub(in crate::graph) fn is_gone(&self) -> bool {
        let refusal = self.refusal();
        self.status == StatusCode::NOT_FOUND && refusal.is_from_graph() && !refusal.is_unknown_segment()
    }

    /// The body, as a JSON object.
    pub(in crate::graph) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body).map(|Object(document)| document)
    }
}
