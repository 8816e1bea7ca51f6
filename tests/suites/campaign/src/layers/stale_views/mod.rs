//! Stale and unobserved state: at every version of every object that the operator goes by, what it sees of the API server goes wrong.
//!
//! Each plan is compared with the undisturbed run of its scenario (Sieve's differential oracle): the objects end alike, as many resets
//! are carried out, and the operator writes no status more often. It reads every object live before it decides, and writes only what is
//! new, so a wrong view may cost a pass or a refused write; a further version of a status it may not. Only a process that starts looks at
//! everything at once, and may tell of a stage that the one before it slept through: once for each object. Writes that are missing show
//! in the end.

mod views;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use api_server::Version;
use passcode_core::api::conditions::reason;
use world::World;

use self::views::{Ground, View};
use super::{Size, all_end};
use crate::{
    audit::{Terms, audit},
    ends::{End, ends, kinds},
    plan::{self, Plan},
    report::{Report, Tally},
    scenarios::{self, DELETED, SWEEP, Scenario},
    trace::{self, Act, Boundary, Position, Wire},
};

const NAME: &str = "stale views";
/// The longest disturbance, and everything that a scenario may need after it.
const AT_MOST: Duration = Duration::from_secs(1_800);

/// When a version is stored, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    by_people: bool,
    write: Boundary,
}

/// The undisturbed run of a scenario, or a disturbed one.
struct Course {
    moments: Vec<Moment>,
    ends: Vec<End>,
    carried_out: usize,
    /// Versions of statuses of PasscodeResets that the operator stored.
    writes: usize,
}

/// A scenario and how it goes undisturbed.
type Reference = (&'static Scenario, Arc<Course>);

/// Runs the layer.
///
/// # Panics
/// If an undisturbed run does not end well.
#[must_use]
pub fn run(size: Size) -> Report {
    let stride = match size {
        Size::Small => 37,
        Size::Full => 1,
    };
    // What is staged there is about replicas, not about what they see.
    let chosen = scenarios::ALL.iter().filter(|scenario| scenario.name != SWEEP && scenario.handed_over.is_none());
    let references = references(chosen);
    plan::run(NAME, references.iter().flat_map(cases).step_by(stride).map(plan_of))
}

/// Three disturbances that are none of the operator's business: each has to show in another part of the comparison.
#[must_use]
pub fn planted() -> Report {
    let scenario = scenarios::ALL.iter().filter(|scenario| scenario.name == "the device fails");
    let references = references(scenario);
    let cases = references.iter().flat_map(|reference| {
        let record = reference.1.moments.iter().find(|moment| moment.write.about.starts_with("record")).cloned();
        View::PLANTED.iter().zip(record.into_iter().cycle()).map(|(view, moment)| (reference.clone(), moment, *view))
    });
    plan::run(NAME, cases.map(plan_of).collect::<Vec<_>>())
}

/// Every view at every moment that it can go wrong at.
fn cases(reference: &Reference) -> Vec<(Reference, Moment, View)> {
    let at = |moment: &Moment| {
        // Where people delete for good, nobody creates again.
        let deleted = reference.0.name == DELETED;
        let concerns = |view: &&View| view.concerns(&moment.write) && !(deleted && view.makes_anew());
        let views = View::ALL.iter().filter(concerns);
        views.map(|view| (reference.clone(), moment.clone(), *view)).collect::<Vec<_>>()
    };
    reference.1.moments.iter().flat_map(at).collect()
}

fn references(scenarios: impl Iterator<Item = &'static Scenario> + Send) -> Vec<Reference> {
    let found: Arc<Mutex<BTreeMap<usize, Reference>>> = Arc::default();
    let plans = scenarios.enumerate().map(|(place, scenario)| {
        let found = found.clone();
        Plan::new(format!("{}, undisturbed", scenario.name), move || async move {
            let (course, tally) = take(scenario, None).await;
            found.lock().unwrap().insert(place, (scenario, Arc::new(course)));
            tally
        })
    });
    let report = plan::run(NAME, plans);
    assert!(report.holds(), "{report}: {:#?}", report.tally.violations);
    std::mem::take(&mut *found.lock().unwrap()).into_values().collect()
}

fn plan_of((reference, moment, view): (Reference, Moment, View)) -> Plan {
    let (scenario, undisturbed) = reference;
    Plan::new(format!("{}: {view:?} at {}", scenario.name, moment.write), move || async move {
        let (course, mut tally) = take(scenario, Some((moment, view))).await;
        tally.violations.extend(course.differences(&undisturbed, view));
        tally
    })
}

impl Course {
    fn differences(&self, undisturbed: &Self, view: View) -> Vec<String> {
        let mut differences = Vec::new();
        let alike = if view.makes_anew() {
            // What the first object had carried out the second one adopts.
            let outcomes = |ends: &[End]| kinds(ends).map(|(outcome, _)| outcome.to_owned()).collect::<Vec<_>>();
            outcomes(&self.ends) == outcomes(&undisturbed.ends)
        } else {
            kinds(&self.ends).eq(kinds(&undisturbed.ends))
        };
        if !alike {
            differences.push(format!("ends {:?}, undisturbed {:?}", self.ends, undisturbed.ends));
        }
        if self.carried_out != undisturbed.carried_out {
            differences.push(format!("{} carried out, undisturbed {}", self.carried_out, undisturbed.carried_out));
        }
        let allowed = match undisturbed.writes {
            // An object that is created again is told everything once more.
            writes if view.makes_anew() => 2 * writes,
            writes if view.restarts() => writes + self.ends.len(),
            writes => writes,
        };
        if self.writes > allowed {
            differences.push(format!("{} writes, undisturbed {}", self.writes, undisturbed.writes));
        }
        differences
    }
}

/// Plays a scenario, undisturbed or with a view that goes wrong at a moment.
async fn take(scenario: &Scenario, disturbance: Option<(Moment, View)>) -> (Course, Tally) {
    let world = scenario.world().await;
    let ground = Ground::of(&world);
    let mut wires = (None, None);
    if let Some((moment, view)) = disturbance.clone() {
        let (ground, about) = (ground.clone(), moment.write.about.clone());
        let act = Act::Change(Box::new(move || view.begin(&ground, &about)));
        let wire = Wire { boundary: moment.write, position: Position::Unanswered, act };
        *(if moment.by_people { &mut wires.0 } else { &mut wires.1 }) = Some(wire);
    }
    let people = trace::people(&world, wires.0);
    let (first, operator) = trace::replica(&world, "a", wires.1);
    let script = async {
        (scenario.people)(&world).await;
        // What goes wrong last may do so at the last outcome.
        for _ in 0..2 {
            ground.is_calm().await;
            all_end(&world, AT_MOST).await;
        }
        tokio::time::sleep(scenario.afterwards).await;
    };
    tokio::pin!(script);
    tokio::select! {
        () = &mut script => first.stop().await,
        () = ground.restarted() => {
            first.stop().await;
            let second = world.replica("b");
            script.await;
            second.stop().await;
        }
    }
    let mut tally = audit(&world, Terms::default());
    world.no_refusals();
    let reached = disturbance.is_none() || operator.reached() && people.reached();
    if !reached {
        tally.violations.push("the moment did not come".to_owned());
    }
    let of = |trace: &trace::Trace, by_people| {
        let seen = trace::telling(&trace.seen()).into_iter();
        let watched = seen.filter(views::is_gone_by);
        watched.map(|write| Moment { by_people, write }).collect::<Vec<_>>()
    };
    let moments = [of(&people, true), of(&operator, false)].concat();
    people.end();
    operator.end();
    let course =
        Course { moments, ends: ends(&world), carried_out: world.graph.executed().len(), writes: writes(&world) };
    (course, tally)
}

/// How many versions of statuses the operator stored. Who waits when Graph pauses a tenant depends on who came first, and whether somebody
/// waits for the second of requestTime to pass (`Date` has whole ones) on when in it they woke: neither is counted. Nor is the lock of a
/// claim that was denied: it is released at once, and a read that is behind shows it once more.
fn writes(world: &World) -> usize {
    let histories = world.api.histories("PasscodeReset");
    histories.iter().map(|(_, versions)| written(versions)).sum()
}

/// The first version is people's.
fn written(versions: &[Arc<Version>]) -> usize {
    let reason_of = |version: &Version| version.object["status"]["conditions"][0]["reason"].clone();
    let by_operator = |version: &Version| ["a", "b"].contains(&version.writer.as_str());
    let counted = |at: &usize| {
        let (before, after) = (reason_of(&versions[at - 1]), reason_of(&versions[*at]));
        let begins_to_look = after == reason::LOOKING_UP && before != reason::LOOKING_UP;
        let next = versions.get(at + 1).map(|next| reason_of(next)).unwrap_or_default();
        let denied = next == reason::DENIED_BY_ADMISSION || next == reason::HELD_BY_ADMISSION;
        let own_lock = after == reason::DEVICE_BUSY && denied;
        by_operator(&versions[*at]) && after != reason::LIMIT_REACHED && !begins_to_look && !own_lock
    };
    (1..versions.len()).filter(counted).count()
}
