//! A namespace moves to another cluster: its objects are exported without their status and applied there, where they are new.

use std::{path::Path, time::Duration};

use passcode_core::api::Time;
use serde_json::{Value, json};
use world::objects::with;

use super::{LONG, declaration, from_now, judged};
use crate::{
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
/// The declaration that is moved in haste, and its tenant.
const HASTY: &str = "hasty";

/// As the document says: the old operator has ended, and the settle window has passed, before the new one starts. Before that, in the same
/// clusters, a move in haste: it has to go wrong, or this drill could not fail.
pub async fn in_haste_and_in_order(operator: &Path) -> Tally {
    let (intune, hasty) = (Intune::serve(BOUNDS, LAG).await, Intune::serve(BOUNDS, LAG).await);
    let (old, new) = tokio::join!(Cluster::start(), Cluster::start());
    for cluster in [&old, &new] {
        cluster.apply(&intune.tenant(json!({"minInterval": "10m"}))).await;
        let mut tenant = hasty.tenant(json!({}));
        tenant["metadata"]["name"] = json!(HASTY);
        cluster.apply(&tenant).await;
    }
    let mut first = Program::operator(&old, &[&intune, &hasty], "first", operator).started();
    let mut second = Program::operator(&new, &[&intune, &hasty], "second", operator).started();
    let mut tally = Tally::default();
    let twice = in_haste(&hasty, &old, &new).await;
    if (twice.duplicates, twice.lost) != (1, 0) {
        tally.violations.push(format!("a move in haste has to reset one phone twice: {twice:?}"));
    }
    second.terminate().await;
    tally += in_order(&intune, (&old, &mut first), (&new, &mut second)).await;
    tally
}

/// Both operators run, and the object is applied in the new cluster while Intune does not show yet what the old one sent.
async fn in_haste(intune: &Intune, old: &Cluster, new: &Cluster) -> Tally {
    old.tenant_is_ready(HASTY).await;
    new.tenant_is_ready(HASTY).await;
    let object = declaration(HASTY, &intune.phone(50, Duration::from_secs(1)), from_now(-1));
    let object = with(object, json!({"tenantRef": {"name": HASTY}}));
    old.declare(&object).await;
    old.status_when(HASTY, LONG, |status| status.reason() == "WaitingForDevice").await;
    new.apply(&object).await;
    new.ends(HASTY, LONG).await;
    old.ends(HASTY, LONG).await;
    judged(intune, old, new, |name| name == HASTY).await
}

async fn in_order(intune: &Intune, old: (&Cluster, &mut Program), new: (&Cluster, &mut Program)) -> Tally {
    let ((old, first), (new, second)) = (old, new);
    let phone = |number, answer| intune.phone(number, Duration::from_secs(answer));
    let (done, waiting, hidden, unsent) = (phone(1, 1), phone(2, 30), phone(3, 1), phone(4, 1));
    let (late, again) = (phone(5, 1), phone(6, 1));
    intune.simulator.change_device(&done, |phone| phone.ledger.lag = Some(Duration::from_millis(500).into()));
    intune.simulator.reset_by_hand(&again, from_now(-300));
    let expiry = json!({"expirationTime": Time(from_now(-3600)).floor_to_second()});
    for object in [
        declaration("done", &done, from_now(-1)),
        declaration("waiting", &waiting, from_now(-1)),
        with(declaration("late", &late, from_now(-7200)), expiry),
        declaration("again", &again, from_now(-1)),
        declaration("unsent", &unsent, from_now(30)),
        declaration("hidden", &hidden, from_now(-1)),
    ] {
        old.declare(&object).await;
    }
    for name in ["done", "late", "again"] {
        old.ends(name, LONG).await;
    }
    for name in ["waiting", "hidden"] {
        old.status_when(name, LONG, |status| status.reason() == "WaitingForDevice").await;
    }
    first.terminate().await;
    for object in exported(old).await {
        new.apply(&object).await;
    }
    tokio::time::sleep(BOUNDS.settle_window()).await;
    second.start();
    let mut tally = Tally::default();
    for (name, device, end, resets) in [
        ("done", &done, "Complete/Adopted", 1),
        ("hidden", &hidden, "Complete/Adopted", 1),
        ("late", &late, "Rejected/Expired", 0),
        ("again", &again, "Rejected/RecentlyReset", 0),
        ("waiting", &waiting, "Complete/Adopted", 1),
        ("unsent", &unsent, "Complete/PasscodeRemoved", 1),
    ] {
        let (came, times) = (new.ends(name, LONG).await, intune.carried_out(device));
        if (came.as_str(), times) != (end, resets) {
            tally.violations.push(format!("{name} ended {came} after {times} resets, not {end} after {resets}"));
        }
    }
    tally += judged(intune, old, new, |name| name != HASTY).await;
    tally
}

/// As `kubectl get -o yaml` shows them, less what a cluster says of itself.
async fn exported(cluster: &Cluster) -> Vec<Value> {
    let objects = cluster.objects().await.into_iter().filter(|object| object["metadata"]["name"] != HASTY);
    let export = |object: Value| {
        let metadata = json!({"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]});
        json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": object["spec"]})
    };
    objects.map(export).collect()
}
