//! How Graph is reached: over the network, or in process where a test puts its own in place.

use std::{path::PathBuf, sync::Arc};

use crate::graph::{AllowedOrigins, ConfigError, Endpoints, ReqwestTransport, Transport};

/// Makes the transport to a tenant's endpoints.
pub trait Transports: Send + Sync {
    /// The transport to these endpoints.
    ///
    /// # Errors
    /// If their certificates cannot be used.
    fn to(&self, endpoints: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError>;
}

/// Over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network;

impl Transports for Network {
    fn to(&self, endpoints: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(ReqwestTransport::new(endpoints.ca_pem())?))
    }
}

/// How Graph is reached, and what this process has to sign in with.
pub struct GraphAccess {
    /// How Graph and Entra are reached.
    pub transports: Arc<dyn Transports>,
    /// The pod's projected token, for tenants that sign in by workload identity.
    pub token_file: PathBuf,
    /// Where credentials may be sent besides Microsoft's own origins.
    pub allowed_origins: AllowedOrigins,
}
