//! The client: one tenant's Graph, with its sign-in, its clock and its budget.

use std::{fmt, sync::Arc, time::Duration};

use http::StatusCode;
use jiff::Timestamp;

use super::{
    channel::Channel,
    read_error::ReadError,
    request::{Call, DeviceId},
};
use crate::graph::{
    auth::{Credentials, Identity, SignIn, SignInError, SignedIn},
    http::{Clock, ClockReading, ConfigError, Endpoints, GraphResponse, LastClockReading, Transport},
    limits::{Budget, Full, Limits, Outcome, Paused, Priority, ReadScheduler, Reader, Reservation, Throttle},
};

/// Microsoft Graph of one tenant. Calls may be made at the same time; they share the token, the
/// budget and the last `Date`.
pub struct Graph {
    pub(super) channel: Arc<Channel>,
    pub(super) budget: Arc<Budget>,
    reads: Arc<ReadScheduler<Channel>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("graph", &self.channel.endpoints.graph()).finish_non_exhaustive()
    }
}

impl Graph {
    /// A client of the tenant `tenant_id`, with a budget of its own and Graph's published limits. Nothing is sent yet.
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
        let budget = Budget::new(clock.clone());
        let channel = Arc::new(Channel {
            endpoints,
            transport: transport.clone(),
            clock,
            sign_in: SignIn::new(identity, transport)?,
            last: LastClockReading::default(),
        });
        let reads = ReadScheduler::new(channel.clone(), budget.clone(), Limits::PUBLISHED);
        Ok(Self { channel, budget, reads })
    }

    /// The same with a budget that is shared with other clients of the same app in the same tenant, and limits of its own.
    #[must_use]
    pub fn within(self, budget: Arc<Budget>, limits: Limits) -> Self {
        let reads = ReadScheduler::new(self.channel.clone(), budget.clone(), limits);
        Self { budget, reads, ..self }
    }

    /// The same client with other limits: sign-in, clock and budget are shared.
    #[must_use]
    pub fn limited_to(&self, limits: Limits) -> Self {
        let (channel, budget) = (self.channel.clone(), self.budget.clone());
        let reads = ReadScheduler::new(channel.clone(), budget.clone(), limits);
        Self { channel, budget, reads }
    }

    /// Signs in, unless there is a usable token, and returns what the token shows.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(&self) -> Result<SignedIn, SignInError> {
        self.channel.sign_in.signed_in().await
    }

    /// When the certificate ends with which this client signs in, if it does so.
    #[must_use]
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        self.channel.sign_in.certificate_ends()
    }

    /// Throws the token away: the next call signs in again. Consent that was granted since shows in new tokens only.
    pub fn forget_token(&self) {
        self.channel.sign_in.forget();
    }

    /// The last `Date` that Graph sent, with whatever status.
    pub fn reading(&self) -> Option<ClockReading> {
        self.channel.last.get()
    }

    /// Graph's time now, as an upper bound: the last `Date`, one second, and the time since that request was sent.
    /// `None` if Graph has not answered for 60 s.
    pub fn now(&self) -> Option<Timestamp> {
        self.channel.now()
    }

    /// Capacity for a reset, if there is some within a quarter of a second and no other reset is queued.
    ///
    /// # Errors
    /// What it is held back by.
    pub async fn reserve_soon(&self) -> Result<Reservation, Full> {
        self.budget.reserve_soon(self.reads.limits()).await
    }

    /// Capacity for a reset, once it is this one's turn: parties take turns, and within one the oldest comes first.
    pub async fn reserve(&self, party: &str, age: Timestamp) -> Reservation {
        self.budget.reserve(self.reads.limits(), party, age).await
    }

    /// Capacity for a reset that was throttled, or whose token was rejected, ahead of all others.
    pub async fn reserve_again(&self) -> Reservation {
        self.budget.reserve_again(self.reads.limits()).await
    }

    /// A read, made again once if its token was rejected: a read changes nothing, and a token that was withdrawn says
    /// nothing about the next one.
    pub(super) async fn read(&self, call: &Call, priority: Priority) -> Result<GraphResponse, ReadError> {
        match self.read_once(call, priority).await {
            Ok(response) if response.rejects_token() => self.read_once(call, priority).await,
            result => result,
        }
    }

    async fn read_once(&self, call: &Call, priority: Priority) -> Result<GraphResponse, ReadError> {
        let result = self.reads.read(call, priority).await;
        result.unwrap_or_else(|Paused { retry_after }| Err(ReadError::Waiting { retry_after }))
    }
}

impl Reader for Channel {
    type Read = Call;
    type Answer = Result<GraphResponse, ReadError>;

    async fn read(&self, call: &Call) -> Outcome<Self::Answer> {
        let sent = self.boot();
        outcome(Channel::read(self, call).await, sent)
    }
}

/// The answer of a read; `sent` is when its call was sent, where no response says it.
fn outcome(answer: Result<GraphResponse, ReadError>, sent: Duration) -> Outcome<Result<GraphResponse, ReadError>> {
    let throttle = match &answer {
        Ok(response) if response.status == StatusCode::TOO_MANY_REQUESTS => {
            Some(Throttle { sent: response.sent, retry_after: response.retry_after() })
        }
        Err(ReadError::Throttled { retry_after, .. }) => Some(Throttle { sent, retry_after: *retry_after }),
        _ => None,
    };
    Outcome { answer, throttle }
}

/// The id of a device as a caller names it.
pub(super) fn device_id(id: &str) -> Result<DeviceId, ReadError> {
    DeviceId::parse(id.trim()).ok_or(ReadError::BadSelector("A managedDeviceId has letters, digits and hyphens only."))
}

#[cfg(test)]
mod tests;
