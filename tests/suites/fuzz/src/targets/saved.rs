//! A saved answer of Graph, as `check --device` reads it: its devices, their classes and what the matrices say.

use passcode_core::platform::{Classification, Matrix, Platform, classify};
use passcode_operator::graph::devices_from_json;
use std::sync::LazyLock;

use super::find::is_a_device;

static MATRICES: LazyLock<[Matrix; 2]> = LazyLock::new(|| [Matrix::builtin(), Matrix::builtin_2020_07()]);

/// The target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let devices = match devices_from_json(text) {
        Ok(devices) => devices,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for device in devices {
        is_a_device(&device);
        let platform = match classify(&device) {
            Classification::Class(platform) => platform,
            Classification::CannotTellYet => Platform::Unknown,
        };
        for matrix in MATRICES.iter() {
            let verdict = matrix.verdict(platform, &device.os_version, &device.owner_type);
            assert_eq!(verdict.supported, verdict.action.is_some(), "{verdict:?}");
            assert!(!verdict.reason.is_empty() && !verdict.guidance.is_empty(), "{verdict:?}");
            assert!(platform != Platform::Unknown || !verdict.supported, "a guess: {verdict:?}");
        }
    }
}
