//! What operators of this operator see: logs, metrics, probes.
//!
//! What does not live here: any decision. Nothing here ever holds a secret, a passcode, a user's or a device's name.

pub mod described;
pub mod health;
pub mod http;
pub mod logs;
pub mod metrics;
