//! Enrolled after the request, expired; and what holds an attempt back.

use std::time::Duration;

use super::{
    facts::{EXPIRES, Facts, t},
    samples::unreadable,
};
use crate::{
    api::{
        Time,
        reset_status::{AttemptResult, Outcome},
    },
    lifecycle::{
        observed::{Closed, Namespace, Reading, UnconfirmedKind},
        step::{Fact, Step},
    },
};

#[test]
fn a_device_enrolled_after_the_request_has_a_new_passcode() {
    Facts::new().enrolled(0).takes_the_lock();
    let message = Facts::new().enrolled(1).rejected("EnrolledAfterRequest");
    assert!(message.contains("2026-11-22T09:00:01Z") && message.contains("its passcode is new"), "{message}");
    Facts::new().enrolled(1).locked_by_another(30).waits("DeviceBusy");
}

#[test]
fn past_its_expiration_it_is_not_sent() {
    Facts::new().at(EXPIRES).graph_time(EXPIRES - 1).takes_the_lock();
    let message = Facts::new().at(EXPIRES + 1).rejected("Expired");
    assert!(message.contains("2026-11-23T09:00:00Z") && !message.contains("last waited"), "{message}");
    let own = Facts::new().spec(|spec| spec.expiration_time = Some(Time(t(60))));
    own.clone().at(58).takes_the_lock();
    own.at(61).rejected("Expired");
}

#[test]
fn a_device_that_cannot_be_told_is_not_looked_up_for_ever() {
    let found = Some(Reading::CouldNotTell(unreadable(None)));
    let blind = Facts { found, lock: None, look: None, ..Facts::new() };
    // Graph's time is known to a minute and a second: until then it may not be over.
    blind.clone().graph_time(EXPIRES + 61).waits("LookingUp");
    blind.clone().graph_time(EXPIRES + 62).rejected("Expired");
    blind.clone().without_graph_time().waits("LookingUp");
    // Nor where the tenant is to blame, as long as Graph says what time it is.
    let not_ready = Facts::new().not_ready().not_ready;
    let refused = Facts { found: Some(Reading::CouldNotTell(unreadable(not_ready))), ..blind };
    refused.clone().graph_time(EXPIRES + 61).waits("TenantNotReady");
    refused.clone().graph_time(EXPIRES + 62).rejected("Expired");
    refused.clone().without_graph_time().waits("TenantNotReady");
    // Before a restore it may have been claimed, and sent.
    refused.clone().quarantine(60, 370).graph_time(EXPIRES + 61).waits("TenantNotReady");
    refused.clone().quarantine(60, 370).graph_time(EXPIRES + 62).failed("OutcomeUnknown");
    refused.quarantine(-60, 250).graph_time(EXPIRES + 62).rejected("Expired");
}

#[test]
fn a_tenant_that_takes_no_resets_holds_only_what_would_be_sent() {
    let not_ready = Facts::new().not_ready().not_ready.unwrap();
    let closed = Some(Closed { not_ready, retry_after: Duration::from_secs(90) });
    let facts = Facts { closed, ..Facts::new() };
    let (pause, message) = facts.waits("TenantNotReady");
    assert_eq!(pause, Duration::from_secs(90));
    assert!(message.starts_with("TokenRefused: AADSTS7000222"), "{message}");
    assert_eq!(facts.clone().at(EXPIRES - 10).waits("TenantNotReady").0, Duration::from_secs(11));
    facts.clone().at(EXPIRES + 1).rejected("Expired");
    facts.clone().spec(|spec| spec.dry_run = true).rejected("DryRun");
    facts.clone().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    facts.clone().locked_by_another(30).waits("DeviceBusy");
    facts.sees(vec![super::devices::entry("pending", 5)]).waits("WaitingForDevice");
}

#[test]
fn a_tenant_in_trouble_holds_and_says_until_when() {
    let told = |at: i64| {
        Facts { found: None, lock: None, look: None, ..Facts::new().not_ready() }.at(at).waits("TenantNotReady").1
    };
    // To the very second that nothing is sent after.
    for at in [0, EXPIRES] {
        assert!(told(at).contains("It is not sent after 2026-11-23T09:00:00Z"), "{}", told(at));
    }
    assert!(told(EXPIRES + 1).contains("The time to send it ended at 2026-11-23T09:00:00Z"), "{}", told(EXPIRES + 1));
}

#[test]
fn an_expiry_says_what_was_waited_for() {
    let held: [(Facts, &str); 4] = [
        (Facts::new().not_ready(), "TenantNotReady"),
        (Facts::new().gate(), "LimitReached"),
        (Facts::new().tenant(|tenant| tenant.suspend = true), "Suspended"),
        (Facts::new().locked_by_another(30), "DeviceBusy"),
    ];
    for (facts, reason) in held {
        facts.waits(reason);
        let status = facts.decide().status;
        let message = Facts::new().status(|s| *s = status).at(EXPIRES + 1).rejected("Expired");
        assert!(message.contains(&format!("It last waited for: {reason}.")), "{message}");
    }
}

#[test]
fn nothing_is_said_of_time_while_a_lock_is_open() {
    Facts::new().locked_by_another(EXPIRES).at(EXPIRES + 1).waits("DeviceBusy");
    Facts::new().locked_by_another(EXPIRES).at(EXPIRES + 281).rejected("Expired");
    Facts::attempted(Some(AttemptResult::Unknown)).at(310).waits("VerifyingOutcome");
}

#[test]
fn suspended_holds_and_says_so() {
    let suspended = Facts::new().tenant(|tenant| tenant.suspend = true);
    let (_, message) = suspended.waits("Suspended");
    assert!(message.contains("spec.suspend"), "{message}");
    let following = Facts::attempted(Some(AttemptResult::Accepted)).tenant(|tenant| tenant.suspend = true);
    following.sees(vec![super::devices::entry("pending", 5)]).at(60).waits("WaitingForDevice");
}

#[test]
fn a_limit_holds_with_its_own_words() {
    let (pause, message) = Facts::new().gate().waits("LimitReached");
    let told =
        "The limit is reached. Nothing was sent. This goes on by itself; it is not sent after 2026-11-23T09:00:00Z.";
    assert_eq!((pause, message.as_str()), (Duration::from_secs(7), told));
    let both = Facts::new().gate().tenant(|tenant| tenant.suspend = true);
    both.waits("Suspended");
    // Not longer than until it has expired, which is then said at once.
    let (pause, _) = Facts::new().gate().at(EXPIRES - 3).waits("LimitReached");
    assert_eq!(pause, Duration::from_secs(4));
}

/// A time that moves with each look would be a write with each look.
#[test]
fn the_next_slot_is_named_once_until_its_time_has_come() {
    let hour = |at: i64| Facts::new().gate_for(Duration::from_secs(3601)).at(at);
    let told = |facts: &Facts| facts.waits("LimitReached").1;
    let first = hour(0);
    assert!(told(&first).contains("free at about 2026-11-22T10:01:00Z or earlier"), "{}", told(&first));
    let after = |at: i64, before: &Facts| {
        let status = before.decide().status;
        hour(at).status(|s| *s = status)
    };
    for at in [600, 3660] {
        assert_eq!(told(&after(at, &first)), told(&first), "{at}");
    }
    let later = after(3661, &first);
    assert!(told(&later).contains("free at about 2026-11-22T11:02:00Z or earlier"), "{}", told(&later));
    let mut another = after(600, &first);
    another.gate.as_mut().unwrap().message = "Another limit.".into();
    assert!(told(&another).contains("free at about 2026-11-22T10:11:00Z"), "{}", told(&another));
}

#[test]
fn an_expiry_names_what_was_written() {
    let late = Facts::new().at(EXPIRES + 1);
    let told = late.rejected("Expired");
    let begin = "requestTime 2026-11-22T09:00:00Z is too old: it could be sent for 24h (the tenant's issueWindow), until 2026-11-23T09:00:00Z. \
                 Nothing was sent.";
    assert!(told.starts_with(begin) && told.ends_with("Create a new PasscodeReset with requestTime now."), "{told}");
    assert!(!told.contains("expirationTime"), "{told}");
    let written = late.spec(|spec| spec.expiration_time = Some(crate::api::Time(super::facts::t(600))));
    let told = written.rejected("Expired");
    assert!(told.starts_with("The expirationTime, 2026-11-22T09:10:00Z, has passed. Nothing was sent."), "{told}");
}

#[test]
fn while_suspended_it_is_expired_only_once_the_active_ones_would_show() {
    let suspended = |at: i64| Facts::new().at(at).tenant(|tenant| tenant.suspend = true);
    let settle_window = 280;
    suspended(EXPIRES).waits("Suspended");
    let (pause, sentence) = suspended(EXPIRES + 1).waits("Suspended");
    assert!(pause == Duration::from_secs(60) && sentence.contains("ended at 2026-11-23T09:00:00Z"), "{sentence}");
    suspended(EXPIRES + settle_window).waits("Suspended");
    suspended(EXPIRES + settle_window + 1).rejected("Expired");
}

#[test]
fn quarantine_holds_whom_it_concerns() {
    let held = |facts: Facts| facts.quarantine(-20, 290);
    let (pause, message) = held(Facts::new()).waits("Quarantine");
    assert!(pause == Duration::from_secs(60) && message.contains("2026-11-22T09:04:50Z"), "{message}");
    assert_eq!(held(Facts::new()).at(270).waits("Quarantine").0, Duration::from_secs(21), "to its end");
    held(Facts::new()).at(290).waits("Quarantine");
    held(Facts::new()).at(291).takes_the_lock();
    // Asked for after everything that may have been lost was carried out: begin + sendGrace.
    Facts::new().quarantine(-150, 100).waits("Quarantine");
    Facts::new().quarantine(-151, 100).takes_the_lock();
    // It comes before suspension and limits.
    held(Facts::new().gate().tenant(|tenant| tenant.suspend = true)).waits("Quarantine");
    // What is before its time has no claim that could be lost.
    held(Facts::new()).at(-60).waits("Scheduled");
}

#[test]
fn in_quarantine_nothing_is_rejected_that_may_have_been_sent_before_the_restore() {
    let held: [(&str, Facts); 4] = [
        ("expired", Facts::new().spec(|spec| spec.expiration_time = Some(Time(t(60)))).at(100)),
        ("enrolled", Facts::new().enrolled(1)),
        ("unsupported", Facts::new().device(super::devices::mac())),
        ("work profile", Facts::new().device(super::devices::work_profile())),
    ];
    for (name, facts) in held {
        assert_ne!(facts.decide().status.outcome, None, "{name}");
        facts.clone().quarantine(-20, 290).waits("Quarantine");
        let over = facts.quarantine(-320, -10);
        assert_ne!(over.decide().status.outcome, None, "{name}: over");
    }
    // An entry that answers is followed and told, quarantine or not.
    let adopted = Facts::new().quarantine(-20, 290).sees(vec![super::devices::entry("done", 5)]);
    assert_eq!(adopted.decide().status.reason(), "Adopted");
}

#[test]
fn nothing_is_rejected_before_the_leader_lease_was_read() {
    let rejected = [
        ("recently", Facts::new().sees(vec![super::devices::entry("done", -300)])),
        ("expired", Facts::new().at(EXPIRES + 1)),
        ("unsupported", Facts::new().device(super::devices::mac())),
        (
            "namespace",
            Facts::new().namespace(Namespace::Denied { at: t(30) }).doubted(UnconfirmedKind::NamespaceNotAllowed, 0),
        ),
        ("gone", Facts::new().gone().at(30).doubted(UnconfirmedKind::DeviceGone, 0)),
    ];
    for (name, facts) in rejected {
        assert_eq!(facts.decide().status.outcome, Some(Outcome::Rejected), "{name}");
        let unread = Facts { lease_is_kept: false, ..facts };
        let decision = unread.decide();
        assert_eq!(
            (decision.step, decision.unconfirmed),
            (Step::Observe(Fact::LeaderLease), unread.unconfirmed),
            "{name}"
        );
        unread.quarantine(-20, EXPIRES + 300).waits("Quarantine");
    }
    // What is not a rejection does not need it, nor what sends nothing.
    let unread = |facts: Facts| Facts { lease_is_kept: false, ..facts };
    unread(Facts::new()).takes_the_lock();
    unread(Facts::new().sees(vec![super::devices::entry("done", 5)])).ends(Outcome::Complete, "Adopted");
    unread(Facts::new().sees(vec![super::devices::entry("failed", 5)])).failed("DeviceRefused");
    unread(Facts::new().dry_run()).rejected("DryRun");
}

#[test]
fn quarantine_is_judged_by_the_time_of_the_look() {
    // Graph's clock is taken to be ahead: with it the quarantine would seem to be over.
    let facts = Facts::new().enrolled(1).quarantine(-20, 290).at(290);
    facts.clone().graph_time(300).waits("Quarantine");
    facts.clone().without_graph_time().waits("Quarantine");
    facts.at(291).rejected("EnrolledAfterRequest");
}
