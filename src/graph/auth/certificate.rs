//! A certificate with its private key, and the assertion by which an application proves that it holds them.
//!
//! Source of the assertion's form: Microsoft Entra documentation, `certificate-credentials.md` (PS256, `x5t#S256`).

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PSS_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x509_parser::{certificate::X509Certificate, oid_registry::OID_PKCS1_RSAENCRYPTION, prelude::FromDer};

use super::error::SignInError;
use crate::graph::http::ConfigError;

/// How long an assertion is valid. The documentation: "keep it short - 5-10 minutes after nbf at most".
const LIFETIME_SECONDS: i64 = 600;

/// A certificate and its private key, which match.
pub struct Certificate {
    key: KeyPair,
    /// SHA-256 of the certificate's DER, in base64url: what Entra finds the certificate by.
    thumbprint: String,
    not_before: i64,
    not_after: i64,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate, the first of `certificates`, and its key: PEM, RSA; the key in PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`ConfigError::Certificate`] with a sentence that says what is wrong and names the keys of a `kubernetes.io/tls` Secret.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let der = CertificateDer::from_pem_slice(certificates).map_err(|_| CERTIFICATE_FORM)?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| CERTIFICATE_FORM)?;
        let spki = parsed.public_key();
        if spki.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION {
            return Err(NOT_RSA);
        }
        let key = key_pair(key)?;
        if key.public_key().as_ref() != spki.subject_public_key.data.as_ref() {
            return Err(MISMATCH);
        }
        Ok(Self {
            key,
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }

    /// When it ends: from then on Entra refuses it.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        Timestamp::from_second(self.not_after).unwrap_or(Timestamp::MAX)
    }

    /// A signed assertion that its bearer is the application `client_id`, for the token endpoint `audience`.
    ///
    /// # Errors
    /// [`SignInFailure::Refused`] outside the certificate's validity, by the machine's clock: Entra would refuse, too.
    pub(super) fn assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Result<String, SignInError> {
        let now = now.as_second();
        self.valid(now)?;
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience, "iss": client_id, "sub": client_id, "jti": Uuid::new_v4().to_string(),
            "nbf": now, "iat": now, "exp": now + LIFETIME_SECONDS,
        });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| SignInError::refused("The assertion could not be signed with the key in tls.key."))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn valid(&self, now: i64) -> Result<(), SignInError> {
        let time = |second| Timestamp::from_second(second).unwrap_or_default();
        if now > self.not_after {
            let ended = time(self.not_after);
            return Err(SignInError::refused(format!(
                "The certificate in tls.crt expired at {ended}. Put a new one with its key into the Secret, and upload it to the app registration."
            )));
        }
        if now < self.not_before {
            let begins = time(self.not_before);
            return Err(SignInError::refused(format!(
                "The certificate in tls.crt is not valid before {begins}. Wait until then, or set the clock of this machine."
            )));
        }
        Ok(())
    }
}

const CERTIFICATE_FORM: ConfigError = ConfigError::Certificate(
    "tls.crt holds no certificate that can be read. Put the certificate there as PEM, beginning with -----BEGIN CERTIFICATE-----.",
);
const KEY_FORM: ConfigError = ConfigError::Certificate(
    "tls.key holds no private key that can be read. Put the RSA key there as PEM, without a password (PKCS#8 or PKCS#1).",
);
const KEY_SIZE: ConfigError = ConfigError::Certificate(
    "tls.key is no RSA key of 2048 to 8192 bits. Entra takes RSA only: make an RSA key with 2048 bits or more, and a certificate for it.",
);
const NOT_RSA: ConfigError = ConfigError::Certificate(
    "tls.crt is a certificate of a key that is not RSA. Entra takes RSA only: make an RSA key with 2048 bits or more, and a certificate for it.",
);
const MISMATCH: ConfigError = ConfigError::Certificate(
    "tls.key is not the key of the certificate in tls.crt. Put a certificate there together with its own key; it must be the first one in tls.crt.",
);

fn key_pair(pem: &[u8]) -> Result<KeyPair, ConfigError> {
    match PrivateKeyDer::from_pem_slice(pem).map_err(|_| KEY_FORM)? {
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(KEY_SIZE),
    }
    .map_err(|_| KEY_SIZE)
}

#[cfg(test)]
mod tests;
