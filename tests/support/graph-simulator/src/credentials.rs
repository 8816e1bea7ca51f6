//! What clients sign in with: certificates with their keys, and the tokens of a cluster's service accounts.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::*};
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What PKCS#8 puts before a 2048-bit RSA key, in octets: version, algorithm, and the head of the octet string.
const PKCS8_HEAD: usize = 26;

/// A self-signed certificate and its RSA key, as PEM.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate: `tls.crt`, and what is uploaded to the app.
    pub certificate: String,
    /// The key in PKCS#8: `tls.key`.
    pub key: String,
    /// The key in PKCS#1, as older tools write it.
    pub pkcs1_key: String,
}

impl ClientCertificate {
    /// A new one that is valid in this time.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn valid(from: Timestamp, to: Timestamp) -> Result<Self, rcgen::Error> {
        let key = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let since = |time: Timestamp| Duration::from_secs(time.as_second().unsigned_abs());
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "passcode-operator");
        params.not_before = date_time_ymd(1970, 1, 1) + since(from);
        params.not_after = date_time_ymd(1970, 1, 1) + since(to);
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
            pkcs1_key: pem("RSA PRIVATE KEY", &key.serialized_der()[PKCS8_HEAD..]),
        })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..(at + 64).min(text.len())]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The audience of a token that is to be exchanged in the worldwide cloud (azure-identity clients).
pub const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// What issues the tokens of a cluster's service accounts.
#[derive(Clone)]
pub struct TokenIssuer {
    /// `iss` of its tokens.
    pub issuer: String,
    key: Arc<KeyPair>,
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl TokenIssuer {
    /// One with a new key.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new(issuer: &str) -> anyhow::Result<Self> {
        Ok(Self { issuer: issuer.to_owned(), key: Arc::new(KeyPair::generate(KeySize::Rsa2048)?) })
    }

    /// A token as the kubelet projects it, good until `expires`.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn token(&self, subject: &str, audience: &str, expires: Timestamp) -> anyhow::Result<String> {
        let expires = expires.as_second();
        let claims = json!({
            "iss": self.issuer, "sub": subject, "aud": [audience], "iat": expires - 3600, "nbf": expires - 3600, "exp": expires,
        });
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(json!({"alg": "RS256", "kid": "cluster"})), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The federated credential by which an app trusts this service account.
    pub fn federated(&self, subject: &str, audience: &str) -> FederatedCredential {
        FederatedCredential {
            issuer: self.issuer.clone(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
            key: self.key.public_key().as_ref().to_vec(),
        }
    }
}

/// Whose tokens an app accepts in place of a secret: all three compared exactly, upper and lower case too.
#[derive(Clone, Debug)]
pub struct FederatedCredential {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// One of `aud`.
    pub audience: String,
    /// The issuer's public key, as Entra would find it at the issuer's address.
    pub(crate) key: Vec<u8>,
}
