//! A tenant's client of Graph, and what it was made from.

use std::sync::Arc;

use super::budgets;
use crate::graph::{Graph, Limits};
use passcode_core::api::tenant::{Auth, CloudName, EndpointsSpec, IntuneTenantSpec};

/// A client, and what it was made from: another is made only when that changes.
#[derive(Clone)]
pub struct Client {
    /// The client.
    pub graph: Arc<Graph>,
    limits: Limits,
    signs_in: SignsIn,
    secret: Option<String>,
}

/// Where a client signs in, as whom and how: what of a spec makes another sign-in necessary.
#[derive(Clone, PartialEq)]
struct SignsIn {
    tenant_id: String,
    client_id: String,
    cloud: CloudName,
    endpoints: Option<EndpointsSpec>,
    auth: Auth,
}

impl From<&IntuneTenantSpec> for SignsIn {
    fn from(spec: &IntuneTenantSpec) -> Self {
        Self {
            tenant_id: spec.tenant_id.clone(),
            client_id: spec.client_id.clone(),
            cloud: spec.cloud,
            endpoints: spec.endpoints.clone(),
            auth: spec.auth.clone(),
        }
    }
}

impl Client {
    /// A client that was made from this spec and this version of its Secret.
    #[must_use]
    pub fn new(graph: Arc<Graph>, spec: &IntuneTenantSpec, secret: Option<String>) -> Self {
        Self { graph, limits: budgets::limits(&spec.limits), signs_in: SignsIn::from(spec), secret }
    }

    /// Whether it was made from this version of its Secret.
    #[must_use]
    pub fn has_secret(&self, version: Option<&str>) -> bool {
        self.secret.as_deref() == version
    }

    /// The same client within the limits of this spec, if it signs in as the spec says; what its Secret says now is not asked.
    #[must_use]
    pub fn under(self, spec: &IntuneTenantSpec) -> Option<Self> {
        if self.signs_in != SignsIn::from(spec) {
            return None;
        }
        let limits = budgets::limits(&spec.limits);
        let graph = if limits == self.limits { self.graph } else { Arc::new(self.graph.limited_to(limits)) };
        Some(Self { graph, limits, ..self })
    }
}
