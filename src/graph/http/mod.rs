//! HTTP exchanges with Graph and Entra, and what a response shows whatever was asked.
//!
//! What lives here: the seam to the network and its implementation for production, the addresses that may be used, the clocks, the
//! parts of a response (`Date`, `request-id`, `Retry-After`, error document), and the texts that people may read of it.
//! What does not: tokens and credentials (`auth`), how much may be sent and when (`limits`), which requests exist and what their
//! documents mean (`calls`).

mod clock;
mod clock_reading;
mod endpoints;
mod object;
mod refusal;
mod reqwest_transport;
mod response;
mod retry_after;
#[cfg(test)]
pub(in crate::graph) mod testing;
mod text;
mod transport;

pub use clock::{Clock, SystemClock};
pub use clock_reading::{ClockReading, Timed};
pub use endpoints::{AllowedOrigins, Cloud, ConfigError, Endpoints, NotAnOrigin};
pub use refusal::Refusal;
pub use reqwest_transport::ReqwestTransport;
pub use transport::{Connection, Exchange, Transport, TransportError, Truncated};

pub(in crate::graph) use clock_reading::LastClockReading;
pub(in crate::graph) use object::Object;
pub(in crate::graph) use response::GraphResponse;
pub(in crate::graph) use retry_after::{http_date, retry_after};
pub(in crate::graph) use text::{comparable, tidy, without};
pub(in crate::graph) use transport::NODE_ORIGIN;
