//! Test bodies that run unchanged over the API server in process, in paused time, and over the real one.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass};
use k8s_openapi::jiff::Timestamp;
use passcode_core::api::reset_status::{Outcome, PasscodeResetStatus};
use serde_json::{Value, json};

use world::objects::{reset, with};

const MINUTE: Duration = Duration::from_secs(60);

/// What a body needs of the world that it runs in: a tenant `default`, and an operator that runs.
pub trait Scene {
    /// The time by which people ask.
    fn now(&self) -> Timestamp;
    /// Enrols a device; answers its serial number and its id.
    fn enrol(&self, device: Device) -> (String, String);
    /// How many resets were carried out on the device at the apps' request.
    fn carried_out(&self, device_id: &str) -> usize;
    /// Declares.
    async fn declare(&self, object: Value);
    /// Takes a declaration back.
    async fn take_back(&self, name: &str);
    /// Waits for the outcome.
    async fn outcome_of(&self, name: &str, at_most: Duration) -> PasscodeResetStatus;
}

async fn ends(scene: &impl Scene, name: &str, outcome: Outcome, reason: &str) -> PasscodeResetStatus {
    let status = scene.outcome_of(name, 2 * MINUTE).await;
    assert_eq!((status.outcome, status.reason()), (Some(outcome), reason), "{name}: {}", status.conditions[0].message);
    status
}

/// An iPhone is reset once, the status says so, and the same commit applied again adopts what happened.
pub async fn a_phone_is_reset_once_and_a_replay_adopts(scene: &impl Scene) {
    let (serial, id) = scene.enrol(Device::example(DeviceClass::IPhone, 11));
    let declared = reset("iphone", &serial, scene.now());
    scene.declare(declared.clone()).await;
    let status = ends(scene, "iphone", Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((status.attempt.unwrap().number, status.device_action.unwrap().adopted), (1, false));
    scene.take_back("iphone").await;
    scene.declare(declared).await;
    let status = ends(scene, "iphone", Outcome::Complete, "Adopted").await;
    assert!(status.attempt.is_none() && status.device_action.unwrap().adopted);
    assert_eq!(scene.carried_out(&id), 1);
}

/// A Mac is refused with advice, and nothing is asked of Intune.
pub async fn a_mac_is_refused_with_advice(scene: &impl Scene) {
    let (serial, id) = scene.enrol(Device::example(DeviceClass::MacBook, 12));
    scene.declare(reset("mac", &serial, scene.now())).await;
    let status = ends(scene, "mac", Outcome::Rejected, "PlatformNotSupported").await;
    assert!(status.conditions[0].message.contains("FileVault"), "{}", status.conditions[0].message);
    assert_eq!(scene.carried_out(&id), 0);
}

/// A work profile's passcode is reset only where that is named.
pub async fn a_work_profile_is_reset_where_it_is_named(scene: &impl Scene) {
    let (serial, id) = scene.enrol(Device::example(DeviceClass::AndroidCorporateWorkProfile, 13));
    scene.declare(reset("profile", &serial, scene.now())).await;
    ends(scene, "profile", Outcome::Rejected, "WorkProfileOnly").await;
    let named = with(reset("profile-named", &serial, scene.now()), json!({"action": "ResetWorkProfilePasscode"}));
    scene.declare(named).await;
    ends(scene, "profile-named", Outcome::Complete, "WorkProfileOnly").await;
    assert_eq!(scene.carried_out(&id), 1);
}

/// Several declarations for one device send once; the others adopt.
pub async fn declarations_for_one_device_send_once(scene: &impl Scene) {
    let (serial, id) = scene.enrol(Device::example(DeviceClass::AndroidDedicated, 14));
    for name in ["one", "two", "three"] {
        scene.declare(reset(name, &serial, scene.now())).await;
    }
    for name in ["one", "two", "three"] {
        let status = scene.outcome_of(name, 10 * MINUTE).await;
        assert_eq!(status.outcome, Some(Outcome::Complete), "{name}: {}", status.reason());
    }
    assert_eq!(scene.carried_out(&id), 1);
}

/// What is scheduled is sent at its time, and what has expired never.
pub async fn scheduled_and_expired(scene: &impl Scene) {
    let (later, later_id) = scene.enrol(Device::example(DeviceClass::IPad, 15));
    let (old, old_id) = scene.enrol(Device::example(DeviceClass::IPad, 16));
    let at = scene.now() + Duration::from_secs(12);
    scene.declare(reset("later", &later, at)).await;
    scene.declare(reset("old", &old, scene.now() - Duration::from_secs(2 * 86_400))).await;
    ends(scene, "old", Outcome::Rejected, "Expired").await;
    let status = ends(scene, "later", Outcome::Complete, "PasscodeRemoved").await;
    assert!(status.attempt.unwrap().claim_time.0 >= at - Duration::from_secs(1));
    assert_eq!((scene.carried_out(&later_id), scene.carried_out(&old_id)), (1, 0));
}
