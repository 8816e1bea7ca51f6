//! When a condition changed.

use super::facts::{Facts, t};
use crate::{
    api::conditions::{self, Truth, kind},
    lifecycle::{draft::Draft, step::Step},
};

/// On the way to a decision a condition may change and change back: then it did not change.
#[test]
fn only_what_is_another_in_the_end_has_a_new_time() {
    let first = Facts::attempted(None).at(5);
    let before = first.object.status.clone().unwrap();
    let then = |kind: &str| conditions::get(&before.conditions, kind).unwrap().last_transition_time.0;
    let later = first.at(60);
    let times = |ends: Truth| {
        let mut draft = Draft::new(later.observed(), later.now);
        draft.set(kind::READY, Truth::True, "Other", "Meanwhile.");
        draft.set(kind::READY, ends, "Sending", "At last.");
        let status = draft.into_decision(Step::Finish).status;
        conditions::get(&status.conditions, kind::READY).unwrap().last_transition_time.0
    };
    assert_ne!(then(kind::READY), t(60));
    assert_eq!(times(Truth::Unknown), then(kind::READY));
    assert_eq!(times(Truth::False), t(60));
}
