//! Which entries of Intune's record answer a request, and which forbid it.

use super::{
    devices::{entry, entry_of, iphone, windows_phone, work_profile},
    facts::{DEADLINE, Facts, SETTLED, TIMEOUT, t},
    samples::lock,
};
use crate::{
    api::{
        Time,
        conditions::{self, kind},
        reset::RequestedAction::ResetWorkProfilePasscode,
        reset_status::{AttemptResult, Outcome},
    },
    platform::ActionResult,
};

/// What becomes of a fresh object that sees this one entry at this time.
#[track_caller]
fn sees(entry: ActionResult, at: i64) -> (String, bool) {
    let status = Facts::new().sees(vec![entry]).at(at).decide().status;
    (status.reason().to_owned(), status.device_action.is_some_and(|action| action.adopted))
}

#[test]
fn what_answers_an_object_without_an_attempt() {
    let sent = ("", false);
    let rows = [
        ("done at requestTime", entry("done", 0), 60, ("Adopted", true)),
        ("done after it", entry("done", 30), 60, ("Adopted", true)),
        ("done, by Intune's clock just before it", entry("done", -125), 60, ("Adopted", true)),
        ("done a second earlier still", entry("done", -126), 60, ("RecentlyReset", false)),
        ("done longest ago that is recent", entry("done", -600), 60, ("RecentlyReset", false)),
        ("done before that", entry("done", -601), 60, sent),
        ("failed after requestTime", entry("failed", 5), 60, ("DeviceRefused", true)),
        ("not supported after requestTime", entry("notSupported", 5), 60, ("NotSupportedByDevice", true)),
        ("canceled after requestTime", entry("canceled", 5), 60, ("Canceled", true)),
        ("failed just before it", entry("failed", -125), 60, ("DeviceRefused", true)),
        ("failed before it", entry("failed", -126), 60, sent),
        ("not supported before it", entry("notSupported", -126), 60, sent),
        ("canceled before it", entry("canceled", -126), 60, sent),
        ("pending since after requestTime", entry("pending", 5), 60, ("WaitingForDevice", true)),
        ("pending since long before it", entry("pending", 60 - TIMEOUT), 60, ("WaitingForDevice", true)),
        ("pending for longer than anybody waits", entry("pending", 59 - TIMEOUT), 60, sent),
        ("active", entry("active", -3600), 60, ("WaitingForDevice", true)),
        ("a state added later is unfinished", entry("deferred", -3600), 60, ("WaitingForDevice", true)),
        ("no state at all is unfinished", entry("", -3600), 60, ("WaitingForDevice", true)),
        ("another action", entry_of("remoteLock", "done", 5), 60, sent),
        ("the PIN's action", entry_of("recoverPasscode", "done", 5), 60, sent),
        ("letter case", entry_of("RESETPASSCODE", "DONE", 5), 60, ("Adopted", true)),
        ("no start", ActionResult { start: None, ..entry("pending", 0) }, 60, sent),
        ("from the future", entry("done", 500), 60, ("Adopted", true)),
    ];
    for (name, entry, at, (reason, adopted)) in rows {
        assert_eq!(sees(entry, at), (reason.to_owned(), adopted), "{name}");
    }
}

#[test]
fn the_margin_and_the_interval_are_the_tenants() {
    let facts = |start: i64| {
        Facts::new().sees(vec![entry("done", start)]).at(10).tenant(|tenant| {
            tenant.timing.ledger_clock_error = "10s".parse().unwrap();
            tenant.timing.clock_error = "3s".parse().unwrap();
            tenant.min_interval = "400s".parse().unwrap();
        })
    };
    assert_eq!(facts(-13).decide().status.reason(), "Adopted", "both clocks may be wrong");
    facts(-14).rejected("RecentlyReset");
    facts(-400).rejected("RecentlyReset");
    facts(-401).takes_the_lock();
    facts(-14).tenant(|tenant| tenant.min_interval = "0s".parse().unwrap()).takes_the_lock();
}

#[test]
fn recently_reset_names_the_request_time_to_write() {
    for (start, seconds, named) in [
        (-300, "08:55:00", "09:05:00Z"), // start + 10 min is a whole minute
        (-299, "08:55:01", "09:06:00Z"), // rounded up
        (-241, "08:55:59", "09:06:00Z"),
    ] {
        let message = Facts::new().sees(vec![entry("done", start)]).at(10).rejected("RecentlyReset");
        assert!(message.contains(seconds) && message.contains(&format!("2026-11-22T{named} or later")), "{message}");
    }
    // Intune's times have fractions, which a spec has not.
    let fraction = ActionResult { start: Some("2026-11-22T08:55:00.0000001Z".parse().unwrap()), ..entry("done", 0) };
    let message = Facts::new().sees(vec![fraction]).rejected("RecentlyReset");
    assert!(message.contains("2026-11-22T09:06:00Z or later"), "{message}");
    let latest = Facts::new().sees(vec![entry("done", -540), entry("done", -300)]).rejected("RecentlyReset");
    assert!(latest.contains("09:05:00Z or later"), "of several the latest: {latest}");
}

#[test]
fn recently_reset_is_said_at_once_and_only_without_an_attempt() {
    let recent = vec![entry("done", -300)];
    Facts::new().sees(recent.clone()).locked_by_another(30).rejected("RecentlyReset");
    // A lock of its own, without an attempt: a restore of etcd has taken back what was sent under it.
    let forgotten =
        Facts { lock: Some(Some(lock("attempt-1", DEADLINE, "uid-1"))), ..Facts::new().sees(recent.clone()) };
    forgotten.clone().at(SETTLED).waits("DeviceBusy");
    forgotten.at(SETTLED + 1).rejected("RecentlyReset");
    let attempted = Facts::attempted(Some(AttemptResult::NotExecuted)).no_lock();
    let seen = attempted.status(|s| s.attempt.as_mut().unwrap().seen_start_times = vec![Time(t(-300))]);
    seen.sees(recent).at(60).takes_the_lock();
}

#[test]
fn an_entry_that_answers_is_adopted_although_the_lock_is_open() {
    let open = |state: &str| Facts::new().sees(vec![entry(state, 5)]).locked_by_another(30).at(40);
    open("pending").waits("WaitingForDevice");
    open("done").ends(Outcome::Complete, "Adopted");
    open("failed").failed("DeviceRefused");
}

#[test]
fn after_an_attempt_an_entry_that_was_not_there_before_answers() {
    // Asked for long after it was claimed, as it may seem after a restore: only the rule about the attempt can hold.
    let ours = |facts: Facts| {
        facts.status(|s| {
            let attempt = s.attempt.as_mut().unwrap();
            (attempt.claim_time, attempt.seen_start_times) = (Time(t(-300)), vec![Time(t(-400))]);
        })
    };
    use AttemptResult::{Accepted, NotExecuted, Refused, Unknown};
    for result in [None, Some(Unknown), Some(Accepted), Some(Refused)] {
        let attempted = ours(Facts::attempted(result));
        let status = |start: i64| attempted.clone().sees(vec![entry("done", start)]).at(60).decide().status;
        assert_eq!(status(-425).outcome, Some(Outcome::Complete), "{result:?}: within the margin");
        assert!(!status(-425).device_action.unwrap().adopted, "it is taken for ours");
        assert_eq!(status(-425).reason(), "PasscodeRemoved");
        assert_eq!(status(-426).outcome, None, "{result:?}: an older one that a look left out");
        assert_eq!(status(-400).outcome, None, "{result:?}: it was there before");
    }
    // What was certainly not carried out cannot be ours.
    let status = ours(Facts::attempted(Some(NotExecuted))).sees(vec![entry("done", -399)]).at(60).decide().status;
    assert_eq!((status.reason(), status.device_action.as_ref().unwrap().adopted), ("Adopted", true));
}

#[test]
fn an_entry_seen_under_the_lock_can_still_answer_by_its_time() {
    let seen = Facts::attempted(None).status(|s| s.attempt.as_mut().unwrap().seen_start_times = vec![Time(t(10))]);
    seen.sees(vec![entry("done", 10)]).at(60).ends(Outcome::Complete, "PasscodeRemoved");
}

#[test]
fn of_several_an_unfinished_then_a_done_then_the_latest() {
    let state = |entries: Vec<ActionResult>| {
        Facts::new().sees(entries).at(60).decide().status.device_action.map(|action| action.state).unwrap()
    };
    let (pending, done) = (entry("pending", 10), entry("done", 20));
    let (failed, canceled) = (entry("failed", 30), entry("canceled", 40));
    assert_eq!(state(vec![canceled.clone(), failed.clone(), done.clone(), pending]), "pending");
    assert_eq!(state(vec![canceled.clone(), failed.clone(), done]), "done");
    assert_eq!(state(vec![canceled, failed]), "canceled");
}

#[test]
fn what_is_adopted_is_told_and_never_sent() {
    let facts = Facts::new().sees(vec![entry("done", 5)]).at(60);
    let message = facts.ends(Outcome::Complete, "Adopted");
    assert!(message.contains("Nothing was sent for this object") && message.contains("later requestTime"), "{message}");
    let status = facts.decide().status;
    let issued = conditions::get(&status.conditions, kind::ISSUED).unwrap();
    assert_eq!((issued.status.as_str(), issued.reason.as_str(), status.attempt), ("True", "Adopted", None));
    for (state, reason) in [("failed", "DeviceRefused"), ("canceled", "Canceled")] {
        let message = Facts::new().sees(vec![entry(state, 5)]).failed(reason);
        assert!(message.contains("a new PasscodeReset with a later requestTime asks again"), "{message}");
    }
    let message = Facts::new().sees(vec![entry("notSupported", 5)]).rejected("NotSupportedByDevice");
    assert!(message.contains("a new PasscodeReset with a later requestTime asks again"), "{message}");
}

#[test]
fn a_dry_run_adopts_nothing() {
    for state in ["done", "pending", "failed"] {
        let facts = Facts::new().dry_run().sees(vec![entry(state, 5)]).at(60);
        facts.rejected("DryRun");
        assert_eq!(facts.decide().status.device_action, None);
    }
}

#[test]
fn a_work_profile_is_adopted_only_where_it_was_asked_for() {
    let facts = || Facts::new().device(work_profile()).sees(vec![entry("done", 5)]).at(60);
    facts().rejected("WorkProfileOnly");
    facts().action(ResetWorkProfilePasscode).ends(Outcome::Complete, "Adopted");
    let recent = Facts::new().device(work_profile()).sees(vec![entry("done", -300)]);
    recent.rejected("WorkProfileOnly");
    recent.action(ResetWorkProfilePasscode).rejected("RecentlyReset");
}

#[test]
fn the_pin_of_windows_mobile_has_entries_of_its_own_name() {
    let phone = |name: &str| Facts::new().device(windows_phone()).sees(vec![entry_of(name, "done", 5)]).at(60);
    phone("recoverPasscode").ends(Outcome::Complete, "Adopted");
    phone("resetPasscode").takes_the_lock();
    Facts::new().device(iphone()).sees(vec![entry_of("recoverPasscode", "done", 5)]).takes_the_lock();
}
