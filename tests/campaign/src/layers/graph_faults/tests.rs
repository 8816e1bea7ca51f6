//! The layer has as many cases as it says, and it can fail.

use std::{collections::BTreeSet, time::Duration};

use graph_simulator::{Fault, PathClass, RetryAfter, Rule};
use serde_json::json;

use super::{
    case::{Again, Case, Expected},
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

#[test]
fn an_end_that_was_not_said_beforehand_is_found() {
    let expected = Expected::once(Again::AfterSettling);
    let tally = Case::new("204", expected).script(on_the_reset(Fault::none())).into_plan().run();
    assert!(tally.violations.iter().any(|violation| violation.contains("asked for 1 time")), "{tally:?}");
}
