//! Microsoft Graph and Entra: sign-in, finding a device, looking at its ledger, asking for a reset.
//!
//! Here live every fact about Graph's wire format and nothing about Kubernetes, and no rule about whether or when a
//! device may be reset: [`Graph`] carries out one call at a time and says what became of it. Nothing here repeats a
//! call, except a *read* whose token was rejected (once, with a new token). Everything that changes a device goes
//! through [`Graph::send`], and [`Action`] names the only two actions that can be asked for.
//!
//! The passcode that Graph returns beside a result is never deserialised, and bodies are never logged.

#[path = "calls/answer.rs"]
mod answer;
#[path = "calls/batch.rs"]
mod batch;
#[path = "limits/budget.rs"]
mod budget;
#[path = "auth/certificate.rs"]
mod certificate;
#[path = "calls/channel.rs"]
mod channel;
#[path = "auth/claims.rs"]
mod claims;
#[path = "calls/client.rs"]
mod client;
#[path = "http/clock.rs"]
mod clock;
#[path = "auth/credential.rs"]
mod credential;
#[path = "http/text/decoding.rs"]
mod decoding;
#[path = "limits/read_scheduler.rs"]
mod desk;
#[path = "http/endpoints.rs"]
mod endpoints;
#[path = "http/refusal.rs"]
mod errors;
#[path = "http/response.rs"]
mod exchange;
#[path = "limits/fair_queue.rs"]
mod fair;
#[path = "calls/find.rs"]
mod find;
#[path = "http/text/hiding.rs"]
mod hiding;
#[path = "calls/look.rs"]
mod look;
#[path = "auth/metadata_http.rs"]
mod metadata_http;
#[path = "http/text/names.rs"]
mod names;
#[path = "http/object.rs"]
mod object;
#[path = "calls/read_error.rs"]
mod read_error;
#[path = "http/clock_reading.rs"]
mod reading;
#[path = "auth/remedies.rs"]
mod remedies;
#[path = "calls/request.rs"]
mod request;
#[path = "http/reqwest_transport.rs"]
mod reqwest_transport;
#[path = "http/retry_after.rs"]
mod retry_after;
#[path = "calls/selector.rs"]
mod selector;
#[path = "calls/send.rs"]
mod send;
#[path = "limits/adaptive_limit.rs"]
mod share;
#[path = "auth/sign_in.rs"]
mod sign_in;
#[cfg(test)]
#[path = "http/testing.rs"]
mod testing;
#[path = "auth/token_http.rs"]
mod token_http;
#[path = "http/transport.rs"]
mod transport;
#[path = "limits/window.rs"]
mod window;
#[path = "calls/wire.rs"]
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
