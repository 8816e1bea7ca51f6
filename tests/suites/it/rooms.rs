//! The walls between rooms that `docs/architecture.md` promises: who may use whom, and that no two files use each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, UseTree};

/// A crate of the workspace whose files are walked: its name and its sources.
const CRATES: [(&str, &str); 2] = [("passcode_core", "core/src"), ("passcode_operator", "src")];

/// Each file, by the path of its module, with the modules that it uses.
struct Files(BTreeMap<Vec<String>, BTreeSet<Vec<String>>>);

impl Files {
    fn read() -> Self {
        let mut modules = BTreeMap::new();
        for (name, directory) in CRATES {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
            for path in sources(&root) {
                modules.insert(module(name, path.strip_prefix(&root).unwrap()), path);
            }
        }
        assert!(modules.len() > 100, "{}", modules.len());
        let known: BTreeSet<Vec<String>> = modules.keys().cloned().collect();
        let used = modules.iter().map(|(module, path)| (module.clone(), used(module, path, &known))).collect();
        Self(used)
    }

    /// The uses that lead from modules below `from` to modules below `to`.
    fn between(&self, from: &str, to: &str) -> Vec<String> {
        let below = |module: &[String], room: &str| {
            let text = module.join("::");
            text == room || text.starts_with(&format!("{room}::"))
        };
        let mut found = Vec::new();
        for (module, used) in self.0.iter().filter(|(module, _)| below(module, from)) {
            found.extend(used.iter().filter(|used| below(used, to)).map(|used| name(module) + " uses " + &name(used)));
        }
        found
    }
}

fn name(module: &[String]) -> String {
    module.join("::")
}

/// All sources but those of tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if matches!(stem, "tests" | "testing" | "fuzzing") {
            continue;
        } else if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn module(of_crate: &str, path: &Path) -> Vec<String> {
    let mut parts = vec![of_crate.to_owned()];
    parts.extend(path.with_extension("").components().map(|part| part.as_os_str().to_str().unwrap().to_owned()));
    if matches!(parts.last().unwrap().as_str(), "mod" | "lib" | "main") {
        parts.pop();
    }
    parts
}

/// What a file uses of the other files. A part of it that is only compiled for tests does not count, nor does what a `mod.rs` passes on
/// from its own children.
fn used(module: &[String], path: &Path, known: &BTreeSet<Vec<String>>) -> BTreeSet<Vec<String>> {
    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let mut paths = Vec::new();
    for item in &file.items {
        if let Item::Use(item) = item
            && !item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"))
        {
            flatten(&item.tree, &mut Vec::new(), &mut paths);
        }
    }
    let files = paths.iter().filter_map(|path| resolve(module, path, known));
    files.filter(|used| used != module && !used.starts_with(module)).collect()
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before, found)),
        UseTree::Name(syn::UseName { ident, .. }) | UseTree::Rename(syn::UseRename { ident, .. }) => {
            found.push(before.iter().cloned().chain([ident.to_string()]).collect());
        }
        UseTree::Glob(_) => found.push(before.clone()),
    }
}

/// The file that a path leads to: the longest beginning of it that is one.
fn resolve(module: &[String], path: &[String], known: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let (mut place, mut rest) = match path.first()?.as_str() {
        "crate" => (module[..1].to_vec(), &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module.to_vec(), path),
        first if known.contains(&vec![first.to_owned()]) => (vec![first.to_owned()], &path[1..]),
        // A child of this module, or another crate.
        _ => (module.to_vec(), path),
    };
    while rest.first().is_some_and(|part| part == "super") {
        place.pop();
        rest = &rest[1..];
    }
    let begin = place.len();
    for part in rest {
        place.push(part.clone());
        if !known.contains(&place) {
            place.pop();
            break;
        }
    }
    let another_crate = place == module && begin == module.len() && path[0] != "self";
    (!another_crate && known.contains(&place)).then_some(place)
}

#[test]
fn rooms_use_only_the_rooms_that_they_may() {
    let files = Files::read();
    let core = |room: &str| format!("passcode_core::{room}");
    let order = ["api", "platform", "policy", "lifecycle", "protocol"];
    let mut found = Vec::new();
    for (index, room) in order.iter().enumerate() {
        for later in &order[index + 1..] {
            found.extend(files.between(&core(room), &core(later)));
        }
    }
    let graph = |room: &str| format!("passcode_operator::graph::{room}");
    for (room, others) in
        [("http", &["auth", "limits", "calls"][..]), ("auth", &["limits", "calls"]), ("limits", &["auth", "calls"])]
    {
        others.iter().for_each(|other| found.extend(files.between(&graph(room), &graph(other))));
    }
    for other in ["operator", "telemetry", "cli"] {
        found.extend(files.between("passcode_operator::graph", &format!("passcode_operator::{other}")));
    }
    for other in ["lifecycle", "protocol"] {
        found.extend(files.between("passcode_operator::graph", &core(other)));
    }
    found.extend(files.between("passcode_operator::operator", "passcode_operator::cli"));
    found.extend(files.between("passcode_operator::telemetry", "passcode_operator::operator"));
    assert!(found.is_empty(), "{}", found.join("\n"));
    // What has to be there, so that a room that was renamed is noticed.
    for (from, to) in [
        (core("protocol"), core("lifecycle")),
        (core("lifecycle"), core("platform")),
        (core("platform"), core("api")),
        (graph("calls"), graph("http")),
        ("passcode_operator::operator".to_owned(), "passcode_operator::graph".to_owned()),
    ] {
        assert!(!files.between(&from, &to).is_empty(), "{from} does not use {to}");
    }
}

/// A file is read from its uses downwards, and that has to come to an end.
#[test]
fn no_files_use_each_other_in_a_circle() {
    let mut left = Files::read().0;
    loop {
        let bottom: BTreeSet<_> =
            left.iter().filter(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()).collect();
        if bottom.is_empty() {
            break;
        }
        left.retain(|module, _| !bottom.contains(module));
        left.values_mut().for_each(|used| used.retain(|module| !bottom.contains(module)));
    }
    let circles: Vec<_> =
        left.iter().flat_map(|(m, used)| used.iter().map(|used| name(m) + " uses " + &name(used))).collect();
    assert!(circles.is_empty(), "these are in a circle, or use one that is:\n{}", circles.join("\n"));
}

/// `graph` knows no Kubernetes.
#[test]
fn graph_knows_no_kubernetes() {
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph")) {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["kube::", "k8s_openapi"] {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

/// One place writes the status of a PasscodeReset, and one writes events.
#[test]
fn one_place_writes_status_and_one_writes_events() {
    let (mut statuses, mut events) = (Vec::new(), Vec::new());
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if text.contains("patch_status") && text.contains("Api<PasscodeReset>") {
            statuses.push(file.clone());
        }
        if text.contains("Recorder") {
            events.push(file);
        }
    }
    assert_eq!((statuses, events), (vec!["status_writer.rs".to_owned()], vec!["event_writer.rs".to_owned()]));
}
