//! The command line. It only starts things.

use passcode_operator::cli::{Cli, execute};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    execute(Cli::read(std::env::args_os())).await
}
