//! Names, labels and annotations.

use super::*;

#[test]
fn a_name_that_is_refused_is_told_with_the_one_to_write() {
    let letters = "in lower-case letters, digits, - and ., beginning and ending with a letter or a digit";
    for (field, name, said) in [
        ("name", "INC0012", "\"INC0012\" has upper-case letters: write it in lower case: inc0012".to_owned()),
        ("name", "INC_0012", format!("write \"INC_0012\" {letters}, such as inc-0012")),
        ("name", "inc 12/", format!("write \"inc 12/\" {letters}, such as inc-12")),
        ("name", "..", format!("write \"..\" {letters}")),
        ("name", "", "is empty".to_owned()),
        ("generateName", "INC-", "\"INC-\" has upper-case letters: write it in lower case: inc-".to_owned()),
        (
            "generateName",
            "INC_",
            "write \"INC_\" in lower-case letters, digits, - and ., beginning with a letter or a digit, such as inc-"
                .to_owned(),
        ),
        (
            "namespace",
            "help.desk",
            "write \"help.desk\" in lower-case letters, digits and -, beginning and ending with a letter or a digit, such as help-desk"
                .to_owned(),
        ),
    ] {
        let mut object = with(reset(), "metadata", json!({"name": "inc1"}));
        if field == "generateName" {
            object["metadata"] = json!({});
        }
        object["metadata"][field] = name.into();
        let (lines, refused) = manifest(&object);
        assert!(refused);
        assert_eq!(lines, [format!("m.json:document 1: metadata.{field}: {said}")]);
    }
}

#[test]
fn labels_and_annotations_are_judged_too() {
    let letters = "in letters, digits, -, _ and ., beginning and ending with a letter or a digit";
    let prefix = "the part of the key before the /, as a domain in lower case, such as example.com, or leave it out together with the /";
    let long = "b".repeat(64);
    let label = |key: &str, value: &str| json!({"name": "inc1", "labels": {key: value}});
    let annotation = |key: &str, value: &str| json!({"name": "inc1", "annotations": {key: value}});
    for (metadata, said) in [
        (
            label("a", "INC 1"),
            format!("labels.a: write the value \"INC 1\" {letters}, such as INC-1. An annotation takes any text"),
        ),
        (label("a", "--"), format!("labels.a: write the value \"--\" {letters}. An annotation takes any text")),
        (
            label("a", &long),
            "labels.a: the value has 64 characters, more than 63. An annotation takes any text".to_owned(),
        ),
        (label("a b", ""), format!("labels.a b: write \"a b\", the key, {letters}, such as a-b")),
        (label(&long, ""), format!("labels.{long}: the key has 64 characters, more than 63")),
        (
            label("a/b/c", ""),
            format!("labels.a/b/c: write \"b/c\", the part behind the / of the key, {letters}, such as b-c"),
        ),
        (label("A/b", ""), format!("labels.A/b: write \"A\", {prefix}")),
        (label("/b", ""), format!("labels./b: write \"\", {prefix}")),
        (
            annotation("Desk/Who asked", "Ana"),
            format!(
                "annotations.Desk/Who asked: write \"Who asked\", the part behind the / of the key, {letters}, such as Who-asked"
            ),
        ),
        (annotation("a_b/c", ""), format!("annotations.a_b/c: write \"a_b\", {prefix}")),
        (annotation("a", &"x".repeat(262_144)), "annotations: have 262145 bytes together, more than 262144".to_owned()),
    ] {
        let (lines, refused) = manifest(&with(reset(), "metadata", metadata));
        assert!(refused);
        assert_eq!(lines, [format!("m.json:document 1: metadata.{said}")]);
    }
    for metadata in [
        label("a.B_c-1", &"b".repeat(63)),
        label("example.com/a", ""),
        annotation("Example.com/a.B", "any text\n at all ✓"),
        annotation("a", &"x".repeat(262_143)),
    ] {
        assert!(!manifest(&with(reset(), "metadata", metadata)).1);
    }
}
