//! The layer has as many cases as it says, and it can fail.

use std::{collections::BTreeSet, time::Duration};

use api_server::Verb;
use graph_simulator::{Fault, PathClass, RetryAfter, Rule};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use passcode_core::api::{reset::PasscodeReset, reset_status::Outcome};
use serde_json::json;
use world::objects::HELPDESK;

use super::{
    case::{Again, Case, Expected, Moment},
    plans,
};
use crate::layers::Size;

#[test]
fn the_cases_are_distinct_and_many() {
    for (size, least) in [(Size::Full, 800), (Size::Small, 40)] {
        let plans = plans(size);
        let names: BTreeSet<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names.len(), plans.len(), "{size:?}: no two cases are called the same");
        assert!(plans.len() >= least, "{size:?}: {}", plans.len());
    }
}

/// Runs a case in which something breaks what the promise rests on; it has to be found.
fn found(case: Case) {
    let tally = case.into_plan().run();
    assert!(tally.duplicates > 0, "{tally:?}");
}

fn on_the_reset(fault: Fault) -> Rule {
    Rule::on(PathClass::Action, fault).once()
}

#[test]
fn a_graph_that_carries_out_what_it_throttles_is_found() {
    let throttled = Fault::throttled(Duration::from_secs(2), RetryAfter::Seconds).executed();
    let case = Case::new("429, carried out", Expected::once(Again::SameClaim(Duration::from_secs(1))));
    found(case.script(on_the_reset(throttled)));
}

#[test]
fn a_settle_window_that_is_too_short_is_found() {
    let case = Case::new("504, carried out 140 s later, sendGrace 20 s", Expected::once(Again::Never));
    let case = case.tenant(json!({"timing": {"sendGrace": "20s", "ledgerLag": "1s"}}));
    found(case.script(on_the_reset(Fault::status(504).executed_after(Duration::from_secs(140)))));
}

#[test]
fn a_record_that_lags_for_longer_than_is_set_is_found() {
    let case = Case::new("504, carried out, hidden for ten minutes", Expected::once(Again::Never));
    let case = case.settings(|settings| settings.ledger_lag = Duration::from_secs(600).into());
    found(case.script(on_the_reset(Fault::status(504).executed())));
}

/// An operator that takes this result of an attempt for proof that nothing was carried out.
fn believing(case: Case, result: &'static str) -> Case {
    case.at(Moment::Start, move |world, _| {
        let client = world.api.client_named("believer");
        world.api.caller("a").after(move |call, _| {
            let resets: Api<PasscodeReset> = Api::namespaced(client.clone(), HELPDESK);
            let records = call.verb == Verb::Patch && call.sets_status()["attempt"]["result"] == result;
            async move {
                if records {
                    let believed = Patch::Merge(json!({"status": {"attempt": {"result": "NotExecuted"}}}));
                    resets.patch_status(&call.name, &PatchParams::default(), &believed).await.unwrap();
                }
                None
            }
        });
    })
}

#[test]
fn a_refusal_that_is_believed_is_found() {
    for fate in [Fault::executed, |fault: Fault| fault.executed_after(Duration::from_secs(140))] {
        let case = Case::new("400 by Intune, carried out", Expected::once(Again::Never));
        let case = case.settings(|settings| settings.ledger_lag = Duration::from_secs(119).into());
        found(believing(case, "Refused").script(on_the_reset(fate(Fault::refused_by_intune()))));
    }
}

#[test]
fn a_page_that_is_believed_is_found() {
    let case = Case::new("a proxy's 403, carried out", Expected::once(Again::Never));
    let case = case.settings(|settings| settings.ledger_lag = Duration::from_secs(119).into());
    found(believing(case, "Unknown").script(on_the_reset(Fault::html(403).executed())));
}

#[test]
fn a_second_ticket_that_does_not_wait_long_enough_is_found() {
    let case = Case::new("400, carried out 140 s later, sendGrace 20 s", Expected::once(Again::Never));
    let case = case.tenant(json!({"timing": {"sendGrace": "20s", "ledgerLag": "1s"}}));
    let case = case.with_next(&[(Outcome::Complete, "Adopted")]);
    found(case.script(on_the_reset(Fault::status(400).executed_after(Duration::from_secs(140)))));
}

#[test]
fn an_end_that_was_not_said_beforehand_is_found() {
    let expected = Expected::once(Again::AfterSettling);
    let tally = Case::new("204", expected).script(on_the_reset(Fault::none())).into_plan().run();
    assert!(tally.violations.iter().any(|violation| violation.contains("asked for 1 time")), "{tally:?}");
}
