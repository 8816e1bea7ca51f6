//! Entra's view: tenants, the apps registered in them, and the tokens that were issued.

use crate::clock::later;
use crate::credentials::FederatedCredential;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// The application permission that reading devices needs.
pub const READ_PERMISSION: &str = "DeviceManagementManagedDevices.Read.All";
/// It includes reading.
pub const READ_WRITE_PERMISSION: &str = "DeviceManagementManagedDevices.ReadWrite.All";
/// The only application permission that resets passcodes.
pub const RESET_PERMISSION: &str = "DeviceManagementManagedDevices.PrivilegedOperations.All";

/// Tenant of [`crate::Simulator::new`].
pub const EXAMPLE_TENANT: &str = "5f1e2a30-7c64-4c1b-9a55-2f0d6c8b1a77";
/// App of [`crate::Simulator::new`].
pub const EXAMPLE_CLIENT: &str = "c0ffee00-3d2b-4f6a-8a0e-6b1f0a9d4e55";
/// Client secret of that app.
pub const EXAMPLE_SECRET: &str = "PLANTED~secret+of/the=app&q8Q";

/// An app registration in one tenant.
#[derive(Clone, Debug)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// The client secret that is accepted.
    pub secret: Option<String>,
    /// That secret has expired: AADSTS7000222.
    pub secret_expired: bool,
    /// The certificates that were uploaded, as PEM.
    pub certificates: Vec<String>,
    /// Whose tokens are accepted in place of a secret.
    pub federated: Vec<FederatedCredential>,
    /// What its tenant did with it.
    pub state: AppState,
    /// Application permissions with admin consent. A token carries those of the time when it was issued.
    pub permissions: BTreeSet<String>,
}

impl App {
    /// An app that may read devices and reset passcodes.
    pub fn new(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            secret: None,
            secret_expired: false,
            certificates: Vec::new(),
            federated: Vec::new(),
            state: AppState::Enabled,
            permissions: [READ_PERMISSION, RESET_PERMISSION].map(str::to_owned).into(),
        }
    }

    /// With this client secret.
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// With this certificate, as PEM.
    pub fn with_certificate(mut self, pem: &str) -> Self {
        self.certificates.push(pem.to_owned());
        self
    }

    /// With this federated credential.
    pub fn with_federated(mut self, credential: FederatedCredential) -> Self {
        self.federated.push(credential);
        self
    }

    /// With these permissions only.
    pub fn with_permissions(mut self, permissions: &[&str]) -> Self {
        self.permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
        self
    }
}

/// What a tenant did with an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppState {
    /// It may sign in.
    Enabled,
    /// Its enterprise application is disabled: AADSTS7000112.
    Disabled,
    /// A Conditional Access policy for workload identities keeps it out: AADSTS53003.
    BlockedByConditionalAccess,
    /// It is registered, and has no service principal: AADSTS7000229.
    WithoutServicePrincipal,
}

/// The apps of each tenant, by lower-case tenant id.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    apps: BTreeMap<String, Vec<App>>,
    first: String,
}

impl Tenants {
    pub fn add(&mut self, tenant: &str) {
        let tenant = tenant.to_ascii_lowercase();
        if self.apps.is_empty() {
            self.first.clone_from(&tenant);
        }
        self.apps.entry(tenant).or_default();
    }

    pub fn first(&self) -> &str {
        &self.first
    }

    pub fn apps_mut(&mut self, tenant: &str) -> Option<&mut Vec<App>> {
        self.apps.get_mut(&tenant.to_ascii_lowercase())
    }

    pub fn all_apps_mut(&mut self) -> impl Iterator<Item = &mut App> {
        self.apps.values_mut().flatten()
    }

    pub fn known(&self, tenant: &str) -> bool {
        self.apps.contains_key(&tenant.to_ascii_lowercase())
    }

    /// An app, and its tenant, whichever that is.
    pub fn find(&self, client_id: &str) -> Option<(&str, &App)> {
        self.apps.iter().find_map(|(tenant, apps)| {
            let app = apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(client_id))?;
            Some((tenant.as_str(), app))
        })
    }

    pub fn app(&self, tenant: &str, client_id: &str) -> Option<&App> {
        self.apps.get(&tenant.to_ascii_lowercase())?.iter().find(|app| app.client_id.eq_ignore_ascii_case(client_id))
    }
}

/// An access token that Graph knows.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub tenant: String,
    pub client_id: String,
    pub permissions: BTreeSet<String>,
    pub issued: Timestamp,
    pub expires: Timestamp,
    /// The claims it was asked for with.
    pub claims: Option<Value>,
}

/// How Graph answers tokens that were issued before a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// 401 without more; the next token is good.
    Plain,
    /// 401 with a claims challenge; only a token that was asked for with those claims is good.
    ClaimsChallenge,
}

#[derive(Clone, Debug)]
struct Revoked {
    at: Timestamp,
    kind: Revocation,
    /// Number of this revocation: what a challenge asks for.
    number: u64,
}

/// Why Graph does not accept a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenTrouble {
    Unknown,
    Expired,
    Revoked,
    /// The claims to ask for, JSON.
    Challenged(String),
}

/// Tokens by their text, and revocations by app.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    issued: HashMap<String, Token>,
    revoked: HashMap<String, Revoked>,
    revocations: u64,
    assertions: HashSet<String>,
}

impl Tokens {
    pub fn add(&mut self, text: String, token: Token) {
        self.issued.insert(text, token);
    }

    /// Whether no assertion with this `jti` was seen before.
    pub fn first_use(&mut self, id: &str) -> bool {
        self.assertions.insert(id.to_owned())
    }

    pub fn revoke(&mut self, client_id: &str, kind: Revocation, now: Timestamp) {
        self.revocations += 1;
        self.revoked.insert(client_id.to_ascii_lowercase(), Revoked { at: now, kind, number: self.revocations });
    }

    pub fn expire_all(&mut self, now: Timestamp) {
        for token in self.issued.values_mut() {
            token.expires = token.expires.min(now);
        }
    }

    pub fn check(&self, text: &str, now: Timestamp) -> Result<Token, TokenTrouble> {
        let token = self.issued.get(text).ok_or(TokenTrouble::Unknown)?;
        if now >= token.expires {
            return Err(TokenTrouble::Expired);
        }
        match self.revoked.get(&token.client_id.to_ascii_lowercase()) {
            Some(revoked) if revoked.kind == Revocation::ClaimsChallenge => {
                let wanted = challenge(revoked.number);
                let asked = token
                    .claims
                    .as_ref()
                    .is_some_and(|claims| claims["access_token"]["nbf"] == wanted["access_token"]["nbf"]);
                if asked { Ok(token.clone()) } else { Err(TokenTrouble::Challenged(wanted.to_string())) }
            }
            Some(revoked) if token.issued <= revoked.at => Err(TokenTrouble::Revoked),
            _ => Ok(token.clone()),
        }
    }
}

/// The claims of a challenge (samples/claims-challenge-header has the same shape with `acrs`; `nbf` is what a revocation asks for).
fn challenge(number: u64) -> Value {
    serde_json::json!({"access_token": {"nbf": {"essential": true, "value": (1_700_000_000 + number).to_string()}}})
}

/// When a token issued now runs out.
pub(crate) fn expiry(now: Timestamp, lifetime: Duration) -> Timestamp {
    later(now, lifetime)
}
