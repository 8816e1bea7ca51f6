//! The way to Graph: exchanges with a token, the clock that they are timed by, and what they tell of Graph's.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::{
    clock::Clock,
    endpoints::Endpoints,
    exchange::Answered,
    read_error::ReadError,
    reading::{LastReading, Reading},
    request::Call,
    sign_in::{SignIn, Token},
    transport::{Connection, Exchange, Transport, TransportError},
};

/// How long a read may take, connecting included.
pub(super) const READ_TIME_OUT: Duration = Duration::from_secs(30);

/// One tenant's way to Graph.
pub(super) struct Channel {
    pub(super) endpoints: Endpoints,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sign_in: SignIn,
    pub(super) last: LastReading,
}

impl Channel {
    /// The boot time.
    pub(super) fn boot(&self) -> Duration {
        self.clock.boot()
    }

    /// Graph's time now, as an upper bound.
    pub(super) fn now(&self) -> Option<Timestamp> {
        self.last.get()?.now(self.clock.boot())
    }

    /// One exchange with a token that is there already.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        token: &Token,
        client_request_id: &str,
        exchange: Exchange,
    ) -> Result<Answered, TransportError> {
        let request = call
            .request(self.endpoints.graph(), &token.header, client_request_id)
            .map_err(|_| TransportError::NotConnected("the request cannot be built".to_owned()))?;
        let method = request.method().clone();
        let sent = self.clock.boot();
        let response = self.transport.send(request, exchange);
        let response = tokio::time::timeout(exchange.time_out, response).await;
        let response = response.unwrap_or_else(|_| Err(TransportError::Lost("no answer in time".to_owned())));
        let answered = response.map(|r| Answered::new(r, sent, self.clock.boot()));
        self.note(call, &method, client_request_id, sent, &answered);
        answered
    }

    /// Keeps the answer's `Date`, and writes one line about the exchange: nothing in it names a device or a person.
    fn note(
        &self,
        call: &Call,
        method: &http::Method,
        client_request_id: &str,
        sent: Duration,
        answered: &Result<Answered, TransportError>,
    ) {
        let elapsed = self.clock.boot().saturating_sub(sent);
        let answer = answered.as_ref().ok();
        if let Some(answer) = answer.filter(|answer| answer.is_graphs())
            && let Some(date) = answer.date()
        {
            self.last.keep(Reading { date, sent });
        }
        tracing::debug!(
            %method,
            path = call.template(),
            status = answer.map(|answer| answer.status.as_u16()),
            request_id = answer.and_then(Answered::request_id),
            client_request_id,
            elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            error = answered.as_ref().err().map(ToString::to_string),
            "Graph exchange"
        );
    }

    /// A read, once, and the token that it was made with.
    pub(super) async fn read(&self, call: &Call) -> Result<(Answered, Token), ReadError> {
        let token = self.sign_in.token().await?;
        let exchange = Exchange { connection: Connection::Pooled, time_out: READ_TIME_OUT };
        let id = Uuid::new_v4().to_string();
        let answered = self.exchange(call, &token, &id, exchange).await;
        let answered = answered.map_err(ReadError::Unreachable)?;
        self.heed(&token, &answered);
        Ok((answered, token))
    }

    /// Throws `token` away if `answered` rejects it, and keeps what a new one has to prove.
    pub(super) fn heed(&self, token: &Token, answered: &Answered) {
        if answered.rejects_token() {
            self.sign_in.rejected(token, answered.claims());
        }
    }
}
