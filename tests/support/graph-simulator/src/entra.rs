//! Microsoft Entra: `POST /{tenant}/oauth2/v2.0/token` with client credentials.

use crate::assertions;
use crate::clock::{entra_time, shifted};
use crate::graph::call::{Answer, Body, Call};
use crate::records::TokenRequest;
use crate::settings::TokenFormat;
use crate::tenants::{App, AppState, Token, expiry};
use crate::world::World;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FIELDS: &[&str] =
    &["client_id", "scope", "grant_type", "client_secret", "client_assertion", "client_assertion_type", "claims"];

/// An error of the token endpoint.
pub(crate) struct Refused {
    status: StatusCode,
    error: &'static str,
    code: u32,
    text: String,
    /// No documentation covers the request: to be recorded.
    undocumented: bool,
}

impl Refused {
    /// Something that happens to well-behaved clients too.
    pub(crate) fn because(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, error, code, text: text.into(), undocumented: false }
    }

    /// A mistake of the client.
    pub(crate) fn undocumented(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { undocumented: true, ..Self::because(400, error, code, text) }
    }
}

/// A token that may be issued.
pub(crate) struct Grant {
    pub token: Token,
    claims: Option<Value>,
}

/// Answers a request to the authority.
pub(crate) fn token(world: &mut World, call: &Call<'_>) -> Answer {
    let tenant = tenant(call.path);
    let form = match form(call) {
        Ok(form) if tenant.is_some() && call.query.is_none() => form,
        Ok(_) => {
            let refused = Refused::undocumented("invalid_request", 900_144, "The endpoint does not exist.");
            return error(world, call, &Refused { status: StatusCode::NOT_FOUND, ..refused });
        }
        Err(refused) => return error(world, call, &refused),
    };
    let tenant = tenant.unwrap_or_default();
    let granted = grant(world, tenant, &form);
    world.records.token_requests.push(TokenRequest {
        at: world.now(),
        tenant: tenant.to_owned(),
        client_id: form.get("client_id").cloned().unwrap_or_default(),
        scope: form.get("scope").cloned().unwrap_or_default(),
        claims: form.get("claims").cloned(),
        assertion: form.get("client_assertion").cloned(),
        error: granted.as_ref().err().map(|refused| refused.code),
    });
    match granted {
        Ok(grant) => issue(world, grant),
        Err(refused) => error(world, call, &refused),
    }
}

/// `/{tenant}/oauth2/v2.0/token`
fn tenant(path: &str) -> Option<&str> {
    path.strip_prefix('/')?
        .strip_suffix("/oauth2/v2.0/token")
        .filter(|tenant| !tenant.is_empty() && !tenant.contains('/'))
}

/// The form's fields, none twice, none unknown.
fn form(call: &Call<'_>) -> Result<BTreeMap<String, String>, Refused> {
    let kind = call.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if *call.method != Method::POST || !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refused::undocumented(
            "invalid_request",
            900_561,
            "The endpoint only accepts POST requests with a form.",
        ));
    }
    let Body::Bytes(bytes) = call.body else {
        return Err(Refused::undocumented(
            "invalid_request",
            900_561,
            "The endpoint only accepts POST requests with a form.",
        ));
    };
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        if !FIELDS.contains(&name.as_ref()) || form.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(Refused::undocumented(
                "invalid_request",
                900_144,
                format!("The parameter '{name}' is unknown or there twice."),
            ));
        }
    }
    Ok(form)
}

fn grant(world: &mut World, tenant: &str, form: &BTreeMap<String, String>) -> Result<Grant, Refused> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        let text = format!("The app requested an unsupported grant type '{}'.", field("grant_type"));
        return Err(Refused::undocumented("unsupported_grant_type", 70_003, text));
    }
    if !world.tenants.known(tenant) {
        return Err(Refused::because(
            400,
            "invalid_tenant",
            90_002,
            format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
        ));
    }
    let client_id = field("client_id");
    let Some(app) = world.tenants.app(tenant, client_id).cloned() else {
        let text = format!("Application with identifier '{client_id}' was not found in the directory '{tenant}'.");
        return Err(Refused::because(400, "unauthorized_client", 700_016, text));
    };
    let scope = field("scope");
    if scope != format!("{}/.default", world.settings.graph_origin) {
        let text =
            format!("The provided value for the input parameter 'scope' isn't valid. The scope {scope} isn't valid.");
        return Err(Refused::undocumented("invalid_scope", 70_011, text));
    }
    admit(tenant, &app)?;
    credential(world, tenant, &app, form)?;
    if app.state == AppState::BlockedByConditionalAccess {
        // Policies are asked about who has proved who it is. The `error` of this flow is not documented.
        let text =
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        return Err(Refused::because(400, "access_denied", 53_003, text));
    }
    let claims = match form.get("claims").map(|claims| serde_json::from_str(claims)) {
        None => None,
        Some(Ok(claims)) => Some(claims),
        Some(Err(_)) => {
            return Err(Refused::undocumented("invalid_request", 900_144, "The claims parameter is not JSON."));
        }
    };
    Ok(granted(world, tenant, &app, claims))
}

/// A token for this app, issued now.
pub(crate) fn granted(world: &World, tenant: &str, app: &App, claims: Option<Value>) -> Grant {
    let now = world.now();
    let token = Token {
        tenant: tenant.to_ascii_lowercase(),
        client_id: app.client_id.clone(),
        permissions: app.permissions.clone(),
        issued: now,
        expires: expiry(now, world.settings.token_lifetime),
        claims: claims.clone(),
    };
    Grant { token, claims }
}

/// Whether the tenant lets the app in at all.
fn admit(tenant: &str, app: &App) -> Result<(), Refused> {
    let id = &app.client_id;
    match app.state {
        AppState::Disabled => {
            let text = format!("Application '{id}'(passcode-operator) is disabled.");
            Err(Refused::because(400, "unauthorized_client", 7_000_112, text))
        }
        AppState::WithoutServicePrincipal => {
            let text = format!(
                "The client application {id} is missing service principal in the tenant {tenant}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"
            );
            Err(Refused::because(401, "invalid_client", 7_000_229, text))
        }
        AppState::Enabled | AppState::BlockedByConditionalAccess => Ok(()),
    }
}

/// Exactly one of a secret and an assertion.
fn credential(world: &mut World, tenant: &str, app: &App, form: &BTreeMap<String, String>) -> Result<(), Refused> {
    let assertion = form
        .get("client_assertion")
        .filter(|_| form.get("client_assertion_type").is_some_and(|kind| kind == ASSERTION_TYPE));
    match (form.get("client_secret"), assertion) {
        (Some(secret), None) if !form.contains_key("client_assertion") => {
            if app.secret.as_ref() != Some(secret) {
                let text = format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
                    app.client_id
                );
                return Err(Refused::because(401, "invalid_client", 7_000_215, text));
            }
            if app.secret_expired {
                let text = format!("The provided client secret keys for app '{}' are expired.", app.client_id);
                return Err(Refused::because(401, "invalid_client", 7_000_222, text));
            }
            Ok(())
        }
        (None, Some(assertion)) => assertions::check(world, tenant, app, assertion),
        _ => {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            Err(Refused {
                status: StatusCode::UNAUTHORIZED,
                ..Refused::undocumented("invalid_client", 7_000_218, text)
            })
        }
    }
}

fn issue(world: &mut World, grant: Grant) -> Answer {
    let seconds = world.settings.token_lifetime.as_secs();
    let text = access_token(world, grant);
    let body = json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text});
    Answer::json(StatusCode::OK, body).with_header("cache-control", "no-store, no-cache")
}

/// The text of a token that Graph will know.
pub(crate) fn access_token(world: &mut World, grant: Grant) -> String {
    let text = match world.settings.token_format {
        TokenFormat::Opaque => format!("opaque.{}.{}", world.dice.guid(), world.dice.guid()),
        TokenFormat::Jwt => jwt(world, &grant),
    };
    world.tokens.add(text.clone(), grant.token);
    text
}

/// A token that can be read but proves nothing: its signature is noise.
fn jwt(world: &mut World, grant: &Grant) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let issued = shifted(grant.token.issued, world.settings.token_offset).as_second();
    let expires = shifted(grant.token.expires, world.settings.token_offset).as_second();
    let cp1 = grant.claims.as_ref().is_some_and(|claims| claims["access_token"]["xms_cc"]["values"][0] == "cp1");
    let claims = json!({
        "aud": world.settings.graph_origin,
        "iss": format!("https://sts.windows.net/{}/", grant.token.tenant),
        "iat": issued, "nbf": issued, "exp": expires,
        "appid": grant.token.client_id,
        "tid": grant.token.tenant,
        "roles": grant.token.permissions,
        "xms_cc": if cp1 { json!(["CP1"]) } else { json!([]) },
        "uti": world.dice.guid(),
    });
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "simulator"});
    format!("{}.{}.{}", part(header), part(claims), BASE64_URL_SAFE_NO_PAD.encode(world.dice.guid()))
}

/// samples/oauth-error
fn error(world: &mut World, call: &Call<'_>, refused: &Refused) -> Answer {
    if refused.undocumented {
        world.refuse(call.method.as_str(), call.path, format!("AADSTS{}: {}", refused.code, refused.text));
    }
    Answer::json(refused.status, error_body(world, refused.error, refused.code, &refused.text))
}

fn error_body(world: &mut World, error: &str, code: u32, text: &str) -> Value {
    let (trace, correlation) = (world.dice.guid(), world.dice.guid());
    let time = entra_time(shifted(world.now(), world.settings.token_offset));
    json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}"),
        "error_codes": [code],
        "timestamp": time,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("{}/error?code={code}", world.settings.authority_origin),
    })
}

/// The answer that a fault puts in place of the real one.
pub(crate) fn of_status(world: &mut World, status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body =
        error_body(world, "temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.");
    Answer::json(status, body)
}
