//! A namespace moves to another cluster: its objects are exported without their status and applied there, where they are new.

use std::{path::Path, time::Duration};

use k8s_openapi::jiff::SignedDuration;
use passcode_operator::api::Time;
use serde_json::{Value, json};
use world::objects::with;

use super::{LONG, declaration, from_now};
use crate::{
    audit::{Terms, judge},
    processes::{
        cluster::Cluster,
        intune::{Bounds, Intune},
        program::Program,
    },
    report::Tally,
};

const BOUNDS: Bounds = Bounds { send_grace: 3, ledger_lag: 9 };
/// Within the bounds, and long enough for a hasty operator to be faster than Intune.
const LAG: Duration = Duration::from_secs(8);

/// As the document says: the old operator has ended, and the settle window has passed, before the new one starts.
pub async fn in_order(operator: &Path) -> Tally {
    let (intune, old, new) = two_clusters().await;
    let mut first = Program::operator(&old, "first", operator).started();
    old.tenant_is_ready("default").await;
    let phone = |number, answer| intune.phone(number, Duration::from_secs(answer));
    let (done, waiting, hidden, unsent) = (phone(1, 1), phone(2, 30), phone(3, 1), phone(4, 1));
    let (late, again) = (phone(5, 1), phone(6, 1));
    intune.simulator.change_device(&done, |phone| phone.ledger.lag = Some(Duration::from_millis(500).into()));
    intune.simulator.reset_by_hand(&again, from_now(-300));
    let expiry = json!({"expirationTime": Time(from_now(-3600)).floor_to_second()});
    let objects = [
        declaration("done", &done, from_now(-1)),
        declaration("waiting", &waiting, from_now(-1)),
        with(declaration("late", &late, from_now(-7200)), expiry),
        declaration("again", &again, from_now(-1)),
        declaration("unsent", &unsent, from_now(30)),
        declaration("hidden", &hidden, from_now(-1)),
    ];
    for object in &objects {
        old.declare(object).await;
    }
    old.ends("done", LONG).await;
    for name in ["late", "again"] {
        old.ends(name, LONG).await;
    }
    for name in ["waiting", "hidden"] {
        old.status_when(name, LONG, |status| status.reason() == "WaitingForDevice").await;
    }
    first.terminate().await;
    for object in exported(&old).await {
        new.apply(&object).await;
    }
    tokio::time::sleep(BOUNDS.settle_window()).await;
    let _second = Program::operator(&new, "second", operator).started();
    let mut tally = Tally::default();
    for (name, end) in [
        ("done", "Complete/Adopted"),
        ("hidden", "Complete/Adopted"),
        ("late", "Rejected/Expired"),
        ("again", "Rejected/RecentlyReset"),
        ("waiting", "Complete/Adopted"),
        ("unsent", "Complete/PasscodeRemoved"),
    ] {
        let came = new.ends(name, LONG).await;
        if came != end {
            tally.violations.push(format!("{name} ended {came}, not {end}"));
        }
    }
    for (device, expected) in [(&done, 1), (&waiting, 1), (&hidden, 1), (&unsent, 1), (&late, 0), (&again, 0)] {
        let times = intune.carried_out(device);
        if times != expected {
            tally.violations.push(format!("the phone {device} was reset {times} times, not {expected}"));
        }
    }
    tally += judged(&intune, &old, &new).await;
    tally
}

/// Both operators run, and the objects are applied in the new cluster while Intune does not show yet what the old one sent.
pub async fn in_haste(operator: &Path) -> Tally {
    let (intune, old, new) = two_clusters().await;
    let _first = Program::operator(&old, "first", operator).started();
    let _second = Program::operator(&new, "second", operator).started();
    old.tenant_is_ready("default").await;
    new.tenant_is_ready("default").await;
    let object = declaration("hidden", &intune.phone(1, Duration::from_secs(1)), from_now(-1));
    old.declare(&object).await;
    old.status_when("hidden", LONG, |status| status.reason() == "WaitingForDevice").await;
    new.apply(&object).await;
    new.ends("hidden", LONG).await;
    old.ends("hidden", LONG).await;
    judged(&intune, &old, &new).await
}

async fn two_clusters() -> (Intune, Cluster, Cluster) {
    let intune = Intune::serve(BOUNDS, LAG).await;
    let (old, new) = tokio::join!(Cluster::start(), Cluster::start());
    for cluster in [&old, &new] {
        cluster.apply(&intune.tenant(json!({"minInterval": "10m"}))).await;
    }
    (intune, old, new)
}

/// As `kubectl get -o yaml` shows them, less what a cluster says of itself.
async fn exported(cluster: &Cluster) -> Vec<Value> {
    let objects = cluster.objects().await;
    let export = |object: &Value| {
        let metadata = json!({"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]});
        json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": object["spec"]})
    };
    objects.iter().map(export).collect()
}

/// The old cluster's objects were left behind without an end; its claims are what its requests were sent under.
async fn judged(intune: &Intune, old: &Cluster, new: &Cluster) -> Tally {
    let records = new.records(intune, &[old.history().await]).await;
    let arrives_within = SignedDuration::from_secs(i64::try_from(BOUNDS.send_grace).unwrap());
    judge(&records, Terms { all_end: true, arrives_within })
}
