//! Where etcd, kube-apiserver and kubectl are, and how any `build.sh` is asked for what it keeps.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The directory that holds them.
pub(crate) async fn directory() -> Result<PathBuf> {
    find_or_build(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/build.sh"))).await
}

/// Asks a `build.sh`, the only place that knows where its programs are kept, and which builds them when they are missing.
///
/// Its progress lines go to this process's standard error, because a first build of several silent minutes looks like a hang.
///
/// # Errors
/// If they cannot be built.
pub async fn find_or_build(script: &Path) -> Result<PathBuf> {
    let name = script.display();
    let mut command = Command::new("bash");
    let output = command.arg(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
    let output = output.with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed ({})", output.status);
    let text = String::from_utf8(output.stdout).with_context(|| format!("{name} printed a path that is not UTF-8"))?;
    let last = text.lines().last().with_context(|| format!("{name} printed no path"))?;
    Ok(PathBuf::from(last))
}
