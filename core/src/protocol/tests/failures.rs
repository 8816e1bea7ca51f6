//! Every way in which the reads and writes of a pass can go: what is sent, and what is left behind.

use std::{
    collections::HashSet,
    ops::ControlFlow::{Break, Continue},
};

use crate::{
    lifecycle::step::{AfterAnswer, Fact},
    protocol::{
        Decision, Judgement, Known, Rules, Step, Terms,
        pass::{Effect, End, Event, Pass, Start, Why},
    },
};

/// The smallest terms there are: an object is its attempt, and whether that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Tiny;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Accepted,
    NotExecuted,
    Unknown,
}

type Claim = Option<(u8, bool)>;

impl Terms for Tiny {
    type Object = Claim;
    type Status = Claim;
    type AttemptId = u8;
    type LockTerms = ();
    type Lease = u8;
    type Look = ();
    type Answer = Answer;
    type Time = ();

    fn attempt(object: &Claim) -> Claim {
        *object
    }

    fn says(object: &Claim, status: &Claim) -> bool {
        object == status
    }

    fn locked_for(lease: &u8) -> Option<u8> {
        Some(*lease)
    }
}

/// Straight to the request, and after that it waits.
#[derive(Default)]
struct Straight {
    follower: bool,
    finds: Finds,
}

/// When the device is looked for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Finds {
    #[default]
    Never,
    First,
    UnderTheLock,
}

impl Rules<Tiny> for Straight {
    fn decide(&mut self, known: &Known<Tiny>) -> Decision<Tiny> {
        let mut status = known.object;
        let step = match (known.object, &known.lock, &known.held) {
            (Some(_), ..) => Step::Wait(std::time::Duration::ZERO),
            (None, None, _) if self.finds == Finds::First => Step::Observe(Fact::Device),
            (None, None, _) => Step::Observe(Fact::Lock),
            (None, Some(_), Some(_)) if self.finds == Finds::UnderTheLock => Step::Observe(Fact::Device),
            (None, Some(_), _) if known.look.is_none() => Step::Observe(Fact::Look),
            (None, Some(_), None) => Step::TakeLock(()),
            (None, Some(_), Some(held)) if !held.authority_is_read => Step::Observe(Fact::Authority),
            (None, Some(_), Some(held)) => {
                status = Some((held.attempt, false));
                Step::Claim(held.attempt)
            }
        };
        Decision { status, step, remember: None }
    }

    fn judge(&mut self, known: &Known<Tiny>, answer: &Answer) -> Judgement<Tiny> {
        let status = known.object.map(|(attempt, _)| (attempt, true));
        let (step, remember) = match answer {
            Answer::NotExecuted => (AfterAnswer::RecordAndRelease, None),
            Answer::Unknown => (AfterAnswer::Record, None),
            Answer::Accepted => (AfterAnswer::Record, Some(())),
        };
        Judgement { status, step, remember }
    }

    fn altered(&mut self, _: &Claim, _: &Claim) -> Option<Answer> {
        None
    }

    fn may_begin(&self) -> bool {
        !self.follower
    }
}

const OURS: u8 = 1;
const ANOTHER: u8 = 9;
const FAILURES: [Why; 6] = [Why::Conflict, Why::Unclear, Why::Denied, Why::Refused, Why::Gone, Why::Failed];

/// Everything that may come of an effect.
fn events(effect: &Effect<'_, Tiny>) -> Vec<Event<Tiny>> {
    let good = match effect {
        Effect::Observe(Fact::Lock) => vec![Event::Lock(None)],
        Effect::Observe(Fact::Look) => vec![Event::Look(())],
        Effect::Observe(_) => vec![Event::LeaderLease { kept: true }, Event::LeaderLease { kept: false }],
        Effect::Reserve => return vec![Event::Reserved(OURS)],
        Effect::TakeLock { .. } => vec![Event::LeaseStored(OURS), Event::LockAltered(OURS)],
        Effect::ReadLock => vec![Event::Lock(None), Event::Lock(Some(OURS)), Event::Lock(Some(ANOTHER))],
        Effect::Claim(_) => vec![Event::ObjectStored(Some((OURS, false))), Event::ObjectStored(Some((ANOTHER, false)))],
        Effect::ReadObject => {
            [None, Some((OURS, false)), Some((OURS, true)), Some((ANOTHER, false))].map(Event::ObjectStored).to_vec()
        }
        Effect::Send(_) => {
            return [Answer::Accepted, Answer::NotExecuted, Answer::Unknown].map(Event::Answered).to_vec();
        }
        Effect::Remember { .. } => vec![Event::LeaseStored(OURS), Event::LeaseStored(ANOTHER)],
        Effect::Write(status) => vec![Event::ObjectStored(**status)],
        Effect::Pause(_) | Effect::Release(_) => return vec![Event::Done],
        Effect::TryClaim(_) => vec![],
    };
    good.into_iter().chain(FAILURES.map(Event::NotStored)).collect()
}

/// What really happened, as far as the pass was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Truth {
    /// The device lock was taken, nothing is claimed under it, and it is not released.
    locked: bool,
    claimed: bool,
    sent: bool,
    answer: Option<Answer>,
    recorded: bool,
    released_after: bool,
}

impl Truth {
    fn happen(&mut self, effect: &Effect<'_, Tiny>, event: &Event<Tiny>) {
        match (effect, event) {
            (Effect::TakeLock { .. }, Event::LeaseStored(_) | Event::LockAltered(_))
            | (Effect::ReadLock, Event::Lock(Some(OURS))) => self.locked = true,
            (Effect::Release(lease), _) => {
                assert_eq!(**lease, OURS, "another's lock is released");
                assert!(!self.sent || self.answer == Some(Answer::NotExecuted), "a lock is released under a request");
                self.locked = false;
                self.released_after = self.sent;
            }
            (Effect::Claim(_) | Effect::ReadObject, Event::ObjectStored(Some((OURS, false)))) => {
                (self.claimed, self.locked) = (true, false);
            }
            (Effect::Send(attempt), Event::Answered(answer)) => {
                assert!(self.claimed && **attempt == OURS, "sent without a stored claim");
                assert!(!self.sent, "sent twice");
                (self.sent, self.answer) = (true, Some(*answer));
            }
            (Effect::Write(status), Event::ObjectStored(_)) => self.recorded |= **status == Some((OURS, true)),
            _ => {}
        }
    }
}

/// Goes through every way; answers how they end.
fn every_way(pass: Pass<Tiny>) -> Vec<(Truth, End<Tiny>)> {
    let mut seen = HashSet::new();
    let mut open = vec![(pass, Truth::default())];
    let mut ends = Vec::new();
    while let Some((pass, truth)) = open.pop() {
        if !seen.insert((pass.clone(), truth.clone())) {
            continue;
        }
        let effect = match pass.next() {
            Continue(effect) => effect,
            Break(end) => {
                assert!(!truth.locked, "a lock without a claim is left behind: {end:?}");
                ends.push((truth, end.clone()));
                continue;
            }
        };
        // A claim that is stored stays: nobody restores etcd here.
        let restored = |event: &Event<Tiny>| truth.claimed && *event == Event::ObjectStored(None);
        for event in events(&effect).into_iter().filter(|event| !restored(event)) {
            let (mut truth, mut after) = (truth.clone(), pass.clone());
            truth.happen(&effect, &event);
            after.apply(event, &mut Straight::default());
            open.push((after, truth));
        }
    }
    ends
}

#[test]
fn whatever_fails_is_sent_once_under_a_stored_claim_and_leaves_no_lock_behind() {
    let ends = every_way(Start::over(None).begin(&mut Straight::default()));
    assert!(ends.iter().any(|(truth, _)| truth.recorded && truth.answer == Some(Answer::Accepted)));
    let returned = |(truth, end): &&(Truth, End<Tiny>)| truth.released_after && matches!(end, End::Later(_));
    assert!(ends.iter().find(returned).is_some(), "a lock under which nothing was executed is released");
    for (truth, end) in &ends {
        let known = truth.recorded || matches!(end, End::Unrecorded(OURS, ..) | End::Failed(_) | End::Later(_));
        assert!(!truth.sent || known, "{truth:?} {end:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_recorded_is_what_the_next_pass_begins_with() {
    let ends = every_way(Start::over(None).begin(&mut Straight::default()));
    let unrecorded = |end: &End<Tiny>| matches!(end, End::Unrecorded(OURS, Answer::Accepted, Why::Conflict));
    assert!(ends.iter().any(|(_, end)| unrecorded(end)));
    let mut rules = Straight::default();
    let mut pass = Start::recording(Some((OURS, false)), OURS, Answer::NotExecuted).begin(&mut rules);
    assert_eq!(pass.next(), Continue(Effect::Write(&Some((OURS, true)))));
    pass.apply(Event::NotStored(Why::Denied), &mut rules);
    assert_eq!(pass.next(), Break(&End::Unrecorded(OURS, Answer::NotExecuted, Why::Denied)));
    for moved_on in [None, Some((OURS, true)), Some((ANOTHER, false))] {
        let pass = Start::recording(moved_on, OURS, Answer::NotExecuted).begin(&mut rules);
        assert_ne!(pass.next(), Continue(Effect::Write(&Some((OURS, true)))), "{moved_on:?}");
    }
}

#[test]
fn who_does_not_lead_takes_no_lock() {
    let mut rules = Straight { follower: true, ..Straight::default() };
    let mut pass = Start::over(None).begin(&mut rules);
    pass.apply(Event::Lock(None), &mut rules);
    pass.apply(Event::Look(()), &mut rules);
    assert!(matches!(pass.next(), Break(End::Later(_))));
}

#[test]
fn a_device_may_be_found_with_its_lock_and_a_first_look_but_not_under_a_lock() {
    let found = || Event::LockAndLook { lock: None, look: () };
    let mut rules = Straight { finds: Finds::First, ..Straight::default() };
    let mut pass = Start::over(None).begin(&mut rules);
    assert_eq!(pass.next(), Continue(Effect::Observe(Fact::Device)));
    pass.apply(found(), &mut rules);
    assert_eq!(pass.next(), Continue(Effect::Reserve), "both are known");
    pass.apply(Event::Reserved(OURS), &mut rules);
    pass.apply(Event::LeaseStored(OURS), &mut rules);
    assert_eq!(pass.next(), Continue(Effect::Observe(Fact::Look)), "another look is made under the lock");
    rules.finds = Finds::UnderTheLock;
    pass.apply(Event::Look(()), &mut rules);
    assert_eq!(pass.next(), Continue(Effect::Observe(Fact::Device)));
    pass.apply(found(), &mut rules);
    assert_eq!(pass.next(), Continue(Effect::Release(&OURS)));
    pass.apply(Event::Done, &mut rules);
    assert_eq!(pass.next(), Break(&End::Failed(Why::Failed)));
}
