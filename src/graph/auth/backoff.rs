//! A sign-in service may ask to be left alone, as Graph does. Until then it is not asked, and what it answered stands.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};

use crate::graph::{
    clock::Clock,
    retry_after::{http_date, retry_after},
    transport::{Exchange, Transport, TransportError},
};

/// A way to one sign-in service, which honours its `Retry-After`.
pub(super) struct Patient {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// The last answer with a `Retry-After`, and until when it stands, by boot time.
    standing: Mutex<Option<(Duration, Response<Bytes>)>>,
}

impl Patient {
    pub(super) fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, clock, standing: Mutex::default() }
    }

    fn standing(&self) -> Option<Response<Bytes>> {
        let now = self.clock.boot();
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.as_ref().filter(|(until, _)| now < *until).map(|(_, answer)| answer.clone())
    }
}

#[async_trait]
impl Transport for Patient {
    async fn send(&self, request: Request<Bytes>, exchange: Exchange) -> Result<Response<Bytes>, TransportError> {
        if let Some(answer) = self.standing() {
            return Ok(answer);
        }
        let answer = self.transport.send(request, exchange).await?;
        if answer.status() != StatusCode::OK {
            let date = answer.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
            if let Some(wait) = retry_after(answer.headers(), date) {
                let standing = (self.clock.boot() + wait, answer.clone());
                *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
            }
        }
        Ok(answer)
    }
}
