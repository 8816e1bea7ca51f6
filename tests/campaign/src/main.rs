//! `make campaign`: runs the layers in full, and prints one line for each.

use std::{path::PathBuf, process::ExitCode};

use campaign::{
    layers::{ALL, Layer, Size},
    report::Report,
    resources,
};
use clap::{Parser, ValueEnum};

/// Runs the reliability campaign. It ends with 1 if anything does not hold.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only layers whose name contains this.
    #[arg(long, default_value = "")]
    layer: String,
    /// Where to write everything that the API server said in the layer of resources, for people to judge.
    #[arg(long)]
    refusals: Option<PathBuf>,
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
    let with_resources = resources::NAME.contains(&arguments.layer);
    if chosen.is_empty() && !with_resources {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).chain([resources::NAME]).collect();
        eprintln!("no layer is called that; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let mut holds = true;
    for (_, run) in chosen {
        holds &= told(&run(size));
    }
    if with_resources {
        let campaign = resources::Campaign::begin();
        let mut outcome = campaign.run(size);
        outcome.report.tally.violations.extend(campaign.end());
        if let Some(path) = &arguments.refusals {
            let lines = outcome.refusals.iter().map(|(said, of)| format!("{said}\t{of}\n"));
            if let Err(error) = std::fs::write(path, lines.collect::<String>()) {
                eprintln!("{}: {error}", path.display());
                holds = false;
            }
        }
        holds &= told(&outcome.report);
        println!(
            "    the API server took {} operations; its refusals have {} texts",
            outcome.taken,
            outcome.refusals.len()
        );
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a layer's line and what does not hold; whether everything does.
fn told(report: &Report) -> bool {
    println!("{report}");
    for violation in &report.tally.violations {
        println!("    {violation}");
    }
    report.holds()
}
