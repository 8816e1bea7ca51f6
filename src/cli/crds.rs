//! `passcode-operator crds`

use std::path::PathBuf;

use anyhow::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;

use super::output;
use passcode_core::api::manifests;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write one file each into this directory instead.
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    for definition in manifests::definitions()? {
        let yaml = to_yaml(&definition)?;
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

/// A definition as a YAML document.
///
/// # Errors
/// If it cannot be serialised.
pub fn to_yaml(definition: &CustomResourceDefinition) -> anyhow::Result<String> {
    // By way of JSON values: their keys are sorted, so the file changes only where the definition does.
    let value = serde_json::to_value(definition)?;
    Ok(serde_saphyr::to_string(&value)?)
}
