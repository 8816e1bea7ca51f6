//! The command line: what can be said, and which part answers.
//!
//! What does not live here: any work. `run` starts the operator, `check` judges, the others print.

mod check;
mod crds;
mod matrix;
mod output;
mod request;
mod run;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use check::fuzzing;
pub use crds::to_yaml;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Resets the passcode of phones managed by Microsoft Intune, declared in Kubernetes, once.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator. Everything has a default: KUBECONFIG or the cluster it runs in.
    Run(run::Arguments),
    /// Print the CustomResourceDefinitions, for kubectl apply --server-side -f -
    Crds(crds::Arguments),
    /// Print a built-in platform support matrix as a manifest to start from.
    Matrix(matrix::Arguments),
    /// Print a PasscodeReset with requestTime now, for kubectl create -f -
    Request(Box<request::Arguments>),
    /// Check manifests, or a device against a support matrix. Needs no cluster and no network.
    Check(check::Arguments),
}

/// The exit code for a command line that cannot be meant, as clap has it, and for what cannot be read.
const CANNOT_BE_MEANT: u8 = 2;

/// What is wrong with a command line, beyond what clap sees.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

/// Carries out a command, says what went wrong, and answers with the exit code.
pub async fn execute(cli: Cli) -> ExitCode {
    match carry_out(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("passcode-operator: {error:#}");
            if error.is::<Misuse>() { ExitCode::from(CANNOT_BE_MEANT) } else { ExitCode::FAILURE }
        }
    }
}

async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Run(arguments) => run::execute(arguments).await?,
        Command::Crds(arguments) => crds::execute(&arguments)?,
        Command::Matrix(arguments) => matrix::execute(&arguments)?,
        Command::Request(arguments) => request::execute(*arguments)?,
        Command::Check(arguments) => return check::execute(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}
