//! Signing in to Entra: the token that every request to Graph carries.
//!
//! What lives here: credentials, certificates and claims, the requests for tokens with their errors and what to do about them, and the
//! cache of the token in use. What does not: requests to Graph (`calls`), and the network itself (`http`).
//!
//! A secret, an assertion or a token is in no `Debug` output, no error and no log.

mod backoff;
mod certificate;
mod claims;
mod credential;
mod error;
mod metadata_http;
mod remedies;
mod sign_in;
#[cfg(test)]
pub(in crate::graph) mod testing;
mod token_http;
mod token_response;

pub use certificate::Certificate;
pub use credential::Credentials;
pub use error::{SignInError, SignInFailure};
pub use sign_in::SignedIn;

pub(in crate::graph) use credential::Identity;
pub(in crate::graph) use sign_in::{SignIn, Token};
