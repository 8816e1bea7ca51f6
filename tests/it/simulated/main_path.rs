//! The main job: declared, looked up, checked, sent once, followed, told.

use std::time::Duration;

use graph_simulator::DeviceClass;
use passcode_operator::api::reset_status::Outcome;
use serde_json::json;

use crate::support::{
    objects::{reset, with},
    world::World,
};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn an_iphone_is_reset_once_and_the_status_says_so() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    let status = world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    let device = status.device.unwrap();
    assert_eq!((device.managed_device_id.as_str(), device.platform.as_str()), (id.as_str(), "IosDeviceEnrollment"));
    assert!(!status.device_action.unwrap().adopted);
    assert_eq!(status.attempt.as_ref().unwrap().number, 1);
    assert_eq!(world.graph.executed()[0].client_request_id.as_deref(), Some(status.attempt.unwrap().id.as_str()));
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_mac_is_refused_with_advice_even_if_scheduled() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::MacBook, 1);
    let replica = world.replica("a");
    let later = world.now() + Duration::from_secs(86_400);
    world.create(with(reset("mac", &serial, later), json!({}))).await;
    let status = world.ends("mac", SOON, Outcome::Rejected, "PlatformNotSupported").await;
    assert!(status.conditions[0].message.contains("FileVault"), "{}", status.conditions[0].message);
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}
