//! The targets: one file for each way in.

pub mod claims;
pub mod find;
pub mod look;
pub mod resources;
pub mod retry_after;
pub mod saved;
pub mod send;
pub mod sign_in;

/// The device that is asked about.
pub(crate) const DEVICE: &str = "705c034c-034c-705c-4c03-5c704c035c70";
