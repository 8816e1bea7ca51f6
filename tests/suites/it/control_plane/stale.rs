//! The definitions in `crds/` are those that the operator generates.

use std::path::Path;

use kube::ResourceExt;
use passcode_core::api::manifests;

#[test]
fn the_files_in_crds_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let regenerate = "write them with cargo run -- crds --output crds";
    let mut expected: Vec<String> = Vec::new();
    for definition in manifests::definitions().unwrap() {
        let name = format!("{}.yaml", definition.name_any());
        let file = std::fs::read_to_string(directory.join(&name)).unwrap_or_default();
        // Not assert_eq: nobody wants both files in full.
        assert!(
            file == passcode_operator::cli::to_yaml(&definition).unwrap(),
            "crds/{name} is not up to date; {regenerate}"
        );
        expected.push(name);
    }
    for entry in std::fs::read_dir(&directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(expected.contains(&name), "crds/{name} is not a definition of the operator: remove it");
    }
}
