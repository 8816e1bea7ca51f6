//! The client: one tenant's Graph, with its sign-in, its clock, its budget and the way its calls take.

use std::{fmt, sync::Arc};

use k8s_openapi::jiff::Timestamp;

use super::{
    budget::{Budget, Full, Limits, Reservation},
    channel::Channel,
    clock::Clock,
    credential::{Credentials, Identity},
    desk::{Desk, Urgency},
    endpoints::{ConfigError, Endpoints},
    exchange::Answered,
    read_error::ReadError,
    reading::{LastReading, Reading},
    request::{Call, DeviceId},
    sign_in::{SignIn, SignInError, SignedIn},
    transport::Transport,
};

/// Microsoft Graph of one tenant. Calls may be made at the same time; they share the token, the budget and the last `Date` heard.
pub struct Graph {
    pub(super) channel: Arc<Channel>,
    pub(super) budget: Arc<Budget>,
    desk: Arc<Desk>,
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
            last: LastReading::default(),
        });
        let desk = Desk::new(channel.clone(), budget.clone(), Limits::PUBLISHED);
        Ok(Self { channel, budget, desk })
    }

    /// The same with a budget that is shared with other clients of the same app in the same tenant, and limits of its own.
    #[must_use]
    pub fn within(self, budget: Arc<Budget>, limits: Limits) -> Self {
        let desk = Desk::new(self.channel.clone(), budget.clone(), limits);
        Self { budget, desk, ..self }
    }

    /// The same client with other limits: sign-in, clock and budget are shared.
    #[must_use]
    pub fn limited_to(&self, limits: Limits) -> Self {
        let (channel, budget) = (self.channel.clone(), self.budget.clone());
        let desk = Desk::new(channel.clone(), budget.clone(), limits);
        Self { channel, budget, desk }
    }

    /// Signs in, unless a token is there that will do, and says what the token shows.
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

    /// Throws the token away: the next call signs in anew. Consent that was granted since shows in new tokens only.
    pub fn forget_token(&self) {
        self.channel.sign_in.forget();
    }

    /// The last `Date` that Graph sent, with whatever status.
    pub fn reading(&self) -> Option<Reading> {
        self.channel.last.get()
    }

    /// Graph's time now, as an upper bound: the last `Date`, one second, and the time since that request was sent.
    /// `None` if nothing was heard for 60 s.
    pub fn now(&self) -> Option<Timestamp> {
        self.channel.now()
    }

    /// Room for a reset, if there is room within a moment and nobody waits for it.
    ///
    /// # Errors
    /// What it is held back by.
    pub async fn reserve_soon(&self) -> Result<Reservation, Full> {
        self.budget.reserve_soon(self.desk.limits).await
    }

    /// Room for a reset, once it is this one's turn: parties take turns, and within one the oldest comes first.
    pub async fn reserve(&self, party: &str, age: Timestamp) -> Reservation {
        self.budget.reserve(self.desk.limits, party, age).await
    }

    /// Room for a reset that was throttled, or whose token was rejected, ahead of all others.
    pub async fn reserve_again(&self) -> Reservation {
        self.budget.reserve_again(self.desk.limits).await
    }

    /// A read, made again once if its token was rejected: a read changes nothing, and a token that was withdrawn says
    /// nothing about the next one.
    pub(super) async fn read(&self, call: &Call, urgency: Urgency) -> Result<Answered, ReadError> {
        match self.desk.read(call, urgency).await {
            Ok(answered) if answered.rejects_token() => self.desk.read(call, urgency).await,
            // Of a call that it shared with others.
            Err(ReadError::TokenRejected(_)) => self.desk.read(call, urgency).await,
            answered => answered,
        }
    }
}

/// The id of a device as a caller names it.
pub(super) fn device_id(id: &str) -> Result<DeviceId, ReadError> {
    DeviceId::parse(id.trim()).ok_or(ReadError::BadSelector("A managedDeviceId has letters, digits and hyphens only."))
}

#[cfg(test)]
#[path = "client/tests.rs"]
mod tests;
