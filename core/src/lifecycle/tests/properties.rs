//! What holds for any facts at all.

use std::collections::BTreeSet;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};

use super::{
    any_facts::{any_facts, word},
    facts::{Facts, t},
};
use crate::{
    api::{
        conditions::{self, kind},
        reset_status::{AttemptResult, Outcome},
    },
    lifecycle::{
        answered::{Answered, Meaning, answered},
        decide::decide,
        observed::{NotReady, Reading},
        polling::in_flight,
        quarantine::Quarantine,
        step::{AfterAnswer, Fact, Step},
    },
};

fn config(cases: u32) -> Config {
    // A fixed seed: what fails here fails everywhere. Other seeds are for longer runs.
    let rng_seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(rng_seed), ..Config::default() }
}

fn meaning() -> impl Strategy<Value = Meaning> {
    let pause = prop::option::of((0_u64..60).prop_map(std::time::Duration::from_secs));
    let not_ready = prop::option::of(Just(NotReady { reason: "PermissionMissing".into(), message: "Mend it.".into() }));
    prop_oneof![
        Just(Meaning::Accepted),
        (pause, not_ready).prop_map(|(again_after, not_ready)| Meaning::NotExecuted { again_after, not_ready }),
        Just(Meaning::Refused),
        Just(Meaning::Unknown),
    ]
}

proptest! {
    #![proptest_config(config(3000))]

    /// Everything in `invariants::check`: it is total, an outcome is the end, nothing goes back, the conditions are well formed,
    /// Rejected is true, nothing is sent that may not be, no person is named, and what is decided is decided again.
    #[test]
    fn every_decision_is_sound(facts in any_facts()) {
        facts.decide();
    }

    /// The order of what is observed does not matter: with less known, the machine asks or says the same.
    #[test]
    fn what_is_not_known_is_asked_for(facts in any_facts()) {
        let blind = Facts { found: None, lock: None, look: None, held: None, ..facts };
        let step = blind.decide().step;
        let quiet = matches!(step, Step::Observe(_) | Step::Wait(_) | Step::Stop | Step::Finish);
        prop_assert!(quiet, "{step:?}");
    }
}

proptest! {
    #![proptest_config(config(1500))]

    /// While one looks and cannot tell, there is never a verdict.
    #[test]
    fn not_knowing_is_never_a_verdict(facts in any_facts(), blamed in any::<bool>()) {
        let not_ready = blamed.then(|| NotReady { reason: "TokenRefused".into(), message: "401.".into() });
        let unreadable = super::samples::unreadable(not_ready);
        // Neither the device nor its record could be read; what the object knows it knew before.
        let found = Some(Reading::CouldNotTell(unreadable.clone()));
        let blind = Facts { found, look: Some(Reading::CouldNotTell(unreadable)), ..facts };
        let decision = blind.decide();
        if decision.step == Step::Finish {
            let why = decision.status.reason().to_owned();
            // An attempt that was certainly not carried out leaves an object as it was before.
            let early = !in_flight(&decision.status);
            let judged_by_time = blind.now.graph.is_some_and(|now| now < blind.object.spec.request_time.0);
            // Nothing can have been sent for an object without a device, unless a restore took that back, so its expiry needs no more than
            // Graph's time.
            let over = ["Expired", "OutcomeUnknown"].contains(&why.as_str()) && decision.status.device.is_none();
            prop_assert!(early && (judged_by_time || over || why == "NamespaceNotAllowed"), "{why}");
        }
    }

    /// In quarantine nothing is rejected that it concerns: the claim whose request is under way may be lost.
    #[test]
    fn quarantine_rejects_nothing(facts in any_facts(), begin in -150_i64..150) {
        let at = match (&facts.look, &facts.found) {
            (Some(Reading::Answer { at, .. }), _) | (_, Some(Reading::Answer { at, .. })) => *at,
            _ => return Ok(()),
        };
        // Begun so that it concerns the request, and in force to the very second of the reading.
        let quarantine = Some(Quarantine { begin: t(begin), end: at });
        let facts = Facts { quarantine, ..facts };
        let before = facts.object.status.as_ref().and_then(|status| status.outcome);
        let concerned = at >= t(0) && !facts.object.spec.dry_run && facts.tenant.is_some();
        if concerned && before.is_none() {
            prop_assert_ne!(facts.decide().status.outcome, Some(Outcome::Rejected));
        }
    }

    /// Before the leader lease was read nothing is rejected; it is asked for where something would be, and nowhere else.
    #[test]
    fn the_lease_is_read_before_a_rejection(facts in any_facts()) {
        let read = Facts { lease_is_kept: true, ..facts };
        let decided = read.decide();
        let rejects = decided.step == Step::Finish && decided.status.outcome == Some(Outcome::Rejected);
        let unread = Facts { lease_is_kept: false, ..read };
        let without = unread.decide();
        if rejects && !unread.object.spec.dry_run {
            prop_assert_eq!(without.step, Step::Observe(Fact::LeaderLease));
        } else {
            prop_assert_eq!(without, decided);
        }
    }

    /// An answer is recorded on the attempt and nowhere else, and never undoes what is known.
    #[test]
    fn every_answer_is_sound(facts in any_facts(), meaning in meaning()) {
        let before = facts.object.status.clone().unwrap_or_default();
        let answer = Answered { meaning, request_id: None, message: "What Graph said.".into() };
        let decision = answered(&facts.observed(), &answer, facts.now);
        let after = &decision.status;
        if before.outcome.is_some() {
            prop_assert_eq!((&decision.step, after), (&AfterAnswer::Nothing, &before));
        }
        prop_assert_eq!(after.silent_attempts, before.silent_attempts);
        prop_assert_eq!(after.device_action.as_ref(), before.device_action.as_ref());
        prop_assert!(!conditions::is_true(&before.conditions, kind::ISSUED) || conditions::is_true(&after.conditions, kind::ISSUED));
        if let AfterAnswer::SendAgain(pause) = decision.step {
            let attempt = before.attempt.as_ref().unwrap();
            prop_assert!(facts.now.graph.unwrap() + pause <= attempt.send_deadline.0);
            prop_assert_eq!(after, &before);
        }
        if decision.step == AfterAnswer::RecordAndRelease {
            let result = after.attempt.as_ref().and_then(|attempt| attempt.result);
            let known = matches!(result, None | Some(AttemptResult::NotExecuted));
            prop_assert!(known, "a lock is given back only where nothing was carried out: {result:?}");
        }
        if after.outcome.is_some() && before.outcome.is_none() {
            // Only a time-out that is over before the device could answer at all.
            prop_assert_eq!((after.outcome, after.reason()), (Some(Outcome::Failed), "DeadlineExceeded"));
        }
    }
}

/// The properties mean something: the arbitrary facts reach every word and every step.
#[test]
fn the_arbitrary_facts_reach_everything() {
    let waiting = [
        "Scheduled",
        "TenantNotReady",
        "Suspended",
        "LimitReached",
        "Quarantine",
        "DeviceBusy",
        "LookingUp",
        "VerifyingOutcome",
        "WaitingForDevice",
    ];
    let rejected = [
        "NamespaceNotAllowed",
        "DeviceNotFound",
        "AmbiguousDevice",
        "DeviceGone",
        "WorkProfileOnly",
        "ActionNotOffered",
        "PlatformNotSupported",
        "PlatformUnknown",
        "DryRun",
        "RecentlyReset",
        "EnrolledAfterRequest",
        "Expired",
        "RefusedByIntune",
        "NotSupportedByDevice",
    ];
    let failed = ["DeviceRefused", "Canceled", "DeadlineExceeded", "DeviceGone", "OutcomeUnknown"];
    let steps = [
        "Claim",
        "TakeLock",
        "ReleaseLock",
        "Stop",
        "Observe Namespace",
        "Observe Device",
        "Observe Lock",
        "Observe Look",
    ];
    let wanted = (waiting.iter().map(|word| format!("None/{word}")))
        .chain(rejected.iter().map(|word| format!("Some(Rejected)/{word}")))
        .chain(failed.iter().map(|word| format!("Some(Failed)/{word}")))
        .chain(["Adopted", "PasscodeRemoved"].iter().map(|word| format!("Some(Complete)/{word}")))
        .chain(steps.iter().map(|step| (*step).to_owned()));
    let mut missing: BTreeSet<String> = wanted.collect();
    let mut runner = TestRunner::deterministic();
    let strategy = any_facts();
    for _ in 0..10_000 {
        let facts = strategy.new_tree(&mut runner).unwrap().current();
        let decision = decide(&facts.observed(), facts.now);
        missing.remove(&word(&decision.step, &decision.status));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never reached: {missing:?}");
}
