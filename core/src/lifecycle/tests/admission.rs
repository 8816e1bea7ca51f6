//! What admission control said of the claim, or of the lock that it needs.

use std::time::Duration;

use super::{
    devices::entry,
    facts::{EXPIRES, Facts, SETTLED, message},
};
use crate::{
    api::{
        conditions::{self, kind},
        reset_status::{AttemptResult::*, Outcome},
    },
    lifecycle::{
        admission::{AttemptDenial, Denial, DenialKind, DeniedWrite},
        step::Step,
    },
};

fn refusal(sentence: &str, kind: DenialKind) -> AttemptDenial {
    let denial = Denial { by: "admission webhook \"w\"".to_owned(), sentence: sentence.to_owned(), kind };
    AttemptDenial { denial, of: DeniedWrite::Claim, times: 1 }
}

fn denied() -> AttemptDenial {
    refusal("only company phones", DenialKind::Denied)
}

fn held() -> AttemptDenial {
    refusal("hold: later", DenialKind::Denied)
}

fn permitted(facts: &Facts) -> (String, String) {
    let status = facts.decide().status;
    let permitted = conditions::get(&status.conditions, kind::PERMITTED).unwrap();
    (permitted.status.clone(), permitted.reason.clone())
}

#[test]
fn a_denied_claim_is_a_verdict_that_says_who_and_why() {
    let facts = Facts::new().refused(denied(), 60);
    let message = facts.rejected("DeniedByAdmission");
    assert!(
        message.starts_with(
            "Refused: admission webhook \"w\" denied it: only company phones. Nothing was sent. Only the first"
        ),
        "{message}"
    );
    assert_eq!(permitted(&facts), ("False".to_owned(), "DeniedByAdmission".to_owned()));
    assert!(facts.decide().status.attempt.is_none());
    Facts::attempted(Some(NotExecuted)).no_lock().refused(denied(), 60).rejected("DeniedByAdmission");
}

#[test]
fn everything_that_comes_before_it_is_said_first() {
    let facts = || Facts::new().refused(denied(), 60);
    assert_eq!(facts().sees(vec![entry("done", 5)]).decide().status.reason(), "Adopted");
    facts().enrolled(1).rejected("EnrolledAfterRequest");
    facts().at(EXPIRES + 1).rejected("Expired");
    facts().locked_by_another(30).waits("DeviceBusy");
    facts().quarantine(-10, 300).waits("Quarantine");
    facts().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    facts().dry_run().rejected("DryRun");
    let silent = Facts::attempted(Some(Unknown)).at(SETTLED + 1).refused(denied(), 60);
    let told = silent.ends(Outcome::Failed, "OutcomeUnknown");
    assert!(told.contains("denied it: only company phones"), "{told}");
}

#[test]
fn a_held_one_waits_until_it_is_tried_again_and_no_longer_than_its_time() {
    for (refusal, says) in [
        (held(), "admission webhook \"w\" holds this reset back: hold: later. Only the first"),
        (refusal("busy", DenialKind::NotNow), "holds this reset back: busy."),
        (
            refusal("expression 'x' resulted in error: y", DenialKind::PolicyBroken),
            "cannot be evaluated, so it denies this reset",
        ),
        (
            refusal("dial tcp 10.0.0.1:443", DenialKind::Unavailable),
            "could not be asked: it is down, slow, or answers nonsense.",
        ),
        (
            refusal("it is another", DenialKind::Altered),
            "changes this reset on the way to the API server: it is another.",
        ),
        (
            AttemptDenial { of: DeniedWrite::Lock, ..denied() },
            "holds the Lease that keeps two resets of one device apart back",
        ),
    ] {
        let facts = Facts::new().refused(refusal, 240);
        let (pause, message) = facts.waits("HeldByAdmission");
        assert!(message.contains(says) && message.contains("until 2026-11-23T09:00:00Z"), "{message}");
        assert!(!message.contains("10.0.0.1"), "an address of the cluster: {message}");
        assert_eq!(pause, Duration::from_secs(240));
        assert_eq!(permitted(&facts), ("Unknown".to_owned(), "HeldByAdmission".to_owned()));
        assert_eq!(facts.at(EXPIRES - 10).waits("HeldByAdmission").0, Duration::from_secs(11));
    }
}

#[test]
fn a_held_one_is_tried_without_the_lock_before_that_is_taken() {
    let due = Facts::new().refused(held(), 0);
    let tried = due.decide();
    assert_eq!(tried.step, Step::TryClaim);
    let attempt = tried.status.attempt.unwrap();
    assert_eq!((attempt.id.as_str(), attempt.number, attempt.result), ("uid-1", 1, None));
    Facts { admitted: true, ..due.clone() }.takes_the_lock();
    let claimed = due.clone().holding("attempt-1").decide();
    assert!(matches!(claimed.step, Step::Claim(_)), "under the lock the API server decides");
    Facts::new().refused(denied(), 0).rejected("DeniedByAdmission");
    let mut late = due;
    late.now.graph = None;
    late.waits("LookingUp");
}

#[test]
fn a_replica_that_knows_only_the_status_tries_as_well() {
    let status = Facts::new().refused(held(), 60).decide().status;
    let told = message(&status);
    let facts = Facts::new().status(|s| *s = status);
    assert_eq!(facts.decide().step, Step::TryClaim, "{told}");
    Facts { admitted: true, ..facts.clone() }.takes_the_lock();
    assert_eq!(permitted(&facts), ("True".to_owned(), "NoPolicy".to_owned()), "as it would be claimed");
}
