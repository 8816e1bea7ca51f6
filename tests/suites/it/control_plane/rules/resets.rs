//! What a PasscodeReset may say.

use serde_json::json;

use super::{
    ABSENT, Accepted, Case, Refused, case, check,
    manifests::{GUID, reset},
};

const ONE_SELECTOR: &str = "name the device by exactly one of serialNumber, imei, managedDeviceId, azureADDeviceId or";
const NARROWS: &str =
    "deviceName and operatingSystem only narrow userPrincipalName: name the user as well, or leave them";
const SERIAL: &str = "write the serial number in printable ASCII characters, without a space before or behind it";
const IMEI: &str = "write the IMEI as 14 to 17 digits, without spaces or dashes";
const DEVICE_ID: &str = "write managedDeviceId as a GUID, such as 705c034c-034c-705c-4c03-5c704c035c70";
const ENTRA_ID: &str =
    "write azureADDeviceId as a GUID that is not all zeros (many devices share that one), or use another";
const USER: &str = "write userPrincipalName as name@domain, without spaces";
const TENANT: &str = "write tenantRef.name as an object's name: lower-case letters, digits, - and .";
const TOO_LATE: &str = "expirationTime must be at most 168h after requestTime";
const TOO_EARLY: &str = "expirationTime must be after requestTime";

/// The cases.
pub fn cases() -> Vec<Case> {
    [objects(), selectors(), single_selectors(), expirations(), fields()].into_iter().flatten().collect()
}

fn objects() -> Vec<Case> {
    vec![
        case("metadata.name", "a".repeat(63), Accepted),
        case("metadata.name", "a".repeat(64), Refused("metadata.name is too long: use at most 63 characters")),
        case("metadata", json!({"generateName": "inc-"}), Accepted),
        case("metadata.labels", json!({"a.B_c-1": "", "example.com/a": "A.b_c-1"}), Accepted),
        case("metadata.labels", json!({"a": "b".repeat(63), "b".repeat(63): ""}), Accepted),
        case("metadata.labels", json!({"a": "b".repeat(64)}), Refused("must be no more than 63")),
        case("metadata.labels", json!({"b".repeat(64): ""}), Refused("must be no more than 63")),
        case("metadata.labels", json!({"a": "INC 1"}), Refused("a valid label must be")),
        case("metadata.labels", json!({"a": "-x"}), Refused("a valid label must be")),
        case("metadata.labels", json!({"a": "é"}), Refused("a valid label must be")),
        case("metadata.labels", json!({"a b": "x"}), Refused("name part must consist of")),
        case("metadata.labels", json!({"": "x"}), Refused("name part must be non-empty")),
        case("metadata.labels", json!({"a/": "x"}), Refused("name part must be non-empty")),
        case("metadata.labels", json!({"/a": "x"}), Refused("prefix part must be non-empty")),
        case("metadata.labels", json!({"A/a": "x"}), Refused("prefix part a lowercase RFC 1123 subdomain")),
        case("metadata.labels", json!({"a/b/c": "x"}), Refused("a valid label key must consist of")),
        case("metadata.annotations", json!({"Example.com/a.B_c": "anything\nat all ✓"}), Accepted),
        case("metadata.annotations", json!({"a b": "x"}), Refused("name part must consist of")),
        case("metadata.annotations", json!({"a_b/c": "x"}), Refused("prefix part a lowercase RFC 1123 subdomain")),
        case("metadata.annotations", json!({"a": "x".repeat(256 * 1024 - 1)}), Accepted),
        case("metadata.annotations", json!({"a": "x".repeat(256 * 1024)}), Refused("Too long")),
        case("spec", ABSENT, Refused("spec: Required value")),
        case("spec", json!(null), Refused("spec: Required value")),
        case("spec.requestTime", ABSENT, Refused("spec.requestTime: Required value")),
        case("spec.device", ABSENT, Refused("spec.device: Required value")),
        case("spec.phone", "x", Refused("unknown field \"spec.phone\"")),
        case("spec.device.serial", "x", Refused("unknown field \"spec.device.serial\"")),
        case("spec.tenantRef", json!({"namespace": "x"}), Refused("unknown field \"spec.tenantRef.namespace\"")),
    ]
}

fn selectors() -> Vec<Case> {
    let device = |value, expect| case("spec.device", value, expect);
    vec![
        device(json!({"serialNumber": "X"}), Accepted),
        device(json!({"imei": "123456789012345"}), Accepted),
        device(json!({"managedDeviceId": GUID}), Accepted),
        device(json!({"azureADDeviceId": GUID.to_uppercase()}), Accepted),
        device(json!({"userPrincipalName": "a@b"}), Accepted),
        device(json!({"userPrincipalName": "a@b", "deviceName": "Ana's iPad"}), Accepted),
        device(json!({"userPrincipalName": "a@b", "operatingSystem": "iOS"}), Accepted),
        device(json!({"userPrincipalName": "a@b", "deviceName": "x", "operatingSystem": "iOS"}), Accepted),
        device(json!({"userPrincipalName": "a@b", "deviceName": " "}), Refused("write deviceName as Intune shows it")),
        device(
            json!({"userPrincipalName": "a@b", "operatingSystem": " "}),
            Refused("write operatingSystem as Intune does"),
        ),
        device(json!({}), Refused(ONE_SELECTOR)),
        device(json!(null), Refused("spec.device: Required value")),
        // A null is no selector, neither alone nor beside another.
        device(json!({"imei": null}), Refused(ONE_SELECTOR)),
        device(json!({"imei": null, "serialNumber": "X"}), Accepted),
        device(json!({"serialNumber": "X", "imei": "123456789012345"}), Refused(ONE_SELECTOR)),
        device(json!({"managedDeviceId": GUID, "azureADDeviceId": GUID}), Refused(ONE_SELECTOR)),
        device(json!({"serialNumber": "X", "userPrincipalName": "a@b"}), Refused(ONE_SELECTOR)),
        device(json!({"deviceName": "x"}), Refused(ONE_SELECTOR)),
        device(json!({"deviceName": "x"}), Refused(NARROWS)),
        device(json!({"serialNumber": "X", "deviceName": "x"}), Refused(NARROWS)),
        device(json!({"serialNumber": "X", "operatingSystem": "iOS"}), Refused(NARROWS)),
        device(json!("F9FXK0ABCDEF"), Refused("spec.device in body must be of type object")),
    ]
}

fn single_selectors() -> Vec<Case> {
    let only = |name: &str, value: &str, expect| case("spec.device", json!({name: value}), expect);
    let narrowed = |name: &str, value: String, expect| {
        case("spec.device", json!({"userPrincipalName": "a@b", name: value}), expect)
    };
    let zeros = "00000000-0000-0000-0000-000000000000";
    vec![
        only("serialNumber", "with space", Accepted),
        only("serialNumber", "~", Accepted),
        only("serialNumber", " F9FXK0", Refused(SERIAL)),
        only("serialNumber", "F9FXK0 ", Refused(SERIAL)),
        only("serialNumber", &"~".repeat(64), Accepted),
        only("serialNumber", "", Refused(SERIAL)),
        only("serialNumber", "  ", Refused(SERIAL)),
        only("serialNumber", "F9FXK0\n", Refused(SERIAL)),
        only("serialNumber", "Ü", Refused(SERIAL)),
        only("serialNumber", &"x".repeat(65), Refused("spec.device.serialNumber: Too long: may not be more than 64")),
        only("imei", &"1".repeat(14), Accepted),
        only("imei", &"1".repeat(17), Accepted),
        only("imei", &"1".repeat(13), Refused(IMEI)),
        only("imei", &"1".repeat(18), Refused(IMEI)),
        only("imei", "35-209900-176148-1", Refused(IMEI)),
        only("imei", "١٢٣٤٥٦٧٨٩٠١٢٣٤", Refused(IMEI)),
        only("imei", "", Refused(IMEI)),
        only("imei", &"1".repeat(33), Refused("spec.device.imei: Too long: may not be more than 32")),
        case(
            "spec.device",
            json!({"imei": 123_456_789_012_345_i64}),
            Refused("spec.device.imei in body must be of type string"),
        ),
        only("managedDeviceId", &format!("{{{GUID}}}"), Refused(DEVICE_ID)),
        only("managedDeviceId", &GUID.replace('-', ""), Refused(DEVICE_ID)),
        only("managedDeviceId", &format!("{GUID}\n"), Refused(DEVICE_ID)),
        only("managedDeviceId", "", Refused(DEVICE_ID)),
        only("azureADDeviceId", zeros, Refused(ENTRA_ID)),
        only("azureADDeviceId", "x", Refused(ENTRA_ID)),
        only("userPrincipalName", "ana", Refused(USER)),
        only("userPrincipalName", "ana@", Refused(USER)),
        only("userPrincipalName", "a@b@c", Refused(USER)),
        only("userPrincipalName", "ana maria@contoso.com", Refused(USER)),
        only("userPrincipalName", "ana@contoso.com\n", Refused(USER)),
        only("userPrincipalName", "ana\t@contoso.com", Refused(USER)),
        only(
            "userPrincipalName",
            &format!("a@{}", "b".repeat(255)),
            Refused("userPrincipalName: Too long: may not be more"),
        ),
        narrowed(
            "deviceName",
            String::new(),
            Refused("spec.device.deviceName in body should be at least 1 chars long"),
        ),
        // White space that a pattern's \S takes for text.
        narrowed(
            "deviceName",
            "\u{2028}\u{85}\u{b}\u{3000}".to_owned(),
            Refused("write deviceName as Intune shows it"),
        ),
        narrowed("operatingSystem", "\u{a0}\u{2003}".to_owned(), Refused("write operatingSystem as Intune does")),
        narrowed("deviceName", "\u{a0}i".to_owned(), Accepted),
        narrowed("deviceName", "ü".repeat(256), Accepted),
        narrowed("deviceName", "x".repeat(257), Refused("spec.device.deviceName: Too long: may not be more than 256")),
        narrowed("operatingSystem", String::new(), Refused("operatingSystem in body should be at least 1 chars long")),
        narrowed("operatingSystem", "x".repeat(65), Refused("operatingSystem: Too long: may not be more than 64")),
    ]
}

/// requestTime is 2026-11-22T09:00:00Z.
fn expirations() -> Vec<Case> {
    let expires = |time: &str, expect| case("spec.expirationTime", time, expect);
    vec![
        expires("2026-11-22T09:00:01Z", Accepted),
        expires("2026-11-29T09:00:00Z", Accepted),
        // Points in time are compared, not texts.
        expires("2026-11-22T08:00:00-02:00", Accepted),
        expires("2026-11-22T09:00:00Z", Refused(TOO_EARLY)),
        expires("2026-11-22T10:00:00+01:00", Refused(TOO_EARLY)),
        expires("2025-11-23T09:00:00Z", Refused(TOO_EARLY)),
        expires("2026-11-29T09:00:01Z", Refused(TOO_LATE)),
        expires("2027-11-22T09:00:00Z", Refused(TOO_LATE)),
        expires("tomorrow", Refused("write a time such as 2026-11-22T09:00:00Z")),
        case("spec.expirationTime", json!(null), Accepted),
    ]
}

fn fields() -> Vec<Case> {
    let actions =
        ["UnlockDevice", "RemoveDevicePasscode", "ResetDevicePasscode", "ResetWorkProfilePasscode", "ResetDevicePin"];
    let mut cases: Vec<Case> = actions.map(|action| case("spec.action", action, Accepted)).into();
    cases.extend([
        case("spec.action", "Wipe", Refused("supported values: \"UnlockDevice\", \"RemoveDevicePasscode\"")),
        case("spec.action", "unlockDevice", Refused("supported values: \"UnlockDevice\"")),
        case("spec.action", json!(null), Accepted),
        case("spec.dryRun", true, Accepted),
        case("spec.dryRun", json!(null), Accepted),
        case("spec.dryRun", "true", Refused("spec.dryRun in body must be of type boolean")),
        case("spec.justification", "ü".repeat(1024), Accepted),
        case("spec.justification", "", Refused("spec.justification in body should be at least 1 chars long")),
        case(
            "spec.justification",
            "x".repeat(1025),
            Refused("spec.justification: Too long: may not be more than 1024"),
        ),
        case("spec.tenantRef", json!({}), Accepted),
        case("spec.tenantRef", json!(null), Accepted),
        case("spec.tenantRef", json!({"name": null}), Accepted),
        case("spec.tenantRef", json!({"name": "contoso.example-1"}), Accepted),
        case("spec.tenantRef", json!({"name": "Contoso"}), Refused(TENANT)),
        case("spec.tenantRef", json!({"name": "a..b"}), Refused(TENANT)),
        case("spec.tenantRef", json!({"name": "-a"}), Refused(TENANT)),
        case("spec.tenantRef", json!({"name": ""}), Refused(TENANT)),
        case(
            "spec.tenantRef",
            json!({"name": "a".repeat(64)}),
            Refused("spec.tenantRef.name: Too long: may not be more than 63"),
        ),
    ]);
    cases
}

#[tokio::test]
async fn control_plane_rules_of_resets() {
    check(&reset("rules"), &cases()).await;
}
