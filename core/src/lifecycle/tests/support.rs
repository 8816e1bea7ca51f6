//! The matrix's word, the action asked for, and what is scheduled.

use std::time::Duration;

use super::{
    devices::{Make, fully_managed, iphone, mac, unknown, windows_phone, work_profile},
    facts::{Facts, PLANTED, message, t},
};
use crate::{
    api::{
        conditions::{self, kind},
        reset::RequestedAction::{self, *},
    },
    lifecycle::step::{Fact, Step},
    platform::ManagedDevice,
};

#[test]
fn every_action_on_every_kind_of_device() {
    let rows: [(&str, Make, &[RequestedAction], &str); 4] = [
        ("iPhone", iphone, &[UnlockDevice, RemoveDevicePasscode], "RemoveDevicePasscode"),
        ("fully managed", fully_managed, &[UnlockDevice, ResetDevicePasscode], "ResetDevicePasscode"),
        ("work profile", work_profile, &[ResetWorkProfilePasscode], "ResetWorkProfilePasscode"),
        ("Windows phone", windows_phone, &[UnlockDevice, ResetDevicePin], "ResetDevicePin"),
    ];
    let all = [UnlockDevice, RemoveDevicePasscode, ResetDevicePasscode, ResetWorkProfilePasscode, ResetDevicePin];
    for (name, device, accepted, offered) in rows {
        for action in all {
            let facts = Facts::new().device(device()).action(action);
            if accepted.contains(&action) {
                facts.takes_the_lock();
                let support = facts.decide().status.support.unwrap();
                assert_eq!(support.action.as_deref(), Some(offered), "{name}");
            } else if action == UnlockDevice {
                let message = facts.rejected("WorkProfileOnly");
                assert!(message.contains("ResetWorkProfilePasscode") && message.contains("factory reset"), "{message}");
            } else {
                let message = facts.rejected("ActionNotOffered");
                assert!(message.contains(action.as_str()) && message.contains(offered), "{name}: {message}");
            }
        }
    }
}

#[test]
fn unsupported_says_the_rules_reason_and_guidance() {
    let facts = Facts::new().device(mac());
    let message = facts.rejected("PlatformNotSupported");
    assert!(message.contains("FileVault"), "{message}");
    let status = facts.decide().status;
    for (kind, truth, reason) in [
        (kind::SUPPORTED, "False", "PlatformNotSupported"),
        (kind::PERMITTED, "True", "NoPolicy"),
        (kind::ISSUED, "False", "PlatformNotSupported"),
    ] {
        let condition = conditions::get(&status.conditions, kind).unwrap();
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), (truth, reason), "{kind}");
    }
    let support = status.support.unwrap();
    assert_eq!((support.supported, support.action, support.rule.as_deref()), (false, None, Some("macos")));
    assert_eq!(support.matrix, "intune");
}

#[test]
fn the_tenants_matrix_decides() {
    let old = Facts::new().matrix_of_2020();
    let wide =
        old.device(ManagedDevice { os_version: "7.1".into(), ..work_profile() }).action(ResetWorkProfilePasscode);
    wide.rejected("OsVersionTooLow");
    assert_eq!(wide.decide().status.support.unwrap().matrix, "intune-2020-07");
}

#[test]
fn an_unknown_device_is_refused_with_its_raw_values() {
    let values = ["operatingSystem \"BeOS\"", "deviceType \"toaster\"", "has a user true"];
    let says_them = |message: &str| values.iter().all(|value| message.contains(value)) && !message.contains(PLANTED);
    let message = Facts::new().device(unknown()).rejected("PlatformUnknown");
    assert!(says_them(&message), "{message}");
    // Held back once, the device is not looked up again; the values are told all the same.
    let held = Facts::new().device(unknown()).locked_by_another(0);
    held.waits("DeviceBusy");
    let status = held.decide().status;
    let later = Facts { found: None, ..Facts::new() }.status(|s| *s = status).at(281);
    let message = later.rejected("PlatformUnknown");
    assert!(says_them(&message), "{message}");
}

#[test]
fn old_guidance_is_kept_only_for_the_raw_values_that_follow_it() {
    let later = |facts: Facts, old: &str| {
        let held = facts.locked_by_another(0);
        let mut status = held.decide().status;
        status.support.as_mut().unwrap().guidance = old.to_owned();
        Facts { found: None, ..held }.status(|s| *s = status).decide().status.support.unwrap().guidance
    };
    let of_an_iphone = Facts::new().decide().status.support.unwrap().guidance;
    assert_eq!(later(Facts::new(), "Of another matrix."), of_an_iphone);
    assert_eq!(later(Facts::new(), &format!("{of_an_iphone} And more.")), of_an_iphone);
    let of_an_unknown = later(Facts::new().device(unknown()), "Of another matrix.");
    assert!(!of_an_unknown.contains("another matrix"), "{of_an_unknown}");
}

#[test]
fn from_request_time_on_the_record_comes_before_support() {
    let facts = Facts { look: None, lock: None, ..Facts::new().device(mac()) };
    assert_eq!(facts.decide().step, Step::Observe(Fact::Lock), "a replay is not rejected because the matrix changed");
    let replay = Facts::new().device(mac()).sees(vec![super::devices::entry("done", 5)]);
    assert_eq!(replay.decide().status.reason(), "Adopted");
}

#[test]
fn what_is_scheduled_is_judged_early_and_then_waits() {
    let (pause, message) = Facts::new().created(-3600).at(-3600).waits("Scheduled");
    assert_eq!(pause, Duration::from_secs(3601), "one second beyond, because only a later time is one that has passed");
    assert!(message.contains("2026-11-22T09:00:00Z") && message.contains("Delete this object to cancel"), "{message}");
    let status = Facts::new().at(-60).decide().status;
    assert!(conditions::is_true(&status.conditions, kind::SUPPORTED), "said early");
    Facts::new().device(mac()).at(-60).rejected("PlatformNotSupported");
    Facts::new().device(work_profile()).at(-60).rejected("WorkProfileOnly");
    Facts::new().action(ResetDevicePin).at(-60).rejected("ActionNotOffered");
    Facts::new().at(0).takes_the_lock();
}

#[test]
fn a_scheduled_one_looks_at_nothing_before_its_time() {
    let facts = Facts { lock: None, look: None, ..Facts::new() };
    facts.at(-60).waits("Scheduled");
}

#[test]
fn what_is_asked_for_this_moment_is_not_scheduled() {
    let (pause, _) = Facts::new().at(-4).waits("LookingUp");
    assert_eq!(pause, Duration::from_secs(5));
    Facts::new().at(-6).waits("Scheduled");
}

#[test]
fn a_guess_of_the_time_is_no_ground_for_a_verdict() {
    // The device was found by an earlier pass, and the machine's own clock is an hour behind.
    let status = Facts::new().device(mac()).at(-7200).locked_by_another(0).decide().status;
    let mut status = status;
    (status.outcome, status.completion_time, status.conditions) = (None, None, vec![]);
    let guess = Facts { found: None, look: None, lock: None, ..Facts::new() }.status(|s| *s = status).at(-3600);
    guess.clone().without_graph_time().waits("Scheduled");
    assert_eq!(guess.clone().graph_time(-3600).decide().status.reason(), "PlatformNotSupported", "by Graph's clock");
    assert_eq!(guess.graph_time(0).decide().step, Step::Observe(Fact::Lock), "it is due");
}

#[test]
fn a_look_that_came_too_early_waits_for_the_time() {
    // Scheduled is judged by a clock that runs ahead; the look says that it is not time yet.
    let status = Facts::new().at(-60).decide().status;
    let early = Facts { found: None, ..Facts::new() }.status(|s| *s = status).sees(vec![]).at(-1).graph_time(1);
    early.waits("LookingUp");
    // What is under way before requestTime may well be carried out before it.
    let pending = early.sees(vec![super::devices::entry("pending", -60)]);
    let mut pending = pending.at(-1).graph_time(1);
    pending.waits("LookingUp");
    pending = pending.at(0);
    pending.waits("WaitingForDevice");
}

#[test]
fn a_dry_run_says_what_would_be_sent() {
    let says = |facts: Facts| facts.dry_run().rejected("DryRun");
    assert!(says(Facts::new()).contains("RemoveDevicePasscode would be sent now"));
    assert!(says(Facts::new().at(-60)).contains("would be sent at its requestTime"));
    assert!(says(Facts::new().at(-60)).contains("nothing was sent"));
}

#[test]
fn a_dry_run_keeps_a_negative_verdicts_own_reason() {
    Facts::new().dry_run().device(mac()).rejected("PlatformNotSupported");
    Facts::new().dry_run().device(mac()).at(-1).rejected("PlatformNotSupported");
    Facts::new().dry_run().device(work_profile()).rejected("WorkProfileOnly");
    Facts::new().dry_run().enrolled(1).rejected("EnrolledAfterRequest");
    Facts::new().dry_run().sees(vec![super::devices::entry("done", -300)]).rejected("RecentlyReset");
    Facts::new().dry_run().at(super::facts::EXPIRES + 1).rejected("Expired");
    // It holds nothing, so nothing holds it: neither quarantine, suspension nor limits.
    let held = Facts::new().dry_run().gate().quarantine(-10, 300).tenant(|tenant| tenant.suspend = true);
    held.rejected("DryRun");
    Facts::new().dry_run().locked_by_another(30).waits("DeviceBusy");
}

#[test]
fn every_condition_is_there_from_the_first_write_on() {
    for facts in [Facts::new().no_tenant(), Facts::new().not_ready(), Facts::new().at(-1), Facts::new().device(mac())] {
        let status = facts.decide().status;
        assert_eq!(status.conditions[0].type_, kind::READY, "{}", message(&status));
    }
    let undecided = Facts::new().not_ready().decide().status;
    let supported = conditions::get(&undecided.conditions, kind::SUPPORTED).unwrap();
    assert_eq!((supported.status.as_str(), supported.last_transition_time.0), ("Unknown", t(0)));
}
