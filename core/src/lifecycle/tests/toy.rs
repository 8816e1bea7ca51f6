//! A world as small as it can be: objects, one lock, one device's record and a clock, driven as the operator drives it.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    devices::{entry, iphone},
    facts::{Facts, t},
    invariants,
    samples::unreadable,
};
use crate::{
    api::{
        Duration as Length,
        reset_status::{Attempt, PasscodeResetStatus},
    },
    lifecycle::{
        answered::{Answered, Meaning, answered},
        events::says_the_same,
        lock::Lock,
        observed::{Doubt, Found, Held, Look, Now, Reading},
        step::{Fact, Step},
    },
    platform::ActionResult,
};

/// What becomes of a request: the answer, and whether an entry shows, how long after it.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub meaning: Meaning,
    pub shows_after: Option<i64>,
}

impl Fate {
    pub fn accepted() -> Self {
        Self { meaning: Meaning::Accepted, shows_after: Some(3) }
    }

    /// Its answer is lost; it shows after so many seconds, or never.
    pub fn lost(shows_after: Option<i64>) -> Self {
        Self { meaning: Meaning::Unknown, shows_after }
    }

    pub fn not_executed() -> Self {
        Self { meaning: Meaning::NotExecuted { again_after: None, trouble: None }, shows_after: None }
    }
}

/// One object and what its operator remembers of it.
pub(super) struct Member {
    pub facts: Facts,
    pub writes: Vec<PasscodeResetStatus>,
    doubt: Option<Doubt>,
    due: Timestamp,
}

impl Member {
    pub fn status(&self) -> PasscodeResetStatus {
        self.facts.object.status.clone().unwrap_or_default()
    }

    /// The words of what was written, in order.
    pub fn words(&self) -> Vec<String> {
        self.writes.iter().map(|status| status.reason().to_owned()).collect()
    }
}

pub(super) struct Toy {
    pub now: Timestamp,
    pub members: Vec<Member>,
    pub lock: Option<Lock>,
    /// Entries, each with the time from which it is shown.
    pub record: Vec<(Timestamp, ActionResult)>,
    /// How long a device takes to carry a reset out, from its entry's start.
    pub device_takes: i64,
    pub fates: VecDeque<Fate>,
    pub sent: usize,
    claims: usize,
    /// Between these times no look can tell.
    pub blind: std::ops::Range<i64>,
}

impl Toy {
    /// Objects with these uids, all asked for at the same time.
    pub fn new(objects: &[&str], fates: impl IntoIterator<Item = Fate>) -> Self {
        let member = |uid: &&str| {
            let mut facts = Facts::new();
            facts.object.metadata.uid = Some((*uid).to_owned());
            Member { facts, writes: vec![], doubt: None, due: t(-100_000) }
        };
        Self {
            now: t(0),
            members: objects.iter().map(member).collect(),
            lock: None,
            record: vec![],
            device_takes: 20,
            fates: fates.into_iter().collect(),
            sent: 0,
            claims: 0,
            blind: 0..0,
        }
    }

    /// Runs until every object has its outcome, for a week at most; one that is gone over without end fails long before that.
    pub fn run(&mut self) {
        let last = t(8 * 86_400);
        let mut passes = 0;
        while self.members.iter().any(|member| member.status().outcome.is_none()) {
            let next = (0..self.members.len())
                .filter(|index| self.members[*index].status().outcome.is_none())
                .min_by_key(|index| self.members[*index].due)
                .unwrap();
            self.now = self.now.max(self.members[next].due);
            passes += 1;
            assert!(self.now < last && passes < 1_000, "no end: {:?}", self.members[next].words());
            self.pass(next);
        }
    }

    /// One pass over one object, until it waits.
    pub fn pass(&mut self, index: usize) {
        let mut facts = self.members[index].facts.clone();
        (facts.found, facts.lock, facts.look, facts.held) = (None, None, None, None);
        for _ in 0..40 {
            let now = Now { wall: self.now, graph: Some(self.now), estimate: self.now };
            facts = Facts { now, doubt: self.members[index].doubt, ..facts };
            let decision = facts.decide();
            self.members[index].doubt = decision.doubt;
            match decision.step {
                Step::Stop => return,
                Step::Observe(fact) => self.observe(&mut facts, fact),
                Step::TakeLock { send_deadline, settle_window } => {
                    self.claims += 1;
                    let attempt_id = format!("attempt-{}", self.claims);
                    let taken = Lock {
                        attempt_id: attempt_id.clone(),
                        send_deadline,
                        settle_window: Length::from(settle_window),
                        owner_uid: facts.object.metadata.uid.clone().unwrap(),
                    };
                    assert!(
                        self.lock.as_ref().is_none_or(|lock| !lock.is_open(self.now)),
                        "an open lock was taken over"
                    );
                    self.lock = Some(taken.clone());
                    facts = Facts {
                        lock: Some(Some(taken)),
                        look: None,
                        authority_is_read: false,
                        held: Some(Held { attempt_id, send_deadline }),
                        ..facts
                    };
                }
                Step::ReleaseLock => {
                    self.write(index, &mut facts, &decision.status);
                    self.lock = None;
                    (facts.lock, facts.look, facts.held) = (None, None, None);
                }
                Step::Claim(attempt) => {
                    self.write(index, &mut facts, &decision.status);
                    (facts.look, facts.held) = (None, None);
                    self.send(index, &mut facts, &attempt);
                }
                Step::TryClaim => panic!("admission control denies nothing here"),
                Step::SendAgain(_) => panic!("only an answer asks for this"),
                Step::Wait(pause) => {
                    self.write(index, &mut facts, &decision.status);
                    let pause = SignedDuration::try_from(pause.max(Duration::from_millis(1))).unwrap();
                    self.members[index].due = self.now + pause;
                    return;
                }
                Step::Finish => return self.write(index, &mut facts, &decision.status),
            }
            // Everything takes a moment.
            self.now += SignedDuration::from_millis(50);
        }
        panic!("a pass without an end: {:?}", self.members[index].words());
    }

    fn observe(&mut self, facts: &mut Facts, fact: Fact) {
        let at = self.now;
        match fact {
            Fact::Namespace => {}
            Fact::Device => facts.found = Some(Reading::Answer { value: Found::One(Box::new(iphone())), at }),
            Fact::Lock => (facts.lock, facts.look) = (Some(self.lock.clone()), None),
            Fact::Look => facts.look = Some(self.look()),
            Fact::LeaderLease => facts.lease_is_kept = true,
            Fact::Authority => facts.authority_is_read = true,
        }
    }

    fn look(&mut self) -> Reading<Look> {
        let at = self.now;
        if (t(self.blind.start)..t(self.blind.end)).contains(&at) {
            return Reading::CouldNotTell(unreadable(None));
        }
        for (_, entry) in &mut self.record {
            if entry.state == "pending" && at >= entry.start.unwrap() + SignedDuration::from_secs(self.device_takes) {
                entry.state = "done".into();
            }
        }
        let results = self.record.iter().filter(|(shown, _)| *shown <= at).map(|(_, entry)| entry.clone()).collect();
        Reading::Answer { value: Look::Seen { results, enrolled: Some(t(-100_000)), last_sync: None }, at }
    }

    fn send(&mut self, index: usize, facts: &mut Facts, attempt: &Attempt) {
        assert!(self.now <= attempt.send_deadline.0);
        self.sent += 1;
        let fate = self.fates.pop_front().unwrap();
        if let Some(after) = fate.shows_after {
            let started = ActionResult { start: Some(self.now), ..entry("pending", 0) };
            self.record.push((self.now + SignedDuration::from_secs(after), started));
        }
        let answer =
            Answered { meaning: fate.meaning, request_id: Some("rq".into()), message: "Graph said so.".into() };
        let now = Now { wall: self.now, graph: Some(self.now), estimate: self.now };
        let decision = answered(&facts.observed(), &answer, now);
        invariants::well_formed(&decision.status, Some(1));
        self.write(index, facts, &decision.status);
        if decision.step == Step::ReleaseLock {
            self.lock = None;
        }
        facts.lock = None;
    }

    fn write(&mut self, index: usize, facts: &mut Facts, status: &PasscodeResetStatus) {
        let member = &mut self.members[index];
        if !says_the_same(&member.status(), status) {
            member.writes.push(status.clone());
            member.facts.object.status = Some(status.clone());
        }
        facts.object.status.clone_from(&member.facts.object.status);
    }
}
