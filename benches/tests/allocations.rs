//! What the operator's own decisions allocate. The counting allocator is this program's, so it is a program of its own.

use allocation_counter::measure;
use bench::decisions::Case;
use passcode_core::lifecycle::{decide::is_over, step::Step};

#[test]
fn a_finished_object_costs_no_allocation() {
    let case = Case::finished().unwrap();
    let mut over = false;
    let counted = measure(|| over = is_over(case.object()));
    assert!(over);
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn an_open_object_is_not_over_and_its_decision_is_counted() {
    let case = Case::followed().unwrap();
    assert!(!is_over(case.object()));
    let mut decision = None;
    let counted = measure(|| decision = Some(case.decide()));
    assert!(matches!(decision.unwrap().step, Step::Wait(_)));
    // The counter counts: a new status cannot be made of nothing.
    assert!(counted.count_total > 0);
}
