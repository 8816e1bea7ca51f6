//! `make demo` builds with the features that the workspace has without its tests, `make test` with those of the tests. What differs between the
//! two is built twice, with everything that depends on it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeSet, process::Command};

/// Each package with its features, as cargo resolves them for these kinds of dependencies.
fn packages(edges: &str) -> BTreeSet<String> {
    let options = ["tree", "--locked", "--workspace", "--prefix", "none", "--format", "{p} {f}", "--edges", edges];
    let output = Command::new(env!("CARGO")).args(options).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn tests_turn_no_feature_on() {
    let (programs, tests) = (packages("normal,build"), packages("normal,build,dev"));
    assert!(programs.len() > 200, "{programs:?}");
    let differ: Vec<_> = programs.difference(&tests).collect();
    assert!(differ.is_empty(), "dev-dependencies turn features on, so that these are built twice: {differ:#?}");
}
