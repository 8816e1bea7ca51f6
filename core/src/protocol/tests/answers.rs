//! What every answer means to a tenant, and what it teaches of it.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    api::conditions::reason,
    lifecycle::{answered::Meaning, observed::NotReady},
    protocol::{
        answers::{Meant, NotExecuted, Read, ReadFailure, ResetAnswer},
        health::{Health, Request},
        trouble::Trouble,
    },
};

const HEARD: &str = "403 Forbidden: No.";

fn secs(second: u64) -> Duration {
    Duration::from_secs(second)
}

/// Every trouble, and the reason that the status gives.
fn troubles() -> [(Trouble, &'static str); 9] {
    [
        (Trouble::SignInRefused, reason::TOKEN_REFUSED),
        (Trouble::SignInUnreachable, reason::UNREACHABLE),
        (Trouble::TokenNotAccepted, reason::TOKEN_NOT_ACCEPTED),
        (Trouble::PermissionMissing, reason::PERMISSION_MISSING),
        (Trouble::ApprovalRequired { code: None }, reason::MULTI_ADMIN_APPROVAL_REQUIRED),
        (Trouble::ApprovalRequired { code: Some("A1".to_owned()) }, reason::MULTI_ADMIN_APPROVAL_REQUIRED),
        (Trouble::IntuneNotAvailable, reason::INTUNE_NOT_AVAILABLE),
        (Trouble::PropertyNotAvailable, reason::PROPERTY_NOT_AVAILABLE),
        (Trouble::WrongAddress, reason::WRONG_ADDRESS),
    ]
}

/// A tenant of which such requests were refused a minute ago, so that the next one is the probe.
fn probed(request: Request) -> Health {
    let mut health = Health::default();
    health.failed(NotReady { reason: "Before".to_owned(), message: "A sentence.".to_owned() }, request, secs(0));
    assert_eq!(health.admit(request, secs(60)), Ok(true));
    health
}

#[test]
fn what_somebody_has_to_mend_is_said_with_what_to_do() {
    for (trouble, reason) in troubles() {
        let NotReady { reason: told, message } = trouble.not_ready(HEARD);
        assert_eq!(told, reason, "{trouble:?}");
        assert!(message.ends_with('.') && !message.contains(".."), "{trouble:?}: {message}");
        let asks = matches!(trouble, Trouble::ApprovalRequired { .. });
        assert_eq!(message.starts_with(HEARD), !asks, "{trouble:?}: {message}");
    }
    let Trouble::ApprovalRequired { code: Some(code) } = &troubles()[5].0 else { panic!("no code") };
    assert!(troubles()[5].0.not_ready(HEARD).message.contains(code));
}

#[test]
fn a_read_that_only_others_can_mend_closes_its_kind_of_request() {
    for (trouble, reason) in troubles() {
        for request in [Request::Device, Request::Record] {
            for probing in [false, true] {
                let mut health = if probing { probed(request) } else { Health::default() };
                let failure = ReadFailure::Trouble(trouble.clone());
                let mut refused = 7;
                let read = Read { request, probing, refused: &mut refused };
                let unreadable = health.read_failed(read, &failure, HEARD, secs(60));
                assert_eq!(unreadable.tenant.map(|not_ready| not_ready.reason).as_deref(), Some(reason), "{trouble:?}");
                assert_eq!(unreadable.retry_after, secs(60), "{trouble:?}");
                assert_eq!(refused, 7, "{trouble:?}: it says nothing of the object");
                assert_eq!(health.fault_of(request), Some(&trouble.not_ready(HEARD)), "{trouble:?}");
                assert!(health.admit(request, secs(61)).is_err(), "{trouble:?}: the probe is made");
                for other in [Request::Device, Request::Record, Request::Reset] {
                    assert_eq!(health.fault_of(other).is_some(), other == request, "{trouble:?} {other:?}");
                }
                assert!(health.gate(secs(61)).is_none(), "{trouble:?}: resets go on");
            }
        }
    }
}

#[test]
fn other_failures_of_reads_pass() {
    let after = |retry_after: Option<u64>| retry_after.map(secs);
    let passing = |retry_after| ReadFailure::Passing { retry_after: after(retry_after) };
    let not_asked = |retry_after| ReadFailure::NotAsked { retry_after: after(retry_after) };
    for (failure, refused_before, pause, refused, probe_is_free) in [
        (passing(None), 3, 5, 3, false),
        (passing(Some(17)), 3, 17, 3, false),
        (not_asked(None), 3, 5, 3, true),
        (not_asked(Some(17)), 3, 17, 3, true),
        (ReadFailure::Refused, 0, 5, 1, false),
        (ReadFailure::Refused, 1, 10, 2, false),
        (ReadFailure::Refused, 5, 160, 6, false),
        (ReadFailure::Refused, 6, 300, 7, false),
        (ReadFailure::Refused, u32::MAX, 300, u32::MAX, false),
    ] {
        for probing in [false, true] {
            let mut health = probed(Request::Record);
            let mut counted = refused_before;
            let read = Read { request: Request::Record, probing, refused: &mut counted };
            let unreadable = health.read_failed(read, &failure, "404 Not Found: No", secs(60));
            assert_eq!((unreadable.tenant, unreadable.retry_after), (None, secs(pause)), "{failure:?}");
            assert_eq!(unreadable.message, "404 Not Found: No.", "{failure:?}");
            assert_eq!(counted, refused, "{failure:?}");
            let free = health.admit(Request::Record, secs(60)).is_ok();
            assert_eq!(free, probing && probe_is_free, "{failure:?}, probing: {probing}");
        }
    }
}

#[test]
fn a_read_that_is_answered_opens_its_kind_again() {
    let mut health = probed(Request::Record);
    health.failed(Trouble::WrongAddress.not_ready(HEARD), Request::Reset, secs(0));
    let mut refused = 3;
    let read = Read { request: Request::Record, probing: true, refused: &mut refused };
    health.read_answered(read, SignedDuration::from_secs(-2));
    assert_eq!(refused, 0);
    assert_eq!(health.clock_offset, Some(SignedDuration::from_secs(-2)));
    assert!(health.fault_of(Request::Record).is_none() && health.fault_of(Request::Reset).is_some());
}

#[test]
fn what_a_reset_s_answer_means_to_its_attempt_and_closes() {
    let not = |why| ResetAnswer::NotExecuted { why, went_out: true };
    let again = |after| Meaning::NotExecuted { again_after: Some(secs(after)), not_ready: None };
    let ended = Meaning::NotExecuted { again_after: None, not_ready: None };
    let mended =
        |trouble: Trouble| Meaning::NotExecuted { again_after: None, not_ready: Some(trouble.not_ready(HEARD)) };
    let mut cases = vec![
        // the answer, whether it was the first, what it means, whether what was closed is open again, for how long resets wait
        (ResetAnswer::Accepted, true, Meaning::Accepted, true, None),
        (ResetAnswer::Refused, true, Meaning::Refused, true, None),
        (ResetAnswer::Unknown, true, Meaning::Unknown, false, None),
        (not(NotExecuted::Throttled { retry_after: None }), true, again(5), false, Some(5)),
        (not(NotExecuted::Throttled { retry_after: Some(secs(17)) }), true, again(17), false, Some(17)),
        (not(NotExecuted::DependencyFailed), true, again(10), false, Some(10)),
        (not(NotExecuted::NotConnected), true, again(5), false, Some(5)),
        (not(NotExecuted::PastDeadline), true, ended, false, None),
        (not(NotExecuted::TokenRejected), true, again(0), false, None),
        (not(NotExecuted::TokenRejected), false, mended(Trouble::TokenNotAccepted), false, None),
    ];
    for (trouble, _) in troubles() {
        for first in [false, true] {
            cases.push((not(NotExecuted::Trouble(trouble.clone())), first, mended(trouble.clone()), false, None));
        }
    }
    for (answer, first, meaning, opens, waits) in cases {
        let mut health = probed(Request::Reset);
        let meant = health.reset_answered(answer.clone(), HEARD, first, secs(60));
        let blamed = match &meaning {
            Meaning::NotExecuted { not_ready, .. } => not_ready.clone(),
            _ => None,
        };
        assert_eq!(meant, Meant { meaning, forget_token: blamed.is_some() }, "{answer:?}");
        let fault = health.fault_of(Request::Reset).cloned();
        match blamed {
            Some(_) => assert_eq!(fault, blamed, "{answer:?}"),
            None => assert_eq!(fault.map(|fault| fault.reason), (!opens).then(|| "Before".to_owned()), "{answer:?}"),
        }
        assert_eq!(health.gate(secs(60)).map(|gate| gate.retry_after), waits.map(secs), "{answer:?}");
        assert!(health.fault_of(Request::Device).is_none() && health.fault_of(Request::Record).is_none(), "{answer:?}");
    }
}

#[test]
fn the_first_approval_code_stays() {
    let ask = |health: &mut Health, code: &str| {
        let trouble = Trouble::ApprovalRequired { code: Some(code.to_owned()) };
        let answer = ResetAnswer::NotExecuted { why: NotExecuted::Trouble(trouble), went_out: true };
        health.reset_answered(answer, HEARD, true, secs(0)).meaning
    };
    let mut health = Health::default();
    let told = |health: &Health| health.fault_of(Request::Reset).unwrap().message.clone();
    ask(&mut health, "A1");
    let meaning = ask(&mut health, "A2");
    assert!(told(&health).contains("A1"), "what all wait for does not change with each probe");
    let Meaning::NotExecuted { not_ready: Some(not_ready), .. } = meaning else { panic!("{meaning:?}") };
    assert!(not_ready.message.contains("A2"), "its own attempt is told its own code");
    // Another trouble takes its place.
    let answer = ResetAnswer::NotExecuted { why: NotExecuted::Trouble(Trouble::WrongAddress), went_out: true };
    health.reset_answered(answer, HEARD, true, secs(0));
    assert_eq!(health.fault_of(Request::Reset), Some(&Trouble::WrongAddress.not_ready(HEARD)));
}

#[test]
fn answers_that_stay_away_open_the_breaker_and_any_answer_closes_it() {
    let opened = || {
        let mut health = Health::default();
        for _ in 0..3 {
            health.reset_answered(ResetAnswer::Unknown, HEARD, true, secs(0));
        }
        assert!(health.gate(secs(0)).is_some());
        health
    };
    let late = |went_out| ResetAnswer::NotExecuted { why: NotExecuted::PastDeadline, went_out };
    for (answer, closes) in [
        (ResetAnswer::Accepted, true),
        (ResetAnswer::Refused, true),
        (late(true), true),
        (late(false), false),
        (ResetAnswer::Unknown, false),
    ] {
        let mut health = opened();
        health.reset_answered(answer.clone(), HEARD, true, secs(0));
        assert_eq!(health.gate(secs(0)).is_none(), closes, "{answer:?}");
    }
}
