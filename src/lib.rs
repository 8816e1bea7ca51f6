//! Resets the passcode of phones managed by Microsoft Intune, declared in Kubernetes, once.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod cli;
pub mod graph;
pub mod operator;
pub mod telemetry;
