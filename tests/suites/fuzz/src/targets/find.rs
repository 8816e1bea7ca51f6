//! Finding a device: a selector, then what Graph answers to the list and to the single read.

use std::collections::HashSet;

use bytes::Bytes;
use http::Response;
use passcode_core::platform::{Found, ManagedDevice, classify, raw_values};
use passcode_operator::graph::{Priority, ReadError, Selector};
use serde_json::Value;

use crate::{
    desk::ask,
    message::{answers, first_line},
    oracles::{is_an_error, is_for_people},
};

/// The target.
pub fn run(data: &[u8]) {
    let (line, rest) = first_line(data);
    let Some((selector, property, value)) = selector(&line) else { return };
    let answers = answers(rest);
    let last = answers.last().cloned();
    let asked = ask(answers, async |graph| graph.find(&selector, Priority::LookUp).await);
    // Two lists of ten pages each and a single read, each of them twice if its token was rejected.
    assert!(asked.of_graph.len() <= 42, "{} requests", asked.of_graph.len());
    assert!(asked.of_graph.iter().all(|request| request.method() == "GET"), "a look-up changes nothing");
    is_sound(asked.answer.map(|heard| heard.value), last.as_ref(), property, &value);
}

fn is_sound(found: Result<Found, ReadError>, last: Option<&Response<Bytes>>, property: &str, value: &str) {
    match found {
        Err(error) => is_an_error(&error),
        Ok(Found::None) => {}
        Ok(Found::One(device)) => {
            is_a_device(&device);
            let sent: Option<Value> = last.and_then(|last| serde_json::from_slice(last.body()).ok());
            if let Some(sent) = sent {
                assert_eq!(sent["id"].as_str().map(str::to_owned), Some(device.id), "the device that was read last");
                let compact = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
                let named = sent[property].as_str().map(compact).unwrap_or_default();
                let value = compact(value);
                // With or without its check digit.
                let same_imei = property == "imei"
                    && named.len().min(value.len()) == 14
                    && named.len().max(value.len()) == 15
                    && (named.starts_with(&value) || value.starts_with(&named));
                assert!(named == value || same_imei, "a device that nobody named: {named}, {value}");
            }
        }
        Ok(Found::Several { total, candidates, .. }) => {
            assert!(total >= 2 && candidates.len() == total.min(10), "{total}, {}", candidates.len());
            candidates.iter().for_each(is_a_device);
            let ids: HashSet<String> = candidates.iter().map(|device| device.id.to_ascii_lowercase()).collect();
            assert_eq!(ids.len(), candidates.len(), "each device once");
            assert!(candidates.is_sorted_by(|a, b| a.last_sync >= b.last_sync), "the latest first");
        }
    }
}

/// Whatever Graph says of it, a device has an id and a class, and can be described.
pub(super) fn is_a_device(device: &ManagedDevice) {
    assert!(!device.id.is_empty());
    let _ = classify(device);
    is_for_people(&raw_values(device).replace("://", ""));
}

/// `serialNumber F9FX`: the selector, and the property that has to be the value.
fn selector(line: &str) -> Option<(Selector, &'static str, String)> {
    let (kind, value) = line.split_once(' ')?;
    let value = value.to_owned();
    let (selector, property) = match kind {
        "serialNumber" => (Selector::SerialNumber(value.clone()), "serialNumber"),
        "imei" => (Selector::Imei(value.clone()), "imei"),
        "managedDeviceId" => (Selector::ManagedDeviceId(value.clone()), "id"),
        "azureADDeviceId" => (Selector::AzureAdDeviceId(value.clone()), "azureADDeviceId"),
        "userPrincipalName" => {
            let mut words = value.splitn(3, ' ').map(str::to_owned);
            let principal_name = words.next()?;
            let (device_name, operating_system) = (words.next(), words.next());
            let user = Selector::User { principal_name: principal_name.clone(), device_name, operating_system };
            return Some((user, "userPrincipalName", principal_name));
        }
        _ => return None,
    };
    Some((selector, property, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a device that nobody named")]
    fn a_filter_that_was_ignored_is_noticed() {
        let device = ManagedDevice { id: "1".to_owned(), ..ManagedDevice::default() };
        let body = Bytes::from_static(br#"{"id": "1", "serialNumber": "other"}"#);
        is_sound(Ok(Found::One(Box::new(device))), Some(&Response::new(body)), "serialNumber", "F9FX");
    }
}
