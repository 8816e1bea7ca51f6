//! How Graph is reached: over the network, or in process where a test puts its own in place.

use std::sync::Arc;

use crate::graph::{ConfigError, Endpoints, ReqwestTransport, Transport};

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
