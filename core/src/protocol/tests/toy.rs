//! A world as small as it can be: objects, one lock, one device's record and a clock. It carries out what a pass asks for.

use std::{
    collections::VecDeque,
    ops::ControlFlow::{Break, Continue},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{Duration as Length, reset::PasscodeReset, reset_status::PasscodeResetStatus},
    lifecycle::{
        answered::{Answered, Meaning, answered},
        lock::Lock,
        observed::{Found, Look, Now, Reading, Unconfirmed},
        step::Fact,
        tests::{
            devices::{entry, iphone},
            facts::{Facts, t},
            invariants,
            samples::unreadable,
        },
    },
    platform::ActionResult,
    protocol::{
        Decision, Judgement, Known, Rules,
        pass::{Effect, End, Event, Start},
        real::{DeviceLease, LockTerms, Real},
    },
};

impl DeviceLease for Lock {
    fn lock(&self) -> Option<&Lock> {
        Some(self)
    }

    fn latest_reset(&self) -> Option<Timestamp> {
        None
    }
}

/// What an operator knows of one object beside what the pass knows.
struct Mind {
    facts: Facts,
    unconfirmed: Option<Unconfirmed>,
}

impl Mind {
    fn with(&self, known: &Known<Real<Lock>>) -> Facts {
        Facts {
            object: known.object.clone(),
            lock: known.lock.clone(),
            look: known.look.clone(),
            held: known.held.as_ref().map(|held| held.authority_is_read),
            lease_is_kept: known.lease_is_kept,
            unconfirmed: self.unconfirmed,
            ..self.facts.clone()
        }
    }
}

impl Rules<Real<Lock>> for Mind {
    fn decide(&mut self, known: &Known<Real<Lock>>) -> Decision<Real<Lock>> {
        let decision = self.with(known).decide();
        self.unconfirmed = decision.unconfirmed;
        decision.into()
    }

    fn judge(&mut self, known: &Known<Real<Lock>>, answer: &Answered) -> Judgement<Real<Lock>> {
        let facts = self.with(known);
        let decision = answered(&facts.observed(), answer, facts.now);
        invariants::well_formed(&decision.status, Some(1));
        decision.into()
    }

    fn altered(&mut self, _: &PasscodeReset, _: &PasscodeResetStatus) -> Option<Answered> {
        None
    }

    fn may_begin(&self) -> bool {
        true
    }
}

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
        Self { meaning: Meaning::NotExecuted { again_after: None, not_ready: None }, shows_after: None }
    }
}

/// One object and what its operator remembers of it.
pub(super) struct Member {
    pub facts: Facts,
    pub writes: Vec<PasscodeResetStatus>,
    unconfirmed: Option<Unconfirmed>,
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
            Member { facts, writes: vec![], unconfirmed: None, due: t(-100_000) }
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
        let member = &self.members[index];
        let facts = Facts { found: None, ..member.facts.clone() };
        let mut mind = Mind { unconfirmed: member.unconfirmed, facts: self.at_this_time(facts) };
        let mut pass = Start::over(member.facts.object.clone()).begin(&mut mind);
        for _ in 0..100 {
            let Continue(effect) = pass.next() else { break };
            let event = self.carry_out(index, &mut mind, effect);
            // Everything takes a moment.
            self.now += SignedDuration::from_millis(50);
            mind.facts = self.at_this_time(mind.facts);
            pass.apply(event, &mut mind);
        }
        match pass.next() {
            Break(End::Later(pause)) => {
                let pause = SignedDuration::try_from((*pause).max(Duration::from_millis(1))).unwrap();
                self.members[index].due = self.now + pause;
            }
            Break(End::Finished) => {}
            other => panic!("{other:?} is no end: {:?}", self.members[index].words()),
        }
        self.members[index].unconfirmed = mind.unconfirmed;
    }

    fn at_this_time(&self, facts: Facts) -> Facts {
        Facts { now: Now { wall: self.now, graph: Some(self.now), estimate: self.now }, ..facts }
    }

    fn carry_out(&mut self, index: usize, mind: &mut Mind, effect: Effect<'_, Real<Lock>>) -> Event<Real<Lock>> {
        let at = self.now;
        match effect {
            Effect::Observe(Fact::Namespace | Fact::Policies | Fact::Approvals) => Event::Done,
            Effect::Observe(Fact::Device) => {
                mind.facts.found = Some(Reading::Answer { value: Found::One(Box::new(iphone())), at });
                Event::LockAndLook { lock: self.lock.clone(), look: self.look() }
            }
            Effect::Observe(Fact::Lock) => Event::Lock(self.lock.clone()),
            Effect::Observe(Fact::Look) => Event::Look(self.look()),
            Effect::Observe(Fact::LeaderLease | Fact::Authority) => Event::LeaderLease { kept: true },
            Effect::Reserve => {
                self.claims += 1;
                Event::Reserved(format!("attempt-{}", self.claims))
            }
            Effect::TakeLock { attempt, terms, .. } => Event::LeaseStored(self.take_lock(index, attempt, *terms)),
            Effect::Claim(status) | Effect::Write(status) => Event::ObjectStored(self.write(index, status)),
            Effect::Send(_) => Event::Answered(self.send(index)),
            Effect::Release(_) => {
                self.lock = None;
                Event::Done
            }
            Effect::Remember { .. } => Event::Done,
            effect => panic!("nothing fails here, and there is no admission control: {effect:?}"),
        }
    }

    fn take_lock(&mut self, index: usize, attempt_id: &str, terms: LockTerms) -> Lock {
        assert!(self.lock.as_ref().is_none_or(|lock| !lock.is_open(self.now)), "an open lock was taken over");
        let taken = Lock {
            attempt_id: attempt_id.to_owned(),
            send_deadline: terms.send_deadline,
            settle_window: Length::from(terms.settle_window),
            owner_uid: self.members[index].facts.object.metadata.uid.clone().unwrap(),
        };
        self.lock = Some(taken.clone());
        taken
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

    fn send(&mut self, index: usize) -> Answered {
        let attempt = self.members[index].status().attempt.unwrap();
        assert!(self.now <= attempt.send_deadline.0);
        self.sent += 1;
        let fate = self.fates.pop_front().unwrap();
        if let Some(after) = fate.shows_after {
            let started = ActionResult { start: Some(self.now), ..entry("pending", 0) };
            self.record.push((self.now + SignedDuration::from_secs(after), started));
        }
        Answered { meaning: fate.meaning, request_id: Some("rq".into()), message: "Graph said so.".into() }
    }

    fn write(&mut self, index: usize, status: &PasscodeResetStatus) -> PasscodeReset {
        let member = &mut self.members[index];
        member.writes.push(status.clone());
        member.facts.object.status = Some(status.clone());
        member.facts.object.clone()
    }
}
