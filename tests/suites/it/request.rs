//! `passcode-operator request` as people call it: what it prints, and what it refuses to print.

use std::process::{Command, Output, Stdio};

const GUID: &str = "705c034c-034c-705c-4c03-5c704c035c70";

fn request(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
    program.env_clear().arg("request").args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn what_the_api_server_would_refuse_is_not_printed() {
    let long = "x".repeat(65);
    let serial =
        "--serial-number: write the serial number in printable ASCII characters, without a space before or behind it";
    for (arguments, said) in [
        (vec!["--imei", "12"], "--imei: write the IMEI as 14 to 17 digits, without spaces or dashes"),
        (vec!["--serial-number", " C02X "], serial),
        (vec!["--serial-number", ""], serial),
        (vec!["--serial-number", &long], "--serial-number: has 65 characters, more than 64"),
        (vec!["--managed-device-id", "x"], "--managed-device-id: write managedDeviceId as a GUID"),
        (vec!["--azure-ad-device-id", "x"], "--azure-ad-device-id: write azureADDeviceId as a GUID"),
        (vec!["--user-principal-name", "ana"], "--user-principal-name: write userPrincipalName as name@domain"),
        (vec!["--user-principal-name", "a@b", "--device-name", " "], "--device-name: write deviceName as Intune shows"),
        (vec!["--user-principal-name", "a@b", "--operating-system", ""], "--operating-system: is empty"),
        (vec!["--serial-number", "X", "--name", "INC0012"], "--name: \"INC0012\" has upper-case letters: write it in"),
        (vec!["--serial-number", "X", "--name", &long], "metadata.name is too long: use at most 63 characters"),
        (vec!["--serial-number", "X", "-n", "Help Desk"], "--namespace: write \"Help Desk\" in lower-case letters"),
        (vec!["--serial-number", "X", "--tenant", "Contoso"], "--tenant: write tenantRef.name as an object's name"),
        (vec!["--serial-number", "X", "--justification", ""], "--justification: is empty"),
    ] {
        let output = request(&arguments);
        let printed = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{arguments:?}: {printed}");
        assert!(printed.contains(said), "{arguments:?}: {printed}");
    }
}

#[test]
fn what_looks_like_a_number_is_printed_as_text() {
    for (arguments, line) in [
        (vec!["--imei", "353012345678901"], "    imei: \"353012345678901\"\n"),
        (vec!["--managed-device-id", GUID, "--name", "12"], "  name: \"12\"\n"),
    ] {
        let output = request(&arguments);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && printed.contains(line), "{printed}");
    }
}

/// As with `| head`: nobody reads to the end, and that is no error.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
    let child = program.env_clear().arg("crds").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
