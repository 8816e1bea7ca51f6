//! Every class of device against the built-in matrix, and every answer that a device can give.

use std::time::Duration;

use graph_simulator::{ActionState, Device, DeviceClass, DevicePlan, PathClass};
use passcode_core::api::reset_status::{
    Outcome::{self, Complete, Failed, Rejected},
    PasscodeResetStatus,
};
use serde_json::json;

use world::{
    World,
    changes::message,
    objects::{OPERATOR, reset, with},
};

const SOON: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// How a reset of such a device ends that names no action.
fn expected(class: DeviceClass) -> (Outcome, &'static str) {
    use DeviceClass::*;
    match class {
        IPhone | IPad | IPadAcme | IPhonePersonal | VisionPro => (Complete, "PasscodeRemoved"),
        SharedIPad => (Rejected, "SharedIPadForbidden"),
        AppleUserEnrollment | AppleAccountDriven | AppleAcmeByod => (Rejected, "UserEnrollmentForbidden"),
        AppleTv | MacBook | Windows11 | HoloLens | SurfaceHub | CloudPc | Chromebook => {
            (Rejected, "PlatformNotSupported")
        }
        AndroidDedicated | AndroidFullyManaged | AndroidDeviceAdministrator6 | AospUserAssociated | AospUserless => {
            (Complete, "TemporaryPasscode")
        }
        AndroidCorporateWorkProfile | AndroidPersonalWorkProfile | AndroidPersonalWorkProfileAmapi => {
            (Rejected, "WorkProfileOnly")
        }
        AndroidPersonalWorkProfileOld => (Rejected, "OsVersionTooLow"),
        AndroidDeviceAdministrator9 => (Rejected, "RemovedByGoogle"),
        Windows10Mobile => (Complete, "NewPin"),
        Linux => (Rejected, "NotListed"),
        EasOnly => (Rejected, "NotManagedByIntuneMdm"),
        RetirePending => (Rejected, "LeavingManagement"),
        Unknown => (Rejected, "PlatformUnknown"),
    }
}

fn name_of(class: DeviceClass) -> String {
    format!("{class:?}").to_lowercase()
}

#[tokio::test(start_paused = true)]
async fn each_class_ends_as_the_built_in_matrix_says() {
    let world = World::new().await;
    let replica = world.replica("a");
    for class in DeviceClass::ALL {
        let (_, id) = world.device(*class, 1);
        world.ask(&name_of(*class), json!({"managedDeviceId": id})).await;
    }
    for class in DeviceClass::ALL {
        let id = Device::example(*class, 1).id;
        let (outcome, reason) = expected(*class);
        let status = world.ends(&name_of(*class), SOON, outcome, reason).await;
        assert_eq!(world.executed(&id), usize::from(outcome == Complete), "{class:?}");
        assert_eq!(status.support.as_ref().map(|support| support.matrix.as_str()), Some("intune"), "{class:?}");
        assert!(!message(&status).is_empty(), "{class:?}");
    }
    let pin = Device::example(DeviceClass::Windows10Mobile, 1).id;
    for executed in world.graph.executed() {
        let action = if executed.device == pin { "recoverPasscode" } else { "resetPasscode" };
        assert_eq!(executed.action, action);
    }
    let certainty = |status: PasscodeResetStatus| status.support.and_then(|support| support.certainty);
    for (class, certain) in [
        (DeviceClass::IPhone, Some("Documented")),
        (DeviceClass::AndroidFullyManaged, Some("Disputed")),
        (DeviceClass::Windows10Mobile, Some("Withdrawn")),
        (DeviceClass::Unknown, None),
    ] {
        assert_eq!(certainty(world.status(&name_of(class)).await).as_deref(), certain, "{class:?}");
    }
    let unknown = world.status(&name_of(DeviceClass::Unknown)).await;
    assert!(message(&unknown).contains("deviceEnrollmentType \"unknown\""), "{}", message(&unknown));
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_work_profile_is_reset_where_that_is_named() {
    let world = World::new().await;
    let replica = world.replica("a");
    let named = json!({"action": "ResetWorkProfilePasscode"});
    let classes = [
        (DeviceClass::AndroidCorporateWorkProfile, Complete, "WorkProfileOnly"),
        (DeviceClass::AndroidPersonalWorkProfile, Complete, "WorkProfileOnly"),
        (DeviceClass::AndroidPersonalWorkProfileAmapi, Complete, "WorkProfileOnly"),
        (DeviceClass::AndroidPersonalWorkProfileOld, Rejected, "OsVersionTooLow"),
        (DeviceClass::AndroidFullyManaged, Rejected, "ActionNotOffered"),
        (DeviceClass::IPhone, Rejected, "ActionNotOffered"),
    ];
    for (class, outcome, reason) in classes {
        let (_, id) = world.device(class, 1);
        world.ask_with(&name_of(class), json!({"managedDeviceId": id}), named.clone()).await;
        let status = world.ends(&name_of(class), SOON, outcome, reason).await;
        assert_eq!(world.executed(&id), usize::from(outcome == Complete), "{class:?}");
        if outcome == Complete {
            assert!(message(&status).contains("Only the work profile's passcode changed"), "{}", message(&status));
        }
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_not_offered_names_the_one_that_is() {
    let world = World::new().await;
    let replica = world.replica("a");
    let cases = [
        (DeviceClass::AndroidDedicated, "RemoveDevicePasscode", "it offers ResetDevicePasscode"),
        (DeviceClass::IPhone, "ResetDevicePasscode", "it offers RemoveDevicePasscode"),
        (DeviceClass::Windows10Mobile, "ResetDevicePasscode", "it offers ResetDevicePin"),
        (DeviceClass::AndroidCorporateWorkProfile, "ResetDevicePasscode", "it offers ResetWorkProfilePasscode"),
    ];
    for (class, action, says) in cases {
        let (_, id) = world.device(class, 1);
        world.ask_with(&name_of(class), json!({"managedDeviceId": id}), json!({"action": action})).await;
        let status = world.ends(&name_of(class), SOON, Rejected, "ActionNotOffered").await;
        assert!(message(&status).contains(says), "{}", message(&status));
    }
    assert!(world.requests_of(PathClass::Action).is_empty());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_be_and_sends_nothing() {
    let world = World::new().await;
    let replica = world.replica("a");
    let cases = [
        (DeviceClass::IPhone, 0, "DryRun", "RemoveDevicePasscode would be sent now"),
        (DeviceClass::AndroidDedicated, 86_400, "DryRun", "ResetDevicePasscode would be sent at its requestTime"),
        (DeviceClass::MacBook, 0, "PlatformNotSupported", "FileVault"),
        (DeviceClass::AndroidCorporateWorkProfile, 0, "WorkProfileOnly", "ResetWorkProfilePasscode"),
    ];
    for (class, later, reason, says) in cases {
        let (serial, _) = world.device(class, 1);
        let requested = world.now() + Duration::from_secs(later);
        world.create(with(reset(&name_of(class), &serial, requested), json!({"dryRun": true}))).await;
        let status = world.ends(&name_of(class), SOON, Rejected, reason).await;
        assert!(message(&status).contains(says), "{}", message(&status));
        assert!(status.attempt.is_none());
    }
    assert!(world.requests_of(PathClass::Action).is_empty());
    let locks = world.api.histories("Lease").into_iter().filter(|((_, name), _)| name.starts_with("device-"));
    assert_eq!(locks.count(), 0, "{OPERATOR} took no lock");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn each_answer_of_a_device_ends_it() {
    let world = World::new().await;
    let replica = world.replica("a");
    let ten = Duration::from_secs(10);
    let deferred = DevicePlan {
        waiting_state: ActionState::Other("deferredByUser".to_owned()),
        active_after: Some(ten),
        delay: Some(4 * ten),
        ..DevicePlan::default()
    };
    let answering = |state| DevicePlan::answering(state, ten);
    let cases = [
        ("done", answering(ActionState::Done), Complete, "PasscodeRemoved", "carried it out"),
        ("failed", DevicePlan::failing(-2_016_330_876, ten), Failed, "DeviceRefused", "error code -2016330876"),
        ("unsupported", answering(ActionState::NotSupported), Rejected, "NotSupportedByDevice", "does not support"),
        ("canceled", answering(ActionState::Canceled), Failed, "Canceled", "Intune cancelled the reset"),
        ("later-state", deferred, Complete, "PasscodeRemoved", "carried it out"),
    ];
    for ((name, plan, ..), number) in cases.iter().zip(1..) {
        let (serial, _) = world.add(Device::example(DeviceClass::IPhone, number).with_plan(plan.clone()));
        world.create(reset(name, &serial, world.now())).await;
    }
    let waiting = |status: &passcode_core::api::reset_status::PasscodeResetStatus| {
        status.device_action.as_ref().is_some_and(|action| action.state == "deferredByUser")
    };
    assert_eq!(world.until("later-state", SOON, waiting).await.reason(), "WaitingForDevice");
    for ((name, _, outcome, reason, says), number) in cases.iter().zip(1..) {
        let status = world.ends(name, SOON, *outcome, reason).await;
        assert!(message(&status).contains(says), "{name}: {}", message(&status));
        assert_eq!(world.executed(&Device::example(DeviceClass::IPhone, number).id), 1, "{name}");
        let action = status.device_action.unwrap();
        assert_eq!(action.error_code, (*name == "failed").then_some(-2_016_330_876));
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_never_answers_ends_at_its_deadline() {
    let world = World::new().await;
    let (serial, id) = world.add(Device::example(DeviceClass::IPhone, 1).with_plan(DevicePlan::never()));
    let replica = world.replica("a");
    world.create(with(reset("inc1", &serial, world.now()), json!({"completionTimeout": "47m"}))).await;
    let status = world.ends("inc1", Duration::from_secs(48 * 60), Failed, "DeadlineExceeded").await;
    assert!(message(&status).contains("may still happen"), "{}", message(&status));
    let start = status.device_action.unwrap().start_time.unwrap();
    let took = status.completion_time.unwrap().0.duration_since(start.0).as_secs();
    assert!((47 * 60..=47 * 60 + 2).contains(&took), "{took} s");
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_phone_in_a_drawer_answers_after_three_days() {
    let world = World::new().await;
    let late = DevicePlan { delay: Some(3 * DAY), ..DevicePlan::default() };
    let (serial, id) = world.add(Device::example(DeviceClass::IPhone, 1).with_plan(late));
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    let written = || world.api.history("PasscodeReset", "helpdesk", "inc1").len();
    let before = written();
    tokio::time::sleep(HOUR).await;
    assert_eq!(written(), before, "nothing changed, nothing written");
    let looks = world.requests_of(PathClass::Read).len();
    assert!((60..200).contains(&looks), "{looks} looks in the first hour");
    // Between the ends nothing happens; the operator is spared two days and some of its leases.
    replica.stop().await;
    tokio::time::sleep(3 * DAY - 2 * HOUR).await;
    let replica = world.replica("b");
    let status = world.ends("inc1", 2 * HOUR, Complete, "PasscodeRemoved").await;
    assert!(status.device_action.unwrap().device_checked_in_since);
    assert_eq!((written(), world.executed(&id)), (before + 1, 1));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_vanishes_before_the_claim_is_rejected() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let scheduled = world.now() + Duration::from_secs(600);
    world.create(reset("inc1", &serial, scheduled)).await;
    assert!(world.held("inc1", "Scheduled", "Delete this object to cancel").await.device.is_some());
    world.graph.retire(&id);
    let status = world.ends("inc1", Duration::from_secs(700), Rejected, "DeviceGone").await;
    assert!(status.completion_time.unwrap().0.duration_since(scheduled).as_secs() >= 30, "two looks");
    assert!(message(&status).contains("before anything was sent"));
    assert!(world.requests_of(PathClass::Action).is_empty());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_vanishes_while_it_is_waited_for_fails() {
    let world = World::new().await;
    let (serial, id) = world.add(Device::example(DeviceClass::IPhone, 1).with_plan(DevicePlan::never()));
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    let vanished = world.now();
    world.graph.retire(&id);
    let status = world.ends("inc1", 2 * SOON, Failed, "DeviceGone").await;
    assert!(status.completion_time.unwrap().0.duration_since(vanished).as_secs() >= 30, "two looks");
    assert!(message(&status).contains("so that is unknown"), "{}", message(&status));
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
