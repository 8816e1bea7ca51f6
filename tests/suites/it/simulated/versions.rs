//! What a newer version wrote before the operator was rolled back: what this one cannot read stops nobody else, and says so.

use std::time::Duration;

use api_server::{Fault, On, Verb, status};
use graph_simulator::{App, DeviceClass, DevicePlan, EXAMPLE_SECRET, PathClass};
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use world::{
    Replica, World,
    changes::{BY_ITSELF, message},
    objects::{HELPDESK, OPERATOR, reset, tenant, tenant_by, with},
};

use crate::newer::{self, FIELD, MEMBER, Unknown, definitions, filled, schema, with_fields, write};

const SOON: Duration = Duration::from_secs(60);

fn api(world: &World, kind: &str, plural: &str) -> Api<DynamicObject> {
    let resource = newer::resource(kind, plural);
    match kind {
        "PasscodeReset" | "PasscodeResetApproval" => Api::namespaced_with(world.client.clone(), HELPDESK, &resource),
        _ => Api::all_with(world.client.clone(), &resource),
    }
}

async fn create(world: &World, kind: &str, plural: &str, object: Value) {
    let object = serde_json::from_value(object).unwrap();
    api(world, kind, plural).create(&PostParams::default(), &object).await.unwrap();
}

fn sample(world: &World, kind: &str, name: &str, number: u32) -> Value {
    world.device(DeviceClass::IPhone, number);
    newer::sample(kind, name, number, world.now())
}

fn ready(world: &World, kind: &str, name: &str) -> (String, String) {
    newer::ready(&world.api.object(kind, "", name).unwrap())
}

/// Creates an object for each enumeration of each kind, with a member that this version does not know.
async fn an_unknown_member_of_each(world: &World) -> Vec<Unknown> {
    let all = newer::an_unknown_member_of_each(world.now());
    for (unknown, number) in all.iter().zip(100..) {
        world.device(DeviceClass::IPhone, number);
        create(world, &unknown.kind, &unknown.plural, unknown.object.clone()).await;
    }
    all
}

/// Each of them says what cannot be read, and its objects wait.
async fn each_says_so(world: &World, created: &[Unknown]) {
    for unknown in created {
        let Unknown { kind, name, path, .. } = unknown;
        let namespace = if kind.starts_with("PasscodeReset") && kind != "PasscodeResetPolicy" { HELPDESK } else { "" };
        let stored = world.api.object(kind, namespace, name).unwrap();
        assert!(unknown.says_so(&stored), "{kind} {path}: {}", stored["status"]);
        if kind == "IntuneTenant" {
            let (serial, _) = world.device(DeviceClass::IPhone, 50);
            let asks = format!("of-{name}");
            world.create(with(reset(&asks, &serial, world.now()), json!({"tenantRef": {"name": name}}))).await;
            world.held(&asks, "TenantNotReady", &newer::ready(&stored).1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_members_of_enumerations_stop_nobody_else() {
    let world = World::new().await;
    let created = an_unknown_member_of_each(&world).await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    each_says_so(&world, &created).await;
    assert_eq!(world.graph.executed().len(), world.executed(&id));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unknown_members_under_a_running_leader_stop_nobody_else() {
    let world = World::new().await;
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    let created = an_unknown_member_of_each(&world).await;
    tokio::time::sleep(SOON).await;
    each_says_so(&world, &created).await;
    // What is created or changed after them is still seen.
    world.create_tenant(tenant("second")).await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    world.create(with(reset("inc", &serial, world.now()), json!({"tenantRef": {"name": "second"}}))).await;
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    world.change_tenant("default", json!({"suspend": true})).await;
    let (serial, _) = world.device(DeviceClass::IPhone, 2);
    world.create(reset("late", &serial, world.now())).await;
    world.held("late", "Suspended", "spec.suspend").await;
    replica.stop().await;
}

/// A tenant that becomes unreadable in use, and readable again: its objects wait and go on.
#[tokio::test(start_paused = true)]
async fn a_tenant_goes_on_once_it_can_be_read() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let (flying, followed) = world.device(DeviceClass::IPhone, 2);
    world.graph.change_device(&followed, |device| {
        device.plan = DevicePlan { delay: Some(Duration::from_secs(300)), ..DevicePlan::default() };
    });
    let replica = world.replica("a");
    world.create(reset("flying", &flying, world.now())).await;
    world.until("flying", SOON, |status| status.reason() == "WaitingForDevice").await;
    let tenants = api(&world, "IntuneTenant", "intunetenants");
    let change = async |value: &str| {
        let patch = Patch::Merge(json!({"spec": {"unknownOutcome": value}}));
        tenants.patch("default", &PatchParams::default(), &patch).await.unwrap();
    };
    change("AskSomebody").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.create(reset("inc", &serial, world.now())).await;
    let status = world.held("inc", "TenantNotReady", "cannot read spec.unknownOutcome").await;
    assert_eq!(status.effective, None, "nothing is pinned that was not read");
    tokio::time::sleep(Duration::from_secs(1200)).await;
    assert!(world.status("flying").await.outcome.is_none());
    assert_eq!(world.executed(&id), 0);
    change("Fail").await;
    world.ends("inc", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    world.ends("flying", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_in_every_object_change_nothing() {
    let world = World::empty().await;
    world.label(HELPDESK, "team", Some("it")).await;
    for (kind, plural, mut definition) in definitions() {
        let properties = schema(&mut definition);
        assert!(with_fields(&mut properties["spec"]) > 1, "{kind}");
        let has_status = properties.get("status").is_some();
        assert!(!has_status || with_fields(&mut properties["status"]) > 1, "{kind}");
        let name = match kind.as_str() {
            "IntuneTenant" => "default",
            "PlatformSupportMatrix" | "PasscodeResetPolicy" => "ours",
            _ => "inc",
        };
        let mut object = sample(&world, &kind, name, 1);
        filled(&mut object["spec"], &properties["spec"]);
        object["status"] = json!({FIELD: MEMBER, "conditions": []});
        world.api.register(serde_json::from_value(definition).unwrap());
        create(&world, &kind, &plural, object.clone()).await;
        if !has_status {
            continue;
        }
        let patch = Patch::Merge(json!({"status": object["status"]}));
        let stored = api(&world, &kind, &plural).patch_status(name, &PatchParams::default(), &patch).await.unwrap();
        assert_eq!((&stored.data["spec"][FIELD], &stored.data["status"][FIELD]), (&json!(MEMBER), &json!(MEMBER)));
    }
    let replica = world.replica("a");
    world.ends("inc", SOON, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(ready(&world, "IntuneTenant", "default").0, "Ready");
    assert_eq!(ready(&world, "PlatformSupportMatrix", "ours").0, "Ready");
    // A rule without a condition that this version does not know would be about more requests.
    assert_eq!(ready(&world, "PasscodeResetPolicy", "ours").0, "InvalidPolicy");
    assert_eq!(world.graph.executed().len(), 1);
    replica.stop().await;
}

/// An unreadable matrix concerns the tenants that refer to it, and no others.
#[tokio::test(start_paused = true)]
async fn an_unreadable_matrix_concerns_those_that_refer_to_it() {
    let world = World::new().await;
    let of_matrices = definitions().into_iter().find(|(kind, ..)| kind == "PlatformSupportMatrix");
    let (_, _, mut definition) = of_matrices.unwrap();
    with_fields(&mut schema(&mut definition)["spec"]);
    world.api.register(serde_json::from_value(definition).unwrap());
    let bad = [("action", "/spec/rules/0/action"), ("match.newer", "/spec/rules/0/match/newer")];
    for (number, (_, path)) in bad.iter().enumerate() {
        let mut matrix = sample(&world, "PlatformSupportMatrix", &format!("ours-{number}"), 0);
        write(&mut matrix, path, "RemoveEveryPasscode");
        create(&world, "PlatformSupportMatrix", "platformsupportmatrices", matrix).await;
        let refers = json!({"platformSupportMatrixRef": {"name": format!("ours-{number}")}});
        world.create_tenant(with(tenant(&format!("refers-{number}")), refers)).await;
    }
    let replica = world.replica("a");
    world.tenant_becomes("default", "Ready").await;
    for (number, (place, _)) in bad.iter().enumerate() {
        let sentence = world.tenant_becomes(&format!("refers-{number}"), "MatrixNotReady").await;
        assert!(sentence.contains(&format!("cannot read spec.rules[0].{place}")), "{sentence}");
        let spec = sample(&world, "PlatformSupportMatrix", "", 0)["spec"].clone();
        let matrices = api(&world, "PlatformSupportMatrix", "platformsupportmatrices");
        let mut patch = json!({"spec": spec});
        patch["spec"]["rules"][0]["match"]["newer"] = Value::Null;
        matrices.patch(&format!("ours-{number}"), &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        world.tenant_becomes(&format!("refers-{number}"), "Ready").await;
    }
    replica.stop().await;
}

/// There is no sign-in that is taken where none is known: it would show Entra, or whoever is in its place, a token that nobody chose.
#[tokio::test(start_paused = true)]
async fn an_unknown_kind_of_sign_in_is_none() {
    let mut world = World::empty().await;
    let directory = tempfile::tempdir().unwrap();
    world.token_file = directory.path().join("token");
    std::fs::write(&world.token_file, "the pod's own").unwrap();
    let (_, _, mut definition) = definitions().into_iter().find(|(kind, ..)| kind == "IntuneTenant").unwrap();
    schema(&mut definition)["spec"]["properties"]["auth"]["properties"]["passkey"] =
        json!({"type": "object", "properties": {}});
    world.api.register(serde_json::from_value(definition).unwrap());
    let newer = with(tenant("default"), json!({"auth": {"passkey": {}}}));
    create(&world, "IntuneTenant", "intunetenants", newer).await;
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc", &serial, world.now())).await;
    world.held("inc", "TenantNotReady", "spec.auth names no kind of sign-in").await;
    assert_eq!(world.tenant_says("default").await.0, "InvalidConfiguration");
    assert!(world.graph.requests().is_empty());
    world.change_tenant("default", json!({"auth": {"clientSecretRef": {"name": "graph-credentials"}}})).await;
    world.ends("inc", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    replica.stop().await;
}

/// A device lock that cannot be read holds its device, and says so.
#[tokio::test(start_paused = true)]
async fn an_unreadable_lock_holds_its_device_only() {
    let world = World::new().await;
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    world.graph.change_device(&id, |device| device.plan = DevicePlan::never());
    let first = world.replica("a");
    world.create(reset("first", &serial, world.now())).await;
    world.until("first", SOON, |status| status.reason() == "WaitingForDevice").await;
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> = Api::namespaced(world.client.clone(), OPERATOR);
    let all = leases.list(&Default::default()).await.unwrap();
    let lock = all.items.iter().find_map(|lease| lease.metadata.name.clone().filter(|n| n.starts_with("device-")));
    let annotations = json!({"passcode-operator.dev/send-deadline": "tomorrow"});
    let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
    leases.patch(&lock.unwrap(), &PatchParams::default(), &patch).await.unwrap();
    first.stop().await;
    // The entry that would answer is not shown, so that the lock is what decides.
    world.graph.script(graph_simulator::Rule::on(PathClass::Read, graph_simulator::Fault::empty_ledger()).device(&id));
    let second = world.replica("b");
    let (other, _) = world.device(DeviceClass::IPhone, 2);
    world.create(reset("other", &other, world.now())).await;
    world.ends("other", SOON, Outcome::Complete, "PasscodeRemoved").await;
    world.create(reset("same", &serial, world.now() + Duration::from_secs(1))).await;
    let status =
        world.held("same", "DeviceBusy", "has no readable annotation passcode-operator.dev/send-deadline").await;
    assert!(message(&status).contains("cannot be told"), "{}", message(&status));
    assert_eq!(world.executed(&id), 1);
    second.stop().await;
}

async fn get(world: &World, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(world.listen.unwrap()).await.unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

fn listening(world: &mut World) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.listen = Some(free.local_addr().unwrap());
}

/// Whoever asks why nothing happens is told, also by a replica that cannot lead.
#[tokio::test(start_paused = true)]
async fn a_replica_that_cannot_lead_says_why() {
    let mut world = World::new().await;
    listening(&mut world);
    let lists = On::any().resource("intunetenants").when(|call| call.verb == Verb::List);
    world.api.caller("a").fault(lists.always(), Fault::Fail(status(403, "Forbidden", "lists are forbidden")));
    let replica = world.replica("a");
    tokio::time::sleep(SOON).await;
    let ready = get(&world, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("cannot take part in the election of a leader: not allowed by the API server"), "{ready}");
    assert!(get(&world, "/metrics").await.contains("passcode_operator_cannot_lead_bool 1"));
    world.api.caller("a").clear_faults();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(get(&world, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get(&world, "/metrics").await.contains("passcode_operator_cannot_lead_bool 0"));
    // One that could until now waits a minute with it.
    world
        .api
        .caller("a")
        .fault(On::any().resource("leases").always(), Fault::Fail(status(500, "InternalError", "etcd is down")));
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(get(&world, "/readyz").await.starts_with("HTTP/1.1 200"));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let ready = get(&world, "/readyz").await;
    assert!(ready.contains("cannot take part in the election"), "{ready}");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_does_not_exist_is_named() {
    let mut world = World::new().await;
    listening(&mut world);
    let (mut environment, plug) = world.environment("a");
    environment.namespace = "nowhere".to_owned();
    let replica = Replica::start((environment, plug));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let ready = get(&world, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("the namespace \"nowhere\" does not exist"), "{ready}");
    world.api.create_namespace("nowhere", &[]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(get(&world, "/readyz").await.starts_with("HTTP/1.1 200"));
    replica.stop().await;
}

/// One tenant's sign-in hangs for half a minute each time: that delays neither another's suspension, nor its own, nor a matrix.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_hangs_delays_no_spec() {
    let world = World::new().await;
    let client = "11111111-0000-4000-8000-0000000000aa";
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.graph.add_app(graph_simulator::EXAMPLE_TENANT, App::new(client).with_secret(EXAMPLE_SECRET));
    world.graph.script(graph_simulator::Rule::on(PathClass::Token, graph_simulator::Fault::hang()));
    world.create_tenant(tenant_by("other", client, json!({"clientSecretRef": {"name": "graph-credentials"}}))).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.change_tenant("default", json!({"suspend": true})).await;
    world.change_tenant("other", json!({"suspend": true})).await;
    create(
        &world,
        "PlatformSupportMatrix",
        "platformsupportmatrices",
        sample(&world, "PlatformSupportMatrix", "ours", 0),
    )
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for name in ["default", "other"] {
        let tenant = world.tenant(name).await;
        assert_eq!(tenant.status.unwrap().observed_generation, tenant.metadata.generation, "{name}");
    }
    assert_eq!(world.tenant_says("other").await.0, "SigningIn");
    assert_eq!(world.tenant_says("default").await.0, "Ready");
    assert_eq!(ready(&world, "PlatformSupportMatrix", "ours").0, "Ready");
    world.create(reset("inc", &serial, world.now())).await;
    world.held("inc", "Suspended", "spec.suspend").await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(world.graph.executed().is_empty());
    world.tenant_becomes("other", "Unreachable").await;
    replica.stop().await;
}
