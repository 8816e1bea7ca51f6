//! Where the programs and the samples are.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

/// The directory with the programs; built first where they are missing, which takes minutes.
pub async fn directory() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gitops/build.sh");
    let output =
        Command::new("bash").arg(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(output.status.success(), "{} failed", script.display());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// A file of the samples.
pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples/gitops").join(path)
}
