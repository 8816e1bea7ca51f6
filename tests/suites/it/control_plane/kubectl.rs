//! What people see at the command line.

use std::time::{Duration, Instant};

use passcode_core::api::manifests::definitions;
use serde_json::{Value, json};

use super::{
    rules::manifests::{matrix, reset, tenant},
    server::Server,
};

/// Runs kubectl and returns what it prints.
async fn kubectl(server: &Server, arguments: &str) -> String {
    let output = server.plane.kubectl(arguments.split(' ')).await.unwrap();
    assert!(output.status.success(), "kubectl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The cells of a table, which are two or more spaces apart.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!([{
        "type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-22T09:00:00Z", "observedGeneration": 1,
    }])
}

fn rejected() -> Value {
    json!({"status": {
        "observedGeneration": 1, "outcome": "Rejected", "completionTime": "2026-11-22T09:01:00Z",
        "conditions": ready("False", "PlatformNotSupported", "A Mac has no passcode that Intune could remove."),
        "device": {"managedDeviceId": "705c034c-034c-705c-4c03-5c704c035c70", "platform": "MacOs"},
        "support": {
            "matrix": "intune", "revision": "1", "supported": false, "action": "ResetDevicePin",
            "reason": "PlatformNotSupported",
        },
    }})
}

#[tokio::test]
async fn control_plane_kubectl_shows_the_columns() {
    let server = Server::shared().await;
    let objects = [reset("columns"), tenant("columns"), matrix("columns")];
    for object in &objects {
        server.create(object).await;
    }
    server.patch(&objects[0], "/status", "", &rejected()).await.unwrap();
    let not_ready = json!({"status": {"conditions": ready("False", "TokenRefused", "AADSTS7000215")}});
    server.patch(&objects[1], "/status", "", &not_ready).await.unwrap();

    let table = kubectl(&server, "get pcr columns").await;
    let mut lines = table.lines().map(cells);
    assert_eq!(lines.next().unwrap(), ["NAME", "PLATFORM", "ACTION", "READY", "REASON", "REQUESTED", "AGE"]);
    let row = lines.next().unwrap();
    let expected = ["columns", "MacOs", "ResetDevicePin", "False", "PlatformNotSupported", "2026-11-22T09:00:00Z"];
    assert_eq!(row[..6], expected, "{table}");

    let table = kubectl(&server, "get pcr columns -o wide").await;
    let mut lines = table.lines().map(cells);
    assert_eq!(lines.next().unwrap()[7..], ["DEVICE ID", "MESSAGE"], "{table}");
    let expected = ["705c034c-034c-705c-4c03-5c704c035c70", "A Mac has no passcode that Intune could remove."];
    assert_eq!(lines.next().unwrap()[7..], expected, "{table}");

    let table = kubectl(&server, "get itn columns -o wide").await;
    let mut lines = table.lines().map(cells);
    assert_eq!(lines.next().unwrap(), ["NAME", "TENANT", "SUSPENDED", "READY", "REASON", "AGE", "MESSAGE"]);
    let row = lines.next().unwrap();
    assert_eq!(row[1..5], ["705c034c-034c-705c-4c03-5c704c035c70", "false", "False", "TokenRefused"], "{table}");
    assert_eq!(row[6], "AADSTS7000215", "{table}");

    let table = kubectl(&server, "get psm columns").await;
    let mut lines = table.lines().map(cells);
    assert_eq!(lines.next().unwrap(), ["NAME", "REVISION", "READY", "REASON", "AGE"]);
    assert_eq!(lines.next().unwrap()[..2], ["columns", "2026-11"], "{table}");
}

#[tokio::test]
async fn control_plane_kubectl_knows_the_category_and_the_short_names() {
    let server = Server::shared().await;
    for object in [reset("category"), tenant("category"), matrix("category")] {
        server.create(&object).await;
    }
    let names = kubectl(&server, "get intune -o name").await;
    let ours: Vec<&str> = names.lines().filter(|name| name.ends_with("/category")).collect();
    let expected = [
        "intunetenant.passcode-operator.dev/category",
        "passcodereset.passcode-operator.dev/category",
        "platformsupportmatrix.passcode-operator.dev/category",
    ];
    assert_eq!(ours, expected);
    let short = kubectl(&server, "get pcr,itn,psm -o name").await;
    assert!(expected.iter().all(|name| short.lines().any(|line| line == *name)), "{short}");
}

#[tokio::test]
async fn control_plane_kubectl_selects_by_fields() {
    let server = Server::shared().await;
    let mut first = reset("fields-first");
    first["spec"]["device"]["serialNumber"] = "FIELDS1".into();
    first["spec"]["tenantRef"] = json!({"name": "fields"});
    let mut second = reset("fields-second");
    second["spec"]["device"] = json!({"imei": "123456789012345"});
    second["spec"]["tenantRef"] = json!({"name": "fields"});
    for object in [&first, &second] {
        server.create(object).await;
    }
    let mut ended = rejected();
    ended["status"]["device"]["managedDeviceId"] = "fields-device".into();
    server.patch(&first, "/status", "", &ended).await.unwrap();

    let select = async |selector: &str| {
        let names =
            kubectl(&server, &format!("get pcr -o name --field-selector spec.tenantRef.name=fields,{selector}")).await;
        names.lines().map(|name| name.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(select("spec.device.serialNumber=FIELDS1").await, ["fields-first"]);
    assert_eq!(select("spec.device.serialNumber=").await, ["fields-second"], "an absent field counts as empty");
    assert_eq!(select("status.device.managedDeviceId=fields-device").await, ["fields-first"]);
    assert_eq!(select("status.outcome=Rejected").await, ["fields-first"]);
    assert_eq!(select("status.outcome=").await, ["fields-second"]);
    assert_eq!(select("status.outcome!=").await, ["fields-first"]);

    // Any other field is refused, and the refusal names the field: nobody gets everything instead of a selection.
    let output = server.plane.kubectl(["get", "pcr", "--field-selector", "spec.action=UnlockDevice"]).await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("spec.action"), "{error}");
}

/// The server publishes what it knows of new definitions a moment after it serves their objects.
async fn await_published(server: &Server, name: &str) {
    let begin = Instant::now();
    while !server.plane.kubectl(["explain", name]).await.unwrap().status.success() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{name} is not published");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn control_plane_kubectl_explains() {
    let server = Server::shared().await;
    for name in ["pcr", "itn", "psm"] {
        await_published(&server, name).await;
    }
    let expected = [
        ("pcr", "It is carried out once; a further reset is a further object."),
        ("pcr.spec", "The IntuneTenant in which the device is managed."),
        ("pcr.spec.device", "The IMEI: 14 to 17 digits."),
        ("pcr.status", "Complete, Rejected or Failed; absent until the end"),
        ("itn.spec.allowedNamespaces", "Labels that a namespace must have, all of them."),
        ("itn.spec.limits", "Requests of any kind in any 20 s."),
        ("psm.spec.rules.match", "company or personal."),
    ];
    for (field, sentence) in expected {
        let text = kubectl(&server, &format!("explain {field}")).await;
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains(sentence), "{field}: {text}");
        assert!(!text.contains("<no description>"), "{field}: {text}");
    }
}

/// The places of a schema that have fields, such as `spec.device`.
fn places(schema: &Value, place: &str, found: &mut Vec<String>) {
    let fields = schema["properties"].as_object().or_else(|| schema["items"]["properties"].as_object());
    let Some(fields) = fields else { return };
    found.push(place.to_owned());
    for (name, field) in fields {
        places(field, &format!("{place}.{name}"), found);
    }
}

#[tokio::test]
async fn control_plane_kubectl_explains_every_field() {
    let server = Server::shared().await;
    let mut found = Vec::new();
    for definition in definitions().unwrap() {
        let names = &definition.spec.names;
        let (name, schema) = (names.singular.clone().unwrap(), serde_json::to_value(&definition).unwrap());
        await_published(&server, &name).await;
        places(&schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &name, &mut found);
    }
    assert!(found.len() > 25, "{found:?}");
    for place in found {
        let text = kubectl(&server, &format!("explain {place}")).await;
        assert!(!text.contains("<no description>"), "{place}: {text}");
        let fields = text.split_once("FIELDS:").unwrap().1.trim().split("\n\n");
        fields.filter(|field| !KUBERNETES_OWN.iter().any(|own| field.trim().starts_with(own))).for_each(|field| {
            reads_well(&place, field);
        });
    }
}

/// Fields that every object has.
const KUBERNETES_OWN: [&str; 3] = ["apiVersion\t", "kind\t", "metadata\t"];

/// The description is made of sentences, and its lines were broken by nobody but kubectl.
fn reads_well(place: &str, field: &str) {
    let lines: Vec<_> =
        field.trim().lines().skip(1).map(str::trim).filter(|line| !line.starts_with("enum: ")).collect();
    assert!(lines.last().is_some_and(|line| line.ends_with('.')), "{place}: {field:?}");
    for pair in lines.windows(2) {
        let next = pair[1].split(' ').next().unwrap();
        assert!(pair[0].len() + 1 + next.len() > WIDTH, "{place}: {:?}", pair);
    }
}

/// How long kubectl lets the lines of a description get.
const WIDTH: usize = 76;

/// One wait serves all outcomes.
#[tokio::test]
async fn control_plane_kubectl_waits_for_the_end() {
    let server = Server::shared().await;
    let object = reset("wait");
    server.create(&object).await;
    let wait = "wait pcr/wait --for=jsonpath={.status.completionTime} --timeout";
    let short = server.plane.kubectl(format!("{wait}=1s").split(' ').collect::<Vec<_>>()).await.unwrap();
    assert!(!short.status.success(), "it waits while there is no outcome");

    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.patch(&object, "/status", "", &rejected()).await.unwrap();
    };
    let command = format!("{wait}=20s");
    let (text, ()) = tokio::join!(kubectl(&server, &command), end);
    assert!(text.contains("condition met"), "{text}");
    assert!(
        kubectl(&server, "wait pcr/wait --for=jsonpath={.status.outcome}=Rejected --timeout=5s").await.contains("met")
    );
}
