//! A real Kubernetes control plane for tests: kube-apiserver on etcd, without nodes, scheduler or controllers.
//!
//! [`ControlPlane::start`] gives every caller one of their own, on the loopback interface, with fresh state in a temporary directory. Each of the
//! two servers can be stopped, killed, paused and restarted by itself, and the state of etcd can be taken back to an earlier moment, so that a
//! test can show what a program does when its cluster fails. Nothing outlives the test, not even one that is killed.
//!
//! The first start on a machine builds the servers, which takes minutes (see `build.sh` beside this crate); later ones take seconds.

mod arguments;
mod binaries;
mod component;
mod control_plane;
mod credentials;
mod etcd;
mod files;
mod kubectl;
mod ports;
mod process;
mod readiness;
mod server;
mod snapshot;

pub use binaries::find_or_build;
pub use component::Component;
pub use control_plane::{ControlPlane, Options};
pub use credentials::User;
pub use etcd::Revision;
pub use process::{Process, Program};
pub use snapshot::Snapshot;
