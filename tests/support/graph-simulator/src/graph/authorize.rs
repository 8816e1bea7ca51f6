//! Who calls, with which permissions, and how much is left of the limits.

use super::call::{Answer, Call};
use super::{errors, refused};
use crate::clock::{http_date, later, shifted};
use crate::settings::RetryAfter;
use crate::tenants::{Token, TokenTrouble};
use crate::world::World;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use std::time::Duration;

/// The app behind the request.
pub(crate) fn caller(world: &mut World, call: &Call<'_>) -> Result<Token, Answer> {
    let Some(header) = call.headers.get("authorization") else {
        return Err(refused(world, call, "no Authorization header", |ids| {
            errors::unauthorized("Access token is empty.", ids)
        }));
    };
    let Some(text) = header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")) else {
        return Err(refused(world, call, "Authorization is not Bearer", |ids| {
            errors::unauthorized("Access token is empty.", ids)
        }));
    };
    match world.tokens.check(text, world.now()) {
        Ok(token) => Ok(token),
        Err(TokenTrouble::Unknown) => Err(refused(world, call, "a token that was never issued", |ids| {
            errors::unauthorized("CompactToken parsing failed with error code: 80049217", ids)
        })),
        Err(TokenTrouble::Expired) => {
            Err(errors::unauthorized("Lifetime validation failed, the token is expired.", call.ids))
        }
        Err(TokenTrouble::Revoked) => Err(errors::unauthorized("Access token validation failure.", call.ids)),
        Err(TokenTrouble::Challenged(claims)) => {
            // samples/claims-challenge-header
            let header = format!(
                "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"{}\"",
                world.settings.authority_origin,
                BASE64_STANDARD.encode(claims)
            );
            Err(errors::unauthorized("Continuous access evaluation resulted in challenge.", call.ids)
                .with_header("www-authenticate", header))
        }
    }
}

/// Counts the request against the limits.
pub(crate) fn throttled(world: &mut World, call: &Call<'_>, app: &Token) -> Option<Answer> {
    let write = *call.method != Method::GET;
    let (limits, now) = (world.settings.limits, world.now());
    let wait = world.throttle.count(&limits, &app.tenant, &app.client_id, write, now)?;
    let answer = errors::throttled(call.ids);
    Some(match retry_after(world, wait, limits.retry_after) {
        Some(value) => answer.with_header("retry-after", value),
        None => answer,
    })
}

/// `Retry-After` in one of its forms.
pub(crate) fn retry_after(world: &World, wait: Duration, form: RetryAfter) -> Option<String> {
    let whole = if wait.subsec_nanos() > 0 { wait.as_secs() + 1 } else { wait.as_secs() };
    match form {
        RetryAfter::Seconds => Some(whole.to_string()),
        RetryAfter::Fractional => Some(format!("{:.3}", wait.as_secs_f64())),
        RetryAfter::HttpDate => {
            Some(http_date(later(shifted(world.now(), world.settings.front_end_offset), Duration::from_secs(whole))))
        }
        RetryAfter::Missing => None,
    }
}

/// Whether the token carries one of these permissions; else the 403 that names the least of them.
pub(crate) fn allowed(
    app: &Token,
    permissions: &[&str],
    device: &str,
    action: Option<&str>,
    call: &Call<'_>,
) -> Result<(), Answer> {
    if permissions.iter().any(|&permission| app.permissions.contains(permission)) {
        return Ok(());
    }
    Err(errors::missing_scope(&permissions.join(", "), device, action, call.ids))
}
