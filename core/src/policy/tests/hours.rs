//! Hours: whose day it is, where windows begin and end, and what several policies have in common.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    support::{Case, time},
    zones::hours,
};
use crate::policy::hours::{Hours, common_opening, minutes};

fn window(days: &[&str], from: &str, to: &str, zone: &str) -> Value {
    json!({"days": days, "from": from, "to": to, "timeZone": zone})
}

const WEEKDAYS: [&str; 5] = ["Mon", "Tue", "Wed", "Thu", "Fri"];

#[test]
fn windows_open_and_close_by_the_clock_on_the_wall() {
    let amsterdam = hours(&[window(&WEEKDAYS, "07:00", "19:00", "Europe/Amsterdam")]);
    let night = hours(&[window(&["Fri"], "22:00", "06:00", "Europe/Amsterdam")]);
    let saturday = hours(&[window(&["Sat"], "00:00", "24:00", "Europe/Amsterdam")]);
    for (hours, at, open) in [
        (&amsterdam, "2026-11-23T05:59:59Z", false),
        (&amsterdam, "2026-11-23T06:00:00Z", true),
        (&amsterdam, "2026-11-23T17:59:59.999Z", true),
        (&amsterdam, "2026-11-23T18:00:00Z", false),
        (&amsterdam, "2026-11-22T12:00:00Z", false),
        // In summer it is an hour earlier.
        (&amsterdam, "2026-07-06T05:00:00Z", true),
        (&amsterdam, "2026-07-06T04:59:59Z", false),
        // A window belongs to the day on which it opens.
        (&night, "2026-11-27T20:59:59Z", false),
        (&night, "2026-11-27T21:00:00Z", true),
        (&night, "2026-11-28T04:59:59Z", true),
        (&night, "2026-11-28T05:00:00Z", false),
        (&night, "2026-11-27T04:00:00Z", false),
        (&night, "2026-11-28T21:00:00Z", false),
        (&saturday, "2026-11-27T23:00:00Z", true),
        (&saturday, "2026-11-28T22:59:59Z", true),
        (&saturday, "2026-11-28T23:00:00Z", false),
    ] {
        assert_eq!(hours.are_open(time(at)), open, "{at}");
    }
}

/// A clock that skips an hour never shows it; one that repeats an hour shows it twice.
#[test]
fn where_clocks_change() {
    let early = hours(&[window(&["Sun"], "02:00", "03:00", "Europe/Amsterdam")]);
    let next = |at: &str| early.opening(time(at), Timestamp::MAX).map(|(opening, _)| opening);
    assert_eq!(next("2026-03-28T12:00:00Z"), Some(time("2026-04-05T00:00:00Z")), "not on 29 March");
    assert_eq!(next("2026-10-25T00:00:00Z"), Some(time("2026-10-25T00:00:00Z")));
    assert!(early.are_open(time("2026-10-25T01:59:59Z")), "for two hours on 25 October");
    assert!(!early.are_open(time("2026-10-25T02:00:00Z")));

    // The clocks of Samoa went from Thursday to Saturday.
    let friday = hours(&[window(&["Fri"], "09:00", "17:00", "Pacific/Apia")]);
    let opening = friday.opening(time("2011-12-29T12:00:00Z"), Timestamp::MAX).unwrap().0;
    assert_eq!(opening, time("2012-01-05T19:00:00Z"));

    // At midnight of this Sunday the clocks of São Paulo went on to one o'clock.
    let midnight = hours(&[window(&["Sun"], "00:00", "00:30", "America/Sao_Paulo")]);
    let opening = midnight.opening(time("2018-11-03T12:00:00Z"), Timestamp::MAX).unwrap().0;
    assert_eq!(opening, time("2018-11-11T02:00:00Z"));
    // A window that has begun by then is open at once.
    let sunday = hours(&[window(&["Sun"], "00:30", "12:00", "America/Sao_Paulo")]);
    let opening = sunday.opening(time("2018-11-03T12:00:00Z"), Timestamp::MAX).unwrap().0;
    assert_eq!(opening, time("2018-11-04T03:00:00Z"));
}

#[test]
fn any_window_of_a_policy_will_do() {
    let two = hours(&[window(&["Mon"], "09:00", "10:00", "UTC"), window(&["Mon"], "08:00", "09:00", "Asia/Kolkata")]);
    let (opening, of) = two.opening(time("2026-11-22T12:00:00Z"), Timestamp::MAX).unwrap();
    assert_eq!((opening, of.zone.iana_name()), (time("2026-11-23T02:30:00Z"), Some("Asia/Kolkata")));
    assert!(two.are_open(time("2026-11-23T09:30:00Z")));
    assert_eq!(two.opening(time("2026-11-23T10:00:00Z"), time("2026-11-23T12:00:00Z")), None, "not before the limit");
}

#[test]
fn what_is_told_outside_of_the_hours() {
    let weekdays = json!({"hours": [window(&WEEKDAYS, "07:00", "19:00", "europe/amsterdam")]});
    let case = Case { at: time("2026-11-21T09:00:00Z"), ..Case::new().with("help-desk", weekdays.clone()) };
    let (reason, message) = case.says();
    assert_eq!(reason, "OutsideHours");
    assert_eq!(
        message,
        "On hold: the hours of PasscodeResetPolicy \"help-desk\" open Mon 07:00 Europe/Amsterdam (2026-11-23T06:00:00Z). It goes on by itself; \
         it is not sent after 2026-11-24T09:00:00Z."
    );
    assert_eq!(case.until(), Some(time("2026-11-23T06:00:00Z")));

    let short = Case { expiration: time("2026-11-22T09:00:00Z"), ..case.clone() };
    let message = short.says().1;
    assert!(
        message.contains("It expires before that, at 2026-11-22T09:00:00Z: delete it, and create a new PasscodeReset"),
        "{message}"
    );

    let afternoon = json!({"hours": [window(&["Mon"], "13:00", "15:00", "UTC")]});
    let both = case.clone().with("second", afternoon);
    let message = both.says().1;
    assert!(message.contains("; the hours of PasscodeResetPolicy \"second\" open Mon 13:00 UTC (2026-11-23T13:00:00Z). All of them are open at 2026-11-23T13:00:00Z."), "{message}");
    assert_eq!(both.until(), Some(time("2026-11-23T13:00:00Z")));

    let never = case.with("sundays", json!({"hours": [window(&["Sun"], "09:00", "15:00", "UTC")]}));
    let message = never.says().1;
    assert!(
        message.contains("In the next weeks there is no time at which all of them are open. It expires before that"),
        "{message}"
    );
    assert_eq!(never.until(), None);
    assert!(Case::new().with("help-desk", weekdays).is_permitted());
}

#[test]
fn minutes_of_the_day() {
    for (text, expected) in [
        ("00:00", Some(0)),
        ("07:30", Some(450)),
        ("24:00", Some(1440)),
        ("24:01", None),
        ("23:60", None),
        ("7:30", None),
        ("07:3", None),
        ("+7:30", None),
        ("0730", None),
        ("", None),
        ("99:99", None),
        ("é7:30", None),
    ] {
        assert_eq!(minutes(text), expected, "{text}");
    }
}

fn any_hours() -> impl Strategy<Value = Hours> {
    let zone = prop::sample::select(&["UTC", "Europe/Amsterdam", "Australia/Lord_Howe", "America/St_Johns"][..]);
    let window = (prop::array::uniform7(any::<bool>()), 0_u16..1440, 1_u16..=1440, zone)
        .prop_filter("opens and closes", |(days, from, to, _)| from != to && days.contains(&true))
        .prop_map(|(days, from, to, zone)| crate::policy::hours::Window {
            days,
            from,
            to,
            zone: crate::policy::zones::named(zone).unwrap(),
        });
    prop::collection::vec(window, 1..3).prop_map(|windows| Hours { windows })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Minute by minute: every window opens on a whole minute.
    #[test]
    fn what_several_have_in_common_is_the_first_such_minute(
        all in prop::collection::vec(any_hours(), 1..3),
        minute in 0_i64..60 * 24 * 366,
    ) {
        let begin = time("2026-01-01T00:00:00Z") + SignedDuration::from_mins(minute);
        let all: Vec<&Hours> = all.iter().collect();
        let limit = begin + SignedDuration::from_hours(24 * 8);
        let minutes = (0..60 * 24 * 8).map(|minute| begin + SignedDuration::from_mins(minute));
        let first = minutes.into_iter().find(|at| all.iter().all(|hours| hours.are_open(*at)));
        prop_assert_eq!(common_opening(&all, begin, limit), first);
    }
}

#[test]
fn utc_needs_no_other_name() {
    assert_eq!(
        crate::policy::zones::named("UTC").unwrap().to_offset(Timestamp::UNIX_EPOCH),
        TimeZone::UTC.to_offset(Timestamp::UNIX_EPOCH)
    );
}
