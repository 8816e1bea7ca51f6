//! What a newer version wrote before the operator was rolled back, on a real API server that has kept the newer definitions.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass};
use k8s_openapi::jiff::Timestamp;
use kube::{Api, api::DynamicObject};
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use world::objects::{HELPDESK, reset, with};

use crate::{
    newer::{self, FIELD, MEMBER, Unknown, definitions, filled, schema, with_fields, with_members},
    whole::process::{Operator, Whole},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Definitions with one member more in each enumeration, and one field more in each object.
async fn install_newer_definitions(whole: &Whole) {
    for (_, _, mut definition) in definitions() {
        let properties = schema(&mut definition);
        let there = properties.clone();
        let has = |part: &&str| there.get(*part).is_some();
        for part in ["spec", "status"].into_iter().filter(|part| has(part)) {
            with_members(&mut properties[part]);
            with_fields(&mut properties[part]);
        }
        whole.plane.apply(&definition.to_string()).await.unwrap();
    }
}

async fn stored(whole: &Whole, kind: &str, plural: &str, name: &str) -> Value {
    let resource = newer::resource(kind, plural);
    let api: Api<DynamicObject> = match kind {
        "PasscodeReset" | "PasscodeResetApproval" => Api::namespaced_with(whole.client.clone(), HELPDESK, &resource),
        _ => Api::all_with(whole.client.clone(), &resource),
    };
    serde_json::to_value(api.get(name).await.unwrap()).unwrap()
}

/// A tenant signs in at the simulator.
fn at(endpoints: &Value, mut object: Value) -> Value {
    if object["kind"] == "IntuneTenant" {
        object["spec"]["endpoints"] = endpoints.clone();
    }
    object
}

/// One object of each kind with the newer field in every object that it has: they are what the others need, too.
async fn an_unknown_field_in_each(whole: &Whole, endpoints: &Value) {
    for (kind, plural, mut definition) in definitions() {
        let properties = schema(&mut definition);
        with_fields(&mut properties["spec"]);
        let name = match kind.as_str() {
            "IntuneTenant" => "filled",
            "PlatformSupportMatrix" | "PasscodeResetPolicy" => "ours",
            _ => "of-filled",
        };
        let mut object = newer::sample(&kind, name, 1, Timestamp::now());
        filled(&mut object["spec"], &properties["spec"]);
        if kind == "PasscodeReset" {
            object = with(object, json!({"tenantRef": {"name": "filled", FIELD: MEMBER}}));
        }
        whole.apply(&at(endpoints, object)).await;
        assert_eq!(stored(whole, &kind, &plural, name).await["spec"][FIELD], json!(MEMBER), "{kind}");
    }
}

async fn each_says_so(whole: &Whole, all: &[Unknown], operator: &Operator) {
    for unknown in all {
        let Unknown { kind, plural, name, .. } = unknown;
        operator.eventually(async || unknown.says_so(&stored(whole, kind, plural, name).await)).await;
    }
}

async fn completes(whole: &Whole, name: &str, number: u32, operator: &Operator) {
    let device = Device::example(DeviceClass::IPhone, number);
    let object = reset(name, device.serial(), Timestamp::now());
    whole.graph.add_device(device);
    whole.apply(&object).await;
    assert_eq!(whole.outcome(name, MINUTE, operator).await.outcome, Some(Outcome::Complete), "{name}");
}

/// Every kind, every enumeration, every object: what this version cannot read says so and stops nobody else, also once the API server serves
/// this version's definitions again, under which those objects are not valid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_plane_what_a_newer_version_wrote_stops_nobody_else() {
    let whole = Whole::start().await;
    install_newer_definitions(&whole).await;
    whole.plane.kubectl(["label", "namespace", HELPDESK, "team=it"]).await.unwrap();
    let endpoints = stored(&whole, "IntuneTenant", "intunetenants", "default").await["spec"]["endpoints"].clone();
    let all = newer::an_unknown_member_of_each(Timestamp::now());
    for (unknown, number) in all.iter().zip(100..) {
        whole.graph.add_device(Device::example(DeviceClass::IPhone, number));
        whole.apply(&at(&endpoints, unknown.object.clone())).await;
    }
    whole.graph.add_device(Device::example(DeviceClass::IPhone, 1));
    an_unknown_field_in_each(&whole, &endpoints).await;

    let operator = whole.operator("first");
    completes(&whole, "beside", 2, &operator).await;
    assert_eq!(whole.outcome("of-filled", MINUTE, &operator).await.outcome, Some(Outcome::Complete));
    each_says_so(&whole, &all, &operator).await;
    operator.eventually(async || operator.get("/readyz").await.0 == 200).await;

    for (_, _, definition) in definitions() {
        whole.plane.apply(&definition.to_string()).await.unwrap();
    }
    completes(&whole, "rolled-back", 3, &operator).await;
    operator.terminate().await;
    let second = whole.operator("second");
    completes(&whole, "restarted", 4, &second).await;
    each_says_so(&whole, &all, &second).await;
    assert_eq!(whole.graph.executed().len(), 4);
    assert!(!second.log().contains(MEMBER), "{}", second.log());
}
