//! For tests: a scripted transport, a clock that is set by hand, and Graph's own samples.
#![allow(clippy::unwrap_used)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{AllowedOrigins, Clock, Endpoints, Exchange, Transport, TransportError};

pub(in crate::graph) const GRAPH: &str = "https://graph.test";
pub(in crate::graph) const AUTHORITY: &str = "https://login.test";
pub(in crate::graph) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(in crate::graph) const DATE: &str = "Sun, 22 Nov 2026 09:00:00 GMT";

/// A request as it was sent, for assertions.
#[derive(Clone)]
pub(in crate::graph) struct Seen {
    pub(in crate::graph) line: String,
    pub(in crate::graph) request: Request<Bytes>,
    pub(in crate::graph) exchange: Exchange,
}

impl Seen {
    pub(in crate::graph) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).map(|v| v.to_str().unwrap())
    }

    pub(in crate::graph) fn body(&self) -> &str {
        std::str::from_utf8(self.request.body()).unwrap()
    }
}

/// What a script says to a request; `None` never answers.
pub(in crate::graph) type Reply = Option<Result<Response<Bytes>, TransportError>>;
type Answers = dyn Fn(&Request<Bytes>) -> Reply + Send + Sync;

/// A transport that answers by a closure and keeps what it was asked.
pub(in crate::graph) struct Script {
    answers: Box<Answers>,
    seen: Mutex<Vec<Seen>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>, exchange: Exchange) -> Result<Response<Bytes>, TransportError> {
        self.seen.lock().unwrap().push(Seen {
            line: format!("{} {}", request.method(), request.uri()),
            request: request.clone(),
            exchange,
        });
        match (self.answers)(&request) {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }
}

impl Script {
    pub(in crate::graph) fn new(answers: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), seen: Mutex::default() })
    }

    /// A script for Graph alone: Entra gives `token-1`, `token-2`, ….
    pub(in crate::graph) fn signed_in(answers: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        let tokens = AtomicU64::new(0);
        Self::new(move |request| {
            if is_token_request(request) {
                let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
                return token(&format!("token-{number}"));
            }
            answers(request)
        })
    }

    pub(in crate::graph) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests to Graph.
    pub(in crate::graph) fn graph_calls(&self) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|seen| !is_token_request(&seen.request)).collect()
    }

    /// The requests to Entra.
    pub(in crate::graph) fn token_calls(&self) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|seen| is_token_request(&seen.request)).collect()
    }
}

pub(in crate::graph) fn is_token_request(request: &Request<Bytes>) -> bool {
    request.uri().path().ends_with("/oauth2/v2.0/token")
}

/// A clock that stands still until it is moved.
#[derive(Default)]
pub(in crate::graph) struct HandClock(AtomicU64);

impl HandClock {
    pub(in crate::graph) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn boot(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.boot()).unwrap()
    }
}

pub(in crate::graph) fn endpoints() -> Endpoints {
    Endpoints::custom(GRAPH, AUTHORITY, None, &AllowedOrigins::parse([GRAPH, AUTHORITY]).unwrap()).unwrap()
}

/// An answer with a `Date` and a `request-id`.
pub(in crate::graph) fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("date", DATE)
        .header("request-id", format!("request-{status}"))
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

pub(in crate::graph) fn reply(status: u16, body: &str) -> Reply {
    Some(Ok(answer(status, body)))
}

pub(in crate::graph) fn ok(body: &Value) -> Reply {
    reply(200, &body.to_string())
}

pub(in crate::graph) fn token(token: &str) -> Reply {
    ok(&json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}))
}

/// Graph's answers as documented, or as reported by users.
pub(in crate::graph) mod samples {
    pub(in crate::graph) const BAD_REQUEST: &str = r#"{"error":{"code":"BadRequest","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 13b1d9ee-b9d2-49c4-bff7-d7afd9dff0cb - Url: https://fef.amsua0502.manage.microsoft.com/DeviceFE/StatelessDeviceFEService/deviceManagement/managedDevices%28%27b0fe8aa9-7d00-43f1-9ffb-1e2e5c2f66f3%27%29/microsoft.management.services.api.wipe?api-version=2018-05-24\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","innerError":{"request-id":"13b1d9ee-b9d2-49c4-bff7-d7afd9dff0cb","date":"2019-07-02T19:36:21"}}}"#;
    pub(in crate::graph) const UNKNOWN_SEGMENT: &str = r#"{"error":{"code":"BadRequest","message":"Resource not found for the segment 'deviceStatuses'.","innerError":{"date":"2023-06-14T12:07:24","request-id":"98a1fc3f-ea87-4265-881e-2eef98f8de91"}}}"#;
    pub(in crate::graph) const APPROVAL: &str = r#"{"error":{"code":"ApprovalRequired","message":"Approval Required. Request Approval using the request ID returned as part of the x-msft-approval-code response header. x-msft-approval-code: aabb1234-5678-9012-abcd-ef0123456789"}}"#;
    pub(in crate::graph) const APPROVAL_NOT_JUSTIFIED: &str = r#"{"error":{"code":"BadRequest","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"Header 'x-msft-approval-justification' is required to request approval - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 1 - Url: https://fef.example/DeviceFE\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}"}}"#;
    pub(in crate::graph) const APPROVAL_PENDING: &str = r#"{"error":{"code":"Conflict","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"An active Approval Request already exists for this entity\",\r\n  \"CustomApiErrorPhrase\": \"\"\r\n}","innerError":{"request-id":"00000000-0000-0000-0000-0000000000a3"}}}"#;
    /// Of no status in particular.
    pub(in crate::graph) const ERROR: &str = r#"{"error":{"code":"Error","message":"An error has occurred."}}"#;
    pub(in crate::graph) const MISSING_SCOPE: &str = r#"{"error":{"code":"Forbidden","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementManagedDevices.PrivilegedOperations.All - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: (*Removed*) - Url: https://fef.msua02.manage.microsoft.com/DeviceFE/StatelessDeviceFEService/deviceManagement/managedDevices('%(*Removed*)%7D')/microsoft.management.services.api.rotateLocalAdminPassword?api-version=5023-05-01\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}"}}"#;
    pub(in crate::graph) const NOT_FOUND: &str = r#"{"error":{"code":"ResourceNotFound","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: d4f43fa4-4791-424c-9cbf-7c4a60796465 - Url: https://fef.amsub0102.manage.microsoft.com/DeviceFE/StatelessDeviceFEService/deviceManagement/applePushNotificationCertificate?api-version=2018-05-24\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null\r\n}"}}"#;
    pub(in crate::graph) const TOO_MANY: &str = r#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","date":"2020-08-18T12:51:51","message":"Please retry after","request-id":"94fb3b52-452a-4535-a601-69e0a90e3aa2","status":"429"},"message":"Please retry again later."}}"#;
    pub(in crate::graph) const OAUTH_ERROR: &str = r#"{"error":"invalid_scope","error_description":"AADSTS70011: The provided value for the input parameter 'scope' isn't valid. The scope https://example.contoso.com/activity.read isn't valid.\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\nCorrelation ID: aaaa0000-bb11-2222-33cc-444444dddddd\r\nTimestamp: 2016-01-09 02:02:12Z","error_codes":[70011],"timestamp":"2016-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd22-eeeeee333333","correlation_id":"aaaa0000-bb11-2222-33cc-444444dddddd"}"#;
    pub(in crate::graph) const CHALLENGE: &str = r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ==""#;
}
