//! The question whether admission control lets the claim pass.

use std::ops::ControlFlow::{self, Break, Continue};

use super::{
    claim::{Seen, attempt, send_deadline},
    draft::Draft,
    holds::MOMENT,
    messages,
    observed::Admission,
    polling::positive,
    step::Step,
};
use crate::api::conditions::{Truth, kind, reason};

/// What admission control said of the claim, where it said something. What it held is tried, without the lock, before that is taken.
pub(super) fn admitted(d: &mut Draft<'_>, look: &Seen<'_>) -> ControlFlow<Step> {
    let refused = match d.o.admission {
        _ if d.o.device_lease.held().is_some() => return Continue(()),
        Admission::Admitted => return Continue(()),
        Admission::NotTried if d.waited_for().as_deref() != Some(reason::HELD_BY_ADMISSION) => return Continue(()),
        Admission::NotTried => None,
        // A verdict stands, also where it could not be written at first.
        Admission::Refused { refusal, again_after } => {
            Some((refusal, again_after)).filter(|_| refusal.is_a_verdict() || !again_after.is_zero())
        }
    };
    let Some((refusal, again_after)) = refused else { return Break(try_claim(d, look)) };
    if refusal.is_a_verdict() {
        let message = messages::denied_by_admission(&refusal.denial, d.so_far());
        d.set(kind::PERMITTED, Truth::False, reason::DENIED_BY_ADMISSION, &message);
        return Break(d.reject(reason::DENIED_BY_ADMISSION, &message));
    }
    let message = messages::held_by_admission(refusal, d.so_far(), d.expiration());
    d.set(kind::PERMITTED, Truth::Unknown, reason::HELD_BY_ADMISSION, &message);
    let wait = again_after.min(positive(look.at, d.expiration().0) + MOMENT);
    Break(d.hold(reason::HELD_BY_ADMISSION, &message, wait))
}

/// The claim as it would be made. It is never stored, so the object's uid serves as its id.
fn try_claim(d: &mut Draft<'_>, look: &Seen<'_>) -> Step {
    let (Some((now, deadline)), Some(id)) = (send_deadline(d), d.o.object.metadata.uid.clone()) else {
        return d.a_moment(MOMENT);
    };
    match attempt(d, look, id, deadline, now) {
        Some(_) => Step::TryClaim,
        None => d.a_moment(MOMENT),
    }
}
