//! One device: `GET /deviceManagement/managedDevices/{id}`.

use super::call::{Answer, Call, Version};
use super::schema::{ReadKind, View};
use super::{authorize, errors, query};
use crate::tenants::{READ_PERMISSION, READ_WRITE_PERMISSION, Token};
use crate::world::World;
use http::StatusCode;
use serde_json::{Value, json};

pub(crate) fn read(world: &mut World, call: &Call<'_>, app: &Token, version: Version, id: &str) -> Answer {
    let options = match query::options(world, call, version, &["$select"]) {
        Ok(options) => options,
        Err(answer) => return answer,
    };
    if let Err(answer) = authorize::allowed(app, &[READ_PERMISSION, READ_WRITE_PERMISSION], id, None, call) {
        return answer;
    }
    let (now, history, intune_offset) = (world.now(), world.settings.history, world.settings.intune_offset);
    let Some(device) = world.devices.get_mut(id).filter(|device| device.tenant == app.tenant) else {
        return errors::not_found(id, None, call.ids);
    };
    let view = View {
        version,
        select: options.select.as_deref(),
        kind: ReadKind::Single,
        all_members: call.takes_unknown_members(),
    };
    let results = if view.shows("deviceActionResults") { device.ledger.shown(now, history) } else { Some(json!([])) };
    let mut body = view.write(device, device.last_sync(now, intune_offset), results);
    let context = context(&world.settings.graph_origin, version, options.select.as_deref());
    body.insert("@odata.context".into(), json!(format!("{context}/$entity")));
    with_preference(Answer::json(StatusCode::OK, Value::Object(body)), call)
}

/// `@odata.context`
pub(crate) fn context(origin: &str, version: Version, select: Option<&[String]>) -> String {
    let selected = select.map(|names| format!("({})", names.join(","))).unwrap_or_default();
    format!("{origin}/{}/$metadata#deviceManagement/managedDevices{selected}", version.as_str())
}

/// Says that `Prefer: include-unknown-enum-members` was honoured (RFC 7240).
pub(crate) fn with_preference(answer: Answer, call: &Call<'_>) -> Answer {
    if call.takes_unknown_members() {
        answer.with_header("preference-applied", "include-unknown-enum-members")
    } else {
        answer
    }
}
