//! A Secret that is changed counts without a restart, and disturbs nothing.

use std::time::Duration;

use graph_simulator::{App, Device, DeviceClass, DevicePlan, EXAMPLE_CLIENT, EXAMPLE_TENANT, TokenRequest};
use passcode_core::api::reset_status::Outcome;
use serde_json::json;
use world::{
    World,
    changes::BY_ITSELF,
    objects::{OPERATOR, reset, tenant_by},
};

use super::signing_in::{APP, certificate_for};

/// The guide: "the operator sees a changed Secret within a minute".
const DOCUMENTED: Duration = Duration::from_secs(60);
/// Longer than any device of these tests needs.
const LONG: Duration = Duration::from_secs(900);

async fn world_by_certificate() -> World {
    let world = World::empty().await;
    world.graph.add_app(EXAMPLE_TENANT, App::new(APP));
    world.create_tenant(tenant_by("default", APP, json!({"clientCertificateRef": {"name": "graph-tls"}}))).await;
    world
}

fn slow(number: u32, seconds: u64) -> Device {
    let plan = DevicePlan { delay: Some(Duration::from_secs(seconds)), ..DevicePlan::default() };
    Device::example(DeviceClass::IPhone, number).with_plan(plan)
}

/// Waits at most the documented time for Ready.
async fn ready_in_time(world: &World) {
    let changed = tokio::time::Instant::now();
    world.tenant_becomes("default", "Ready").await;
    assert!(changed.elapsed() <= DOCUMENTED, "{:?}", changed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_secret_expired_gets_well_in_the_documented_time() {
    let world = World::new().await;
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.secret_expired = true);
    world.graph.expire_tokens();
    // It shows in use at the latest: Graph does not take the old token, and Entra gives no other.
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "TenantNotReady", "AADSTS7000222").await;
    world.tenant_becomes("default", "TokenRefused").await;
    tokio::time::sleep(LONG).await;
    assert_eq!(world.tenant_says("default").await.0, "TokenRefused");
    assert_eq!(world.executed(&id), 0);

    world.graph.change_app(EXAMPLE_CLIENT, |app| {
        app.secret = Some("renewed".to_owned());
        app.secret_expired = false;
    });
    world.put_secret(OPERATOR, "clientSecret", "renewed").await;
    ready_in_time(&world).await;
    world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_certificate_expired_gets_well_in_the_documented_time() {
    let world = world_by_certificate().await;
    let (old, new) = (certificate_for(-1, 1), certificate_for(0, 1000));
    let both = vec![old.certificate.clone(), new.certificate.clone()];
    world.graph.change_app(APP, |app| app.certificates = both);
    world.put_certificate(&old.certificate, &old.key).await;
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    world.graph.expire_tokens();
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "TenantNotReady", "The certificate in tls.crt expired").await;
    world.tenant_becomes("default", "TokenRefused").await;

    world.put_certificate(&new.certificate, &new.key).await;
    ready_in_time(&world).await;
    world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// What the tenant said and what its resets waited for, looked at each second while `change` has its effect.
async fn stays_ready(world: &World, seconds: u64) {
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (reason, says) = world.tenant_says("default").await;
        assert_eq!(reason, "Ready", "{says}");
    }
}

/// One reset is being followed and one waits for its time while the Secret is changed and the old credential is withdrawn: both
/// end as if nothing had been, and so does a new one.
async fn goes_on(world: &World, rotate: impl AsyncFnOnce(&World), withdraw: impl FnOnce(&World)) -> Vec<TokenRequest> {
    let replica = world.replica("a");
    let (sent, sent_id) = world.add(slow(1, 400));
    let (due, due_id) = world.add(slow(2, 10));
    let (late, late_id) = world.add(slow(3, 10));
    world.create(reset("sent", &sent, world.now())).await;
    world.create(reset("due", &due, world.now() + graph_simulator::SignedDuration::from_secs(200))).await;
    world.held("sent", "WaitingForDevice", "not answered yet").await;
    world.held("due", "Scheduled", "").await;

    rotate(world).await;
    stays_ready(world, DOCUMENTED.as_secs()).await;
    let before = world.graph.token_requests().len();
    withdraw(world);
    world.graph.expire_tokens();
    stays_ready(world, DOCUMENTED.as_secs() + 60).await;
    world.create(reset("late", &late, world.now())).await;
    for (name, id) in [("sent", sent_id), ("due", due_id), ("late", late_id)] {
        let status = world.ends(name, LONG, Outcome::Complete, "PasscodeRemoved").await;
        assert_eq!(status.attempt.unwrap().number, 1, "{name}");
        assert_eq!(world.executed(&id), 1, "{name}");
    }
    let requests = world.graph.token_requests().split_off(before);
    assert!(!requests.is_empty() && requests.iter().all(|request| request.error.is_none()), "{requests:?}");
    world.no_refusals();
    replica.stop().await;
    requests
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_disturbs_nothing() {
    let world = World::new().await;
    // Entra takes either of two secrets while they overlap; here the app has one, so both are changed at once.
    let rotate = async |world: &World| {
        world.graph.change_app(EXAMPLE_CLIENT, |app| app.secret = Some("second".to_owned()));
        world.put_secret(OPERATOR, "clientSecret", "second").await;
    };
    goes_on(&world, rotate, |_| {}).await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_ends_soon_is_told_of_until_another_takes_its_place() {
    let world = world_by_certificate().await;
    let (old, new) = (certificate_for(-1, 24 * 20), certificate_for(-1, 24 * 400));
    world.graph.change_app(APP, |app| app.certificates = vec![old.certificate.clone(), new.certificate.clone()]);
    world.put_certificate(&old.certificate, &old.key).await;
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    let (_, told) = world.tenant_says("default").await;
    assert!(told.starts_with("Signed in. The certificate in tls.crt ends at 2026-12-12T09:00:00Z: upload"), "{told}");
    world.put_certificate(&new.certificate, &new.key).await;
    tokio::time::sleep(DOCUMENTED + Duration::from_secs(5)).await;
    assert_eq!(
        world.tenant_says("default").await,
        ("Ready".to_owned(), "Signed in. Every namespace may name this tenant (allowedNamespaces is {}).".to_owned())
    );
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rotated_certificate_disturbs_nothing() {
    let world = world_by_certificate().await;
    let (old, new) = (certificate_for(-1, 1000), certificate_for(-1, 1000));
    world.graph.change_app(APP, |app| app.certificates = vec![old.certificate.clone(), new.certificate.clone()]);
    world.put_certificate(&old.certificate, &old.key).await;
    let rotate = async |world: &World| world.put_certificate(&new.certificate, &new.key).await;
    let withdraw = |world: &World| world.graph.change_app(APP, |app| app.certificates = vec![new.certificate.clone()]);
    goes_on(&world, rotate, withdraw).await;
}
