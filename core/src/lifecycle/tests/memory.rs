//! What the device lease remembers of resets that Intune's record does not show.

use super::{
    devices::{entry, work_profile},
    facts::{DEADLINE, Facts, SETTLED, message, t},
};
use crate::{
    api::{
        Time,
        reset_status::{AttemptResult, EarlierReset, Outcome},
    },
    lifecycle::{
        answered::{Answered, Meaning, answered},
        step::Step,
    },
};

/// The default completionTimeout.
const WEEK: i64 = 168 * 3600;

fn remembering(latest: i64) -> Facts {
    Facts { remembered: Some(t(latest)), ..Facts::new() }
}

#[test]
fn a_remembered_reset_answers_what_was_asked_for_before_it() {
    let decision = remembering(0).at(10).decide();
    let (status, earlier) = (&decision.status, decision.status.earlier_reset);
    assert!(matches!(decision.step, Step::Wait(_)), "{:?}", decision.step);
    assert_eq!((status.reason(), earlier), ("WaitingForDevice", Some(EarlierReset { latest_time: Time(t(0)) })));
    assert!(message(status).contains("not sent again"), "{}", message(status));
    remembering(-1).at(10).takes_the_lock();
    remembering(0).at(10).dry_run().rejected("DryRun");
}

/// Before its requestTime an object asks about nothing: what is remembered may be of a request before it.
#[test]
fn it_answers_from_the_request_time_on() {
    remembering(0).at(-1).waits("LookingUp");
    remembering(0).at(0).waits("WaitingForDevice");
}

#[test]
fn it_is_looked_at_again_under_the_lock() {
    Facts { remembered: Some(t(0)), ..Facts::new().holding("attempt-1") }.at(10).waits("WaitingForDevice");
}

#[test]
fn once_an_object_waits_for_it_the_lease_may_forget_it() {
    let pinned = remembering(60).at(10).decide().status;
    let later = Facts::new().status(|status| *status = pinned.clone());
    later.clone().at(WEEK + 60).waits("WaitingForDevice");
    let sentence = later.clone().at(WEEK + 61).failed("OutcomeUnknown");
    assert!(sentence.contains("requestTime now"), "{sentence}");
    // What shows after all is followed.
    let status = later.sees(vec![entry("done", 5)]).at(100).decide().status;
    assert_eq!((status.outcome, status.reason()), (Some(Outcome::Complete), "Adopted"));
}

#[test]
fn what_shows_answers_first() {
    let status = remembering(60).sees(vec![entry("done", 5)]).at(10).decide().status;
    assert_eq!((status.outcome, status.earlier_reset), (Some(Outcome::Complete), None));
}

#[test]
fn while_its_entry_shows_that_says_when_it_was() {
    // Accepted: claimed at −200, and carried out by −170 + 150 + 5 at the latest; the record shows that it was done at once.
    let accepted = || remembering(-15).spec(|spec| spec.request_time = Time(t(-60))).at(10);
    accepted().waits("WaitingForDevice");
    accepted().sees(vec![entry("done", -200)]).at(10).rejected("RecentlyReset");
    let often = accepted().tenant(|tenant| tenant.min_interval = "0s".parse().unwrap());
    often.clone().sees(vec![entry("done", -200)]).at(10).takes_the_lock();
    // An older one is not it.
    often.sees(vec![entry("done", -326)]).at(10).waits("WaitingForDevice");
}

#[test]
fn an_attempt_without_a_trace_is_not_repeated_and_nothing_is_rejected() {
    let silent = Facts { remembered: Some(t(60)), ..Facts::attempted(Some(AttemptResult::Unknown)) };
    silent.clone().at(SETTLED).waits("VerifyingOutcome");
    silent.at(SETTLED + 1).waits("WaitingForDevice");
    remembering(60).sees(vec![entry("done", -400)]).at(10).waits("WaitingForDevice");
    let gone = |facts: Facts| facts.gone().at(100).doubted(crate::lifecycle::observed::UnconfirmedKind::DeviceGone, 0);
    gone(Facts::new()).rejected("DeviceGone");
    gone(remembering(60)).failed("DeviceGone");
}

#[test]
fn a_work_profile_that_nobody_asked_about_is_judged_as_ever() {
    remembering(60).device(work_profile()).at(10).rejected("WorkProfileOnly");
}

#[test]
fn what_is_followed_from_now_on_is_remembered_first() {
    // clockError + ledgerClockError
    let margin = 125;
    let sees = |facts: Facts| facts.sees(vec![entry("pending", 5)]).at(10).decide().remember;
    assert_eq!(sees(Facts::new()), Some(t(5 + margin)));
    assert_eq!(sees(remembering(5 + margin)), None, "it is");
    assert_eq!(sees(remembering(4 + margin)), Some(t(5 + margin)));
    assert_eq!(sees(Facts::attempted(Some(AttemptResult::Unknown))), Some(t(5 + margin)));
    assert_eq!(sees(Facts::attempted(Some(AttemptResult::Accepted))), None, "it was when it was accepted");
    assert_eq!(sees(Facts::adopted("pending", 5)), None, "it was when it was first seen");
    assert_eq!(Facts::new().at(10).decide().remember, None);
}

#[test]
fn what_graph_accepts_is_remembered_as_late_as_it_may_be_carried_out() {
    let remembers = |meaning: Meaning| {
        let answer = Answered { meaning, request_id: None, message: "Graph said so.".into() };
        let facts = Facts::attempted(None);
        answered(&facts.observed(), &answer, facts.now).remember
    };
    assert_eq!(remembers(Meaning::Accepted), Some(t(DEADLINE + 150 + 5)));
    assert_eq!(remembers(Meaning::Unknown), None);
    assert_eq!(remembers(Meaning::NotExecuted { again_after: None, not_ready: None }), None);
}
