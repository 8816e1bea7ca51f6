//! Microsoft Graph and Entra: sign-in, finding a device, looking at its ledger, asking for a reset.
//!
//! Here live every fact about Graph's wire format and nothing about Kubernetes, and no rule about whether or when a
//! device may be reset: [`Graph`] carries out one call at a time and says what became of it. Nothing here repeats a
//! call, except a *read* whose token was rejected (once, with a new token). Everything that changes a device goes
//! through [`Graph::send`], and [`Action`] names the only two actions that can be asked for.
//!
//! The passcode that Graph returns beside a result is never deserialised, and bodies are never logged.
//!
//! Four rooms: `calls` uses `limits`, `auth` and `http`; `limits` and `auth` use `http`; nothing points the other way. What the rest of
//! the program uses is exported here.

mod auth;
mod calls;
mod http;
mod limits;

pub use self::auth::{Certificate, Credentials, SignInError, SignInFailure, SignedIn};
pub use self::calls::{
    Action, Answer, BadDevices, Candidate, Graph, Identified, NotExecuted, ReadError, Selector, Sent, devices_from_json,
};
pub use self::http::{
    AllowedOrigins, Clock, ClockReading, Cloud, ConfigError, Connection, Endpoints, Exchange, NotAnOrigin, Refusal,
    ReqwestTransport, SystemClock, Timed, Transport, TransportError, Truncated,
};
pub use self::limits::{Budget, FairQueue, Full, Limits, Priority, Reservation};
