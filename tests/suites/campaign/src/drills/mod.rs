//! Layer 9, recovery drills on a real control plane: what `docs/recovery.md` promises, done.
//!
//! Each drill plays a disaster and the recovery from it as the document says, with the operator's binary, and then holds everything that
//! etcd had, before and after, against the promise. What takes a day there takes seconds here: the tenants' bounds are short, and kept.

mod downgrade;
mod moved;
mod restore;
mod switched;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use world::objects::{reset, with};

use crate::{
    audit::{Terms, judge},
    layers::Size,
    processes::{cluster::Cluster, in_real_time, intune::Intune},
    report::{Report, Tally},
};

/// The longest that anything here may take until it ends.
const LONG: Duration = Duration::from_secs(150);

/// Runs all drills, side by side.
#[must_use]
pub fn run(size: Size, operator: &Path) -> Report {
    let drills = thread::scope(|scope| {
        let started = [
            scope.spawn(|| drill("restored in place", restore::in_place(size, operator))),
            scope.spawn(|| drill("restored on a new machine", restore::on_a_new_machine(size, operator))),
            scope.spawn(|| drill("moved to another cluster", moved::in_haste_and_in_order(operator))),
            scope.spawn(|| drill("switched over to another cluster", switched::over_and_back(operator))),
            scope.spawn(|| drill("definitions downgraded", downgrade::under_a_running_operator(operator))),
        ];
        started.map(|drill| drill.join().unwrap())
    });
    let mut report = Report { layer: "drills".to_owned(), plans: drills.len(), seeds: None, tally: Default::default() };
    for tally in drills {
        report.tally += tally;
    }
    report
}

fn drill(name: &str, body: impl Future<Output = Tally>) -> Tally {
    let begin = Instant::now();
    let tally = in_real_time(name, body);
    eprintln!("    {name}: {} s", begin.elapsed().as_secs());
    tally
}

/// The objects with these names, in two clusters of which the new one's have ended. The old one's claims are what its requests were sent under.
async fn judged(intune: &Intune, old: &Cluster, new: &Cluster, wanted: impl Fn(&str) -> bool) -> Tally {
    let mut records = new.records(intune, &[old.history().await]).await;
    records.histories.retain(|((_, name), _)| wanted(name));
    records.objects.retain(|object| object["metadata"]["name"].as_str().is_some_and(&wanted));
    let arrives_within = SignedDuration::from_secs(i64::try_from(intune.bounds.send_grace).unwrap());
    judge(&records, Terms { all_end: true, arrives_within })
}

/// Seconds from now, or before.
fn from_now(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

/// A reset of this device, asked for at this time.
fn declaration(name: &str, device: &str, requested: Timestamp) -> Value {
    with(reset(name, "", requested), json!({"device": {"managedDeviceId": device}}))
}
