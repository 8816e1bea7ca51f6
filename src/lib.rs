//! Resets the passcode of phones managed by Microsoft Intune, declared in Kubernetes, once.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod api;
pub mod cli;
pub mod graph;
pub mod lifecycle;
pub mod operator;
pub mod platform;
pub mod telemetry;
