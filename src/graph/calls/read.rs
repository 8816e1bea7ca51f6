//! What a response means to a read: a document, or why it is none.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::{answer::asks_approval, read_error::ReadError, wire::Broken};
use crate::graph::http::{GraphResponse, Timed};

impl GraphResponse {
    /// The document of a 200.
    pub(super) fn document<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        if self.status != StatusCode::OK {
            return Err(self.read_error());
        }
        if self.truncated {
            return Err(self.unreadable("it did not arrive as a whole"));
        }
        // serde_json's own words may repeat values.
        self.json()
            .map_err(|e| self.unreadable(&format!("its JSON is not what was asked for ({:?} error)", e.classify())))
    }

    /// `value` with the time of this response.
    pub(super) fn timed<T>(&self, value: T) -> Result<Timed<T>, ReadError> {
        let date = self.date();
        let date = date.ok_or_else(|| self.unreadable("it has no Date header"))?;
        let at = date.checked_sub(self.elapsed);
        Ok(Timed {
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

    /// What this response means to a read, if it is no document.
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
