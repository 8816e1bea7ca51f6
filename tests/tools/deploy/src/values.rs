//! The values of the operator's chart, as `values.yaml` describes them, and the table in the chart's README.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use crate::{Made, read, repository};

const CHART: &str = "deploy/charts/passcode-operator";
const BEGIN: &str = "<!-- values: made from values.yaml by `make charts` -->\n";
const END: &str = "<!-- end of values -->\n";

/// A value that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its path, `image.tag`.
    pub path: String,
    /// The comment above it.
    pub description: String,
    /// What it is if nothing is said.
    pub default: Json,
}

/// All values, in the order of the file.
///
/// # Errors
/// If the file cannot be read, or a value is not described.
pub fn values() -> Result<Vec<Value>> {
    described(&read(&repository(CHART).join("values.yaml"))?)
}

pub(crate) fn made() -> Result<Made> {
    let path = repository(CHART).join("README.md");
    let text = read(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("the chart's README has no mark where the table begins")?;
    let (_, after) = rest.split_once(END).context("the chart's README has no mark where the table ends")?;
    let text = format!("{before}{BEGIN}{}{END}{after}", table(&values()?));
    Ok(Made { path, text })
}

fn table(values: &[Value]) -> String {
    let mut table = "| value | default | meaning |\n|---|---|---|\n".to_owned();
    for Value { path, description, default } in values {
        let default = if default.as_str() == Some("") { String::new() } else { format!("`{default}`") };
        table += &format!("| `{path}` | {default} | {} |\n", description.replace('|', "\\|"));
    }
    table
}

/// A key is a value if a comment stands above it, whatever is below it; otherwise it has to hold further keys.
fn described(text: &str) -> Result<Vec<Value>> {
    let defaults: Json = serde_saphyr::from_str(text).context("values.yaml")?;
    let mut values: Vec<Value> = Vec::new();
    // The keys that are open, with their indentation; and whether the innermost is a value, whose keys are its own.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut inside: Option<usize> = None;
    let mut comment: Vec<&str> = Vec::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indentation = line.len() - words.len();
        if words.is_empty() {
            comment.clear();
            continue;
        }
        if let Some(more) = words.strip_prefix('#') {
            comment.push(more.trim());
            continue;
        }
        if inside.is_some_and(|value| indentation > value) {
            continue;
        }
        inside = None;
        let (key, after) = words.split_once(':').with_context(|| format!("not a key: {line}"))?;
        open.retain(|(outer, _)| *outer < indentation);
        open.push((indentation, key.to_owned()));
        let path = open.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>();
        if comment.is_empty() {
            ensure!(after.trim().is_empty(), "{} has no comment that describes it", path.join("."));
            continue;
        }
        let Some(default) = defaults.pointer(&format!("/{}", path.join("/"))) else {
            bail!("{} is not where it seems to be", path.join("."));
        };
        values.push(Value { path: path.join("."), description: comment.join(" "), default: default.clone() });
        comment.clear();
        inside = Some(indentation);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_a_comment_stands_above() -> Result<()> {
        let text = "# About the file.\n\na:\n  # One,\n  # and more.\n  b: 1\n# All of it.\nc:\n  d: {e: 2}\n";
        let told: Vec<(String, String)> =
            described(text)?.into_iter().map(|value| (value.path, value.description)).collect();
        let wanted = [("a.b", "One, and more."), ("c", "All of it.")];
        assert_eq!(told, wanted.map(|(path, text)| (path.to_owned(), text.to_owned())));
        assert!(described("a:\n  b: 1\n").is_err());
        Ok(())
    }
}
