//! A request's way to the server and back, with everything that goes wrong with it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::{Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use k8s_openapi::jiff::Timestamp;
use kube::client::Body;
use kube::core::Status;
use tokio::time::sleep;
use tower::BoxError;

use crate::call::Call;
use crate::errors::body_of;
use crate::faults::{Effect, Fault};
use crate::serve::{Answer, serve};
use crate::state::{Cut, Outcome, Request, Shared};
use crate::watching;

/// How long the operator's own client waits for a byte.
const READ_TIME_OUT: std::time::Duration = std::time::Duration::from_secs(300);

/// The body of an answer.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

pub(crate) async fn exchange(
    shared: Arc<Shared>,
    caller: String,
    request: http::Request<Body>,
) -> Result<Response<ResponseBody>, BoxError> {
    let call = Arc::new(Call::read(&caller, request).await?);
    // A request takes at least one turn of the scheduler, so that whoever waits for it can be cancelled.
    tokio::task::yield_now().await;
    let exchange = Exchange { shared, call };
    exchange.pass_wire().await?;
    let index = exchange.record();
    let result = exchange.carry_out(index).await;
    if let Ok(response) = &result {
        let code = response.status().as_u16();
        exchange.note(index, |request| request.answered = Some(code));
    }
    result
}

struct Exchange {
    shared: Arc<Shared>,
    call: Arc<Call>,
}

impl Exchange {
    async fn carry_out(&self, index: usize) -> Result<Response<ResponseBody>, BoxError> {
        let mut later = Vec::new();
        for fault in self.faults_before().await {
            match fault.into_effect() {
                (effect, true) => later.push(effect),
                (Effect::Delay(time), false) => sleep(time).await,
                (effect, false) => {
                    self.note(index, |request| request.outcome = Outcome::Withheld);
                    return self.end_with(effect).await;
                }
            }
        }
        self.pass_wire().await?;
        let mut response = self.apply(index);
        set(&mut response, header::DATE, &date(self.shared.clock.now()));
        later.extend(self.effect_after(response.status().as_u16()).await);
        for effect in later {
            match effect {
                Effect::Delay(time) => sleep(time).await,
                effect => return self.end_with(effect).await,
            }
        }
        self.pass_wire().await?;
        Ok(response)
    }

    /// Fails if the caller is cut off, at once or when it is connected again.
    async fn pass_wire(&self) -> Result<(), BoxError> {
        let mut changed = self.shared.subscribe();
        let mut severed = false;
        loop {
            changed.mark_unchanged();
            match self.shared.read(|state| state.caller(&self.call.client).cut) {
                None if severed => return Err(lost(io::ErrorKind::ConnectionReset)),
                None => return Ok(()),
                Some(Cut::Refused) => return Err(lost(io::ErrorKind::ConnectionRefused)),
                Some(Cut::Silent) => severed = true,
            }
            changed.changed().await?;
        }
    }

    fn record(&self) -> usize {
        let request = Request {
            at: self.shared.clock.now(),
            call: self.call.clone(),
            outcome: Outcome::Pending,
            resource_version: None,
            answered: None,
        };
        self.shared.read(|state| {
            state.requests.push(request);
            state.requests.len() - 1
        })
    }

    fn note(&self, index: usize, write: impl FnOnce(&mut Request)) {
        self.shared.read(|state| state.requests.get_mut(index).map(write));
    }

    async fn faults_before(&self) -> Vec<Fault> {
        let hook = self.shared.read(|state| state.caller(&self.call.client).before.clone());
        let mut faults = Vec::new();
        if let Some(hook) = hook {
            faults.extend(hook(Call::clone(&self.call)).await);
        }
        faults.extend(self.shared.read(|state| {
            let rules = &mut state.caller(&self.call.client).rules;
            rules.iter_mut().filter_map(|rule| rule.fire(&self.call)).collect::<Vec<_>>()
        }));
        faults
    }

    async fn effect_after(&self, code: u16) -> Option<Effect> {
        let hook = self.shared.read(|state| state.caller(&self.call.client).after.clone())?;
        let fault = hook(Call::clone(&self.call), code).await?;
        Some(fault.into_effect().0)
    }

    fn apply(&self, index: usize) -> Response<ResponseBody> {
        let now = self.shared.clock.now();
        let served = self.shared.read(|state| {
            let served = serve(state, &self.call, now);
            if let Some(request) = state.requests.get_mut(index) {
                match &served {
                    Ok(served) => {
                        request.outcome = served.outcome.clone();
                        request.resource_version = served.resource_version;
                    }
                    Err(status) => {
                        request.outcome = Outcome::Refused { code: status.code, reason: status.reason.clone() };
                    }
                }
            }
            served
        });
        if self.call.verb.writes() {
            self.shared.change(|_| ());
        }
        match served {
            Ok(served) => self.response(served.answer),
            Err(status) => failure(&status),
        }
    }

    fn response(&self, answer: Answer) -> Response<ResponseBody> {
        match answer {
            Answer::Json { code, body } => json_response(code, body),
            Answer::Watch(start) => {
                let lines = watching::stream(*start, self.shared.clone());
                let frames = lines.map_ok(http_body::Frame::data).map_err(BoxError::from);
                let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
                set(&mut response, header::CONTENT_TYPE, "application/json");
                response
            }
        }
    }

    async fn end_with(&self, effect: Effect) -> Result<Response<ResponseBody>, BoxError> {
        match effect {
            Effect::Answer(status) => Ok(failure(&status)),
            Effect::Lose => Err(lost(io::ErrorKind::ConnectionReset)),
            Effect::Delay(_) | Effect::Hang => {
                tokio::time::sleep(READ_TIME_OUT).await;
                Err(lost(io::ErrorKind::TimedOut))
            }
        }
    }
}

fn lost(kind: io::ErrorKind) -> BoxError {
    io::Error::from(kind).into()
}

/// A time as HTTP writes it.
fn date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn failure(status: &Status) -> Response<ResponseBody> {
    let mut response = json_response(status.code, body_of(status).to_string().into_bytes());
    if let Some(details) = &status.details
        && details.retry_after_seconds > 0
    {
        set(&mut response, header::RETRY_AFTER, &details.retry_after_seconds.to_string());
    }
    response
}

fn json_response(code: u16, body: Vec<u8>) -> Response<ResponseBody> {
    let mut response = Response::new(Full::from(body).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

fn set(response: &mut Response<ResponseBody>, name: header::HeaderName, value: &str) {
    if let Ok(value) = header::HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
