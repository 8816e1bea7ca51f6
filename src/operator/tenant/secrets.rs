//! The Secrets that tenants sign in with: of the operator's own namespace, and read by name, for there is no right to list them.

use azure_core::credentials::Secret as SecretText;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use super::{context::Context, no_client::NoClient};
use crate::graph::Certificate;
use crate::operator::calls::{CallError, call};
use passcode_core::api::{
    conditions::reason,
    tenant::{SecretKeyRef, SecretRef},
};

/// The keys of a Secret of type kubernetes.io/tls.
const CERTIFICATE_KEY: &str = "tls.crt";
const PRIVATE_KEY: &str = "tls.key";

/// Types of Secrets whose keys are for something else, and are sent nowhere. An Entra client secret has no type of its own.
const OTHER_TYPES: [&str; 2] = ["kubernetes.io/", "bootstrap.kubernetes.io/"];
/// The one among them that holds a plain text of somebody's choice.
const BASIC_AUTH: &str = "kubernetes.io/basic-auth";
/// How PEM begins, as it is and in base64.
const PEM: [&str; 2] = ["-----BEGIN", "LS0tLS1CRUdJTi"];

/// A client secret, and the Secret's version. A client secret is sent as it is, so that a private key, or another token of the cluster, never
/// counts as one.
///
/// # Errors
/// [`NoClient`].
pub async fn client_secret(
    context: &Context,
    reference: &SecretKeyRef,
) -> Result<(SecretText, Option<String>), NoClient> {
    let SecretKeyRef { name, key } = reference;
    let secret = read(context, name, &format!("the client secret under the key \"{key}\"")).await?;
    let unusable = |what: String| {
        let message = format!("The Secret \"{name}\" in namespace \"{}\" {what}. {OPAQUE}", context.cluster.namespace);
        NoClient::not_ready(reason::INVALID_CONFIGURATION, message)
    };
    if let Some(type_) = secret.type_.as_deref().filter(|type_| is_of_another_kind(type_)) {
        return Err(unusable(format!("is of type {type_}: none of its keys is sent as a client secret")));
    }
    match as_client_secret(value(context, &secret, key)?) {
        Ok(text) => Ok((SecretText::from(text.to_owned()), secret.resource_version())),
        Err(found) => {
            Err(unusable(format!("has {found} under the key \"{key}\": that is not sent as a client secret")))
        }
    }
}

const OPAQUE: &str = "Put the client secret's value into a Secret of type Opaque. To sign in by a certificate, write \
     auth.clientCertificateRef: its key stays here and only signs.";

fn is_of_another_kind(type_: &str) -> bool {
    type_ != BASIC_AUTH && OTHER_TYPES.iter().any(|other| type_.starts_with(other))
}

/// The text of a client secret, or what is there in its place.
fn as_client_secret(value: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(value).map(str::trim).map_err(|_| "something binary")?;
    if PEM.iter().any(|begin| text.contains(begin)) {
        return Err("PEM text (a certificate or a key)");
    }
    Ok(text)
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
        let message =
            format!("The Secret \"{name}\" in namespace \"{}\" cannot be used: {error}", context.cluster.namespace);
        NoClient::not_ready(reason::INVALID_CONFIGURATION, message)
    })?;
    Ok((certificate, secret.resource_version()))
}

async fn read(context: &Context, name: &str, with: &str) -> Result<Secret, NoClient> {
    let namespace = &context.cluster.namespace;
    let secrets: Api<Secret> = Api::namespaced(context.cluster.client.clone(), namespace);
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
            context.cluster.namespace
        ))
    })
}

fn missing(message: String) -> NoClient {
    NoClient::not_ready(reason::SECRET_NOT_FOUND, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_no_client_secret_in_any_form() {
        for good in ["~8Q~abcDEF.ghi-jkl_0123456789", " with space around\n", "begin-----"] {
            assert_eq!(as_client_secret(good.as_bytes()), Ok(good.trim()));
        }
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
        let base64 = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUU=";
        for bad in [pem.as_bytes(), format!("Bag Attributes\n{pem}").as_bytes(), base64.as_bytes(), &[0x30, 0x82, 0xff]]
        {
            assert!(as_client_secret(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_the_cluster_has_a_type_for_is_no_client_secret() {
        for other in ["kubernetes.io/tls", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"] {
            assert!(is_of_another_kind(other), "{other}");
        }
        for good in ["Opaque", "", "kubernetes.io/basic-auth", "example.com/kubernetes.io"] {
            assert!(!is_of_another_kind(good), "{good}");
        }
    }
}
