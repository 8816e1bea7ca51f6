//! What a requester can make large or many holds nobody else up, and what changes wakes only what depends on it.

use std::{collections::BTreeSet, time::Duration};

use api_server::{Fault, On, Verb};
use graph_simulator::{DeviceClass, DevicePlan, EXAMPLE_SECRET};
use kube::api::DeleteParams;
use passcode_core::api::{Time, reset_status::Outcome};
use serde_json::json;

use world::{
    World,
    changes::BY_ITSELF,
    objects::{HELPDESK, OPERATOR, reset, tenant, tenant_by, with},
};

const SOON: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn pages_are_bounded_in_bytes() {
    let world = World::empty().await;
    let text = "x".repeat(400_000);
    for number in 0..24 {
        let mut value = reset(&format!("large{number}"), "X", world.now());
        value["metadata"]["annotations"] = json!({"example.com/text": text});
        world.create(value).await;
    }
    let replica = world.replica("a");
    for number in 0..24 {
        world.held(&format!("large{number}"), "TenantNotReady", "There is no IntuneTenant").await;
    }
    let requests = world.api.requests();
    let lists = requests.iter().filter(|request| {
        request.call.client == "a" && request.call.resource == "passcoderesets" && request.call.verb == Verb::List
    });
    // The election looks whether there is a status at all.
    let lists = lists.filter(|request| request.call.query.get("fieldSelector").is_some_and(|f| f == "status.outcome="));
    let pages: Vec<_> = lists.map(|request| request.call.query["limit"].clone()).collect();
    assert_eq!(pages, ["256", "64", "16", "16"]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletions_that_are_told_slowly_hold_nobody_up() {
    let world = World::new().await;
    let replica = world.replica("a");
    for number in 1..=60 {
        let (serial, id) = world.device(DeviceClass::IPhone, number);
        world.graph.change_device(&id, |device| device.plan = DevicePlan::never());
        world.create(reset(&format!("inc{number}"), &serial, world.now())).await;
    }
    for number in 1..=60 {
        world.until(&format!("inc{number}"), BY_ITSELF, |status| status.reason() == "WaitingForDevice").await;
    }
    let events = On::writes().resource("events").when(|call| call.body["reason"] == "DeletedInFlight").always();
    let told = world.api.caller("a").fault(events, Fault::ApplyThenDelay(Duration::from_secs(9)));
    for number in 1..=60 {
        world.resets().delete(&format!("inc{number}"), &DeleteParams::default()).await.unwrap();
    }
    let (serial, _) = world.device(DeviceClass::IPhone, 61);
    world.create(reset("next", &serial, world.now())).await;
    world.ends("next", Duration::from_secs(10), Outcome::Complete, "PasscodeRemoved").await;
    assert!(told.count() <= 16, "{} at once", told.count());
    tokio::time::sleep(5 * SOON).await;
    assert_eq!(told.count(), 60);
    replica.stop().await;
}

/// The names of the objects that a replica read since.
fn read_since(world: &World, before: usize) -> BTreeSet<String> {
    let requests = world.api.requests();
    let reads = requests.iter().skip(before).filter(|request| {
        request.call.client == "a" && request.call.resource == "passcoderesets" && request.call.verb == Verb::Get
    });
    reads.map(|request| request.call.name.clone()).collect()
}

/// Scheduled resets: each waits for hours, and is read only if something wakes it.
async fn scheduled(world: &World, name: &str, number: u32, namespace: &str, tenant: &str) {
    let (serial, _) = world.device(DeviceClass::IPhone, number);
    let later = Time(world.now() + 100 * HOUR).floor_to_second().to_string();
    let mut value =
        with(reset(name, &serial, world.now()), json!({"requestTime": later, "tenantRef": {"name": tenant}}));
    value["metadata"]["namespace"] = json!(namespace);
    world.create(value).await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_comes_and_goes_wakes_its_own_objects_only() {
    let world = World::new().await;
    let secret = json!({"clientSecretRef": {"name": "graph-credentials"}});
    world.create_tenant(tenant_by("flapping", graph_simulator::EXAMPLE_CLIENT, secret)).await;
    let replica = world.replica("a");
    scheduled(&world, "steady", 1, HELPDESK, "default").await;
    scheduled(&world, "shaken", 2, HELPDESK, "flapping").await;
    tokio::time::sleep(10 * SOON).await;
    let before = world.api.requests().len();
    tokio::time::sleep(HOUR).await;
    assert_eq!(read_since(&world, before), BTreeSet::new(), "nothing happened");
    for round in 0..10 {
        world.change_tenant("flapping", json!({"suspend": round % 2 == 0})).await;
        tokio::time::sleep(SOON).await;
    }
    assert_eq!(read_since(&world, before), BTreeSet::from(["shaken".to_owned()]));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn other_words_for_the_same_trouble_wake_nobody() {
    let world = World::new().await;
    let replica = world.replica("a");
    scheduled(&world, "inc", 1, HELPDESK, "default").await;
    tokio::time::sleep(10 * SOON).await;
    world.put_secret(OPERATOR, "clientSecret", "wrong").await;
    world.tenant_becomes("default", "TokenRefused").await;
    tokio::time::sleep(SOON).await;
    let before = world.api.requests().len();
    tokio::time::sleep(2 * HOUR).await;
    let reads = world.api.requests().iter().skip(before).filter(|r| r.call.name == "inc").count();
    assert!(reads <= 120, "{reads}: not more than by its own timer");
    world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    world.until("inc", BY_ITSELF, |status| status.reason() == "Scheduled").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_wakes_only_what_it_allows_or_denies_anew() {
    let world = World::empty().await;
    world.create_tenant(with(tenant("default"), json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}}))).await;
    world.create_tenant(with(tenant("open"), json!({"allowedNamespaces": {}}))).await;
    world.api.create_namespace("desk", &[("team", "it")]);
    let replica = world.replica("a");
    scheduled(&world, "here", 1, HELPDESK, "default").await;
    scheduled(&world, "open", 2, HELPDESK, "open").await;
    scheduled(&world, "elsewhere", 3, "desk", "default").await;
    tokio::time::sleep(10 * SOON).await;
    let before = world.api.requests().len();
    world.label(HELPDESK, "cost-centre", Some("12")).await;
    world.api.create_namespace("new", &[("team", "it")]);
    tokio::time::sleep(HOUR).await;
    assert_eq!(read_since(&world, before), BTreeSet::new(), "nobody's permission changed");
    world.label(HELPDESK, "team", None).await;
    world.ends("here", BY_ITSELF, Outcome::Rejected, "NamespaceNotAllowed").await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(read_since(&world, before), BTreeSet::from(["here".to_owned()]));
    replica.stop().await;
}
