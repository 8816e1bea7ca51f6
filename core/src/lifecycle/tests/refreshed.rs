//! What was read of a device long before requestTime is read again before the claim.

use super::{
    devices::{fully_managed, iphone, mac, work_profile},
    facts::{Facts, t},
    samples::unreadable,
};
use crate::{
    api::{conditions, conditions::kind, reset_status::PasscodeResetStatus},
    lifecycle::{
        observed::{Found, Reading},
        step::{Fact, Step},
    },
    platform::ManagedDevice,
};

/// Looked up so many seconds before requestTime, and due now.
fn looked_up_before(seconds: i64) -> Facts {
    let early = Facts::new().created(-seconds).at(-seconds).decide().status;
    Facts { found: None, ..Facts::new().created(-seconds) }.status(|status| *status = early)
}

fn a_day_before() -> Facts {
    looked_up_before(86_400)
}

/// The same device, with other facts.
fn today(device: ManagedDevice) -> Facts {
    a_day_before().device(ManagedDevice { owner_type: "personal".into(), ..device })
}

fn ownership(status: &PasscodeResetStatus) -> &str {
    &status.device.as_ref().unwrap().ownership
}

#[test]
fn facts_of_yesterday_are_read_again() {
    assert_eq!(a_day_before().decide().step, Step::Observe(Fact::Device));
    let decision = today(iphone()).decide();
    assert!(matches!(decision.step, Step::TakeLock { .. }), "{:?}", decision.step);
    assert_eq!(ownership(&decision.status), "personal");
    assert_eq!(decision.status.device.as_ref().unwrap().read_time.map(|read| read.0), Some(t(0)));
    // The claim has them.
    let claimed = today(iphone()).holding("a").decide();
    assert!(matches!(claimed.step, Step::Claim(_)), "{:?}", claimed.step);
    assert_eq!(ownership(&claimed.status), "personal");
}

#[test]
fn facts_of_this_moment_are_not() {
    for seconds in [0, 5, 300] {
        looked_up_before(seconds).takes_the_lock();
    }
    assert_eq!(looked_up_before(301).decide().step, Step::Observe(Fact::Device));
    // Written by a version that did not say when.
    let unsaid = looked_up_before(0).status(|status| status.device.as_mut().unwrap().read_time = None);
    assert_eq!(unsaid.decide().step, Step::Observe(Fact::Device));
}

#[test]
fn the_matrix_judges_what_the_device_is_today() {
    today(mac()).rejected("PlatformNotSupported");
    today(work_profile()).rejected("WorkProfileOnly");
    let now = today(fully_managed()).decide().status;
    let supported = conditions::get(&now.conditions, kind::SUPPORTED).unwrap();
    assert_eq!((supported.status.as_str(), supported.reason.as_str()), ("True", "TemporaryPasscode"));
}

#[test]
fn another_device_is_never_meant_and_no_answer_is_no_verdict() {
    let another = ManagedDevice { id: "another".into(), ..iphone() };
    for found in [Found::None, Found::One(Box::new(another)), Found::Several { total: 2, candidates: vec![] }] {
        let (_, message) = a_day_before().found(found).waits("LookingUp");
        assert!(message.contains("Nothing is sent meanwhile"), "{message}");
    }
    let unread = Facts { found: Some(Reading::CouldNotTell(unreadable(None))), ..a_day_before() };
    unread.waits("LookingUp");
}

#[test]
fn nothing_is_read_again_where_it_does_not_matter() {
    // What is answered by the record, held back or over needs no fact of today.
    assert_eq!(a_day_before().sees(vec![super::devices::entry("done", 5)]).decide().status.reason(), "Adopted");
    a_day_before().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    a_day_before().at(super::facts::EXPIRES + 1).rejected("Expired");
    let mut attempted = Facts::attempted(None);
    attempted.object.status.as_mut().unwrap().device.as_mut().unwrap().read_time = None;
    attempted.waits("VerifyingOutcome");
}
