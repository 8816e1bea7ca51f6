//! Which changes of a status are worth an event: at most one for the issue, one for the outcome; where the outcome follows at once, that alone.

use crate::api::{
    conditions::{self, kind, reason},
    reset_status::PasscodeResetStatus,
};

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether it is a Warning.
    pub warning: bool,
    /// The condition's reason.
    pub reason: String,
    /// The condition and its message. The issue and the outcome mostly share their reason, and people see no more than reason and note.
    pub note: String,
}

/// What a change from one status to another announces.
#[must_use]
pub fn announced(old: &PasscodeResetStatus, new: &PasscodeResetStatus) -> Option<Announcement> {
    let moved = |kind: &&str| !conditions::is_true(&old.conditions, kind) && conditions::is_true(&new.conditions, kind);
    // Both at once: the outcome is what people need.
    let kind = [kind::COMPLETE, kind::REJECTED, kind::FAILED, kind::ISSUED].into_iter().find(moved)?;
    let condition = conditions::get(&new.conditions, kind)?;
    let warning = [kind::REJECTED, kind::FAILED].contains(&kind);
    Some(Announcement { warning, reason: condition.reason.clone(), note: format!("{kind}: {}", condition.message) })
}

/// What a claim announces for which a policy was overridden.
#[must_use]
pub fn overridden(claimed: &PasscodeResetStatus) -> Option<Announcement> {
    let permitted = conditions::get(&claimed.conditions, kind::PERMITTED)?;
    (permitted.reason == reason::OVERRIDDEN).then(|| Announcement {
        warning: true,
        reason: permitted.reason.clone(),
        note: format!("{}: {}", kind::PERMITTED, permitted.message),
    })
}

/// What is published at the end of a pass, and what is left for the next one's: an issue waits for one pass more, since the outcome may be there by
/// then. `earlier` was left by the pass before, `changed` is what this one's changes announce, and `finished` is whether the object is.
#[must_use]
pub fn published(
    earlier: Option<Announcement>,
    changed: Option<Announcement>,
    finished: bool,
) -> (Option<Announcement>, Option<Announcement>) {
    match (earlier, changed) {
        (earlier, changed) if finished => (changed.or(earlier), None),
        (None, changed) => (None, changed),
        (earlier, _) => (earlier, None),
    }
}

/// Whether two statuses say the same, but for times that move by themselves.
#[must_use]
pub fn says_the_same(old: &PasscodeResetStatus, new: &PasscodeResetStatus) -> bool {
    old == new || without_moving_times(old) == without_moving_times(new)
}

fn without_moving_times(status: &PasscodeResetStatus) -> PasscodeResetStatus {
    let mut status = status.clone();
    if let Some(action) = status.device_action.as_mut() {
        action.last_update_time = None;
    }
    if let Some(device) = status.device.as_mut() {
        device.last_sync_time = None;
    }
    status
}
