//! A tenant that turns out in use not to be ready: whom that holds, what it costs, and who finds out that it is over.

use std::time::Duration;

use graph_simulator::{
    DeviceClass, DevicePlan, EXAMPLE_CLIENT, Fault, PathClass, READ_PERMISSION, RESET_PERMISSION, Rule,
};
use passcode_core::api::{Time, reset_status::Outcome};
use serde_json::json;
use world::{
    World,
    changes::{BY_ITSELF, message},
    objects::{reset, tenant, with},
};

const SOON: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn permit(world: &World, permissions: &'static [&'static str]) {
    world.graph.change_app(EXAMPLE_CLIENT, |app| {
        app.permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
    });
}

fn refuse_reads(world: &World, fault: &Fault) {
    world.graph.script(Rule::on(PathClass::List, fault.clone()));
    world.graph.script(Rule::on(PathClass::Read, fault.clone()));
}

/// Declares a reset that ends ten minutes from now.
async fn expiring(world: &World, name: &str, serial: &str) {
    let soon = Time(world.now() + Duration::from_secs(600)).floor_to_second().to_string();
    world.create(with(reset(name, serial, world.now()), json!({"expirationTime": soon}))).await;
}

/// The tenant tells it, its objects wait for that and end by their expiration, and together they ask little more than once a minute.
async fn held_at_little_cost(fault: Fault, reason: &str, says: &str) {
    let world = World::new().await;
    refuse_reads(&world, &fault);
    let replica = world.replica("a");
    for number in 0..50 {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        expiring(&world, &format!("inc{number}"), &serial).await;
    }
    let sentence = world.tenant_becomes("default", reason).await;
    assert!(sentence.contains(says), "{sentence}");
    assert!(!sentence.contains("Check cloud"), "{sentence}");
    world.held("inc7", "TenantNotReady", &format!("{reason}: ")).await;
    tokio::time::sleep(SOON).await;
    let before = world.requests_about_devices();
    tokio::time::sleep(Duration::from_secs(300)).await;
    let reads = world.requests_about_devices() - before;
    assert!((1..=10).contains(&reads), "{reads} reads in five minutes");
    for number in 0..50 {
        world.ends(&format!("inc{number}"), Duration::from_secs(900), Outcome::Rejected, "Expired").await;
    }
    // Once it is mended, what is declared then goes on by itself.
    world.graph.clear_faults();
    let (serial, id) = world.device(DeviceClass::IPhone, 90);
    world.create(reset("late", &serial, world.now())).await;
    world.ends("late", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&id), world.graph.executed().len()), (1, 1));
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_intune() {
    let fault = Fault::error(400, "BadRequest", "Request not applicable to target tenant.");
    held_at_little_cost(fault, "IntuneNotAvailable", "has no Intune").await;
}

/// Intune's back end refuses an app whose token Graph's gateway took.
#[tokio::test(start_paused = true)]
async fn an_app_that_intune_does_not_let_in() {
    let inner = r#"{"_version": 3, "Message": "An error has occurred - Operation ID (for customer support): 0 - Activity ID: 1"}"#;
    let nested = json!({"ErrorCode": "Forbidden", "Message": inner, "Target": null}).to_string();
    held_at_little_cost(Fault::error(401, "UnknownError", &nested), "IntuneNotAvailable", "with admin consent").await;
}

#[tokio::test(start_paused = true)]
async fn a_property_that_graph_no_longer_has() {
    let says = "Parsing OData Select and Expand failed: Could not find a property named 'deviceType' on type \
                'microsoft.graph.managedDevice'.";
    held_at_little_cost(Fault::error(400, "BadRequest", says), "PropertyNotAvailable", "install a newer version").await;
}

#[tokio::test(start_paused = true)]
async fn reads_that_ask_for_approval() {
    held_at_little_cost(Fault::approval_required(), "MultiAdminApprovalRequired", "exclude the app").await;
}

/// What Graph refuses for one object is asked for it less and less often, and concerns nobody else.
#[tokio::test(start_paused = true)]
async fn reads_of_one_object_that_are_refused_back_off_to_minutes() {
    let world = World::new().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let (other, _) = world.device(DeviceClass::IPhone, 2);
    let refused = Fault::error(400, "BadRequest", "An error has occurred");
    world.graph.script(Rule::on(PathClass::List, refused).asking(&serial));
    let replica = world.replica("a");
    let later = Time(world.now() + 2 * HOUR).floor_to_second().to_string();
    world.create(with(reset("inc", &serial, world.now()), json!({"expirationTime": later}))).await;
    world.held("inc", "LookingUp", "An error has occurred").await;
    world.create(reset("other", &other, world.now())).await;
    world.ends("other", SOON, Outcome::Complete, "PasscodeRemoved").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let before = world.requests_of(PathClass::List).len();
    tokio::time::sleep(HOUR).await;
    let reads = world.requests_of(PathClass::List).len() - before;
    assert!((10..=15).contains(&reads), "{reads} reads in an hour");
    let status = world.ends("inc", 2 * HOUR, Outcome::Rejected, "Expired").await;
    assert!(message(&status).contains("LookingUp"), "{}", message(&status));
    replica.stop().await;
}

/// A page of something on the way is not Graph's, nor is the time that it tells.
#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_ends_nothing() {
    let world = World::new().await;
    refuse_reads(&world, &Fault::html(403).without_request_id());
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    expiring(&world, "inc", &serial).await;
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(world.status("inc").await.outcome, None);
    world.graph.clear_faults();
    world.ends("inc", BY_ITSELF, Outcome::Rejected, "Expired").await;
    assert_eq!(world.executed(&id), 0);
    replica.stop().await;
}

/// The permission to read is withdrawn while resets are in flight: their looks do not sign in each time.
#[tokio::test(start_paused = true)]
async fn looks_without_permission_keep_the_token() {
    let world = World::new().await;
    let replica = world.replica("a");
    let plan = DevicePlan { delay: Some(Duration::from_secs(3000)), ..DevicePlan::default() };
    let names: Vec<String> = (0..20).map(|number| format!("inc{number}")).collect();
    for (name, number) in names.iter().zip(0..) {
        let (serial, id) = world.device(DeviceClass::IPhone, number);
        world.graph.change_device(&id, |device| device.plan = plan.clone());
        world.create(reset(name, &serial, world.now())).await;
        world.until(name, SOON, |status| status.reason() == "WaitingForDevice").await;
    }
    refuse_reads(&world, &Fault::error(403, "Forbidden", "Application is not authorized to perform this operation."));
    tokio::time::sleep(2 * SOON).await;
    world.held("inc0", "TenantNotReady", "may carry it out meanwhile").await;
    let before = (world.requests_of(PathClass::Token).len(), world.requests_about_devices());
    tokio::time::sleep(Duration::from_secs(600)).await;
    let signed_in = world.requests_of(PathClass::Token).len() - before.0;
    let looks = world.requests_about_devices() - before.1;
    assert!(signed_in <= 11 && looks <= 11, "{signed_in} sign-ins, {looks} looks in ten minutes");
    world.graph.clear_faults();
    for name in &names {
        world.ends(name, HOUR, Outcome::Complete, "PasscodeRemoved").await;
    }
    replica.stop().await;
}

/// Who is in the way of the one reset that can be sent.
enum Others {
    Scheduled,
    Denied,
}

/// Consent is granted beside fifty objects that would not send.
async fn consent_beside(others: Others, there_before: bool) {
    let world = World::empty().await;
    let allowed = json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}});
    world.create_tenant(with(tenant("default"), allowed)).await;
    world.api.create_namespace("elsewhere", &[]);
    permit(&world, &[READ_PERMISSION]);
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (serial, id) = world.device(DeviceClass::IPhone, 900);
    if !there_before {
        world.create(reset("real", &serial, world.now())).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    for number in 0..50 {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        let tomorrow = world.now() + 24 * HOUR;
        let mut other = match others {
            Others::Scheduled => reset(&format!("other{number}"), &serial, tomorrow),
            Others::Denied => reset(&format!("other{number}"), &serial, world.now()),
        };
        if matches!(others, Others::Denied) {
            other["metadata"]["namespace"] = json!("elsewhere");
        }
        world.create(other).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    if there_before {
        world.create(reset("real", &serial, world.now())).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let status = world.held("real", "TenantNotReady", "PermissionMissing: ").await;
    assert!(status.attempt.is_none_or(|attempt| attempt.result.is_some()));
    permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
    world.ends("real", Duration::from_secs(90), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&id), world.graph.executed().len()), (1, 1));
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn consent_shows_beside_scheduled_resets_that_came_later() {
    consent_beside(Others::Scheduled, false).await;
}

#[tokio::test(start_paused = true)]
async fn consent_shows_beside_scheduled_resets_that_were_there_before() {
    consent_beside(Others::Scheduled, true).await;
}

#[tokio::test(start_paused = true)]
async fn consent_shows_beside_denied_resets_that_came_later() {
    consent_beside(Others::Denied, false).await;
}

#[tokio::test(start_paused = true)]
async fn consent_shows_beside_denied_resets_that_were_there_before() {
    consent_beside(Others::Denied, true).await;
}

/// Somebody whose namespace is not allowed declares one reset after the other.
#[tokio::test(start_paused = true)]
async fn consent_shows_under_a_stream_of_denied_resets() {
    for (every, permission) in [(1, RESET_PERMISSION), (10, RESET_PERMISSION), (10, READ_PERMISSION)] {
        let world = World::empty().await;
        let allowed = json!({"allowedNamespaces": {"matchLabels": {"team": "it"}}});
        world.create_tenant(with(tenant("default"), allowed)).await;
        world.api.create_namespace("elsewhere", &[]);
        permit(&world, if permission == RESET_PERMISSION { &[READ_PERMISSION] } else { &[RESET_PERMISSION] });
        let replica = world.replica("a");
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (serial, id) = world.device(DeviceClass::IPhone, 900);
        world.create(reset("real", &serial, world.now())).await;
        for second in 0..300 {
            if second % every == 0 {
                let mut denied = reset(&format!("other{second}"), "X", world.now());
                denied["metadata"]["namespace"] = json!("elsewhere");
                world.create(denied).await;
            }
            if second == 180 {
                permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(world.executed(&id), 1, "one every {every} s, without {permission}");
        replica.stop().await;
    }
}

/// Many that would send wait for consent: together they read little, and all go on once it is there.
#[tokio::test(start_paused = true)]
async fn many_that_wait_for_consent_read_little_and_all_go_on() {
    let world = World::empty().await;
    world.create_tenant(with(tenant("default"), json!({"limits": {"resetsPerHour": 1000}}))).await;
    permit(&world, &[READ_PERMISSION]);
    let replica = world.replica("a");
    let names: Vec<String> = (0..200).map(|number| format!("inc{number}")).collect();
    for (name, number) in names.iter().zip(0..) {
        let (serial, _) = world.device(DeviceClass::IPhone, number);
        world.create(reset(name, &serial, world.now())).await;
    }
    tokio::time::sleep(2 * SOON).await;
    let (before, posts) = (world.requests_about_devices(), world.requests_of(PathClass::Action).len());
    tokio::time::sleep(Duration::from_secs(300)).await;
    let reads = world.requests_about_devices() - before;
    let probes = world.requests_of(PathClass::Action).len() - posts;
    assert!(reads <= 300 * 14, "{reads} reads in five minutes");
    assert!((4..=6).contains(&probes), "{probes} probes in five minutes");
    permit(&world, &[READ_PERMISSION, RESET_PERMISSION]);
    for name in &names {
        world.ends(name, 3 * BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    }
    assert_eq!(world.graph.executed().len(), names.len());
    replica.stop().await;
}

/// What cannot be sent at the moment is judged all the same.
#[tokio::test(start_paused = true)]
async fn where_only_resets_are_refused_everything_else_goes_on() {
    let world = World::new().await;
    permit(&world, &[READ_PERMISSION]);
    let replica = world.replica("a");
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    expiring(&world, "inc", &serial).await;
    world.held("inc", "TenantNotReady", "PermissionMissing: ").await;
    let (mac, _) = world.device(DeviceClass::MacBook, 2);
    world.create(reset("mac", &mac, world.now())).await;
    world.ends("mac", SOON, Outcome::Rejected, "PlatformNotSupported").await;
    let (dry, _) = world.device(DeviceClass::IPhone, 3);
    world.create(with(reset("dry", &dry, world.now()), json!({"dryRun": true}))).await;
    world.ends("dry", SOON, Outcome::Rejected, "DryRun").await;
    world.ends("inc", Duration::from_secs(700), Outcome::Rejected, "Expired").await;
    replica.stop().await;
}
