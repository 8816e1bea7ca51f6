//! What Intune's own record of a device says about a request: an entry answers it, forbids it, or neither.

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{Time, time::saturating_add},
    platform::ActionResult,
};

/// What of a request decides which entries answer it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The entries that count, `resetPasscode` or `recoverPasscode`; compared without regard to case.
    pub action_name: &'a str,
    /// When the reset was asked for.
    pub request_time: Timestamp,
    /// How long an unfinished entry counts, from its start.
    pub completion_timeout: SignedDuration,
    /// How much earlier than it was sent a reset may seem to have started: our clock may have been ahead of Graph's when it was sent, and
    /// Intune's may be behind Graph's (clockError + ledgerClockError).
    pub margin: SignedDuration,
    /// The object's attempt; `None`: it has had none.
    pub attempt: Option<OwnAttempt<'a>>,
    /// The start of the entry that the object already follows.
    pub followed: Option<Time>,
}

/// What of an attempt tells its entry from others.
#[derive(Clone, Copy, Debug)]
pub struct OwnAttempt<'a> {
    /// The entries that were seen under its lock, before it was sent.
    pub seen_start_times: &'a [Time],
    /// When it was claimed.
    pub claim_time: Time,
}

impl OwnAttempt<'_> {
    /// Whether an entry may be its own. One that was not seen before may be an older one that a single look left out.
    fn may_have_made(&self, start: Time, margin: SignedDuration) -> bool {
        !self.seen_start_times.contains(&start) && start.0 >= saturating_add(self.claim_time.0, -margin)
    }
}

impl Question<'_> {
    /// Whether an unfinished entry that started then may still be waited for.
    fn in_time(&self, start: Time, at: Timestamp) -> bool {
        at <= start.plus(self.completion_timeout).0
    }
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not finished; states that this version does not know are unfinished.
    Unfinished,
    /// `done`.
    Done,
    /// `failed`.
    Failed,
    /// `notSupported`.
    NotSupported,
    /// `canceled`.
    Canceled,
}

/// How far an entry's state says that it has come.
#[must_use]
pub fn progress(state: &str) -> Progress {
    match state.to_ascii_lowercase().as_str() {
        "done" => Progress::Done,
        "failed" => Progress::Failed,
        "notsupported" => Progress::NotSupported,
        "canceled" => Progress::Canceled,
        _ => Progress::Unfinished,
    }
}

/// The entry that answers the question at this time: of several an unfinished one that is not overdue, else a done one, else the latest.
#[must_use]
pub fn answering<'r>(
    question: &Question<'_>,
    results: &'r [ActionResult],
    at: Timestamp,
) -> Option<(&'r ActionResult, Time)> {
    entries(question.action_name, results).filter(|(entry, start)| answers(question, entry, *start, at)).max_by_key(
        |(entry, start)| {
            let progress = progress(&entry.state);
            let overdue = progress == Progress::Unfinished && !question.in_time(*start, at);
            // The one that is followed already, of those that are as good: front ends that lag may show the other by turns.
            let followed = question.followed == Some(*start);
            (if overdue { 0 } else { rank(progress) }, followed, *start)
        },
    )
}

/// The latest start of a reset that was done in `[requestTime − minInterval, requestTime − margin)`: most likely a second ticket for the same lock-out.
#[must_use]
pub fn recently_done(question: &Question<'_>, results: &[ActionResult], min_interval: SignedDuration) -> Option<Time> {
    let from = saturating_add(question.request_time, -min_interval);
    let until = saturating_add(question.request_time, -question.margin);
    entries(question.action_name, results)
        .filter(|(entry, start)| progress(&entry.state) == Progress::Done && (from..until).contains(&start.0))
        .map(|(_, start)| start)
        .max()
}

/// The starts of all entries that count, to tell later ones from them.
#[must_use]
pub fn starts(action_name: &str, results: &[ActionResult]) -> Vec<Time> {
    entries(action_name, results).map(|(_, start)| start).collect()
}

/// The entries of this action that have a start.
fn entries<'r>(action_name: &str, results: &'r [ActionResult]) -> impl Iterator<Item = (&'r ActionResult, Time)> {
    results
        .iter()
        .filter(move |entry| entry.name.eq_ignore_ascii_case(action_name))
        .filter_map(|entry| entry.start.map(|start| (entry, Time(start))))
}

fn answers(question: &Question<'_>, entry: &ActionResult, start: Time, at: Timestamp) -> bool {
    if question.followed == Some(start) {
        return true;
    }
    if question.attempt.is_some_and(|attempt| attempt.may_have_made(start, question.margin)) {
        return true;
    }
    // Whether it is finished or not, for however long: a request that no device takes is not sent again for that.
    if start.0 >= saturating_add(question.request_time, -question.margin) {
        return true;
    }
    progress(&entry.state) == Progress::Unfinished && question.in_time(start, at)
}

const fn rank(progress: Progress) -> u8 {
    match progress {
        Progress::Unfinished => 2,
        Progress::Done => 1,
        Progress::Failed | Progress::NotSupported | Progress::Canceled => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTED: i64 = 1_000_000;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(REQUESTED + second).unwrap()
    }

    fn entry(name: &str, state: &str, start: Option<i64>) -> ActionResult {
        ActionResult {
            name: name.into(),
            state: state.into(),
            start: start.map(t),
            last_updated: None,
            error_code: None,
        }
    }

    /// About a request whose attempt, if there is one, was claimed at its requestTime.
    fn question(seen: Option<&[Time]>) -> Question<'_> {
        Question {
            action_name: "resetPasscode",
            request_time: t(0),
            completion_timeout: SignedDuration::from_hours(1),
            margin: SignedDuration::from_secs(125),
            attempt: seen.map(|seen_start_times| OwnAttempt { seen_start_times, claim_time: Time(t(0)) }),
            followed: None,
        }
    }

    #[test]
    fn which_entries_answer_without_an_attempt() {
        let cases = [
            ("done at requestTime", "resetPasscode", "done", Some(0), true),
            ("done just within the margin", "resetPasscode", "done", Some(-125), true),
            ("done before that", "resetPasscode", "done", Some(-126), false),
            ("failed after requestTime", "resetPasscode", "failed", Some(1), true),
            ("pending and started before requestTime", "resetPasscode", "pending", Some(-3000), true),
            ("pending for longer than the time-out", "resetPasscode", "pending", Some(-3601), false),
            ("a state added later counts as unfinished", "resetPasscode", "deferred", Some(-600), true),
            ("letter case", "RESETPASSCODE", "Done", Some(5), true),
            ("another action", "remoteLock", "done", Some(5), false),
            ("no start", "resetPasscode", "pending", None, false),
        ];
        for (name, action, state, start, expected) in cases {
            let results = [entry(action, state, start)];
            assert_eq!(answering(&question(None), &results, t(0)).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn what_was_asked_for_answers_however_long_it_waits_for_the_device() {
        for (start, expected) in [(0, true), (-125, true), (-126, false)] {
            let pending = [entry("resetPasscode", "pending", Some(start))];
            assert_eq!(answering(&question(None), &pending, t(4000)).is_some(), expected, "{start}");
        }
    }

    #[test]
    fn of_two_that_are_as_good_the_followed_one_stays() {
        let two = [entry("resetPasscode", "pending", Some(1)), entry("resetPasscode", "pending", Some(2))];
        let following = |start| Question { followed: Some(Time(t(start))), ..question(None) };
        for start in [1, 2] {
            assert_eq!(answering(&following(start), &two, t(3)).unwrap().1, Time(t(start)));
        }
        assert_eq!(answering(&question(None), &two, t(3)).unwrap().1, Time(t(2)), "else the latest");
        let done = [entry("resetPasscode", "pending", Some(1)), entry("resetPasscode", "done", Some(2))];
        assert_eq!(answering(&following(2), &done, t(3)).unwrap().0.state, "pending");
    }

    #[test]
    fn an_attempts_own_entry_was_not_seen_before_it_and_did_not_start_before_it() {
        // Claimed long before requestTime, so that only the rule about the attempt can hold.
        for (start, seen_before, expected) in
            [(0, false, true), (-125, false, true), (-126, false, false), (0, true, false)]
        {
            let results = [entry("resetPasscode", "done", Some(start))];
            let seen = if seen_before { starts("resetPasscode", &results) } else { Vec::new() };
            let question = Question { request_time: t(9000), ..question(Some(&seen)) };
            assert_eq!(answering(&question, &results, t(0)).is_some(), expected, "{start} {seen_before}");
        }
    }

    #[test]
    fn of_several_the_unfinished_then_the_done_then_the_latest() {
        let failed = entry("resetPasscode", "failed", Some(30));
        let canceled = entry("resetPasscode", "canceled", Some(40));
        let done = entry("resetPasscode", "done", Some(20));
        let pending = entry("resetPasscode", "pending", Some(10));
        let pick = |results: &[ActionResult]| answering(&question(None), results, t(50)).unwrap().0.state.clone();
        assert_eq!(pick(&[failed.clone(), done.clone(), pending, canceled.clone()]), "pending");
        assert_eq!(pick(&[failed.clone(), done, canceled.clone()]), "done");
        assert_eq!(pick(&[failed, canceled]), "canceled");
        let overdue = [entry("resetPasscode", "pending", Some(0)), entry("resetPasscode", "done", Some(-60))];
        assert_eq!(answering(&question(None), &overdue, t(4000)).unwrap().0.state, "done");
    }

    #[test]
    fn a_followed_entry_is_followed_to_its_end() {
        let failed = [entry("resetPasscode", "failed", Some(-3000))];
        assert!(answering(&question(None), &failed, t(0)).is_none());
        let follower = Question { followed: Some(Time(t(-3000))), ..question(None) };
        assert!(answering(&follower, &failed, t(0)).is_some());
    }

    #[test]
    fn recently_means_done_and_inside_the_interval() {
        let interval = SignedDuration::from_mins(10);
        let cases = [
            ("done", -600, true),
            ("done", -601, false),
            ("done", -126, true),
            ("done", -125, false),
            ("failed", -300, false),
        ];
        for (state, start, expected) in cases {
            let results = [entry("resetPasscode", state, Some(start))];
            assert_eq!(recently_done(&question(None), &results, interval).is_some(), expected, "{state} {start}");
        }
        assert!(
            recently_done(&question(None), &[entry("resetPasscode", "done", Some(-300))], SignedDuration::ZERO)
                .is_none()
        );
    }
}
