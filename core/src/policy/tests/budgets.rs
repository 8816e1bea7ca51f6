//! Budgets: what counts, and when there is room.

use serde_json::json;

use super::support::{Case, DEVICE, past, time};

fn with_budget(max: i32, scope: &str) -> Case {
    Case::new().with("help-desk", json!({"budgets": [{"name": "per-desk", "max": max, "per": "1h", "scope": scope}]}))
}

#[test]
fn a_budget_that_is_used_up_says_when_there_is_room() {
    let mut case = with_budget(2, "Namespace");
    for at in ["2026-11-23T08:40:00Z", "2026-11-23T08:05:30Z"] {
        assert!(case.is_permitted());
        case.past.push(past(time(at), at, "helpdesk", None));
    }
    let (reason, message) = case.says();
    assert_eq!(reason, "LimitReached");
    assert_eq!(
        message,
        "On hold: 2 of 2 resets in 1h in this namespace (budget \"per-desk\" of PasscodeResetPolicy \"help-desk\"); next room about \
         2026-11-23T09:06:00Z. It goes on by itself; it is not sent after 2026-11-24T09:00:00Z."
    );
    assert_eq!(case.until(), Some(time("2026-11-23T09:05:30Z")));
    let later = |at: &str| Case { at: time(at), ..case.clone() }.is_permitted();
    assert!(!later("2026-11-23T09:05:29Z"));
    assert!(later("2026-11-23T09:05:30Z"), "in the hour before there was one");
}

#[test]
fn more_than_the_budget_waits_for_enough_of_them_to_grow_old() {
    let mut case = with_budget(1, "Tenant");
    for minute in [10, 20, 30] {
        case.past.push(past(time(&format!("2026-11-23T08:{minute}:00Z")), "x", "helpdesk", None));
    }
    assert_eq!(case.until(), Some(time("2026-11-23T09:30:00Z")), "the budget was larger before");
}

#[test]
fn each_scope_counts_its_own() {
    let at = time("2026-11-23T08:30:00Z");
    let own = past(at, "other", "helpdesk", Some("desk@example.com"));
    for (scope, change) in [
        ("Namespace", (|past| past.namespace = "x".into()) as fn(&mut crate::policy::PastReset)),
        ("Requester", |past| past.requester = Some("x".into())),
        ("Requester", |past| past.requester = None),
        ("Tenant", |past| past.tenant = "x".into()),
        ("Device", |past| past.managed_device_id = "x".into()),
    ] {
        let full = Case { past: vec![own.clone()], ..with_budget(1, scope) };
        assert_eq!(full.reason(), "LimitReached", "{scope}");
        let mut other = own.clone();
        change(&mut other);
        assert!(Case { past: vec![other], ..with_budget(1, scope) }.is_permitted(), "{scope}");
        let mut elsewhere = past(at, "other", "x", None);
        elsewhere.tenant = "x".into();
        elsewhere.managed_device_id = if scope == "Device" { DEVICE.to_uppercase() } else { "x".into() };
        assert_eq!(
            Case { past: vec![elsewhere], ..with_budget(1, scope) }.is_permitted(),
            scope != "Device",
            "{scope}"
        );
    }
}

#[test]
fn requesters_whom_nobody_knows_share_a_budget() {
    let case = Case { requester: None, ..with_budget(1, "Requester") };
    let at = time("2026-11-23T08:30:00Z");
    assert!(!Case { past: vec![past(at, "x", "x", None)], ..case.clone() }.is_permitted());
    assert!(Case { past: vec![past(at, "x", "x", Some("desk@example.com"))], ..case.clone() }.is_permitted());
    // Not proved is not known.
    let not_proved = Case { requester: Some("desk@example.com".into()), identity_since: None, ..case };
    assert!(!Case { past: vec![past(at, "x", "x", None)], ..not_proved }.is_permitted());
}

/// Under the device lock the request itself is among what was sent, and a second attempt follows a first.
#[test]
fn a_request_does_not_use_up_its_own_budget() {
    let own = past(time("2026-11-23T08:59:59Z"), super::support::UID, "helpdesk", None);
    assert!(Case { past: vec![own], ..with_budget(1, "Namespace") }.is_permitted());
}

#[test]
fn what_was_sent_in_the_future_counts() {
    let ahead = past(time("2026-11-23T09:00:30Z"), "x", "helpdesk", None);
    let case = Case { past: vec![ahead], ..with_budget(1, "Namespace") };
    assert_eq!(case.until(), Some(time("2026-11-23T10:00:30Z")));
}

#[test]
fn the_latest_room_of_several_budgets_counts() {
    let budgets = json!([
        {"name": "hour", "max": 1, "per": "1h", "scope": "Namespace"},
        {"name": "day", "max": 1, "per": "24h", "scope": "Device"},
    ]);
    let mut case = Case::new().with("p", json!({"budgets": budgets}));
    case.past.push(past(time("2026-11-23T08:30:00Z"), "x", "helpdesk", None));
    assert_eq!(case.until(), Some(time("2026-11-24T08:30:00Z")));
    let message = case.says().1;
    assert!(
        message.contains("budget \"hour\"") && message.contains("1 of 1 resets in 24h of this device"),
        "{message}"
    );
}
