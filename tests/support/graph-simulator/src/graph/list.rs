//! The list of devices, page by page: `GET /deviceManagement/managedDevices`.

use super::call::{Answer, Call, Route, Version};
use super::filter::{Filter, Matcher};
use super::query::Options;
use super::read::{context, with_preference};
use super::schema::{ReadKind, View};
use super::{authorize, errors, query, refused};
use crate::devices::Device;
use crate::store::DeviceStore;
use crate::tenants::{READ_PERMISSION, READ_WRITE_PERMISSION, Token};
use crate::world::World;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

/// The query options that are documented for a list.
const OPTIONS: [&str; 4] = ["$filter", "$select", "$top", "$skiptoken"];

pub(crate) fn list(world: &mut World, call: &Call<'_>, app: &Token, version: Version) -> Answer {
    let options = match query::options(world, call, version, &OPTIONS) {
        Ok(options) => options,
        Err(answer) => return answer,
    };
    if let Err(answer) = authorize::allowed(app, &[READ_PERMISSION, READ_WRITE_PERMISSION], "", None, call) {
        return answer;
    }
    let filter = match matcher(world, call, &options, version) {
        Ok(filter) => filter,
        Err(answer) => return answer,
    };
    let position = match start(&options) {
        Some(position) => position,
        None => {
            return refused(world, call, "a $skiptoken that was not given out", |ids| {
                errors::bad_request("Skip token is invalid.", ids)
            });
        }
    };
    let view = View {
        version,
        select: options.select.as_deref(),
        kind: ReadKind::List,
        all_members: call.takes_unknown_members(),
    };
    let (rows, next) = page(world, app, &filter, &view, position, options.top.unwrap_or(world.settings.page_size));
    let origin = &world.settings.graph_origin;
    let mut body = json!({"@odata.context": context(origin, version, options.select.as_deref()), "value": rows});
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(format!("{origin}{}?{}", call.path, next_query(&options, next)));
    }
    with_preference(Answer::json(StatusCode::OK, body), call)
}

/// The filter to apply. An unsupported one is not refused: it is ignored and all devices come back.
fn matcher(world: &mut World, call: &Call<'_>, options: &Options, version: Version) -> Result<Matcher, Answer> {
    let Some(text) = &options.filter else {
        return Ok(Matcher::All);
    };
    match Filter::parse(text, version) {
        Filter::Invalid(message) => {
            Err(refused(world, call, "$filter cannot be read", |ids| errors::bad_request(&message, ids)))
        }
        Filter::Unsupported => {
            world.records.ignored_filters.push(text.clone());
            Ok(Matcher::All)
        }
        Filter::Supported(_) if world.settings.ignore_every_filter => Ok(Matcher::All),
        Filter::Supported(conditions) => Ok(Matcher::And(conditions)),
    }
}

/// One page, and the position of the next one.
fn page(
    world: &World,
    app: &Token,
    filter: &Matcher,
    view: &View<'_>,
    position: u64,
    size: usize,
) -> (Vec<Value>, Option<u64>) {
    let (now, intune_offset) = (world.now(), world.settings.intune_offset);
    let mut rows = Vec::new();
    for (position, device) in candidates(&world.devices, filter, position) {
        if device.tenant != app.tenant {
            continue;
        }
        if !filter.matches(device, || device.last_sync(now, intune_offset), world.settings.serial_case_sensitive) {
            continue;
        }
        if rows.len() == size {
            return (rows, Some(position));
        }
        // A list shows no results even when they are selected.
        rows.push(Value::Object(view.write(device, device.last_sync(now, intune_offset), Some(json!([])))));
    }
    (rows, None)
}

/// The devices among which the filter selects: few, if it names an indexed property.
fn candidates<'a>(
    devices: &'a DeviceStore,
    filter: &'a Matcher,
    position: u64,
) -> Box<dyn Iterator<Item = (u64, &'a Device)> + 'a> {
    let mut few = filter.equalities().filter_map(|(property, value)| devices.with(property, value, position));
    match few.next() {
        Some(few) => Box::new(few),
        None => Box::new(devices.from(position)),
    }
}

/// The next page's query: the options as they were, and a token that is good for them only.
fn next_query(options: &Options, position: u64) -> String {
    let token = BASE64_URL_SAFE_NO_PAD.encode(format!("LastPosition={position};{:x}", fingerprint(options)));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(filter) = &options.filter {
        query.append_pair("$filter", filter);
    }
    if let Some(select) = &options.select {
        query.append_pair("$select", &select.join(","));
    }
    if let Some(top) = options.top {
        query.append_pair("$top", &top.to_string());
    }
    query.append_pair("$skiptoken", &token).finish()
}

/// The link to a page behind the last one, which is empty.
pub(crate) fn link_behind_the_end(world: &mut World, call: &Call<'_>) -> Option<String> {
    let Route::List(version) = Route::of(call.path) else { return None };
    let options = query::options(world, call, version, &OPTIONS).ok()?;
    let query = next_query(&options, u64::MAX);
    Some(format!("{}{}?{query}", world.settings.graph_origin, call.path))
}

/// Where the page begins; `None` if the token was made up, or belongs to other options.
fn start(options: &Options) -> Option<u64> {
    let Some(token) = &options.skip_token else {
        return Some(0);
    };
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (position, check) = text.strip_prefix("LastPosition=")?.split_once(';')?;
    (check == format!("{:x}", fingerprint(options))).then(|| position.parse().ok())?
}

fn fingerprint(options: &Options) -> u64 {
    let text = format!("{:?}{:?}{:?}", options.filter, options.select, options.top);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
