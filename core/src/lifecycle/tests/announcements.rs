//! What is worth an event, and what is worth a write.

use super::{
    devices::{entry, iphone},
    facts::{Facts, t},
};
use crate::{
    api::{
        Time,
        reset_status::{AttemptResult::*, PasscodeResetStatus},
    },
    lifecycle::events::{Announcement, announced, published, says_the_same},
};

fn status_of(facts: &Facts) -> PasscodeResetStatus {
    facts.decide().status
}

#[track_caller]
fn announcement(old: &PasscodeResetStatus, new: &PasscodeResetStatus) -> (bool, String, String) {
    let Announcement { warning, reason, note } = announced(old, new).unwrap();
    let (condition, message) = note.split_once(": ").unwrap();
    assert!(!message.is_empty());
    (warning, reason, condition.to_owned())
}

fn told(warning: bool, reason: &str, condition: &str) -> (bool, String, String) {
    (warning, reason.to_owned(), condition.to_owned())
}

#[test]
fn the_issue_and_the_outcome_are_announced_once() {
    let nothing = PasscodeResetStatus::default();
    let waiting = status_of(&Facts::new().gate());
    let accepted = Facts::attempted(Some(Accepted)).at(60);
    let pending = status_of(&accepted.clone().sees(vec![entry("pending", 5)]));
    let done = status_of(&accepted.clone().sees(vec![entry("done", 5)]));
    let failed = status_of(&accepted.sees(vec![entry("failed", 5)]));
    assert_eq!(announced(&nothing, &waiting), None);
    assert_eq!(announcement(&waiting, &pending), told(false, "PasscodeRemoved", "Issued"));
    assert_eq!(announced(&pending, &pending), None);
    // The same reason, so the note has to tell them apart.
    assert_eq!(announcement(&pending, &done), told(false, "PasscodeRemoved", "Complete"));
    assert_eq!(announcement(&pending, &failed), told(true, "DeviceRefused", "Failed"));
    assert_eq!(announced(&done, &done), None);
    // Both at once: the outcome is what people need.
    let refused = status_of(&Facts::new().dry_run());
    assert_eq!(announcement(&nothing, &refused), told(true, "DryRun", "Rejected"));
}

#[test]
fn times_that_move_by_themselves_are_no_news() {
    let followed = status_of(&Facts::attempted(Some(Accepted)).sees(vec![entry("pending", 5)]).at(60));
    let mut moved = followed.clone();
    moved.device_action.as_mut().unwrap().last_update_time = Some(Time(t(61)));
    moved.device.as_mut().unwrap().last_sync_time = Some(Time(t(61)));
    assert!(moved != followed && says_the_same(&followed, &moved) && says_the_same(&followed, &followed));
    moved.device_action.as_mut().unwrap().start_time = Some(Time(t(6)));
    assert!(!says_the_same(&followed, &moved));
    let other = status_of(&Facts::new().device(iphone()).gate());
    assert!(!says_the_same(&followed, &other));
}

#[test]
fn an_issue_waits_for_one_pass_more() {
    let event = |note: &str| Some(Announcement { warning: false, reason: "PasscodeRemoved".into(), note: note.into() });
    let (issue, outcome) = (|| event("Issued: "), || event("Complete: "));
    for (name, earlier, changed, finished, now, later) in [
        ("nothing", None, None, false, None, None),
        ("the issue", None, issue(), false, None, issue()),
        ("a pass later, and no outcome", issue(), None, false, issue(), None),
        ("a pass later, and the outcome", issue(), outcome(), true, outcome(), None),
        ("both in one pass", None, outcome(), true, outcome(), None),
        ("another replica wrote the outcome", issue(), None, true, issue(), None),
    ] {
        assert_eq!(published(earlier, changed, finished), (now, later), "{name}");
    }
}
