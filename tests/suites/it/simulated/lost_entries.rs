//! Intune's record loses an entry, and a declaration that it answered is deleted and comes back.

use std::time::Duration;

use graph_simulator::{DeviceClass, Fault, PathClass, Rule};
use k8s_openapi::jiff::Timestamp;
use kube::api::DeleteParams;
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use world::{
    World,
    objects::{reset, with},
};

const SOON: Duration = Duration::from_secs(60);
const VERIFIED: Duration = Duration::from_secs(900);
const HOUR: Duration = Duration::from_secs(3600);

fn declaration(serial: &str, requested: Timestamp) -> Value {
    with(reset("inc", serial, requested), json!({"completionTimeout": "3h"}))
}

async fn complete(world: &World) {
    let status = world.outcome("inc", VERIFIED).await;
    assert_eq!(status.outcome, Some(Outcome::Complete), "{}", status.reason());
}

/// The declaration ends, Intune loses its entry, and hours later it is deleted and comes back from Git.
async fn comes_back(world: &World, device: &str, declared: Value) {
    complete(world).await;
    world.graph.lose_entries(device);
    tokio::time::sleep(2 * HOUR).await;
    world.resets().delete("inc", &DeleteParams::default()).await.unwrap();
    world.create(declared).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_not_sent_again() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let declared = declaration(&serial, world.now());
    world.create(declared.clone()).await;
    comes_back(&world, &id, declared).await;
    let status = world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    assert!(status.earlier_reset.is_some() && status.attempt.is_none(), "{status:?}");
    // It ends as what can be known, and another process knows as much.
    replica.kill().await;
    let replica = world.replica("b");
    let failed = world.ends("inc", 3 * HOUR, Outcome::Failed, "OutcomeUnknown").await;
    assert!(world::changes::message(&failed).contains("requestTime now"));
    assert_eq!(world.executed(&id), 1);
    // Locked out again: a later request is not held by it.
    world.create(reset("again", &serial, world.now())).await;
    world.ends("again", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 2);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_found_after_a_lost_answer_is_not_sent_again() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::Action, Fault::lost().executed()).once());
    let replica = world.replica("a");
    let declared = declaration(&serial, world.now());
    world.create(declared.clone()).await;
    world.until("inc", SOON, |status| status.reason() == "VerifyingOutcome").await;
    comes_back(&world, &id, declared).await;
    world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_is_not_sent_either() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let declared = declaration(&serial, world.now());
    world.graph.reset_by_hand(&id, world.now());
    tokio::time::sleep(SOON).await;
    world.create(declared.clone()).await;
    comes_back(&world, &id, declared).await;
    world.until("inc", SOON, |status| status.reason() == "WaitingForDevice").await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

/// The device's lease is kept as long as a declaration of that time can be sent, and no longer.
#[tokio::test(start_paused = true)]
async fn it_is_remembered_for_a_week() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(declaration(&serial, world.now())).await;
    complete(&world).await;
    let leases = || {
        let all = world.api.objects("Lease");
        all.iter().filter(|lease| lease["metadata"]["name"].as_str().unwrap().starts_with("device-")).count()
    };
    tokio::time::sleep(167 * HOUR).await;
    assert_eq!(leases(), 1);
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(leases(), 0);
    replica.stop().await;
}
