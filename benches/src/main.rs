//! `make bench`: the workloads, a table for each.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};
use bench::{
    contestant::{Contestant, Programs},
    workloads::{Plan, Size, Workload},
};
use clap::{Parser, ValueEnum};

/// What the operator costs and how near it comes to Graph's limit, beside what people would have written instead.
#[derive(Debug, Parser)]
struct Arguments {
    /// The workloads; none for all.
    workloads: Vec<Workload>,
    /// How much is done.
    #[arg(long, default_value = "full")]
    size: Size,
    /// How often each contestant has its turn.
    #[arg(long)]
    rounds: Option<usize>,
    /// Measure this operator only.
    #[arg(long)]
    alone: bool,
    /// Where the operator's program and the peers' are; by default beside this one.
    #[arg(long)]
    programs: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let beside = || Ok::<_, anyhow::Error>(env::current_exe()?.parent().context("no directory")?.to_owned());
    let directory = arguments.programs.map_or_else(beside, Ok)?;
    let programs = Programs::in_directory(&directory);
    let all = Workload::value_variants().to_vec();
    let workloads = if arguments.workloads.is_empty() { all } else { arguments.workloads };
    for workload in workloads {
        let rounds = arguments.rounds.unwrap_or(workload.rounds(arguments.size));
        let plan = Plan { size: arguments.size, rounds, alone: arguments.alone, programs: programs.clone() };
        eprintln!("{workload:?}, {:?} size, {rounds} rounds", arguments.size);
        let table = workload.run(&plan).await?;
        println!("{}", table.markdown());
        println!("{}", table.ratios(Contestant::Ours.name(), &["CPU ms per object", "peak RSS MiB"]));
    }
    Ok(())
}
