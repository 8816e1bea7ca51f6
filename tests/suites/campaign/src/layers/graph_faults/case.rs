//! A case: what goes wrong with Graph, and which ends are right for it, said before it is run.

use std::time::Duration;

use graph_simulator::{DeviceClass, PathClass, RequestRecord, Rule, Settings, planted};
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use world::{
    World,
    objects::{reset, tenant, with},
};

use crate::{
    audit::{Terms, audit},
    layers::all_end,
    plan::Plan,
    report::Tally,
};

/// The default `settleWindow` of a tenant.
const SETTLE_WINDOW: Duration = Duration::from_secs(280);
/// How long after the first request for the phone the next ticket comes.
const BETWEEN_TICKETS: Duration = Duration::from_secs(5);
/// How long the operator goes on after the end: nothing is to follow.
const AFTERWARDS: Duration = Duration::from_secs(20);
/// How long Graph goes on after that: what is still under way is carried out.
const UNDER_WAY: Duration = Duration::from_secs(3600);

/// When something changes.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// Before the operator starts.
    Start,
    /// So long after the reset was declared.
    Declared(Duration),
    /// So long after the first request for the reset arrived.
    Sent(Duration),
}

/// What a case changes: the world, and the phone that is to be reset.
type Change = Box<dyn FnOnce(&World, &str) + Send>;

/// How the reset is asked for a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is asked for at most once.
    Never,
    /// Under the same claim, no sooner than this.
    SameClaim(Duration),
    /// Under a claim of its own, no sooner than this.
    NewClaim(Duration),
    /// Under a claim of its own, once Intune's record is sure to show the first.
    AfterSettling,
}

/// What is right.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The ends.
    pub ends: Vec<(Outcome, &'static str)>,
    /// How often the phone is reset at our request; what a proxy repeats counts once.
    pub carried_out: usize,
    /// How it is asked for again.
    pub again: Again,
}

impl Expected {
    /// Complete, with one reset.
    pub fn once(again: Again) -> Self {
        Self { ends: vec![(Outcome::Complete, "PasscodeRemoved")], carried_out: 1, again }
    }

    /// Another end.
    pub fn end(outcome: Outcome, reason: &'static str, carried_out: usize) -> Self {
        Self { ends: vec![(outcome, reason)], carried_out, again: Again::Never }
    }
}

/// A case.
pub struct Case {
    name: String,
    changes: Vec<(Moment, Change)>,
    tenant: Value,
    requested_before: Duration,
    ledger_known: bool,
    long: bool,
    expected: Expected,
    /// The ends that are right for a second ticket for the phone, declared while the first is under way; none: there is none.
    next: Vec<(Outcome, &'static str)>,
}

impl Case {
    /// A case in which nothing goes wrong yet. Intune's record is known to work: the phone's has an entry of another action.
    pub fn new(name: impl Into<String>, expected: Expected) -> Self {
        Self {
            name: name.into(),
            changes: Vec::new(),
            tenant: json!({}),
            requested_before: Duration::ZERO,
            ledger_known: true,
            long: false,
            expected,
            next: Vec::new(),
        }
    }

    /// With a second ticket for the phone, declared once the first was sent, and the ends that are right for it.
    pub fn with_next(mut self, ends: &[(Outcome, &'static str)]) -> Self {
        self.next = ends.to_vec();
        self
    }

    /// With this change.
    pub fn at(mut self, moment: Moment, change: impl FnOnce(&World, &str) + Send + 'static) -> Self {
        self.changes.push((moment, Box::new(change)));
        self
    }

    /// With this fault from the beginning.
    pub fn script(self, rule: Rule) -> Self {
        self.at(Moment::Start, |world, _| world.graph.script(rule))
    }

    /// With these settings of Graph from the beginning.
    pub fn settings(self, change: impl FnOnce(&mut Settings) + Send + 'static) -> Self {
        self.at(Moment::Start, |world, _| world.graph.configure(change))
    }

    /// With these fields of the tenant's spec.
    pub fn tenant(mut self, fields: Value) -> Self {
        self.tenant = fields;
        self
    }

    /// Asked for so long before it is declared.
    pub fn requested_before(mut self, time: Duration) -> Self {
        self.requested_before = time;
        self
    }

    /// No look has ever shown an entry.
    pub fn ledger_never_seen(mut self) -> Self {
        self.ledger_known = false;
        self
    }

    /// It takes hours of the world's time, and seconds of ours.
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// Whether it takes seconds.
    pub fn is_long(&self) -> bool {
        self.long
    }

    /// The plan of it.
    pub fn into_plan(self) -> Plan {
        Plan::new(self.name.clone(), move || self.run())
    }

    async fn run(self) -> Tally {
        let world = World::empty().await;
        world.create_tenant(with(tenant("default"), self.tenant)).await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        if self.ledger_known {
            world.graph.plant_entry(&id, planted::remote_lock("2026-11-01T08:00:00.1234567Z", "1234"));
        }
        let (start, later): (Vec<_>, Vec<_>) =
            self.changes.into_iter().partition(|(moment, _)| matches!(moment, Moment::Start));
        for (_, change) in start {
            change(&world, &id);
        }
        let replica = world.replica("a");
        world.create(reset("inc", &serial, world.now() - self.requested_before)).await;
        if !self.next.is_empty() {
            come(&world, Moment::Sent(BETWEEN_TICKETS)).await;
            world.create(reset("next", &serial, world.now())).await;
        }
        for (moment, change) in later {
            come(&world, moment).await;
            change(&world, &id);
        }
        let at_most = if self.long { 8 * 86_400 } else { 4 * 3600 };
        all_end(&world, Duration::from_secs(at_most)).await;
        tokio::time::sleep(AFTERWARDS).await;
        replica.stop().await;
        tokio::time::sleep(UNDER_WAY).await;
        let mut tally = audit(&world, Terms::default());
        tally.violations.extend(problems(&world, &self.expected).await);
        if !self.next.is_empty() {
            tally.violations.extend(wrong_end(&world, "next", &self.next).await);
        }
        tally
    }
}

async fn come(world: &World, moment: Moment) {
    let pause = match moment {
        Moment::Start => return,
        Moment::Declared(pause) => pause,
        Moment::Sent(pause) => {
            while requests(world).is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            pause
        }
    };
    tokio::time::sleep(pause).await;
}

fn requests(world: &World) -> Vec<RequestRecord> {
    world.graph.requests().into_iter().filter(|request| request.class == PathClass::Action).collect()
}

/// What is not as it was said beforehand.
async fn problems(world: &World, expected: &Expected) -> Vec<String> {
    let mut problems: Vec<String> = wrong_end(world, "inc", &expected.ends).await.into_iter().collect();
    // A proxy repeats a request at once, so what happens at one moment is one.
    let mut moments: Vec<_> = world.graph.executed().iter().map(|executed| executed.at).collect();
    moments.dedup();
    if moments.len() != expected.carried_out {
        problems.push(format!("carried out at {moments:?}, and right is {} time(s)", expected.carried_out));
    }
    let asked = requests(world);
    for two in asked.windows(2) {
        if let Some(problem) = asked_again_wrongly(expected.again, &two[0], &two[1]) {
            problems.push(problem);
        }
    }
    if asked.len() < 2 && expected.again != Again::Never {
        problems.push(format!("it was asked for {} time(s), and right is {:?}", asked.len(), expected.again));
    }
    problems
}

async fn wrong_end(world: &World, name: &str, right: &[(Outcome, &'static str)]) -> Option<String> {
    let status = world.status(name).await;
    let end = (status.outcome, status.reason());
    let is_right = right.iter().any(|(outcome, reason)| end == (Some(*outcome), *reason));
    (!is_right).then(|| format!("{name} ended as {end:?}, and right is {right:?}"))
}

fn asked_again_wrongly(again: Again, first: &RequestRecord, second: &RequestRecord) -> Option<String> {
    let passed = Duration::try_from(second.at.duration_since(first.at)).unwrap_or_default();
    let same = first.client_request_id == second.client_request_id;
    let right = match again {
        Again::Never => false,
        Again::SameClaim(pause) => same && passed >= pause,
        Again::NewClaim(pause) => !same && passed >= pause,
        Again::AfterSettling => !same && passed > SETTLE_WINDOW,
    };
    let claim = if same { "the same claim" } else { "a new claim" };
    (!right).then(|| format!("asked again after {passed:?} under {claim}, and right is {again:?}"))
}
