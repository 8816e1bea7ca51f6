//! A tenant that cannot be used holds its resets and rejects none; once it is mended they go on by themselves.

use std::time::Duration;

use api_server::Fault;
use graph_simulator::{DeviceClass, DevicePlan, EXAMPLE_CLIENT, EXAMPLE_SECRET, PathClass};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use passcode_core::api::{
    matrix::PlatformSupportMatrix, reset::PasscodeReset, reset_status::Outcome, tenant::IntuneTenant,
};
use serde_json::{Value, json};

use super::crowd::all;
use world::{
    World,
    changes::{BY_ITSELF, message},
    objects::{HELPDESK, OPERATOR, reset, tenant, with},
};

const SOON: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Sees the trouble told on the tenant and on a reset that is held without anything sent, mends it, and sees both go on.
pub(super) async fn goes_on_once_mended(world: World, reason: &str, says: &str, mend: impl AsyncFnOnce(&World)) {
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "TenantNotReady", &format!("{reason}: ")).await;
    tokio::time::sleep(TEN_MINUTES).await;
    let status = world.held("inc1", "TenantNotReady", says).await;
    assert!(status.attempt.is_none());
    let (told, sentence) = world.tenant_says("default").await;
    assert_eq!(told, reason, "{sentence}");
    assert!(sentence.contains(says), "{sentence}");
    assert_eq!(world.requests_about_devices(), 0);

    mend(&world).await;
    let status = world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(status.attempt.unwrap().number, 1);
    assert_eq!(world.executed(&id), 1);
    world.tenant_becomes("default", "Ready").await;
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_with_entras_code() {
    let world = World::new().await;
    world.put_secret(OPERATOR, "clientSecret", "not the secret").await;
    goes_on_once_mended(world, "TokenRefused", "AADSTS7000215", async |world| {
        world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_told_with_the_namespace_to_create_it_in() {
    let world = World::new().await;
    world.delete_secret().await;
    let says = "There is no Secret \"graph-credentials\" in the operator's namespace \"passcode-operator\"";
    goes_on_once_mended(world, "SecretNotFound", says, async |world| {
        world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_another_namespace_is_not_read() {
    let world = World::new().await;
    world.delete_secret().await;
    world.put_secret(HELPDESK, "clientSecret", EXAMPLE_SECRET).await;
    let api = world.api.clone();
    goes_on_once_mended(world, "SecretNotFound", "Secrets of other namespaces are not read", async |world| {
        world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    })
    .await;
    let read = api.requests().into_iter().filter(|r| r.call.client == "a" && r.call.resource == "secrets");
    assert!(read.into_iter().all(|request| request.call.namespace.as_deref() == Some(OPERATOR)));
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_is_told() {
    let world = World::new().await;
    world.put_secret(OPERATOR, "password", EXAMPLE_SECRET).await;
    goes_on_once_mended(world, "SecretNotFound", "has no key \"clientSecret\"", async |world| {
        world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_secret_is_told_with_entras_code() {
    let world = World::new().await;
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.secret_expired = true);
    goes_on_once_mended(world, "TokenRefused", "AADSTS7000222", async |world| {
        world.graph.change_app(EXAMPLE_CLIENT, |app| app.secret_expired = false);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_authority_out_of_reach_is_waited_for() {
    let world = World::new().await;
    world.graph.configure(|settings| settings.authority_reachable = false);
    goes_on_once_mended(world, "Unreachable", "The sign-in service did not answer", async |world| {
        world.graph.configure(|settings| settings.authority_reachable = true);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ca_bundle_that_cannot_be_read_is_told() {
    let world = World::empty().await;
    let mut broken = tenant("default");
    broken["spec"]["endpoints"]["caBundle"] = json!("Mozilla's, please");
    world.create_tenant(broken).await;
    goes_on_once_mended(world, "InvalidConfiguration", "caBundle", async |world| {
        // Endpoints are immutable: the tenant is created again.
        world.delete_tenant("default").await;
        world.create_tenant(tenant("default")).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_may_appear_after_its_resets() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(with(reset("inc1", &serial, world.now()), json!({"tenantRef": {"name": "second"}}))).await;
    world.held("inc1", "TenantNotReady", "There is no IntuneTenant \"second\"").await;
    tokio::time::sleep(TEN_MINUTES).await;
    assert_eq!(world.requests_about_devices(), 0);
    world.create_tenant(tenant("second")).await;
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_graph_there_is_no_verdict_of_time() {
    let world = World::new().await;
    world.put_secret(OPERATOR, "clientSecret", "not the secret").await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let soon = passcode_core::api::Time(world.now() + SOON).to_string();
    world.create(with(reset("inc1", &serial, world.now()), json!({"expirationTime": soon}))).await;
    world.held("inc1", "TenantNotReady", "It is not sent after").await;
    tokio::time::sleep(TEN_MINUTES).await;
    world.held("inc1", "TenantNotReady", "it ends as soon as the tenant answers").await;
    world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    let status = world.ends("inc1", BY_ITSELF, Outcome::Rejected, "Expired").await;
    assert!(message(&status).contains("It last waited for: TenantNotReady"), "{}", message(&status));
    assert!(world.graph.executed().is_empty());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn suspended_nothing_is_sent_and_what_was_sent_is_followed() {
    let world = World::new().await;
    let slow = graph_simulator::Device::example(DeviceClass::IPhone, 1)
        .with_plan(DevicePlan { delay: Some(Duration::from_secs(300)), ..DevicePlan::default() });
    let (sent, _) = world.add(slow);
    let (serial, id) = world.device(DeviceClass::IPhone, 2);
    let replica = world.replica("a");
    world.create(reset("sent", &sent, world.now())).await;
    world.held("sent", "WaitingForDevice", "not answered yet").await;
    world.change_tenant("default", json!({"suspend": true})).await;
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "Suspended", "spec.suspend").await;
    world.ends("sent", TEN_MINUTES, Outcome::Complete, "PasscodeRemoved").await;
    world.held("inc1", "Suspended", "spec.suspend").await;
    assert_eq!(world.executed(&id), 0);
    world.change_tenant("default", json!({"suspend": false})).await;
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_deleted_and_created_again_follows_what_was_sent() {
    let world = World::new().await;
    let slow = graph_simulator::Device::example(DeviceClass::IPhone, 1)
        .with_plan(DevicePlan { delay: Some(Duration::from_secs(120)), ..DevicePlan::default() });
    let (serial, id) = world.add(slow);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    world.delete_tenant("default").await;
    let status = world.held("inc1", "TenantNotReady", "There is no IntuneTenant \"default\" any more").await;
    assert!(status.device_action.is_some() && status.attempt.is_some(), "what is known is kept");
    tokio::time::sleep(TEN_MINUTES).await;
    world.held("inc1", "TenantNotReady", "There is no IntuneTenant \"default\" any more").await;
    world.create_tenant(tenant("default")).await;
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

fn matrix(platform: &str) -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PlatformSupportMatrix",
        "metadata": {"name": "ours"},
        "spec": {"revision": "7", "rules": [
            {"name": "phones", "match": {"platforms": [platform]}, "support": "Supported", "action": "RemoveDevicePasscode", "reason": "OursRemoves"},
        ]},
    })
}

#[tokio::test(start_paused = true)]
async fn a_matrix_missing_or_bad_holds_until_it_is_repaired() {
    let world = World::empty().await;
    let mut ours = tenant("default");
    ours["spec"]["platformSupportMatrixRef"] = json!({"name": "ours"});
    world.create_tenant(ours).await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let (other, _) = world.device(DeviceClass::AndroidDedicated, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.create(reset("inc2", &other, world.now())).await;
    world.held("inc1", "TenantNotReady", "MatrixNotReady: There is no PlatformSupportMatrix \"ours\"").await;
    assert!(world.tenant_becomes("default", "MatrixNotReady").await.contains("\"ours\""));

    world.create_matrix(matrix("IosDeviceEnrolment")).await;
    world.held("inc1", "TenantNotReady", "The PlatformSupportMatrix \"ours\" cannot be used").await;
    let told = world.matrix("ours").await.status.unwrap().conditions[0].clone();
    assert_eq!((told.status.as_str(), told.reason.as_str()), ("False", "InvalidMatrix"));
    assert!(told.message.contains("IosDeviceEnrolment") && told.message.contains("IosDeviceEnrollment"), "{told:?}");

    world.change_matrix("ours", matrix("IosDeviceEnrollment")["spec"].clone()).await;
    let status = world.ends("inc1", SOON, Outcome::Complete, "OursRemoves").await;
    let support = status.support.unwrap();
    assert_eq!(
        (support.matrix.as_str(), support.revision.as_str(), support.rule.as_deref()),
        ("ours", "7", Some("phones"))
    );
    world.ends("inc2", SOON, Outcome::Rejected, "NotListed").await;
    assert_eq!(world.matrix("ours").await.status.unwrap().conditions[0].status, "True");
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// A label moves the resourceVersion and not the generation: a status that is written on the version before it is refused, and the
/// next version is not one that has to be looked at again.
#[tokio::test(start_paused = true)]
async fn a_label_that_comes_between_hides_no_status() {
    let world = World::empty().await;
    let client = world.client.clone();
    world.api.caller("a").before(move |call| {
        let client = client.clone();
        async move {
            let label = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}}}));
            if call.subresource == "status" {
                // The second time the label is there already, and nothing moves.
                let params = PatchParams::default();
                match call.resource.as_str() {
                    "intunetenants" => {
                        let tenants: Api<IntuneTenant> = Api::all(client);
                        tenants.patch(&call.name, &params, &label).await.unwrap();
                    }
                    "platformsupportmatrices" => {
                        let matrices: Api<PlatformSupportMatrix> = Api::all(client);
                        matrices.patch(&call.name, &params, &label).await.unwrap();
                    }
                    _ => {}
                }
            }
            None
        }
    });
    let replica = world.replica("a");
    world.create_tenant(tenant("default")).await;
    world.create_matrix(matrix("IosDeviceEnrollment")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.tenant_says("default").await.0, "Ready");
    let told = world.matrix("ours").await.status.unwrap();
    assert_eq!(told.conditions.first().map(|ready| ready.status.as_str()), Some("True"));
    replica.stop().await;
}

/// What is watched goes on being read while statuses are written: many tenants take no longer than one.
#[tokio::test(start_paused = true)]
async fn many_tenants_are_ready_soon_where_writes_are_slow() {
    let world = World::empty().await;
    world.api.caller("a").before(|call| async move {
        (call.resource == "intunetenants" && call.subresource == "status")
            .then_some(Fault::Delay(Duration::from_secs(1)))
    });
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let names: Vec<String> = (0..30).map(|number| format!("tenant-{number}")).collect();
    for name in &names {
        world.create_tenant(tenant(name)).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    for name in &names {
        assert_eq!(world.tenant_says(name).await.0, "Ready", "{name}");
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_fuse_holds_the_rest_for_the_hour() {
    let world = World::empty().await;
    let mut fused = tenant("default");
    fused["spec"]["limits"] = json!({"resetsPerHour": 2});
    world.create_tenant(fused).await;
    let replica = world.replica("a");
    let names = ["one", "two", "three", "four"];
    for (name, number) in names.into_iter().zip(1..) {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        world.create(reset(name, &serial, world.now())).await;
    }
    tokio::time::sleep(SOON).await;
    let mut held = Vec::new();
    for name in names {
        let status = world.status(name).await;
        if status.outcome.is_none() {
            held.push(world.held(name, "LimitReached", "2 resets per hour").await);
        }
    }
    assert_eq!((held.len(), world.graph.executed().len()), (2, 2));
    // An hour and a minute from when it was told, which is no write again though it is looked at every ten minutes.
    for status in &held {
        let told = message(status);
        assert!(told.contains("The next slot is free at about 2026-11-22T10:01:00Z or earlier"), "{told}");
    }
    let version = |object: PasscodeReset| object.metadata.resource_version;
    let versions = || async { all(&world).await.into_iter().map(version).collect::<Vec<_>>() };
    let before = versions().await;
    tokio::time::sleep(Duration::from_secs(1800)).await;
    assert_eq!(versions().await, before);
    for name in names {
        world.ends(name, Duration::from_secs(3700), Outcome::Complete, "PasscodeRemoved").await;
    }
    let posts = world.requests_of(PathClass::Action);
    assert_eq!(posts.len(), 4);
    assert!(posts[2].at.duration_since(posts[0].at).as_secs() >= 3600);
    replica.stop().await;
}
