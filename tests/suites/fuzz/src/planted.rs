//! A passcode beside every result, as Graph sends it: nothing may change by it, and it may appear nowhere.

use serde_json::Value;

/// The passcode.
pub const PLANTED: &str = "planted-passcode-1337";

/// The device with a passcode in each of its results, if it is one that has results.
pub fn planted(body: &[u8]) -> Option<Vec<u8>> {
    let mut device: Value = serde_json::from_slice(body).ok()?;
    let results = device.get_mut("deviceActionResults")?.as_array_mut()?;
    for result in results.iter_mut().filter_map(Value::as_object_mut) {
        for property in ["passcode", "unlockPin"] {
            result.insert(property.to_owned(), PLANTED.into());
        }
    }
    serde_json::to_vec(&device).ok()
}
