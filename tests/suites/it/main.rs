//! Integration tests: the whole operator against an API server and the Graph simulator.
//!
//! `simulated` runs in paused time over an API server in process; `control_plane` runs on a real kube-apiserver and etcd.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod check;
mod control_plane;
mod deploy;
mod documents;
mod gitops;
mod newer;
mod request;
mod rooms;
mod run;
mod scenes;
mod simulated;
mod whole;
