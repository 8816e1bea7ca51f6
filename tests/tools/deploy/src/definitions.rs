//! The chart of the definitions, from `crds/`.

use anyhow::{Context, Result, ensure};

use crate::{Made, read, repository};

const HEAD: &str = "metadata:\n";
const KEEP: &str = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n";

pub(crate) fn made() -> Result<Vec<Made>> {
    let mut made = Vec::new();
    for entry in std::fs::read_dir(repository("crds")).context("cannot read crds/")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = repository("deploy/charts/passcode-operator-crds/templates").join(&name);
        made.push(Made { path, text: kept(&read(&entry.path())?).with_context(|| name)? });
    }
    made.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(made)
}

/// The definition as a template: uninstalling the chart leaves it, and with it all objects.
fn kept(definition: &str) -> Result<String> {
    ensure!(!definition.contains("{{"), "it holds \"{{{{\", which helm would take for its own");
    let (before, after) = definition.split_once(HEAD).context("it has no metadata")?;
    ensure!(!after.starts_with("  annotations:"), "it has annotations of its own");
    Ok(format!("{before}{KEEP}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_gains_the_annotation_and_nothing_else() -> Result<()> {
        let template = kept("kind: X\nmetadata:\n  name: a\nspec:\n  metadata:\n    name: b\n")?;
        let wanted = "kind: X\nmetadata:\n  annotations:\n    helm.sh/resource-policy: keep\n  name: a\nspec:\n  metadata:\n    name: b\n";
        assert_eq!(template, wanted);
        assert!(kept("metadata:\n  name: '{{ x }}'\n").is_err());
        assert!(kept("metadata:\n  annotations: {}\n").is_err());
        Ok(())
    }
}
