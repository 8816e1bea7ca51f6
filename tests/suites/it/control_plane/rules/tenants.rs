//! What an IntuneTenant may say.

use serde_json::{Value, json};

use super::{
    ABSENT, Accepted, Case, Refused, case, check,
    manifests::{GUID, endpoints, tenant},
};

const SIGN_IN: &str =
    "sign in by exactly one of workloadIdentity, managedIdentity, clientSecretRef or clientCertificateRef";
const SECRET: &str = "write clientSecretRef.name as an object's name";
const CERTIFICATE: &str = "write clientCertificateRef.name as an object's name";
const IDENTITY: &str = "auth.managedIdentity.clientId must be the tenant's clientId: leave it out";
const KEY: &str = "write clientSecretRef.key as the name of a key in a Secret: letters, digits, -, _ and .";
const OTHER_GUID: &str = "11111111-2222-3333-4444-555555555555";
const MATRIX: &str = "write platformSupportMatrixRef.name as an object's name";
const GRAPH: &str = "write graph as an https origin without a path, such as https://graph.example.test";
const AUTHORITY: &str = "write authority as an https origin without a path, such as https://login.example.test";
const LENGTH: &str = "write a length of time in hours, minutes and seconds, such as 168h";
const SHORT: &str =
    "timing is too short for a tenant without endpoints: 2 * clockError + sendGrace + ledgerLag must be at least 60s";
const INTERVAL: &str =
    "minInterval must be 0s or at least 30s + 2 * timing.clockError + timing.sendGrace + timing.ledgerLag";
const ORDER: [&str; 4] = ["clockError", "sendGrace", "ledgerLag", "ledgerClockError"];

/// The cases.
pub fn cases() -> Vec<Case> {
    [identity(), sign_in(), places(), limits(), intervals(), timing(), defaults()].into_iter().flatten().collect()
}

fn identity() -> Vec<Case> {
    let tenant_id = "write tenantId as a GUID (Entra admin center, Overview, Tenant ID)";
    let client_id = "write clientId as a GUID (the app registration's Application (client) ID)";
    vec![
        case("metadata.name", "contoso.onmicrosoft.com", Accepted),
        case("metadata.name", "a".repeat(63), Accepted),
        // Resets and their status name it, with at most 63 characters.
        case("metadata.name", "a".repeat(64), Refused("use at most 63 characters, for example the tenant's domain")),
        case("spec.tenantId", GUID.to_uppercase(), Accepted),
        case("spec.tenantId", "contoso.onmicrosoft.com", Refused(tenant_id)),
        case("spec.tenantId", "common", Refused(tenant_id)),
        case("spec.tenantId", format!("{{{GUID}}}"), Refused(tenant_id)),
        case("spec.tenantId", "", Refused(tenant_id)),
        case("spec.tenantId", "x".repeat(65), Refused("spec.tenantId: Too long: may not be more than 64")),
        case("spec.tenantId", ABSENT, Refused("spec.tenantId: Required value")),
        case("spec.clientId", "my-app", Refused(client_id)),
        case("spec.clientId", "x".repeat(65), Refused("spec.clientId: Too long: may not be more than 64")),
        case("spec.clientId", ABSENT, Refused("spec.clientId: Required value")),
        case("spec.secret", "x", Refused("unknown field \"spec.secret\"")),
        case("spec.limits", json!({"writes": 1}), Refused("unknown field \"spec.limits.writes\"")),
    ]
}

fn sign_in() -> Vec<Case> {
    let auth = |value, expect| case("spec.auth", value, expect);
    let secret = |name: &str, key: &str| json!({"clientSecretRef": {"name": name, "key": key}});
    vec![
        auth(json!({"workloadIdentity": {}}), Accepted),
        auth(json!({"clientSecretRef": {"name": "graph"}}), Accepted),
        auth(json!({"clientSecretRef": {"name": "graph", "key": null}}), Accepted),
        auth(secret("graph.credentials-1", "tls_key.pem"), Accepted),
        auth(secret(&"a".repeat(253), &"a".repeat(253)), Accepted),
        auth(json!({"workloadIdentity": null, "clientSecretRef": {"name": "graph"}}), Accepted),
        auth(json!({}), Refused(SIGN_IN)),
        auth(json!({"workloadIdentity": null}), Refused(SIGN_IN)),
        auth(json!({"workloadIdentity": {}, "clientSecretRef": {"name": "graph"}}), Refused(SIGN_IN)),
        auth(json!(ABSENT), Refused("spec.auth: Required value")),
        auth(json!({"managedIdentity": {}}), Accepted),
        auth(json!({"managedIdentity": {"clientId": GUID.to_uppercase()}}), Accepted),
        auth(json!({"managedIdentity": {"clientId": OTHER_GUID}}), Refused(IDENTITY)),
        auth(json!({"managedIdentity": {"clientId": "mine"}}), Refused(IDENTITY)),
        auth(json!({"managedIdentity": {}, "workloadIdentity": {}}), Refused(SIGN_IN)),
        auth(json!({"clientCertificateRef": {"name": "graph-tls"}}), Accepted),
        auth(json!({"clientCertificateRef": {}}), Refused("spec.auth.clientCertificateRef.name: Required value")),
        auth(json!({"clientCertificateRef": {"name": "Graph"}}), Refused(CERTIFICATE)),
        auth(
            json!({"clientCertificateRef": {"name": "a".repeat(254)}}),
            Refused("clientCertificateRef.name: Too long: may not be more than 253"),
        ),
        auth(json!({"clientCertificateRef": {"name": "a"}, "clientSecretRef": {"name": "b"}}), Refused(SIGN_IN)),
        auth(json!({"clientSecretRef": {"key": "x"}}), Refused("spec.auth.clientSecretRef.name: Required value")),
        auth(secret("Graph", "x"), Refused(SECRET)),
        auth(secret("helpdesk/graph", "x"), Refused(SECRET)),
        auth(secret(&"a".repeat(254), "x"), Refused("clientSecretRef.name: Too long: may not be more than 253")),
        auth(secret("graph", "client secret"), Refused(KEY)),
        auth(secret("graph", ""), Refused(KEY)),
        auth(secret("graph", &"a".repeat(254)), Refused("clientSecretRef.key: Too long: may not be more than 253")),
    ]
}

fn with_endpoint(name: &str, value: &str) -> Value {
    let mut endpoints = endpoints();
    endpoints[name] = value.into();
    endpoints
}

fn places() -> Vec<Case> {
    let mut cases: Vec<Case> =
        ["Global", "USGov", "USGovDoD", "China"].map(|cloud| case("spec.cloud", cloud, Accepted)).into();
    cases.extend([
        case("spec.cloud", json!(null), Accepted),
        case("spec.cloud", "Germany", Refused("supported values: \"Global\", \"USGov\", \"USGovDoD\", \"China\"")),
        case("spec.endpoints", endpoints(), Accepted),
        case("spec.endpoints", json!({"graph": "https://a"}), Refused("spec.endpoints.authority: Required value")),
        case("spec.endpoints", json!({"authority": "https://a"}), Refused("spec.endpoints.graph: Required value")),
        case("spec.endpoints", with_endpoint("caBundle", &"x".repeat(131_072)), Accepted),
        case(
            "spec.endpoints",
            with_endpoint("caBundle", ""),
            Refused("caBundle in body should be at least 1 chars long"),
        ),
        case(
            "spec.endpoints",
            with_endpoint("caBundle", &"x".repeat(131_073)),
            Refused("caBundle: Too long: may not be more"),
        ),
        case("spec", with_cloud("Global"), Accepted),
        case("spec", with_cloud("China"), Refused("endpoints takes the place of cloud: leave cloud out")),
        case("spec.platformSupportMatrixRef", json!({"name": "intune-2026"}), Accepted),
        case("spec.platformSupportMatrixRef", json!(null), Accepted),
        case("spec.platformSupportMatrixRef", json!({}), Refused("spec.platformSupportMatrixRef.name: Required value")),
        case("spec.platformSupportMatrixRef", json!({"name": "Intune"}), Refused(MATRIX)),
        case(
            "spec.platformSupportMatrixRef",
            json!({"name": "a".repeat(64)}),
            Refused("Too long: may not be more than 63"),
        ),
    ]);
    let refused = [
        "http://graph.example.test",
        "https://graph.example.test/",
        "https://graph.example.test/v1.0",
        "https://graph.example.test?x",
        "https://user@graph.example.test",
        "https://graph.example.test:",
        "https://:8443",
        "https://",
        "HTTPS://graph.example.test",
        "graph.example.test",
        "https://graph.example.test\n",
        "",
    ];
    for (name, sentence) in [("graph", GRAPH), ("authority", AUTHORITY)] {
        cases.push(case("spec.endpoints", with_endpoint(name, "https://10.0.0.1:65535"), Accepted));
        cases.extend(refused.map(|origin| case("spec.endpoints", with_endpoint(name, origin), Refused(sentence))));
        let long = format!("https://{}", "a".repeat(249));
        cases.push(case("spec.endpoints", with_endpoint(name, &long), Refused("Too long: may not be more than 256")));
    }
    cases
}

fn with_cloud(cloud: &str) -> Value {
    let mut spec = tenant("x")["spec"].clone();
    spec["endpoints"] = endpoints();
    spec["cloud"] = cloud.into();
    spec
}

fn limits() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["requestsPer20s", "writesPer20s", "resetsPerHour"] {
        let limit = |value: Value, expect| case("spec.limits", json!({name: value}), expect);
        cases.extend([
            limit(json!(1), Accepted),
            limit(json!(100_000), Accepted),
            limit(json!(5.0), Accepted),
            limit(json!(null), Accepted),
            limit(json!(0), Refused("in body should be greater than or equal to 1")),
            limit(json!(-1), Refused("in body should be greater than or equal to 1")),
            limit(json!(100_001), Refused("in body should be less than or equal to 100000")),
            limit(json!(5_000_000_000_i64), Refused("in body should be less than or equal to 100000")),
            limit(json!(1.5), Refused("Checked value must be of type integer")),
            limit(json!("100"), Refused("in body must be of type integer: \"string\"")),
        ]);
    }
    cases.extend([
        case("spec.limits", json!({}), Accepted),
        case("spec.limits", json!(null), Accepted),
        case("spec.suspend", true, Accepted),
        case("spec.suspend", "yes", Refused("spec.suspend in body must be of type boolean")),
        case("spec.unknownOutcome", "Look", Accepted),
        case("spec.unknownOutcome", "Fail", Accepted),
        case("spec.unknownOutcome", "Retry", Refused("supported values: \"Look\", \"Fail\"")),
    ]);
    cases
}

fn intervals() -> Vec<Case> {
    let interval = |length: &str, expect| case("spec.minInterval", length, expect);
    let mut spec = tenant("x")["spec"].clone();
    spec["minInterval"] = "311s".into();
    spec["timing"] = json!({"ledgerLag": "122s"});
    vec![
        interval("0s", Accepted),
        interval("0h0m", Accepted),
        interval("310s", Accepted),
        interval("168h", Accepted),
        interval("309s", Refused(INTERVAL)),
        interval("1s", Refused(INTERVAL)),
        interval("168h1s", Refused("write minInterval as a length of time from 0s to 168h")),
        interval("7d", Refused(LENGTH)),
        interval("-1h", Refused(LENGTH)),
        case("spec.minInterval", json!(null), Accepted),
        case("spec", spec, Refused(INTERVAL)),
        case("spec.timing", json!({"ledgerLag": "1h"}), Refused(INTERVAL)),
    ]
}

fn timing() -> Vec<Case> {
    let timing = |value, expect| case("spec.timing", value, expect);
    let lengths = |lengths: [&str; 4]| -> Value {
        ORDER.into_iter().zip(lengths).map(|(n, v)| (n.to_owned(), json!(v))).collect()
    };
    let mut test_set_up = tenant("x")["spec"].clone();
    test_set_up["endpoints"] = endpoints();
    test_set_up["timing"] = lengths(["1s", "1s", "1s", "0s"]);
    let mut cases = vec![
        timing(json!({}), Accepted),
        timing(json!({"clockError": null}), Accepted),
        timing(lengths(["5s", "25s", "25s", "0s"]), Accepted),
        timing(lengths(["5s", "25s", "25s", "30m"]), Accepted),
        timing(lengths(["5s", "25s", "24999ms", "0s"]), Refused(SHORT)),
        timing(lengths(["1s", "1s", "1s", "0s"]), Refused(SHORT)),
        case("spec", test_set_up, Accepted),
    ];
    let bounds = [
        ("clockError", ["999ms", "301s"], "write clockError as a length of time from 1s to 5m"),
        ("sendGrace", ["999ms", "3601s"], "write sendGrace as a length of time from 1s to 1h"),
        ("ledgerLag", ["999ms", "3601s"], "write ledgerLag as a length of time from 1s to 1h"),
    ];
    for (name, outside, sentence) in bounds {
        cases.extend(outside.map(|length| timing(json!({name: length}), Refused(sentence))));
        cases.push(timing(json!({name: "1d"}), Refused(LENGTH)));
    }
    cases.push(timing(
        json!({"ledgerClockError": "1801s"}),
        Refused("write ledgerClockError as a length of time from 0s to 30m"),
    ));
    cases
}

fn defaults() -> Vec<Case> {
    let defaults = |value, expect| case("spec.defaults", value, expect);
    let window = "write issueWindow as a length of time from 1m to 168h";
    let timeout = "write completionTimeout as a length of time from 1m to 2160h";
    vec![
        defaults(json!({}), Accepted),
        defaults(json!({"issueWindow": "1m", "completionTimeout": "1m"}), Accepted),
        defaults(json!({"issueWindow": "168h", "completionTimeout": "2160h"}), Accepted),
        defaults(json!({"issueWindow": "59s"}), Refused(window)),
        defaults(json!({"issueWindow": "169h"}), Refused(window)),
        defaults(json!({"issueWindow": "7d"}), Refused(LENGTH)),
        defaults(json!({"completionTimeout": "0s"}), Refused(timeout)),
        defaults(json!({"completionTimeout": "2161h"}), Refused(timeout)),
        defaults(json!({"completionTimeout": "90d"}), Refused(LENGTH)),
    ]
}

#[tokio::test]
async fn control_plane_rules_of_tenants() {
    check(&tenant("rules"), &cases()).await;
}
