//! `make campaign`: runs the layers in full, and prints one line for each. `make campaign-peers` compares with what people would have written.

use std::{path::PathBuf, process::ExitCode};

use campaign::{
    layers::{ALL, Layer, REAL, RealLayer, Size, histories},
    processes::{peers, script::Script},
    report::Report,
};
use clap::{Parser, ValueEnum};

/// Runs the reliability campaign. It ends with 1 if anything does not hold.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only layers (with --peers: operators) whose name contains this.
    #[arg(long, default_value = "")]
    layer: String,
    /// How much of each.
    #[arg(long, value_enum, default_value = "full")]
    size: SizeArgument,
    /// Only this seed of the random histories, with what it makes happen.
    #[arg(long)]
    seed: Option<u64>,
    /// With --seed: all seeds from it to this one, without saying more.
    #[arg(long, requires = "seed")]
    last_seed: Option<u64>,
    /// The operator's binary, for the layers that run real processes. Default: the one beside this one.
    #[arg(long)]
    operator: Option<PathBuf>,
    /// Instead of the layers: play one script of the layer `processes`, by this seed, to the operator and to its peers.
    #[arg(long, value_name = "SEED")]
    peers: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeArgument {
    Small,
    Full,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        let report = arguments.last_seed.map_or_else(|| histories::replay(seed), |last| histories::range(seed, last));
        return if tell(&report) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let size = match arguments.size {
        SizeArgument::Small => Size::Small,
        SizeArgument::Full => Size::Full,
    };
    let beside = std::env::current_exe().unwrap_or_default().with_file_name("passcode-operator");
    let operator = arguments.operator.unwrap_or(beside);
    if let Some(seed) = arguments.peers {
        let script = if size == Size::Full { Script::full(seed) } else { Script::small(seed) };
        peers::compare(script, &operator, &arguments.layer);
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<&Layer> = ALL.iter().filter(|(name, _)| name.contains(&arguments.layer)).collect();
    let real: Vec<&RealLayer> = REAL.iter().filter(|(name, _)| name.contains(&arguments.layer)).collect();
    if chosen.is_empty() && real.is_empty() {
        let names = ALL.iter().map(|(name, _)| *name).chain(REAL.iter().map(|(name, _)| *name));
        eprintln!("no layer is called that; there are: {}", names.collect::<Vec<_>>().join(", "));
        return ExitCode::FAILURE;
    }
    if !real.is_empty() && !operator.is_file() {
        eprintln!("there is no {}: cargo build builds it", operator.display());
        return ExitCode::FAILURE;
    }
    let mut holds = true;
    let paused = chosen.into_iter().map(|(_, run)| run(size));
    let reports: Box<dyn Iterator<Item = Report>> =
        Box::new(paused.chain(real.into_iter().map(|(_, run)| run(size, &operator))));
    for report in reports {
        holds &= tell(&report);
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a report, and answers whether everything held.
fn tell(report: &Report) -> bool {
    println!("{report}");
    for violation in &report.tally.violations {
        println!("    {violation}");
    }
    report.holds()
}
