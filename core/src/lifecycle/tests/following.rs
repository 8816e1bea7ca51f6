//! Following an entry to its end.

use std::time::Duration;

use super::{
    devices::{Make, entry, fully_managed, iphone, windows_phone, work_profile},
    facts::{Facts, TIMEOUT, message, t},
};
use crate::{
    api::{
        Time,
        conditions::{self, kind},
        reset::RequestedAction,
        reset_status::{AttemptResult, AttemptResult::*, Outcome},
    },
    lifecycle::{
        observed::Look,
        observed::Reading,
        polling::{Stretch, is_in_flight, looks_an_hour},
        step::Lesson,
    },
    platform::{ActionResult, required_ledger_name},
};

/// Sent, accepted, and this is what the record shows.
fn own(state: &str, start: i64) -> Facts {
    Facts::attempted(Some(Accepted)).sees(vec![entry(state, start)]).at(60)
}

#[test]
fn an_own_entry_is_followed() {
    let facts = own("pending", 5);
    let (_, message) = facts.waits("WaitingForDevice");
    assert!(message.contains("mobile data") && message.contains("followed until 2026-11-29T09:00:05Z"), "{message}");
    let decision = facts.decide();
    assert_eq!(decision.lesson, Some(Lesson::Lag(Duration::from_secs(55))), "first seen less its start");
    let action = decision.status.device_action.clone().unwrap();
    assert_eq!((action.name.as_str(), action.state.as_str()), ("resetPasscode", "pending"));
    assert_eq!((action.start_time, action.adopted), (Some(Time(t(5))), false));
    let issued = conditions::get(&decision.status.conditions, kind::ISSUED).unwrap();
    assert_eq!((issued.status.as_str(), issued.reason.as_str()), ("True", "PasscodeRemoved"));
    assert_eq!(
        issued.message,
        "Intune lists the reset, started at 2026-11-22T09:00:05Z (Graph's request id not given)."
    );
    let later = own("pending", 5).status(|s| *s = decision.status).at(70).decide();
    assert_eq!(later.lesson, None, "measured once");
}

#[test]
fn looks_are_further_apart_where_there_are_more_than_there_is_room_for() {
    assert_eq!(own("pending", 5).waits("WaitingForDevice").0, Duration::from_secs(5));
    let stretched = Facts { stretch: Stretch::of(20, 10), ..own("pending", 5) };
    assert_eq!(stretched.waits("WaitingForDevice").0, Duration::from_secs(10));
}

#[test]
fn what_is_in_flight_asks_for_looks_by_its_age() {
    let asks = |facts: &Facts, at: i64| facts.object.status.as_ref().map(|status| looks_an_hour(status, t(at)));
    let sent = Facts::attempted(Some(Accepted));
    // As old as its claim, until an entry says when it began.
    assert_eq!(
        [asks(&sent, 10), asks(&sent, 60), asks(&sent, 300), asks(&sent, 900)].map(Option::unwrap),
        [1800, 720, 240, 60]
    );
    let seen = own("pending", 50).status(|s| *s = own("pending", 50).decide().status);
    assert_eq!(asks(&seen, 70), Some(1800));
    let over = own("done", 5).status(|s| *s = own("done", 5).decide().status);
    assert_eq!(asks(&over, 70), Some(0));
    let waits = Facts::new().gate();
    let waits = waits.clone().status(|s| *s = waits.decide().status);
    assert_eq!(asks(&waits, 0), Some(0));
    let in_flight = [&sent, &seen, &over, &waits, &Facts::new()].map(|facts| is_in_flight(&facts.object));
    assert_eq!(in_flight, [true, true, true, false, false]);
}

#[test]
fn a_lag_is_measured_of_own_entries_only() {
    assert_eq!(Facts::new().sees(vec![entry("pending", 0)]).at(60).decide().lesson, None);
    let ahead = own("pending", 100).decide().lesson;
    assert_eq!(ahead, Some(Lesson::Lag(Duration::ZERO)), "Intune's clock is ahead");
}

#[test]
fn how_it_ends_own_and_adopted() {
    let rows = [
        ("done", Outcome::Complete, "PasscodeRemoved", "Adopted"),
        ("failed", Outcome::Failed, "DeviceRefused", "DeviceRefused"),
        ("notSupported", Outcome::Rejected, "NotSupportedByDevice", "NotSupportedByDevice"),
        ("canceled", Outcome::Failed, "Canceled", "Canceled"),
    ];
    for (state, outcome, own_reason, adopted_reason) in rows {
        let later = "a later requestTime";
        let message = own(state, 5).ends(outcome, own_reason);
        assert!(!message.contains(later), "{message}");
        let adopted = Facts::adopted("pending", 5).sees(vec![entry(state, 5)]).at(60);
        let message = adopted.ends(outcome, adopted_reason);
        assert!(message.contains(later), "{message}");
        assert!(conditions::is_true(&adopted.decide().status.conditions, kind::ISSUED), "it was issued all the same");
    }
}

#[test]
fn the_answer_may_overtake_the_record_of_the_request() {
    for result in [None, Some(Unknown)] {
        let facts = Facts::attempted(result).sees(vec![entry("done", 5)]).at(60);
        facts.ends(Outcome::Complete, "PasscodeRemoved");
    }
}

#[test]
fn the_deadline_counts_from_the_entrys_start() {
    let adopted = |start: i64, at: i64| Facts::adopted("pending", start).at(at);
    assert_eq!(adopted(-3600, TIMEOUT - 3600).waits("WaitingForDevice").0, Duration::from_secs(1));
    let message = adopted(-3600, TIMEOUT - 3599).failed("DeadlineExceeded");
    assert!(message.contains("2026-11-29T08:00:00Z") && message.contains("may still happen"), "{message}");
    own("pending", 5).at(TIMEOUT + 5).waits("WaitingForDevice");
    own("pending", 5).at(TIMEOUT + 6).failed("DeadlineExceeded");
}

#[test]
fn until_it_is_seen_the_deadline_counts_from_the_claim() {
    let accepted = Facts::attempted(Some(Accepted));
    accepted.clone().at(TIMEOUT + 1).waits("WaitingForDevice");
    accepted.at(TIMEOUT + 2).failed("DeadlineExceeded");
}

#[test]
fn the_objects_own_completion_timeout_counts() {
    let hour = |start: i64, at: i64| {
        let facts = Facts::new().spec(|spec| spec.completion_timeout = Some("1h".parse().unwrap()));
        facts.sees(vec![entry("pending", start)]).at(at)
    };
    // Started before the request: it is waited for that long, and then it is as if it were not there.
    hour(-200, 3400).waits("WaitingForDevice");
    hour(-200, 3401).takes_the_lock();
    // Started since: what was asked for was carried out, and no device took it.
    hour(-10, 3590).waits("WaitingForDevice");
    hour(-10, 3591).failed("DeadlineExceeded");
}

#[test]
fn an_entry_that_is_not_listed_any_more_is_waited_for() {
    for facts in [Facts::adopted("pending", 5).sees(vec![]), own_followed().sees(vec![])] {
        let (_, message) = facts.clone().at(120).waits("WaitingForDevice");
        assert!(message.contains("does not list the reset that was followed"), "{message}");
        facts.at(TIMEOUT + 6).failed("DeadlineExceeded");
    }
}

fn own_followed() -> Facts {
    let facts = own("pending", 5);
    let status = facts.decide().status;
    facts.status(|s| *s = status)
}

#[test]
fn what_is_followed_is_followed_to_its_end_whatever_its_time() {
    // Adopted while pending, from long before requestTime: its end answers too.
    let facts = Facts::adopted("pending", -9000);
    facts.sees(vec![entry("failed", -9000)]).at(60).failed("DeviceRefused");
}

#[test]
fn a_look_writes_only_what_is_worth_it() {
    let checked_in = |sync: i64| {
        let mut facts = own("pending", 5);
        let Some(Reading::Answer { value: Look::Seen { last_sync, .. }, .. }) = facts.look.as_mut() else { panic!() };
        *last_sync = Some(t(sync));
        facts.decide().status.device_action.unwrap().device_checked_in_since
    };
    assert!(!checked_in(5) && checked_in(6));
    let code = |code: i64| {
        let failed = ActionResult { error_code: Some(code), ..entry("failed", 5) };
        let facts = Facts::attempted(Some(AttemptResult::Accepted)).sees(vec![failed]).at(60);
        (facts.decide().status.device_action.unwrap().error_code, facts.failed("DeviceRefused"))
    };
    assert_eq!(code(0).0, None);
    let (written, message) = code(-2_016_345_060);
    assert!(written == Some(-2_016_345_060) && message.contains("-2016345060"), "{message}");
}

#[test]
fn looks_are_closer_together_while_an_action_is_young() {
    for (at, pause) in [(10, 2), (60, 5), (200, 15), (3600, 60)] {
        assert_eq!(own("pending", 5).at(at).waits("WaitingForDevice").0.as_secs(), pause, "at {at}");
    }
}

#[test]
fn why_a_device_does_not_support_it() {
    let told = |facts: Facts| facts.sees(vec![entry("notSupported", 5)]).at(60).rejected("NotSupportedByDevice");
    let of_a_work_profile = told(Facts::new().device(work_profile()).action(RequestedAction::ResetWorkProfilePasscode));
    assert!(of_a_work_profile.contains("reset token is not active"), "{of_a_work_profile}");
    let of_an_iphone = told(Facts::new());
    assert!(of_an_iphone.contains("Intune gives no further reason"), "{of_an_iphone}");
}

#[test]
fn people_are_told_what_their_device_needs() {
    use RequestedAction::{ResetWorkProfilePasscode, UnlockDevice};
    let rows: [(&str, Make, RequestedAction, &str, &str, &str); 4] = [
        ("iPhone", iphone, UnlockDevice, "mobile data", "set a new one at once", "wrong unlock token"),
        ("Android", fully_managed, UnlockDevice, "only after this says Complete", "seven days", "requires a passcode"),
        (
            "work profile",
            work_profile,
            ResetWorkProfilePasscode,
            "Forgot my password",
            "Only the work profile's passcode",
            "requires a passcode",
        ),
        (
            "Windows phone",
            windows_phone,
            UnlockDevice,
            "powered and online",
            "device's overview, for seven days",
            "error code 0",
        ),
    ];
    for (name, device, action, waiting, complete, failed) in rows {
        let says = |state: &str| {
            let platform = Facts::new().device(device()).action(action);
            let ledger_name =
                platform.decide().status.device.unwrap().platform.parse().map(required_ledger_name).unwrap();
            let entry = super::devices::entry_of(ledger_name, state, 5);
            message(&platform.sees(vec![entry]).at(60).decide().status)
        };
        for (state, part) in [("pending", waiting), ("done", complete), ("failed", failed)] {
            assert!(says(state).contains(part), "{name}, {state}: {}", says(state));
        }
    }
}
