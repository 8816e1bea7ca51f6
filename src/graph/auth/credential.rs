//! What the operator signs in with, as `azure_identity` credentials that use our transport.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    cloud::CustomConfiguration,
    credentials::{Secret, TokenCredential},
    error::Error,
    http::{ClientMethodOptions, ClientOptions, HttpClient, RetryOptions},
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};

use super::{
    certificate::Certificate, claims::Claims, error::SignInError, metadata_http::MetadataHttp, token_http::TokenHttp,
};
use crate::graph::http::{Clock, ConfigError, Endpoints, Transport};

/// How an application authenticates to Entra.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A client secret. `Secret` prints as its type's name only.
    ClientSecret {
        /// The application's (client) id.
        client_id: String,
        /// The secret's value.
        secret: Secret,
    },
    /// A certificate, with whose key an assertion is signed for every token.
    ClientCertificate {
        /// The application's (client) id.
        client_id: String,
        /// The certificate and its key. It prints as its thumbprint only.
        certificate: Arc<Certificate>,
    },
    /// A service account token that Kubernetes projects into a file, exchanged as a federated credential.
    WorkloadIdentity {
        /// The application's (client) id.
        client_id: String,
        /// The file (`AZURE_FEDERATED_TOKEN_FILE`). The kubelet replaces it, so it is read for every token.
        token_file: PathBuf,
    },
    /// A managed identity that is assigned to the node, by the node's metadata service.
    ManagedIdentity {
        /// The managed identity's client id.
        client_id: String,
    },
}

/// What every credential of a tenant has in common.
pub(in crate::graph) struct Identity {
    pub(in crate::graph) tenant_id: String,
    pub(in crate::graph) endpoints: Endpoints,
    pub(in crate::graph) credentials: Credentials,
    pub(in crate::graph) clock: Arc<dyn Clock>,
}

impl Identity {
    /// A credential with an empty token cache, which sends its requests through `transport`, with these claims.
    ///
    /// A managed identity sends none: it takes no part in continuous access evaluation
    /// (`concept-continuous-access-evaluation-workload.md`).
    pub(super) fn credential(
        &self,
        transport: Arc<dyn Transport>,
        claims: Option<Claims>,
    ) -> Result<Arc<dyn TokenCredential>, ConfigError> {
        let http: Arc<dyn HttpClient> = match self.credentials {
            Credentials::ManagedIdentity { .. } => Arc::new(MetadataHttp { transport }),
            _ => Arc::new(TokenHttp { transport, authority: self.endpoints.authority().to_owned(), claims }),
        };
        let client_options = self.client_options(http);
        let tenant_id = self.tenant_id.as_str();
        let invalid = |_: Error| ConfigError::Identity("the tenant id, client id or secret");
        Ok(match &self.credentials {
            Credentials::ClientSecret { client_id, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                let (client_id, secret) = (client_id.clone(), secret.clone());
                ClientSecretCredential::new(tenant_id, client_id, secret, Some(options)).map_err(invalid)?
            }
            Credentials::ClientCertificate { client_id, certificate } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let assertion = SignedAssertion {
                    certificate: certificate.clone(),
                    client_id: client_id.clone(),
                    audience: format!("{}/{tenant_id}/oauth2/v2.0/token", self.endpoints.authority()),
                    clock: self.clock.clone(),
                };
                let (tenant_id, client_id) = (tenant_id.to_owned(), client_id.clone());
                ClientAssertionCredential::new(tenant_id, client_id, assertion, Some(options)).map_err(invalid)?
            }
            Credentials::WorkloadIdentity { client_id, token_file } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let assertion = ProjectedToken(token_file.clone());
                let (tenant_id, client_id) = (tenant_id.to_owned(), client_id.clone());
                ClientAssertionCredential::new(tenant_id, client_id, assertion, Some(options)).map_err(invalid)?
            }
            Credentials::ManagedIdentity { client_id } => {
                let user_assigned_id = Some(UserAssignedId::ClientId(client_id.clone()));
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options)).map_err(|_| ConfigError::IdentitySource)?
            }
        })
    }

    fn client_options(&self, http: Arc<dyn HttpClient>) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.endpoints.authority().to_owned();
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(azure_core::http::Transport::new(http)),
            cloud: Some(Arc::new(cloud.into())),
            ..ClientOptions::default()
        }
    }
}

/// `azure_identity`'s own `ClientCertificateCredential` needs OpenSSL, and signs in a way that the documentation no longer describes.
struct SignedAssertion {
    certificate: Arc<Certificate>,
    client_id: String,
    audience: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SignedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedAssertion").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientAssertion for SignedAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let assertion = self.certificate.assertion(&self.client_id, &self.audience, self.clock.wall());
        assertion.map_err(SignInError::into_azure)
    }
}

/// `azure_identity`'s own `WorkloadIdentityCredential` reads the file when it is built and then every ten minutes; this
/// reads it whenever a token is asked for, so that a missing file is an error of the sign-in, which succeeds once the file is there.
#[derive(Debug)]
struct ProjectedToken(PathBuf);

#[async_trait]
impl ClientAssertion for ProjectedToken {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let problem = |what: String| {
            let message = format!(
                "The token file {} {what}. Let the pod have the token of its service account there, as Azure workload identity mounts it, or set AZURE_FEDERATED_TOKEN_FILE. If label and service account are right, the pod was made while the webhook of Azure workload identity was not running: delete the pod.",
                self.0.display()
            );
            SignInError::refused(message).into_azure()
        };
        let token =
            tokio::fs::read_to_string(&self.0).await.map_err(|e| problem(format!("cannot be read: {}", e.kind())))?;
        match token.trim() {
            "" => Err(problem("is empty".to_owned())),
            token => Ok(token.to_owned()),
        }
    }
}
