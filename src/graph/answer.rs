//! What the answer to an action means: whether the action was executed, was not, or nobody knows.

use std::time::Duration;

use super::{errors::Refusal, exchange::Answered, sign_in::SignInError, transport::TransportError};

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Graph took it: 2xx, whatever the body.
    Accepted,
    /// Certainly nothing was executed, and that says nothing about the device.
    NotExecuted(NotExecuted),
    /// 400, 404, 422: Graph refused it.
    Refused,
    /// Nobody knows whether it was executed: time-out, reset, 3xx, 408, 409, 423, 5xx, anything else.
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
    /// 401, or 403 with a claims challenge. The token was thrown away; the next call signs in anew, and answers the
    /// challenge if there was one.
    TokenRejected,
    /// 403: the permission or its consent is missing.
    PermissionMissing,
    /// 403 by Multi Admin Approval.
    ApprovalRequired,
    /// 400 "Resource not found for the segment", 405, 406, 415, or an id that cannot be put into a path.
    WrongAddress,
    /// 424.
    DependencyFailed,
    /// No connection could be made.
    NotConnected,
    /// There was no token to ask with.
    NoToken(SignInError),
    /// The time until which it might be sent had passed, or nobody knows Graph's time.
    PastDeadline,
}

/// Judges an answer other than 2xx by its status; by its body only where a status has two meanings.
pub(super) fn judge(answered: &Answered, refusal: &Refusal) -> Answer {
    match answered.status.as_u16() {
        // Intune may have refused it, or Graph may not know the path; without the whole body nobody can tell.
        400 if answered.truncated => Answer::Unknown,
        400 if refusal.is_unknown_segment() => not(NotExecuted::WrongAddress),
        400 | 404 | 422 => Answer::Refused,
        // Intune's own, about a token that Graph took.
        401 if !answered.rejects_token() => not(NotExecuted::PermissionMissing),
        401 => not(NotExecuted::TokenRejected),
        403 if answered.rejects_token() => not(NotExecuted::TokenRejected),
        403 if asks_approval(answered, refusal) => not(NotExecuted::ApprovalRequired),
        403 => not(NotExecuted::PermissionMissing),
        405 | 406 | 415 => not(NotExecuted::WrongAddress),
        424 => not(NotExecuted::DependencyFailed),
        429 => not(NotExecuted::Throttled { retry_after: answered.retry_after() }),
        _ => Answer::Unknown,
    }
}

/// What no answer means.
pub(super) fn judge_silence(error: &TransportError) -> Answer {
    match error {
        TransportError::NotConnected(_) => not(NotExecuted::NotConnected),
        TransportError::Lost(_) => Answer::Unknown,
    }
}

fn not(reason: NotExecuted) -> Answer {
    Answer::NotExecuted(reason)
}

/// Memdocs, `multi-admin-approval-graph-api.md`: code `ApprovalRequired`, and the id to ask approval for in a header.
pub(super) fn asks_approval(answered: &Answered, refusal: &Refusal) -> bool {
    let code = refusal.code.as_deref().unwrap_or_default();
    code.eq_ignore_ascii_case("ApprovalRequired") || answered.headers.contains_key("x-msft-approval-code")
}
