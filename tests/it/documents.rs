//! What the documents say of each other and of the program's words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use passcode_core::platform::{NOT_LISTED, OS_VERSION_UNREADABLE, builtin_names, builtin_spec};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Everything that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for directory in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(root().join(directory)).unwrap();
        found.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    found
}

/// The text without its blocks of code, in which a `#` is no heading and a bracket no link.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The anchors of its headings, as GitHub makes them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let text = prose(path);
    let headings = text
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        for link in prose(&document).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", document.display());
            let found = anchor.is_empty() || anchors(&target).contains(anchor);
            assert!(found, "{}: {link}: {:?}", document.display(), anchors(&target));
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

/// Each reason of the program's closed list, with what its comment says first: `Waiting`, `Failed`, `An IntuneTenant's` ...
pub(crate) fn reasons() -> BTreeMap<String, String> {
    let source = fs::read_to_string(root().join("core/src/api/conditions.rs")).unwrap();
    let (_, list) = source.split_once("pub mod reason {").unwrap();
    let lines: Vec<_> = list.split("\n}").next().unwrap().lines().map(str::trim).collect();
    let reason = |pair: &[&str]| {
        let value = pair[1].strip_prefix("pub const ")?.split('"').nth(1)?.to_owned();
        Some((value, pair[0].strip_prefix("/// ").unwrap().to_owned()))
    };
    lines.windows(2).filter_map(reason).collect()
}

/// The reasons that the built-in matrices bring.
fn of_the_matrices() -> BTreeSet<String> {
    let rules = builtin_names().into_iter().flat_map(|name| builtin_spec(name).unwrap().rules);
    let silent = [NOT_LISTED, OS_VERSION_UNREADABLE].map(ToOwned::to_owned);
    rules.map(|rule| rule.reason).chain(silent).collect()
}

#[test]
fn every_reason_is_explained_and_is_found_where_people_search() {
    let (reasons, matrices): (BTreeSet<_>, _) = (reasons().into_keys().collect(), of_the_matrices());
    assert!(reasons.len() > 40 && matrices.len() > 15, "{reasons:?} {matrices:?}");
    for document in ["README.md", "docs/troubleshooting.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let missing: Vec<_> =
            reasons.union(&matrices).filter(|reason| !text.contains(&format!("`{reason}`"))).collect();
        assert!(missing.is_empty(), "{document}: {missing:?}");
    }
}

/// What the samples for GitOps wait for by name is something that the program says.
#[test]
fn samples_name_reasons_that_there_are() {
    let sample = fs::read_to_string(root().join("deploy/samples/gitops/flux/resets.yaml")).unwrap();
    let (_, named) = sample.split_once("c.reason in [").unwrap();
    let (named, _) = named.split_once(']').unwrap();
    let named: BTreeSet<_> = named.split(", ").map(|word| word.trim_matches('\'').to_owned()).collect();
    assert!(named.len() > 2 && named.iter().all(|reason| reasons().contains_key(reason)), "{named:?}");
}

/// Notes that are not part of the repository help nobody who reads it.
#[test]
fn nothing_is_cited_that_readers_cannot_open() {
    let mut files = documents();
    for directory in ["src", "tests", "benches", "deploy"] {
        below(&root().join(directory), &mut files);
    }
    assert!(files.len() > 300, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        let words: Vec<_> = text.split(|c: char| c.is_whitespace() || "()`,;".contains(c)).collect();
        let chapter =
            words.windows(2).find(|pair| pair[0] == "design" && pair[1].starts_with(|c: char| c.is_ascii_digit()));
        let note = words.windows(2).find(|pair| pair[0].ends_with(".md") && pair[1] == "section");
        assert!(chapter.is_none() && note.is_none(), "{}: {chapter:?} {note:?}", file.display());
    }
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, files);
        } else if path.extension().is_some_and(|e| ["rs", "md", "yaml", "sh"].iter().any(|known| e == *known)) {
            files.push(path);
        }
    }
}
