//! `passcode-operator run` as people call it: what it does not begin with.

use std::process::Command;

#[test]
fn what_is_no_origin_cannot_be_allowed() {
    let said =
        "--allowed-endpoint (ALLOWED_ENDPOINTS): \"http://graph.test\" is not an https origin: write scheme, host";
    for (arguments, environment) in [
        (vec!["--allowed-endpoint", "https://a.test", "--allowed-endpoint", "http://graph.test"], ""),
        (vec![], " https://a.test  http://graph.test "),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
        let program = program.env_clear().env("ALLOWED_ENDPOINTS", environment).arg("run").args(&arguments);
        let output = program.output().unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{arguments:?}: {printed}");
        assert!(printed.contains(said), "{arguments:?}: {printed}");
    }
}

/// An empty variable allows nothing, and stops nothing: what is missing then is a cluster.
#[test]
fn an_empty_variable_is_no_mistake() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
    let output = program.env_clear().env("ALLOWED_ENDPOINTS", "").arg("run").output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && printed.contains("no cluster"), "{printed}");
}
