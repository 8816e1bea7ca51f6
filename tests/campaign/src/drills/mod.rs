//! Layer 9, recovery drills on a real control plane: what `docs/recovery.md` promises, done.
//!
//! Each drill plays a disaster and the recovery from it as the document says, with the operator's binary, and then holds everything that
//! etcd had, before and after, against the promise. What takes a day there takes seconds here: the tenants' bounds are short, and kept.

mod downgrade;
mod moved;
mod restore;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use world::objects::{reset, with};

use crate::{
    layers::Size,
    processes::in_real_time,
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

/// Seconds from now, or before.
fn from_now(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

/// A reset of this device, asked for at this time.
fn declaration(name: &str, device: &str, requested: Timestamp) -> Value {
    with(reset(name, "", requested), json!({"device": {"managedDeviceId": device}}))
}
