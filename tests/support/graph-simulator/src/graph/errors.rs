//! Error bodies, word for word as they were published or reported.

use super::call::{Answer, Content, Ids};
use crate::faults::{FaultBody, FaultStatus};
use http::StatusCode;
use serde_json::{Value, json};

/// `{"error": {code, message, innerError}}`.
fn body(code: &str, message: &str, ids: &Ids) -> Value {
    json!({"error": {"code": code, "message": message, "innerError": {
        "date": ids.date,
        "request-id": ids.request_id,
        "client-request-id": ids.client_request_id.as_ref().unwrap_or(&ids.request_id),
    }}})
}

/// A message of Intune: a JSON document in a string, with an internal URL.
fn nested(sentence: &str, internal_path: &str, ids: &Ids) -> String {
    let message = format!(
        "{sentence} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: {} - Url: \
         https://fef.amsua0502.manage.microsoft.com/DeviceFE/StatelessDeviceFEService/deviceManagement/{internal_path}?api-version=5023-05-01",
        ids.client_request_id.as_ref().unwrap_or(&ids.request_id),
    );
    let lines = [
        format!("  \"_version\": 3,\r\n  \"Message\": {}", Value::from(message)),
        "  \"CustomApiErrorPhrase\": \"\"".to_owned(),
        "  \"RetryAfter\": null".to_owned(),
        "  \"ErrorSourceService\": \"\"".to_owned(),
        "  \"HttpHeaders\": \"{}\"".to_owned(),
    ];
    format!("{{\r\n{}\r\n}}", lines.join(",\r\n"))
}

fn internal_path(device: &str, action: Option<&str>) -> String {
    let action = action.map(|action| format!("/microsoft.management.services.api.{action}")).unwrap_or_default();
    format!("managedDevices%28%27{device}%27%29{action}")
}

/// 400 for a wrong request: message as OData writes it.
pub(crate) fn bad_request(message: &str, ids: &Ids) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, body("BadRequest", message, ids))
}

/// 400 for an address that this Graph does not have.
pub(crate) fn unknown_segment(segment: &str, ids: &Ids) -> Answer {
    bad_request(&format!("Resource not found for the segment '{segment}'."), ids)
}

/// 400 as Intune refuses an action: no reason, its own JSON in the message.
pub(crate) fn refused_by_intune(device: &str, action: Option<&str>, ids: &Ids) -> Answer {
    bad_request(&nested("An error has occurred", &internal_path(device, action), ids), ids)
}

/// 403 where the app lacks a permission.
pub(crate) fn missing_scope(scopes: &str, device: &str, action: Option<&str>, ids: &Ids) -> Answer {
    let sentence = format!(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {scopes}"
    );
    let message = nested(&sentence, &internal_path(device, action), ids);
    Answer::json(StatusCode::FORBIDDEN, body("Forbidden", &message, ids))
}

/// 404 for a device that is not there.
pub(crate) fn not_found(device: &str, action: Option<&str>, ids: &Ids) -> Answer {
    let message = nested("An error has occurred", &internal_path(device, action), ids);
    Answer::json(StatusCode::NOT_FOUND, body("ResourceNotFound", &message, ids))
}

/// 401 of the front end.
pub(crate) fn unauthorized(message: &str, ids: &Ids) -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, body("InvalidAuthenticationToken", message, ids))
}

/// 403 of Multi Admin Approval.
pub(crate) fn approval_required(code: &str) -> Answer {
    let message = format!(
        "Approval Required. Request Approval using the request ID returned as part of the x-msft-approval-code response header. \
         x-msft-approval-code: {code}"
    );
    let body = json!({"error": {"code": "ApprovalRequired", "message": message}});
    Answer::json(StatusCode::FORBIDDEN, body).with_header("x-msft-approval-code", code)
}

/// Multi Admin Approval as it was reported (Microsoft365DSC issue 7236, CIPP PR 206): the code comes with 412 only.
fn approval(status: StatusCode, sentence: &str, code: &str, device: &str, action: Option<&str>, ids: &Ids) -> Answer {
    let message = nested(sentence, &internal_path(device, action), ids);
    let word = if status == StatusCode::CONFLICT { "Conflict" } else { "BadRequest" };
    let answer = Answer::json(status, body(word, &message, ids));
    if status == StatusCode::PRECONDITION_FAILED { answer.with_header("x-msft-approval-code", code) } else { answer }
}

/// 429 of Intune.
pub(crate) fn throttled(ids: &Ids) -> Answer {
    let inner = json!({"code": "429", "date": ids.date, "message": "Please retry after", "request-id": ids.request_id, "status": "429"});
    let error =
        json!({"error": {"code": "TooManyRequests", "innerError": inner, "message": "Please retry again later."}});
    Answer::json(StatusCode::TOO_MANY_REQUESTS, error)
}

/// Any other status, with the code that Graph's errors article names for it.
pub(crate) fn of_status(status: StatusCode, message: &str, ids: &Ids) -> Answer {
    let code = match status.as_u16() {
        400 => "BadRequest",
        401 => "InvalidAuthenticationToken",
        403 => "Forbidden",
        404 => "ResourceNotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        408 => "RequestTimeout",
        409 => "Conflict",
        415 => "UnsupportedMediaType",
        422 => "UnprocessableEntity",
        423 => "Locked",
        424 => "FailedDependency",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "UnknownError",
    };
    Answer::json(status, body(code, message, ids))
}

/// What a proxy on the way says in place of the service.
pub(crate) fn html(status: StatusCode) -> Answer {
    Answer { status, headers: Vec::new(), body: Content::Html("<html><body><h1>Error</h1><hr>proxy</body></html>\r\n") }
}

/// The answer that a fault puts in place of the real one.
pub(crate) fn of_fault(
    fault: &FaultStatus,
    device: &str,
    action: Option<&str>,
    approval_code: &str,
    ids: &Ids,
) -> Answer {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = match (&fault.body, fault.status) {
        (FaultBody::RefusedByIntune, _) => refused_by_intune(device, action, ids),
        (FaultBody::UnknownSegment, _) => unknown_segment(action.unwrap_or("managedDevices"), ids),
        (FaultBody::ApprovalRequired, _) => approval_required(approval_code),
        (FaultBody::Approval(sentence), _) => approval(status, sentence, approval_code, device, action, ids),
        (FaultBody::Html, _) => html(status),
        (FaultBody::Error(code, message), _) => Answer::json(status, body(code, message, ids)),
        (FaultBody::Usual, 302) => Answer { status, headers: Vec::new(), body: Content::Empty },
        (FaultBody::Usual, 401) => unauthorized("Access token validation failure.", ids),
        (FaultBody::Usual, 403) => missing_scope(crate::tenants::RESET_PERMISSION, device, action, ids),
        (FaultBody::Usual, 404) => not_found(device, action, ids),
        (FaultBody::Usual, 429) => throttled(ids),
        (FaultBody::Usual, 200..=299) => Answer { status, headers: Vec::new(), body: Content::Empty },
        (FaultBody::Usual, _) => of_status(status, "The service could not complete the request.", ids),
    };
    match &fault.location {
        Some(location) => answer.with_header("location", location.clone()),
        None => answer,
    }
}
