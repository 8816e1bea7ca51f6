//! The example devices.

use super::*;
use crate::{Device, DeviceClass};
use std::collections::BTreeSet;

#[tokio::test(start_paused = true)]
async fn every_class_can_be_read_in_both_versions() {
    let client = client().await;
    for &class in DeviceClass::ALL {
        let id = client.simulator.add_device(Device::example(class, 7));
        for version in ["v1.0", "beta"] {
            let answer = client.get_all_members(&format!("/{version}/deviceManagement/managedDevices/{id}")).await;
            assert_eq!(answer.status(), 200);
            let body = json(&answer);
            assert_eq!(body.as_object().unwrap().len(), if version == "beta" { 85 } else { 57 }, "{class:?}");
        }
    }
    assert_eq!(
        json(&client.get("/v1.0/deviceManagement/managedDevices").await)["value"].as_array().unwrap().len(),
        DeviceClass::ALL.len()
    );
}

#[test]
fn examples_are_stable_and_distinct() {
    let first = Device::example(DeviceClass::IPhone, 1);
    assert_eq!(first.id, Device::example(DeviceClass::IPhone, 1).id);
    let devices: Vec<Device> =
        DeviceClass::ALL.iter().flat_map(|&class| (0..50).map(move |number| Device::example(class, number))).collect();
    let ids: BTreeSet<&str> = devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids.len(), devices.len());
    let serials: Vec<&str> = devices.iter().map(Device::serial).filter(|serial| !serial.is_empty()).collect();
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), serials.len());
}

#[test]
fn examples_look_like_the_real_thing() {
    let phone = Device::example(DeviceClass::AndroidFullyManaged, 0);
    assert!(phone.text("deviceName").starts_with("alice_AndroidForWork_"));
    assert_eq!(phone.text("userPrincipalName"), "alice@contoso.example");
    let imei: Vec<u32> = phone.text("imei").chars().map(|digit| digit.to_digit(10).unwrap()).collect();
    let sum: u32 = imei.iter().enumerate().map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 }).sum();
    assert_eq!((imei.len(), sum % 10), (15, 0));
    assert_eq!(phone.text("easActivationDateTime"), "0001-01-01T00:00:00Z");
    for class in [DeviceClass::AppleUserEnrollment, DeviceClass::AndroidPersonalWorkProfile] {
        assert!(Device::example(class, 3).serial().is_empty(), "no usable serial number");
    }
    assert_eq!(Device::example(DeviceClass::IPad, 3).text("userPrincipalName"), "");
    assert_eq!(Device::example(DeviceClass::RetirePending, 3).text("managementState"), "retirePending");
}
