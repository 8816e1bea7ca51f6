//! Two clusters declare the same, one Intune, and one of them is active: it is suspended or stopped, and the other takes over.

use std::{path::Path, time::Duration};

use graph_simulator::{Fault, PathClass, Rule};
use serde_json::json;

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
/// Within the bounds, and long enough that a hasty switch is faster than Intune.
const LAG: Duration = Duration::from_secs(8);
/// How long a claim may be sent.
const SEND_WINDOW: Duration = Duration::from_secs(30);
/// How long a read takes while the switch begins: the pass is in the middle then.
const SLOW: Duration = Duration::from_secs(4);

/// As `docs/operations.md` says, both ways. Before that, in the same clusters, a switch in haste: it has to go wrong, or this drill could
/// not fail.
pub async fn over_and_back(operator: &Path) -> Tally {
    let intune = Intune::serve(BOUNDS, LAG).await;
    let (one, other) = tokio::join!(Cluster::start(), Cluster::start());
    one.apply(&intune.tenant(json!({}))).await;
    other.apply(&intune.tenant(json!({"suspend": true}))).await;
    let mut first = Program::operator(&one, &[&intune], "first", operator).started();
    let mut second = Program::operator(&other, &[&intune], "second", operator).started();
    one.tenant_is_ready("default").await;
    other.tenant_is_ready("default").await;
    let mut tally = Tally::default();
    tally += suspended(&intune, &one, &other).await;
    tally += stopped(&intune, (&other, &mut second), &one).await;
    tally += judged(&intune, &other, &one, |_| true).await;
    let twice = in_haste(&intune, &one, &other).await;
    if twice != 2 {
        tally.violations.push(format!("a switch in haste has to reset the phone twice, not {twice} times"));
    }
    first.terminate().await;
    second.terminate().await;
    tally
}

/// The active one is suspended in the middle of a pass; once everything shows that it may have sent, the other is resumed.
async fn suspended(intune: &Intune, active: &Cluster, standby: &Cluster) -> Tally {
    let phones = declared_in_both(intune, active, standby, "suspended", 1).await;
    active.apply(&intune.tenant(json!({"suspend": true}))).await;
    tokio::time::sleep(SEND_WINDOW + BOUNDS.settle_window()).await;
    standby.apply(&intune.tenant(json!({"suspend": false}))).await;
    reset_once(intune, "suspended", &phones, &[active, standby]).await
}

/// The active one is stopped in the middle of a pass: once its process has ended it sends nothing.
async fn stopped(intune: &Intune, active: (&Cluster, &mut Program), standby: &Cluster) -> Tally {
    let (cluster, program) = active;
    let phones = declared_in_both(intune, cluster, standby, "stopped", 11).await;
    program.terminate().await;
    tokio::time::sleep(BOUNDS.settle_window()).await;
    standby.apply(&intune.tenant(json!({"suspend": false}))).await;
    let mut tally = reset_once(intune, "stopped", &phones, &[standby]).await;
    // It is the standby now, and ends what it has by what the other did.
    cluster.apply(&intune.tenant(json!({"suspend": true}))).await;
    program.start();
    tally += reset_once(intune, "stopped", &phones, &[cluster]).await;
    tally
}

/// Nobody waits, and nobody is suspended: the other one sends what Intune does not show yet.
async fn in_haste(intune: &Intune, active: &Cluster, standby: &Cluster) -> usize {
    let phone = intune.phone(99, Duration::from_secs(1));
    let object = declaration("hasty", &phone, from_now(-1));
    standby.declare(&object).await;
    standby.status_when("hasty", LONG, |status| status.reason() == "Suspended").await;
    active.declare(&object).await;
    active.status_when("hasty", LONG, |status| status.reason() == "WaitingForDevice").await;
    standby.apply(&intune.tenant(json!({"suspend": false}))).await;
    standby.ends("hasty", LONG).await;
    active.ends("hasty", LONG).await;
    intune.carried_out(&phone)
}

/// One that is sent and does not show yet, one in the middle of a pass whose reads are slow, and one that is asked for later.
async fn declared_in_both(
    intune: &Intune,
    active: &Cluster,
    standby: &Cluster,
    procedure: &str,
    number: u32,
) -> [String; 3] {
    let phones = [0, 1, 2].map(|offset| intune.phone(number + offset, Duration::from_secs(1)));
    let [hidden, midway, later] =
        [("hidden", -1), ("midway", -1), ("later", 20)].map(|(name, requested)| (named(procedure, name), requested));
    let objects = [hidden, midway, later].into_iter().zip(&phones);
    let mut objects = objects.map(|((name, requested), phone)| declaration(&name, phone, from_now(requested)));
    let sent = objects.next().unwrap();
    active.declare(&sent).await;
    active.status_when(&named(procedure, "hidden"), LONG, |status| status.reason() == "WaitingForDevice").await;
    standby.declare(&sent).await;
    intune.simulator.script(Rule::on(PathClass::Read, Fault::none().slow(SLOW)).times(4));
    for object in objects {
        active.declare(&object).await;
        standby.declare(&object).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    phones
}

fn named(procedure: &str, name: &str) -> String {
    format!("{procedure}-{name}")
}

async fn reset_once(intune: &Intune, procedure: &str, phones: &[String; 3], clusters: &[&Cluster]) -> Tally {
    let mut tally = Tally::default();
    for (name, phone) in ["hidden", "midway", "later"].into_iter().zip(phones) {
        let name = named(procedure, name);
        for cluster in clusters {
            let end = cluster.ends(&name, LONG).await;
            if !end.starts_with("Complete/") {
                tally.violations.push(format!("{name} ended {end}"));
            }
        }
        let times = intune.carried_out(phone);
        if times != 1 {
            tally.violations.push(format!("{name} was carried out {times} times"));
        }
    }
    tally
}
