//! Tokens: one credential at a time, thrown away with its cache when Graph rejects what it gave.

use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use azure_core::credentials::{AccessToken, TokenCredential};
use http::HeaderValue;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    backoff::BackoffTransport,
    claims::{self, Claims},
    credential::{Credentials, Identity},
    error::{SIGN_IN_TIME_OUT, SignInError},
};
use crate::graph::http::{ConfigError, Transport, tidy};

/// What a successful sign-in shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The application permissions that were granted (`roles`); `None` where the token cannot be read, which Graph's
    /// documentation warns of.
    pub permissions: Option<Vec<String>>,
    /// When the token ends, by this machine's clock.
    pub token_expiry: Timestamp,
}

/// A token as the header it is sent in, and which credential gave it.
#[derive(Clone)]
pub(in crate::graph) struct Token {
    pub(in crate::graph) header: HeaderValue,
    generation: u64,
}

/// The tenant's sign-in.
pub(in crate::graph) struct SignIn {
    identity: Identity,
    transport: Arc<dyn Transport>,
    held: Mutex<CachedCredential>,
    /// Callers ask the credential one after the other. With its own lock those that wait wake each other without end, which keeps a
    /// processor busy while the one that asks Entra gets no answer.
    turn: tokio::sync::Mutex<()>,
}

/// The credential in use. Claims are kept as long as the credential that was made for them.
#[derive(Default)]
struct CachedCredential {
    generation: u64,
    credential: Option<Arc<dyn TokenCredential>>,
    claims: Option<Claims>,
}

impl SignIn {
    /// # Errors
    /// [`ConfigError::Identity`] where no credential can be made of `identity`.
    pub(in crate::graph) fn new(identity: Identity, transport: Arc<dyn Transport>) -> Result<Self, ConfigError> {
        let transport = Arc::new(BackoffTransport::new(transport, identity.clock.clone()));
        let sign_in = Self { identity, transport, held: Mutex::default(), turn: tokio::sync::Mutex::default() };
        sign_in.current()?;
        Ok(sign_in)
    }

    /// When the certificate ends that tokens are asked for with, if there is one.
    pub(in crate::graph) fn certificate_ends(&self) -> Option<Timestamp> {
        match &self.identity.credentials {
            Credentials::ClientCertificate { certificate, .. } => Some(certificate.ends()),
            _ => None,
        }
    }

    /// A token from the cache, or a new one from Entra.
    pub(in crate::graph) async fn token(&self) -> Result<Token, SignInError> {
        let (token, generation) = self.access_token().await?;
        let bearer = format!("Bearer {}", token.token.secret());
        let mut header = HeaderValue::try_from(bearer).map_err(|_| SignInError::without_token())?;
        header.set_sensitive(true);
        Ok(Token { header, generation })
    }

    pub(in crate::graph) async fn signed_in(&self) -> Result<SignedIn, SignInError> {
        let (token, _) = self.access_token().await?;
        let expiry = token.expires_on.unix_timestamp();
        Ok(SignedIn {
            permissions: permissions(token.token.secret()),
            token_expiry: Timestamp::from_second(expiry).map_err(|_| SignInError::without_token())?,
        })
    }

    /// Throws the credential away with its cache, and any claims.
    pub(in crate::graph) fn forget(&self) {
        let mut held = self.held();
        *held = CachedCredential { generation: held.generation + 1, ..CachedCredential::default() };
    }

    /// Graph rejected `token`. Calls under way with the same token all come here; only the first one counts, or they
    /// would throw away each other's new token.
    pub(in crate::graph) fn rejected(&self, token: &Token, claims: Option<Claims>) {
        let mut held = self.held();
        if held.generation == token.generation {
            *held = CachedCredential { generation: held.generation + 1, credential: None, claims };
        }
    }

    async fn access_token(&self) -> Result<(AccessToken, u64), SignInError> {
        let (credential, generation) = self.current().map_err(|e| SignInError::refused(e.to_string()))?;
        let scope = self.identity.endpoints.scope();
        let scopes = [scope.as_str()];
        let token = async {
            let _turn = self.turn.lock().await;
            credential.get_token(&scopes, None).await
        };
        // The limit is for the whole of it, waiting for the turn included.
        let token = tokio::time::timeout(SIGN_IN_TIME_OUT, token);
        let token = token.await.map_err(|_| {
            SignInError::unreachable("The sign-in service did not answer in time. It is tried again by itself.")
        })?;
        let token = token.map_err(|e| reason(&e))?;
        if token.token.secret().is_empty() {
            return Err(SignInError::without_token());
        }
        self.check_tenant(token.token.secret())?;
        Ok((token, generation))
    }

    /// Entra is asked for a tenant's token, but the metadata service gives that of the node's own tenant: with it the devices
    /// of another tenant would be reset. Only a token that can be read shows it.
    fn check_tenant(&self, token: &str) -> Result<(), SignInError> {
        let tenant = &self.identity.tenant_id;
        match payload(token).and_then(|payload| payload.tid) {
            Some(other) if !other.eq_ignore_ascii_case(tenant) => Err(SignInError::refused(format!(
                "The token is one of the Entra tenant {}, and tenantId says {tenant}. A managed identity signs in to the tenant of the node's own Azure subscription: use workloadIdentity or clientCertificateRef for another.",
                tidy(&other).unwrap_or_default()
            ))),
            _ => Ok(()),
        }
    }

    fn current(&self) -> Result<(Arc<dyn TokenCredential>, u64), ConfigError> {
        let mut held = self.held();
        let credential = match &held.credential {
            Some(credential) => credential.clone(),
            None => self.identity.credential(self.transport.clone(), held.claims.clone())?,
        };
        held.credential = Some(credential.clone());
        Ok((credential, held.generation))
    }

    fn held(&self) -> MutexGuard<'_, CachedCredential> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Our own error at the bottom of `azure_identity`'s; anything else is an answer of 200 that holds no token.
fn reason(error: &azure_core::Error) -> SignInError {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<SignInError>() {
            return error.clone();
        }
        source = error.source();
    }
    SignInError::without_token()
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    roles: Vec<String>,
    /// The tenant that the token is for.
    tid: Option<String>,
}

/// The `roles` of a token, if it is a JWT whose payload can be read.
fn permissions(token: &str) -> Option<Vec<String>> {
    payload(token).map(|payload| payload.roles)
}

/// The payload of a token that is a JWT.
fn payload(token: &str) -> Option<Payload> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    serde_json::from_slice(&claims::decode(payload)?).ok()
}

#[cfg(test)]
mod tests;
