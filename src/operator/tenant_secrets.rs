//! The Secrets that tenants sign in with: of the operator's own namespace, and read by name, for there is no right to list them.

use azure_core::credentials::Secret as SecretText;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use super::{
    calls::{CallError, call},
    context::Context,
    tenant_setup::NoClient,
};
use crate::{
    api::{
        conditions::reason,
        tenant::{SecretKeyRef, SecretRef},
    },
    graph::Certificate,
};

/// The keys of a Secret of type kubernetes.io/tls.
const CERTIFICATE_KEY: &str = "tls.crt";
const PRIVATE_KEY: &str = "tls.key";

/// A client secret, and the Secret's version.
///
/// # Errors
/// [`NoClient`].
pub async fn client_secret(
    context: &Context,
    reference: &SecretKeyRef,
) -> Result<(SecretText, Option<String>), NoClient> {
    let SecretKeyRef { name, key } = reference;
    let secret = read(context, name, &format!("the client secret under the key \"{key}\"")).await?;
    let value = String::from_utf8_lossy(value(context, &secret, key)?).trim().to_owned();
    Ok((SecretText::from(value), secret.resource_version()))
}

/// A certificate with its key, and the Secret's version.
///
/// # Errors
/// [`NoClient`].
pub async fn certificate(context: &Context, reference: &SecretRef) -> Result<(Certificate, Option<String>), NoClient> {
    let name = &reference.name;
    let secret = read(context, name, "the certificate under \"tls.crt\" and its key under \"tls.key\"").await?;
    let (certificates, key) = (value(context, &secret, CERTIFICATE_KEY)?, value(context, &secret, PRIVATE_KEY)?);
    let certificate = Certificate::from_pem(certificates, key).map_err(|error| {
        let message = format!("The Secret \"{name}\" in namespace \"{}\" cannot be used: {error}", context.namespace);
        NoClient::trouble(reason::INVALID_CONFIGURATION, message)
    })?;
    Ok((certificate, secret.resource_version()))
}

async fn read(context: &Context, name: &str, with: &str) -> Result<Secret, NoClient> {
    let namespace = &context.namespace;
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    match call(secrets.get_opt(name)).await {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(missing(format!(
            "There is no Secret \"{name}\" in the operator's namespace \"{namespace}\". Create it there, with {with}; \
             Secrets of other namespaces are not read."
        ))),
        Err(CallError::Forbidden(message)) => Err(missing(format!(
            "The Secret \"{name}\" may not be read: {message}. Put its name into resourceNames of the operator's Role."
        ))),
        Err(error) => Err(NoClient::Unclear(error)),
    }
}

/// What stands under a key, unless that is nothing that can be seen.
fn value<'a>(context: &Context, secret: &'a Secret, key: &str) -> Result<&'a [u8], NoClient> {
    let value = secret.data.as_ref().and_then(|data| data.get(key)).map(|bytes| bytes.0.as_slice());
    value.filter(|value| !value.trim_ascii().is_empty()).ok_or_else(|| {
        missing(format!(
            "The Secret \"{}\" in namespace \"{}\" has no key \"{key}\", or nothing under it. Put it there.",
            secret.name_any(),
            context.namespace
        ))
    })
}

fn missing(message: String) -> NoClient {
    NoClient::trouble(reason::SECRET_NOT_FOUND, message)
}
