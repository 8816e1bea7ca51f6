//! The client: one tenant's Graph, with its sign-in, its clock and the way its calls take.

use std::{fmt, sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::{
    clock::Clock,
    credential::{Credentials, Identity},
    endpoints::{ConfigError, Endpoints},
    exchange::Answered,
    read_error::ReadError,
    reading::{LastReading, Reading},
    request::{Call, DeviceId},
    sign_in::{SignIn, SignInError, SignedIn, Token},
    transport::{Connection, Exchange, Transport, TransportError},
};

/// How long a read may take, connecting included.
const READ_TIME_OUT: Duration = Duration::from_secs(30);

/// Microsoft Graph of one tenant. Calls may be made at the same time; they share the token and the last `Date` heard.
pub struct Graph {
    endpoints: Endpoints,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    sign_in: SignIn,
    last: LastReading,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("graph", &self.endpoints.graph()).finish_non_exhaustive()
    }
}

impl Graph {
    /// A client of the tenant `tenant_id`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigError::Identity`] where the tenant id, the client id or the secret cannot be one.
    pub fn new(
        tenant_id: &str,
        endpoints: Endpoints,
        credentials: Credentials,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let identity = Identity {
            tenant_id: tenant_id.to_owned(),
            endpoints: endpoints.clone(),
            credentials,
            clock: clock.clone(),
        };
        Ok(Self {
            endpoints,
            transport: transport.clone(),
            clock,
            sign_in: SignIn::new(identity, transport)?,
            last: LastReading::default(),
        })
    }

    /// Signs in, unless a token is there that will do, and says what the token shows.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(&self) -> Result<SignedIn, SignInError> {
        self.sign_in.signed_in().await
    }

    /// Throws the token away: the next call signs in anew. Consent that was granted since shows in new tokens only.
    pub fn forget_token(&self) {
        self.sign_in.forget();
    }

    /// The last `Date` that Graph sent with a status of 2xx.
    pub fn reading(&self) -> Option<Reading> {
        self.last.get()
    }

    /// Graph's time now, as an upper bound: the last `Date`, one second, and the time since that request was sent.
    /// `None` if nothing was heard for 60 s.
    pub fn now(&self) -> Option<Timestamp> {
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
        if let Some(answer) = answer.filter(|answer| answer.status.is_success())
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

    /// A read, sent again once if its token was rejected: a read changes nothing, and a token that was withdrawn says
    /// nothing about the next one.
    pub(super) async fn read(&self, call: &Call) -> Result<Answered, ReadError> {
        let first = self.read_once(call).await?;
        if first.rejects_token() {
            return self.read_once(call).await;
        }
        Ok(first)
    }

    async fn read_once(&self, call: &Call) -> Result<Answered, ReadError> {
        let token = self.token().await?;
        let exchange = Exchange { connection: Connection::Pooled, time_out: READ_TIME_OUT };
        let id = Uuid::new_v4().to_string();
        let answered = self.exchange(call, &token, &id, exchange).await;
        let answered = answered.map_err(ReadError::Unreachable)?;
        self.heed(&token, &answered);
        Ok(answered)
    }

    pub(super) async fn token(&self) -> Result<Token, SignInError> {
        self.sign_in.token().await
    }

    /// Throws `token` away if `answered` rejects it, and keeps what a new one has to prove.
    pub(super) fn heed(&self, token: &Token, answered: &Answered) {
        if answered.rejects_token() {
            self.sign_in.rejected(token, answered.claims());
        }
    }
}

/// The id of a device as a caller names it.
pub(super) fn device_id(id: &str) -> Result<DeviceId, ReadError> {
    DeviceId::parse(id.trim()).ok_or(ReadError::BadSelector("A managedDeviceId has letters, digits and hyphens only."))
}

#[cfg(test)]
mod tests;
