//! Calls to the API server: each with a time-out, each error turned into what happens next.

use std::{future::Future, time::Duration};

/// How long one call may take. The client has no time-out of its own, and a dropped connection would hang a pass for ever.
const TIME_OUT: Duration = Duration::from_secs(15);

/// Why a call brought no answer that can be used, by what follows from it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Somebody else changed the object: read it again and decide again.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// The object is not there (any more): the work on it ends.
    #[error("the object is not there")]
    Gone,
    /// The API server refuses this for good, as it is written.
    #[error("refused by the API server: {0}")]
    Refused(String),
    /// The right to do this is missing.
    #[error("not allowed by the API server: {0}")]
    Forbidden(String),
    /// Nobody can tell whether it happened.
    #[error("no answer from the API server: {0}")]
    Unclear(String),
    /// What was read makes no sense.
    #[error("{0}")]
    Unreadable(String),
}

/// Makes a call.
///
/// # Errors
/// [`CallError`].
pub async fn call<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, CallError> {
    call_within(TIME_OUT, request).await
}

/// Makes a call that may take only so long.
///
/// # Errors
/// [`CallError`].
pub async fn call_within<T>(
    time_out: Duration,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(time_out, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(judge(error)),
        Err(_) => Err(CallError::Unclear(format!("no answer within {} s", time_out.as_secs()))),
    }
}

fn judge(error: kube::Error) -> CallError {
    match error {
        kube::Error::Api(status) => match status.code {
            409 => CallError::Conflict,
            404 | 410 => CallError::Gone,
            400 | 405 | 413 | 415 | 422 => CallError::Refused(status.message),
            401 | 403 => CallError::Forbidden(status.message),
            _ => CallError::Unclear(status.message),
        },
        kube::Error::SerdeError(error) => CallError::Unreadable(error.to_string()),
        error => CallError::Unclear(error.to_string()),
    }
}
