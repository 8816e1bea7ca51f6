//! `passcode-operator matrix`

use crate::{
    api::matrix::PlatformSupportMatrix,
    platform::{builtin_names, builtin_spec},
};

#[derive(Debug, clap::Args)]
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
    print!("{}", serde_saphyr::to_string(&manifest)?);
    Ok(())
}
