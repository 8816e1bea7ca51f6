//! The harness itself, so that it does not rot: two workloads in their smallest size, this operator alone.
#![allow(clippy::unwrap_used)]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use bench::{
    contestant::{Contestant, Programs},
    table::Table,
    workloads::{Plan, Size, Workload},
};

/// Where cargo puts programs: two levels above this test. The operator's is built by its own tests, or here.
fn programs() -> PathBuf {
    let directory = env::current_exe().unwrap().ancestors().nth(2).map(Path::to_owned).unwrap();
    if !directory.join("passcode-operator").is_file() {
        let built = Command::new(env!("CARGO")).args(["build", "--locked", "--package", "passcode-operator"]).status();
        assert!(built.unwrap().success());
    }
    directory
}

async fn played(workload: Workload) -> Table {
    let programs = Programs::in_directory(&programs());
    let plan = Plan { size: Size::Tiny, rounds: 1, alone: true, programs };
    let table = workload.run(&plan).await.unwrap();
    let [run] = table.runs.as_slice() else { panic!("{table:?}") };
    assert_eq!(run.who, Contestant::Ours.name());
    assert!(run.is_safe(), "{run:?}");
    table
}

fn figure(table: &Table, name: &str) -> f64 {
    table.runs[0].figures.iter().find(|figure| figure.name == name).unwrap().value
}

#[tokio::test]
async fn w1_counts_writes_time_and_memory() {
    let table = played(Workload::W1).await;
    let writes = figure(&table, "status writes per object");
    // A claim, its answer and the outcome, and at most one change of Intune's state.
    assert!((3.0..=4.0).contains(&writes), "{writes}");
    assert!(figure(&table, "objects/s") > 0.0 && figure(&table, "CPU ms per object") > 0.0);
    assert!(figure(&table, "peak RSS MiB") > 1.0);
    assert!(table.markdown().contains("| **passcode-operator**, median | **0** | 0 |"), "{}", table.markdown());
}

#[tokio::test]
async fn w3_holds_the_limit() {
    let table = played(Workload::W3).await;
    assert_eq!(figure(&table, "429s"), 0.0);
    assert_eq!(figure(&table, "most writes in 20 s"), 12.0, "all of them, for the limit is 40");
    assert!(figure(&table, "wall s") > 0.0);
}
