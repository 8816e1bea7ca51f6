//! The resources: what the API server stores can be read, written and read again, and decided about.

use passcode_core::{
    api::{
        matrix::PlatformSupportMatrix,
        reset::PasscodeReset,
        reset_status::PasscodeResetStatus,
        tenant::{IntuneTenant, IntuneTenantStatus},
    },
    platform::{Matrix, Platform},
};
use passcode_operator::cli::fuzzing::stored;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

mod decided;

/// The target.
pub fn run(data: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
    match document["kind"].as_str().unwrap_or_default() {
        "PasscodeReset" => reset(&document),
        "IntuneTenant" => tenant(&document),
        "PlatformSupportMatrix" => matrix(&document),
        _ => assert_eq!(stored(&document), None, "stored, and of no kind of ours"),
    }
}

fn reset(document: &Value) {
    let status = serde_json::from_value::<PasscodeResetStatus>(document["status"].clone()).ok();
    if let Some(status) = &status {
        let again = survives_writing(status);
        let window = |status: &PasscodeResetStatus| status.attempt.as_ref().map(|attempt| attempt.settle_window);
        assert!(window(&again) >= window(status), "a claim that settles earlier than it was made");
    }
    if let Some(object) = stored(document) {
        let mut object: PasscodeReset = read(&object);
        object.status = status;
        decided::is_sound(&object);
    }
}

fn tenant(document: &Value) {
    if let Ok(status) = serde_json::from_value::<IntuneTenantStatus>(document["status"].clone()) {
        survives_writing(&status);
    }
    if let Some(object) = stored(document) {
        let tenant: IntuneTenant = read(&object);
        let timing = &tenant.spec.timing;
        assert!(timing.settle_window().as_std() > timing.send_grace.as_std() + timing.ledger_lag.as_std());
    }
}

fn matrix(document: &Value) {
    let Some(object) = stored(document) else { return };
    let matrix: PlatformSupportMatrix = read(&object);
    let Ok(compiled) = Matrix::compile("fuzzed", &matrix.spec) else { return };
    for platform in Platform::ALL {
        for (version, ownership) in [("", ""), ("17.5.1", "company"), ("0", "personal")] {
            let verdict = compiled.verdict(*platform, version, ownership);
            assert_eq!(verdict.supported, verdict.action.is_some(), "{verdict:?}");
            assert!(*platform != Platform::Unknown || !verdict.supported, "a guess: {verdict:?}");
        }
    }
    let _ = compiled.warnings();
}

/// What is stored can be read, whatever its spec: an object that cannot be would be a reset that silently never happens.
fn read<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(object: &Value) -> T {
    // The API server reads metadata itself, and writes the times in it.
    let mut object = object.clone();
    object["metadata"] = json!({"name": "fuzzed", "creationTimestamp": "2026-11-22T09:00:00Z"});
    let read: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    let written = serde_json::to_value(&read).expect("it can be written");
    let again: T = serde_json::from_value(written).expect("what was written can be read");
    assert_eq!(again, read, "written and read again");
    read
}

/// A status that was read is written so that it says the same to whoever reads it next. Times are cut or rounded once, by the first
/// writing, so the second must change nothing.
fn survives_writing<T: DeserializeOwned + Serialize>(status: &T) -> T {
    let once = serde_json::to_value(status).expect("it can be written");
    let again: T = serde_json::from_value(once.clone()).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(serde_json::to_value(&again).expect("it can be written"), once);
    again
}
