//! `make campaign`: runs the layers in full, and prints one line for each. `make campaign-peers` compares with what people would have written.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use campaign::{
    layers::{ALL, REAL, Size, histories},
    processes::{peers, script::Script},
    report::Report,
    resources,
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
    /// Where to write everything that the API server said in the layer of resources, for people to judge.
    #[arg(long)]
    refusals: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeArgument {
    Small,
    Full,
}

impl Arguments {
    fn size(&self) -> Size {
        match self.size {
            SizeArgument::Small => Size::Small,
            SizeArgument::Full => Size::Full,
        }
    }

    fn operator(&self) -> PathBuf {
        let beside = || std::env::current_exe().unwrap_or_default().with_file_name("passcode-operator");
        self.operator.clone().unwrap_or_else(beside)
    }

    fn wants(&self, layer: &str) -> bool {
        layer.contains(&self.layer)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let held = if let Some(seed) = arguments.seed {
        tell(&arguments.last_seed.map_or_else(|| histories::replay(seed), |last| histories::range(seed, last)))
    } else if let Some(seed) = arguments.peers {
        let script = if arguments.size() == Size::Full { Script::full(seed) } else { Script::small(seed) };
        peers::compare(script, &arguments.operator(), &arguments.layer);
        true
    } else {
        layers(&arguments)
    };
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the layers that are wanted; answers whether everything held.
fn layers(arguments: &Arguments) -> bool {
    let paused = ALL.iter().map(|(name, _)| *name);
    let names: Vec<&str> = paused.chain([resources::NAME]).chain(REAL.iter().map(|(name, _)| *name)).collect();
    if !names.iter().any(|name| arguments.wants(name)) {
        eprintln!("no layer is called that; there are: {}", names.join(", "));
        return false;
    }
    let (size, operator) = (arguments.size(), arguments.operator());
    let mut held = true;
    for (_, run) in ALL.iter().filter(|(name, _)| arguments.wants(name)) {
        held &= tell(&run(size));
    }
    if arguments.wants(resources::NAME) {
        held &= tell_resources(size, arguments.refusals.as_deref());
    }
    for (_, run) in REAL.iter().filter(|(name, _)| arguments.wants(name)) {
        if !operator.is_file() {
            eprintln!("there is no {}: cargo build builds it", operator.display());
            return false;
        }
        held &= tell(&run(size, &operator));
    }
    held
}

/// The layer of resources, and what the API server said in it.
fn tell_resources(size: Size, refusals: Option<&Path>) -> bool {
    let campaign = resources::Campaign::begin();
    let mut outcome = campaign.run(size);
    outcome.report.tally.violations.extend(campaign.end());
    let mut held = tell(&outcome.report);
    println!(
        "    the API server took {} operations; its refusals have {} texts",
        outcome.taken,
        outcome.refusals.len()
    );
    if let Some(path) = refusals {
        let lines = outcome.refusals.iter().map(|(said, of)| format!("{said}\t{of}\n"));
        if let Err(error) = std::fs::write(path, lines.collect::<String>()) {
            eprintln!("{}: {error}", path.display());
            held = false;
        }
    }
    held
}

/// Prints a report, and answers whether everything held.
fn tell(report: &Report) -> bool {
    println!("{report}");
    for violation in &report.tally.violations {
        println!("    {violation}");
    }
    report.holds()
}
