//! What a test can set about the whole world.

use jiff::SignedDuration;
use std::time::Duration;

/// The behaviour of the simulated world. Change it at any time with [`crate::Simulator::configure`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Graph is: `https://host[:port]`, no path. Requests for another host are refused.
    pub graph_origin: String,
    /// Where Entra is, likewise.
    pub authority_origin: String,
    /// False: no connection to Graph can be made.
    pub graph_reachable: bool,
    /// False: no connection to Entra can be made.
    pub authority_reachable: bool,
    /// The client ids of the managed identities that are assigned to the node; `None`: it is no Azure node.
    pub node: Option<Vec<String>>,
    /// How far the clock of Graph's front ends (the `Date` header) is ahead of true time.
    pub front_end_offset: SignedDuration,
    /// How far Intune's own clock (startDateTime, lastUpdatedDateTime, lastSyncDateTime) is ahead of true time.
    pub intune_offset: SignedDuration,
    /// How far Entra's clock (its `Date` header, the times in a token) is ahead of true time.
    pub token_offset: SignedDuration,
    /// `expires_in` of new tokens.
    pub token_lifetime: Duration,
    /// What tokens look like.
    pub token_format: TokenFormat,
    /// How long Intune hides a new entry of `deviceActionResults`.
    pub ledger_lag: Lag,
    /// How many entries Intune keeps.
    pub history: History,
    /// Devices on a page when `$top` is not given (Graph: 1000).
    pub page_size: usize,
    /// Whether `serialNumber eq` tells upper from lower case.
    pub serial_case_sensitive: bool,
    /// Every `$filter` is ignored and all devices come back, as reported for unsupported properties.
    pub ignore_every_filter: bool,
    /// Throttling. Not enforced unless set.
    pub limits: Limits,
    /// Time from sending a request to the head of its answer; half of it passes before the request arrives.
    pub latency: Duration,
    /// Whether requests are remembered one by one. Counts are kept in any case.
    pub keep_requests: bool,
    /// The secret that stands in a `resetPasscode` entry, unless the device has its own.
    pub passcode: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            graph_origin: "https://graph.microsoft.com".into(),
            authority_origin: "https://login.microsoftonline.com".into(),
            graph_reachable: true,
            authority_reachable: true,
            node: None,
            front_end_offset: SignedDuration::ZERO,
            intune_offset: SignedDuration::ZERO,
            token_offset: SignedDuration::ZERO,
            token_lifetime: Duration::from_secs(3599),
            token_format: TokenFormat::Opaque,
            ledger_lag: Duration::from_secs(2).into(),
            history: History::KeepAll,
            page_size: 1000,
            serial_case_sensitive: false,
            ignore_every_filter: false,
            limits: Limits::default(),
            latency: Duration::ZERO,
            keep_requests: true,
            passcode: "PLANTED-passcode-7413".into(),
        }
    }
}

/// What an access token looks like. For Graph it is opaque and need not be a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// A string without meaning.
    Opaque,
    /// A JWT with a `roles` claim and a worthless signature.
    Jwt,
}

/// How many entries of a reset Intune keeps: not documented, so both must be lived with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Every reset stays.
    KeepAll,
    /// A new reset replaces the entry of the earlier one of the same name.
    OnePerAction,
}

/// How long a new ledger entry is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The first front end shows it after this time…
    pub first: Duration,
    /// …and every one after this time. Between the two every second read shows it.
    pub everywhere: Duration,
}

impl From<Duration> for Lag {
    fn from(lag: Duration) -> Self {
        Self { first: lag, everywhere: lag }
    }
}

/// The throttling limits of the Intune devices service in any 20 seconds. `None`: not enforced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// POST, PUT, PATCH, DELETE of one app in one tenant.
    pub app_writes: Option<usize>,
    /// All requests of one app in one tenant.
    pub app_requests: Option<usize>,
    /// Writes of all apps of a tenant.
    pub tenant_writes: Option<usize>,
    /// All requests of a tenant.
    pub tenant_requests: Option<usize>,
    /// How a 429 tells when to come back.
    pub retry_after: RetryAfter,
}

impl Limits {
    /// The published numbers.
    pub fn documented() -> Self {
        Self {
            app_writes: Some(200),
            app_requests: Some(2000),
            tenant_writes: Some(400),
            tenant_requests: Some(4000),
            retry_after: RetryAfter::Fractional,
        }
    }
}

/// The form of `Retry-After`. The official sample holds a decimal, and Intune may leave it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    /// `3`
    Seconds,
    /// `2.128`
    #[default]
    Fractional,
    /// `Sun, 22 Nov 2026 09:00:03 GMT`, by the front ends' clock.
    HttpDate,
    /// No such header.
    Missing,
}
