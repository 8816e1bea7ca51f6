//! Which files and documents are judged.

use std::path::Path;

use super::*;

#[test]
fn one_bad_document_hides_no_other() {
    let text = format!(
        "# ours\n---\n{}\n--- # broken\n{{a: \n---\nkind: ConfigMap\napiVersion: v1\n---\n{}\n---\n",
        reset(),
        json!({"kind": "List", "apiVersion": "v1", "items": [tenant(), {}]}),
    );
    let (lines, refused) = run(&[("a.yaml", &text), ("b.yaml", "")], &["-f", "a.yaml", "nowhere.yaml", "b.yaml"]);
    assert!(refused);
    for (line, wanted) in lines.iter().zip([
        "a.yaml:document 1: PasscodeReset inc1 is valid",
        "a.yaml:document 2: this is neither YAML nor JSON",
        "a.yaml:document 3: skipped: ConfigMap is no kind of passcode-operator.dev",
        "a.yaml:document 4: items[0]: IntuneTenant default is valid",
        "a.yaml:document 4: items[1]: this is no Kubernetes object",
        "nowhere.yaml: cannot read it",
        "b.yaml: there is no manifest in it",
    ]) {
        assert!(line.starts_with(wanted), "{line}");
    }
    assert_eq!(lines.len(), 7, "{lines:#?}");
}

#[test]
fn a_file_without_a_manifest_is_refused() {
    for text in ["", "\n", "# only a comment\n---\n---\n", r#"{"apiVersion": "v1", "kind": "List", "items": []}"#] {
        let found = run(&[("m.yaml", text)], &["-f", "m.yaml"]);
        assert_eq!(found, (vec!["m.yaml: there is no manifest in it".to_owned()], true), "{text:?}");
    }
}

#[test]
fn two_documents_without_a_line_between_them() {
    let one = "apiVersion: passcode-operator.dev/v1alpha1\nkind: PasscodeReset\n";
    let (lines, refused) = run(&[("m.yaml", &format!("kind: A\napiVersion: v1\n---\n{one}{one}"))], &["-f", "m.yaml"]);
    assert!(refused);
    let said = "apiVersion stands twice, the second time in line 6: write it once, or separate two documents by a line with ---";
    assert_eq!(lines[1], format!("m.yaml:document 2: {said}"));
}

#[test]
fn what_cannot_be_read_is_told_with_the_line_of_the_file() {
    let (lines, _) = run(&[("m.yaml", "kind: A\napiVersion: v1\n---\na: 1\nb: [\n")], &["-f", "m.yaml"]);
    assert!(lines[1].starts_with("m.yaml:document 2: this is neither YAML nor JSON: "), "{lines:?}");
    assert!(lines[1].contains(" at line 5, "), "{lines:?}");
}

#[test]
fn a_template_is_told_to_be_rendered_first() {
    let hint = ". A template has to be rendered first, as by helm template";
    let found = |text: &str| run(&[("m.yaml", text)], &["-f", "m.yaml"]).0;
    assert!(found("metadata:\n  name: {{ .Values.name }}\n")[0].ends_with(hint));
    assert!(!found("metadata: [")[0].contains(hint));
}

#[test]
fn what_is_no_utf_8_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.yaml");
    std::fs::write(&file, b"\xff\xfek\0i\0").unwrap();
    let (lines, refused) = run(&[], &["-f", file.to_str().unwrap()]);
    assert!(
        lines[0].ends_with("m.yaml: cannot read it, because it is not UTF-8: save it in that encoding") && !refused,
        "{lines:?}"
    );
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What is found in a directory: the lines, without its path, and whether something is refused.
fn check_directory(directory: &Path) -> (Vec<String>, bool) {
    let place = directory.display().to_string();
    let (lines, refused) = run(&[], &["-f", &place]);
    (lines.iter().map(|line| line.replace(&place, "")).collect(), refused)
}

#[test]
fn a_directory_stands_for_all_below_it() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write(directory, "resets/notes.md", "no manifest");
    write(directory, "resets/kustomization.yaml", "resources: [a.yml]");
    write(directory, "chart/Chart.yaml", "apiVersion: v2\nname: desk\nversion: 1.0.0");
    write(directory, ".github/workflows/check.yaml", "on: pull_request");
    let (lines, refused) = check_directory(directory);
    assert!(refused && lines[0].contains("there is no manifest in it"), "{lines:?}");

    write(directory, "resets/2026-11/b.yaml", &reset().to_string());
    write(directory, "resets/a.yml", &with(reset(), "metadata.name", json!("inc2")).to_string());
    write(directory, "tenant.json", &tenant().to_string());
    let valid = [
        "/resets/2026-11/b.yaml:document 1: PasscodeReset inc1 is valid",
        "/resets/a.yml:document 1: PasscodeReset inc2 is valid",
        "/tenant.json:document 1: IntuneTenant default is valid",
    ];
    assert_eq!(check_directory(directory), (valid.map(str::to_owned).to_vec(), false));
}

/// A chart's values and other tools' settings lie beside manifests.
#[test]
fn in_a_directory_what_is_no_object_is_passed_over_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write(directory, "chart/values.yaml", "replicas: 2\n---\n[]\n");
    write(directory, "package.json", r#"{"name": "resets"}"#);
    let (lines, refused) = check_directory(directory);
    assert!(refused && lines[1].starts_with(": there is no manifest in it"), "{lines:?}");

    write(directory, "a.yaml", &reset().to_string());
    let counted =
        ": documents with neither apiVersion nor kind, passed over: 3 (the first: /chart/values.yaml:document 1)";
    let valid = "/a.yaml:document 1: PasscodeReset inc1 is valid";
    assert_eq!(check_directory(directory), (vec![counted.to_owned(), valid.to_owned()], false));

    // What may have been meant as one is judged, and so is what is named itself.
    write(directory, "b.yaml", "Kind: PasscodeReset\nspec: {}\n");
    write(directory, "c.yaml", r#"{"apiVersion": "v1", "kind": "List", "items": [{}]}"#);
    write(directory, "d.yaml", "a: [");
    let (lines, refused) = check_directory(directory);
    assert!(refused && lines[2].starts_with("/b.yaml:document 1: this is no Kubernetes object"), "{lines:?}");
    assert!(lines[3].starts_with("/c.yaml:document 1: items[0]: this is no Kubernetes object"), "{lines:?}");
    assert!(lines[4].starts_with("/d.yaml:document 1: this is neither YAML nor JSON"), "{lines:?}");
    let (lines, refused) = run(&[], &["-f", directory.join("package.json").to_str().unwrap()]);
    assert!(refused && lines[0].contains("this is no Kubernetes object"), "{lines:?}");
}

/// With kubectl the last one of a name wins without a word, and a reset is lost.
#[test]
fn what_is_written_twice_is_refused() {
    let elsewhere = with(reset(), "metadata.namespace", json!("other"));
    let mut unnamed = reset();
    unnamed["metadata"] = json!({"generateName": "inc-"});
    let once = format!("{}\n---\n{elsewhere}\n---\n{}\n---\n{unnamed}\n---\n{unnamed}", reset(), tenant());
    let (lines, refused) = run(&[("once.yaml", &once)], &["-f", "once.yaml"]);
    assert!(!refused, "{lines:?}");

    let mut named = unnamed;
    named["metadata"]["name"] = "inc-x7k2p".into();
    let (_, refused) = run(&[("twice.yaml", &format!("{named}\n---\n{named}"))], &["-f", "twice.yaml"]);
    assert!(refused, "that the API server made the name up makes it no other object");

    let files =
        [("one.json", reset().to_string()), ("two.json", with(reset(), "spec.dryRun", json!(true)).to_string())];
    let (lines, refused) =
        run(&[(files[0].0, &files[0].1), (files[1].0, &files[1].1)], &["-f", "one.json", "two.json"]);
    assert!(refused, "{lines:?}");
    let sentence = "two.json:document 1: PasscodeReset helpdesk/inc1 is written twice, and only one of them would count: \
                    rename one. The other is one.json:document 1";
    assert_eq!(lines.last().unwrap(), sentence);
}
