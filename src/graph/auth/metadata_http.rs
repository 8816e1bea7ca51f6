//! Sends a managed identity's token requests over our own transport, to the node's metadata service (IMDS).
//!
//! Source of its addresses and answers: Microsoft Entra documentation, `how-to-use-vm-token.md`, "Error handling". It asks for
//! retries with pauses; the tenant is signed in again every 15 s while it has an error, which does that.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Method, Request};
use bytes::Bytes;
use serde::Deserialize;

use super::{
    error::{SIGN_IN_TIME_OUT, SignInError, SignInFailure},
    token_response::token,
};
use crate::graph::http::{ConfigError, Connection, Exchange, NODE_ORIGIN, Object, Transport, TransportError, tidy};

const ELSEWHERE: &str = "A managed identity can be used on an Azure node only, by pods that may reach that address; use workloadIdentity or clientCertificateRef elsewhere.";

/// The HTTP client of a managed identity's credential.
pub(super) struct MetadataHttp {
    pub(super) transport: Arc<dyn Transport>,
}

impl fmt::Debug for MetadataHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataHttp").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for MetadataHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let request = confined(request).map_err(SignInError::into_azure)?;
        let exchange = Exchange { connection: Connection::Node, time_out: SIGN_IN_TIME_OUT };
        let answer = self.transport.send(request, exchange).await;
        let answer = answer.map_err(|e| silent(&e).into_azure())?;
        tracing::debug!(
            method = "GET",
            path = "/metadata/identity/oauth2/token",
            status = answer.status().as_u16(),
            "sign-in exchange"
        );
        if answer.status() != http::StatusCode::OK {
            return Err(refusal(answer.status(), answer.body()).into_azure());
        }
        token(answer.into_body())
    }
}

/// The same request with no header but the one that the service requires: `azure_identity` would add a secret of the environment.
fn confined(request: &Request) -> Result<http::Request<Bytes>, SignInError> {
    // Where the environment names a service like Azure App Service, `azure_identity` sends its requests there.
    let unusable = || SignInError::refused(ConfigError::IdentitySource.to_string());
    if request.url().origin().ascii_serialization() != NODE_ORIGIN || request.method() != Method::Get {
        return Err(unusable());
    }
    http::Request::get(request.url().as_str()).header("metadata", "true").body(Bytes::new()).map_err(|_| unusable())
}

fn silent(error: &TransportError) -> SignInError {
    SignInError::unreachable(format!(
        "The node's metadata service (169.254.169.254) did not answer: {error}. {ELSEWHERE}"
    ))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetadataError {
    error: Option<String>,
    error_description: Option<String>,
}

fn refusal(status: http::StatusCode, body: &[u8]) -> SignInError {
    let Object(answer): Object<MetadataError> = serde_json::from_slice(body).unwrap_or_default();
    let error = answer.error.as_deref().unwrap_or_default();
    let (kind, advice) = advice(status.as_u16(), error);
    let reason = answer.error_description.as_deref().and_then(tidy).or_else(|| tidy(error));
    let reason = reason.map(|reason| format!(": {}", reason.trim_end_matches('.'))).unwrap_or_default();
    let message = format!("The node's metadata service answered {}{reason}. {advice}", status.as_u16());
    SignInError { code: None, message, kind }
}

/// Whether the error is temporary, and what to do: by status and `error`, since descriptions "can change at any time".
fn advice(status: u16, error: &str) -> (SignInFailure, &'static str) {
    match (status, error) {
        (404 | 410, _) => (
            SignInFailure::Unreachable,
            "It is being updated and comes back within 70 s; if this lasts, this is not an Azure node.",
        ),
        (429, _) => (SignInFailure::Unreachable, "Too much was asked of it on this node; it is tried again by itself."),
        (500.., _) => (
            SignInFailure::Unreachable,
            "It is tried again by itself; if this lasts, see that the node has a managed identity.",
        ),
        (_, "invalid_resource") => {
            (SignInFailure::Refused, "Check cloud and endpoints: the node's tenant does not know this Graph.")
        }
        (_, "") => (SignInFailure::Refused, ELSEWHERE),
        _ => (
            SignInFailure::Refused,
            "This node has no managed identity with this clientId: assign it to the node's virtual machine scale set, and write its client id, not its object id.",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::graph::http::testing::Script;

    fn of(status: u16, body: &str) -> SignInError {
        refusal(http::StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_has_to_mend() {
        use SignInFailure::{Refused, Unreachable};
        let described = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        let resource =
            r#"{"error":"invalid_resource","error_description":"AADSTS50001: The application named x was not found."}"#;
        for (status, body, kind, says) in [
            (400, described, Refused, "answered 400: Identity not found. This node has no managed identity"),
            (401, r#"{"error":"unauthorized_client"}"#, Refused, "no managed identity with this clientId"),
            (400, resource, Refused, "Check cloud and endpoints"),
            (403, "<html>", Refused, "answered 403. A managed identity can be used on an Azure node only"),
            (404, "", Unreachable, "being updated"),
            (410, "", Unreachable, "being updated"),
            (429, r#"{"error":"too_many"}"#, Unreachable, "Too much"),
            (500, r#"{"error":"unknown"}"#, Unreachable, "tried again"),
            (503, "", Unreachable, "tried again"),
        ] {
            let error = of(status, body);
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn it_sends_nothing_but_to_the_node() {
        let script = Script::signed_in(|_| None);
        let http = MetadataHttp { transport: script.clone() };
        for (url, method) in [
            ("http://169.254.169.253/metadata/identity/oauth2/token", Method::Get),
            ("https://169.254.169.254/metadata/identity/oauth2/token", Method::Get),
            ("http://localhost:42356/msi/token", Method::Get),
            ("http://169.254.169.254/metadata/identity/oauth2/token", Method::Post),
        ] {
            let request = Request::new(url.parse().unwrap(), method);
            assert!(http.execute_request(&request).await.is_err(), "{url}");
        }
        assert!(script.seen().is_empty());
    }
}
