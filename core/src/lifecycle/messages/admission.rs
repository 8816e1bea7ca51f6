//! What admission control (a policy or a webhook of the cluster) refuses or holds back.

use super::{SoFar, ended, joined, second};
use crate::{
    api::Time,
    lifecycle::admission::{AttemptDenial, Denial, DenialKind, DeniedWrite},
};

/// The API server reports the first of several policies only.
const ONLY_THE_FIRST: &str = "Only the first policy that refuses is reported; there may be others.";

pub(in crate::lifecycle) fn denied_by_admission(denial: &Denial, so_far: SoFar) -> String {
    joined(&[
        &format!("Refused: {} denied it: {}", denial.by, ended(&denial.sentence)),
        so_far.ended(),
        ONLY_THE_FIRST,
        "Still needed? Settle that with whoever maintains the policy, then create a new PasscodeReset with requestTime now.",
    ])
}

pub(in crate::lifecycle) fn held_by_admission(refusal: &AttemptDenial, so_far: SoFar, expiration: Time) -> String {
    let Denial { by, sentence, kind } = &refusal.denial;
    let what = match refusal.of {
        DeniedWrite::Claim => "this reset",
        DeniedWrite::Lock => "the Lease that keeps two resets of one device apart",
    };
    let why = match kind {
        DenialKind::Denied | DenialKind::NotNow => {
            format!("{by} holds {what} back: {} {ONLY_THE_FIRST}", ended(sentence))
        }
        DenialKind::PolicyBroken => {
            format!(
                "{by} cannot be evaluated, so it denies {what}: {} Whoever maintains it has to fix it.",
                ended(sentence)
            )
        }
        DenialKind::Unavailable => {
            format!(
                "{by} has to agree to {what} and could not be asked: it is down, slow, or answers nonsense. Ask whoever runs it."
            )
        }
        DenialKind::Altered => {
            format!(
                "{by} changes {what} on the way to the API server: {} Whoever maintains it has to exempt it.",
                ended(sentence)
            )
        }
    };
    let until = format!("It is tried again by itself, until {}.", second(expiration));
    joined(&[&format!("On hold: {why}"), so_far.waiting(), &until])
}
