//! Files for `--device`, and what is said of the devices in them.

use super::*;

const IPHONE: &str = r#"{"value": {"id": "1", "operatingSystem": "iOS", "osVersion": "17.5", "deviceType": "iPhone", "managementAgent": "mdm",
    "managementState": "managed", "managedDeviceOwnerType": "company", "isSupervised": true, "serialNumber": "F9"}}"#;
const WORK_PROFILE: &str = r#"{"id": "2", "operatingSystem": "Android", "osVersion": "14", "deviceType": "androidEnterprise",
    "managementAgent": "googleCloudDevicePolicyController", "deviceEnrollmentType": "androidEnterpriseCorporateWorkProfile"}"#;
const MAC: &str =
    r#"{"id": "3", "operatingSystem": "macOS", "osVersion": "14.4.1 (23E224)", "managementAgent": "mdm"}"#;
const IPAD_OF_A_LIST: &str = r#"{"value": [{"id": "4", "operatingSystem": "iOS", "deviceType": "iPad", "managementAgent": "mdm",
    "isSupervised": true, "deviceEnrollmentType": "appleBulkWithoutUser", "hardwareInformation": {"isSharedDevice": false}}]}"#;
const TOASTER: &str = r#"{"id": "5", "operatingSystem": "Toaster", "managementAgent": "mdm"}"#;

#[test]
fn devices_and_what_would_be_done() {
    for (device, options, refused, said) in [
        (
            IPHONE,
            vec![],
            false,
            vec![
                "class IosDeviceEnrollment (certainty Documented: only a device",
                "supported, RemoveDevicePasscode, reason PasscodeRemoved (matrix intune ",
                "guidance: The passcode disappears",
                "prerequisites, not checked: DeviceOnline",
                "UnlockDevice would be sent",
            ],
        ),
        (
            IPHONE,
            vec!["--action", "ResetDevicePin"],
            true,
            vec!["ResetDevicePin would be Rejected/ActionNotOffered: This device does not offer"],
        ),
        (
            WORK_PROFILE,
            vec![],
            true,
            vec!["supported, ResetWorkProfilePasscode", "UnlockDevice would be Rejected/WorkProfileOnly"],
        ),
        (
            WORK_PROFILE,
            vec!["--action", "ResetWorkProfilePasscode"],
            false,
            vec!["ResetWorkProfilePasscode would be sent"],
        ),
        (
            MAC,
            vec!["--matrix", "intune-2020-07"],
            true,
            vec!["class MacOS (certainty Documented", "unsupported, reason ", "UnlockDevice would be Rejected/"],
        ),
        (MAC, vec!["--matrix", "m.json"], true, vec!["unsupported, reason NotListed (matrix ours 1, no rule)"]),
        (
            IPHONE,
            vec!["--matrix", "m.json"],
            false,
            vec!["supported, RemoveDevicePasscode, reason PasscodeRemoved (matrix ours 1, rule ios)"],
        ),
        (
            IPAD_OF_A_LIST,
            vec![],
            true,
            vec!["device 4: its class cannot be told from this file: it may be a shared iPad"],
        ),
        (
            TOASTER,
            vec![],
            true,
            vec![
                "class Unknown (no row knows such a device)",
                "reported by Intune: operatingSystem \"Toaster\"",
                "unsupported, reason PlatformUnknown",
            ],
        ),
    ] {
        let line = [vec!["--device", "d.json"], options.clone()].concat();
        let (lines, is) = run(&[("d.json", device), ("m.json", &matrix().to_string())], &line);
        assert_eq!(is, refused, "{device} {options:?}: {lines:#?}");
        for said in said {
            assert!(lines.iter().any(|line| line.contains(said)), "{device} {options:?} {said}: {lines:#?}");
        }
    }
}

#[test]
fn a_request_with_a_device() {
    let line = ["-f", "m.json", "--device", "d.json"];
    let with_device = |object: &Value, device| run(&[("m.json", &object.to_string()), ("d.json", device)], &line);
    let (lines, refused) = with_device(&reset(), IPHONE);
    assert!(!refused);
    let last = lines.last().unwrap();
    assert!(last.starts_with("m.json:document 1: with d.json: device 1: UnlockDevice would be sent."), "{last}");
    assert!(with_device(&reset(), WORK_PROFILE).1);
    let named = with(reset(), "spec.action", json!("ResetWorkProfilePasscode"));
    assert!(!with_device(&named, WORK_PROFILE).1);
    let (lines, refused) = with_device(&with(reset(), "spec.dryRun", json!(true)), IPHONE);
    assert!(!refused && lines.last().unwrap().contains("ends Rejected/DryRun"), "{lines:#?}");
}

#[test]
fn a_matrix_that_is_refused_judges_nothing() {
    let bad = with(matrix(), "spec.rules", json!([])).to_string();
    let (lines, refused) = run(&[("d.json", IPHONE), ("m.json", &bad)], &["--device", "d.json", "--matrix", "m.json"]);
    assert!(refused);
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[test]
fn a_file_that_has_no_device_is_told_with_what_is_expected_of_it() {
    let expected =
        "Save what GET https://graph.microsoft.com/beta/deviceManagement/managedDevices/ID answers, as it is";
    for (text, said) in [
        ("", "it is empty"),
        ("kind: PasscodeReset", "this is no JSON: expected value at line 1 column 1"),
        ("[]", "this is JSON, but neither a device nor a list of devices in \"value\""),
        (r#"{"error": {"code": "ResourceNotFound"}}"#, "this is an error of Graph in the place of a device"),
        ("{}", "this is no managedDevice as Graph returns it: its id is missing or cannot be read"),
        (r#"{"value": []}"#, "there is no device in it"),
    ] {
        let found = run(&[("d.json", text)], &["--device", "d.json"]);
        assert_eq!(found, (vec![format!("d.json: {said}. {expected}")], true), "{text}");
    }
}

#[test]
fn a_device_of_v1_is_told_to_say_too_little() {
    let mut device: Value = serde_json::from_str(IPHONE).unwrap();
    let mut lines_of = |version: &str| {
        device["@odata.context"] = format!("https://graph.microsoft.com/{version}/$metadata#deviceManagement").into();
        run(&[("d.json", &device.to_string())], &["--device", "d.json"]).0
    };
    assert!(lines_of("v1.0")[0].starts_with("d.json: warning: it is of v1.0, where some devices cannot be told apart"));
    assert!(lines_of("beta").iter().all(|line| !line.contains("warning")));
}

#[test]
fn a_matrix_file_has_one_matrix() {
    let (lines, refused) =
        run(&[("d.json", IPHONE), ("m.json", &tenant().to_string())], &["--device", "d.json", "--matrix", "m.json"]);
    assert!(refused);
    assert_eq!(lines[1], "m.json: --matrix takes a file with one PlatformSupportMatrix; it has 0");
}
