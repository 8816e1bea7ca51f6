//! `make campaign`: runs the layers in full, and prints one line for each.

use std::process::ExitCode;

use campaign::{
    layers::{ALL, Layer, Size, histories},
    report::Report,
};
use clap::{Parser, ValueEnum};

/// Runs the reliability campaign. It ends with 1 if anything does not hold.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only layers whose name contains this.
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
    let chosen: Vec<&Layer> = ALL.iter().filter(|(name, _)| name.contains(&arguments.layer)).collect();
    if chosen.is_empty() {
        eprintln!(
            "no layer is called that; there are: {}",
            ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        );
        return ExitCode::FAILURE;
    }
    let mut holds = true;
    for (_, run) in chosen {
        holds &= tell(&run(size));
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
