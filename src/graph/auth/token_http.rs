//! Sends `azure_identity`'s token requests over our own transport.
//!
//! It confines them to the tenant's authority, adds the `claims` that `azure_identity` cannot pass, and turns every
//! answer that is not a token into a [`SignInError`].

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use bytes::Bytes;
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    claims::Claims,
    error::{SIGN_IN_TIME_OUT, SignInError, SignInFailure},
    remedies::remedy,
    token_response::token,
};
use crate::graph::http::{Connection, Exchange, Object, Transport, TransportError, tidy};

/// What to do where Entra was not reached, or something else answered instead.
const NETWORK: &str = "It is tried again by itself; if this lasts, see to the network, the firewall and the proxy (HTTPS_PROXY, NO_PROXY).";

/// What to do where the server's certificate is not trusted: most likely a proxy that opens TLS.
const CERTIFICATE: &str = "It is tried again by itself; if a proxy on the way opens TLS, its certificate authority has to be in the image (CERTIFICATES, when it is built).";

/// The HTTP client of one credential.
pub(super) struct TokenHttp {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) authority: String,
    pub(super) claims: Option<Claims>,
}

impl fmt::Debug for TokenHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenHttp").field("authority", &self.authority).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for TokenHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (request, form) = self.request(request).map_err(SignInError::into_azure)?;
        let exchange = Exchange { connection: Connection::Pooled, time_out: SIGN_IN_TIME_OUT };
        let answer = self.transport.send(request, exchange).await;
        let answer = answer.map_err(|e| lost(&e).into_azure())?;
        tracing::debug!(
            method = "POST",
            path = "/{tenant}/oauth2/v2.0/token",
            status = answer.status().as_u16(),
            "sign-in exchange"
        );
        if answer.status() != http::StatusCode::OK {
            let mut error = refusal(answer.status(), answer.body());
            error.message = without_secrets(error.message, &form);
            return Err(error.into_azure());
        }
        token(answer.into_body())
    }
}

impl TokenHttp {
    fn request(&self, request: &Request) -> Result<(http::Request<Bytes>, Bytes), SignInError> {
        let origin = request.url().origin().ascii_serialization();
        let Body::Bytes(form) = request.body() else {
            return Err(unusable());
        };
        if origin != self.authority || request.method() != Method::Post {
            return Err(unusable());
        }
        let form = match &self.claims {
            None => form.clone(),
            Some(claims) => {
                let claims: String = form_urlencoded::byte_serialize(claims.as_str().as_bytes()).collect();
                [form.as_ref(), b"&claims=", claims.as_bytes()].concat().into()
            }
        };
        let request = http::Request::post(request.url().as_str())
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.clone())
            .map_err(|_| unusable())?;
        Ok((request, form))
    }
}

fn unusable() -> SignInError {
    SignInError::refused("The sign-in request is not one to this tenant's authority.")
}

fn lost(error: &TransportError) -> SignInError {
    let said = error.to_string();
    let advice = if said.contains("certificate") { CERTIFICATE } else { NETWORK };
    SignInError::unreachable(format!("The sign-in service did not answer: {said}. {advice}"))
}

/// Entra's error document (MicrosoftDocs/entra-docs, `reference-error-codes`); trace ids are not read, since they would
/// make every message a new one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct EntraError {
    error: Option<String>,
    error_description: Option<String>,
    error_codes: Vec<i64>,
}

fn refusal(status: http::StatusCode, body: &[u8]) -> SignInError {
    let Object(entra): Object<EntraError> = serde_json::from_slice(body).unwrap_or_default();
    let Some(error) = entra.error else {
        return SignInError::unreachable(format!(
            "The sign-in service answered {status}, without a reason from Entra. {NETWORK}"
        ));
    };
    let later =
        status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS || error == "temporarily_unavailable";
    let description = entra.error_description.unwrap_or_default();
    let code = entra.error_codes.first().map(|code| format!("AADSTS{code}"));
    let code = code.or_else(|| code_of(&description));
    let sentence = sentence(&description, code.as_deref())
        .or_else(|| tidy(&error))
        .unwrap_or_else(|| format!("The sign-in service answered {status}, without a reason that can be shown."));
    let advice = if later { "It is tried again by itself." } else { remedy(code.as_deref(), &error) };
    SignInError {
        message: format!("{}. {advice}", sentence.trim_end_matches('.')),
        code,
        kind: if later { SignInFailure::Unreachable } else { SignInFailure::Refused },
    }
}

fn code_of(description: &str) -> Option<String> {
    let digits = description.strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    (1..=10).contains(&end).then(|| format!("AADSTS{}", &digits[..end]))
}

/// The description without its code in front and its trace lines behind.
fn sentence(description: &str, code: Option<&str>) -> Option<String> {
    let line = description.lines().next()?;
    let line = line.split(" Trace ID:").next()?;
    let line = code.and_then(|code| line.strip_prefix(code)).unwrap_or(line);
    tidy(line.trim_start_matches([':', ' ']))
}

/// Entra has never been seen to repeat a credential; if it does, nobody can read it.
fn without_secrets(message: String, form: &[u8]) -> String {
    form_urlencoded::parse(form)
        .filter(|(name, value)| matches!(name.as_ref(), "client_secret" | "client_assertion") && !value.is_empty())
        .fold(message, |message, (_, value)| message.replace(value.as_ref(), "[secret]"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::graph::http::testing::{AUTHORITY, Script, samples};

    fn of(status: u16, body: &str) -> SignInError {
        let status = http::StatusCode::from_u16(status).unwrap_or_default();
        refusal(status, body.as_bytes())
    }

    #[test]
    fn the_documented_error() {
        let error = of(400, samples::OAUTH_ERROR);
        assert_eq!(error.code.as_deref(), Some("AADSTS70011"));
        assert_eq!(error.kind, SignInFailure::Refused);
        assert_eq!(
            error.message,
            "The provided value for the input parameter 'scope' isn't valid. The scope isn't valid. Check cloud and endpoints: this Graph is not known there."
        );
    }

    #[test]
    fn a_code_is_taken_from_the_description_if_need_be() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app '1' are expired. Trace ID: x"}"#;
        let error = of(401, body);
        assert_eq!(error.code.as_deref(), Some("AADSTS7000222"));
        let says = "The provided client secret keys for app '1' are expired. Make a new client secret";
        assert!(error.message.starts_with(says), "{error}");
        let message = of(401, r#"{"error":"invalid_client"}"#).message;
        assert!(message.starts_with("invalid_client. Check the app's credential"), "{message}");
    }

    #[test]
    fn something_is_said_whatever_the_error() {
        let message = of(401, r#"{"error":"https://login.test/invalid_client"}"#).message;
        let says = "The sign-in service answered 401 Unauthorized, without a reason that can be shown. Look";
        assert!(message.starts_with(says), "{message}");
    }

    #[test]
    fn what_passes_by_itself_is_not_a_refusal() {
        let busy = r#"{"error":"temporarily_unavailable","error_description":"AADSTS90033: Busy."}"#;
        for (status, body) in [
            (400, busy),
            (503, busy),
            (429, r#"{"error":"x"}"#),
            (502, "<html>"),
            (403, "<html>blocked by proxy</html>"),
            (302, ""),
            (400, "{}"),
        ] {
            assert_eq!(of(status, body).kind, SignInFailure::Unreachable, "{status}");
        }
    }

    #[test]
    fn a_repeated_secret_is_cut_out() {
        let form = b"client_id=a&client_secret=p%40ss&scope=s";
        let message = without_secrets("bad secret p@ss for a".to_owned(), form);
        assert_eq!(message, "bad secret [secret] for a");
    }

    #[tokio::test]
    async fn a_credential_goes_to_the_authority_alone_and_by_post() {
        let script = Script::signed_in(|_| None);
        let http = TokenHttp { transport: script.clone(), authority: AUTHORITY.to_owned(), claims: None };
        for (url, method) in [
            ("https://evil.test/t/oauth2/v2.0/token", Method::Post),
            ("https://login.test:444/t/oauth2/v2.0/token", Method::Post),
            ("https://login.test/t/oauth2/v2.0/token", Method::Get),
        ] {
            let request = Request::new(url.parse().unwrap(), method);
            assert!(http.execute_request(&request).await.is_err(), "{url}");
        }
        assert!(script.seen().is_empty());
    }
}
