//! The questions before Intune's record is looked at.

use std::time::Duration;

use super::{
    devices::{fully_managed, ipad_half_read, mac},
    facts::{EXPIRES, Facts, PLANTED, SETTLED, message, t},
    samples::unreadable,
};
use crate::{
    api::{
        Time,
        reset::DeviceSelector,
        reset_status::{Attempt, AttemptResult, Outcome, PasscodeResetStatus},
        tenant::{Candidates, Timing},
    },
    lifecycle::{
        observed::{Found, Namespace, NotReady, Reading, UnconfirmedKind},
        step::{Fact, Step},
    },
    platform::ManagedDevice,
};

/// Facts of which nothing was read yet.
fn untouched() -> Facts {
    Facts { found: None, lock: None, look: None, ..Facts::new() }
}

fn several(count: usize) -> Found {
    let candidates = (0..count).map(|i| ManagedDevice { id: format!("device-{i}"), ..fully_managed() }).collect();
    Found::Several { total: count, candidates }
}

#[test]
fn nothing_follows_an_outcome() {
    for outcome in [Outcome::Complete, Outcome::Rejected, Outcome::Failed, Outcome::Unrecognised] {
        let finished = Facts::new().status(|status| status.outcome = Some(outcome));
        assert_eq!(finished.decide().step, Step::Stop);
        // Not even where an entry would answer, and not even the generation is brought up to date.
        let answered = finished.sees(vec![super::devices::entry("done", 5)]);
        assert_eq!(answered.decide().status.observed_generation, None);
    }
}

#[test]
fn being_deleted_cancels() {
    assert_eq!(Facts::new().being_deleted().decide().step, Step::Stop);
    assert_eq!(Facts::new().holding("a").being_deleted().decide().step, Step::Stop, "never claimed");
    assert_eq!(Facts::attempted(None).being_deleted().decide().step, Step::Stop, "nobody is there to be told");
}

#[test]
fn facts_are_asked_for_in_order_and_only_when_needed() {
    let asked = |facts: &Facts| match facts.decide().step {
        Step::Observe(fact) => fact,
        other => panic!("{other:?}"),
    };
    let mut facts = untouched().namespace(Namespace::DeniedByCache);
    assert_eq!(asked(&facts), Fact::Namespace);
    facts.namespace = Namespace::Allowed;
    assert_eq!(asked(&facts), Fact::Device);
    facts.found = Facts::new().found;
    assert_eq!(asked(&facts), Fact::Lock);
    facts.look = Facts::new().look;
    assert_eq!(asked(&facts), Fact::Lock, "a look before the lock was read is none");
    facts.look = None;
    facts.lock = Some(None);
    assert_eq!(asked(&facts), Fact::Look);
    facts.look = Facts::new().look;
    facts.takes_the_lock();
}

#[test]
fn under_the_lock_authority_is_read_and_then_the_record() {
    let asked = |facts: &Facts| match facts.decide().step {
        Step::Observe(fact) => fact,
        other => panic!("{other:?}"),
    };
    let held = Facts { look: None, held: Some(false), ..Facts::new().holding("attempt-1") };
    assert_eq!(asked(&held), Fact::Authority);
    let read = Facts { held: Some(true), ..held };
    assert_eq!(asked(&read), Fact::Look);
    read.clone().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    read.clone().namespace(Namespace::Denied { at: t(1) }).waits("LookingUp");
    read.clone().not_ready().waits("TenantNotReady");
    read.no_tenant().waits("TenantNotReady");
}

#[test]
fn another_attempt_needs_the_permission_of_the_first() {
    let silent = || Facts::attempted(Some(AttemptResult::Unknown)).at(SETTLED + 1);
    silent().takes_the_lock();
    silent().tenant(|tenant| tenant.suspend = true).waits("Suspended");
    let cached = silent().namespace(Namespace::DeniedByCache);
    assert_eq!(cached.decide().step, Step::Observe(Fact::Namespace));
    let denied = || silent().namespace(Namespace::Denied { at: t(SETTLED + 1) });
    denied().waits("LookingUp");
    denied().doubted(UnconfirmedKind::NamespaceNotAllowed, SETTLED - 29).failed("OutcomeUnknown");
    let not_executed = Facts::attempted(Some(AttemptResult::NotExecuted)).no_lock().at(60);
    let denied = not_executed.namespace(Namespace::Denied { at: t(60) });
    denied.doubted(UnconfirmedKind::NamespaceNotAllowed, 30).rejected("NamespaceNotAllowed");
}

#[test]
fn an_object_in_flight_goes_straight_to_the_lock() {
    let facts = Facts { lock: None, look: None, ..Facts::attempted(None) };
    let facts = facts.not_ready().namespace(Namespace::Denied { at: t(0) }).tenant(|tenant| tenant.suspend = true);
    assert_eq!(facts.decide().step, Step::Observe(Fact::Lock));
    let following = Facts { lock: None, look: None, ..Facts::attempted(Some(AttemptResult::Accepted)) };
    assert_eq!(following.decide().step, Step::Observe(Fact::Look), "an accepted one needs no lock any more");
    let following = Facts { lock: None, look: None, ..Facts::adopted("pending", 5) };
    assert_eq!(following.decide().step, Step::Observe(Fact::Look));
    let not_executed = Facts { lock: None, look: None, ..Facts::attempted(Some(AttemptResult::NotExecuted)) };
    not_executed.not_ready().waits("TenantNotReady");
    // Not the last attempt, but one before it may have been carried out.
    let after_silence = Facts::attempted(Some(AttemptResult::NotExecuted)).silent_before(1);
    let after_silence = Facts { lock: None, look: None, ..after_silence }.not_ready();
    assert_eq!(after_silence.decide().step, Step::Observe(Fact::Lock));
}

#[test]
fn without_its_tenant_it_is_held_never_rejected() {
    let (_, message) = untouched().no_tenant().waits("TenantNotReady");
    assert!(message.contains("no IntuneTenant \"default\""), "{message}");
    let (_, message) = untouched().not_ready().waits("TenantNotReady");
    assert!(message.starts_with("TokenRefused: AADSTS7000222"), "the tenant's own reason: {message}");
    assert!(message.contains("goes on by itself") && message.contains("2026-11-23T09:00:00Z"), "{message}");
    // Without Graph there is no verdict of time either; the message says what will come.
    let (_, message) = untouched().not_ready().at(EXPIRES + 1).waits("TenantNotReady");
    assert!(message.contains("ended at 2026-11-23T09:00:00Z: it ends as soon as the tenant answers"), "{message}");
}

#[test]
fn the_first_write_pins_the_deadlines() {
    let pinned = |facts: &Facts| facts.decide().status.effective.unwrap();
    let effective = pinned(&untouched().not_ready());
    assert_eq!(effective.expiration_time, Time(t(EXPIRES)), "the tenant's issueWindow");
    assert_eq!(effective.completion_timeout.to_string(), "168h");
    let own = Facts::new().spec(|spec| {
        spec.expiration_time = Some(Time(t(60)));
        spec.completion_timeout = Some("2h".parse().unwrap());
    });
    let effective = pinned(&own);
    assert_eq!((effective.expiration_time, effective.completion_timeout.to_string()), (Time(t(60)), "2h".to_owned()));
    let edited = Facts::new()
        .status(|status| status.effective = Some(effective))
        .tenant(|tenant| tenant.defaults.issue_window = "1m".parse().unwrap());
    assert_eq!(pinned(&edited).completion_timeout.to_string(), "2h", "a later edit moves nothing");
}

#[test]
fn under_another_entra_tenant_it_is_held_and_nothing_is_looked_up() {
    let other = |facts: Facts| facts.tenant(|tenant| tenant.tenant_id = "99999999-2222-3333-4444-555555555555".into());
    let begun = untouched().not_ready().decide().status;
    let fresh = untouched().status(|s| *s = begun.clone());
    let (_, message) = other(fresh.clone()).waits("TenantNotReady");
    assert!(message.contains("11111111-2222"), "{message}");
    // Whatever was found there is not this request's device.
    let found = other(Facts::new().status(|s| *s = begun.clone())).decide().status;
    assert_eq!((found.reason(), found.device.as_ref()), ("TenantNotReady", None));
    other(Facts::new().status(|s| *s = begun).found(Found::None).doubted(UnconfirmedKind::DeviceNotFound, -60))
        .waits("TenantNotReady");
    for facts in [Facts::attempted(None), Facts::attempted(Some(AttemptResult::Accepted)), Facts::adopted("pending", 5)]
    {
        other(facts.gone().doubted(UnconfirmedKind::DeviceGone, -60)).waits("TenantNotReady");
    }
    let shouted = fresh.tenant(|tenant| tenant.tenant_id = tenant.tenant_id.to_uppercase());
    assert_eq!(shouted.decide().step, Step::Observe(Fact::Device), "letter case is none of its business");
}

#[test]
fn a_request_may_be_thirty_days_ahead() {
    let month = 30 * 86_400;
    Facts::new().created(-month).at(-month).waits("Scheduled");
    let message = Facts::new().created(-month - 1).at(-month - 1).rejected("RequestTimeTooFar");
    assert!(message.contains("not after 2026-11-22T08:59:59Z"), "{message}");
    let no_time = |facts: Facts| {
        let mut facts = facts;
        facts.object.metadata.creation_timestamp = None;
        facts
    };
    no_time(Facts::new()).takes_the_lock();
}

#[test]
fn a_namespace_is_denied_by_two_live_reads_thirty_seconds_apart() {
    let denied = |at: i64| untouched().namespace(Namespace::Denied { at: t(at) });
    let first = denied(0).decide();
    assert_eq!(
        first.unconfirmed.map(|unconfirmed| (unconfirmed.kind, unconfirmed.since)),
        Some((UnconfirmedKind::NamespaceNotAllowed, t(0)))
    );
    assert_eq!(denied(0).waits("LookingUp").0, Duration::from_secs(30));
    assert_eq!(
        denied(29).doubted(UnconfirmedKind::NamespaceNotAllowed, 0).waits("LookingUp").0,
        Duration::from_secs(1)
    );
    let message = denied(30).doubted(UnconfirmedKind::NamespaceNotAllowed, 0).rejected("NamespaceNotAllowed");
    assert!(message.contains("\"helpdesk\"") && message.contains("\"default\""), "{message}");
    denied(30).doubted(UnconfirmedKind::DeviceNotFound, 0).waits("LookingUp");
    // The doubt of a clock that was set back since holds nothing up.
    assert_eq!(denied(0).doubted(UnconfirmedKind::NamespaceNotAllowed, 9_000).waits("LookingUp").0.as_secs(), 30);
}

#[test]
fn what_is_asked_in_between_does_not_settle_a_doubt() {
    for (facts, fact) in [
        (untouched().namespace(Namespace::DeniedByCache), Fact::Namespace),
        (untouched(), Fact::Device),
        (Facts { lock: None, ..Facts::new() }, Fact::Lock),
        (Facts { look: None, ..Facts::new() }, Fact::Look),
    ] {
        let facts = facts.doubted(UnconfirmedKind::DeviceNotFound, -30);
        let decision = facts.decide();
        assert_eq!(
            (decision.step, decision.unconfirmed),
            (Step::Observe(fact), facts.unconfirmed),
            "the next pass needs it"
        );
    }
    for facts in [untouched().not_ready(), Facts { tenant: None, ..untouched() }] {
        let facts = facts.doubted(UnconfirmedKind::DeviceNotFound, -30);
        facts.waits("TenantNotReady");
        assert_eq!(facts.decide().unconfirmed, facts.unconfirmed, "nothing was looked at");
    }
    assert_eq!(
        Facts::new().doubted(UnconfirmedKind::DeviceNotFound, -30).decide().unconfirmed,
        None,
        "it was found after all"
    );
}

#[test]
fn no_device_is_a_verdict_by_two_look_ups() {
    let none = |at: i64| Facts::new().found(Found::None).at(at);
    assert_eq!(none(0).waits("LookingUp").0, Duration::from_secs(30));
    none(29).doubted(UnconfirmedKind::DeviceNotFound, 0).waits("LookingUp");
    none(30).doubted(UnconfirmedKind::AmbiguousDevice, 0).waits("LookingUp");
    none(30).doubted(UnconfirmedKind::DeviceNotFound, 0).rejected("DeviceNotFound");
}

#[test]
fn what_to_check_depends_on_how_the_device_was_named() {
    let given = || Some(PLANTED.to_owned());
    let nothing = DeviceSelector::default;
    for (device, field, advice) in [
        (
            DeviceSelector { serial_number: given(), ..nothing() },
            "this serialNumber. Nothing was sent. Check it letter by letter",
            "Android 12",
        ),
        (
            DeviceSelector { imei: given(), ..nothing() },
            "this imei. Nothing was sent. Check it digit by digit",
            "by its serialNumber",
        ),
        (
            DeviceSelector { managed_device_id: given(), ..nothing() },
            "this managedDeviceId.",
            "An Entra device id goes into azureADDeviceId",
        ),
        (DeviceSelector { azure_ad_device_id: given(), ..nothing() }, "this azureADDeviceId.", "not the object id"),
        (
            DeviceSelector { user_principal_name: given(), ..nothing() },
            "this userPrincipalName (with",
            "the device's user",
        ),
    ] {
        let mut facts = Facts::new().found(Found::None).at(30).doubted(UnconfirmedKind::DeviceNotFound, 0);
        facts.object.spec.device = device;
        let message = facts.rejected("DeviceNotFound");
        assert!(message.contains(field) && message.contains(advice) && !message.contains(PLANTED), "{message}");
    }
}

#[test]
fn several_devices_are_a_verdict_by_two_look_ups() {
    let two = |at: i64| Facts::new().found(several(2)).at(at);
    two(0).waits("LookingUp");
    assert!(two(0).decide().status.candidates.is_empty(), "not said before it is sure");
    let ambiguous = two(30).doubted(UnconfirmedKind::AmbiguousDevice, 0);
    let message = ambiguous.rejected("AmbiguousDevice");
    for part in ["2 devices", "device-0", "device-1", "Model", "Android 14.0", "last sync", "managedDeviceId"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let status = ambiguous.decide().status;
    assert_eq!((status.candidates.len(), status.candidates[1].managed_device_id.as_str()), (2, "device-1"));
    assert_eq!(status.device, None);
    // A tenant may keep to itself whose devices there are.
    let hidden = ambiguous.tenant(|tenant| tenant.candidates = Candidates::Hide);
    let message = hidden.rejected("AmbiguousDevice");
    assert!(message.contains("2 devices") && message.contains("spec.candidates is Hide"), "{message}");
    for part in ["device-0", "Model", "Android"] {
        assert!(!message.contains(part), "{part}: {message}");
    }
    assert!(hidden.decide().status.candidates.is_empty());
    // Candidates of a verdict that quarantine held back go once one device is left.
    let one = Facts::new().status(|s| *s = PasscodeResetStatus { outcome: None, completion_time: None, ..status });
    assert!(one.decide().status.candidates.is_empty());
}

#[test]
fn a_look_up_that_cannot_tell_is_never_a_verdict() {
    let facts = |not_ready| Facts { found: Some(Reading::CouldNotTell(unreadable(not_ready))), ..Facts::new() };
    let (pause, message) = facts(None).waits("LookingUp");
    assert!(pause == Duration::from_secs(5) && message.contains("503 (request id r)"), "{message}");
    let blamed = NotReady { reason: "PermissionMissing".into(), message: "Read.All is missing.".into() };
    let (_, message) = facts(Some(blamed)).waits("TenantNotReady");
    assert!(message.starts_with("PermissionMissing: Read.All"), "{message}");
}

#[test]
fn one_device_is_fixed_from_then_on() {
    let status = Facts::new().decide().status;
    let device = status.device.clone().unwrap();
    assert_eq!((device.platform.as_str(), device.os_version.as_str()), ("IosDeviceEnrollment", "17.5.1"));
    assert_eq!((device.last_sync_time, device.enrolled_time), (Some(Time(t(-60))), Some(Time(t(-100_000)))));
    let later = Facts::new().status(|s| *s = status).device(ManagedDevice { id: "another".into(), ..mac() });
    assert_eq!(later.decide().status.device, Some(device));
}

#[test]
fn an_ipad_that_could_be_shared_is_read_again() {
    let half = Facts::new().device(ipad_half_read());
    let (pause, message) = half.waits("LookingUp");
    assert!(pause == Duration::from_secs(30) && message.contains("Shared iPad"), "{message}");
    assert_eq!(half.decide().status.device, None, "not fixed before its class is known");
    // A second read that does not say so either: refused, never guessed.
    let twice = half.at(30).doubted(UnconfirmedKind::CannotClassify, 0).rejected("PlatformUnknown");
    assert!(twice.contains("isSharedDevice"), "{twice}");
    let read = Facts::new().device(ManagedDevice { is_shared_device: Some(true), ..ipad_half_read() });
    read.rejected("SharedIPadForbidden");
    Facts::new().device(ManagedDevice { is_shared_device: Some(false), ..ipad_half_read() }).takes_the_lock();
}

#[test]
fn the_wait_for_the_same_finding_says_the_same() {
    let early = message(&Facts::new().found(Found::None).decide().status);
    let late = Facts::new().found(Found::None).at(20).doubted(UnconfirmedKind::DeviceNotFound, 0).decide();
    assert_eq!(early, message(&late.status), "a count-down would be a write a second");
}

#[test]
fn the_settle_window_of_the_defaults_is_280_s() {
    let attempt: Attempt = Facts::attempted(None).object.status.unwrap().attempt.unwrap();
    assert_eq!((attempt.settle_window, attempt.send_deadline), (Timing::default().settle_window(), Time(t(30))));
    assert_eq!(attempt.settle_window.as_std(), Duration::from_secs(280));
}

#[test]
fn what_this_version_cannot_read_holds_and_says_so() {
    let facts = Facts { tenant: None, ..untouched().not_ready() };
    let (_, message) = facts.waits("TenantNotReady");
    let not_ready = facts.not_ready.as_ref().unwrap();
    assert!(message.starts_with(&format!("{}: {} Nothing is sent", not_ready.reason, not_ready.message)), "{message}");
    let status = facts.decide().status;
    assert_eq!(status.effective, None, "its defaults are not known");

    let unread = Facts { lock: None, unread_lock: Some("the lock has no deadline"), ..Facts::new() };
    let (_, message) = unread.waits("DeviceBusy");
    assert!(message.contains("because the lock has no deadline."), "{message}");
    unread.clone().sees(vec![super::devices::entry("pending", 5)]).waits("WaitingForDevice");
    let recently = unread.clone().sees(vec![super::devices::entry("done", -400)]);
    recently.waits("DeviceBusy");
    for result in [None, Some(AttemptResult::Unknown)] {
        let sent = Facts { lock: None, unread_lock: unread.unread_lock, ..Facts::attempted(result) };
        sent.clone().at(10).waits("VerifyingOutcome");
        assert!(sent.at(4000).waits("VerifyingOutcome").1.contains("because the lock has no deadline."));
    }
}
