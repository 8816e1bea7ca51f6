//! Hours at every change of the clocks, against a calendar that is gone through minute by minute.
//!
//! `cargo test -p passcode-core -- --ignored every_zone` goes through all zones and all their changes from 2020 to 2040; what runs every
//! time is a choice of zones that are odd in different ways.

use jiff::{
    SignedDuration, Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_json::{Value, json};

use crate::policy::{Policy, hours::Hours, zones::named};

/// A policy's hours, as it reads them.
pub fn hours(windows: &[Value]) -> Hours {
    let spec = serde_json::from_value(json!({"hours": windows})).unwrap();
    let policy = Policy::compile("hours", &spec);
    policy.body.unwrap_or_else(|problems| panic!("{problems:?}")).hours.unwrap()
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEK: usize = 7 * 1440;

/// The minutes of a week in which a window is open: painted, without a thought about time zones.
fn painted(days: &[usize], from: usize, to: usize) -> Vec<bool> {
    let mut week = vec![false; WEEK];
    for day in days {
        let mut minute = from;
        loop {
            week[(day * 1440 + minute) % WEEK] = true;
            minute += 1;
            if minute % 1440 == to % 1440 {
                break;
            }
        }
    }
    week
}

/// Windows that have something to do with a change at this minute of the day: around it, over night, a whole day, and one minute.
fn windows(minute: usize) -> Vec<(Vec<usize>, usize, usize)> {
    let all: Vec<usize> = (0..7).collect();
    vec![
        (all.clone(), (minute + 1410) % 1440, (minute + 30) % 1440),
        (vec![0, 2, 4, 6], 22 * 60, 6 * 60),
        (vec![6], 0, 1440),
        (all, (minute + 15) % 1440, (minute + 16) % 1440),
    ]
}

/// How far around a change every minute is compared, in minutes.
const REACH: i64 = 26 * 60;
/// Elsewhere than near the change, the next opening is asked for at every so many minutes.
const STEP: usize = 17;

/// Compares every minute around a change, and the next opening at every minute that is at most `near` minutes from it.
fn check(zone: &TimeZone, change: Timestamp, near: usize) {
    let name = zone.iana_name().unwrap();
    let before = zone.to_datetime(change - SignedDuration::from_secs(1));
    let minute = usize::try_from(before.hour()).unwrap() * 60 + usize::try_from(before.minute()).unwrap() + 1;
    let begin = change - SignedDuration::from_mins(REACH);
    let at = |minute: usize| begin + SignedDuration::from_mins(i64::try_from(minute).unwrap());
    let count = usize::try_from(2 * REACH).unwrap();
    for (days, from, to) in windows(minute) {
        let week = painted(&days, from, to);
        let text = |minutes: usize| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let names: Vec<&str> = days.iter().map(|day| DAYS[*day]).collect();
        // 24:00 closes a day and opens none.
        let to = if to == 0 { 1440 } else { to };
        let hours = hours(&[json!({"days": names, "from": text(from), "to": text(to), "timeZone": name})]);
        let mut next = None;
        for index in (0..count).rev() {
            let wall = zone.to_datetime(at(index));
            let day = usize::try_from(wall.weekday().to_monday_zero_offset()).unwrap();
            let open =
                week[day * 1440 + usize::try_from(wall.hour()).unwrap() * 60 + usize::try_from(wall.minute()).unwrap()];
            assert_eq!(hours.are_open(at(index)), open, "{name} {} {days:?} {from} {to}", at(index));
            if open {
                next = Some(at(index));
            }
            if index % STEP == 0 || index.abs_diff(count / 2) <= near {
                let opening = hours.opening(at(index), at(count)).map(|(opening, _)| opening);
                assert_eq!(opening, next, "{name} from {} {days:?} {from} {to}", at(index));
            }
        }
    }
}

fn changes(zone: &TimeZone, from: &str, to: &str) -> Vec<Timestamp> {
    let (from, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
    let changes: Vec<_> = zone.following(from).map(|change| change.timestamp()).take_while(|at| *at < to).collect();
    // A zone whose clocks never change is looked at once.
    if changes.is_empty() { vec![from] } else { changes }
}

#[test]
fn odd_zones_at_their_changes() {
    for (name, from, to) in [
        ("UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("Europe/Amsterdam", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // Half an hour.
        ("Australia/Lord_Howe", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // Two hours.
        ("Antarctica/Troll", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // Around Ramadan, four times a year in the far future.
        ("Africa/Casablanca", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("Africa/Casablanca", "2039-01-01T00:00:00Z", "2040-01-01T00:00:00Z"),
        // Winter time is the exception.
        ("Europe/Dublin", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // At midnight.
        ("America/Havana", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("America/Sao_Paulo", "2018-06-01T00:00:00Z", "2019-06-01T00:00:00Z"),
        ("Africa/Cairo", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // Hours that are not whole.
        ("Pacific/Chatham", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        // A day that was left out.
        ("Pacific/Apia", "2011-06-01T00:00:00Z", "2012-06-01T00:00:00Z"),
        // Beyond the table, by the rule.
        ("America/New_York", "2039-01-01T00:00:00Z", "2040-01-01T00:00:00Z"),
    ] {
        let zone = named(name).unwrap();
        for change in changes(&zone, from, to) {
            check(&zone, change, 10);
        }
    }
}

#[test]
#[ignore = "minutes: every zone, every change from 2020 to 2040, every minute of two days around each"]
fn every_zone_at_every_change_from_2020_to_2040() {
    for name in TimeZoneDatabase::bundled().available() {
        let zone = named(name.as_str()).unwrap();
        for change in changes(&zone, "2020-01-01T00:00:00Z", "2041-01-01T00:00:00Z") {
            check(&zone, change, 180);
        }
    }
}

#[test]
fn a_zone_that_does_not_exist_is_told_with_the_one_that_was_meant() {
    for (written, meant) in [
        ("Amsterdam", "write Europe/Amsterdam"),
        ("Europe/Amsterdm", "write Europe/Amsterdam"),
        ("New York", "write America/New_York"),
        ("Mars/Olympus_Mons", "write a name such as Europe/Amsterdam or UTC"),
        ("", "write a name such as Europe/Amsterdam or UTC"),
        ("../etc/passwd", "write a name such as Europe/Amsterdam or UTC"),
    ] {
        let problem = named(written).unwrap_err();
        assert!(problem.ends_with(meant), "{problem}");
    }
    for name in ["UTC", "europe/amsterdam", "Etc/GMT+5", "CET"] {
        assert!(named(name).is_ok(), "{name}");
    }
}
