//! Who may ask, and which device is meant.

use std::time::Duration;

use api_server::Verb;
use graph_simulator::{Device, DeviceClass, PathClass};
use passcode_core::api::reset_status::Outcome;
use serde_json::json;

use world::{
    World,
    changes::{BY_ITSELF, message},
    objects::{HELPDESK, reset, tenant},
};

const SOON: Duration = Duration::from_secs(60);

/// A tenant that only namespaces with `team: desk` may name; the help desk's has `team: it`.
async fn guarded() -> World {
    let world = World::empty().await;
    let mut guarded = tenant("default");
    guarded["spec"]["allowedNamespaces"] = json!({"matchLabels": {"team": "desk"}});
    world.create_tenant(guarded).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_allowed_is_told_nothing_about_devices() {
    let world = guarded().await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    let created = world.now();
    world.create(reset("inc1", &serial, created)).await;
    world.create(reset("inc2", "NOSUCHSERIAL", created)).await;
    let there = world.ends("inc1", SOON, Outcome::Rejected, "NamespaceNotAllowed").await;
    let not_there = world.ends("inc2", SOON, Outcome::Rejected, "NamespaceNotAllowed").await;
    assert_eq!(message(&there), message(&not_there));
    assert!(message(&there).contains("\"helpdesk\""), "{}", message(&there));
    assert!(there.device.is_none() && there.support.is_none());
    assert!(there.completion_time.unwrap().0.duration_since(created).as_secs() >= 30);
    assert_eq!(world.requests_about_devices(), 0);
    let looks = world.api.requests().into_iter().filter(|request| {
        let call = &request.call;
        call.client == "a" && call.verb == Verb::Get && call.resource == "namespaces" && call.name == HELPDESK
    });
    assert_eq!(looks.count(), 4, "two live looks for each of the two");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_allows_no_namespace_allows_none() {
    let world = World::empty().await;
    let mut closed = tenant("default");
    closed["spec"].as_object_mut().unwrap().remove("allowedNamespaces");
    world.create_tenant(closed).await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.ends("inc1", SOON, Outcome::Rejected, "NamespaceNotAllowed").await;
    assert_eq!(world.requests_about_devices(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_label_that_comes_within_the_30_seconds_lets_it_go_on() {
    let world = guarded().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "LookingUp", "allows this namespace").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.label(HELPDESK, "team", Some("desk")).await;
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_label_that_goes_after_the_claim_changes_nothing() {
    let world = guarded().await;
    world.label(HELPDESK, "team", Some("desk")).await;
    let slow = Device::example(DeviceClass::IPhone, 1).with_plan(graph_simulator::DevicePlan {
        delay: Some(Duration::from_secs(120)),
        ..graph_simulator::DevicePlan::default()
    });
    let (serial, id) = world.add(slow);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.held("inc1", "WaitingForDevice", "not answered yet").await;
    world.label(HELPDESK, "team", None).await;
    world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn each_selector_finds_its_device() {
    let world = World::new().await;
    world.graph.configure(|settings| settings.serial_case_sensitive = true);
    let example = |number| Device::example(DeviceClass::IPhone, number);
    let text = |number, property: &str| example(number).text(property).to_owned();
    let user = "of.three@contoso.example";
    let phone =
        |number: u32, class, name: &str| Device::example(class, number).of_user(user).with("deviceName", json!(name));
    let cases = [
        ("serial", example(1), json!({"serialNumber": text(1, "serialNumber")})),
        ("serial-lower", example(2), json!({"serialNumber": text(2, "serialNumber").to_lowercase()})),
        ("imei", example(3), json!({"imei": text(3, "imei")})),
        ("id", example(4), json!({"managedDeviceId": example(4).id})),
        ("id-upper", example(5), json!({"managedDeviceId": example(5).id.to_uppercase()})),
        ("entra-id", example(6), json!({"azureADDeviceId": text(6, "azureADDeviceId")})),
        ("user", example(7), json!({"userPrincipalName": text(7, "userPrincipalName")})),
        (
            "user-and-system",
            phone(8, DeviceClass::AndroidDedicated, "kiosk"),
            json!({"userPrincipalName": user, "operatingSystem": "androidenterprise"}),
        ),
        (
            "user-and-name",
            phone(9, DeviceClass::IPhone, "first phone"),
            json!({"userPrincipalName": "Of.Three@contoso.example", "deviceName": "First phone"}),
        ),
        (
            "user-and-both",
            phone(10, DeviceClass::IPhone, "second phone"),
            json!({"userPrincipalName": user, "deviceName": "second phone", "operatingSystem": "iOS"}),
        ),
    ];
    for (_, device, _) in &cases {
        world.add(device.clone());
    }
    let replica = world.replica("a");
    for (name, _, selector) in &cases {
        world.ask(name, selector.clone()).await;
    }
    for (name, device, _) in &cases {
        let status = world.outcome(name, SOON).await;
        assert_eq!(status.outcome, Some(Outcome::Complete), "{name}: {}", message(&status));
        assert_eq!(status.device.unwrap().managed_device_id, device.id, "{name}");
        assert_eq!(world.executed(&device.id), 1, "{name}");
    }
    assert!(world.graph.ignored_filters().is_empty());
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_user_with_several_devices_gets_them_listed() {
    let world = World::new().await;
    let user = "of.many@contoso.example";
    for number in 1..=12 {
        // The later the number, the longer ago the last sync.
        let synced = format!("2026-11-{:02}T08:00:00Z", 21 - number);
        let device = Device::example(DeviceClass::IPhone, number).of_user(user);
        world.add(device.with("lastSyncDateTime", json!(synced)));
    }
    for number in 13..=15 {
        world.add(Device::example(DeviceClass::AndroidDedicated, number).of_user("of.three@contoso.example"));
    }
    let replica = world.replica("a");
    let asked = world.now();
    world.ask("many", json!({"userPrincipalName": user})).await;
    world.ask("three", json!({"userPrincipalName": "of.three@contoso.example"})).await;
    world.held("many", "LookingUp", "looking once more in 30 s").await;
    let status = world.ends("many", SOON, Outcome::Rejected, "AmbiguousDevice").await;
    assert!(status.completion_time.unwrap().0.duration_since(asked).as_secs() >= 30);
    let wanted: Vec<String> = (1..=10).map(|number| Device::example(DeviceClass::IPhone, number).id).collect();
    let got: Vec<String> = status.candidates.iter().map(|candidate| candidate.managed_device_id.clone()).collect();
    assert_eq!(got, wanted);
    assert!(message(&status).contains("At least 12 devices") && message(&status).contains(&wanted[9]));
    assert!(!message(&status).contains("contoso"), "no user in it");
    let status = world.ends("three", SOON, Outcome::Rejected, "AmbiguousDevice").await;
    assert_eq!(status.candidates.len(), 3);
    assert!(world.graph.executed().is_empty() && status.device.is_none());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_record_of_the_same_phone_makes_it_ambiguous() {
    let world = World::new().await;
    let (serial, old) = world.device(DeviceClass::IPhone, 1);
    let new = world.graph.reenroll(&old, true).unwrap();
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.create(reset("inc1", &serial, world.now())).await;
    let status = world.ends("inc1", SOON, Outcome::Rejected, "AmbiguousDevice").await;
    let ids: Vec<_> = status.candidates.iter().map(|candidate| candidate.managed_device_id.as_str()).collect();
    assert_eq!(ids, [new.as_str(), old.as_str()], "the one in use first");
    assert!(message(&status).contains("enrolled 2026-11-22T09:00:00Z"), "{}", message(&status));

    world.ask("inc2", json!({"managedDeviceId": new})).await;
    world.ends("inc2", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&new), world.executed(&old)), (1, 0));
    replica.stop().await;
}

/// The API server dropped it, and kubectl's annotation kept it.
#[tokio::test(start_paused = true)]
async fn a_misspelt_dry_run_that_was_applied_sends_nothing() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let (other, other_id) = world.device(DeviceClass::IPhone, 2);
    let replica = world.replica("a");
    let applied = |name: &str, serial: &str, field: &str| {
        let mut object = reset(name, serial, world.now());
        let mut manifest = object.clone();
        manifest["spec"][field] = json!(if field == "dryRun" { json!(false) } else { json!(true) });
        let annotation = "kubectl.kubernetes.io/last-applied-configuration";
        object["metadata"]["annotations"] = json!({annotation: manifest.to_string()});
        object
    };
    world.create(applied("misspelt", &serial, "dryrun")).await;
    world.create(applied("right", &other, "dryRun")).await;
    let status = world.ends("misspelt", SOON, Outcome::Rejected, "UnknownField").await;
    assert!(message(&status).starts_with("The manifest has spec.dryrun, which"), "{}", message(&status));
    assert!(status.device.is_none(), "nothing was looked up");
    world.ends("right", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&id), world.executed(&other_id)), (0, 1));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_device_is_looked_up_twice() {
    let world = World::new().await;
    let replica = world.replica("a");
    let asked = world.now();
    for (name, device) in [
        ("serial", json!({"serialNumber": "NOSUCHSERIAL"})),
        ("id", json!({"managedDeviceId": "705c034c-034c-705c-4c03-5c704c035c70"})),
        ("user", json!({"userPrincipalName": "nobody@contoso.example"})),
    ] {
        world.ask(name, device).await;
        world.held(name, "LookingUp", "looking once more in 30 s").await;
    }
    for name in ["serial", "id", "user"] {
        let status = world.ends(name, SOON, Outcome::Rejected, "DeviceNotFound").await;
        assert!(status.completion_time.unwrap().0.duration_since(asked).as_secs() >= 30);
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_shows_between_the_two_looks_is_found() {
    let world = World::new().await;
    let (late, enrolled_now) = (Device::example(DeviceClass::IPhone, 1), Device::example(DeviceClass::IPhone, 2));
    let replica = world.replica("a");
    for (name, device) in [("late", &late), ("enrolled", &enrolled_now)] {
        world.create(reset(name, device.serial(), world.now())).await;
        world.held(name, "LookingUp", "looking once more in 30 s").await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (_, id) = world.add(late);
    let now = world.now();
    world.add(enrolled_now.enrolled_at(now));
    world.ends("late", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    // What was enrolled after it was asked for has a new passcode anyway.
    world.ends("enrolled", SOON, Outcome::Rejected, "EnrolledAfterRequest").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_graph_ignores_is_no_answer() {
    let world = World::new().await;
    world.graph.configure(|settings| {
        settings.ignore_every_filter = true;
        settings.page_size = 5;
    });
    let mut serials = Vec::new();
    for number in 1..=20 {
        serials.push(world.device(DeviceClass::IPhone, number).0);
    }
    let replica = world.replica("a");
    world.create(reset("there", &serials[12], world.now())).await;
    world.create(reset("not-there", "NOSUCHSERIAL", world.now())).await;
    for name in ["there", "not-there"] {
        world.held(name, "LookingUp", "ignored the filter").await;
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    for name in ["there", "not-there"] {
        world.held(name, "LookingUp", "ignored the filter").await;
    }
    assert!(world.graph.executed().is_empty());
    assert!(world.requests_of(PathClass::List).iter().all(|list| !list.path.contains("skiptoken")), "no further pages");
    world.graph.configure(|settings| settings.ignore_every_filter = false);
    world.ends("there", SOON, Outcome::Complete, "PasscodeRemoved").await;
    world.ends("not-there", SOON, Outcome::Rejected, "DeviceNotFound").await;
    replica.stop().await;
}
