//! A simulator of Microsoft Entra's token endpoint and of the part of Microsoft Graph that resets the passcodes of managed devices.
//!
//! It plays what is documented about these services, with their quirks, and refuses everything else; each refusal is recorded
//! ([`Simulator::refusals`]). It knows what really happened ([`Simulator::executed`]), whatever the client was told. Faults are scripted
//! with [`Rule`]. The simulator runs in the process of the test, in tokio's time (`start_paused` works), or behind HTTPS ([`serve()`]).
//!
//! What a comment calls documented is in Microsoft's reference of Graph; what it calls reported was seen in public reports.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod admin;
mod assertions;
mod certificates;
mod clock;
mod credentials;
mod devices;
mod dice;
mod entra;
mod exchange;
mod faults;
mod graph;
mod ledger;
mod metadata;
mod records;
mod serve;
mod settings;
mod simulator;
mod store;
mod tenants;
mod throttle;
mod world;

#[cfg(test)]
mod tests;

pub use clock::graph_time;
pub use credentials::{ClientCertificate, EXCHANGE_AUDIENCE, FederatedCredential, TokenIssuer};
pub use devices::{Device, DeviceClass};
pub use faults::{Fault, PathClass, Rule};
pub use jiff::{SignedDuration, Timestamp};
pub use ledger::{ActionState, ArrayShape, DevicePlan, Ledger, planted};
pub use records::{Executed, Refusal, RequestRecord, TokenRequest};
pub use serve::{ServeOptions, Server, serve};
pub use settings::{History, Lag, Limits, RetryAfter, Settings, TokenFormat};
pub use simulator::{ConnectionLost, Simulator};
pub use tenants::{
    App, AppState, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, READ_PERMISSION, READ_WRITE_PERMISSION,
    RESET_PERMISSION, Revocation,
};
pub use throttle::Peaks;
