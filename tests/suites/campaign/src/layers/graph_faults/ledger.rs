//! What may be wrong with Intune's record, times what Graph answers: the record is missing, lags, has older entries or two, is
//! dated by a wrong clock, or says what nobody knows.

use std::time::Duration;

use graph_simulator::{ActionState, ArrayShape, Device, DevicePlan, Fault, History, Lag, PathClass, Rule, planted};
use k8s_openapi::jiff::SignedDuration;
use passcode_core::api::reset_status::Outcome;
use serde_json::json;
use world::World;

use super::case::{Again, Case, Expected, Moment};

/// What is wrong: in words, and what brings it about.
type Quirk = (&'static str, fn(Case) -> Case);

const TEN_MINUTES: Duration = Duration::from_secs(600);

const QUIRKS: [Quirk; 24] = [
    ("hidden for 100 s", |case| case.settings(|settings| settings.ledger_lag = Duration::from_secs(100).into())),
    ("shown by one front end after 5 s and by all after 115 s", |case| {
        let lag = Lag { first: Duration::from_secs(5), everywhere: Duration::from_secs(115) };
        case.settings(move |settings| settings.ledger_lag = lag)
    }),
    ("missing for ten minutes", |case| shaped(case, Moment::Start, ArrayShape::Missing)),
    ("null for ten minutes", |case| shaped(case, Moment::Start, ArrayShape::Null)),
    ("missing for ten minutes from the request on", |case| {
        shaped(case, Moment::Sent(Duration::ZERO), ArrayShape::Missing)
    }),
    ("null for ten minutes from the request on", |case| shaped(case, Moment::Sent(Duration::ZERO), ArrayShape::Null)),
    ("an older entry, done", |case| with_entry(case, "2026-11-21T08:00:00.1234567Z", "done")),
    ("an older entry, failed", |case| with_entry(case, "2026-11-22T08:50:00.1234567Z", "failed")),
    ("an older entry, pending for longer than the time-out", |case| {
        with_entry(case, "2026-11-01T08:00:00.1234567Z", "pending")
    }),
    ("two older entries", |case| {
        let case = with_entry(case, "2026-11-20T08:00:00.1234567Z", "done");
        with_entry(case, "2026-11-21T08:00:00.1234567Z", "canceled")
    }),
    ("an older entry that the new one replaces", |case| {
        let case = with_entry(case, "2026-11-21T08:00:00.1234567Z", "done");
        of_device(case, |device| device.ledger.history = Some(History::OnePerAction))
    }),
    ("an entry without a time", |case| with_entry(case, "0001-01-01T00:00:00Z", "pending")),
    ("capital names", |case| of_device(case, |device| device.ledger.capital_names = true)),
    ("Intune's clock 5 min ahead", |case| clocks(case, 0, 5)),
    ("Intune's clock 5 min behind", |case| clocks(case, 0, -5)),
    ("Graph's clock 5 min ahead", |case| clocks(case, 5, 0)),
    ("Graph's clock 5 min behind", |case| clocks(case, -5, 0)),
    ("both clocks 5 min ahead", |case| clocks(case, 5, 5)),
    ("both clocks 5 min behind", |case| clocks(case, -5, -5)),
    ("Graph's clock 5 min ahead, Intune's behind", |case| clocks(case, 5, -5)),
    ("Graph's clock 5 min behind, Intune's ahead", |case| clocks(case, -5, 5)),
    ("a state that nobody knows for an hour", |case| {
        let plan = DevicePlan {
            delay: Some(Duration::from_secs(3600)),
            waiting_state: ActionState::Other("deferred".to_owned()),
            ..DevicePlan::default()
        };
        of_device(case, |device| device.plan = plan)
    }),
    ("the state none for ten minutes", |case| {
        let plan = DevicePlan { delay: Some(TEN_MINUTES), waiting_state: ActionState::None, ..DevicePlan::default() };
        of_device(case, |device| device.plan = plan)
    }),
    ("active, then done", |case| {
        let taken = DevicePlan {
            delay: Some(TEN_MINUTES),
            active_after: Some(Duration::from_secs(60)),
            ..DevicePlan::default()
        };
        of_device(case, |device| device.plan = taken)
    }),
];

/// What Graph answers meanwhile, in words and as it is scripted, and what is right then.
type Answer = (&'static str, fn() -> Fault, Again);

const ANSWERS: [Answer; 5] = [
    ("204", Fault::none, Again::Never),
    ("repeated by a proxy", Fault::duplicated, Again::Never),
    ("504, carried out", || Fault::status(504).executed(), Again::Never),
    ("reset, carried out 20 s later", || Fault::reset().executed_after(Duration::from_secs(20)), Again::Never),
    ("504, not carried out", || Fault::status(504), Again::AfterSettling),
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (quirk, set_up) in QUIRKS {
        for (answer, fault, again) in ANSWERS {
            let case = Case::new(format!("record: {quirk}; {answer}"), Expected::once(again));
            cases.push(set_up(case.script(Rule::on(PathClass::Action, fault()).once())));
        }
    }
    cases.extend(found_there());
    cases.extend(by_hand_meanwhile());
    cases
}

/// Somebody resets the phone in the portal while ours is under way: there are two entries that answer, or one that is not ours.
fn by_hand_meanwhile() -> Vec<Case> {
    let mut cases = Vec::new();
    for (answer, fault, again) in ANSWERS {
        for after in [3, 30, 200] {
            let carried_out = usize::from(again == Again::Never);
            let expected = Expected::end(Outcome::Complete, "PasscodeRemoved", carried_out);
            let case = Case::new(format!("{answer}; reset by hand {after} s after the request"), expected);
            let case = case.script(Rule::on(PathClass::Action, fault()).once());
            let by_hand = |world: &World, id: &str| world.graph.reset_by_hand(id, world.now());
            cases.push(case.at(Moment::Sent(Duration::from_secs(after)), by_hand));
        }
    }
    cases
}

fn of_device(case: Case, change: impl FnOnce(&mut Device) + Send + 'static) -> Case {
    case.at(Moment::Start, move |world, id| {
        world.graph.change_device(id, change);
    })
}

/// The record is not readable from this moment on, for ten minutes.
fn shaped(case: Case, from: Moment, shape: ArrayShape) -> Case {
    let set = move |shape| {
        move |world: &World, id: &str| {
            world.graph.change_device(id, |device| device.ledger.shape = shape);
        }
    };
    let until = match from {
        Moment::Start => Moment::Declared(TEN_MINUTES),
        // Moments follow each other.
        Moment::Declared(_) | Moment::Sent(_) => Moment::Sent(TEN_MINUTES),
    };
    case.at(from, set(shape)).at(until, set(ArrayShape::Normal))
}

fn with_entry(case: Case, started: &'static str, state: &'static str) -> Case {
    case.at(Moment::Start, move |world, id| world.graph.plant_entry(id, planted::reset(started, state, "0000")))
}

fn clocks(case: Case, graph: i64, intune: i64) -> Case {
    case.settings(move |settings| {
        settings.front_end_offset = SignedDuration::from_mins(graph);
        settings.intune_offset = SignedDuration::from_mins(intune);
    })
}

/// Entries by somebody else that answer the request, or forbid it: nothing is asked of Graph.
fn found_there() -> Vec<Case> {
    let adopted = |outcome, reason| Expected::end(outcome, reason, 0);
    let by_hand = |seconds_ago: u64| {
        move |world: &World, id: &str| world.graph.reset_by_hand(id, world.now() - Duration::from_secs(seconds_ago))
    };
    let mut cases = Vec::new();
    let an_hour = Duration::from_secs(3600);
    for (how_long, seconds_ago) in [("3 s", 3), ("a minute", 60), ("half an hour", 1800), ("59 min", 3540)] {
        let case = Case::new(format!("reset by hand {how_long} ago, asked for an hour ago"), {
            adopted(Outcome::Complete, "Adopted")
        });
        cases.push(case.requested_before(an_hour).at(Moment::Start, by_hand(seconds_ago)));
    }
    for (how_long, seconds_ago) in [("a minute", 60), ("5 min", 300), ("9 min", 540)] {
        let expected = match seconds_ago {
            // Within Intune's clock error of requestTime: it answers.
            60 => adopted(Outcome::Complete, "Adopted"),
            _ => adopted(Outcome::Rejected, "RecentlyReset"),
        };
        let case = Case::new(format!("reset by hand {how_long} ago, asked for now"), expected);
        cases.push(case.at(Moment::Start, by_hand(seconds_ago)));
    }
    for (state, outcome, reason) in [
        ("failed", Outcome::Failed, "DeviceRefused"),
        ("notSupported", Outcome::Rejected, "NotSupportedByDevice"),
        ("canceled", Outcome::Failed, "Canceled"),
        ("pending", Outcome::Failed, "DeadlineExceeded"),
        ("deferred", Outcome::Failed, "DeadlineExceeded"),
    ] {
        let case = Case::new(format!("an entry since requestTime, {state}"), adopted(outcome, reason));
        let case = case.requested_before(an_hour);
        let case = case.tenant(json!({"defaults": {"issueWindow": "24h", "completionTimeout": "2h"}}));
        cases.push(with_entry(case, "2026-11-22T08:30:00.1234567Z", state));
    }
    cases
}
