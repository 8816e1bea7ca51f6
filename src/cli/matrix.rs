//! `passcode-operator matrix`

use super::output;
use passcode_core::{
    api::matrix::PlatformSupportMatrix,
    platform::{builtin_names, builtin_spec},
};

/// What is printed below the options.
const MORE: &str = "\
Change its name, its revision and its rules, apply it, and name it in the IntuneTenant's platformSupportMatrixRef.

Examples:
  passcode-operator matrix > matrix.yaml
  passcode-operator check -f matrix.yaml";

#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct Arguments {
    /// Which built-in matrix.
    #[arg(default_value = "intune", value_parser = builtin_names())]
    name: String,
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(spec) = builtin_spec(&arguments.name) else {
        anyhow::bail!("there is no built-in matrix {}; there are: {}", arguments.name, builtin_names().join(", "));
    };
    let manifest = serde_json::to_value(PlatformSupportMatrix::new(&arguments.name, spec))?;
    output::print(&serde_saphyr::to_string(&manifest)?)?;
    Ok(())
}
