//! Microsoft Graph and Entra: sign-in, finding a device, looking at its ledger, asking for a reset.
//!
//! Here live every fact about Graph's wire format and nothing about Kubernetes, and no rule about whether or when a
//! device may be reset: [`Graph`] carries out one call at a time and says what became of it. Nothing here repeats a
//! call, except a *read* whose token was rejected (once, with a new token). Everything that changes a device goes
//! through [`Graph::send`], and [`Action`] names the only two actions that can be asked for.
//!
//! The passcode that Graph returns beside a result is never deserialised, and bodies are never logged.

mod answer;
mod batch;
mod budget;
mod certificate;
mod channel;
mod claims;
mod client;
mod clock;
mod credential;
mod decoding;
mod desk;
mod endpoints;
mod errors;
mod exchange;
mod fair;
mod find;
mod hiding;
mod look;
mod metadata_http;
mod names;
mod object;
mod read_error;
mod reading;
mod remedies;
mod request;
mod reqwest_transport;
mod retry_after;
mod selector;
mod send;
mod share;
mod sign_in;
#[cfg(test)]
mod testing;
mod token_http;
mod transport;
mod window;
mod wire;

pub use answer::{Answer, NotExecuted};
pub use budget::{Budget, Full, Limits, Reservation};
pub use certificate::Certificate;
pub use client::Graph;
pub use clock::{Clock, SystemClock};
pub use credential::Credentials;
pub use desk::Urgency;
pub use endpoints::{AllowedOrigins, Cloud, ConfigError, Endpoints, NotAnOrigin};
pub use errors::Refusal;
pub use fair::FairQueue;
pub use find::Found;
pub use look::Look;
pub use read_error::ReadError;
pub use reading::{Heard, Reading};
pub use request::Action;
pub use reqwest_transport::ReqwestTransport;
pub use selector::Selector;
pub use send::Sent;
pub use sign_in::{SignInError, SignInFailure, SignedIn};
pub use transport::{Connection, Exchange, Transport, TransportError, Truncated};
pub use wire::{BadDevices, devices_from_json};
