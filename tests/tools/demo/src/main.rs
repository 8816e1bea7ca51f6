//! The operator at work on one machine: a real API server, the simulated Intune, the operator's own binary, and a dozen declared resets.
//!
//! What is declared, what is expected of it and what the simulator says happened are compared at the end; anything that differs is a failure.

mod cast;
mod demonstration;
mod expected;
mod interrupts;
mod objects;
mod operator;
mod people;
mod progress;
mod report;
mod samples;
mod stage;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tempfile::TempDir;

use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::stage::Stage;

/// Shows the operator at work, and checks that every device was reset once.
#[derive(Debug, Parser)]
struct Arguments {
    /// Leave everything running at the end, until Ctrl-C, and say how to reach it.
    #[arg(long)]
    keep: bool,
    /// The operator's binary. Default: the one beside this one.
    #[arg(long)]
    operator: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match demonstrate(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(arguments: &Arguments) -> Result<()> {
    let operator = operator_binary(arguments)?;
    let mut interrupts = Interrupts::listen()?;
    let directory = tempfile::Builder::new().prefix("passcode-operator-demo-").tempdir()?;
    let progress = Progress::begin();
    let played = play(directory.path(), &operator, arguments.keep, &progress, &mut interrupts).await;
    if played.is_err() && !interrupts.came() {
        eprintln!("\nlogs and manifests are kept in {}", kept(directory).display());
    }
    played
}

/// Everything between the first process and the last. Whatever it returns by, the stage is dropped and nothing runs any more.
async fn play(
    directory: &Path,
    operator: &Path,
    keep: bool,
    progress: &Progress,
    interrupts: &mut Interrupts,
) -> Result<()> {
    let stage = interrupts.or(Stage::set(directory, operator, progress)).await?;
    let shown = interrupts.or(demonstration::show(&stage, progress)).await;
    if shown.is_err() {
        stage.keep_logs().await;
    }
    if keep && !interrupts.came() {
        stage.invite();
        interrupts.wait().await;
    }
    progress.step("Taking everything down");
    drop(stage);
    shown
}

fn operator_binary(arguments: &Arguments) -> Result<PathBuf> {
    let path = match &arguments.operator {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("passcode-operator"),
    };
    ensure!(path.is_file(), "there is no {}: build it first, make demo does", path.display());
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

fn kept(directory: TempDir) -> PathBuf {
    directory.keep()
}
