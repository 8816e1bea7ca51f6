//! The simulator's time: tokio's clock from a base on, so that paused time works.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// True time in the simulated world. What its parts *believe* is true time plus an offset of [`crate::Settings`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    base: Timestamp,
}

impl Clock {
    /// A clock that shows `base` now.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { started: Instant::now(), base }
    }

    /// True time.
    pub fn now(&self) -> Timestamp {
        later(self.base, self.started.elapsed())
    }
}

/// `time` + `by`, held at the end of the calendar.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `time` + `by`, which may be negative.
pub(crate) fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

/// As Intune writes a time: seven fractional digits, 100 ns.
pub fn graph_time(time: Timestamp) -> String {
    format!("{time:.7}")
}

/// As an error body's `innerError.date` is written: whole seconds, no zone.
pub(crate) fn inner_error_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// As Entra writes a time in an error (samples/oauth-error).
pub(crate) fn entra_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// HTTP-date, whole seconds: the `Date` header.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Writes a time as Intune does.
pub(crate) fn write_time<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&graph_time(*time))
}
