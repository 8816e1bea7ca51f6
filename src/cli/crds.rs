//! `passcode-operator crds`

use std::path::PathBuf;

use anyhow::Context;
use kube::ResourceExt;

use super::output;
use crate::api::manifests;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write one file each into this directory instead.
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    for definition in manifests::definitions()? {
        let yaml = manifests::to_yaml(&definition)?;
        match &arguments.output {
            None => output::print(&format!("---\n{yaml}"))?,
            Some(directory) => {
                let path = directory.join(format!("{}.yaml", definition.name_any()));
                std::fs::write(&path, yaml).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    Ok(())
}
