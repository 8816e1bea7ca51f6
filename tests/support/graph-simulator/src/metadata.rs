//! The metadata service of an Azure node (IMDS): tokens of the managed identities that are assigned to it.
//!
//! Source: entra-docs `how-to-use-vm-token.md`; the texts of an identity that is not there as users report them (aad-pod-identity
//! issues 778 and 880).

use crate::clock::shifted;
use crate::entra::{self, Grant};
use crate::graph::call::{Answer, Call};
use crate::records::TokenRequest;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;

/// Where it is.
pub(crate) const AUTHORITY: &str = "169.254.169.254";
const PATH: &str = "/metadata/identity/oauth2/token";

/// Whether a path is one of this service's.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/metadata/")
}

/// Answers a request to the node.
pub(crate) fn token(world: &mut World, call: &Call<'_>) -> Answer {
    if *call.method != Method::GET || call.path != PATH {
        world.refuse(call.method.as_str(), call.path, "the metadata service has no such address");
        return error(StatusCode::NOT_FOUND, "not_found", "Not found");
    }
    if call.headers.get("metadata").is_none_or(|value| value != "true") {
        return error(StatusCode::BAD_REQUEST, "bad_request_102", "Required metadata header not specified");
    }
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(call.query.unwrap_or_default().as_bytes()).into_owned().collect();
    let client_id = query.get("client_id").cloned().unwrap_or_default();
    let granted = grant(world, &query, &client_id);
    world.records.token_requests.push(TokenRequest {
        at: world.now(),
        tenant: String::new(),
        client_id,
        scope: query.get("resource").cloned().unwrap_or_default(),
        claims: None,
        assertion: None,
        error: granted.is_err().then_some(0),
    });
    match granted {
        Err(answer) => answer,
        Ok(grant) => {
            let lifetime = world.settings.token_lifetime.as_secs();
            let ends = shifted(grant.token.expires, world.settings.token_offset).as_second();
            let body = json!({
                "access_token": entra::access_token(world, grant), "refresh_token": "", "token_type": "Bearer",
                "expires_in": lifetime.to_string(), "expires_on": ends.to_string(),
                "not_before": (ends - i64::try_from(lifetime).unwrap_or_default()).to_string(),
                "resource": query.get("resource"),
            });
            Answer::json(StatusCode::OK, body)
        }
    }
}

fn grant(world: &World, query: &BTreeMap<String, String>, client_id: &str) -> Result<Grant, Answer> {
    // A later api-version is one of a later date.
    if query.get("api-version").is_none_or(|version| version.as_str() < "2018-02-01") {
        return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "The api-version is missing or too old"));
    }
    let graph = world.settings.graph_origin.as_str();
    if query.get("resource").is_none_or(|resource| resource.trim_end_matches('/') != graph) {
        let text = "AADSTS50001: The application named was not found in the tenant.";
        return Err(error(StatusCode::BAD_REQUEST, "invalid_resource", text));
    }
    let assigned = world.settings.node.iter().flatten().any(|id| id.eq_ignore_ascii_case(client_id));
    let app = assigned.then(|| world.tenants.find(client_id)).flatten();
    let Some((tenant, app)) = app else {
        return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "Identity not found"));
    };
    Ok(entra::granted(world, tenant, app, None))
}

fn error(status: StatusCode, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({"error": error, "error_description": description}))
}

/// The answer that a fault puts in place of the real one.
pub(crate) fn of_status(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    error(status, "unknown", "Failed to retrieve token from the Active directory")
}
