//! From files to the objects in them.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::Value;

/// One object of a file, and where it is.
pub(super) struct Document {
    pub(super) place: String,
    /// The object, or why it cannot be read.
    pub(super) value: Result<Value, String>,
}

/// The file itself, or all manifests below a directory, in the order of their paths: what ends in .yaml, .yml or .json.
///
/// What is hidden is passed over, as the pipelines' own files are, and so is what steers kustomize, which is no object.
///
/// # Errors
/// If a directory cannot be read, or has no manifest.
pub(super) fn below(file: &str) -> anyhow::Result<Vec<String>> {
    if file == "-" || !Path::new(file).is_dir() {
        return Ok(vec![file.to_owned()]);
    }
    let mut directories = vec![PathBuf::from(file)];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))? {
            let entry = entry.context("cannot read it")?;
            let (name, path) = (entry.file_name(), entry.path());
            // A link to a directory is not followed: it may lead back.
            match entry.file_type().context("cannot read it")? {
                _ if name.to_string_lossy().starts_with('.') => {}
                kind if kind.is_dir() => directories.push(path),
                _ if is_manifest(&path) => found.push(path.display().to_string()),
                _ => {}
            }
        }
    }
    anyhow::ensure!(!found.is_empty(), "there is no manifest in it, nothing that ends in .yaml, .yml or .json");
    found.sort();
    Ok(found)
}

fn is_manifest(path: &Path) -> bool {
    let is = |names: &[&str], part: Option<&std::ffi::OsStr>| names.iter().any(|name| part.is_some_and(|p| p == *name));
    is(&["yaml", "yml", "json"], path.extension())
        && !is(&["kustomization.yaml", "kustomization.yml"], path.file_name())
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file).context("cannot read it");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read it")?;
    Ok(text)
}

/// The documents of a text, those that are empty left out, and lists taken apart.
pub(super) fn split(file: &str, text: &str) -> Vec<Document> {
    let parsed = pieces(text).into_iter().flat_map(|piece| parse(&piece));
    parsed.enumerate().flat_map(|(index, value)| unpack(format!("{file}:document {}", index + 1), value)).collect()
}

/// The text, cut at its `---` lines as kubectl does, so that one document that cannot be read hides no other.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("---") {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => pieces.push(rest.to_owned()),
            _ => pieces.last_mut().into_iter().for_each(|piece| piece.push_str(line)),
        }
        pieces.last_mut().into_iter().for_each(|piece| piece.push('\n'));
    }
    pieces
}

/// JSON is YAML, so one reader does for both.
fn parse(piece: &str) -> Vec<Result<Value, String>> {
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_multiple_with_options::<Value>(piece, options) {
        Ok(values) => values.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(format!("this is neither YAML nor JSON: {error}"))],
    }
}

/// The objects of a list, as `kubectl get -o yaml` prints it.
fn unpack(place: String, value: Result<Value, String>) -> Vec<Document> {
    let items = value.as_ref().ok().filter(|value| is_list(value)).and_then(|value| value["items"].as_array());
    match items {
        Some(items) => {
            let item = |(index, item): (usize, &Value)| Document {
                place: format!("{place}: items[{index}]"),
                value: Ok(item.clone()),
            };
            items.iter().enumerate().map(item).collect()
        }
        None => vec![Document { place, value }],
    }
}

fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
}
