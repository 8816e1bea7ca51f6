//! etcd is restored from a snapshot: claims that were made since are forgotten, and what was sent under them is hidden by Intune for a while.

use std::{path::Path, time::Duration};

use control_plane::{Component, Revision};
use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::Api;
use passcode_core::api::{Time, reset_status::PasscodeResetStatus};
use serde_json::{Value, json};
use world::objects::OPERATOR;

use super::{LONG, declaration, from_now};
use crate::{
    audit::{Records, Terms, judge},
    layers::Size,
    processes::{
        cluster::{Cluster, until},
        intune::{Bounds, Intune},
        program::Program,
    },
    report::Tally,
};

/// Phones answer quickly; it is Intune's record that is late.
const ANSWER: Duration = Duration::from_secs(1);
const BEGIN: &str = "passcode-operator.dev/quarantine-begin";

/// The leader runs on: it sees the leader lease fall back, and remembers the locks that it took.
pub async fn in_place(size: Size, operator: &Path) -> Tally {
    let bounds = Bounds { send_grace: 3, ledger_lag: 16 };
    let before = Before::disaster(operator, bounds, Duration::from_secs(15)).await;
    let Before { intune, cluster, operators, snapshot, declared, disaster } = before;
    let past = cluster.history().await;
    cluster.plane.restore(&snapshot).await.unwrap();
    let held = size == Size::Full;
    let after = After { adopted: true, held, intune, cluster, declared, disaster, earlier: vec![past] };
    let tally = after.recovery().await;
    drop(operators);
    tally
}

/// Everything else is lost: other servers, another data directory, operators that remember nothing.
pub async fn on_a_new_machine(size: Size, operator: &Path) -> Tally {
    let bounds = Bounds { send_grace: 3, ledger_lag: 36 };
    let before = Before::disaster(operator, bounds, Duration::from_secs(35)).await;
    let Before { intune, cluster: old, mut operators, snapshot, declared, disaster } = before;
    operators.iter_mut().for_each(Program::kill);
    let past = old.history().await;
    for component in [Component::ApiServer, Component::Etcd] {
        old.plane.kill(component).await;
    }
    let cluster = Cluster::start_from(&snapshot).await;
    let _operators = ["c", "d"].map(|name| Program::operator(&cluster, &[&intune], name, operator).started());
    let all = size == Size::Full;
    let after = After { adopted: all, held: all, intune, cluster, declared, disaster, earlier: vec![past] };
    let mut tally = after.recovery().await;
    tally.kills += 4;
    tally
}

/// What there is when the disaster comes.
struct Before {
    intune: Intune,
    cluster: Cluster,
    operators: [Program; 2],
    snapshot: control_plane::Snapshot,
    declared: Declared,
    disaster: Timestamp,
}

/// The declarations, as the repository has them.
struct Declared {
    /// Sent after the snapshot, which has it without a claim.
    before_the_claim: Value,
    /// Declared after the snapshot, and sent.
    unknown_to_it: Value,
    /// Asked for in the moment of the disaster, and never sent.
    held: Value,
    /// The phones by declaration.
    phones: Vec<(&'static str, String)>,
}

impl Before {
    /// Declares, takes the snapshot in the middle, and ends with two requests that the snapshot knows nothing of and Intune does not show yet.
    async fn disaster(operator: &Path, bounds: Bounds, lag: Duration) -> Self {
        let intune = Intune::serve(bounds, lag).await;
        let cluster = Cluster::start().await;
        cluster.apply(&intune.tenant(json!({}))).await;
        let operators = ["a", "b"].map(|name| Program::operator(&cluster, &[&intune], name, operator).started());
        let names = ["done", "after-the-post", "before-the-claim", "unknown-to-it", "held"];
        let phones: Vec<_> =
            names.iter().zip(1..).map(|(name, number)| (*name, intune.phone(number, ANSWER))).collect();
        let declare = |index: usize, requested| declaration(names[index], &phones[index].1, requested);
        cluster.tenant_is_ready("default").await;
        intune
            .simulator
            .change_device(&phones[0].1, |phone| phone.ledger.lag = Some(Duration::from_millis(500).into()));
        for index in [0, 1] {
            cluster.declare(&declare(index, from_now(-1))).await;
        }
        cluster.ends("done", LONG).await;
        cluster.status_when("after-the-post", LONG, |status| status.reason() == "WaitingForDevice").await;
        let before_the_claim = declare(2, from_now(8));
        cluster.declare(&before_the_claim).await;
        // etcd is copied while it is down, so that nothing can be claimed in between.
        let snapshot = cluster.plane.snapshot().await.unwrap();
        let unknown_to_it = declare(3, from_now(0));
        cluster.declare(&unknown_to_it).await;
        for name in ["before-the-claim", "unknown-to-it"] {
            let waiting = |status: &PasscodeResetStatus| status.attempt.is_some();
            cluster.status_when(name, LONG, waiting).await;
            let device = &phones.iter().find(|(phone, _)| *phone == name).unwrap().1;
            until("it is sent", LONG, || async { (intune.carried_out(device) == 1).then_some(()) }).await;
        }
        let disaster = Timestamp::now();
        let held = declare(4, disaster);
        let declared = Declared { before_the_claim, unknown_to_it, held, phones };
        Self { intune, cluster, operators, snapshot, declared, disaster }
    }
}

/// What there is after the restore.
struct After {
    /// Whether the end of what is adopted is waited for, and that of what is held back: as long as a quarantine lasts. If not, what is hidden
    /// is waited for, as long as it is.
    adopted: bool,
    held: bool,
    intune: Intune,
    cluster: Cluster,
    declared: Declared,
    disaster: Timestamp,
    earlier: Vec<Vec<Revision>>,
}

impl After {
    /// The recovery as the document has it: the repository is applied again, and everything ends.
    async fn recovery(self) -> Tally {
        let Self { adopted, held, intune, cluster, declared, disaster, earlier } = self;
        for object in [&declared.before_the_claim, &declared.unknown_to_it, &declared.held] {
            cluster.apply(object).await;
        }
        let begin = until("the quarantine begins", LONG, || quarantine_since(&cluster, disaster)).await;
        let phone = intune.phone(99, ANSWER);
        intune.simulator.change_device(&phone, |phone| phone.ledger.lag = Some(Duration::from_millis(500).into()));
        cluster.declare(&declaration("new", &phone, begin + seconds(intune.bounds.send_grace + 1))).await;
        let expected = [
            ("done", "Complete/PasscodeRemoved"),
            ("after-the-post", "Complete/PasscodeRemoved"),
            ("before-the-claim", "Complete/Adopted"),
            ("unknown-to-it", "Complete/Adopted"),
            ("new", "Complete/PasscodeRemoved"),
        ];
        let mut tally = Tally::default();
        let seen = |status: &PasscodeResetStatus| status.outcome.is_some() || status.reason() == "Quarantine";
        for (name, end) in expected {
            if end == "Complete/Adopted" && !adopted {
                cluster.status_when(name, LONG, seen).await;
                continue;
            }
            let came = cluster.ends(name, LONG).await;
            if came != end {
                tally.violations.push(format!("{name} ended {came}, not {end}"));
            }
        }
        if held {
            cluster.ends("held", LONG).await;
        } else {
            cluster.status_when("held", LONG, seen).await;
        }
        let shown = disaster + seconds(intune.bounds.ledger_lag + 1);
        tokio::time::sleep(Duration::try_from(shown.duration_since(Timestamp::now())).unwrap_or_default()).await;
        let all_end = adopted && held;
        for (name, device) in &declared.phones {
            let times = intune.carried_out(device);
            if times > 1 || (times == 0 && (held || *name != "held")) {
                tally.violations.push(format!("the phone of {name} was reset {times} times"));
            }
        }
        let records = cluster.records(&intune, &earlier).await;
        if !was_quarantined(&records, "held") {
            tally.violations.push("held was not held back".to_owned());
        }
        let arrives_within = seconds(intune.bounds.send_grace);
        tally += judge(&records, Terms { all_end, arrives_within });
        tally
    }
}

/// Whether an object was ever held back by the quarantine.
fn was_quarantined(records: &Records, name: &str) -> bool {
    let histories = records.histories.iter().filter(|((_, of), _)| of == name);
    let mut reasons = histories.flat_map(|(_, versions)| versions).map(|version| ready_reason(&version.object));
    reasons.any(|reason| reason == "Quarantine")
}

fn ready_reason(object: &Value) -> &str {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.and_then(|ready| ready["reason"].as_str()).unwrap_or_default()
}

fn seconds(seconds: u64) -> k8s_openapi::jiff::SignedDuration {
    k8s_openapi::jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

/// The begin of the quarantine that the leader lease tells of, if that is later than a moment.
async fn quarantine_since(cluster: &Cluster, moment: Timestamp) -> Option<Timestamp> {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), OPERATOR);
    let lease = leases.get("passcode-operator-leader").await.ok()?;
    let begin = lease.metadata.annotations?.get(BEGIN)?.parse::<Time>().ok()?.0;
    (begin + seconds(1) > moment).then_some(begin)
}
