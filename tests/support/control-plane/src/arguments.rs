//! What the servers are started with.

use std::ffi::OsString;
use std::path::Path;

use crate::credentials::Credentials;

/// Arguments of an etcd cluster of one.
pub(crate) fn etcd(data: &Path, port: u16, peer_port: u16, fsync: bool) -> Vec<OsString> {
    let clients = format!("http://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{peer_port}");
    let mut arguments = vec![
        flag("data-dir", data),
        flag("listen-client-urls", &clients),
        flag("advertise-client-urls", &clients),
        flag("listen-peer-urls", &peers),
        flag("initial-advertise-peer-urls", &peers),
        flag("initial-cluster", format!("default={peers}")),
    ];
    if !fsync {
        arguments.push("--unsafe-no-fsync".into());
    }
    arguments
}

/// Arguments of a kube-apiserver with RBAC.
pub(crate) fn apiserver(credentials: &Credentials, etcd_port: u16, port: u16, more: &[String]) -> Vec<OsString> {
    let mut arguments = vec![
        flag("etcd-servers", format!("http://127.0.0.1:{etcd_port}")),
        flag("bind-address", "127.0.0.1"),
        // Left to itself it looks for an address to the outside, and does not start on a machine that has none.
        flag("advertise-address", "127.0.0.1"),
        flag("endpoint-reconciler-type", "none"),
        flag("secure-port", port.to_string()),
        flag("tls-cert-file", credentials.serving_certificate()),
        flag("tls-private-key-file", credentials.serving_key()),
        flag("token-auth-file", credentials.token_file()),
        flag("authorization-mode", "RBAC"),
        // Nobody creates service accounts here, and this plugin turns away pods that have none.
        flag("disable-admission-plugins", "ServiceAccount"),
        flag("service-account-issuer", "https://kubernetes.default.svc"),
        flag("service-account-key-file", credentials.service_account_public_key()),
        flag("service-account-signing-key-file", credentials.service_account_key()),
        flag("service-cluster-ip-range", "10.0.0.0/24"),
    ];
    arguments.extend(more.iter().map(OsString::from));
    arguments
}

fn flag(name: &str, value: impl Into<OsString>) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value.into());
    flag
}
