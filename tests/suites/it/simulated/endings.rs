//! Every object ends, and what is asked for this very moment is not told to wait.

use std::time::Duration;

use graph_simulator::DeviceClass;
use passcode_core::api::reset_status::Outcome;
use serde_json::json;

use world::{
    World,
    objects::{reset, with},
};

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_be_told_expires() {
    let world = World::new().await;
    for number in 1..=30 {
        world.device(DeviceClass::IPhone, number);
    }
    world.graph.configure(|settings| settings.ignore_every_filter = true);
    let replica = world.replica("a");
    let expiry = (world.now() + Duration::from_secs(600)).to_string();
    world.create(with(reset("inc", "NOBODYS", world.now()), json!({"expirationTime": expiry}))).await;
    world.until("inc", Duration::from_secs(60), |status| status.reason() == "LookingUp").await;
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert!(world.status("inc").await.outcome.is_none());
    let status = world.ends("inc", Duration::from_secs(300), Outcome::Rejected, "Expired").await;
    assert!(status.conditions[0].message.contains("LookingUp"), "{}", status.conditions[0].message);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_of_this_moment_is_not_scheduled() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now() + Duration::from_secs(3))).await;
    world.ends("inc", Duration::from_secs(60), Outcome::Complete, "PasscodeRemoved").await;
    let scheduled = world
        .api
        .history("PasscodeReset", "helpdesk", "inc")
        .iter()
        .any(|version| version.object["status"]["conditions"][0]["reason"] == json!("Scheduled"));
    assert!(!scheduled);
    let sent = world.graph.executed()[0].at;
    assert!(sent >= world.resets().get("inc").await.unwrap().spec.request_time.0, "{sent}");
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_this_moment_asks_intunes_record() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    tokio::time::sleep(Duration::from_secs(300)).await;
    world.graph.reset_by_hand(&id, world.now() - Duration::from_secs(200));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let replica = world.replica("a");
    let asked = world.now() + Duration::from_secs(1);
    world.create(with(reset("inc", &serial, asked), json!({"dryRun": true}))).await;
    world.ends("inc", Duration::from_secs(60), Outcome::Rejected, "RecentlyReset").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_entra_tenant_that_changed_is_not_asked_about_what_was_sent() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.change_device(&id, |device| device.plan.delay = Some(Duration::from_secs(600)));
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.until("inc", Duration::from_secs(60), |status| status.reason() == "WaitingForDevice").await;
    let tenants: kube::Api<passcode_core::api::tenant::IntuneTenant> = kube::Api::all(world.client.clone());
    tenants.delete("default", &Default::default()).await.unwrap();
    let other = json!({"tenantId": "99999999-9999-4999-8999-999999999999"});
    world.create_tenant(with(world::objects::tenant("default"), other)).await;
    world.until("inc", Duration::from_secs(120), |status| status.reason() == "TenantNotReady").await;
    tenants.delete("default", &Default::default()).await.unwrap();
    world.create_tenant(world::objects::tenant("default")).await;
    world.ends("inc", Duration::from_secs(900), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}
