//! What becomes of the device meanwhile: it answers late or never, is gone, or is enrolled again.

use std::time::Duration;

use graph_simulator::{ActionState, DevicePlan, Fault, PathClass, RetryAfter, Rule};
use passcode_core::api::reset_status::Outcome;
use serde_json::json;

use super::case::{Again, Case, Expected, Moment};

/// What Graph answers, in words and as it is scripted, and how often it is carried out.
type Answer = (&'static str, fn() -> Fault, usize);

const ANSWERS: [Answer; 4] = [
    ("204", Fault::none, 1),
    ("504, carried out", || Fault::status(504).executed(), 1),
    ("connection lost, carried out", || Fault::lost().executed(), 1),
    ("504, not carried out", || Fault::status(504), 0),
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = late_answers();
    cases.extend(gone());
    cases.extend(enrolled_anew());
    cases
}

fn on_the_reset(fault: Fault) -> Rule {
    Rule::on(PathClass::Action, fault).once()
}

fn late_answers() -> Vec<Case> {
    let answers = [
        (ActionState::Done, Outcome::Complete, "PasscodeRemoved"),
        (ActionState::Failed, Outcome::Failed, "DeviceRefused"),
        (ActionState::NotSupported, Outcome::Rejected, "NotSupportedByDevice"),
        (ActionState::Canceled, Outcome::Failed, "Canceled"),
    ];
    let late = [("after a second", 1), ("after a minute", 60), ("after ten minutes", 600), ("after an hour", 3600)];
    let mut cases = Vec::new();
    for (answer, fault, _) in ANSWERS.into_iter().filter(|(_, _, carried_out)| *carried_out > 0) {
        for (state, outcome, reason) in &answers {
            for (when, delay) in late {
                let plan = DevicePlan::answering(state.clone(), Duration::from_secs(delay));
                let name = format!("{answer}; the device says {} {when}", state.as_str());
                let case = Case::new(name, Expected::end(*outcome, reason, 1)).script(on_the_reset(fault()));
                let case = with_plan(case, plan);
                cases.push(if delay == 3600 { case.long() } else { case });
            }
        }
        let never = Expected::end(Outcome::Failed, "DeadlineExceeded", 1);
        let case = Case::new(format!("{answer}; the device never answers"), never).script(on_the_reset(fault()));
        let case = case.tenant(json!({"defaults": {"issueWindow": "24h", "completionTimeout": "1h"}}));
        cases.push(with_plan(case, DevicePlan::never()).long());
    }
    for (state, outcome, reason) in answers {
        let plan = DevicePlan::answering(state.clone(), Duration::from_secs(25 * 3600));
        let case = Case::new(format!("204; the device says {} after a day and an hour", state.as_str()), {
            Expected::end(outcome, reason, 1)
        });
        cases.push(with_plan(case, plan).long());
    }
    cases
}

fn with_plan(case: Case, plan: DevicePlan) -> Case {
    case.at(Moment::Start, |world, id| {
        world.graph.change_device(id, |device| device.plan = plan);
    })
}

/// Its record vanishes.
fn gone() -> Vec<Case> {
    let vanish = |world: &world::World, id: &str| {
        world.graph.retire(id);
    };
    let not_found = Expected::end(Outcome::Rejected, "DeviceNotFound", 0);
    let mut cases = vec![Case::new("gone before", not_found).at(Moment::Start, vanish)];
    for (answer, fault, carried_out) in ANSWERS {
        for after in [0, 3, 60, 200] {
            let failed = Expected::end(Outcome::Failed, "DeviceGone", carried_out);
            let case = Case::new(format!("{answer}; gone {after} s after it was sent"), failed);
            let case = with_plan(case.script(on_the_reset(fault())), DevicePlan::never());
            cases.push(case.at(Moment::Sent(Duration::from_secs(after)), vanish));
        }
    }
    for (answer, fault) in [
        ("429 for 60 s", Fault::throttled(Duration::from_secs(60), RetryAfter::Seconds)),
        ("403 of Multi Admin Approval", Fault::approval_required()),
    ] {
        let case = Case::new(format!("{answer}; gone at once"), Expected::end(Outcome::Rejected, "DeviceGone", 0));
        cases.push(case.script(on_the_reset(fault)).at(Moment::Sent(Duration::ZERO), vanish));
    }
    cases
}

/// The phone is set up again: a new record, an empty ledger, and no passcode of before.
fn enrolled_anew() -> Vec<Case> {
    let re_enrolled = |keep_old| {
        move |world: &world::World, id: &str| {
            world.graph.reenroll(id, keep_old);
        }
    };
    let an_hour = Duration::from_secs(3600);
    let enrolled = Expected::end(Outcome::Rejected, "EnrolledAfterRequest", 0);
    let ambiguous = Expected::end(Outcome::Rejected, "AmbiguousDevice", 0);
    let mut cases = vec![
        Case::new("enrolled again since requestTime", enrolled)
            .requested_before(an_hour)
            .at(Moment::Start, re_enrolled(false)),
        Case::new("enrolled again, the old record stays", ambiguous)
            .requested_before(an_hour)
            .at(Moment::Start, re_enrolled(true)),
    ];
    for (answer, fault, carried_out) in ANSWERS {
        for after in [0, 3, 60, 200] {
            let failed = Expected::end(Outcome::Failed, "DeviceGone", carried_out);
            let case = Case::new(format!("{answer}; enrolled again {after} s after it was sent"), failed);
            let case = with_plan(case.script(on_the_reset(fault())), DevicePlan::never());
            cases.push(case.at(Moment::Sent(Duration::from_secs(after)), re_enrolled(false)));
        }
        let again = if carried_out == 0 { Again::AfterSettling } else { Again::Never };
        let case = Case::new(format!("{answer}; enrolled again, the old record stays"), Expected::once(again));
        cases.push(case.script(on_the_reset(fault())).at(Moment::Sent(Duration::ZERO), re_enrolled(true)));
    }
    cases
}
