//! Microsoft Graph: the part of v1.0 and beta that finds devices and resets their passcodes.
//!
//! What is not documented in the reference is refused and recorded, so that no client can lean on kindness.

pub(crate) mod action;
mod authorize;
pub(crate) mod batch;
pub(crate) mod call;
pub(crate) mod errors;
mod filter;
mod list;
mod query;
mod read;
mod schema;

pub(crate) use authorize::retry_after;
pub(crate) use list::link_behind_the_end;

use crate::world::{Effect, World};
use call::{Answer, Body, Call, Ids, Route};
use http::{Method, StatusCode};

/// What is answered, and the action that was asked for, if the request was in order.
pub(crate) struct Outcome {
    pub answer: Answer,
    pub effect: Option<Effect>,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, effect: None }
    }
}

/// Answers one request that is not a batch envelope.
pub(crate) fn evaluate(world: &mut World, call: &Call<'_>) -> Outcome {
    let app = match authorize::caller(world, call) {
        Ok(app) => app,
        Err(answer) => return answer.into(),
    };
    if let Some(answer) = authorize::throttled(world, call, &app) {
        return answer.into();
    }
    let (get, post) = (Method::GET, Method::POST);
    let outcome = match Route::of(call.path) {
        Route::List(version) => well_formed(world, call, &get).map(|()| list::list(world, call, &app, version).into()),
        Route::Read(version, id) => {
            well_formed(world, call, &get).map(|()| read::read(world, call, &app, version, id).into())
        }
        Route::Action(_, id, action) => {
            well_formed(world, call, &post).map(|()| action::act(world, call, &app, id, action))
        }
        Route::Batch(_) => Err(refused(world, call, "a batch in a batch", |ids| {
            errors::bad_request("Batch requests cannot be nested.", ids)
        })),
        Route::UnknownVersion(version) => {
            let message = format!("Invalid version: {version}");
            Err(refused(world, call, "unknown API version", |ids| errors::bad_request(&message, ids)))
        }
        Route::UnknownSegment(segment) => {
            Err(refused(world, call, "unknown path", |ids| errors::unknown_segment(segment, ids)))
        }
    };
    outcome.unwrap_or_else(Outcome::from)
}

/// Method, headers and body, as far as they are the same for all.
pub(crate) fn well_formed(world: &mut World, call: &Call<'_>, wanted: &Method) -> Result<(), Answer> {
    if call.method != wanted {
        let message = "Specified HTTP method is not allowed for the request target.";
        return Err(refused(world, call, "method not documented for this path", |ids| {
            errors::of_status(StatusCode::METHOD_NOT_ALLOWED, message, ids)
        }));
    }
    if !accepts_json(call) {
        return Err(refused(world, call, "does not accept JSON", |ids| {
            errors::of_status(StatusCode::NOT_ACCEPTABLE, "Not acceptable.", ids)
        }));
    }
    if *wanted == Method::GET && !matches!(call.body, Body::Bytes([]) | Body::Item(None)) {
        return Err(refused(world, call, "GET with a body", |ids| {
            errors::bad_request("The request must not contain a body.", ids)
        }));
    }
    Ok(())
}

fn accepts_json(call: &Call<'_>) -> bool {
    let accepts = call.headers.get_all("accept");
    let mut kinds = accepts.iter().filter_map(|value| value.to_str().ok());
    let json = ["json", "*/*", "application/*"];
    !call.headers.contains_key("accept") || kinds.any(|value| json.iter().any(|kind| value.contains(kind)))
}

/// Records that nothing documents this request, and makes the answer.
pub(crate) fn refused(world: &mut World, call: &Call<'_>, reason: &str, answer: impl FnOnce(&Ids) -> Answer) -> Answer {
    world.refuse(call.method.as_str(), &call.target(), reason);
    answer(call.ids)
}
