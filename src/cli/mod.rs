//! The command line: what can be said, and which part answers.
//!
//! What does not live here: any work. `run` starts the operator, `check` judges, `approve` and `deny` create one object, the others print.

mod approve;
mod check;
mod cluster;
mod crds;
mod matrix;
mod output;
mod request;
mod run;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use check::fuzzing;
pub use crds::to_yaml;
use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// The name under which kubectl finds a program as its plug-in `pcr`, and how people call it then.
const PLUG_IN: (&str, &str) = ("kubectl-pcr", "kubectl pcr");

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
    /// Approve a PasscodeReset that waits for people.
    Approve(approve::Approve),
    /// Deny a PasscodeReset that waits for people.
    Deny(approve::Deny),
}

impl Cli {
    /// What the command line says; ends the process where it says nothing that can be meant, or asks for help. As a plug-in of kubectl it is called
    /// as kubectl calls it.
    #[must_use]
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let mut command = Self::command();
        if arguments.first().is_some_and(|program| is_plug_in(Path::new(program))) {
            command = command.bin_name(PLUG_IN.1);
        }
        let read = command.try_get_matches_from_mut(arguments).and_then(|matches| Self::from_arg_matches(&matches));
        read.unwrap_or_else(|error| error.exit())
    }
}

fn is_plug_in(program: &Path) -> bool {
    program.file_stem().is_some_and(|name| name == PLUG_IN.0)
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
            eprintln!("{}: {error:#}", program());
            if error.is::<Misuse>() { ExitCode::from(CANNOT_BE_MEANT) } else { ExitCode::FAILURE }
        }
    }
}

/// How it was called.
fn program() -> &'static str {
    let plug_in = std::env::args_os().next().is_some_and(|program| is_plug_in(Path::new(&program)));
    if plug_in { PLUG_IN.1 } else { "passcode-operator" }
}

async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Run(arguments) => run::execute(arguments).await?,
        Command::Crds(arguments) => crds::execute(&arguments)?,
        Command::Matrix(arguments) => matrix::execute(&arguments)?,
        Command::Request(arguments) => request::execute(*arguments)?,
        Command::Check(arguments) => return check::execute(&arguments),
        Command::Approve(arguments) => return approve::approve(arguments).await,
        Command::Deny(arguments) => return approve::deny(arguments).await,
    }
    Ok(ExitCode::SUCCESS)
}
