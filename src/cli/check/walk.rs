//! From what the command line names to the objects in it: a file, standard input, or all manifests below a directory.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    documents::{self, Document},
    place::Place,
    report::Report,
    rule::Rule,
};

/// The objects in what is named. What cannot be read is said, and hides nothing else; that there is nothing at all is
/// refused, because a pipeline that has lost its input must not be green.
pub(super) fn objects(named: &str, report: &mut Report) -> Vec<Document> {
    if named != "-" && Path::new(named).is_dir() { of_directory(named, report) } else { of_file(named, report) }
}

fn of_file(file: &str, report: &mut Report) -> Vec<Document> {
    let Some(documents) = split(file, report) else { return Vec::new() };
    let objects: Vec<Document> = documents.into_iter().flat_map(Document::unpack).collect();
    if objects.is_empty() {
        report.refuse(&Place::file(file), Rule::NoManifest, "there is no manifest in it");
    }
    objects
}

fn of_directory(directory: &str, report: &mut Report) -> Vec<Document> {
    let files = match below(directory) {
        Ok(files) => files,
        Err(problem) => {
            report.unreadable(&Place::file(directory), format!("{problem:#}"));
            return Vec::new();
        }
    };
    let read: Vec<Vec<Document>> = files.iter().filter_map(|file| split(file, report)).collect();
    let all_are_read = read.len() == files.len();
    let (objects, others): (Vec<_>, Vec<_>) = read.into_iter().flatten().partition(Document::is_meant_as_object);
    if let Some(first) = others.first() {
        let count = others.len();
        let what = "documents with neither apiVersion nor kind, passed over";
        report.note(&Place::file(directory), Rule::Skipped, format!("{what}: {count} (the first: {})", first.place));
    }
    let objects: Vec<Document> = objects.into_iter().flat_map(Document::unpack).collect();
    if objects.is_empty() && all_are_read {
        report.refuse(
            &Place::file(directory),
            Rule::NoManifest,
            "there is no manifest in it: nothing that ends in .yaml, .yml or .json and has a kind",
        );
    }
    objects
}

/// The documents in what is named, which are no objects of Kubernetes.
pub(super) fn documents(named: &str, report: &mut Report) -> Vec<Document> {
    let is_directory = named != "-" && Path::new(named).is_dir();
    let files = match is_directory.then(|| below(named)) {
        None => vec![named.to_owned()],
        Some(Ok(files)) => files,
        Some(Err(problem)) => {
            report.unreadable(&Place::file(named), format!("{problem:#}"));
            return Vec::new();
        }
    };
    let documents: Vec<Document> = files.iter().filter_map(|file| split(file, report)).flatten().collect();
    if documents.is_empty() {
        report.refuse(&Place::file(named), Rule::NoManifest, "there is nothing in it");
    }
    documents
}

fn split(file: &str, report: &mut Report) -> Option<Vec<Document>> {
    text(file, report).map(|text| documents::split(file, &text))
}

/// The text of a file; that it cannot be read is said.
pub(super) fn text(file: &str, report: &mut Report) -> Option<String> {
    documents::read(file).map_err(|problem| report.unreadable(&Place::file(file), format!("{problem:#}"))).ok()
}

/// All manifests below a directory, in the order of their paths: what ends in .yaml, .yml or .json.
///
/// What is hidden is passed over, as the pipelines' own files are, and so is what steers kustomize or Helm, which is no object.
fn below(directory: &str) -> anyhow::Result<Vec<String>> {
    let mut directories = vec![PathBuf::from(directory)];
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
    found.sort();
    Ok(found)
}

/// Whether this would be found below a directory; the path is relative to it.
pub(super) fn is_looked_at(path: &Path) -> bool {
    is_manifest(path) && !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
}

fn is_manifest(path: &Path) -> bool {
    let is = |names: &[&str], part: Option<&OsStr>| names.iter().any(|name| part.is_some_and(|p| p == *name));
    is(&["yaml", "yml", "json"], path.extension())
        && !is(&["kustomization.yaml", "kustomization.yml", "Chart.yaml"], path.file_name())
}
