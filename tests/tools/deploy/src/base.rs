//! kustomize's base, from the chart with its defaults, and the components that are templates of the chart which these leave out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::{Helm, Made, repository};

const SOURCE: &str = "# Source: passcode-operator/templates/";
/// What helm's own labels are, which kustomize's objects do not have.
const HELMS: [&str; 2] = ["app.kubernetes.io/managed-by:", "helm.sh/chart:"];
const NOTE: &str =
    "# Made from the chart by `make charts`; change deploy/charts/passcode-operator/templates instead.\n";

/// The components whose objects are templates of the chart: each template, and what turns it on.
const COMPONENTS: [(&str, &[&str], &str); 2] = [
    ("identity", &["approverroles.yaml", "identitypolicies.yaml", "identityrights.yaml"], "identity.enabled=true"),
    ("identity-stamp", &["identitystamp.yaml"], "identity.enabled=true,identity.stamp=true"),
];

pub(crate) async fn made(helm: &Helm) -> Result<Vec<Made>> {
    let base = repository("deploy/kustomize/base");
    let mut made: Vec<Made> =
        rendered(helm, "").await?.into_iter().map(|(name, text)| Made { path: base.join(name), text }).collect();
    for (component, templates, values) in COMPONENTS {
        let mut files = rendered(helm, values).await?;
        for template in templates {
            let text = files.remove(*template).with_context(|| format!("{values} renders no {template}"))?;
            made.push(Made { path: repository("deploy/kustomize/components").join(component).join(template), text });
        }
    }
    Ok(made)
}

/// What the chart renders with these values, by template.
async fn rendered(helm: &Helm, values: &str) -> Result<BTreeMap<String, String>> {
    let chart = repository("deploy/charts/passcode-operator");
    let (chart, name) = (chart.to_string_lossy(), "passcode-operator");
    let image = "image.repository=passcode-operator";
    let arguments = ["template", name, &chart, "--namespace", name, "--set", image, "--set", values];
    files(&helm.print(None, arguments).await?)
}

/// The documents by the template that they come from.
fn files(rendered: &str) -> Result<BTreeMap<String, String>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in rendered.split("---\n").filter(|document| !document.trim().is_empty()) {
        let (source, body) = document.split_once('\n').context("a document of one line")?;
        let template = source.strip_prefix(SOURCE).with_context(|| format!("no template: {source}"))?;
        ensure!(!template.contains('/'), "a template in a directory: {template}");
        let body: String = body.lines().filter(|line| !is_helms(line)).flat_map(|line| [line, "\n"]).collect();
        match files.get_mut(template) {
            Some(file) => file.extend(["---\n", body.trim_end(), "\n"]),
            None => {
                files.insert(template.to_owned(), format!("{NOTE}{}\n", body.trim_end()));
            }
        }
    }
    Ok(files)
}

fn is_helms(line: &str) -> bool {
    HELMS.iter().any(|label| line.trim_start().starts_with(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_template_are_one_file_without_helms_labels() -> Result<()> {
        let rendered = "---\n# Source: passcode-operator/templates/a.yaml\nkind: One\nhelm.sh/chart: x\n---\n# Source: \
                        passcode-operator/templates/b.yaml\nkind: Two\n---\n# Source: passcode-operator/templates/a.yaml\nkind: Three\n";
        let files = files(rendered)?;
        assert_eq!(files["a.yaml"], format!("{NOTE}kind: One\n---\nkind: Three\n"));
        assert_eq!(files["b.yaml"], format!("{NOTE}kind: Two\n"));
        Ok(())
    }
}
