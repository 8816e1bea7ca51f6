//! Why a read brought no answer. None of these says anything about the device: a reset waits because of one, and is never decided by it.

use std::time::Duration;

use super::selector::Selector;
use crate::graph::{
    auth::SignInError,
    http::{Refusal, TransportError},
};

/// How soon a list of many pages is read again.
const MANY_PAGES_PAUSE: Duration = Duration::from_secs(60);

/// Why a read brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There was no token to ask with.
    #[error("{0}")]
    SignIn(#[from] SignInError),
    /// 401, with a new token too.
    #[error("the token was not accepted: {0}")]
    TokenRejected(Refusal),
    /// 403: a permission or its consent is missing.
    #[error("a permission is missing: {0}")]
    PermissionMissing(Refusal),
    /// Multi Admin Approval.
    #[error("another administrator's approval is asked for: {0}")]
    ApprovalRequired(Refusal),
    /// The tenant has no Intune or no licence for it, or Intune does not let the app in.
    #[error("Intune is not available: {0}")]
    WithoutIntune(Refusal),
    /// 400: Graph does not have a property that was asked for.
    #[error("a property is not there: {0}")]
    UnknownProperty(Refusal),
    /// 429.
    #[error("asked to wait: {refusal}")]
    Throttled {
        /// What `Retry-After` says, at most ten minutes.
        retry_after: Option<Duration>,
        /// The answer.
        refusal: Refusal,
    },
    /// Graph asked for a pause that is not over: nothing was sent.
    #[error("Microsoft Graph asked to wait")]
    Waiting {
        /// How long it still lasts.
        retry_after: Duration,
    },
    /// 5xx, 408, 409, 423, 424: a temporary error.
    #[error("not available: {refusal}")]
    Unavailable {
        /// What `Retry-After` says, at most ten minutes.
        retry_after: Option<Duration>,
        /// The answer.
        refusal: Refusal,
    },
    /// No answer came.
    #[error("Microsoft Graph was not reached: {0}")]
    Unreachable(TransportError),
    /// 3xx, 405, 406, 415, an unknown path: this is not the Graph that the program knows.
    #[error("the address is not right: {0}")]
    WrongAddress(Refusal),
    /// Any other 4xx.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// An answer came and cannot be used.
    #[error("Microsoft Graph's answer cannot be used: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
        /// The answer's `request-id`.
        request_id: Option<String>,
    },
    /// A list has more pages than are read, and those do not decide.
    #[error(
        "the list of devices has more than the {pages} pages that are read, and these do not decide; name the device by its serialNumber or managedDeviceId in a new object"
    )]
    TooManyPages {
        /// How many were read.
        pages: usize,
    },
    /// The selector cannot be asked for: it is empty, too long, or would name every device.
    #[error("{0}")]
    BadSelector(&'static str),
}

impl ReadError {
    /// The answer's `request-id`, if an answer came.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Unreadable { request_id, .. } => request_id.as_deref(),
            other => other.refusal()?.request_id.as_deref(),
        }
    }

    /// The same without the values of `selector`: Graph may repeat what it was asked.
    #[must_use]
    pub fn hiding(self, selector: &Selector) -> Self {
        let hide = |refusal: Refusal| refusal.map_texts(|text| selector.hide(text));
        match self {
            Self::TokenRejected(refusal) => Self::TokenRejected(hide(refusal)),
            Self::PermissionMissing(refusal) => Self::PermissionMissing(hide(refusal)),
            Self::Throttled { retry_after, refusal } => Self::Throttled { retry_after, refusal: hide(refusal) },
            Self::Unavailable { retry_after, refusal } => Self::Unavailable { retry_after, refusal: hide(refusal) },
            Self::ApprovalRequired(refusal) => Self::ApprovalRequired(hide(refusal)),
            Self::WithoutIntune(refusal) => Self::WithoutIntune(hide(refusal)),
            Self::UnknownProperty(refusal) => Self::UnknownProperty(hide(refusal)),
            Self::WrongAddress(refusal) => Self::WrongAddress(hide(refusal)),
            Self::Refused(refusal) => Self::Refused(hide(refusal)),
            // Nothing in these is Graph's own words.
            other @ (Self::SignIn(_)
            | Self::Waiting { .. }
            | Self::Unreachable(_)
            | Self::Unreadable { .. }
            | Self::TooManyPages { .. }
            | Self::BadSelector(_)) => other,
        }
    }

    /// How long to send nothing: what Graph asks for, or what the answer costs.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Waiting { retry_after } => Some(*retry_after),
            Self::TooManyPages { .. } => Some(MANY_PAGES_PAUSE),
            _ => None,
        }
    }

    /// Graph's answer, where it was one that refuses: its status, code and sentence.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::TokenRejected(refusal)
            | Self::PermissionMissing(refusal)
            | Self::ApprovalRequired(refusal)
            | Self::WithoutIntune(refusal)
            | Self::UnknownProperty(refusal)
            | Self::Throttled { refusal, .. }
            | Self::Unavailable { refusal, .. }
            | Self::WrongAddress(refusal)
            | Self::Refused(refusal) => Some(refusal),
            Self::SignIn(_)
            | Self::Waiting { .. }
            | Self::Unreachable(_)
            | Self::Unreadable { .. }
            | Self::TooManyPages { .. }
            | Self::BadSelector(_) => None,
        }
    }
}
