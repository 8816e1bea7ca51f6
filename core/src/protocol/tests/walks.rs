//! From end to end through a toy world: how many requests, how many writes, which words.

use super::toy::{Fate, Toy};
use crate::{
    api::{
        reset_status::{AttemptResult, Outcome},
        tenant::UnknownOutcome,
    },
    lifecycle::tests::{
        devices::entry,
        facts::{SETTLED, t},
    },
};

#[test]
fn the_main_path_sends_once_and_writes_four_times() {
    let mut toy = Toy::new(&["uid-1"], [Fate::accepted()]);
    toy.run();
    let member = &toy.members[0];
    assert_eq!(toy.sent, 1);
    assert_eq!(member.words(), ["Sending", "WaitingForDevice", "WaitingForDevice", "PasscodeRemoved"]);
    let status = member.status();
    assert_eq!((status.outcome, status.silent_attempts), (Some(Outcome::Complete), 0));
    let attempt = status.attempt.unwrap();
    assert_eq!((attempt.number, attempt.result), (1, Some(AttemptResult::Accepted)));
    assert_eq!(status.device_action.map(|action| (action.state, action.adopted)), Some(("done".to_owned(), false)));
}

#[test]
fn a_device_that_answers_at_once_needs_three_writes() {
    let mut toy = Toy::new(&["uid-1"], [Fate { shows_after: Some(0), ..Fate::accepted() }]);
    toy.device_takes = 0;
    toy.run();
    assert_eq!(toy.members[0].words(), ["Sending", "WaitingForDevice", "PasscodeRemoved"]);
}

#[test]
fn a_slow_device_costs_looks_and_no_writes() {
    let mut toy = Toy::new(&["uid-1"], [Fate::accepted()]);
    toy.device_takes = 6 * 3600;
    toy.run();
    assert_eq!((toy.members[0].writes.len(), toy.members[0].status().outcome), (4, Some(Outcome::Complete)));
}

#[test]
fn a_lost_answer_whose_entry_shows() {
    for shows_after in [0, 10, 119, 270] {
        let mut toy = Toy::new(&["uid-1"], [Fate::lost(Some(shows_after))]);
        toy.run();
        let status = toy.members[0].status();
        assert_eq!((toy.sent, status.outcome), (1, Some(Outcome::Complete)), "after {shows_after}");
        assert_eq!((status.silent_attempts, status.device_action.unwrap().adopted), (0, false));
        assert!(toy.members[0].writes.len() <= 4, "{:?}", toy.members[0].words());
    }
}

#[test]
fn a_lost_answer_and_silence_is_sent_again_and_once_only() {
    let mut toy = Toy::new(&["uid-1"], [Fate::lost(None), Fate::accepted()]);
    toy.run();
    let status = toy.members[0].status();
    assert_eq!((toy.sent, status.outcome, status.silent_attempts), (2, Some(Outcome::Complete), 1));
    assert_eq!(status.attempt.unwrap().number, 2);
    assert!(toy.now >= t(SETTLED), "not before the first could have shown");
    let words = toy.members[0].words();
    let expected =
        ["Sending", "VerifyingOutcome", "Sending", "WaitingForDevice", "WaitingForDevice", "PasscodeRemoved"];
    assert_eq!(words, expected);
}

#[test]
fn three_lost_answers_are_the_end() {
    let mut toy = Toy::new(&["uid-1"], [Fate::lost(None), Fate::lost(None), Fate::lost(None)]);
    toy.run();
    let status = toy.members[0].status();
    assert_eq!((toy.sent, status.outcome, status.silent_attempts), (3, Some(Outcome::Failed), 3));
    assert_eq!(status.reason(), "OutcomeUnknown");
}

#[test]
fn where_silence_fails_it_is_sent_once() {
    let mut toy = Toy::new(&["uid-1"], [Fate::lost(None)]);
    toy.members[0].facts.tenant.as_mut().unwrap().unknown_outcome = UnknownOutcome::Fail;
    toy.run();
    assert_eq!((toy.sent, toy.members[0].status().reason()), (1, "OutcomeUnknown"));
}

#[test]
fn what_was_not_executed_is_sent_again_at_once() {
    let mut toy = Toy::new(&["uid-1"], [Fate::not_executed(), Fate::accepted()]);
    toy.run();
    let status = toy.members[0].status();
    assert_eq!((toy.sent, status.outcome, status.attempt.unwrap().number), (2, Some(Outcome::Complete), 1));
    assert!(toy.now < t(60), "nobody waits for a lock that was given back");
}

#[test]
fn two_objects_of_one_device_reset_it_once() {
    let mut toy = Toy::new(&["uid-1", "uid-2"], [Fate::accepted()]);
    toy.run();
    assert_eq!(toy.sent, 1);
    let reasons: Vec<String> = toy.members.iter().map(|member| member.status().reason().to_owned()).collect();
    assert_eq!(reasons, ["PasscodeRemoved", "Adopted"]);
    assert!(toy.members.iter().all(|member| member.status().outcome == Some(Outcome::Complete)));
    assert!(toy.members[1].writes.len() <= 4, "{:?}", toy.members[1].words());
}

#[test]
fn two_objects_of_one_device_where_the_first_answer_is_lost() {
    let mut toy = Toy::new(&["uid-1", "uid-2"], [Fate::lost(Some(100))]);
    toy.run();
    assert_eq!(toy.sent, 1);
    assert!(toy.members.iter().all(|member| member.status().outcome == Some(Outcome::Complete)));
    // Lost for good: whoever asks again is followed by the other.
    let mut toy = Toy::new(&["uid-1", "uid-2"], [Fate::lost(None), Fate::accepted()]);
    toy.run();
    assert_eq!(toy.sent, 2);
    assert!(toy.members.iter().all(|member| member.status().outcome == Some(Outcome::Complete)));
}

#[test]
fn a_replay_sends_nothing() {
    let mut toy = Toy::new(&["uid-1"], []);
    toy.record.push((t(0), entry("done", 0)));
    toy.run();
    let status = toy.members[0].status();
    assert_eq!((toy.sent, status.outcome, status.reason()), (0, Some(Outcome::Complete), "Adopted"));
    assert_eq!(toy.members[0].writes.len(), 1, "{:?}", toy.members[0].words());
}

#[test]
fn a_scheduled_one_is_sent_in_its_time() {
    let mut toy = Toy::new(&["uid-1"], [Fate::accepted()]);
    toy.now = t(-3600);
    toy.run();
    assert_eq!((toy.sent, toy.members[0].words()[0].as_str()), (1, "Scheduled"));
    assert_eq!(toy.members[0].writes.len(), 5, "{:?}", toy.members[0].words());
    let claimed = toy.members[0].status().attempt.unwrap().claim_time.0;
    assert!((t(0)..t(3)).contains(&claimed), "{claimed}");
}

#[test]
fn blindness_between_attempts_changes_no_word() {
    let mut toy = Toy::new(&["uid-1"], [Fate::lost(None), Fate::accepted()]);
    toy.blind = 5..SETTLED + 200;
    toy.run();
    let status = toy.members[0].status();
    assert_eq!((toy.sent, status.outcome), (2, Some(Outcome::Complete)));
    assert!(toy.members[0].writes.len() <= 6, "{:?}", toy.members[0].words());
}
