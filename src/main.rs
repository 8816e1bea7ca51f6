//! The command line. It only starts things.

use clap::Parser;
use passcode_operator::cli::{Cli, execute};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match execute(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("passcode-operator: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
