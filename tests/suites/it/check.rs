//! `passcode-operator check` as a pipeline calls it: the program itself, its exit codes and its standard input.

mod admission;
mod base;
mod output;
mod repository;
mod samples;

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const IPHONE: &str = r#"{"id": "1", "operatingSystem": "iOS", "osVersion": "17.5.1", "deviceType": "iPhone", "isSupervised": true,
    "managementAgent": "mdm", "managementState": "managed", "managedDeviceOwnerType": "company", "serialNumber": "F9FXK0ABCDEF"}"#;

fn program(arguments: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
    // Nothing around it may matter.
    program.env_clear().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    // A usage error ends it before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The exit code of `check`, and what it printed.
pub fn check(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let output = program(&[&["check"], arguments].concat(), input);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn reset() -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset", "metadata": {"name": "inc1"},
        "spec": {"device": {"serialNumber": "F9FXK0ABCDEF"}, "requestTime": "2026-11-22T09:00:00Z"},
    })
}

#[test]
fn nothing_wrong_is_0() {
    let valid = (Some(0), "-:document 1: PasscodeReset inc1 is valid\n".to_owned());
    assert_eq!(check(&["-f", "-"], &reset().to_string()), valid);
    let (code, printed) = check(&["--device", "-"], IPHONE);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("UnlockDevice would be sent"), "{printed}");
}

/// A pipe that nobody writes into would hold a pipeline forever, and a device has no end.
#[test]
fn only_regular_files_of_a_bounded_size_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(path("pipe.yaml")).status().unwrap().success());
    std::fs::File::create(path("large.yaml")).unwrap().set_len((16 << 20) + 1).unwrap();
    let whole = directory.path().to_str().unwrap();
    for (file, said) in [
        (
            path("pipe.yaml").as_str(),
            "pipe.yaml: it is no regular file: give what comes out of it on standard input, as -",
        ),
        ("/dev/zero", "/dev/zero: it is no regular file"),
        (&path("large.yaml"), "large.yaml: it is larger than 16 MiB: divide it into several files"),
        (whole, "pipe.yaml: it is no regular file"),
        (whole, "large.yaml: it is larger than 16 MiB"),
    ] {
        let output = program(&["check", "-f", file], "");
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        assert!(output.status.code() == Some(2) && printed.contains(said), "{file}: {printed}");
        let output = program(&["check", "--device", file], "");
        assert_eq!(output.status.code(), Some(2), "{file}");
    }
    let (code, printed) = check(&["-f", "-"], &" ".repeat((16 << 20) + 1));
    assert!(code == Some(2) && printed.contains("-: it is larger than 16 MiB"), "{printed}");
}

#[test]
fn what_the_program_prints_itself_is_valid() {
    for arguments in [
        vec!["matrix"],
        vec!["matrix", "intune-2020-07"],
        vec!["request", "--serial-number", "F9FXK0ABCDEF"],
        vec!["request", "--name", "inc1", "--user-principal-name", "a@b", "--operating-system", "iOS", "--dry-run"],
        vec!["crds"],
    ] {
        let printed = program(&arguments, "");
        assert!(printed.status.success(), "{arguments:?}");
        let (code, found) = check(&["-f", "-"], &String::from_utf8(printed.stdout).unwrap());
        assert_eq!(code, Some(0), "{arguments:?}: {found}");
    }
}

#[test]
fn what_is_refused_is_1() {
    let mut late = reset();
    late["spec"]["expirationTime"] = "2026-11-22T08:00:00Z".into();
    let two = format!("{}\n---\n{late}", reset());
    let (code, printed) = check(&["-f", "-"], &two);
    assert_eq!(code, Some(1));
    assert!(
        printed.ends_with("-:document 2: spec.expirationTime: expirationTime must be after requestTime\n"),
        "{printed}"
    );
    assert_eq!(check(&["--device", "-", "--action", "ResetDevicePin"], IPHONE).0, Some(1));
}

/// A pipeline that has lost what it was to check must not be green.
#[test]
fn nothing_at_all_is_1() {
    assert_eq!(check(&["-f", "-"], ""), (Some(1), "-: there is no manifest in it\n".to_owned()));
}

#[test]
fn what_cannot_be_read_is_2() {
    let missing = "/no/such/file";
    for (arguments, input) in [
        (vec!["-f", missing], String::new()),
        (vec!["-f", missing, "-"], reset().to_string()),
        // It weighs more than what is refused beside it.
        (vec!["-f", "-", missing], "{}".to_owned()),
        (vec!["--device", missing], String::new()),
        (vec!["--device", "-", "--matrix", missing], IPHONE.to_owned()),
    ] {
        let (code, printed) = check(&arguments, &input);
        assert_eq!(code, Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains("/no/such/file: ") && printed.contains("cannot read it"), "{printed}");
    }
}

#[test]
fn a_line_that_cannot_be_meant_is_2() {
    for arguments in [
        vec![],
        vec!["--matrix", "intune"],
        vec!["-f", "-", "--action", "UnlockDevice"],
        vec!["--base", "main"],
        vec!["-f", "-", "--now", "2026-11-22T09:00:00Z"],
        vec!["-f", "-", "--output", "xml"],
        vec!["--device", "-", "--action", "Wipe"],
        vec!["--nonsense"],
        // Standard input can be read once.
        vec!["-f", "-", "--device", "-"],
        vec!["--device", "-", "--matrix", "-"],
    ] {
        assert_eq!(check(&arguments, ""), (Some(2), String::new()), "{arguments:?}");
    }
}
