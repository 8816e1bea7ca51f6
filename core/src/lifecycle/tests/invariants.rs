//! What holds of every decision on any facts: every table test checks it in passing, the properties on arbitrary facts.

use super::facts::{Facts, PLANTED};
use crate::{
    api::{
        conditions::{self, kind, reason},
        reset_status::{AttemptResult, Outcome, PasscodeResetStatus},
    },
    lifecycle::{
        decide::decide,
        ledger::{Progress, progress},
        observed::{Look, Namespace, Reading},
        step::{Decision, Step},
    },
    platform::{Platform, required_ledger_name},
};

/// Verdicts that need no lock: said before a device is known, or what Intune's record says of an entry that answers.
const WITHOUT_A_LOCK: [&str; 10] = [
    reason::NAMESPACE_NOT_ALLOWED,
    reason::DEVICE_NOT_FOUND,
    reason::AMBIGUOUS_DEVICE,
    reason::REQUEST_TIME_TOO_FAR,
    reason::UNKNOWN_FIELD,
    reason::RECENTLY_RESET,
    reason::NOT_SUPPORTED_BY_DEVICE,
    reason::DEVICE_REFUSED,
    reason::CANCELED,
    reason::DEADLINE_EXCEEDED,
];

#[track_caller]
pub(crate) fn check(facts: &Facts, decision: &Decision) {
    let before = facts.object.status.clone().unwrap_or_default();
    if before.outcome.is_some() {
        assert_eq!(decision.step, Step::Stop, "an outcome is the end");
    }
    if decision.step == Step::Stop {
        assert_eq!(decision.status, before, "nothing is written");
        return;
    }
    nothing_goes_back(&before, decision);
    if matches!(decision.step, Step::Wait(_) | Step::Finish | Step::Claim(_) | Step::TryClaim) {
        well_formed(&decision.status, facts.object.metadata.generation);
    }
    assert_eq!(decision.step == Step::Finish, decision.status.outcome.is_some());
    outcome_is_true(facts, decision);
    sends_only_when_allowed(facts, decision);
    says_nothing_about_people(&decision.status);
    again(facts, decision);
}

/// Which conditions there are, and when, as the reference says.
#[track_caller]
pub(crate) fn well_formed(status: &PasscodeResetStatus, generation: Option<i64>) {
    let is = |kind: &str| conditions::is_true(&status.conditions, kind);
    let shown = || serde_json::to_string_pretty(&status.conditions).unwrap();
    let outcome = status.outcome;
    assert_eq!(status.conditions.first().map(|c| c.type_.as_str()), Some(kind::READY), "Ready is first: {}", shown());
    let ready = conditions::get(&status.conditions, kind::READY).map(|ready| ready.status.as_str());
    let expected = match outcome {
        Some(Outcome::Complete) => "True",
        Some(_) => "False",
        None => "Unknown",
    };
    assert_eq!(ready, Some(expected), "{}", shown());
    for (kind, ends_so) in
        [(kind::COMPLETE, Outcome::Complete), (kind::REJECTED, Outcome::Rejected), (kind::FAILED, Outcome::Failed)]
    {
        assert_eq!(is(kind), outcome == Some(ends_so), "{kind}: {}", shown());
    }
    assert_eq!(is(kind::RECONCILING), outcome.is_none(), "{}", shown());
    assert_eq!(is(kind::STALLED), matches!(outcome, Some(Outcome::Rejected | Outcome::Failed)), "{}", shown());
    for only_true in [kind::COMPLETE, kind::REJECTED, kind::FAILED, kind::RECONCILING, kind::STALLED] {
        assert!(conditions::get(&status.conditions, only_true).is_none() || is(only_true), "{only_true}: {}", shown());
    }
    for always in [kind::SUPPORTED, kind::PERMITTED, kind::ISSUED] {
        assert!(conditions::get(&status.conditions, always).is_some(), "{always}: {}", shown());
    }
    assert_eq!(status.completion_time.is_some(), outcome.is_some());
    assert_eq!(status.observed_generation, generation);
    for condition in &status.conditions {
        assert_eq!(condition.observed_generation, generation, "{}", shown());
        assert!(!condition.reason.is_empty() && !condition.message.is_empty(), "{}", shown());
    }
}

#[track_caller]
fn nothing_goes_back(before: &PasscodeResetStatus, decision: &Decision) {
    let after = &decision.status;
    if conditions::is_true(&before.conditions, kind::ISSUED) {
        assert!(conditions::is_true(&after.conditions, kind::ISSUED), "Issued stays True");
    }
    assert!(after.silent_attempts >= before.silent_attempts && after.silent_attempts <= 3, "{}", after.silent_attempts);
    if before.effective.is_some() {
        assert_eq!(after.effective, before.effective, "pinned");
    }
    if let Some(device) = &before.device {
        assert_eq!(after.device.as_ref().map(|d| &d.managed_device_id), Some(&device.managed_device_id), "pinned");
    }
    if let Some(attempt) = &before.attempt
        && !matches!(decision.step, Step::Claim(_) | Step::TryClaim)
    {
        let kept = after.attempt.as_ref().map(|kept| (&kept.id, kept.number, &kept.seen_start_times));
        assert_eq!(
            kept,
            Some((&attempt.id, attempt.number, &attempt.seen_start_times)),
            "only a claim makes an attempt"
        );
        assert_eq!(after.support, before.support, "never evaluated after a claim");
    }
}

/// Rejected says that nothing was carried out for the object; no verdict is given while an attempt of others may still show.
#[track_caller]
fn outcome_is_true(facts: &Facts, decision: &Decision) {
    let status = &decision.status;
    let Some(outcome) = status.outcome else { return };
    let why = status.reason();
    if outcome == Outcome::Rejected && why != reason::NOT_SUPPORTED_BY_DEVICE {
        let nothing_sent = status.attempt.as_ref().is_none_or(|attempt| match attempt.result {
            Some(AttemptResult::NotExecuted) => true,
            Some(AttemptResult::Refused) => {
                let settled = attempt.send_deadline.plus(attempt.settle_window.as_signed()).0;
                why == reason::REFUSED_BY_INTUNE && at(facts).is_some_and(|at| at > settled)
            }
            _ => false,
        });
        assert!(nothing_sent, "Rejected/{why} with {:?}", status.attempt);
    }
    if outcome == Outcome::Rejected {
        assert_eq!(status.silent_attempts, 0, "after silence it is Failed");
        assert!(
            facts.tenant.is_none()
                || facts.not_ready.is_none()
                || status.attempt.is_some()
                || status.device_action.is_some(),
            "held instead"
        );
    }
    if outcome != Outcome::Complete && others_lock_is_open(facts) && status.device_action.is_none() {
        let early = at(facts).is_none_or(|at| at < facts.object.spec.request_time.0);
        let accepted = status.attempt.as_ref().is_some_and(|a| a.result == Some(AttemptResult::Accepted));
        // Without a device there is no lock that it could be about; without a tenant and an attempt another's says nothing of this object.
        let none = status.device.is_none() || facts.tenant.is_none() && status.attempt.is_none();
        let may = early || WITHOUT_A_LOCK.contains(&why) || accepted || none;
        assert!(may, "{outcome:?}/{why} while another's lock is open");
    }
    if outcome == Outcome::Complete {
        assert!(status.device_action.as_ref().is_some_and(|a| a.state.eq_ignore_ascii_case("done")));
        assert!(!facts.object.spec.dry_run || facts.object.status.is_some(), "a dry run is never Complete");
    }
}

#[track_caller]
fn sends_only_when_allowed(facts: &Facts, decision: &Decision) {
    let claiming = match &decision.step {
        Step::Claim(attempt) => {
            let held = facts.held_lock().unwrap();
            assert_eq!((&attempt.id, attempt.send_deadline.0), (&held.attempt_id, held.send_deadline));
            assert!(facts.now.graph.unwrap() <= held.send_deadline, "past the deadline");
            assert!((1..=3).contains(&attempt.number));
            assert_eq!(attempt.number, decision.status.silent_attempts + 1, "counts what may have been carried out");
            assert_eq!(decision.status.attempt.as_ref(), Some(&**attempt));
            true
        }
        Step::TakeLock { send_deadline, .. } => {
            assert!(facts.held_lock().is_none() && !others_lock_is_open(facts));
            assert!(*send_deadline <= decision.status.effective.as_ref().unwrap().expiration_time.0);
            assert!(*send_deadline > facts.now.graph.unwrap());
            false
        }
        _ => return,
    };
    let (spec, tenant, at) = (&facts.object.spec, facts.tenant.as_ref().unwrap(), at(facts).unwrap());
    assert_eq!(decision.status.effective.as_ref().unwrap().tenant_id, tenant.tenant_id, "another Entra tenant");
    assert!(facts.not_ready.is_none() && !tenant.suspend && facts.gate.is_none(), "held back");
    assert!(!spec.dry_run && facts.object.metadata.deletion_timestamp.is_none());
    assert!(at >= spec.request_time.0 && at <= decision.status.effective.as_ref().unwrap().expiration_time.0);
    if let Some(quarantine) = facts.quarantine
        && quarantine.concerns(spec.request_time.0, tenant.timing.send_grace.as_signed())
    {
        assert!(!quarantine.in_force(at), "quarantine");
    }
    assert!(decision.status.support.as_ref().is_some_and(|s| s.supported), "unsupported");
    assert!(nothing_answers(facts, decision, at), "Intune's record answers already");
    assert!(!claiming || facts.held == Some(true), "nobody was asked under the lock");
    assert!(conditions::is_true(&decision.status.conditions, kind::PERMITTED), "not permitted");
    assert_eq!(facts.namespace, Namespace::Allowed);
    if let (true, Some(attempt)) = (claiming, facts.object.status.as_ref().and_then(|s| s.attempt.as_ref())) {
        let settled = attempt.send_deadline.plus(attempt.settle_window.as_signed()).0;
        assert!(attempt.result == Some(AttemptResult::NotExecuted) || at > settled, "the last attempt may still show");
    }
}

/// Which entries answer a request, once more, in other words than the code's.
fn nothing_answers(facts: &Facts, decision: &Decision, at: jiff::Timestamp) -> bool {
    let Some(Reading::Answer { value: Look::Seen { results, .. }, .. }) = &facts.look else { return false };
    let status = &decision.status;
    let platform: Platform = status.device.as_ref().unwrap().platform.parse().unwrap();
    let timeout = status.effective.as_ref().unwrap().completion_timeout.as_signed();
    let timing = &facts.tenant.as_ref().unwrap().timing;
    let margin = timing.clock_error.as_signed() + timing.ledger_clock_error.as_signed();
    let attempt = facts.object.status.as_ref().and_then(|s| s.attempt.as_ref());
    results.iter().filter(|entry| entry.name.eq_ignore_ascii_case(required_ledger_name(platform))).all(|entry| {
        let Some(start) = entry.start else { return true };
        let new = attempt.is_some_and(|attempt| {
            let unseen = attempt.seen_start_times.iter().all(|time| time.0 != start);
            unseen && attempt.claim_time.0.duration_since(start) <= margin
        });
        let finished = progress(&entry.state) != Progress::Unfinished;
        let to_come = !finished && at.duration_since(start) <= timeout;
        let after = finished && facts.object.spec.request_time.0.duration_since(start) <= margin;
        !(new || to_come || after)
    })
}

#[track_caller]
fn says_nothing_about_people(status: &PasscodeResetStatus) {
    let text = serde_json::to_string(status).unwrap();
    assert!(!text.contains(PLANTED), "{text}");
}

/// What was decided is decided again: a status that is written does not bring about the next write.
#[track_caller]
fn again(facts: &Facts, decision: &Decision) {
    if matches!(decision.step, Step::Claim(_) | Step::TryClaim | Step::Observe(_)) {
        return;
    }
    let written = facts.clone().status(|status| *status = decision.status.clone());
    let second = decide(&written.observed(), written.now);
    assert_eq!(second.status, decision.status, "decided again on the same facts");
    let step = if decision.step == Step::Finish { &Step::Stop } else { &decision.step };
    assert_eq!(&second.step, step);
}

fn others_lock_is_open(facts: &Facts) -> bool {
    let own = facts.object.status.as_ref().and_then(|s| s.attempt.as_ref()).map(|attempt| attempt.id.as_str());
    let held = facts.held_lock().map(|held| held.attempt_id.as_str());
    let lock = facts.lock.as_ref().and_then(Option::as_ref);
    lock.is_some_and(|lock| {
        let id = Some(lock.attempt_id.as_str());
        id != own && id != held && at(facts).is_some_and(|at| lock.is_open(at))
    })
}

/// The time of the latest reading.
fn at(facts: &Facts) -> Option<jiff::Timestamp> {
    match (&facts.look, &facts.found) {
        (Some(Reading::Answer { at, .. }), _) | (_, Some(Reading::Answer { at, .. })) => Some(*at),
        _ => None,
    }
}
