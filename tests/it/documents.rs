//! What the documents say of each other and of the program's words.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// Each reason of the program, with what its comment says first: `Waiting`, `Failed`, `An IntuneTenant's` ...
fn reasons() -> Vec<(String, String)> {
    let source = fs::read_to_string(root().join("src/api/conditions.rs")).unwrap();
    let lines: Vec<_> = source.split("pub mod reason").nth(1).unwrap().lines().collect();
    let reason = |pair: &[&str]| {
        let value = pair[1].trim().strip_prefix("pub const ")?.split('"').nth(1)?.to_owned();
        Some((pair[0].trim().strip_prefix("/// ")?.to_owned(), value))
    };
    lines.windows(2).filter_map(reason).collect()
}

#[test]
fn every_reason_is_explained_and_what_makes_people_search_has_an_entry() {
    let (readme, troubleshooting) = (root().join("README.md"), root().join("docs/troubleshooting.md"));
    let (readme, troubleshooting) = (fs::read_to_string(readme).unwrap(), fs::read_to_string(troubleshooting).unwrap());
    let all = reasons();
    assert!(all.len() > 40, "{all:?}");
    for (comment, reason) in all {
        assert!(readme.contains(&format!("`{reason}`")), "README: {reason}");
        let trouble = ["Waiting", "Failed"].iter().any(|word| comment.starts_with(word));
        assert!(!trouble || troubleshooting.contains(&format!("`{reason}`")), "troubleshooting: {reason}");
    }
}
