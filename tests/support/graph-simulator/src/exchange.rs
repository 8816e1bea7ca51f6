//! One request and its answer: arrival, scripted fault, records, delay, headers.

use crate::clock::{http_date, inner_error_time, shifted};
use crate::entra;
use crate::faults::{Execution, Fault, FaultBody, PathClass, Reply};
use crate::graph::{self, Outcome, batch, call::*, errors};
use crate::metadata;
use crate::records::RequestRecord;
use crate::world::{Effect, World};
use crate::{ConnectionLost, Simulator};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use std::time::Duration;

/// Which of the two services is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Graph,
    Entra,
    /// The metadata service of the node that the client runs on.
    Node,
}

/// A request that was answered in the world; the answer is still to be delivered.
pub(crate) struct Heard {
    pub answer: Answer,
    pub reply: Reply,
    delay: Duration,
    without_date: bool,
    without_request_id: bool,
}

/// The whole exchange. Everything in the world happens at one instant, when the request arrives: a client that gives up afterwards
/// changes nothing.
pub(crate) async fn exchange(
    simulator: &Simulator,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, ConnectionLost> {
    let latency = simulator.world().settings.latency;
    pause(latency / 2).await;
    let (heard, ids, service) = {
        let mut world = simulator.world();
        arrive(&mut world, &request)?
    };
    pause(latency / 2 + heard.delay).await;
    let date = {
        let world = simulator.world();
        let offset =
            if service == Service::Graph { world.settings.front_end_offset } else { world.settings.token_offset };
        http_date(shifted(world.now(), offset))
    };
    deliver(heard, &ids, service, &date)
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn arrive(world: &mut World, request: &Request<Bytes>) -> Result<(Heard, Ids, Service), ConnectionLost> {
    let service = service(world, request);
    let reachable = match service {
        Some(Service::Entra) => world.settings.authority_reachable,
        Some(Service::Node) => world.settings.node.is_some(),
        _ => world.settings.graph_reachable,
    };
    if !reachable {
        return Err(ConnectionLost::RefusedBeforeSending);
    }
    let client_request_id =
        request.headers().get("client-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let ids = Ids { request_id: world.dice.guid(), client_request_id, date: inner_error_time(world.front_end_now()) };
    let call = Call {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
        body: Body::Bytes(request.body()),
        ids: &ids,
    };
    let heard = match service {
        None => hear(world, &call, |world, call| {
            graph::refused(world, call, "wrong host", |ids| {
                errors::of_status(StatusCode::MISDIRECTED_REQUEST, "Wrong host.", ids)
            })
            .into()
        }),
        Some(Service::Entra) => {
            hear_as(world, &call, PathClass::Token, None, |world, call| entra::token(world, call).into())
        }
        Some(Service::Node) => {
            hear_as(world, &call, PathClass::Token, None, |world, call| metadata::token(world, call).into())
        }
        Some(Service::Graph) if matches!(Route::of(call.path), Route::Batch(_)) => {
            hear(world, &call, |world, call| batch::run(world, call).into())
        }
        Some(Service::Graph) => hear(world, &call, graph::evaluate),
    };
    if matches!(heard.reply, Reply::RefusedBeforeSending) {
        return Err(ConnectionLost::RefusedBeforeSending);
    }
    Ok((heard, ids, service.unwrap_or(Service::Graph)))
}

/// By the authority of the request's URI, or else its `Host` header. `None`: neither of the two.
fn service(world: &World, request: &Request<Bytes>) -> Option<Service> {
    let uri = request.uri();
    let node = uri.authority().is_some_and(|authority| authority.as_str() == metadata::AUTHORITY);
    if node && uri.scheme_str() == Some("http") {
        return Some(Service::Node);
    }
    if uri.scheme_str().is_some_and(|scheme| scheme != "https") {
        return None;
    }
    let host = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get("host")?.to_str().ok()?,
    };
    let is = |origin: &str| {
        origin
            .strip_prefix("https://")
            .is_some_and(|place| without_default_port(place).eq_ignore_ascii_case(without_default_port(host)))
    };
    if is(&world.settings.graph_origin) {
        Some(Service::Graph)
    } else {
        is(&world.settings.authority_origin).then_some(Service::Entra)
    }
}

fn without_default_port(place: &str) -> &str {
    place.strip_suffix(":443").unwrap_or(place)
}

/// Hears a request to Graph.
pub(crate) fn hear(
    world: &mut World,
    call: &Call<'_>,
    evaluate: impl FnOnce(&mut World, &Call<'_>) -> Outcome,
) -> Heard {
    let route = Route::of(call.path);
    hear_as(world, call, route.class(), route.device(), evaluate)
}

fn hear_as(
    world: &mut World,
    call: &Call<'_>,
    class: PathClass,
    device: Option<&str>,
    evaluate: impl FnOnce(&mut World, &Call<'_>) -> Outcome,
) -> Heard {
    let fault = world.faults.pick(call.method, class, device, call.query).unwrap_or_else(Fault::none);
    if matches!(fault.reply, Reply::RefusedBeforeSending) {
        return Heard::new(Answer::no_content(), fault);
    }
    let record = note(world, call, class);
    // An envelope that was not taken in carries none of its items out.
    let unopened = class == PathClass::Batch && fault.execution == Execution::No;
    let Outcome { answer, effect } = if unopened { Answer::no_content().into() } else { evaluate(world, call) };
    if let Some(effect) = effect {
        carry_out(world, fault.execution, effect);
    }
    let answer = match &fault.reply {
        Reply::Status(status) => replaced(world, call, class, status),
        Reply::WithNextLink => with_next_link(world, call, answer),
        Reply::EmptyLedger => empty_ledger(answer),
        _ => answer,
    };
    let lost = matches!(fault.reply, Reply::LostAfterSending | Reply::Reset);
    let status = (!lost).then_some(answer.status.as_u16());
    let retry_after = answer.headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, value)| value.clone());
    world.records.finish(record, status, retry_after);
    Heard::new(answer, fault)
}

/// Writes the request down; the answer's status follows later, after those of the batch's items.
fn note(world: &mut World, call: &Call<'_>, class: PathClass) -> Option<usize> {
    let record = RequestRecord {
        at: world.now(),
        method: call.method.to_string(),
        path: call.target(),
        class,
        client_request_id: call.ids.client_request_id.clone(),
        request_id: call.ids.request_id.clone(),
        authorized: call.headers.contains_key("authorization"),
        in_batch: call.in_batch(),
        status: None,
        retry_after: None,
    };
    world.records.begin(record, world.settings.keep_requests)
}

fn carry_out(world: &mut World, execution: Execution, effect: Effect) {
    let now = world.now();
    match execution {
        Execution::No => {}
        Execution::Once => world.execute(now, &effect),
        Execution::Twice => {
            world.execute(now, &effect);
            world.execute(now, &effect);
        }
        Execution::After(delay) => world.execute_later(delay, effect),
    }
}

fn empty_ledger(mut answer: Answer) -> Answer {
    if let Content::Json(value) = &mut answer.body
        && value.get("deviceActionResults").is_some()
    {
        value["deviceActionResults"] = serde_json::json!([]);
    }
    answer
}

fn with_next_link(world: &mut World, call: &Call<'_>, mut answer: Answer) -> Answer {
    if let Content::Json(value) = &mut answer.body
        && let Some(link) = graph::link_behind_the_end(world, call)
    {
        value["@odata.nextLink"] = link.into();
    }
    answer
}

fn replaced(world: &mut World, call: &Call<'_>, class: PathClass, status: &crate::faults::FaultStatus) -> Answer {
    let answer = if class == PathClass::Token && matches!(status.body, FaultBody::Html) {
        errors::html(StatusCode::from_u16(status.status).unwrap_or(StatusCode::BAD_GATEWAY))
    } else if metadata::is_path(call.path) {
        metadata::of_status(status.status)
    } else if class == PathClass::Token {
        entra::of_status(world, status.status)
    } else {
        let (device, action) = match Route::of(call.path) {
            Route::Read(_, id) => (id, None),
            Route::Action(_, id, action) => (id, Some(action)),
            _ => ("", None),
        };
        let approval = world.dice.guid();
        errors::of_fault(status, device, action, &approval, call.ids)
    };
    match status.retry_after.and_then(|(wait, form)| graph::retry_after(world, wait, form)) {
        Some(value) => answer.with_header("retry-after", value),
        None => answer,
    }
}

impl Heard {
    fn new(answer: Answer, fault: Fault) -> Self {
        let Fault { reply, delay, without_date, without_request_id, execution: _ } = fault;
        Self { answer, reply, delay, without_date, without_request_id }
    }
}

fn deliver(heard: Heard, ids: &Ids, service: Service, date: &str) -> Result<Response<Bytes>, ConnectionLost> {
    match heard.reply {
        Reply::LostAfterSending => return Err(ConnectionLost::LostAfterSending),
        Reply::Reset => return Err(ConnectionLost::Reset),
        _ => {}
    }
    let (kind, mut body) = match &heard.answer.body {
        Content::Empty => (None, Bytes::new()),
        Content::Html(page) => (Some("text/html"), Bytes::from_static(page.as_bytes())),
        Content::Json(value) => (Some(json_kind(service)), Bytes::from(value.to_string())),
    };
    let whole = body.len();
    let cut = match &heard.reply {
        Reply::CutBody => true,
        Reply::Status(status) => status.cut,
        _ => false,
    };
    if cut || matches!(heard.reply, Reply::MalformedJson) {
        body.truncate(whole / 2);
    }
    let mut response = Response::new(body);
    *response.status_mut() = heard.answer.status;
    let headers = response.headers_mut();
    for (name, value) in &heard.answer.headers {
        put(headers, name, value);
    }
    if let Some(kind) = kind {
        put(headers, "content-type", kind);
    }
    if !heard.without_date {
        put(headers, "date", date);
    }
    if !heard.without_request_id {
        put_ids(headers, ids, service);
    }
    match cut {
        true if whole == 0 => Err(ConnectionLost::LostAfterSending),
        true => {
            put(response.headers_mut(), "content-length", &whole.to_string());
            Err(ConnectionLost::CutBody(Box::new(response)))
        }
        false => Ok(response),
    }
}

fn json_kind(service: Service) -> &'static str {
    match service {
        Service::Graph => {
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
        }
        Service::Entra | Service::Node => "application/json; charset=utf-8",
    }
}

/// The identifiers that best practice asks clients to log.
fn put_ids(headers: &mut HeaderMap, ids: &Ids, service: Service) {
    if service == Service::Entra {
        put(headers, "x-ms-request-id", &ids.request_id);
        return;
    }
    put(headers, "request-id", &ids.request_id);
    put(headers, "client-request-id", ids.client_request_id.as_ref().unwrap_or(&ids.request_id));
    let diagnostic = r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"003","RoleInstance":"AM4PEPF0001"}}"#;
    put(headers, "x-ms-ags-diagnostic", diagnostic);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
