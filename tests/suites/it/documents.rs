//! What the documents say of each other and of the program's words.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use passcode_core::api::reasons;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Everything that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for directory in ["docs", "deploy"] {
        below(&root().join(directory), &mut found);
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
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
    assert!(count > 150, "{count}");
}

/// What people read first is short: the rest is in `docs/`.
#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 180, "README.md has {lines} lines; what is more goes to docs/guide/");
}

#[test]
fn the_reference_is_what_the_code_says() {
    let pages = reference::pages().unwrap();
    let stale: Vec<_> = pages.iter().filter(|page| !page.is_current()).map(|page| &page.path).collect();
    assert!(stale.is_empty(), "`make reference` writes {stale:#?}");
    // A page that nothing makes any more would stay as it is forever.
    let there = fs::read_dir(root().join(reference::DIRECTORY)).unwrap();
    let mut there: Vec<_> = there.map(|entry| entry.unwrap().file_name()).collect();
    let mut made: Vec<_> = pages.iter().map(|page| page.path.file_name().unwrap().to_owned()).collect();
    there.sort();
    made.sort();
    assert_eq!(there, made);
}

/// Everything in `docs/` is found from its index.
#[test]
fn the_index_names_every_document() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    for document in documents() {
        let Ok(path) = document.strip_prefix(root().join("docs")) else { continue };
        let path = path.display().to_string();
        let own = path == "README.md" || path.starts_with("decisions/");
        assert!(own || index.contains(&format!("({path})")), "docs/README.md does not name {path}");
    }
}

#[test]
fn every_reason_is_found_where_people_search() {
    let text = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let reasons: BTreeSet<_> = reasons::all().map(|reason| reason.reason).collect();
    assert!(reasons.len() > 60, "{reasons:?}");
    let missing: Vec<_> = reasons.iter().filter(|reason| !text.contains(&format!("`{reason}`"))).collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md: {missing:?}");
}

/// What the samples for GitOps wait for by name is something that the program says.
#[test]
fn samples_name_reasons_that_there_are() {
    let sample = fs::read_to_string(root().join("deploy/samples/gitops/flux/resets.yaml")).unwrap();
    let (_, named) = sample.split_once("c.reason in [").unwrap();
    let (named, _) = named.split_once(']').unwrap();
    let named: BTreeSet<_> = named.split(", ").map(|word| word.trim_matches('\'').to_owned()).collect();
    assert!(
        named.len() > 2 && named.iter().all(|named| reasons::all().any(|reason| reason.reason == named)),
        "{named:?}"
    );
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
