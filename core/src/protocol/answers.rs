//! What Graph's answers, and those that stay away, mean to a tenant: when a refusal makes it not ready, when it is left alone for a while,
//! when to ask again, and whether the minute's probe was made.

use std::time::Duration;

use jiff::SignedDuration;

use super::{
    health::{Health, Request},
    trouble::Trouble,
};
use crate::{
    api::conditions::reason,
    lifecycle::{
        answered::{Answered, Meaning},
        observed::{Closed, NotReady, Unreadable},
    },
};

/// When to ask again after trouble that passes, where Graph does not say.
const SOON: Duration = Duration::from_secs(5);
/// When to ask again after trouble that somebody has to mend.
const LATER: Duration = Duration::from_secs(60);
/// The longest pause after a question that Graph refused for this object alone.
const LONGEST: Duration = Duration::from_secs(300);
/// The pause after a 424.
const DEPENDENCY_PAUSE: Duration = Duration::from_secs(10);

/// Why a read brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFailure {
    /// Somebody has to mend the tenant.
    Trouble(Trouble),
    /// Graph refused this question; it is most likely refused again.
    Refused,
    /// Graph was not asked.
    NotAsked {
        /// How long nothing is asked, if that is known.
        retry_after: Option<Duration>,
    },
    /// Anything else. It passes.
    Passing {
        /// How long Graph asks to wait, if it does.
        retry_after: Option<Duration>,
    },
}

/// A read that was asked for.
pub struct Read<'a> {
    /// Of what kind it is.
    pub request: Request,
    /// Whether it is to show that the tenant's trouble is over.
    pub probing: bool,
    /// How often in a row Graph refused it for this object.
    pub refused: &'a mut u32,
}

/// What Graph answered to a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetAnswer {
    /// It took it.
    Accepted,
    /// It refused it, which proves nothing.
    Refused,
    /// Nobody can tell.
    Unknown,
    /// It certainly executed nothing.
    NotExecuted {
        /// Why.
        why: NotExecuted,
        /// Whether a request left at all.
        went_out: bool,
    },
}

/// Why a reset was certainly not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExecuted {
    /// 429.
    Throttled {
        /// How long Graph asks to wait, if it does.
        retry_after: Option<Duration>,
    },
    /// 424.
    DependencyFailed,
    /// No connection could be made.
    NotConnected,
    /// It was too late to send it.
    PastDeadline,
    /// 401. The next request signs in again.
    TokenRejected,
    /// Somebody has to mend the tenant.
    Trouble(Trouble),
}

/// What an answer to a reset means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// To its attempt.
    pub meaning: Meaning,
    /// Whether the token at hand is to be thrown away: consent that was granted since shows in a new one only.
    pub forget_token: bool,
}

impl Health {
    /// A read was answered; `clock_offset` is Graph's clock less this machine's.
    pub fn read_answered(&mut self, read: Read<'_>, clock_offset: SignedDuration) {
        self.succeeded(read.request);
        *read.refused = 0;
        self.clock_offset = Some(clock_offset);
    }

    /// A read brought no answer; `heard` is what is known of that, a sentence without its full stop.
    pub fn read_failed(&mut self, read: Read<'_>, failure: &ReadFailure, heard: &str, now: Duration) -> Unreadable {
        let retry_after = match failure {
            ReadFailure::Trouble(trouble) => {
                let blamed = trouble.not_ready(heard);
                self.failed(blamed.clone(), read.request, now);
                return Unreadable { tenant: Some(blamed), message: heard.to_owned(), retry_after: LATER };
            }
            ReadFailure::Refused => {
                *read.refused = read.refused.saturating_add(1);
                LONGEST.min(SOON * 2_u32.saturating_pow(*read.refused - 1))
            }
            ReadFailure::NotAsked { retry_after } => {
                if read.probing {
                    self.probe_is_free(read.request, now);
                }
                retry_after.unwrap_or(SOON)
            }
            ReadFailure::Passing { retry_after } => retry_after.unwrap_or(SOON),
        };
        Unreadable { tenant: None, message: format!("{heard}."), retry_after }
    }

    /// A reset was answered; `heard` is what Graph said, a sentence. `first`: it was the claim's first request, the only one that a new token
    /// can help.
    pub fn reset_answered(&mut self, answer: ResetAnswer, heard: &str, first: bool, now: Duration) -> Meant {
        let meaning = match answer {
            ResetAnswer::Accepted | ResetAnswer::Refused => {
                self.breaker.answered();
                self.succeeded(Request::Reset);
                if answer == ResetAnswer::Accepted { Meaning::Accepted } else { Meaning::Refused }
            }
            ResetAnswer::Unknown => {
                self.breaker.unknown(now);
                Meaning::Unknown
            }
            ResetAnswer::NotExecuted { why, went_out } => {
                if went_out {
                    self.breaker.answered();
                }
                self.not_executed(why, heard, first, now)
            }
        };
        let forget_token = matches!(meaning, Meaning::NotExecuted { not_ready: Some(_), .. });
        Meant { meaning, forget_token }
    }

    fn not_executed(&mut self, why: NotExecuted, heard: &str, first: bool, now: Duration) -> Meaning {
        let (pause, why) = match why {
            NotExecuted::Throttled { retry_after } => (retry_after.unwrap_or(SOON), "Graph asked to wait (429)."),
            NotExecuted::DependencyFailed => (DEPENDENCY_PAUSE, "Graph asked to wait (424)."),
            NotExecuted::NotConnected => (SOON, "Graph could not be reached."),
            NotExecuted::PastDeadline => return Meaning::NotExecuted { again_after: None, not_ready: None },
            NotExecuted::TokenRejected if first => {
                return Meaning::NotExecuted { again_after: Some(Duration::ZERO), not_ready: None };
            }
            NotExecuted::TokenRejected => return self.closes_with(&Trouble::TokenNotAccepted, heard, now),
            NotExecuted::Trouble(trouble) => return self.closes_with(&trouble, heard, now),
        };
        self.pause(pause, why, now);
        Meaning::NotExecuted { again_after: Some(pause), not_ready: None }
    }

    fn closes_with(&mut self, trouble: &Trouble, heard: &str, now: Duration) -> Meaning {
        let not_ready = trouble.not_ready(heard);
        // Each probe is told another approval code. The first one stays, or each would be a write to all that wait.
        let waits = |known: &&NotReady| {
            not_ready.reason == reason::MULTI_ADMIN_APPROVAL_REQUIRED && known.reason == not_ready.reason
        };
        let shown = self.fault_of(Request::Reset).filter(waits).unwrap_or(&not_ready).clone();
        self.failed(shown, Request::Reset, now);
        Meaning::NotExecuted { again_after: None, not_ready: Some(not_ready) }
    }
}

/// Why nothing is asked of a tenant that has no client, for this reason if there is one.
#[must_use]
pub fn no_client(why: Option<NotReady>) -> Unreadable {
    Unreadable { tenant: why, message: "The tenant cannot be used.".to_owned(), retry_after: LATER }
}

/// Why nothing is asked where such reads were refused, and another one is the probe.
#[must_use]
pub fn not_asked(Closed { not_ready, retry_after }: Closed) -> Unreadable {
    Unreadable { message: not_ready.message.clone(), tenant: Some(not_ready), retry_after }
}

/// Why nothing is asked for an object that names no device.
#[must_use]
pub fn no_device_named() -> Unreadable {
    Unreadable { tenant: None, message: "The object names no device.".to_owned(), retry_after: LATER }
}

/// What a reset comes to that there is no way to send.
#[must_use]
pub fn no_way_to_send() -> Answered {
    let meaning = Meaning::NotExecuted { again_after: None, not_ready: None };
    Answered { meaning, request_id: None, message: "There is no way to ask Graph at the moment.".to_owned() }
}
