//! Calls to the API server: each with a time-out, each error turned into what happens next.

use std::{future::Future, time::Duration};

use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use kube::{Client, api::ObjectList, client::Body};
use serde::de::DeserializeOwned;

use super::denials;
use passcode_core::lifecycle::admission::Denial;

/// How long one call may take. The client has no time-out of its own, and a dropped connection would hang a pass forever.
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
    /// Admission control keeps it out: nothing was stored, or not what was written.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// The served schema does not take these fields, or a test of the patch does not hold.
    #[error("refused by the served schema, because of {}", fields(.0))]
    Invalid(Vec<String>),
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

/// The most bytes of a list that is read whole.
const LONGEST_LIST: usize = 8 << 20;

/// Lists objects by this request, as they are stored, and answers with the API server's time of the answer.
///
/// # Errors
/// [`CallError`], also where the answer has no `Date` or is longer than eight megabytes.
pub async fn list_with_date<K: Clone + DeserializeOwned>(
    client: &Client,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<(Timestamp, ObjectList<K>), CallError> {
    let request = request.map_err(kube::Error::BuildRequest).map_err(judge)?;
    let (date, body) = call(async {
        let answer = client.send(request.map(Body::from)).await?;
        let (head, body) = answer.into_parts();
        let read = Limited::new(body, LONGEST_LIST).collect().await;
        let body = read.map_err(kube::Error::Service)?.to_bytes();
        if !head.status.is_success() {
            let status = serde_json::from_slice(&body);
            let unread = || kube::Error::Service(format!("answered {}", head.status).into());
            return Err(status.map_or_else(|_| unread(), |status| kube::Error::Api(Box::new(status))));
        }
        Ok((head.headers.get(http::header::DATE).cloned(), body))
    })
    .await?;
    let date = date.as_ref().and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok()?.try_into().ok());
    let at: Timestamp = date.ok_or_else(|| CallError::Unclear("the answer has no Date".to_owned()))?;
    let list = serde_json::from_slice(&body).map_err(|_| CallError::Unreadable("a list cannot be read".to_owned()))?;
    Ok((at, list))
}

fn fields(fields: &[String]) -> String {
    if fields.is_empty() { "no field that it names".to_owned() } else { fields.join(", ") }
}

fn judge(error: kube::Error) -> CallError {
    match error {
        kube::Error::Api(status) => match (denials::denial(&status), status.code) {
            (Some(denial), _) => CallError::Denied(Box::new(denial)),
            (None, 409) => CallError::Conflict,
            (None, 404 | 410) => CallError::Gone,
            // Its text is not kept: it echoes what was written.
            (None, 400 | 422) => CallError::Invalid(denials::refused_fields(&status)),
            (None, 405 | 413 | 415) => CallError::Refused(format!("{} {}", status.code, status.reason)),
            (None, 401 | 403) => CallError::Forbidden(status.message),
            _ => CallError::Unclear(status.message),
        },
        kube::Error::SerdeError(error) => CallError::Unreadable(error.to_string()),
        error => CallError::Unclear(error.to_string()),
    }
}
