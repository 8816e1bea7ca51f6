//! The reasons of a PasscodeResetPolicy.

use super::{
    Place::Policy,
    Reason,
    Who::{Nobody, Platform},
};
use crate::api::conditions::{Truth, reason as word};

pub(super) const ALL: &[Reason] = &[
    Reason::new(
        Policy,
        Some(Truth::True),
        word::READY,
        Nobody,
        "The policy is in use. The message notes what is odd about it, such as a rule that no request can reach.",
        "",
    ),
    Reason::new(
        Policy,
        Some(Truth::False),
        word::INVALID_POLICY,
        Platform,
        "The policy cannot be used as written. Until that is fixed, every request that it may be about is held (`PolicyNotReady`).",
        "What the message says, at the place that it names.",
    ),
];
