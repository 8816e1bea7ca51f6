//! The whole on a real control plane: kube-apiserver, etcd, the operator's binary, Graph over HTTPS.

mod control_plane_end_to_end;
pub mod process;
