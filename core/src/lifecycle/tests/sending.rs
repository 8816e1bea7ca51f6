//! The lock and the claim.

use std::time::Duration;

use super::{
    devices::{entry, entry_of, windows_phone},
    facts::{EXPIRES, Facts, SETTLED, t},
};
use crate::{
    api::{
        Time,
        conditions::{self, kind},
        reset_status::{Attempt, AttemptResult},
    },
    lifecycle::step::Step,
};

#[track_caller]
fn claimed(facts: &Facts) -> Attempt {
    match facts.decide().step {
        Step::Claim(attempt) => *attempt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_locks_deadline_is_thirty_seconds_or_the_expiration() {
    let deadline = |facts: Facts| match facts.decide().step {
        Step::TakeLock { send_deadline, settle_window } => {
            assert_eq!(settle_window, Duration::from_secs(280));
            send_deadline
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(deadline(Facts::new().graph_time(1)), t(31));
    assert_eq!(deadline(Facts::new().at(EXPIRES - 10).graph_time(EXPIRES - 9)), t(EXPIRES));
    let fraction = |mut facts: Facts| {
        facts.now.graph = Some("2026-11-22T09:00:01.7Z".parse().unwrap());
        facts
    };
    assert_eq!(deadline(fraction(Facts::new())), t(31), "whole seconds, never later");
}

#[test]
fn without_graphs_time_there_is_no_lock() {
    assert_eq!(Facts::new().without_graph_time().waits("LookingUp").0, Duration::from_secs(1));
    Facts::new().at(EXPIRES).graph_time(EXPIRES).waits("LookingUp");
    Facts::new().at(EXPIRES - 1).graph_time(EXPIRES).waits("LookingUp");
}

#[test]
fn the_claim_says_what_the_look_under_the_lock_showed() {
    let seen = vec![
        entry("done", -9000),
        entry("failed", -700),
        entry_of("remoteLock", "done", -5),
        entry_of("recoverPasscode", "done", -5),
    ];
    let attempt = claimed(&Facts::new().holding("attempt-1").sees(seen));
    let expected = Attempt {
        number: 1,
        id: "attempt-1".into(),
        claim_time: Time(t(1)),
        send_deadline: Time(t(30)),
        settle_window: "280s".parse().unwrap(),
        seen_start_times: vec![Time(t(-9000)), Time(t(-700))],
        result: None,
        request_id: None,
    };
    assert_eq!(attempt, expected);
    let phone = Facts::new().device(windows_phone()).holding("a").sees(vec![entry_of("recoverPasscode", "done", -900)]);
    assert_eq!(claimed(&phone).seen_start_times, [Time(t(-900))]);
}

#[test]
fn the_claim_is_said_as_sending() {
    let decision = Facts::new().holding("attempt-1").decide();
    assert_eq!(decision.status.reason(), "Sending");
    let issued = conditions::get(&decision.status.conditions, kind::ISSUED).unwrap();
    assert_eq!(issued.status, "Unknown");
}

#[test]
fn attempts_that_may_have_been_carried_out_are_numbered() {
    let again = |silent: i32| {
        let facts = Facts::attempted(Some(AttemptResult::Unknown)).silent_before(silent).at(SETTLED + 1);
        claimed(&facts.holding("attempt-2"))
    };
    assert_eq!((again(0).number, again(0).id.as_str()), (2, "attempt-2"));
    assert_eq!(again(1).number, 3);
    let not_executed = Facts::attempted(Some(AttemptResult::NotExecuted)).at(2).holding("attempt-2");
    assert_eq!(claimed(&not_executed).number, 1, "it never counts");
    let after_silence = Facts::attempted(Some(AttemptResult::NotExecuted)).silent_before(1).at(2);
    assert_eq!(claimed(&after_silence.holding("attempt-3")).number, 2);
}

#[test]
fn past_the_deadline_nothing_is_claimed() {
    let held = Facts::new().holding("a");
    claimed(&held.clone().graph_time(30));
    assert!(matches!(held.clone().graph_time(31).decide().step, Step::Wait(_)));
    assert!(matches!(held.clone().without_graph_time().decide().step, Step::Wait(_)));
    assert_eq!(held.graph_time(31).decide().status.attempt, None);
}

#[test]
fn the_look_under_the_lock_is_asked_everything_again() {
    let held = || Facts::new().holding("a");
    held().sees(vec![entry("pending", 5)]).at(10).waits("WaitingForDevice");
    held().sees(vec![entry("done", -300)]).rejected("RecentlyReset");
    held().enrolled(1).rejected("EnrolledAfterRequest");
    held().gone().waits("LookingUp");
    held().look_unreadable().waits("LookingUp");
    held().quarantine(-10, 300).waits("Quarantine");
    held().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    held().gate().waits("LimitReached");
    let expiring = held().spec(|spec| spec.expiration_time = Some(Time(t(20))));
    expiring.at(21).rejected("Expired");
    assert_eq!(held().being_deleted().decide().step, Step::Stop);
}

#[test]
fn the_lock_that_is_held_is_not_somebody_elses() {
    let held = Facts::attempted(Some(AttemptResult::Unknown)).at(SETTLED + 1).holding("attempt-2");
    assert!(held.lock.as_ref().unwrap().as_ref().unwrap().is_open(t(SETTLED + 1)));
    claimed(&held);
    // And an unsettled attempt of its own holds even then.
    Facts::attempted(None).at(2).holding("attempt-2").waits("VerifyingOutcome");
}
