//! The command line. It only starts things.

use clap::Parser;
use passcode_operator::cli::{Cli, execute};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    execute(Cli::parse()).await
}
