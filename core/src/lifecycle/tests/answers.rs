//! What the answer to the request changes.

use std::time::Duration;

use super::{
    devices::{fully_managed, work_profile},
    facts::{EXPIRES, Facts, SETTLED, message},
    invariants,
};
use crate::{
    api::{
        conditions::{self, kind},
        reset::RequestedAction::ResetWorkProfilePasscode,
        reset_status::{AttemptResult, Outcome, PasscodeResetStatus},
    },
    lifecycle::{
        answered::{Answered, Meaning, answered},
        observed::NotReady,
        step::{AfterAnswer, Decision},
    },
};

#[track_caller]
fn answer(facts: &Facts, meaning: Meaning) -> Decision<AfterAnswer> {
    let answer = Answered { meaning, request_id: Some("rq-1".into()), message: "What Graph said.".into() };
    let decision = answered(&facts.observed(), &answer, facts.now);
    if !matches!(decision.step, AfterAnswer::Nothing | AfterAnswer::SendAgain(_)) {
        invariants::well_formed(&decision.status, Some(1));
    }
    decision
}

fn not_executed(again_after: Option<u64>, not_ready: Option<&str>) -> Meaning {
    let not_ready = not_ready.map(|reason| NotReady { reason: reason.into(), message: "Mend it.".into() });
    Meaning::NotExecuted { again_after: again_after.map(Duration::from_secs), not_ready }
}

/// Claimed and just sent.
fn sent() -> Facts {
    Facts::attempted(None).at(2)
}

fn result(status: &PasscodeResetStatus) -> (Option<AttemptResult>, Option<&str>) {
    let attempt = status.attempt.as_ref().unwrap();
    (attempt.result, attempt.request_id.as_deref())
}

fn issued(status: &PasscodeResetStatus) -> (&str, &str) {
    let issued = conditions::get(&status.conditions, kind::ISSUED).unwrap();
    (issued.status.as_str(), issued.reason.as_str())
}

#[test]
fn accepted_is_issued() {
    let decision = answer(&sent(), Meaning::Accepted);
    assert_eq!(decision.step, AfterAnswer::Record);
    assert_eq!(result(&decision.status), (Some(AttemptResult::Accepted), Some("rq-1")));
    assert_eq!(issued(&decision.status), ("True", "PasscodeRemoved"));
    assert_eq!(decision.status.reason(), "WaitingForDevice");
    let message = message(&decision.status);
    assert!(message.contains("request id rq-1") && message.contains("not sent again"), "{message}");
    // The next look says the same, so it writes nothing.
    let next = Facts::attempted(None).status(|s| *s = decision.status.clone()).at(5).decide();
    assert_eq!(next.status, decision.status);
}

#[test]
fn sent_again_under_the_same_claim_while_its_deadline_lasts() {
    for (graph, pause, again) in [(2, 28, true), (2, 29, false), (30, 0, true), (31, 0, false)] {
        let facts = sent().graph_time(graph);
        let decision = answer(&facts, not_executed(Some(pause), None));
        assert_eq!(decision.step == AfterAnswer::SendAgain(Duration::from_secs(pause)), again, "{graph} + {pause}");
        if again {
            assert_eq!(Some(decision.status), facts.object.status, "nothing is written");
        } else {
            assert_eq!(decision.step, AfterAnswer::RecordAndRelease);
        }
    }
    let blind = answer(&sent().without_graph_time(), not_executed(Some(0), None));
    assert_eq!(blind.step, AfterAnswer::RecordAndRelease, "without Graph's time nothing is sent");
    assert_eq!(answer(&sent(), not_executed(Some(u64::MAX), None)).step, AfterAnswer::RecordAndRelease);
    assert_eq!(answer(&sent(), not_executed(None, None)).step, AfterAnswer::RecordAndRelease);
}

#[test]
fn what_was_not_executed_is_recorded_and_its_lock_given_back() {
    for (not_ready, reason) in [(None, "LimitReached"), (Some("PermissionMissing"), "TenantNotReady")] {
        let decision = answer(&sent(), not_executed(None, not_ready));
        assert_eq!(decision.step, AfterAnswer::RecordAndRelease);
        assert_eq!(result(&decision.status), (Some(AttemptResult::NotExecuted), Some("rq-1")));
        assert_eq!((decision.status.reason(), decision.status.silent_attempts), (reason, 0));
        assert_eq!(issued(&decision.status).0, "Unknown");
        let message = message(&decision.status);
        assert!(message.contains("Nothing was carried out: What Graph said."), "{message}");
        // Recorded, it is free to be sent again.
        Facts::attempted(None).status(|s| *s = decision.status).no_lock().at(5).takes_the_lock();
    }
}

#[test]
fn refused_is_told_at_once_and_proves_nothing() {
    let decision = answer(&sent(), Meaning::Refused);
    assert_eq!(decision.step, AfterAnswer::Record, "its lock is kept");
    assert_eq!(result(&decision.status), (Some(AttemptResult::Refused), Some("rq-1")));
    assert_eq!((decision.status.outcome, decision.status.reason()), (None, "VerifyingOutcome"));
    assert_eq!(issued(&decision.status), ("Unknown", "RefusedByIntune"));
    let told = message(&decision.status);
    assert!(
        told.starts_with("What Graph said (request id rq-1). Until 2026-11-22T09:05:10Z Intune's record is watched"),
        "{told}"
    );
    // Whoever reads it after a restart says the same, and ends with it.
    let next = Facts::attempted(None).status(|s| *s = decision.status.clone()).at(SETTLED);
    assert_eq!(next.decide().status, decision.status);
    let told = next.at(SETTLED + 1).rejected("RefusedByIntune");
    assert!(
        told.starts_with("What Graph said (request id rq-1). Intune's record of the device shows no reset"),
        "{told}"
    );
}

#[test]
fn refused_says_what_usually_is_the_cause() {
    let told = |facts: Facts| {
        let claimed = facts.holding("a");
        let status = claimed.decide().status;
        let refused = answer(&claimed.clone().status(|s| *s = status), Meaning::Refused).status;
        let settled =
            Facts { held: None, found: None, ..claimed }.status(|s| *s = refused.clone()).no_lock().at(SETTLED + 1);
        [message(&refused), settled.rejected("RefusedByIntune")]
    };
    let of_a_work_profile = told(Facts::new().device(work_profile()).action(ResetWorkProfilePasscode));
    assert!(of_a_work_profile.iter().all(|told| told.contains("Secure your work profile")), "{of_a_work_profile:?}");
    let of_android = told(Facts::new().device(fully_managed()));
    let cause = "a device configuration policy requires a passcode";
    assert!(of_android.iter().all(|told| told.contains(cause)), "{of_android:?}");
    let of_an_iphone = told(Facts::new());
    assert!(of_an_iphone.iter().all(|told| !told.contains("Check")), "{of_an_iphone:?}");
}

#[test]
fn unknown_is_verified_and_never_sent_again() {
    let decision = answer(&sent(), Meaning::Unknown);
    assert_eq!(decision.step, AfterAnswer::Record);
    assert_eq!(result(&decision.status), (Some(AttemptResult::Unknown), Some("rq-1")));
    assert_eq!(
        (decision.status.reason(), issued(&decision.status)),
        ("VerifyingOutcome", ("Unknown", "VerifyingOutcome"))
    );
    let told = message(&decision.status);
    assert!(told.contains("does not say what became of it: What Graph said (request id rq-1). "), "{told}");
    let next = Facts::attempted(None).status(|s| *s = decision.status.clone()).at(SETTLED);
    assert_eq!(next.decide().status, decision.status, "the wait says the same");
    // And so does the end, whatever comes in between.
    let again = next.at(SETTLED + 1).decide().status;
    assert_eq!(again.silent_attempts, 1);
    let last = Facts { held: None, ..Facts::new().status(|s| *s = again).holding("b") }.no_lock().at(EXPIRES + 1);
    let told = last.failed("OutcomeUnknown");
    assert!(told.contains("The last answer: What Graph said (request id rq-1). Ask the person"), "{told}");
}

#[test]
fn what_was_answered_to_an_earlier_attempt_is_not_said_of_the_next() {
    let unknown = answer(&sent(), Meaning::Unknown).status;
    let settled = Facts::attempted(None).status(|s| *s = unknown).no_lock().at(SETTLED + 1);
    let claimed = settled.clone().holding("b").decide().status;
    assert_eq!(claimed.attempt.as_ref().map(|attempt| (attempt.number, attempt.result)), Some((2, None)));
    let (_, told) = settled.status(|s| *s = claimed).at(SETTLED + 5).waits("VerifyingOutcome");
    assert!(told.contains("no answer is known") && !told.contains("What Graph said"), "{told}");
}

#[test]
fn an_answer_that_comes_after_the_outcome_changes_nothing() {
    // Another replica followed the entry to its end while this one still waited for Graph.
    let facts = Facts::attempted(None).sees(vec![super::devices::entry("done", 1)]).at(2);
    let finished = facts.decide().status;
    assert_eq!((finished.outcome, finished.attempt.as_ref().unwrap().result), (Some(Outcome::Complete), None));
    let facts = facts.status(|s| *s = finished.clone());
    for meaning in [Meaning::Accepted, not_executed(Some(1), None), Meaning::Refused, Meaning::Unknown] {
        let decision = answer(&facts, meaning);
        assert_eq!((decision.step, decision.status), (AfterAnswer::Nothing, finished.clone()));
    }
}

#[test]
fn what_is_followed_stays_issued_whatever_the_answer() {
    let facts = Facts::attempted(None).sees(vec![super::devices::entry("pending", 1)]).at(2);
    let followed = facts.decide().status;
    let facts = facts.status(|s| *s = followed);
    for meaning in [Meaning::Accepted, not_executed(None, None), Meaning::Refused, Meaning::Unknown] {
        let decision = answer(&facts, meaning);
        assert_eq!(issued(&decision.status).0, "True");
    }
}

#[test]
fn without_a_claim_an_answer_has_nowhere_to_go() {
    for meaning in [Meaning::Accepted, not_executed(Some(1), None), Meaning::Refused, Meaning::Unknown] {
        let status = Facts::new().gate().decide().status;
        let decision = answer(&Facts::new().status(|s| *s = status), meaning);
        assert_eq!(decision.status.attempt, None);
    }
}
