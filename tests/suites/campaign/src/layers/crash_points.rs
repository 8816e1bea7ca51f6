//! Crash points: the operator dies at every boundary of everything that it does, and another takes its place.
//!
//! The undisturbed run of each scenario tells the boundaries. At each of them the replica is killed before anything has left it, when
//! the exchange was carried out and nobody heard of it, and when the answer has come. The request that resets a phone may arrive long
//! after its sender's death, too. Double crashes take their second boundary from what the second replica did after the first.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use k8s_openapi::jiff::SignedDuration;
use passcode_core::api::{conditions::reason, reset_status::Outcome};
use world::World;

use super::{Size, all_end};
use crate::{
    audit::{Terms, audit},
    ends::{End, ends, kinds},
    plan::{self, Plan},
    report::Report,
    scenarios::{self, SWEEP, Scenario},
    trace::{self, Act, Boundary, LATE, Position, Trace, Wire, telling},
};

/// Three attempts, each with its settle window, and a successor's wait for the lease before each.
const AT_MOST: Duration = Duration::from_secs(3_600);
/// How many double crashes are sampled.
const DOUBLES: usize = 2_000;
const SEED: u64 = 20_261_122;
const NAME: &str = "crash points";

/// A crash: where.
#[derive(Clone, Debug)]
struct Crash {
    boundary: Boundary,
    position: Position,
}

/// A scenario and its crashes, one after the other.
#[derive(Clone)]
struct Case {
    scenario: &'static Scenario,
    crashes: Vec<Crash>,
}

/// What the replica that came after the crashes did, by the number of the case.
type Heard = Arc<Mutex<BTreeMap<usize, Vec<Boundary>>>>;

/// Runs the layer.
///
/// # Panics
/// If an undisturbed run does not end well.
#[must_use]
pub fn run(size: Size) -> Report {
    let (stride, doubles) = match size {
        Size::Small => (37, 15),
        Size::Full => (1, DOUBLES),
    };
    // An hour of the world's time is too long for the tests.
    let chosen = scenarios::ALL.iter().filter(|scenario| size == Size::Full || scenario.name != SWEEP);
    let all = references(chosen).into_iter().flat_map(|reference| reference.singles());
    let singles: Vec<(Arc<Reference>, Case)> = all.step_by(stride).collect();
    let heard = Heard::default();
    let plans = singles.iter().cloned().enumerate().map({
        let heard = heard.clone();
        move |(number, (reference, case))| case.plan(reference, Some((number, heard.clone())))
    });
    let mut report = plan::run(NAME, plans);
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    let further = plan::run(NAME, doubled(&singles, &heard, doubles));
    report.plans += further.plans;
    report.tally += further.tally;
    report
}

/// The crashes around the request of [`scenarios::SHORT_SIGHTED`], which breaks the promise: the layer has to say so.
#[must_use]
pub fn planted() -> Report {
    let all = references([&scenarios::SHORT_SIGHTED].into_iter()).into_iter().flat_map(|reference| reference.singles());
    let resets = all.filter(|(_, case)| case.crashes.iter().all(|crash| crash.boundary.is_reset()));
    plan::run(NAME, resets.map(|(reference, case)| case.plan(reference, None)))
}

/// Double crashes: a single one, and then one where the second replica was after it. The same ones each time.
fn doubled(singles: &[(Arc<Reference>, Case)], heard: &BTreeMap<usize, Vec<Boundary>>, count: usize) -> Vec<Plan> {
    let mut dice = Dice(SEED);
    let candidates: Vec<(&usize, &Vec<Boundary>)> = heard.iter().filter(|(_, seen)| !seen.is_empty()).collect();
    let mut plans = Vec::new();
    while plans.len() < count && !candidates.is_empty() {
        let (number, seen) = candidates[dice.below(candidates.len())];
        let (reference, case) = singles[*number].clone();
        let boundary = seen[dice.below(seen.len())].clone();
        let positions = positions(&boundary);
        let position = positions[dice.below(positions.len())];
        let mut crashes = case.crashes;
        crashes.push(Crash { boundary, position });
        plans.push(Case { crashes, ..case }.plan(reference, None));
    }
    plans
}

fn positions(boundary: &Boundary) -> &'static [Position] {
    use Position::{After, Before, Late, Unanswered};
    if boundary.is_reset() { &[Before, Unanswered, Late, After] } else { &[Before, Unanswered, After] }
}

/// The undisturbed run of a scenario.
struct Reference {
    scenario: &'static Scenario,
    boundaries: Vec<Boundary>,
    ends: Vec<End>,
}

/// The undisturbed runs, in the order of the scenarios.
fn references(scenarios: impl Iterator<Item = &'static Scenario> + Send) -> Vec<Arc<Reference>> {
    let found: Arc<Mutex<BTreeMap<usize, Arc<Reference>>>> = Arc::default();
    let plans = scenarios.enumerate().map(|(place, scenario)| {
        let found = found.clone();
        Plan::new(format!("{}, undisturbed", scenario.name), move || async move {
            let world = scenario.world().await;
            let show = play(scenario, &world, &[]).await;
            let tally = audit(&world, Terms::default());
            // The first replica does everything but what comes after a hand-over.
            let boundaries = telling(&show.seen[0]);
            let reference = Reference { scenario, boundaries, ends: ends(&world) };
            found.lock().unwrap().insert(place, Arc::new(reference));
            tally
        })
    });
    let report = plan::run(NAME, plans);
    assert!(report.holds(), "{report}: {:#?}", report.tally.violations);
    std::mem::take(&mut *found.lock().unwrap()).into_values().collect()
}

impl Reference {
    /// Every boundary in every position.
    fn singles(self: &Arc<Self>) -> Vec<(Arc<Self>, Case)> {
        let scenario = self.scenario;
        let later = |boundary: &&Boundary| boundary.about == "list leases" || boundary.about.starts_with("delete");
        let chosen = self.boundaries.iter().filter(|boundary| scenario.name != SWEEP || later(boundary));
        let crashes = chosen.flat_map(|boundary| {
            positions(boundary).iter().map(|position| Crash { boundary: boundary.clone(), position: *position })
        });
        crashes.map(|crash| (self.clone(), Case { scenario, crashes: vec![crash] })).collect()
    }
}

impl Case {
    fn plan(self, reference: Arc<Reference>, heard: Option<(usize, Heard)>) -> Plan {
        let Self { scenario, crashes } = self;
        let points: Vec<String> = crashes.iter().map(|c| format!("{:?} {}", c.position, c.boundary)).collect();
        Plan::new(format!("{}: {}", scenario.name, points.join(", then ")), move || async move {
            let world = scenario.world().await;
            let show = play(scenario, &world, &crashes).await;
            let late = crashes.iter().any(|crash| crash.position == Position::Late);
            let arrives_within = SignedDuration::try_from(if late { LATE } else { Duration::ZERO }).unwrap();
            let mut tally = audit(&world, Terms { arrives_within, ..Terms::default() });
            world.no_refusals();
            tally.kills = show.kills;
            if crashes.len() == 1 && !show.reached {
                tally.violations.push("the boundary was not reached".to_owned());
            }
            tally.violations.extend(differences(&reference.ends, &ends(&world)));
            if let Some((number, heard)) = heard {
                let last = show.seen.into_iter().nth(show.kills).unwrap_or_default();
                heard.lock().unwrap().insert(number, telling(&last));
            }
            tally
        })
    }
}

/// What happened on the operator's side of a scenario.
struct Show {
    kills: usize,
    /// Whether the first crash's boundary was.
    reached: bool,
    /// What each replica did, in their order.
    seen: Vec<Vec<Boundary>>,
}

/// Plays a scenario; at each crash the replica dies, and another takes its place at once.
async fn play(scenario: &Scenario, world: &World, crashes: &[Crash]) -> Show {
    let script = async {
        (scenario.people)(world).await;
        all_end(world, AT_MOST).await;
        tokio::time::sleep(scenario.afterwards).await;
    };
    tokio::pin!(script);
    let mut show = Show { kills: 0, reached: false, seen: Vec::new() };
    let mut crashes = crashes.iter();
    for name in 'a'..='z' {
        let wire =
            crashes.next().cloned().map(|Crash { boundary, position }| Wire { boundary, position, act: Act::Kill });
        let (replica, trace) = trace::replica(world, &name.to_string(), wire);
        let told = scenario.handed_over.filter(|_| name == 'a');
        let end = live(replica, &trace, told, script.as_mut()).await;
        show.seen.push(trace.seen());
        show.reached |= name == 'a' && trace.reached();
        trace.end();
        match end {
            Life::Killed => show.kills += 1,
            Life::Stopped => {}
            Life::Outlived => break,
        }
    }
    show
}

/// How a replica ended.
enum Life {
    Killed,
    Stopped,
    /// The play is over.
    Outlived,
}

async fn live(
    replica: world::Replica,
    trace: &Trace,
    told: Option<Duration>,
    mut script: Pin<&mut impl Future<Output = ()>>,
) -> Life {
    let told_to_stop = async {
        match told {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = trace.tripped() => {
            replica.kill().await;
            return Life::Killed;
        }
        () = &mut script => {
            replica.kill().await;
            return Life::Outlived;
        }
        () = told_to_stop => {}
    }
    tokio::select! {
        () = trace.tripped() => Life::Killed,
        () = replica.stop() => Life::Stopped,
    }
}

/// Where the ends differ from those of the undisturbed run by more than a death explains.
fn differences(undisturbed: &[End], ends: &[End]) -> Vec<String> {
    // Which of two objects for one device was first is not promised.
    if kinds(undisturbed).eq(kinds(ends)) {
        return Vec::new();
    }
    let told = |end: &&End| {
        let expected = undisturbed.iter().find(|other| other.name == end.name);
        // One whose claim was never sent takes the other's entry for its own, and the other one need not adopt.
        let complete = |end: &End| end.outcome == format!("{:?}", Outcome::Complete);
        expected.is_some_and(|expected| expected == *end || (complete(expected) && complete(end)))
            || is_left_to_people(end)
    };
    ends.iter()
        .filter(|end| !told(end))
        .map(|end| {
            let expected = undisturbed.iter().find(|other| other.name == end.name);
            format!("{end:?}, undisturbed {expected:?}")
        })
        .collect()
}

/// A claim that nobody can tell the fate of: in a tenant whose ledger was never seen to work, or after a refusal that nobody heard of.
fn is_left_to_people(end: &End) -> bool {
    end.outcome == format!("{:?}", Outcome::Failed) && end.reason == reason::OUTCOME_UNKNOWN
}

/// A sequence of numbers that is the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bounded = (mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap().max(1);
        usize::try_from(bounded).unwrap()
    }
}
