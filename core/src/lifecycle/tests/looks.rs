//! A look that could not tell, and a device that is gone.

use std::time::Duration;

use super::{
    facts::{DEADLINE, Facts, SETTLED},
    samples::unreadable,
};
use crate::{
    api::reset_status::{AttemptResult, AttemptResult::*},
    lifecycle::{
        observed::{NotReady, Reading, UnconfirmedKind},
        step::Step,
    },
};

#[test]
fn a_look_that_could_not_tell_before_anything_was_sent() {
    let (pause, message) = Facts::new().look_unreadable().waits("LookingUp");
    assert!(pause == Duration::from_secs(5) && message.contains("Nothing was sent."), "{message}");
}

#[test]
fn a_look_that_could_not_tell_changes_no_word_of_what_is_in_flight() {
    for facts in [
        Facts::attempted(None),
        Facts::attempted(Some(Unknown)),
        Facts::attempted(Some(Accepted)),
        Facts::attempted(Some(Refused)),
        Facts::adopted("pending", 5),
    ] {
        let facts = facts.look_unreadable();
        let decision = facts.decide();
        assert_eq!(decision.step, Step::Wait(Duration::from_secs(5)));
        assert_eq!(Some(decision.status), facts.object.status);
    }
}

#[test]
fn trouble_with_the_tenant_is_told_even_in_flight() {
    let blamed = NotReady { reason: "TokenNotAccepted".into(), message: "401.".into() };
    let look = Some(Reading::CouldNotTell(unreadable(Some(blamed))));
    let told = |facts: Facts| Facts { look: look.clone(), ..facts }.waits("TenantNotReady").1;
    // Nobody may read it as "not sent yet".
    for facts in [Facts::attempted(Some(Accepted)), Facts::attempted(None), Facts::adopted("pending", 5)] {
        let message = told(facts);
        assert!(message.starts_with("TokenNotAccepted: 401. A reset was sent"), "{message}");
        assert!(
            message.contains("may carry it out meanwhile") && !message.to_lowercase().contains("nothing was sent"),
            "{message}"
        );
    }
    let message = told(Facts::new());
    assert!(message.contains("Nothing was sent.") && message.contains("It is not sent after"), "{message}");
}

#[test]
fn a_device_is_gone_by_two_looks_thirty_seconds_apart() {
    let gone = |at: i64| Facts::new().gone().at(at);
    assert_eq!(gone(0).waits("LookingUp").0, Duration::from_secs(30));
    assert_eq!(gone(0).decide().unconfirmed.map(|unconfirmed| unconfirmed.kind), Some(UnconfirmedKind::DeviceGone));
    gone(29).doubted(UnconfirmedKind::DeviceGone, 0).waits("LookingUp");
    gone(60).doubted(UnconfirmedKind::DeviceNotFound, 0).waits("LookingUp");
    let message = gone(30).doubted(UnconfirmedKind::DeviceGone, 0).rejected("DeviceGone");
    assert!(message.contains("before anything was sent"), "{message}");
    assert_eq!(
        gone(30).doubted(UnconfirmedKind::DeviceGone, 0).sees(vec![]).decide().unconfirmed,
        None,
        "it is there again"
    );
}

#[test]
fn what_it_means_that_a_device_is_gone() {
    let gone = |facts: Facts| facts.gone().doubted(UnconfirmedKind::DeviceGone, 0).at(60);
    for (result, failed) in
        [(None, true), (Some(Unknown), true), (Some(Accepted), true), (Some(NotExecuted), false), (Some(Refused), true)]
    {
        let facts = gone(Facts::attempted(result));
        let message = if failed { facts.failed("DeviceGone") } else { facts.rejected("DeviceGone") };
        assert_eq!(message.contains("so that is unknown"), failed, "{result:?}: {message}");
    }
    gone(Facts::adopted("pending", 5)).failed("DeviceGone");
    gone(Facts::attempted(Some(NotExecuted)).silent_before(1)).failed("DeviceGone");
}

#[test]
fn a_first_look_that_finds_it_gone_keeps_the_words_of_what_is_in_flight() {
    let facts = Facts::attempted(Some(AttemptResult::Accepted)).gone().at(60);
    let decision = facts.decide();
    assert_eq!((decision.step, Some(decision.status)), (Step::Wait(Duration::from_secs(30)), facts.object.status));
}

#[test]
fn gone_is_no_verdict_while_the_lock_of_another_is_open() {
    let gone = |at: i64| Facts::new().gone().locked_by_another(DEADLINE).doubted(UnconfirmedKind::DeviceGone, 0).at(at);
    gone(SETTLED).waits("DeviceBusy");
    assert!(gone(SETTLED).decide().unconfirmed.is_some(), "no third look is needed afterwards");
    gone(SETTLED + 1).rejected("DeviceGone");
    let not_executed = Facts::attempted(Some(NotExecuted)).locked_by_another(DEADLINE);
    not_executed.gone().doubted(UnconfirmedKind::DeviceGone, 0).at(60).waits("DeviceBusy");
}
