//! Why there is no token.

use std::time::Duration;

use azure_core::error::{Error, ErrorKind};

/// How long a call waits for a token, other calls that ask for the same one included.
pub(super) const SIGN_IN_TIME_OUT: Duration = Duration::from_secs(30);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sign-in failed{}: {message}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct SignInError {
    /// Entra's code, such as `AADSTS7000215`.
    pub code: Option<String>,
    /// One sentence: no secret, no trace id.
    pub message: String,
    /// Whether trying again can help although nobody changes anything.
    pub kind: SignInFailure,
}

/// The kinds of [`SignInError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFailure {
    /// Entra refused, or there is nothing to sign in with: somebody has to change something.
    Refused,
    /// Entra was not reached, or asked to come back later.
    Unreachable,
}

impl SignInError {
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into(), kind: SignInFailure::Refused }
    }

    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into(), kind: SignInFailure::Unreachable }
    }

    /// An answer of 200 that holds no token.
    pub(super) fn without_token() -> Self {
        Self::unreachable(
            "The sign-in service's answer holds no token that can be used. It is tried again by itself; if this lasts, see whether a proxy answers in its place.",
        )
    }

    /// The same as `azure_identity` passes it on to its caller.
    pub(super) fn into_azure(self) -> Error {
        Error::new(ErrorKind::Credential, self)
    }
}
