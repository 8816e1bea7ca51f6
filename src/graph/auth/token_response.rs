//! An answer that grants a token, checked before `azure_identity` reads it.

use azure_core::http::{AsyncRawResponse, StatusCode, headers::Headers};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::error::SignInError;
use crate::graph::http::Object;

/// Entra's tokens are valid for hours; a lifetime of more than a year is not plausible.
const LONGEST_LIFETIME: i64 = 366 * 24 * 3600;

/// The part of the answer that is checked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lifetime {
    expires_in: Value,
}

/// The body of a 200, if `azure_identity` can read it safely.
pub(super) fn token(body: Bytes) -> azure_core::Result<AsyncRawResponse> {
    if !has_a_lifetime(&body) {
        return Err(SignInError::without_token().into_azure());
    }
    Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), body))
}

/// Whether the token's lifetime can be added to a time: `azure_identity` does so without checking, and panics where it cannot.
fn has_a_lifetime(body: &[u8]) -> bool {
    let lifetime = serde_json::from_slice::<Object<Lifetime>>(body).map(|answer| answer.0.expires_in);
    let seconds = match lifetime {
        Ok(Value::Number(seconds)) => seconds.as_i64(),
        // As the metadata service writes it.
        Ok(Value::String(seconds)) => seconds.parse().ok(),
        _ => None,
    };
    seconds.is_some_and(|seconds| (0..=LONGEST_LIFETIME).contains(&seconds))
}
