//! The cluster, and who this replica is in it.

use kube::Client;

/// The cluster, and who this replica is in it.
pub struct Cluster {
    /// The API server.
    pub client: Client,
    /// The operator's own namespace: its Secrets, its Leases.
    pub namespace: String,
    /// This replica's name.
    pub identity: String,
}
