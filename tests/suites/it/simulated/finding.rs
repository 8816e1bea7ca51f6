//! The device is found as people write it, whatever Graph makes of the filter.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass, Fault, PathClass, Rule};
use passcode_core::api::reset_status::Outcome;
use serde_json::json;
use world::{
    World,
    changes::{BY_ITSELF, message},
    objects::{reset, with},
};

const SOON: Duration = Duration::from_secs(60);
const USER: &str = "anna@contoso.example";

fn named(number: u32, name: &str) -> Device {
    Device::example(DeviceClass::IPhone, number).of_user(USER).with("deviceName", json!(name))
}

#[tokio::test(start_paused = true)]
async fn a_filter_on_the_name_that_fails_is_no_hindrance() {
    for status in [500, 400, 501] {
        let world = World::new().await;
        let (_, id) = world.add(named(1, "Phone of Anna"));
        world.add(named(2, "Tablet of Anna"));
        world.graph.script(Rule::on(PathClass::List, Fault::status(status)).asking("deviceName%20eq"));
        let replica = world.replica("a");
        world.ask("inc1", json!({"userPrincipalName": USER, "deviceName": "phone of anna"})).await;
        world.ask("inc2", json!({"userPrincipalName": USER, "deviceName": "watch of anna"})).await;
        world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
        world.ends("inc2", BY_ITSELF, Outcome::Rejected, "DeviceNotFound").await;
        assert_eq!((world.executed(&id), world.graph.executed().len()), (1, 1), "{status}");
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_user_cannot_be_asked_for_either_nobody_can_tell() {
    let world = World::new().await;
    let (_, id) = world.add(named(1, "Phone of Anna"));
    world.graph.script(Rule::on(PathClass::List, Fault::status(500)));
    let replica = world.replica("a");
    world.ask("inc1", json!({"userPrincipalName": USER, "deviceName": "Phone of Anna"})).await;
    world.held("inc1", "LookingUp", "Graph could not be read: not available: Microsoft Graph answered 500").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.status("inc1").await.outcome, None);
    world.graph.clear_faults();
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_as_people_type_it_is_the_name_as_phones_store_it() {
    let world = World::new().await;
    let (_, id) = world.add(named(1, "Anna\u{2019}s\u{a0}iPhone"));
    let (_, other) = world.add(named(2, "Bob\u{2019}s iPhone"));
    let replica = world.replica("a");
    for (name, typed) in
        [("inc1", "Anna's iPhone"), ("inc2", "anna&apos;s  iphone"), ("inc3", "Anna\u{2019}s\u{a0}iPhone")]
    {
        world.ask_with(name, json!({"userPrincipalName": USER, "deviceName": typed}), json!({"dryRun": true})).await;
        let status = world.ends(name, SOON, Outcome::Rejected, "DryRun").await;
        assert_eq!(status.device.unwrap().managed_device_id, id, "{typed}");
    }
    world.ask("inc4", json!({"userPrincipalName": USER, "deviceName": "Anna's iPhone"})).await;
    world.ends("inc4", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&id), world.executed(&other)), (1, 0));
    replica.stop().await;
}

/// 14 digits, and their check digit behind them.
const IMEI: &str = "350123450000043";

#[tokio::test(start_paused = true)]
async fn an_imei_is_found_with_and_without_its_check_digit() {
    let world = World::new().await;
    let phone = |number, imei: &str| Device::example(DeviceClass::AndroidDedicated, number).with("imei", json!(imei));
    let (_, id) = world.add(phone(1, &IMEI[..14]));
    let replica = world.replica("a");
    world.ask("inc1", json!({"imei": IMEI})).await;
    world.ends("inc1", SOON, Outcome::Complete, "TemporaryPasscode").await;
    assert_eq!(world.executed(&id), 1);
    // The same number with another check digit is no number of this phone.
    world.ask("inc2", json!({"imei": "350123450000048"})).await;
    let status = world.ends("inc2", BY_ITSELF, Outcome::Rejected, "DeviceNotFound").await;
    assert!(message(&status).contains("two SIM slots Intune holds one IMEI"), "{}", message(&status));
    // Two records of one phone, one in each form: nobody says which one is in use.
    let (_, second) = world.add(phone(2, IMEI).with("managementState", json!("retirePending")));
    world.ask("inc3", json!({"imei": &IMEI[..14]})).await;
    let status = world.ends("inc3", BY_ITSELF, Outcome::Rejected, "AmbiguousDevice").await;
    let state = |id: &str| {
        let of = status.candidates.iter().find(|candidate| candidate.managed_device_id == id);
        of.unwrap().management_state.clone()
    };
    assert_eq!((state(&id), state(&second)), ("managed".to_owned(), "retirePending".to_owned()));
    assert!(message(&status).contains(", retirePending, last sync"), "{}", message(&status));
    assert_eq!(world.graph.executed().len(), 1);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_short_page_with_a_link_is_followed() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::List, Fault::with_next_link()).once());
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.ends("inc1", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((world.executed(&id), world.requests_of(PathClass::List).len()), (1, 2));
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_is_no_answer_and_costs_little() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.script(Rule::on(PathClass::List, Fault::with_next_link()));
    let replica = world.replica("a");
    world.create(with(reset("inc1", &serial, world.now()), json!({"justification": "INC1"}))).await;
    world.held("inc1", "LookingUp", "more than the 10 pages that are read").await;
    let before = world.requests_of(PathClass::List).len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let lists = world.requests_of(PathClass::List).len() - before;
    assert!((50..=110).contains(&lists), "ten pages a minute: {lists}");
    world.graph.clear_faults();
    world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
    replica.stop().await;
}

/// A request for tomorrow: what the device is tomorrow is what the claim says and what the matrix judges.
#[tokio::test(start_paused = true)]
async fn what_is_scheduled_is_judged_by_the_facts_of_its_day() {
    let world = World::new().await;
    let category = "deviceCategoryDisplayName";
    let device = |number| Device::example(DeviceClass::IPhone, number).with(category, json!("Phones"));
    let ((serial, id), (other, retired)) = (world.add(device(1)), world.add(device(2)));
    let replica = world.replica("a");
    let tomorrow = world.now() + Duration::from_secs(86_400);
    for (name, serial) in [("inc1", &serial), ("inc2", &other)] {
        world.create(reset(name, serial, tomorrow)).await;
    }
    let status = world.until("inc1", SOON, |status| status.reason() == "Scheduled").await;
    let facts = status.device.unwrap();
    assert_eq!((facts.category.as_str(), facts.ownership.as_str()), ("Phones", "company"));
    assert!(facts.manufacturer == "Apple" && facts.compliance_state == "compliant" && facts.supervised.is_some());
    world.graph.change_device(&id, |device| {
        device.properties[category] = json!("Executives");
        device.properties["managedDeviceOwnerType"] = json!("personal");
    });
    world.graph.change_device(&retired, |device| device.properties["managementState"] = json!("retirePending"));
    let beta = || {
        let requests = world.graph.requests();
        let of_beta = |class| requests.iter().filter(|r| r.class == class && r.path.starts_with("/beta/")).count();
        (of_beta(PathClass::List), of_beta(PathClass::Read))
    };
    let (lists, reads) = beta();
    let status = world.ends("inc1", Duration::from_secs(90_000), Outcome::Complete, "PasscodeRemoved").await;
    let now = status.device.unwrap();
    assert_eq!((now.category.as_str(), now.ownership.as_str()), ("Executives", "personal"));
    assert!(now.read_time >= Some(passcode_core::api::Time(tomorrow).floor_to_second()), "{:?}", now.read_time);
    assert_eq!(now.managed_device_id, facts.managed_device_id);
    world.ends("inc2", SOON, Outcome::Rejected, "LeavingManagement").await;
    assert_eq!(beta(), (lists, reads + 2), "each is read once more, by its id");
    assert_eq!((world.executed(&id), world.executed(&retired)), (1, 0));
    replica.stop().await;
}
