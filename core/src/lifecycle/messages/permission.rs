//! What policies say of a request, with what was sent for it so far. Their own sentences are made in `policy`.

use super::{SoFar, joined};

/// Where the status names no action that this version knows.
pub(in crate::lifecycle) const NO_ACTION: &str = "On hold: another version of the operator wrote into status.support what would be done to the device, and this one does not know the \
     word, so no policy can be asked about it. Nothing is sent. Ask the platform team to run the newer version again.";

pub(in crate::lifecycle) fn held_by_policy(what: &str, so_far: SoFar, next: &str) -> String {
    joined(&[what, so_far.waiting(), next])
}

pub(in crate::lifecycle) fn refused_by_policy(what: &str, so_far: SoFar, next: &str) -> String {
    joined(&[what, so_far.ended(), next])
}

/// What a request that is scheduled, or that is only tried, would wait for.
pub(in crate::lifecycle) fn to_wait_for(what: &str, next: &str) -> String {
    joined(&[what, next])
}
