//! Whether what the matrix offers for a device is what was asked for.

use super::messages;
use crate::api::{conditions::reason, matrix::MatrixAction, reset::RequestedAction};

/// The verdict that what was asked for is not what the device offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRefused {
    /// The condition's reason.
    pub reason: String,
    /// The condition's message.
    pub message: String,
}

/// The refusal of an action, if it is refused: `offered` is what the matrix gives, none where Intune can do nothing, for
/// this reason and with this guidance.
#[must_use]
pub fn refusal(
    requested: RequestedAction,
    offered: Option<MatrixAction>,
    reason: &str,
    guidance: &str,
) -> Option<ActionRefused> {
    let (reason, message) = match offered {
        None => (reason, messages::unsupported(guidance)),
        Some(offered) if requested.accepts(offered) => return None,
        Some(_) if requested == RequestedAction::UnlockDevice => {
            (reason::WORK_PROFILE_ONLY, messages::WORK_PROFILE_ONLY.to_owned())
        }
        Some(offered) => (reason::ACTION_NOT_OFFERED, messages::not_offered(requested, offered)),
    };
    Some(ActionRefused { reason: reason.to_owned(), message })
}
