//! Single reads.

use super::*;
use crate::{App, Device, DeviceClass, READ_PERMISSION, RESET_PERMISSION, SignedDuration, Timestamp};
use serde_json::json;

fn path(version: &str, id: &str, select: &str) -> String {
    format!("/{version}/deviceManagement/managedDevices/{id}?$select={select}")
}

#[tokio::test(start_paused = true)]
async fn selected_properties_come_and_no_others() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let answer = client.get(&path("v1.0", &id, "id,serialNumber,operatingSystem")).await;
    let body = json(&answer);
    assert_eq!(body.as_object().unwrap().len(), 4);
    assert_eq!(body["operatingSystem"], "iOS");
    assert!(
        body["@odata.context"].as_str().unwrap().ends_with("managedDevices(id,serialNumber,operatingSystem)/$entity")
    );
    assert_eq!(json(&client.get(&path("v1.0", &id.to_uppercase(), "id")).await)["id"], id.as_str());
}

#[tokio::test(start_paused = true)]
async fn hardware_information_needs_a_select_in_beta() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::SharedIPad, 1));
    let shared = |body: Value| body["hardwareInformation"]["isSharedDevice"].clone();
    assert_eq!(shared(json(&client.get(&path("beta", &id, "hardwareInformation")).await)), true);
    assert_eq!(shared(json(&client.get(&format!("/beta/deviceManagement/managedDevices/{id}")).await)), false);
    assert_eq!(
        shared(
            json(&client.get("/beta/deviceManagement/managedDevices?$select=hardwareInformation").await)["value"][0]
                .clone()
        ),
        false
    );
    for property in ["hardwareInformation", "deviceType", "ownerType"] {
        let answer = client.get(&path("v1.0", &id, property)).await;
        assert_eq!((answer.status().as_u16(), json(&answer)["error"]["code"].as_str()), (400, Some("BadRequest")));
    }
    assert_eq!(client.simulator.refusals().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn newer_enum_members_need_the_prefer_header() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::AospUserless, 1));
    let acme = client.simulator.add_device(Device::example(DeviceClass::IPadAcme, 1));
    let select = "deviceEnrollmentType,managementAgent";
    let plain = json(&client.get(&path("v1.0", &id, select)).await);
    assert_eq!(
        (plain["deviceEnrollmentType"].as_str(), plain["managementAgent"].as_str()),
        (Some("unknownFutureValue"), Some("unknown"))
    );
    let answer = client.get_all_members(&path("v1.0", &id, select)).await;
    assert_eq!(header(&answer, "preference-applied"), "include-unknown-enum-members");
    assert_eq!(json(&answer)["managementAgent"], "intuneAosp");
    assert_eq!(
        json(&client.get(&path("beta", &id, select)).await)["deviceEnrollmentType"],
        "androidAOSPUserlessDeviceEnrollment"
    );
    assert_eq!(json(&client.get(&path("beta", &acme, select)).await)["deviceEnrollmentType"], "unknownFutureValue");
    assert_eq!(
        json(&client.get_all_members(&path("beta", &acme, select)).await)["deviceEnrollmentType"],
        "appleACMEDEPUserless"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_foreign_device_is_not_found() {
    let client = client().await;
    let foreign = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1).in_tenant("another"));
    for id in [foreign.as_str(), "00000000-0000-4000-8000-000000000000"] {
        let answer = client.get(&path("v1.0", id, "id")).await;
        assert_eq!(answer.status(), 404);
        let body = json(&answer);
        assert_eq!(body["error"]["code"], "ResourceNotFound");
        let inner: Value = serde_json::from_str(body["error"]["message"].as_str().unwrap()).unwrap();
        assert!(inner["Message"].as_str().unwrap().contains("manage.microsoft.com"));
        assert_eq!(body["error"]["innerError"]["client-request-id"], "6e8f0b3c-0000-4000-8000-00000000c11e");
    }
    assert!(client.simulator.refusals().is_empty());
}

#[tokio::test(start_paused = true)]
async fn reading_needs_its_permission() {
    let simulator = Simulator::new();
    simulator.change_app(EXAMPLE_CLIENT, |app| app.permissions = [RESET_PERMISSION.to_owned()].into());
    let client = Client { token: sign_in(&simulator).await, simulator };
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    let answer = client.get(&path("v1.0", &id, "id")).await;
    assert_eq!((answer.status().as_u16(), json(&answer)["error"]["code"].as_str()), (403, Some("Forbidden")));
    assert!(json(&answer)["error"]["message"].as_str().unwrap().contains(READ_PERMISSION));
    assert!(App::new("x").permissions.contains(READ_PERMISSION));
}

#[tokio::test(start_paused = true)]
async fn answers_carry_ids_and_the_front_ends_clock() {
    let simulator = Simulator::starting_at("2026-11-22T23:59:58.9Z".parse::<Timestamp>().unwrap());
    simulator.configure(|settings| {
        settings.front_end_offset = SignedDuration::from_secs(3);
        settings.latency = std::time::Duration::from_millis(400);
    });
    let client = Client { token: sign_in(&simulator).await, simulator };
    let answer = client.get("/v1.0/deviceManagement/managedDevices").await;
    assert_eq!(header(&answer, "date"), "Mon, 23 Nov 2026 00:00:02 GMT");
    assert_eq!(header(&answer, "client-request-id"), "6e8f0b3c-0000-4000-8000-00000000c11e");
    assert_eq!(header(&answer, "request-id").len(), 36);
    assert!(header(&answer, "x-ms-ags-diagnostic").contains("DataCenter"));
    let record = client.simulator.requests().pop().unwrap();
    assert_eq!(
        (record.request_id.as_str(), record.authorized, record.status),
        (header(&answer, "request-id"), true, Some(200))
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_can_leave_and_come_back() {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPad, 1).with("notes", json!("spare")));
    assert!(client.simulator.change_device(&id, |device| device.properties["deviceName"] = json!("kiosk")));
    assert_eq!(json(&client.get(&path("v1.0", &id, "deviceName,notes")).await)["notes"], "spare");
    let new = client.simulator.reenroll(&id, true).unwrap();
    let enrolled = json(&client.get(&path("v1.0", &new, "enrolledDateTime")).await)["enrolledDateTime"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(enrolled.starts_with("2026-11-22T09:00:00.") && enrolled.len() == 28, "{enrolled}");
    assert_eq!(client.simulator.device(&new).unwrap().serial(), client.simulator.device(&id).unwrap().serial());
    assert!(client.simulator.retire(&id) && !client.simulator.retire(&id));
    assert_eq!(client.get(&path("v1.0", &id, "id")).await.status(), 404);
    let newest = client.simulator.reenroll(&new, false).unwrap();
    assert_eq!(client.get(&path("v1.0", &new, "id")).await.status(), 404);
    client.simulator.check_in(&newest);
    assert!(client.simulator.device(&newest).is_some());
}
