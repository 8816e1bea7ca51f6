//! From an IntuneTenant and its Secret to a client that can sign in.

use std::{path::PathBuf, sync::Arc};

use azure_core::credentials::Secret as SecretText;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use super::{
    calls::{CallError, call},
    context::Context,
};
use crate::{
    api::{
        conditions::reason,
        tenant::{CloudName, IntuneTenant, IntuneTenantSpec, SecretKeyRef},
    },
    graph::{Cloud, ConfigError, Credentials, Endpoints, Graph},
    lifecycle::observed::Trouble,
};

/// Where Azure workload identity mounts the pod's token, unless the environment says otherwise.
const TOKEN_FILE: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

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
    let graph = Arc::new(graph.map_err(|error| misconfigured(&error))?);
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
    if let Some(reference) = &spec.auth.client_secret_ref {
        let (secret, version) = secret(context, reference).await?;
        return Ok((Credentials::ClientSecret { client_id: spec.client_id.clone(), secret }, version));
    }
    let token_file =
        std::env::var_os("AZURE_FEDERATED_TOKEN_FILE").map_or_else(|| PathBuf::from(TOKEN_FILE), PathBuf::from);
    Ok((Credentials::WorkloadIdentity { client_id: spec.client_id.clone(), token_file }, None))
}

/// A Secret of the operator's own namespace, read by name: there is no right to list them.
async fn secret(context: &Context, reference: &SecretKeyRef) -> Result<(SecretText, Option<String>), NoClient> {
    let SecretKeyRef { name, key } = reference;
    let namespace = &context.namespace;
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let secret = match call(secrets.get_opt(name)).await {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            let message = format!(
                "There is no Secret \"{name}\" in the operator's namespace \"{namespace}\". Create it there, with the client secret under the key \"{key}\"; \
                 Secrets of other namespaces are not read."
            );
            return Err(NoClient::Trouble(trouble(reason::SECRET_NOT_FOUND, message)));
        }
        Err(CallError::Forbidden(message)) => {
            return Err(NoClient::Trouble(trouble(
                reason::SECRET_NOT_FOUND,
                format!("The Secret \"{name}\" may not be read: {message}"),
            )));
        }
        Err(error) => return Err(NoClient::Unclear(error)),
    };
    let value = secret
        .data
        .as_ref()
        .and_then(|data| data.get(key))
        .map(|bytes| String::from_utf8_lossy(&bytes.0).trim().to_owned());
    match value.filter(|value| !value.is_empty()) {
        Some(value) => Ok((SecretText::from(value), secret.resource_version())),
        None => {
            let message = format!(
                "The Secret \"{name}\" in namespace \"{namespace}\" has no key \"{key}\", or nothing under it."
            );
            Err(NoClient::Trouble(trouble(reason::SECRET_NOT_FOUND, message)))
        }
    }
}

fn misconfigured(error: &ConfigError) -> NoClient {
    NoClient::Trouble(trouble(reason::INVALID_CONFIGURATION, error.to_string()))
}

fn trouble(reason: &str, message: String) -> Trouble {
    Trouble { reason: reason.to_owned(), message }
}
