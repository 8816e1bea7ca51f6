//! What the operator signs in with, as `azure_identity` credentials that use our transport.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    cloud::CustomConfiguration,
    credentials::{Secret, TokenCredential},
    error::{Error, ErrorKind},
    http::{ClientMethodOptions, ClientOptions, HttpClient, RetryOptions, Transport},
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions,
};

use super::{
    endpoints::{ConfigError, Endpoints},
    sign_in::{SignInError, SignInFailure},
};

/// How an application proves to Entra that it is itself.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A client secret. `Secret` prints as its type's name only.
    ClientSecret {
        /// The application's (client) id.
        client_id: String,
        /// The secret's value.
        secret: Secret,
    },
    /// A service account token that Kubernetes projects into a file, exchanged as a federated credential.
    WorkloadIdentity {
        /// The application's (client) id.
        client_id: String,
        /// The file (`AZURE_FEDERATED_TOKEN_FILE`). The kubelet replaces it, so it is read for every token.
        token_file: PathBuf,
    },
}

/// What every credential of a tenant has in common.
pub(super) struct Identity {
    pub(super) tenant_id: String,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Credentials,
}

impl Identity {
    /// A credential with an empty token cache, which sends its requests through `http`.
    pub(super) fn credential(&self, http: Arc<dyn HttpClient>) -> Result<Arc<dyn TokenCredential>, ConfigError> {
        let client_options = self.client_options(http);
        let tenant_id = self.tenant_id.as_str();
        let invalid = |_: Error| ConfigError::Identity("the tenant id, client id or secret");
        Ok(match &self.credentials {
            Credentials::ClientSecret { client_id, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                let (client_id, secret) = (client_id.clone(), secret.clone());
                ClientSecretCredential::new(tenant_id, client_id, secret, Some(options)).map_err(invalid)?
            }
            Credentials::WorkloadIdentity { client_id, token_file } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let assertion = ProjectedToken(token_file.clone());
                let (tenant_id, client_id) = (tenant_id.to_owned(), client_id.clone());
                ClientAssertionCredential::new(tenant_id, client_id, assertion, Some(options)).map_err(invalid)?
            }
        })
    }

    fn client_options(&self, http: Arc<dyn HttpClient>) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.endpoints.authority().to_owned();
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(http)),
            cloud: Some(Arc::new(cloud.into())),
            ..ClientOptions::default()
        }
    }
}

/// `azure_identity`'s own `WorkloadIdentityCredential` reads the file when it is built and then every ten minutes; this
/// reads it whenever a token is asked for, so that a missing file is an error of the sign-in and heals by itself.
#[derive(Debug)]
struct ProjectedToken(PathBuf);

#[async_trait]
impl ClientAssertion for ProjectedToken {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let problem = |what: String| {
            let message = format!("The token file {} {what}.", self.0.display());
            Error::new(ErrorKind::Credential, SignInError { code: None, message, kind: SignInFailure::Refused })
        };
        let token =
            tokio::fs::read_to_string(&self.0).await.map_err(|e| problem(format!("cannot be read: {}", e.kind())))?;
        match token.trim() {
            "" => Err(problem("is empty".to_owned())),
            token => Ok(token.to_owned()),
        }
    }
}
