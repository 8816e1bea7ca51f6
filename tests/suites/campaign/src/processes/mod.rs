//! Layer 8, real processes: two replicas of the operator's binary, kube-apiserver and etcd, any of which is killed or frozen at any moment.
//!
//! The simulator runs in this process, and so does the script that declares: what really happened is known whatever dies.

pub mod cluster;
pub mod contestant;
pub mod intune;
pub mod peers;
pub mod play;
pub mod program;
pub mod script;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use contestant::Contestant;
use script::Script;

use crate::{
    layers::Size,
    plan::words,
    report::{Report, Tally},
};

/// The seeds of the full size, one run each.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

/// Runs the layer.
#[must_use]
pub fn run(size: Size, operator: &Path) -> Report {
    let scripts: Vec<Script> = match size {
        Size::Small => vec![Script::small(1)],
        Size::Full => SEEDS.map(Script::full).collect(),
    };
    let seeds = scripts.first().map(|first| first.seed).zip(scripts.last().map(|last| last.seed));
    let seeds = seeds.map(|(first, last)| first..=last);
    let mut report = Report { layer: "processes".to_owned(), plans: scripts.len(), seeds, tally: Tally::default() };
    for script in scripts {
        report.tally += in_real_time(&format!("seed {}", script.seed), async {
            let played = play::play(script, &Contestant::ours(operator)).await;
            eprintln!("    seed {}: {played}  violations {}", script.seed, played.tally.violations.len());
            played.tally
        });
    }
    report
}

/// Runs in real time; what panics is a violation.
pub fn in_real_time(name: &str, body: impl Future<Output = Tally>) -> Tally {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(body)
    }));
    let mut tally = ran.unwrap_or_else(|panic| Tally { violations: vec![words(&*panic)], ..Tally::default() });
    for violation in &mut tally.violations {
        *violation = format!("{name}: {violation}");
    }
    tally
}
