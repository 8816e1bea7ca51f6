//! `make campaign`: runs the layers in full, and prints one line for each.

use std::process::ExitCode;

use campaign::layers::{ALL, Layer, Size};
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
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeArgument {
    Small,
    Full,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
        let report = run(size);
        println!("{report}");
        for violation in &report.tally.violations {
            println!("    {violation}");
        }
        holds &= report.holds();
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
