//! An object whose IntuneTenant does not exist costs one write until that tenant appears, and ends an hour after its expiration.

use std::time::Duration;

use api_server::{Fault, On, Request, Verb};
use graph_simulator::DeviceClass;
use k8s_openapi::jiff::SignedDuration;
use passcode_core::api::{Time, reset_status::Outcome};
use serde_json::{Value, json};

use world::{
    World,
    changes::message,
    objects::{reset, tenant, with},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The longest time from sweep to sweep.
const SWEEP: Duration = Duration::from_secs(601);

/// A reset whose tenant does not exist, with an expirationTime so far from now.
fn lost(world: &World, name: &str, expires: Duration) -> Value {
    let expires = Time(world.now() + expires).floor_to_second().to_string();
    with(reset(name, "X", world.now()), json!({"expirationTime": expires, "tenantRef": {"name": "nowhere"}}))
}

/// The calls of replicas about objects of these names.
fn calls(world: &World, about: impl Fn(&str) -> bool) -> Vec<Request> {
    let of_a_replica = |request: &Request| request.call.client == "a" && request.call.resource == "passcoderesets";
    world.api.requests().into_iter().filter(|r| of_a_replica(r) && about(&r.call.name)).collect()
}

#[tokio::test(start_paused = true)]
async fn it_costs_one_write_and_nothing_more_until_it_expires() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(2 * MINUTE).await;
    world.create(lost(&world, "inc", 24 * HOUR)).await;
    world.held("inc", "TenantNotReady", "There is no IntuneTenant \"nowhere\"").await;
    tokio::time::sleep(20 * HOUR).await;
    let verbs = |world: &World| calls(world, |name| name == "inc").iter().map(|r| r.call.verb).collect::<Vec<_>>();
    assert_eq!(verbs(&world), [Verb::Get, Verb::Patch]);
    // Whatever happens to others is nothing to it.
    world.change_tenant("default", json!({"suspend": true})).await;
    world.label("helpdesk", "team", None).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(verbs(&world).len(), 2);
    // Nor does another start of the operator read or write it.
    replica.stop().await;
    let replica = world.replica("a");
    tokio::time::sleep(HOUR).await;
    assert_eq!(verbs(&world).len(), 2);
    tokio::time::sleep(4 * HOUR).await;
    assert_eq!(world.status("inc").await.reason(), "Expired");
    assert_eq!(verbs(&world), [Verb::Get, Verb::Patch, Verb::Get, Verb::Patch]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_an_hour_after_its_expiration_by_the_api_servers_clock() {
    // The operator's own clock is two days ahead.
    let mut world = World::new().await;
    world.clock_offset = SignedDuration::from_hours(48);
    let replica = world.replica("a");
    tokio::time::sleep(2 * MINUTE).await;
    world.create(lost(&world, "inc", 10 * MINUTE)).await;
    tokio::time::sleep(10 * MINUTE + HOUR).await;
    assert_eq!(world.status("inc").await.outcome, None);
    let status = world.ends("inc", SWEEP, Outcome::Rejected, "Expired").await;
    assert!(message(&status).contains("2026-11-22T09:12:00Z"), "{}", message(&status));
    assert!(message(&status).contains("There is no IntuneTenant \"nowhere\""), "{}", message(&status));
    assert!(status.attempt.is_none());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_api_servers_time_nothing_ends() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(2 * MINUTE).await;
    let lists = On::verb(Verb::List).resource("intunetenants").when(|call| call.wants_metadata_only()).always();
    let unanswered = world.api.caller("a").fault(lists, Fault::Fail(api_server::status(503, "ServiceUnavailable", "")));
    world.create(lost(&world, "inc", MINUTE)).await;
    tokio::time::sleep(5 * HOUR).await;
    assert_eq!(world.status("inc").await.outcome, None);
    assert!(unanswered.count() > 20);
    world.api.caller("a").clear_faults();
    world.ends("inc", SWEEP, Outcome::Rejected, "Expired").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_quarantine_it_is_not_certain_that_nothing_was_sent() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(2 * MINUTE).await;
    world.create(lost(&world, "before", MINUTE)).await;
    replica.stop().await;
    // For longer than any settle window nobody leads: the cluster may have been away and come back from a backup.
    tokio::time::sleep(20 * MINUTE).await;
    let replica = world.replica("a");
    tokio::time::sleep(2 * MINUTE).await;
    world.create(lost(&world, "after", MINUTE)).await;
    let status = world.ends("before", HOUR + SWEEP, Outcome::Failed, "OutcomeUnknown").await;
    assert!(message(&status).contains("restored from a backup"), "{}", message(&status));
    world.ends("after", HOUR + SWEEP, Outcome::Rejected, "Expired").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_at_once_when_its_tenant_appears() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(with(reset("inc", &serial, world.now()), json!({"tenantRef": {"name": "second"}}))).await;
    tokio::time::sleep(10 * HOUR).await;
    world.create_tenant(tenant("second")).await;
    world.ends("inc", Duration::from_secs(20), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    // And it is told if its tenant goes away again, although that was never set up.
    world.put_secret("passcode-operator", "clientSecret", "x").await;
    world.create(with(reset("other", &serial, world.now()), json!({"tenantRef": {"name": "third"}}))).await;
    let lost = On::verb(Verb::Get).resource("secrets").always();
    let _ = world.api.caller("a").fault(lost, Fault::LoseBefore);
    world.held("other", "TenantNotReady", "There is no IntuneTenant").await;
    world.create_tenant(tenant("third")).await;
    tokio::time::sleep(MINUTE).await;
    world.create(with(reset("another", &serial, world.now()), json!({"tenantRef": {"name": "third"}}))).await;
    tokio::time::sleep(MINUTE).await;
    assert_eq!(world.status("another").await.reason(), "", "there is nothing to say of it yet");
    world.delete_tenant("third").await;
    world.held("another", "TenantNotReady", "There is no IntuneTenant \"third\"").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn names_that_requesters_choose_take_no_places_from_others() {
    let world = World::new().await;
    let replica = world.replica("a");
    tokio::time::sleep(MINUTE).await;
    let slow = On::verb(Verb::Get).resource("passcoderesets").when(|call| call.name.starts_with("lost")).always();
    let _ = world.api.caller("a").fault(slow, Fault::Delay(Duration::from_secs(10)));
    for number in 0..100 {
        let named = json!({"tenantRef": {"name": format!("nowhere-{number}")}});
        world.create(with(reset(&format!("lost{number}"), "X", world.now()), named)).await;
    }
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", Duration::from_secs(9), Outcome::Complete, "PasscodeRemoved").await;
    let reads = calls(&world, |name| name.starts_with("lost")).len();
    assert!(reads <= 8, "{reads} reads at once");
    tokio::time::sleep(5 * MINUTE).await;
    let all = calls(&world, |name| name.starts_with("lost"));
    let writes = all.iter().filter(|request| request.call.verb == Verb::Patch).count();
    assert_eq!((all.len(), writes), (200, 100));
    replica.stop().await;
}
