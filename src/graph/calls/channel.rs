//! Exchanges with one tenant's Graph: each carries a token, is timed, and updates what is known of Graph's clock.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{read_error::ReadError, request::Call};
use crate::graph::{
    auth::{SignIn, Token},
    http::{
        Clock, ClockReading, Connection, Endpoints, Exchange, GraphResponse, LastClockReading, Transport,
        TransportError,
    },
};

/// How long a read may take, connecting included.
pub(super) const READ_TIME_OUT: Duration = Duration::from_secs(30);

/// The connection to one tenant's Graph.
pub(super) struct Channel {
    pub(super) endpoints: Endpoints,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sign_in: SignIn,
    pub(super) last: LastClockReading,
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

    /// One exchange, with this token.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        token: &Token,
        client_request_id: &str,
        exchange: Exchange,
    ) -> Result<GraphResponse, TransportError> {
        let request = call
            .request(self.endpoints.graph(), &token.header, client_request_id)
            .map_err(|_| TransportError::NotConnected("the request cannot be built".to_owned()))?;
        let method = request.method().clone();
        let sent = self.clock.boot();
        let result = self.transport.send(request, exchange);
        let result = tokio::time::timeout(exchange.time_out, result).await;
        let result = result.unwrap_or_else(|_| Err(TransportError::Lost("no answer in time".to_owned())));
        let result = result.map(|response| GraphResponse::new(response, sent, self.clock.boot()));
        self.record(call, &method, client_request_id, sent, &result);
        result
    }

    /// Keeps the answer's `Date`, and writes one line about the exchange: nothing in it names a device or a person.
    fn record(
        &self,
        call: &Call,
        method: &http::Method,
        client_request_id: &str,
        sent: Duration,
        result: &Result<GraphResponse, TransportError>,
    ) {
        let elapsed = self.clock.boot().saturating_sub(sent);
        let response = result.as_ref().ok();
        if let Some(response) = response.filter(|response| response.is_graphs())
            && let Some(date) = response.date()
        {
            self.last.keep(ClockReading { date, sent });
        }
        tracing::debug!(
            %method,
            path = call.template(),
            status = response.map(|response| response.status.as_u16()),
            request_id = response.and_then(GraphResponse::request_id),
            client_request_id,
            elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            error = result.as_ref().err().map(ToString::to_string),
            "Graph exchange"
        );
    }

    /// A read, once.
    pub(super) async fn read(&self, call: &Call) -> Result<GraphResponse, ReadError> {
        let token = self.sign_in.token().await?;
        let exchange = Exchange { connection: Connection::Pooled, time_out: READ_TIME_OUT };
        let id = Uuid::new_v4().to_string();
        let response = self.exchange(call, &token, &id, exchange).await;
        let response = response.map_err(ReadError::Unreachable)?;
        self.note_rejection(&token, &response);
        Ok(response)
    }

    /// Throws `token` away if `response` rejects it, and keeps what a new one has to prove.
    pub(super) fn note_rejection(&self, token: &Token, response: &GraphResponse) {
        if response.rejects_token() {
            self.sign_in.rejected(token, response.claims());
        }
    }
}
