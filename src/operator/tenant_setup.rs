//! From an IntuneTenant and its Secret to a client that can sign in.

use std::sync::Arc;

use super::{budgets, calls::CallError, context::Context, tenant_secrets};
use crate::{
    api::{
        conditions::reason,
        tenant::{CloudName, IntuneTenant, IntuneTenantSpec},
    },
    graph::{Cloud, ConfigError, Credentials, Endpoints, Graph},
    lifecycle::observed::Trouble,
};

/// A client, and what it was made from: it is made anew only when that changes.
#[derive(Clone)]
pub struct Client {
    /// The client.
    pub graph: Arc<Graph>,
    /// The object's generation and the Secret's version.
    pub made_from: (Option<i64>, Option<String>),
}

/// Why there is no client.
pub enum NoClient {
    /// Somebody has to mend something.
    Trouble(Trouble),
    /// The API server did not answer.
    Unclear(CallError),
}

impl NoClient {
    /// Somebody has to mend something, by this reason and sentence.
    pub fn trouble(reason: &str, message: String) -> Self {
        Self::Trouble(Trouble { reason: reason.to_owned(), message })
    }
}

/// The tenant's client: `old` where nothing has changed.
///
/// # Errors
/// [`NoClient`].
pub async fn client(context: &Context, tenant: &IntuneTenant, old: Option<Client>) -> Result<Client, NoClient> {
    let (credentials, version) = credentials(context, &tenant.spec).await?;
    let made_from = (tenant.metadata.generation, version);
    if let Some(old) = old.filter(|old| old.made_from == made_from) {
        return Ok(old);
    }
    let endpoints = endpoints(&tenant.spec).map_err(|error| misconfigured(&error))?;
    let transport = context.transports.to(&endpoints).map_err(|error| misconfigured(&error))?;
    let graph = Graph::new(&tenant.spec.tenant_id, endpoints, credentials, transport, context.clock.clone());
    let graph = graph.map_err(|error| misconfigured(&error))?;
    let graph = Arc::new(graph.within(context.budgets.of(&tenant.spec), budgets::limits(&tenant.spec.limits)));
    Ok(Client { graph, made_from })
}

fn endpoints(spec: &IntuneTenantSpec) -> Result<Endpoints, ConfigError> {
    if let Some(custom) = &spec.endpoints {
        return Endpoints::custom(&custom.graph, &custom.authority, custom.ca_bundle.clone());
    }
    Ok(Endpoints::from(match spec.cloud {
        CloudName::Global => Cloud::Global,
        CloudName::USGov => Cloud::UsGov,
        CloudName::USGovDoD => Cloud::UsGovDoD,
        CloudName::China => Cloud::China,
    }))
}

async fn credentials(context: &Context, spec: &IntuneTenantSpec) -> Result<(Credentials, Option<String>), NoClient> {
    let auth = &spec.auth;
    let client_id = spec.client_id.clone();
    if let Some(reference) = &auth.client_secret_ref {
        let (secret, version) = tenant_secrets::client_secret(context, reference).await?;
        return Ok((Credentials::ClientSecret { client_id, secret }, version));
    }
    if let Some(reference) = &auth.client_certificate_ref {
        let (certificate, version) = tenant_secrets::certificate(context, reference).await?;
        return Ok((Credentials::ClientCertificate { client_id, certificate: Arc::new(certificate) }, version));
    }
    if auth.managed_identity.is_some() {
        return Ok((Credentials::ManagedIdentity { client_id }, None));
    }
    Ok((Credentials::WorkloadIdentity { client_id, token_file: context.token_file.clone() }, None))
}

fn misconfigured(error: &ConfigError) -> NoClient {
    NoClient::trouble(reason::INVALID_CONFIGURATION, error.to_string())
}
