//! `POST …/{id}/resetPasscode` and `…/recoverPasscode`: no body, 204, no operation id.

use super::call::{Answer, Body, Call};
use super::{Outcome, authorize, errors, query, refused};
use crate::devices::Device;
use crate::tenants::{RESET_PERMISSION, Token};
use crate::world::{Effect, World};
use serde_json::Value;

pub(crate) fn act(world: &mut World, call: &Call<'_>, app: &Token, id: &str, action: &'static str) -> Outcome {
    if let Err(answer) = query::options(world, call, super::call::Version::V1, &[]) {
        return answer.into();
    }
    if let Err(answer) = body(world, call) {
        return answer.into();
    }
    if let Err(answer) = authorize::allowed(app, &[RESET_PERMISSION], id, Some(action), call) {
        return answer.into();
    }
    let Some(device) = world.devices.get(id).filter(|device| device.tenant == app.tenant) else {
        return errors::not_found(id, Some(action), call.ids).into();
    };
    if action != offered(device) {
        return errors::refused_by_intune(id, Some(action), call.ids).into();
    }
    let effect = Effect {
        device: device.id.clone(),
        action,
        client_request_id: call.ids.client_request_id.clone(),
        app: Some(app.client_id.clone()),
    };
    Outcome { answer: Answer::no_content(), effect: Some(effect) }
}

/// `recoverPasscode` is the PIN reset of Windows phones, `resetPasscode` belongs to all others.
pub(crate) fn offered(device: &Device) -> &'static str {
    let os = device.text("operatingSystem").to_ascii_lowercase();
    let windows_phone = matches!(device.text("deviceType"), "windowsPhone" | "winMO6" | "nokia")
        || matches!(os.as_str(), "windows phone" | "windows 10 mobile" | "windows mobile");
    if windows_phone { "recoverPasscode" } else { "resetPasscode" }
}

/// "Do not supply a request body"; as an item of a batch the action needs `headers` and `body: {}`.
fn body(world: &mut World, call: &Call<'_>) -> Result<(), Answer> {
    match &call.body {
        Body::Bytes([]) => Ok(()),
        Body::Bytes(_) => Err(refused(world, call, "the action has no body", |ids| {
            errors::bad_request("Write requests to this action must not contain a body.", ids)
        })),
        Body::Item(Some(Value::Object(body))) if body.is_empty() && call.headers.contains_key("content-type") => Ok(()),
        Body::Item(_) => Err(refused(world, call, "the item needs headers and an empty body", |ids| {
            errors::bad_request("Write request id does not contain Content-Type header or body is not valid.", ids)
        })),
    }
}
