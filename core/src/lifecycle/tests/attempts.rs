//! The object's own attempt, the lock of another, and silence.

use std::time::Duration;

use super::{
    devices::{entry, mac},
    facts::{DEADLINE, EXPIRES, Facts, SETTLED, message, t},
};
use crate::{
    api::{
        Time,
        conditions::{self, Truth, kind, reason},
        reset_status::{AttemptResult, AttemptResult::*, Outcome},
        tenant::UnknownOutcome,
    },
    lifecycle::{
        observed::{Namespace, UnconfirmedKind},
        step::{Lesson, Step},
    },
};

/// An attempt without known result, settled, nothing answering, its lock over.
fn silent() -> Facts {
    Facts::attempted(Some(Unknown)).at(SETTLED + 1)
}

#[test]
fn without_a_known_result_it_waits_until_the_attempt_is_sure_to_show() {
    for result in [None, Some(Unknown)] {
        let facts = Facts::attempted(result);
        for at in [1, DEADLINE, SETTLED - 1, SETTLED] {
            let (_, message) = facts.clone().at(at).waits("VerifyingOutcome");
            assert!(message.contains("2026-11-22T09:05:10Z") && message.contains("not sent again"), "{message}");
        }
        assert_eq!(facts.clone().at(SETTLED).waits("VerifyingOutcome").0, Duration::from_secs(1));
        assert_eq!(facts.clone().at(5).waits("VerifyingOutcome").0, Duration::from_secs(2), "young");
        assert_eq!(facts.clone().at(SETTLED).decide().status.silent_attempts, 0);
        facts.at(SETTLED + 1).takes_the_lock();
    }
}

#[test]
fn the_windows_of_the_claim_count_not_the_tenants_of_today() {
    let edited = |facts: Facts| facts.tenant(|tenant| tenant.timing.send_grace = "1s".parse().unwrap());
    edited(Facts::attempted(None)).at(SETTLED).waits("VerifyingOutcome");
    edited(Facts::new().locked_by_another(DEADLINE)).at(SETTLED).waits("DeviceBusy");
}

#[test]
fn accepted_and_not_listed_yet() {
    let facts = Facts::attempted(Some(Accepted));
    let facts = facts.status(|s| s.attempt.as_mut().unwrap().request_id = Some("rq-1".into()));
    let (_, message) = facts.clone().at(60).waits("WaitingForDevice");
    assert!(message.contains("request id rq-1") && message.contains("not sent again"), "{message}");
    assert_eq!(facts.clone().at(SETTLED).decide().lesson, None);
    assert_eq!(facts.clone().at(SETTLED + 1).decide().lesson, Some(Lesson::EntryMissing));
    facts.clone().at(SETTLED + 1).waits("WaitingForDevice");
    facts.clone().at(SETTLED + 1).locked_by_another(SETTLED).waits("WaitingForDevice");
    assert_eq!(facts.at(EXPIRES + 1).decide().status.outcome, None, "the expiry is not the device's deadline");
}

#[test]
fn what_was_not_executed_gives_its_lock_back_and_goes_on() {
    let facts = Facts::attempted(Some(NotExecuted)).at(2);
    assert_eq!(facts.decide().step, Step::ReleaseLock);
    facts.clone().no_lock().takes_the_lock();
    facts.clone().locked_by_another(DEADLINE).waits("DeviceBusy");
    facts.clone().no_lock().gate().waits("LimitReached");
    assert_eq!(facts.no_lock().decide().status.silent_attempts, 0, "it counts as no attempt");
    let late = Facts::attempted(Some(NotExecuted)).no_lock().at(EXPIRES + 1);
    late.rejected("Expired");
    Facts::attempted(Some(NotExecuted)).no_lock().enrolled(1).rejected("EnrolledAfterRequest");
}

#[test]
fn the_matrix_is_not_asked_again_after_a_claim() {
    let facts = Facts::attempted(Some(NotExecuted)).no_lock();
    facts.device(mac()).takes_the_lock();
}

/// Refused, as it was recorded.
fn refused() -> Facts {
    Facts::attempted(Some(Refused)).status(|status| {
        let (message, now) = ("Microsoft Graph refused it with 400 (request id rq-1).", super::facts::t(2));
        conditions::set(
            &mut status.conditions,
            kind::ISSUED,
            Truth::Unknown,
            reason::REFUSED_BY_INTUNE,
            message,
            Some(1),
            now,
        );
    })
}

#[test]
fn what_was_refused_is_looked_for_until_it_is_sure_to_show() {
    for at in [2, DEADLINE, SETTLED] {
        let (_, message) = refused().at(at).waits("VerifyingOutcome");
        assert!(message.contains("refused it with 400") && message.contains("2026-11-22T09:05:10Z"), "{message}");
        // Nothing else is a verdict before that.
        refused().enrolled(1).at(at).waits("VerifyingOutcome");
        refused().no_lock().at(at).waits("VerifyingOutcome");
        refused().tenant(|tenant| tenant.unknown_outcome = UnknownOutcome::Fail).at(at).waits("VerifyingOutcome");
    }
    let expiring = refused().status(|s| s.effective.as_mut().unwrap().expiration_time = Time(super::facts::t(60)));
    expiring.at(61).waits("VerifyingOutcome");
    // What shows is its own, as after an answer that tells nothing.
    let shows = |state: &str| refused().sees(vec![entry(state, 1)]).at(20);
    shows("done").ends(Outcome::Complete, "PasscodeRemoved");
    shows("pending").waits("WaitingForDevice");
    shows("failed").failed("DeviceRefused");
}

#[test]
fn what_was_refused_and_does_not_show_was_not_carried_out() {
    let settled = refused().at(SETTLED + 1);
    let message = settled.rejected("RefusedByIntune");
    assert!(message.contains("request id rq-1") && message.contains("shows no reset"), "{message}");
    assert_eq!(settled.decide().status.silent_attempts, 0, "it counts as no attempt");
    settled.clone().at(EXPIRES + 1).rejected("RefusedByIntune");
    settled.clone().not_ready().rejected("RefusedByIntune");
    Facts { ledger_readable: None, ..settled.clone() }.rejected("RefusedByIntune");
    // Somebody else's attempt may still show, and would answer.
    settled.clone().locked_by_another(SETTLED).waits("DeviceBusy");
    settled.clone().quarantine(0, 2 * SETTLED).waits("Quarantine");
    settled.no_tenant().waits("TenantNotReady");
}

#[test]
fn a_refusal_is_not_believed_where_the_record_proves_nothing() {
    let settled = refused().at(SETTLED + 1);
    let in_doubt = |facts: Facts, why: &str| {
        let message = facts.failed("OutcomeUnknown");
        assert!(message.starts_with("Microsoft Graph refused it with 400 (request id rq-1). "), "{message}");
        assert!(message.contains(why) && message.contains("Ask the person"), "{message}");
    };
    in_doubt(Facts { ledger_readable: Some(false), ..settled.clone() }, "LedgerReadable");
    in_doubt(settled.clone().silent_before(1), "an earlier request");
    // Claimed a second after requestTime, by a clock that may be 5 s wrong, and Intune's may be 2 min behind Graph's.
    for seconds in [1, 0, -124] {
        in_doubt(settled.clone().enrolled(seconds).at(SETTLED + 1), "enrolled since");
    }
    settled.enrolled(-125).at(SETTLED + 1).rejected("RefusedByIntune");
}

#[test]
fn what_was_refused_and_is_gone_is_not_known() {
    let gone = refused().gone().at(40).doubted(UnconfirmedKind::DeviceGone, 10);
    let message = gone.failed("DeviceGone");
    assert!(message.starts_with("Microsoft Graph refused it with 400") && message.contains("unknown"), "{message}");
    gone.at(SETTLED + 1).failed("DeviceGone");
}

#[test]
fn the_lock_of_another_is_waited_for_up_to_its_bound() {
    let busy = Facts::new().locked_by_another(DEADLINE);
    for at in [0, DEADLINE, SETTLED] {
        let (_, message) = busy.clone().at(at).waits("DeviceBusy");
        assert!(message.contains("at the latest until 2026-11-22T09:05:10Z"), "{message}");
    }
    assert_eq!(busy.clone().waits("DeviceBusy").0, Duration::from_secs(10));
    assert_eq!(busy.clone().at(SETTLED).waits("DeviceBusy").0, Duration::from_secs(1));
    busy.at(SETTLED + 1).takes_the_lock();
    // Neither a request nor a negative outcome.
    for facts in [
        Facts::new().device(mac()),
        Facts::new().enrolled(1),
        Facts::new().at(EXPIRES + 1),
        silent().tenant(|tenant| tenant.unknown_outcome = UnknownOutcome::Fail),
    ] {
        assert_ne!(facts.decide().status.outcome, None);
        facts.locked_by_another(EXPIRES).waits("DeviceBusy");
    }
}

#[test]
fn while_something_may_have_been_sent_no_message_denies_it() {
    let (again, denied) = (silent(), Namespace::Denied { at: t(SETTLED + 1) });
    for facts in [
        again.clone().locked_by_another(SETTLED),
        again.clone().tenant(|tenant| tenant.suspend = true),
        again.clone().not_ready(),
        again.clone().quarantine(0, 2 * SETTLED),
        again.clone().gate(),
        again.clone().no_tenant(),
        again.clone().enrolled(1),
        again.clone().namespace(denied),
        again.clone().namespace(denied).doubted(UnconfirmedKind::NamespaceNotAllowed, SETTLED - 29),
        again.at(EXPIRES + 1),
    ] {
        let message = message(&facts.decide().status);
        assert!(!message.is_empty() && !message.to_lowercase().contains("nothing was sent"), "{message}");
    }
}

#[test]
fn silence_is_counted_once() {
    let decision = silent().decide();
    assert!(matches!(decision.step, Step::TakeLock { .. }), "{:?}", decision.step);
    assert_eq!(decision.status.silent_attempts, 1);
    assert_eq!(decision.status.attempt.as_ref().unwrap().result, Some(Unknown));
    let counted = silent().status(|s| *s = decision.status);
    assert_eq!(counted.decide().status.silent_attempts, 1);
    let unnumbered = silent().status(|s| s.attempt.as_mut().unwrap().number = 0);
    assert_eq!(unnumbered.decide().status.silent_attempts, 1, "a status that somebody else wrote");
    let crashed = Facts::attempted(None).at(SETTLED + 1).decide().status;
    assert_eq!((crashed.silent_attempts, crashed.attempt.unwrap().result), (1, Some(Unknown)));
}

#[test]
fn silence_is_the_end_where_another_attempt_would_prove_nothing() {
    silent().takes_the_lock();
    let message = silent().tenant(|tenant| tenant.unknown_outcome = UnknownOutcome::Fail).failed("OutcomeUnknown");
    assert!(!message.contains("Not decided yet"), "no answer was recorded: {message}");
    Facts { ledger_readable: None, ..silent() }.failed("OutcomeUnknown");
    silent().silent_before(1).takes_the_lock();
    assert_eq!(silent().silent_before(1).decide().status.silent_attempts, 2);
    let third = silent().silent_before(2);
    third.failed("OutcomeUnknown");
    assert_eq!(third.decide().status.silent_attempts, 3);
    silent().at(EXPIRES).graph_time(EXPIRES - 1).takes_the_lock();
    let message = silent().at(EXPIRES + 1).failed("OutcomeUnknown");
    assert!(message.contains("requestTime now") && message.contains("Intune admin center"), "{message}");
}

#[test]
fn an_entry_that_answers_late_is_better_than_silence() {
    let late = |state: &str| silent().silent_before(2).sees(vec![entry(state, 5)]).at(SETTLED + 1);
    late("done").ends(Outcome::Complete, "PasscodeRemoved");
    late("pending").waits("WaitingForDevice");
    late("failed").failed("DeviceRefused");
}

#[test]
fn after_silence_whatever_would_be_rejected_is_failed() {
    let verdicts: [(&str, Facts); 3] = [
        ("enrolled", silent().enrolled(1).at(SETTLED + 1)),
        ("expired", Facts::attempted(Some(NotExecuted)).silent_before(1).no_lock().at(EXPIRES + 1)),
        ("not supported", Facts::attempted(None).silent_before(1).sees(vec![entry("notSupported", 5)]).at(60)),
    ];
    for (name, facts) in verdicts {
        let message = facts.failed("OutcomeUnknown");
        assert!(message.contains("nobody") || message.contains("neither an answer nor an entry"), "{name}: {message}");
    }
    // Our clock may have been ahead and Intune's behind, and a record that is new says nothing of what the old one had.
    let perhaps = silent().enrolled(-125).at(SETTLED + 1).failed("OutcomeUnknown");
    assert!(perhaps.contains("at about requestTime"), "{perhaps}");
    silent().enrolled(-126).at(SETTLED + 1).takes_the_lock();
    // Said of a device enrolled since: why nothing more is sent.
    let message = silent().enrolled(1).at(SETTLED + 1).failed("OutcomeUnknown");
    assert!(message.contains("its passcode is new"), "{message}");
}

#[test]
fn another_attempt_needs_the_tenant_that_the_first_had() {
    silent().not_ready().waits("TenantNotReady");
    silent().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    silent().gate().waits("LimitReached");
    silent().quarantine(0, 2 * SETTLED).waits("Quarantine");
    let missing = silent().no_tenant();
    missing.waits("TenantNotReady");
    assert_eq!(missing.decide().status.silent_attempts, 1);
}

#[test]
fn a_result_that_this_version_does_not_know_is_unknown() {
    let result: AttemptResult = serde_json::from_str("\"Postponed\"").unwrap();
    Facts::attempted(Some(result)).at(SETTLED).waits("VerifyingOutcome");
}
