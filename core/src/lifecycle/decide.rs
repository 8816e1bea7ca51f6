//! The machine: ordered questions, the first that has something to say decides.
//!
//! Each question either passes or answers with the step to take. Nothing below a question is looked at before it has passed,
//! so a reader can follow a request from top to bottom of [`questions`].

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::{SignedDuration, Timestamp};

use super::{
    admitted::admitted,
    attempts::{not_refused, own_attempt_is_settled, silence_is_not_the_end},
    claim::{Seen, claim, send_deadline},
    device::{device_is_known, facts_are_of_today},
    draft::Draft,
    holds::{MOMENT, ON_EVENT, not_expired, supported, tenant_is_ready, unreadable},
    ledger, messages,
    observed::{LeaseView, Look, Namespace, Now, Observed, Reading, UnconfirmedKind},
    permitted::{permitted, permitted_early},
    polling::positive,
    step::{Decision, Fact, Step},
};
use crate::api::{Time, conditions::reason, reset::PasscodeReset, time::saturating_add};

/// How far ahead a request may be scheduled, from the object's creation.
pub const FARTHEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often a device lock of another object is looked at.
const BUSY: std::time::Duration = std::time::Duration::from_secs(10);
/// How late the `Date` of an answer and a desk's clock are to each other in the best of cases: a request of this very moment is
/// not worth the word Scheduled.
const JUST_NOW: std::time::Duration = std::time::Duration::from_secs(5);

/// Whether nothing will ever be done about an object any more: it has an outcome, or is being deleted. [`decide`] says no more than that of
/// such an object, and copies its status to say it.
#[must_use]
pub fn is_over(object: &PasscodeReset) -> bool {
    let finished = object.status.as_ref().is_some_and(|status| status.outcome.is_some());
    // Deletion before the claim cancels; after it there is nothing to write to.
    finished || object.metadata.deletion_timestamp.is_some()
}

/// Decides: a function of what was observed and of the time, and of nothing else.
#[must_use]
pub fn decide(observed: &Observed<'_>, now: Now) -> Decision {
    let mut draft = Draft::new(*observed, now);
    let step = match questions(&mut draft) {
        Break(step) | Continue(step) => step,
    };
    draft.into_decision(step)
}

/// The whole machine, in order.
fn questions(d: &mut Draft<'_>) -> ControlFlow<Step, Step> {
    over(d)?;
    entra_tenant_is_the_same(d)?;
    if !d.in_flight() {
        tenant_is_ready(d)?;
        request_time_is_near(d)?;
        nothing_was_dropped(d)?;
        namespace_is_allowed(d)?;
        device_is_known(d)?;
        d.judge_support();
        scheduled_for_later(d)?;
    }
    lock_is_read(d)?;
    authority_is_read(d)?;
    let look = look_is_made(d)?;
    answered_by_the_ledger(d, &look)?;
    own_attempt_is_settled(d, look.at)?;
    lock_is_free(d, look.at)?;
    no_earlier_reset_answers(d, look.at)?;
    silence_is_not_the_end(d, look.at)?;
    not_refused(d, &look)?;
    supported(d)?;
    enrolled_before_the_request(d, &look)?;
    not_expired(d, look.at)?;
    due(d, look.at)?;
    permitted(d, look.at)?;
    not_a_dry_run(d, look.at)?;
    nothing_holds_it_back(d, look.at)?;
    facts_are_of_today(d)?;
    admitted(d, &look)?;
    lock_is_held(d)?;
    claim(d, &look)
}

fn over(d: &Draft<'_>) -> ControlFlow<Step> {
    if is_over(d.o.object) { Break(Step::Stop) } else { Continue(()) }
}

/// An IntuneTenant that was deleted and created again may name another Entra tenant, where this device is somebody else's or
/// nobody's.
fn entra_tenant_is_the_same(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let (Some(tenant), Some(effective)) = (d.o.tenant, &d.status.effective) else { return Continue(()) };
    if effective.tenant_id.eq_ignore_ascii_case(&tenant.spec.tenant_id) {
        return Continue(());
    }
    let message = messages::another_entra_tenant(&d.o.object.spec.tenant_ref.name, &effective.tenant_id);
    Break(d.hold(reason::TENANT_NOT_READY, &message, ON_EVENT))
}

fn request_time_is_near(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let Some(created) = d.o.object.metadata.creation_timestamp.as_ref() else { return Continue(()) };
    let latest = saturating_add(created.0, FARTHEST);
    if d.request_time() > latest {
        return Break(d.reject(reason::REQUEST_TIME_TOO_FAR, &messages::too_far(Time(latest))));
    }
    Continue(())
}

/// The API server drops a field that it does not know unless the client asks for strict validation, and what is left may mean something else:
/// without a misspelt `dryRun` it is a reset. What the requester wrote can only keep it from being sent.
fn nothing_was_dropped(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let dropped = d.o.object.dropped_fields();
    if dropped.is_empty() {
        return Continue(());
    }
    let message = messages::dropped(&dropped, d.so_far());
    Break(d.reject(reason::UNKNOWN_FIELD, &message))
}

/// Before any look-up: the status must not tell what devices other people have.
fn namespace_is_allowed(d: &mut Draft<'_>) -> ControlFlow<Step> {
    match d.o.namespace {
        Namespace::Allowed => Continue(()),
        Namespace::DeniedByCache => Break(Step::Observe(Fact::Namespace)),
        Namespace::Denied { at } => Break(match d.confirm(UnconfirmedKind::NamespaceNotAllowed, at) {
            Some(wait) => d.hold(reason::LOOKING_UP, &messages::namespace_in_doubt(d.so_far()), wait),
            None => {
                let message = messages::namespace_not_allowed(d.o.object, d.so_far());
                d.reject(reason::NAMESPACE_NOT_ALLOWED, &message)
            }
        }),
    }
}

/// A scheduled request is judged early, so that a Mac is refused today and not on the day.
fn scheduled_for_later(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let at = match (d.o.found, d.now.graph) {
        (Some(Reading::Answer { at, .. }), _) => *at,
        (_, Some(now)) => now,
        // A guess says when to look again and decides nothing.
        _ => return due(d, d.now.estimate),
    };
    if positive(at, d.request_time()) <= JUST_NOW {
        return Continue(());
    }
    supported(d)?;
    permitted_early(d)?;
    not_a_dry_run(d, at)?;
    due(d, at)
}

/// The lock is read before the look, so that what another attempt did is either settled or seen to be open.
fn lock_is_read(d: &Draft<'_>) -> ControlFlow<Step> {
    let to_read = d.o.device_lease == LeaseView::NotRead && !d.following();
    if to_read { Break(Step::Observe(Fact::Lock)) } else { Continue(()) }
}

/// What was known when the pass began may be minutes old. The look comes after this: in this order nothing is sent later than 30 s after
/// `suspend` was stored, and a look made before the other cluster was suspended is never acted on.
fn authority_is_read(d: &mut Draft<'_>) -> ControlFlow<Step> {
    match d.o.device_lease {
        LeaseView::Held { authority_is_read: true, .. } => {
            may_be_sent(d)?;
            permitted(d, d.now.graph.unwrap_or(d.now.estimate))
        }
        LeaseView::Held { .. } => Break(Step::Observe(Fact::Authority)),
        LeaseView::NotRead | LeaseView::Unreadable(_) | LeaseView::Read { .. } => Continue(()),
    }
}

fn look_is_made<'a>(d: &mut Draft<'a>) -> ControlFlow<Step, Seen<'a>> {
    match d.o.look {
        None => Break(Step::Observe(Fact::Look)),
        Some(Reading::CouldNotTell(why)) => Break(unreadable(d, why)),
        Some(Reading::Answer { value: Look::Gone, at }) => Break(gone(d, *at)),
        Some(Reading::Answer { value: Look::Seen { results, enrolled, last_sync }, at }) => {
            Continue(Seen { at: *at, results, enrolled: *enrolled, last_sync: *last_sync })
        }
    }
}

/// A device that is gone answers nothing any more: what may have been sent is lost with it.
fn gone(d: &mut Draft<'_>, at: Timestamp) -> Step {
    if let Some(wait) = d.confirm(UnconfirmedKind::DeviceGone, at) {
        return d.keep_waiting(reason::LOOKING_UP, messages::DEVICE_GONE_YET, wait);
    }
    let own = d.status.attempt.as_ref().is_some_and(|attempt| d.lock_is_of(&attempt.id));
    if !own
        && !d.following()
        && let Break(busy) = lock_is_free(d, at)
    {
        return busy;
    }
    if d.may_happen() {
        let message = messages::device_gone_after(d.last_answer());
        return d.fail(reason::DEVICE_GONE, &message);
    }
    d.reject(reason::DEVICE_GONE, messages::DEVICE_GONE_BEFORE)
}

/// An entry that answers is adopted and followed, lock open or not; a recent reset forbids another.
fn answered_by_the_ledger(d: &mut Draft<'_>, look: &Seen<'_>) -> ControlFlow<Step> {
    // What was sent is followed in any case. An object that sent nothing asks from requestTime on, by the look's own clock, and
    // about a work profile only where that is what it wants.
    if !d.in_flight() && (look.at < d.request_time() || d.work_profile_not_asked_for()) {
        return Continue(());
    }
    let attempt = d.status.attempt.clone();
    let question = d.question(attempt.as_ref());
    if !d.o.object.spec.dry_run
        && let Some((entry, start)) = ledger::answering(&question, look.results, look.at)
    {
        return Break(d.follow(entry, start, look.last_sync, look.at));
    }
    let Some(tenant) = d.o.tenant else { return Continue(()) };
    if d.status.attempt.is_none()
        && d.status.device_action.is_none()
        && d.earlier_reset().is_none()
        && let Some(start) = ledger::recently_done(&question, look.results, tenant.spec.min_interval.as_signed())
    {
        if d.lock_is_own() || matches!(d.o.device_lease, LeaseView::Unreadable(_)) {
            // Taken for an attempt that the object does not know of: a restore may have taken back what was sent under it.
            lock_is_free(d, look.at)?;
        }
        let again = messages::recently_reset(start, start.plus(tenant.spec.min_interval.as_signed()));
        return Break(d.reject(reason::RECENTLY_RESET, &again));
    }
    Continue(())
}

/// The attempts of all others: while a lock is open there is neither a request nor a negative outcome.
fn lock_is_free(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    match d.o.device_lease {
        LeaseView::Unreadable(why) => {
            let word = if d.may_have_been_sent() { reason::VERIFYING_OUTCOME } else { reason::DEVICE_BUSY };
            Break(d.hold(word, &messages::unreadable_lock(why), ON_EVENT))
        }
        LeaseView::Read { lock: Some(lock), .. } if lock.is_open(at) => {
            let message = messages::device_busy(Time(lock.settled()));
            let wait = BUSY.min(positive(at, lock.settled()) + MOMENT);
            Break(d.hold(reason::DEVICE_BUSY, &message, wait))
        }
        LeaseView::NotRead | LeaseView::Read { .. } | LeaseView::Held { .. } => Continue(()),
    }
}

/// Intune's record may lose an entry. A reset that was accepted or seen, and that answers this request, is not sent again for that.
fn no_earlier_reset_answers(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    if !d.in_flight() && at < d.request_time() {
        return Continue(());
    }
    match d.earlier_reset() {
        Some(earlier) => Break(d.wait_for_earlier_reset(earlier, at)),
        None => Continue(()),
    }
}

/// A device enrolled since has a new passcode, and a new record too. A new record is silent about what the old one may
/// have had, so after an attempt without a trace even an enrolment counts that only the clocks may have put before the request.
fn enrolled_before_the_request(d: &mut Draft<'_>, look: &Seen<'_>) -> ControlFlow<Step> {
    let Some(enrolled) = look.enrolled else { return Continue(()) };
    let since = enrolled > d.request_time();
    let perhaps = d.status.silent_attempts > 0 && enrolled >= saturating_add(d.request_time(), -d.margin());
    if since || perhaps {
        let message = messages::enrolled_after(Time(enrolled), since, d.so_far());
        return Break(d.reject(reason::ENROLLED_AFTER_REQUEST, &message));
    }
    Continue(())
}

fn due(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    let requested = d.request_time();
    if at >= requested {
        return Continue(());
    }
    let wait = positive(at, requested) + MOMENT;
    if wait <= JUST_NOW {
        return Break(d.a_moment(wait));
    }
    let message = messages::scheduled(Time(requested), d.to_wait_for.as_deref());
    Break(d.hold(reason::SCHEDULED, &message, wait))
}

fn not_a_dry_run(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    if !d.o.object.spec.dry_run {
        return Continue(());
    }
    let message = messages::dry_run(d.status.support.as_ref(), d.request_time() > at, d.to_wait_for.as_deref());
    Break(d.reject(reason::DRY_RUN, &message))
}

/// What holds an attempt back without saying anything about the request.
fn nothing_holds_it_back(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    if let Some(held) = d.held_by_quarantine(at) {
        return Break(held);
    }
    may_be_sent(d)?;
    match d.o.gate {
        Some(gate) => {
            let wait = gate.retry_after.min(positive(at, d.expiration().0) + MOMENT);
            Break(d.hold(reason::LIMIT_REACHED, &d.limit_reached(gate, at), wait))
        }
        None => tenant_takes_resets(d, at),
    }
}

/// Whether the tenant and the namespace permit a request now. An object with an attempt was not asked before: what was sent is followed in
/// any case, and another attempt needs the same permission as the first.
fn may_be_sent(d: &mut Draft<'_>) -> ControlFlow<Step> {
    tenant_is_ready(d)?;
    namespace_is_allowed(d)?;
    if d.o.tenant.is_some_and(|tenant| tenant.spec.suspend) {
        let message = messages::suspended(&d.o.object.spec.tenant_ref.name, d.so_far(), d.expiration());
        return Break(d.hold(reason::SUSPENDED, &message, ON_EVENT));
    }
    Continue(())
}

/// Asked last: whoever gets here would send, and may be the one that finds out that the trouble is over.
fn tenant_takes_resets(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    let Some(closed) = d.o.closed else { return Continue(()) };
    let message = d.tenant_not_ready(&closed.not_ready);
    let wait = closed.retry_after.min(positive(at, d.expiration().0) + MOMENT);
    Break(d.hold(reason::TENANT_NOT_READY, &message, wait))
}

/// The lock. Taking it changes what is known, so the machine starts over with it in hand.
fn lock_is_held(d: &mut Draft<'_>) -> ControlFlow<Step> {
    if d.o.device_lease.held().is_some() {
        return Continue(());
    }
    let (Some((_, send_deadline)), Some(tenant)) = (send_deadline(d), d.o.tenant) else {
        return Break(d.a_moment(MOMENT));
    };
    Break(Step::TakeLock { send_deadline, settle_window: tenant.spec.timing.settle_window().as_std() })
}
