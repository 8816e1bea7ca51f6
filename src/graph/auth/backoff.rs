//! Honours the `Retry-After` of a sign-in service: until then no request is sent, and its last answer is returned again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};

use crate::graph::http::{Clock, Exchange, Transport, TransportError, http_date, retry_after};

/// The transport to one sign-in service.
pub(super) struct BackoffTransport {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// The last answer with a `Retry-After`, and until when it is returned again, by boot time.
    last: Mutex<Option<(Duration, Response<Bytes>)>>,
}

impl BackoffTransport {
    pub(super) fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, clock, last: Mutex::default() }
    }

    fn still_valid(&self) -> Option<Response<Bytes>> {
        let now = self.clock.boot();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(until, _)| now < *until).map(|(_, answer)| answer.clone())
    }
}

#[async_trait]
impl Transport for BackoffTransport {
    async fn send(&self, request: Request<Bytes>, exchange: Exchange) -> Result<Response<Bytes>, TransportError> {
        if let Some(answer) = self.still_valid() {
            return Ok(answer);
        }
        let answer = self.transport.send(request, exchange).await?;
        if answer.status() != StatusCode::OK {
            let date = answer.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
            if let Some(wait) = retry_after(answer.headers(), date) {
                let last = (self.clock.boot() + wait, answer.clone());
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
            }
        }
        Ok(answer)
    }
}
