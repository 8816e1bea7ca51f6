//! An answer of Graph, as it came: what a read makes of it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use k8s_openapi::jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    answer::asks_approval,
    claims::Claims,
    errors::{Refusal, request_id},
    object::Object,
    read_error::ReadError,
    reading::Heard,
    retry_after::{http_date, retry_after},
    transport::Truncated,
    wire::Broken,
};

/// One answer. No `Debug`: the body holds personal data and passcodes, and is dropped as soon as it is read.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Bytes,
    /// Part of the body is missing.
    pub(super) truncated: bool,
    /// Boot time at which the request was sent.
    pub(super) sent: Duration,
    /// Time from sending the request until its answer was there.
    elapsed: Duration,
}

impl Answered {
    pub(super) fn new(response: http::Response<Bytes>, sent: Duration, now: Duration) -> Self {
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

    /// The answer to one of the requests that this one answers together.
    pub(super) fn part(&self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body, truncated: false, sent: self.sent, elapsed: self.elapsed }
    }

    /// The `Date` header.
    pub(super) fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(http::header::DATE)?.to_str().ok()?)
    }

    pub(super) fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }

    /// Whether it has the id that Graph gives to each of its answers. What has none was written by something on the way.
    pub(super) fn has_graphs_id(&self) -> bool {
        self.headers.get("request-id").is_some_and(|id| !id.is_empty())
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, self.date())
    }

    pub(super) fn refusal(&self) -> Refusal {
        Refusal::read(self.status, &self.headers, &self.body)
    }

    /// The claims challenge, which comes with 401 and, by Graph's article on errors, with 403 as well.
    pub(super) fn claims(&self) -> Option<Claims> {
        Claims::of(&self.headers)
    }

    /// Whether a new token may help.
    pub(super) fn rejects_token(&self) -> bool {
        match self.status {
            StatusCode::UNAUTHORIZED => self.claims().is_some() || !self.refusal().is_without_intune(),
            StatusCode::FORBIDDEN => self.claims().is_some(),
            _ => false,
        }
    }

    /// Whether the answer came from Graph, whatever it says, and not from something on the way: then its `Date` is Graph's.
    pub(super) fn is_graphs(&self) -> bool {
        self.request_id().is_some()
    }

    /// Whether Graph itself says that there is no such device. A 404 of something on the way says nothing about it.
    pub(super) fn is_gone(&self) -> bool {
        let refusal = self.refusal();
        self.status == StatusCode::NOT_FOUND && refusal.is_from_graph() && !refusal.is_unknown_segment()
    }

    /// The document of a 200.
    pub(super) fn document<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        if self.status != StatusCode::OK {
            return Err(self.read_error());
        }
        if self.truncated {
            return Err(self.unreadable("it did not arrive as a whole"));
        }
        // serde_json's own words may repeat values.
        serde_json::from_slice(&self.body)
            .map(|Object(document)| document)
            .map_err(|e| self.unreadable(&format!("its JSON is not what was asked for ({:?} error)", e.classify())))
    }

    /// `value` with the circumstances of this answer.
    pub(super) fn heard<T>(&self, value: T) -> Result<Heard<T>, ReadError> {
        let date = self.date();
        let date = date.ok_or_else(|| self.unreadable("it has no Date header"))?;
        let at = date.checked_sub(self.elapsed);
        Ok(Heard {
            value,
            at: at.map_err(|_| self.unreadable("its Date is out of range"))?,
            date,
            sent: self.sent,
            request_id: self.request_id(),
        })
    }

    pub(super) fn broken(&self, broken: Broken) -> ReadError {
        self.unreadable(&format!("its {} is missing or not readable", broken.0))
    }

    pub(super) fn unreadable(&self, what: &str) -> ReadError {
        ReadError::Unreadable { what: what.to_owned(), request_id: self.request_id() }
    }

    /// What this answer means to a read, if it is no document.
    pub(super) fn read_error(&self) -> ReadError {
        let refusal = self.refusal();
        let retry_after = self.retry_after();
        match self.status.as_u16() {
            400..=499 if asks_approval(self, &refusal) => ReadError::ApprovalRequired(refusal),
            400..=499 if refusal.is_without_intune() && !self.rejects_token() => ReadError::WithoutIntune(refusal),
            401 => ReadError::TokenRejected(refusal),
            403 if self.rejects_token() => ReadError::TokenRejected(refusal),
            403 => ReadError::PermissionMissing(refusal),
            429 => ReadError::Throttled { retry_after, refusal },
            408 | 409 | 423 | 424 | 500.. => ReadError::Unavailable { retry_after, refusal },
            300..=399 | 405 | 406 | 415 => ReadError::WrongAddress(refusal),
            400..=499 if refusal.is_unknown_segment() => ReadError::WrongAddress(refusal),
            400 if refusal.is_unknown_property() => ReadError::UnknownProperty(refusal),
            404 if !refusal.is_from_graph() => self.unreadable("it is a 404 that Graph did not write"),
            400..=499 => ReadError::Refused(refusal),
            status => self.unreadable(&format!("its status is {status}")),
        }
    }
}
