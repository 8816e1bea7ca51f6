//! The rules of the operator: what its resources say, what Intune can do on which platform, and whether and when a reset is sent, and in
//! which order that is carried out.
//!
//! Pure: no clock, no randomness, no input or output. They come in as arguments, and the dependencies of this crate have none of them to offer.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod api;
pub mod lifecycle;
pub mod platform;
pub mod policy;
pub mod protocol;
