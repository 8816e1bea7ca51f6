//! The devices that the simulated Intune manages: one for every sample that names one, and others that nobody asks about.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use graph_simulator::{Device, DeviceClass, SignedDuration, Simulator, Timestamp};
use serde_json::json;
use std::time::Duration;

use crate::expected::{EXPECTED, Expected};
use crate::samples::Sample;

/// How long a device takes to answer.
const ANSWER: Duration = Duration::from_secs(4);
/// The first number of the examples that become devices of samples; those below stay as they are.
const FIRST: u32 = 100;

/// Fills the world, and tells each declaration's device.
pub fn enter(simulator: &Simulator, samples: &[Sample], now: Timestamp) -> Result<BTreeMap<&'static str, String>> {
    for &class in DeviceClass::ALL {
        simulator.add_device(Device::example(class, 0));
    }
    let mut devices = BTreeMap::new();
    for (expected, number) in EXPECTED.iter().zip(FIRST..) {
        let Some(class) = expected.class else { continue };
        let device = named_by(sample_of(expected, samples)?, Device::example(class, number));
        let mut device = device.enrolled_at(now.checked_sub(SignedDuration::from_hours(200 * 24))?);
        device.plan.delay = Some(ANSWER);
        if let Some(category) = expected.category {
            device = device.with("deviceCategoryDisplayName", json!(category));
        }
        if let Some(owner) = sample_of(expected, samples)?.selector("userPrincipalName") {
            // Another device of the same person: the selector has to be narrowed.
            simulator.add_device(Device::example(DeviceClass::IPhonePersonal, number).of_user(owner));
        }
        devices.insert(expected.name, simulator.add_device(device));
    }
    Ok(devices)
}

fn sample_of<'a>(expected: &Expected, samples: &'a [Sample]) -> Result<&'a Sample> {
    let sample = samples.iter().find(|sample| sample.name == expected.name);
    sample.with_context(|| format!("there is no sample {}", expected.name))
}

/// The device with the properties by which the sample names it.
fn named_by(sample: &Sample, mut device: Device) -> Device {
    if let Some(serial) = sample.selector("serialNumber") {
        device = device.with_serial(serial);
    }
    if let Some(id) = sample.selector("managedDeviceId") {
        device = device.with_id(id);
    }
    if let Some(user) = sample.selector("userPrincipalName") {
        device = device.of_user(user);
    }
    for name in ["imei", "azureADDeviceId", "operatingSystem"] {
        if let Some(value) = sample.selector(name) {
            device = device.with(name, json!(value));
        }
    }
    device
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_device_is_its_own() {
        let simulator = Simulator::new();
        let devices = enter(&simulator, &samples::resets().unwrap(), simulator.now()).unwrap();
        let mut ids: Vec<&String> = devices.values().collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), EXPECTED.iter().filter(|expected| expected.class.is_some()).count());
        let serial = |device: &Device| device.serial().to_owned();
        let mut serials: Vec<String> = simulator.devices().iter().map(serial).filter(|it| !it.is_empty()).collect();
        let all = serials.len();
        serials.sort();
        serials.dedup();
        assert_eq!(serials.len(), all, "each serial number once");
    }
}
