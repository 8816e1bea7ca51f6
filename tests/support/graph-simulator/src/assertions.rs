//! `client_assertion`: signed with a registered certificate, or a token of a trusted issuer.
//!
//! Codes and texts: entra-docs `reference-error-codes.md` and `certificate-credentials.md`, the texts as users report them
//! (azure-workload-identity issues 340, 616, 1200; MSAL.js issue 8339; MSAL.NET issues 2604, 4951; Azure/login issue 482).

use crate::clock::{entra_time, shifted};
use crate::credentials::FederatedCredential;
use crate::entra::Refused;
use crate::tenants::App;
use crate::world::World;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How wrong a client's clock may be. Not documented; Microsoft's own validation libraries take five minutes.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// A JWT taken apart; nothing of it is believed yet.
struct Assertion<'a> {
    header: Value,
    claims: Value,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature: decode(signature)?,
        })
    }

    fn claim(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }

    fn signed_with(&self, key: &[u8], algorithm: &'static dyn VerificationAlgorithm) -> bool {
        UnparsedPublicKey::new(algorithm, key).verify(self.message.as_bytes(), &self.signature).is_ok()
    }

    fn is_for(&self, audience: &str) -> bool {
        match &self.claims["aud"] {
            Value::String(one) => one == audience,
            Value::Array(several) => several.iter().any(|one| one == audience),
            _ => false,
        }
    }

    /// AADSTS700024
    fn check_time(&self, now: Timestamp) -> Result<(), Refused> {
        let second = |name: &str| self.claims[name].as_i64();
        let (from, to) = (second("nbf"), second("exp"));
        let at = now.as_second();
        if from.is_some_and(|from| from <= at + CLOCK_SKEW_SECONDS) && to.is_some_and(|to| at < to + CLOCK_SKEW_SECONDS)
        {
            return Ok(());
        }
        let time =
            |second: Option<i64>| entra_time(Timestamp::from_second(second.unwrap_or_default()).unwrap_or_default());
        Err(invalid(
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}.",
                entra_time(now),
                time(from),
                time(to)
            ),
        ))
    }
}

fn invalid(code: u32, text: impl Into<String>) -> Refused {
    Refused::because(401, "invalid_client", code, text)
}

/// Whether the assertion proves that its sender is this app.
pub(crate) fn check(world: &mut World, tenant: &str, app: &App, text: &str) -> Result<(), Refused> {
    let Some(assertion) = Assertion::read(text) else {
        return Err(invalid(50_027, "JWT token is invalid or malformed."));
    };
    let now = shifted(world.now(), world.settings.token_offset);
    // What an app says of itself it signs with a certificate; what another issuer says is federation.
    let itself = |name: &str| assertion.claim(name).eq_ignore_ascii_case(&app.client_id);
    if !itself("iss") && !itself("sub") {
        return federated(app, &assertion, now);
    }
    by_certificate(app, &assertion, now)?;
    if !itself("iss") || !itself("sub") {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(invalid(700_021, text));
    }
    if !assertion.is_for(&format!("{}/{tenant}/oauth2/v2.0/token", world.settings.authority_origin)) {
        return Err(invalid(700_023, "Client assertion audience claim does not match Realm issuer."));
    }
    assertion.check_time(now)?;
    // What Entra does with a jti that is missing or was seen before is not documented; no client of ours is to find out.
    let id = assertion.claim("jti");
    if id.is_empty() || !world.tokens.first_use(id) {
        return Err(Refused::undocumented(
            "invalid_client",
            50_027,
            "The assertion's jti is missing or was used before.",
        ));
    }
    Ok(())
}

/// AADSTS700027, with the reason in brackets.
fn by_certificate(app: &App, assertion: &Assertion<'_>, now: Timestamp) -> Result<(), Refused> {
    let thumbprint = assertion.header["x5t#S256"].as_str().unwrap_or_default();
    if assertion.header["alg"] != "PS256" || assertion.header["typ"] != "JWT" || thumbprint.is_empty() {
        let text = "The header of the assertion is not the documented one: alg PS256, typ JWT, x5t#S256.";
        return Err(Refused::undocumented("invalid_client", 700_027, text));
    }
    let refused = |what: &str, reason: &str| {
        invalid(700_027, format!("{what} [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']"))
    };
    let not_registered = || {
        refused(
            "The certificate with identifier used to sign the client assertion is not registered on application.",
            "The key was not found.",
        )
    };
    let registered = app.certificates.iter().find_map(|pem| {
        let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
        let found = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &pem.contents)) == thumbprint;
        found.then_some(pem.contents)
    });
    let der = registered.ok_or_else(not_registered)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| not_registered())?;
    if certificate.validity().not_after.timestamp() < now.as_second() {
        return Err(refused("Client assertion contains an invalid signature.", "The key used is expired."));
    }
    let key = &certificate.public_key().subject_public_key.data;
    if !assertion.signed_with(key, &RSA_PSS_2048_8192_SHA256) {
        return Err(refused(
            "Client assertion failed signature validation.",
            "The provided signature value did not match the expected signature value.",
        ));
    }
    Ok(())
}

fn federated(app: &App, assertion: &Assertion<'_>, now: Timestamp) -> Result<(), Refused> {
    if app.federated.is_empty() {
        let text = format!("The client '{}' has no configured federated identity credentials.", app.client_id);
        return Err(invalid(70_025, text));
    }
    let (issuer, subject) = (assertion.claim("iss"), assertion.claim("sub"));
    let trusted = |wanted: &dyn Fn(&FederatedCredential) -> bool| app.federated.iter().any(wanted);
    let by_issuer = trusted(&|credential| credential.issuer == issuer);
    let by_subject = trusted(&|credential| credential.subject == subject);
    let no_match = |code, what: &str, value: &str| {
        invalid(
            code,
            format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            ),
        )
    };
    let matching =
        app.federated.iter().filter(|credential| credential.issuer == issuer && credential.subject == subject);
    let Some(credential) = matching.clone().find(|credential| assertion.is_for(&credential.audience)) else {
        return Err(match (by_issuer, by_subject) {
            // The general code, from before there was one for each of the three.
            (false, false) => Refused::because(
                400,
                "invalid_request",
                70_021,
                format!(
                    "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{}'.",
                    assertion.claims["aud"]
                ),
            ),
            (false, true) => no_match(700_211, "issuer", issuer),
            _ if matching.count() == 0 => no_match(700_213, "subject", subject),
            _ => no_match(700_212, "audience", &assertion.claims["aud"].to_string()),
        });
    };
    if !assertion.signed_with(&credential.key, &RSA_PKCS1_2048_8192_SHA256) {
        return Err(invalid(50_013, "Assertion failed signature validation."));
    }
    assertion.check_time(now)
}
