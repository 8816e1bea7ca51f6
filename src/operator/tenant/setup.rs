//! From an IntuneTenant and its Secret to a client that can sign in.

use std::sync::Arc;

use super::{budgets, client::Client, context::Context, no_client::NoClient, secrets};
use crate::graph::{Cloud, ConfigError, Credentials, Endpoints, Graph};
use passcode_core::api::{
    conditions::reason,
    tenant::{CloudName, IntuneTenant, IntuneTenantSpec},
};

/// The tenant's client: `old` where nothing has changed.
///
/// # Errors
/// [`NoClient`].
pub async fn client(context: &Context, tenant: &IntuneTenant, old: Option<Client>) -> Result<Client, NoClient> {
    // Where credentials would be sent is judged before one is read.
    let endpoints = endpoints(context, &tenant.spec).map_err(|error| misconfigured(&error))?;
    let (credentials, secret) = credentials(context, &tenant.spec).await?;
    if let Some(old) = old.and_then(|old| old.under(&tenant.spec)).filter(|old| old.has_secret(secret.as_deref())) {
        return Ok(old);
    }
    let transport = context.graph.transports.to(&endpoints).map_err(|error| misconfigured(&error))?;
    let graph = Graph::new(&tenant.spec.tenant_id, endpoints, credentials, transport, context.clock.clone());
    let graph = graph.map_err(|error| misconfigured(&error))?;
    let limits = budgets::limits(&tenant.spec.limits);
    let budget = context.budgets.open(&tenant.spec).await.map_err(NoClient::Unclear)?;
    let graph = Arc::new(graph.within(budget, limits));
    Ok(Client::new(graph, &tenant.spec, secret))
}

fn endpoints(context: &Context, spec: &IntuneTenantSpec) -> Result<Endpoints, ConfigError> {
    if let Some(custom) = &spec.endpoints {
        let bundle = custom.ca_bundle.clone();
        return Endpoints::custom(&custom.graph, &custom.authority, bundle, &context.graph.allowed_origins);
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
        let (secret, version) = secrets::client_secret(context, reference).await?;
        return Ok((Credentials::ClientSecret { client_id, secret }, version));
    }
    if let Some(reference) = &auth.client_certificate_ref {
        let (certificate, version) = secrets::certificate(context, reference).await?;
        return Ok((Credentials::ClientCertificate { client_id, certificate: Arc::new(certificate) }, version));
    }
    if auth.managed_identity.is_some() {
        return Ok((Credentials::ManagedIdentity { client_id }, None));
    }
    if auth.workload_identity.is_some() {
        return Ok((Credentials::WorkloadIdentity { client_id, token_file: context.graph.token_file.clone() }, None));
    }
    // Of a newer version, perhaps. There is no default: whichever it were, it would show a credential that nobody chose to show.
    Err(NoClient::not_ready(reason::INVALID_CONFIGURATION, NO_SIGN_IN.to_owned()))
}

const NO_SIGN_IN: &str = "spec.auth names no kind of sign-in that this version of the operator knows. Write exactly one of workloadIdentity, \
     managedIdentity, clientSecretRef or clientCertificateRef, or install the version that knows the one that is written there.";

fn misconfigured(error: &ConfigError) -> NoClient {
    NoClient::not_ready(reason::INVALID_CONFIGURATION, format!("{}.", error.to_string().trim_end_matches('.')))
}
