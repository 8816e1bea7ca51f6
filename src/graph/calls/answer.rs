//! What the answer to an action means: whether the action was executed, was not, or cannot be told.
//!
//! Only Graph's own answer says anything, and a refusal of Intune's is no proof that nothing was done (graph-docs 12966, 12967): see
//! decision 0049.

use std::time::Duration;

use crate::graph::{
    auth::SignInError,
    http::{GraphResponse, Refusal, TransportError, tidy},
};

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Graph accepted it: its own 2xx, whatever the body.
    Accepted,
    /// Certainly nothing was executed, and that says nothing about the device.
    NotExecuted(NotExecuted),
    /// Graph's own 400, 404, 422: most likely nothing was executed.
    Refused,
    /// It cannot be told whether it was executed: no answer, one that Graph did not write, 3xx, 408, 409, 423, 5xx, anything else.
    Unknown,
}

/// Why certainly nothing was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExecuted {
    /// 429.
    Throttled {
        /// What `Retry-After` says, at most ten minutes. [`Graph::send`](super::Graph::send) says how long it pauses where Graph does not.
        retry_after: Option<Duration>,
    },
    /// 401, or 403 with a claims challenge. The token was thrown away; the next call signs in again, and answers the
    /// challenge if there was one.
    TokenRejected,
    /// 403: the permission or its consent is missing.
    PermissionMissing,
    /// Multi Admin Approval asks for a second administrator.
    ApprovalRequired {
        /// The request for approval that Intune has filed instead, if it says so.
        code: Option<String>,
    },
    /// 400 "Resource not found for the segment", 405, 406, 415, or an id that cannot be put into a path.
    WrongAddress,
    /// 424.
    DependencyFailed,
    /// No connection could be made.
    NotConnected,
    /// There was no token to ask with.
    NoToken(SignInError),
    /// The time until which it may be sent had passed, or Graph's time is not known.
    PastDeadline,
}

/// Judges an answer by its status; by its code or sentence only where a status has two meanings.
pub(super) fn judge(response: &GraphResponse, refusal: &Refusal) -> Answer {
    if !response.has_graphs_id() {
        return Answer::Unknown;
    }
    if response.status.is_success() {
        return Answer::Accepted;
    }
    if response.truncated || !refusal.is_from_graph() {
        return Answer::Unknown;
    }
    if asks_approval(response, refusal) {
        return not(NotExecuted::ApprovalRequired { code: approval_code(response) });
    }
    match response.status.as_u16() {
        400 if refusal.is_unknown_segment() => not(NotExecuted::WrongAddress),
        400 | 404 | 422 if is_failure(refusal) => Answer::Unknown,
        400 | 404 | 422 => Answer::Refused,
        // Intune's own, about a token that Graph accepted.
        401 if !response.rejects_token() => not(NotExecuted::PermissionMissing),
        401 => not(NotExecuted::TokenRejected),
        403 if response.rejects_token() => not(NotExecuted::TokenRejected),
        403 => not(NotExecuted::PermissionMissing),
        405 | 406 | 415 => not(NotExecuted::WrongAddress),
        424 => not(NotExecuted::DependencyFailed),
        429 => not(NotExecuted::Throttled { retry_after: response.retry_after() }),
        _ => Answer::Unknown,
    }
}

/// What it means that no answer came.
pub(super) fn judge_silence(error: &TransportError) -> Answer {
    match error {
        TransportError::NotConnected(_) => not(NotExecuted::NotConnected),
        TransportError::Lost(_) => Answer::Unknown,
    }
}

fn not(reason: NotExecuted) -> Answer {
    Answer::NotExecuted(reason)
}

/// Codes that say "failed" rather than "refused", seen under a 400 as well (docs-contrib 4157, 4603; Graph's article on errors).
const FAILURES: [&str; 9] = [
    "InternalError",
    "InternalServerError",
    "UnknownError",
    "GeneralException",
    "ServiceNotAvailable",
    "ServiceUnavailable",
    "GatewayTimeout",
    "RequestTimeout",
    "Timeout",
];

fn is_failure(refusal: &Refusal) -> bool {
    let code = refusal.code.as_deref().unwrap_or_default();
    FAILURES.iter().any(|failure| failure.eq_ignore_ascii_case(code))
}

const APPROVAL_CODE: &str = "x-msft-approval-code";

/// Intune's Multi Admin Approval files a request for approval, or asks for one, instead of the action: 403 by memdocs
/// (`multi-admin-approval-graph-api.md`), the others by reports (Microsoft365DSC issue 7236, CIPP PR 206).
pub(super) fn asks_approval(response: &GraphResponse, refusal: &Refusal) -> bool {
    let says = |text: &Option<String>, what: &str| {
        text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains(what))
    };
    let has_code = response.headers.contains_key(APPROVAL_CODE);
    match response.status.as_u16() {
        400 => says(&refusal.sentence, "x-msft-approval-justification"),
        403 => has_code || says(&refusal.code, "approvalrequired"),
        409 => says(&refusal.sentence, "approval") || says(&refusal.code, "approval"),
        412 => has_code,
        _ => false,
    }
}

fn approval_code(response: &GraphResponse) -> Option<String> {
    response.headers.get(APPROVAL_CODE)?.to_str().ok().and_then(tidy)
}
