//! The campaign starts this program; a test that names it makes cargo build it.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn it_has_the_variants_that_the_campaign_plays_to() {
    let output = Command::new(env!("CARGO_BIN_EXE_peer-kube-rs")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for variant in ["none", "resume", "leave"] {
        assert!(help.contains(variant), "{variant}: {help}");
    }
}
