//! The definitions are replaced by older ones while the operator runs: nothing is sent, and outcomes are still written.

use std::{path::Path, time::Duration};

use graph_simulator::{Device, DeviceClass, planted};
use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps},
    jiff::SignedDuration,
};
use passcode_core::api::{Time, manifests};
use serde_json::json;

use super::{LONG, declaration, from_now};
use crate::{
    audit::{Terms, judge},
    processes::{
        cluster::{Cluster, serve_definition},
        intune::{Bounds, Intune},
        program::Program,
    },
    report::Tally,
};

const BOUNDS: Bounds = Bounds { send_grace: 3, ledger_lag: 5 };
const LAG: Duration = Duration::from_secs(4);
/// How long nothing may be sent: a claim is refused at once, and tried again every few seconds.
const QUIET: Duration = Duration::from_secs(8);

/// First a definition without the claim, then one without a field of it; after each the current one again.
pub async fn under_a_running_operator(operator: &Path) -> Tally {
    let intune = Intune::serve(BOUNDS, LAG).await;
    let cluster = Cluster::start().await;
    cluster.apply(&intune.tenant(json!({}))).await;
    let _operator = Program::operator(&cluster, &[&intune], "operator", operator).started();
    cluster.tenant_is_ready("default").await;
    let mut tally = Tally::default();
    for (round, older) in [(0, without("attempt", None)), (10, without("attempt", Some("seenStartTimes")))] {
        tally += downgraded(&intune, &cluster, round, &older).await;
    }
    let arrives_within = SignedDuration::from_secs(i64::try_from(BOUNDS.send_grace).unwrap());
    tally += judge(&cluster.records(&intune, &[]).await, Terms { all_end: true, arrives_within });
    // The older definition has no place for it, and that is all that was forgotten.
    tally.violations.retain(|violation| !violation.ends_with("the attempt is forgotten"));
    tally
}

/// One downgrade, with a request in flight, one that Intune does not show yet, one that is new, and one that is refused.
async fn downgraded(intune: &Intune, cluster: &Cluster, round: u32, older: &CustomResourceDefinition) -> Tally {
    let name = |word: &str| format!("{word}-{round}");
    let phone = |number: u32, answer| intune.phone(round + number, Duration::from_secs(answer));
    let (in_flight, hidden, new) = (phone(1, 12), phone(2, 1), phone(3, 1));
    // An entry of long ago: then every field of a claim has something to say.
    let long_ago = Time(from_now(-86_400)).to_string();
    intune.simulator.plant_entry(&new, planted::reset(&long_ago, "done", ""));
    let mac = intune.simulator.add_device(Device::example(DeviceClass::MacBook, round));

    for (word, device) in [("in-flight", &in_flight), ("hidden", &hidden)] {
        cluster.declare(&declaration(&name(word), device, from_now(-1))).await;
        cluster.status_when(&name(word), LONG, |status| status.reason() == "WaitingForDevice").await;
    }
    serve_definition(cluster, older).await;
    cluster.declare(&declaration(&name("new"), &new, from_now(-1))).await;
    cluster.declare(&declaration(&name("mac"), &mac, from_now(-1))).await;
    let mut tally = Tally::default();
    for (word, end) in [("mac", "Rejected"), ("hidden", "Complete"), ("in-flight", "Complete")] {
        let came = cluster.ends(&name(word), LONG).await;
        if !came.starts_with(end) {
            tally.violations.push(format!("{} ended {came}, not {end}", name(word)));
        }
    }
    tokio::time::sleep(QUIET).await;
    if intune.carried_out(&new) != 0 {
        tally.violations.push(format!("{} was sent under an older definition", name("new")));
    }
    serve_definition(cluster, &current()).await;
    cluster.ends(&name("new"), LONG).await;
    for (word, device) in [("in-flight", &in_flight), ("hidden", &hidden), ("new", &new)] {
        let times = intune.carried_out(device);
        if times != 1 {
            tally.violations.push(format!("the phone of {} was reset {times} times", name(word)));
        }
    }
    tally
}

fn current() -> CustomResourceDefinition {
    let mut all = manifests::definitions().unwrap().into_iter();
    all.find(|definition| definition.spec.names.kind == "PasscodeReset").unwrap()
}

/// The definition of a version that did not know a field of the status yet, or a field of that.
fn without(field: &str, of_it: Option<&str>) -> CustomResourceDefinition {
    let mut definition = current();
    let schema = definition.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
    let status = properties(schema).get_mut("status").unwrap();
    match of_it {
        None => properties(status).remove(field),
        Some(inner) => properties(properties(status).get_mut(field).unwrap()).remove(inner),
    }
    .unwrap();
    definition
}

fn properties(schema: &mut JSONSchemaProps) -> &mut std::collections::BTreeMap<String, JSONSchemaProps> {
    schema.properties.as_mut().unwrap()
}
